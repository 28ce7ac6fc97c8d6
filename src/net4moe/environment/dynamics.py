"""One choice and its consequences, for one sample.

    situation, subtask, moment --outlook--> what each device would take and bring
                               --placed--> situation after the choice, reward
    situation, next moment     --arrived--> situation before the next choice

All chance is in the subtask and the moment, so these are plain functions: the simulation plays tapes with them,
and the exact solvers enumerate with the same ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp

from net4moe.environment.observation import Circumstances
from net4moe.network.arrays import kept
from net4moe.network.device_state import (
    DeviceState,
    generation_energy_j,
    initial_state,
    rested,
    speed_share,
    worked,
)

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int

    from net4moe.environment.chances import Moment, Subtask
    from net4moe.environment.reward import RewardConfig
    from net4moe.environment.rules import Rules
    from net4moe.network.fleet import Fleet

__all__ = [
    "Game",
    "Outlook",
    "Situation",
    "allowed",
    "arrived",
    "circumstances",
    "first_situation",
    "outlook",
    "placed",
]


class Game(NamedTuple):
    """What does not change: the devices, the rules and the prices."""

    fleet: Fleet
    rules: Rules
    reward_config: RewardConfig


class Situation(NamedTuple):
    """What choices have brought about.

    Attributes:
      devices: backlog, charge, heat and expert in memory of each device.
      serving: the device that was chosen last; -1 for none, and where going to another costs nothing.
      holder: the device on which the prompt's passages lie; -1 for the user.
      used: devices that write for this prompt.
      num_sending: how many of them send.
      sending_s: seconds that each of those would need alone, added up.
      slack_s: seconds left to the subtask's deadline.
      surprise: what each device gave above its expected score when it was last chosen, points.
      age: choices since then.
    """

    devices: DeviceState
    serving: Int[Array, ""]
    holder: Int[Array, ""]
    used: Bool[Array, " N"]
    num_sending: Float[Array, ""]
    sending_s: Float[Array, ""]
    slack_s: Float[Array, ""]
    surprise: Float[Array, " N"]
    age: Float[Array, " N"]


class Outlook(NamedTuple):
    """What each device would take and bring.

    Attributes:
      mean_reward: reward units, averaged over whether the passage is lost.
      reward: reward units, with the lot that decides it.
      accepted: whether the device takes the work.
      chance: probability that the passage is there in time.
      arrives: whether it is, with the lot that decides it.
      transfer_s: seconds on the air, of all links.
      alone_s: seconds over its own link, if nobody else sent.
      delay_s: seconds until the passage is there, if the device took the work.
      joules: energy of reading and writing, likewise.
      surprise: score above the expected one, points.
      devices: the devices' state if each of them took the work.
    """

    mean_reward: Float[Array, " N"]
    reward: Float[Array, " N"]
    accepted: Bool[Array, " N"]
    chance: Float[Array, " N"]
    arrives: Bool[Array, " N"]
    transfer_s: Float[Array, " N"]
    alone_s: Float[Array, " N"]
    delay_s: Float[Array, " N"]
    joules: Float[Array, " N"]
    surprise: Float[Array, " N"]
    devices: DeviceState


def first_situation(game: Game) -> Situation:
    """Begin: idle, charged, cool devices, each with its own expert, and nothing known of hidden quality."""
    num_devices = game.fleet.local.shape[-1]
    nobody = -jnp.ones((), jnp.int32)
    nothing, none = jnp.zeros(()), jnp.zeros(num_devices)
    return Situation(
        devices=initial_state(game.fleet.hardware, jnp.arange(num_devices, dtype=jnp.int32)),
        serving=nobody,
        holder=nobody,
        used=none > 0,
        num_sending=nothing,
        sending_s=nothing,
        slack_s=nothing + game.rules.deadline_s,
        surprise=none,
        age=none + game.rules.greatest_age,
    )


def outlook(game: Game, situation: Situation, subtask: Subtask, moment: Moment, *, told: str) -> Outlook:
    """Compute what each device would take and bring.

    Args:
      game: the devices, the rules and the prices.
      situation: what choices have brought about.
      subtask: what is to be written.
      moment: the world.
      told: `expected` for what the devices' histories promise, `mean` for what they give on average, `real` for
        what they will give.
    """
    fleet, rules, prices = game
    expected_shift = (
        situation.surprise * rules.quality_memory**situation.age if rules.evidence_weight else 0.0
    )
    if told == "real":
        score, words = subtask.score + moment.quality_shift, subtask.words
        s_per_bit, loss = moment.s_per_bit, moment.loss
    else:
        promised = told == "expected"
        score = (subtask.expected_score if promised else subtask.mean_score) + expected_shift
        words = subtask.expected_words if promised else subtask.mean_words
        s_per_bit, loss = moment.known_s_per_bit, moment.known_loss
    bits = words * prices.bits_per_word
    alone_s = jnp.where(fleet.local, 0.0, moment.latency_s + bits * s_per_bit)
    alone_s = kept(jnp.minimum(alone_s, rules.give_up_s))
    loss = _loss(rules, situation, subtask, jnp.where(fleet.local, 0.0, loss))
    transfer_s = _transfer_s(rules, situation, subtask, alone_s, fleet.local)
    devices, accepted, work_s, joules = _worked(game, situation, subtask, words)
    delay_s = kept(work_s + transfer_s)
    in_time = accepted & (delay_s <= situation.slack_s)
    again = (delay_s < situation.slack_s) & jnp.isfinite(situation.slack_s)
    chance = jnp.where(in_time, 1.0 - loss, 0.0)
    arrives = in_time & (moment.lot >= loss)
    quality = prices.quality_weight * subtask.importance * score
    cost = fleet.compute_cost_per_word * words + prices.transfer_cost_per_s * transfer_s
    cost = cost + prices.delay_cost_per_s * delay_s + prices.energy_cost_per_j * joules
    switches = (situation.serving >= 0) & (jnp.arange(accepted.shape[-1]) != situation.serving)
    cost = cost + prices.switching_cost * switches
    failure = jnp.where(again, 0.0, prices.failure_cost)

    def reward(share: Any) -> Any:
        gained = share * quality - cost - (1.0 - share) * failure
        return jnp.where(accepted, gained, -prices.failure_cost)

    return Outlook(
        mean_reward=reward(chance),
        reward=reward(jnp.where(arrives, 1.0, 0.0)),
        accepted=accepted,
        chance=chance,
        arrives=arrives,
        transfer_s=transfer_s,
        alone_s=alone_s,
        delay_s=delay_s,
        joules=joules,
        surprise=score - subtask.expected_score,
        devices=devices,
    )


def allowed(
    game: Game, situation: Situation, subtask: Subtask, moment: Moment, expected: Outlook
) -> Bool[Array, " N"]:
    """Tell which devices may be chosen.

    Those that are there, over a link that carries something, that expect to take the work, that the judge
    scored, and within their limit of units. The user's own device may always be asked; where it is too hot, too
    busy or too empty the passage fails.
    """
    takes = expected.accepted & moment.available & (expected.alone_s < game.rules.give_up_s)
    takes = takes & ~situation.used
    fits = subtask.scored & (subtask.units <= game.fleet.units_limit)
    return fits & (takes | game.fleet.local)


def placed(
    game: Game, situation: Situation, subtask: Subtask, moment: Moment, action: Int[Array, ""]
) -> tuple[Situation, Float[Array, ""], Bool[Array, ""]]:
    """Place a subtask.

    Returns:
      The situation after it, the reward, and whether the next subtask's turn has come. The reward of a device
      that may not be chosen is NaN, so that the mistake shows.
    """
    rules, action = game.rules, jnp.asarray(action, jnp.int32)
    real = outlook(game, situation, subtask, moment, told="real")
    known = outlook(game, situation, subtask, moment, told="expected")
    chosen = jnp.arange(real.accepted.shape[-1]) == action
    may = jnp.any(chosen & allowed(game, situation, subtask, moment, known))
    reward = jnp.where(may, _pick(chosen, real.reward), jnp.nan)
    arrives, sends = jnp.any(chosen & real.arrives), jnp.any(chosen & ~game.fleet.local)
    slack_s = situation.slack_s - _pick(chosen, real.delay_s)
    again = jnp.any(chosen & real.accepted) & (slack_s > 0) & jnp.isfinite(slack_s)
    done = arrives | ~again
    over = done & subtask.last
    works = chosen & real.accepted
    devices = situation.devices
    if rules.devices_change:
        devices = DeviceState(
            *(jnp.where(works, after, now) for after, now in zip(real.devices, devices, strict=True))
        )
    holder = jnp.where(arrives, action, situation.holder)
    sending = jnp.where(sends & arrives, 1.0, 0.0)
    seen = chosen & real.arrives & ~game.fleet.local  # one's own device holds no surprises
    age = jnp.minimum(jnp.where(seen, 0.0, situation.age) + 1.0, rules.greatest_age)
    after = Situation(
        devices=devices,
        serving=action if game.reward_config.switching_cost else situation.serving,
        holder=jnp.where(over, -1, holder) if rules.chained else situation.holder,
        used=jnp.where(over, False, situation.used | (chosen & ~game.fleet.local))
        if rules.shares_band
        else situation.used,
        num_sending=jnp.where(over, 0.0, situation.num_sending + sending)
        if rules.shares_band
        else situation.num_sending,
        sending_s=jnp.where(over, 0.0, situation.sending_s + sending * _pick(chosen, real.alone_s))
        if rules.shares_band
        else situation.sending_s,
        slack_s=jnp.where(done, rules.deadline_s, slack_s),
        surprise=_learned(rules, situation, real, seen) if rules.evidence_weight else situation.surprise,
        age=age,
    )
    return after, reward, done


def arrived(game: Game, situation: Situation, moment: Moment) -> Situation:
    """Let the time to the next choice pass."""
    if not game.rules.devices_change:
        return situation
    hardware = game.fleet.hardware
    devices = rested(hardware, situation.devices, moment.gap_s, moment.harvest_share)
    step_c = game.rules.temperature_step_c
    if step_c > 0:
        steps = jnp.floor((devices.temperature_c - hardware.ambient_c) / step_c + moment.rounding + 1e-4)
        devices = devices._replace(temperature_c=hardware.ambient_c + step_c * steps)
    return situation._replace(devices=devices)


def circumstances(
    game: Game,
    situation: Situation,
    subtask: Subtask,
    moment: Moment,
    expected: Outlook,
    episode_share_left: Float[Array, ""],
) -> Circumstances:
    """Gather what a policy may know beyond the subtask and the links."""
    hardware, devices = game.fleet.hardware, situation.devices
    num_devices = expected.accepted.shape[-1]
    mains = jnp.isinf(hardware.battery_j)
    battery_j = jnp.where(mains, 1.0, hardware.battery_j)
    wanted = subtask.field_index if game.rules.loads_experts else devices.resident
    same = devices.resident[:, None] == devices.resident
    return Circumstances(
        transfer_s=expected.transfer_s,
        backlog_s=devices.backlog_s,
        delay_s=jnp.where(expected.accepted, expected.delay_s, jnp.inf),
        charge_share=jnp.where(mains, 1.0, devices.charge_j / battery_j),
        charge_needed=jnp.where(mains, 0.0, expected.joules / battery_j),
        temperature_share=(devices.temperature_c - hardware.ambient_c)
        / (hardware.shutdown_c - hardware.ambient_c),
        speed_share=speed_share(
            devices.temperature_c, hardware.throttle_c, hardware.shutdown_c, hardware.least_speed_share
        ),
        resident=devices.resident == wanted,
        copies_share=jnp.mean(jnp.where(same, 1.0, 0.0), axis=-1)
        if game.rules.loads_experts
        else jnp.ones(num_devices),
        serving=jnp.arange(num_devices) == situation.serving,
        holds=jnp.arange(num_devices) == situation.holder,
        loss=jnp.where(game.fleet.local, 0.0, moment.known_loss),
        surprise=situation.surprise,
        age=situation.age,
        harvest_share=jnp.where(hardware.harvest_w > 0, moment.harvest_share, 0.0),
        importance=subtask.importance,
        slack_s=situation.slack_s,
        episode_share_left=episode_share_left,
        num_sending=situation.num_sending,
        sending_s=situation.sending_s,
    )


def _pick(chosen: Any, values: Any) -> Any:
    return jnp.sum(jnp.where(chosen, values, 0.0), axis=-1)


def _transfer_s(rules: Rules, situation: Situation, subtask: Subtask, alone_s: Any, local: Any) -> Any:
    """Add up the seconds on the air that a choice causes."""
    if rules.shares_band:
        slower_s = situation.sending_s + (situation.num_sending + 1.0) * alone_s
        return jnp.where(local, 0.0, slower_s)
    if not rules.chained:
        return alone_s
    holds = jnp.arange(alone_s.shape[-1]) == situation.holder
    fetched_s = _pick(holds, alone_s) + alone_s
    moved_s = jnp.where(holds | (situation.holder < 0), 0.0, fetched_s)
    return moved_s + jnp.where(subtask.last, alone_s, 0.0)


def _loss(rules: Rules, situation: Situation, subtask: Subtask, loss: Any) -> Any:
    """Compute the probability that a passage is lost: in a chain, on each link that it or an earlier one takes."""
    if not rules.chained:
        return loss
    holds = jnp.arange(loss.shape[-1]) == situation.holder
    moved = jnp.where(holds | (situation.holder < 0), 1.0, (1.0 - _pick(holds, loss)) * (1.0 - loss))
    return 1.0 - moved * jnp.where(subtask.last, 1.0 - loss, 1.0)


def _worked(
    game: Game, situation: Situation, subtask: Subtask, words: Any
) -> tuple[DeviceState, Any, Any, Any]:
    """Find the state of each device if it took the work, whether it does, and what that takes."""
    rules, devices = game.rules, situation.devices
    prices = game.reward_config
    if not (
        rules.devices_change
        or prices.delay_cost_per_s
        or prices.energy_cost_per_j
        or rules.deadline_s < float("inf")
    ):
        nothing = jnp.zeros_like(words)
        return devices, nothing >= 0, nothing, nothing
    wanted = subtask.field_index if rules.loads_experts else devices.resident
    after, work = worked(
        game.fleet.hardware,
        devices,
        jnp.ones_like(words, dtype=jnp.bool_),
        words * rules.tokens_per_word,
        rules.prompt_tokens,
        wanted,
    )
    takes = work.completed & (devices.backlog_s <= rules.greatest_backlog_s)
    joules = generation_energy_j(
        words * rules.tokens_per_word,
        rules.prompt_tokens,
        game.fleet.hardware.joules_per_token,
        game.fleet.hardware.joules_per_prompt_token,
    )
    return after, takes, work.seconds, joules


def _learned(rules: Rules, situation: Situation, real: Outlook, seen: Any) -> Any:
    """Weigh what was just seen of the chosen device against what was known."""
    known = situation.surprise * rules.quality_memory**situation.age
    weighed = known + rules.evidence_weight * (real.surprise - known)
    return jnp.where(seen, weighed, situation.surprise)
