"""What time and work do to devices: backlog, charge, heat, and the expert in memory.

    rested(hardware, state, seconds)        time passes
    worked(hardware, state, chosen, ...)    work is placed, and its seconds and joules are known

Every formula is the exact solution over the whole step, so two half steps are one step.

Work is placed at the end of a queue. Its energy is set aside at once, so that work which begins is finished; its
heat is given off while it runs. How fast it runs follows from the temperature at which it will begin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from net4moe.network.arrays import check, namespace

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    from net4moe.network.hardware import Hardware

__all__ = [
    "Charge",
    "DeviceState",
    "Work",
    "generation_energy_j",
    "generation_time_s",
    "initial_state",
    "load_time_s",
    "next_backlog_s",
    "next_charge",
    "next_temperature_c",
    "rested",
    "speed_share",
    "up_probability",
    "worked",
]


class DeviceState(NamedTuple):
    """What work and time change about devices.

    Attributes:
      backlog_s: time until all work placed so far is done, seconds.
      backlog_j: heat that this work will still give off, J.
      charge_j: energy in the battery that is not set aside, J; infinite on mains.
      temperature_c: temperature, degrees Celsius.
      resident: index of the expert in memory once the backlog is done; -1 for none.
    """

    backlog_s: Float[Any, " N"]
    backlog_j: Float[Any, " N"]
    charge_j: Float[Any, " N"]
    temperature_c: Float[Any, " N"]
    resident: Int[Any, " N"]


class Charge(NamedTuple):
    """What became of a battery: before + harvested = after + used + spilled.

    Attributes:
      charge_j: energy in it after the step, J.
      used_j: energy drawn, J; less than wanted where it ran empty.
      spilled_j: energy harvested in vain since it was full, J.
    """

    charge_j: Float[Any, "*N"]
    used_j: Float[Any, "*N"]
    spilled_j: Float[Any, "*N"]


class Work(NamedTuple):
    """What a piece of work takes; nothing where it was not placed or not accepted.

    Attributes:
      seconds: time until it is done: waiting, loading, reading and writing.
      joules: energy of reading and writing, J.
      completed: whether the device accepted it.
    """

    seconds: Float[Any, " N"]
    joules: Float[Any, " N"]
    completed: Bool[Any, " N"]


def generation_time_s(
    tokens: Float[Any, "*N"],
    prompt_tokens: Float[Any, "*N"],
    tokens_per_s: Float[Any, "*N"],
    prompt_tokens_per_s: Float[Any, "*N"],
) -> Float[Any, "*N"]:
    """Compute how long reading a prompt and writing tokens takes at full speed, seconds."""
    return tokens / tokens_per_s + prompt_tokens / prompt_tokens_per_s


def generation_energy_j(
    tokens: Float[Any, "*N"],
    prompt_tokens: Float[Any, "*N"],
    joules_per_token: Float[Any, "*N"],
    joules_per_prompt_token: Float[Any, "*N"],
) -> Float[Any, "*N"]:
    """Compute what reading a prompt and writing tokens spends, J; the same when throttled."""
    return tokens * joules_per_token + prompt_tokens * joules_per_prompt_token


def load_time_s(
    resident: Int[Any, "*N"], expert_index: Int[Any, "*N"] | int, load_s: Float[Any, "*N"]
) -> Float[Any, "*N"]:
    """Compute how long an expert takes to load, seconds; 0 where it is in memory already."""
    return namespace(resident, load_s).where(resident == expert_index, 0.0, load_s)


def speed_share(
    temperature_c: Float[Any, "*N"],
    throttle_c: Float[Any, "*N"],
    shutdown_c: Float[Any, "*N"],
    least_speed_share: Float[Any, "*N"],
) -> Float[Any, "*N"]:
    """Compute which share of its speed a hot device keeps.

    1 up to `throttle_c`, from there on a straight line to `least_speed_share` at `shutdown_c`, and no less.
    The line is ours; governors of real devices step along it.
    """
    excess = (temperature_c - throttle_c) / (shutdown_c - throttle_c)
    return 1.0 - (1.0 - least_speed_share) * namespace(excess).clip(excess, 0.0, 1.0)


def next_temperature_c(
    temperature_c: Float[Any, "*N"],
    power_w: Float[Any, "*N"],
    seconds: Float[Any, "*N"],
    ambient_c: Float[Any, "*N"],
    heat_resistance_k_per_w: Float[Any, "*N"],
    heat_time_constant_s: Float[Any, "*N"],
) -> Float[Any, "*N"]:
    """Compute the temperature after a time of constant power.

        T' = T_end + (T - T_end) exp(-t / tau)        T_end = ambient + R P

    The exact solution of one heat resistance and one heat capacity tau / R.
    """
    xp = namespace(temperature_c, power_w, seconds, heat_time_constant_s)
    end_c = ambient_c + heat_resistance_k_per_w * power_w
    return end_c + (temperature_c - end_c) * xp.exp(-seconds / heat_time_constant_s)


def next_charge(
    charge_j: Float[Any, "*N"],
    harvested_j: Float[Any, "*N"],
    wanted_j: Float[Any, "*N"],
    battery_j: Float[Any, "*N"],
) -> Charge:
    """Compute a battery's charge after constant harvest and constant draw.

        c' = clip(c + harvested - wanted, 0, battery)

    Args:
      charge_j: energy in it, J; infinite on mains.
      harvested_j: energy harvested in the step, J.
      wanted_j: energy that would be drawn in the step, J.
      battery_j: energy of the full battery, J; infinite on mains.
    """
    xp = namespace(charge_j, harvested_j, wanted_j, battery_j)
    mains = xp.isinf(battery_j)
    most_j = xp.where(mains, 0.0, battery_j)
    total_j = xp.where(mains, 0.0, charge_j) + harvested_j - wanted_j
    return Charge(
        charge_j=xp.where(mains, battery_j, xp.clip(total_j, 0.0, most_j)),
        used_j=wanted_j + xp.where(mains, 0.0, xp.minimum(total_j, 0.0)),
        spilled_j=xp.where(mains, harvested_j, xp.maximum(total_j - most_j, 0.0)),
    )


def next_backlog_s(
    backlog_s: Float[Any, "*N"], work_s: Float[Any, "*N"], seconds: Float[Any, "*N"]
) -> Float[Any, "*N"]:
    """Compute the backlog that is left when a time has passed since work was added.

        b' = max(b + work - t, 0)

    Lindley's recursion (1952): the waiting time of the next arrival.
    """
    return namespace(backlog_s, work_s, seconds).maximum(backlog_s + work_s - seconds, 0.0)


def up_probability(
    up: Bool[Any, "*N"],
    seconds: Float[Any, "*N"],
    mean_up_s: Float[Any, "*N"],
    mean_down_s: Float[Any, "*N"],
) -> Float[Any, "*N"]:
    """Compute the probability that a device is there after a time.

        P = s + (1{up} - s) exp(-t (1 / up + 1 / down))        s = 1 / (1 + down / up)

    The exact transition of the two-state Markov chain whose times there and away are exponential.

    Args:
      up: whether it is there now.
      seconds: time that passes, seconds.
      mean_up_s: mean time there, seconds; may be infinite.
      mean_down_s: mean time away, seconds; where it is 0, a device is always there.
    """
    xp = namespace(up, seconds, mean_up_s, mean_down_s)
    away = mean_down_s > 0
    down_s = xp.where(away, mean_down_s, 1.0)
    stationary = 1.0 / (1.0 + down_s / mean_up_s)
    memory = xp.exp(-(seconds / mean_up_s + seconds / down_s))
    return xp.where(away, stationary + (xp.where(up, 1.0, 0.0) - stationary) * memory, 1.0)


def initial_state(hardware: Hardware, resident: Int[Any, " N"]) -> DeviceState:
    """Begin with nothing to do, full batteries and cold devices.

    Args:
      hardware: the devices.
      resident: index of the expert in each one's memory; -1 for none.
    """
    nothing = 0.0 * hardware.ambient_c
    return DeviceState(nothing, nothing, hardware.battery_j, hardware.ambient_c, resident)


def rested(
    hardware: Hardware,
    state: DeviceState,
    seconds: Float[Any, "*N"] | float,
    harvest_share: Float[Any, "*N"] | float = 1.0,
) -> DeviceState:
    """Let time pass: work is worked off, heat comes and goes, batteries drain and fill.

    Args:
      hardware: the devices.
      state: before.
      seconds: time that passes, seconds, at least 0.
      harvest_share: share of `harvest_w` that there is to harvest, as of sunlight.
    """
    check("seconds", seconds, least=0.0)
    check("harvest_share", harvest_share, least=0.0)
    xp = namespace(seconds, *state)
    busy_s = xp.minimum(state.backlog_s, seconds)
    hot_c = _cooled(hardware, state.temperature_c, _busy_w(state), busy_s)
    backlog_s = next_backlog_s(state.backlog_s, 0.0, seconds)
    return DeviceState(
        backlog_s=backlog_s,
        backlog_j=_busy_w(state) * backlog_s,
        charge_j=next_charge(
            state.charge_j,
            hardware.harvest_w * harvest_share * seconds,
            hardware.idle_w * seconds,
            hardware.battery_j,
        ).charge_j,
        temperature_c=_cooled(hardware, hot_c, 0.0, seconds - busy_s),
        resident=state.resident,
    )


def worked(
    hardware: Hardware,
    state: DeviceState,
    chosen: Bool[Any, " N"],
    tokens: Float[Any, "*N"] | float,
    prompt_tokens: Float[Any, "*N"] | float,
    expert_index: Int[Any, "*N"] | int,
) -> tuple[DeviceState, Work]:
    """Place work on devices.

    A device refuses work for which its charge does not suffice, or before which it would be as hot as
    `shutdown_c`.

    Args:
      hardware: the devices.
      state: before.
      chosen: where work is placed.
      tokens: tokens to write.
      prompt_tokens: tokens to read first.
      expert_index: index of the expert that shall work.

    Returns:
      The state after, at the same time, and what the work takes.
    """
    check("tokens", tokens, least=0.0)
    check("prompt_tokens", prompt_tokens, least=0.0)
    xp = namespace(chosen, *state)
    begin_c = _cooled(hardware, state.temperature_c, _busy_w(state), state.backlog_s)
    speed = speed_share(begin_c, hardware.throttle_c, hardware.shutdown_c, hardware.least_speed_share)
    busy_s = generation_time_s(tokens, prompt_tokens, hardware.tokens_per_s, hardware.prompt_tokens_per_s)
    busy_s = busy_s / speed + load_time_s(state.resident, expert_index, hardware.load_s)
    joules = generation_energy_j(
        tokens, prompt_tokens, hardware.joules_per_token, hardware.joules_per_prompt_token
    )
    completed = chosen & (joules <= state.charge_j) & (begin_c < hardware.shutdown_c)
    busy_s, joules = xp.where(completed, busy_s, 0.0), xp.where(completed, joules, 0.0)
    after = DeviceState(
        backlog_s=state.backlog_s + busy_s,
        backlog_j=state.backlog_j + joules,
        charge_j=state.charge_j - joules,
        temperature_c=state.temperature_c,
        resident=xp.where(completed, expert_index, state.resident),
    )
    seconds = xp.where(completed, after.backlog_s, 0.0)
    return after, Work(seconds=seconds, joules=joules, completed=completed)


def _busy_w(state: DeviceState) -> Any:
    """Compute the mean power of the work that waits."""
    xp = namespace(*state)
    waiting = state.backlog_s > 0
    return xp.where(waiting, state.backlog_j, 0.0) / xp.where(waiting, state.backlog_s, 1.0)


def _cooled(hardware: Hardware, temperature_c: Any, power_w: Any, seconds: Any) -> Any:
    """Compute the temperature of devices after a time of constant power."""
    return next_temperature_c(
        temperature_c,
        power_w,
        seconds,
        hardware.ambient_c,
        hardware.heat_resistance_k_per_w,
        hardware.heat_time_constant_s,
    )
