"""Bound what can be earned on a tape by letting each device plan for itself, at prices for the subtasks.

That each subtask goes to exactly one device is all that ties devices to each other. Dropped, and paid for by a
price l_t for each subtask, it leaves one small problem per device (Lagrangian relaxation; for such systems
Hawkins 2003 and Adelman and Mersereau 2008, Operations Research 56(3)):

    bound(l) = sum over t of l_t + sum over n of max over plans x of sum over t of (r_tn(state) - l_t) x_t

It holds for any prices; they are improved by subgradients: a subtask that several devices want becomes dearer.

A device's state is its backlog, its charge and its expert in memory, on a grid: backlog is rounded down and
charge up, devices stay cool, and work may be refused at the cost of failing. Each of these can only add to what is
earned. Handover, the place of passages and the shared band cost nothing here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment.dynamics import Game, Situation, first_situation
from net4moe.environment.trellis import prospect
from net4moe.network.device_state import DeviceState, rested

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int

    from net4moe.environment.chances import Moment, Subtask, Tape
    from net4moe.environment.selection import ExpertSelection
    from net4moe.environment.trellis import Told

__all__ = ["decomposed"]

_BACKLOG_LEVELS, _CHARGE_LEVELS = 96, 192
_LEVELS_TOGETHER = 16, 96
_LONG_S = 60.0
_FIRST_STEP, _LAST_STEP = 1.0, 0.01


class _Grid(NamedTuple):
    """The states of each device, K of them: steps of backlog, steps of charge, expert in memory.

    Attributes:
      steps: number of steps of backlog and of charge, and the expert, of each state.
      backlog_step_s: one step of backlog.
      charge_step_j: one step of charge; infinite on mains.
      sizes: how many of each.
    """

    steps: tuple[Int[np.ndarray, " K"], Int[np.ndarray, " K"], Int[np.ndarray, " K"]]
    backlog_step_s: Float[Array, " N"]
    charge_step_j: Float[Array, " N"]
    sizes: tuple[int, int, int]


class _Stages(NamedTuple):
    """What each device earns at each choice in each state, and to which states working and resting lead."""

    rewards: Float[Array, "T K N"]
    worked: Int[Array, "T K N"]
    idle: Int[Array, "T K N"]
    live: Bool[Array, " T"]


def decomposed(
    selection: ExpertSelection, tapes: Tape, *, told: Told = "real", num_rounds: int = 60
) -> Float[Array, " B"]:
    """Bound what can be earned on each tape with queues, charge and experts in memory.

    Args:
      selection: the environment, without a deadline.
      tapes: what chance decides, a batch.
      told: what is known of scores, words and lots; see `trellis`.
      num_rounds: rounds in which prices are improved, at least 1; more are tighter.

    Returns:
      Reward units.

    Raises:
      ValueError: there is a deadline, so that which subtask comes depends on all devices; or no rounds.
    """
    if math.isfinite(selection.rules.deadline_s):
        message = "`decomposed` needs an environment without a deadline: use `retries`."
        raise ValueError(message)
    if num_rounds < 1:
        message = f"`num_rounds` must be at least 1, got {num_rounds}."
        raise ValueError(message)
    return _decomposed(selection, tapes, told, num_rounds, _sizes(selection))


def _sizes(selection: ExpertSelection) -> tuple[int, int, int]:
    """Count the levels of backlog and charge and the experts in memory that make a difference."""
    rules = selection.rules
    if not rules.devices_change:
        return 1, 1, 1
    waits = bool(selection.reward_config.delay_cost_per_s) or math.isfinite(rules.greatest_backlog_s)
    drains = bool(np.isfinite(np.asarray(selection.fleet.hardware.battery_j)).any())
    levels = _LEVELS_TOGETHER if waits and drains else (_BACKLOG_LEVELS, _CHARGE_LEVELS)
    residents = selection.expectations.score.shape[0] + 1 if rules.loads_experts else 1
    return levels[0] if waits else 1, levels[1] if drains else 1, residents


@eqx.filter_jit
def _decomposed(
    selection: ExpertSelection, tapes: Tape, told: Told, num_rounds: int, sizes: tuple[int, int, int]
) -> Float[Array, " B"]:
    hardware = selection.fleet.hardware
    cool = hardware._replace(heat_resistance_k_per_w=jnp.zeros_like(hardware.heat_resistance_k_per_w))
    game = selection.game._replace(fleet=selection.fleet._replace(hardware=cool))
    first = first_situation(game)
    index = np.unravel_index(np.arange(math.prod(sizes)), sizes)

    def bound(tape: Tape) -> Float[Array, ""]:
        grid = _Grid(
            steps=tuple(np.asarray(column, np.int32) for column in index),  # type: ignore[arg-type]
            backlog_step_s=_greatest_backlog_s(game, first, tape, told) / max(sizes[0] - 1, 1),
            charge_step_j=hardware.battery_j / max(sizes[1] - 1, 1),
            sizes=sizes,
        )
        stages = _stages(game, first, tape, grid, told)
        return _priced(stages, _place(grid, first.devices), selection.reward_config.failure_cost, num_rounds)

    return jax.lax.map(bound, tapes)


def _greatest_backlog_s(game: Game, first: Situation, tape: Tape, told: Told) -> Float[Array, " N"]:
    """Compute up to which backlog the grid reaches; what is above it is taken for that much."""
    stranger = first._replace(
        devices=first.devices._replace(resident=jnp.full_like(first.devices.resident, -1))
    )

    def work_s(subtask: Subtask, moment: Moment) -> Float[Array, " N"]:
        return prospect(game, stranger, subtask, moment, told).devices.backlog_s

    longest_s = jnp.max(jax.vmap(work_s)(tape.subtasks, tape.moments), axis=0)
    return min(game.rules.greatest_backlog_s, _LONG_S) + jnp.maximum(longest_s, 1e-3)


def _place(grid: _Grid, devices: DeviceState) -> Int[Array, "*batch N"]:
    """Find the state of each device: backlog rounded down, charge rounded up."""
    waits, charges, residents = grid.sizes
    backlog = jnp.floor(devices.backlog_s / grid.backlog_step_s + 1e-4)
    mains = jnp.isinf(grid.charge_step_j)
    charge = jnp.where(
        mains, 0.0, jnp.ceil(devices.charge_j / jnp.where(mains, 1.0, grid.charge_step_j) - 1e-4)
    )
    known = jnp.where(devices.resident < 0, residents - 1, jnp.minimum(devices.resident, residents - 1))
    parts = (backlog, waits), (charge, charges), (known, residents)
    at = [jnp.clip(jnp.nan_to_num(part).astype(jnp.int32), 0, size - 1) for part, size in parts]
    return (at[0] * charges + at[1]) * residents + at[2]


def _stages(game: Game, first: Situation, tape: Tape, grid: _Grid, told: Told) -> _Stages:
    """Let each device work and rest in each state at each choice."""
    backlog, charge, known = (jnp.asarray(column)[:, None] for column in grid.steps)
    mains = jnp.isinf(grid.charge_step_j)
    charge_j = charge * jnp.where(mains, 0.0, grid.charge_step_j)
    full = grid.sizes[1] == 1
    like = jnp.broadcast_to(first.devices.backlog_s, (backlog.shape[0], mains.shape[0]))
    devices = DeviceState(
        backlog_s=like + backlog * grid.backlog_step_s,
        backlog_j=jnp.zeros_like(like),
        charge_j=jnp.where(mains | full, first.devices.charge_j, like + charge_j),
        temperature_c=jnp.zeros_like(like) + first.devices.temperature_c,
        resident=jnp.broadcast_to(
            known if game.rules.loads_experts else first.devices.resident, like.shape
        ).astype(jnp.int32),
    )
    hardware = game.fleet.hardware

    def stage(t: Int[Array, ""]) -> tuple[Float[Array, "K N"], Int[Array, "K N"], Int[Array, "K N"]]:
        subtask, moment = jax.tree.map(lambda leaf: leaf[t], (tape.subtasks, tape.moments))
        later = jnp.minimum(t + 1, tape.num_choices - 1)
        gap_s, harvest_share = tape.moments.gap_s[later], tape.moments.harvest_share[later]

        def rested_place(devices: DeviceState) -> Int[Array, " N"]:
            if not game.rules.devices_change:
                return _place(grid, devices)
            return _place(grid, rested(hardware, devices, gap_s, harvest_share))

        def at(devices: DeviceState) -> tuple[Float[Array, " N"], Int[Array, " N"], Int[Array, " N"]]:
            seen = prospect(game, first._replace(devices=devices), subtask, moment, told)
            after = DeviceState(
                *(jnp.where(seen.accepted, new, old) for new, old in zip(seen.devices, devices, strict=True))
            )
            return seen.rewards, rested_place(after), rested_place(devices)

        return jax.vmap(at)(devices)

    steps = jnp.arange(tape.moments.gap_s.shape[0])
    return _Stages(*jax.lax.map(stage, steps), live=steps < tape.num_choices)


def _priced(
    stages: _Stages, begin: Int[Array, " N"], failure_cost: float, num_rounds: int
) -> Float[Array, ""]:
    """Improve the prices of subtasks and keep the least bound."""
    at_begin = jnp.take_along_axis(stages.rewards, begin[None, None, :], axis=1)[:, 0]
    ranked = jnp.sort(at_begin, axis=-1)
    second = ranked[:, -2] if ranked.shape[-1] > 1 else ranked[:, -1]
    prices = jnp.where(stages.live & jnp.isfinite(second), second, 0.0)
    spread = jnp.where(stages.live & jnp.isfinite(second), ranked[:, -1] - second, 0.0)
    scale = jnp.sum(spread) / jnp.maximum(jnp.sum(stages.live), 1) + 1e-3

    def improve(
        carry: tuple[Float[Array, " T"], Float[Array, ""]], length: Float[Array, ""]
    ) -> tuple[tuple[Float[Array, " T"], Float[Array, ""]], None]:
        prices, least = carry
        bound, wanted = _dual(stages, begin, failure_cost, prices)
        slope = jnp.where(stages.live, 1.0 - wanted, 0.0)
        return (prices - scale * length * slope, jnp.minimum(least, bound)), None

    lengths = jnp.geomspace(_FIRST_STEP, _LAST_STEP, num_rounds)
    return jax.lax.scan(improve, (prices, jnp.asarray(jnp.inf)), lengths)[0][1]


def _dual(
    stages: _Stages, begin: Int[Array, " N"], failure_cost: float, prices: Float[Array, " T"]
) -> tuple[Float[Array, ""], Float[Array, " T"]]:
    """Compute the bound at given prices, and how many devices want each subtask."""

    def back(values: Float[Array, "K N"], stage: tuple[_Stages, Float[Array, ""]]) -> Any:
        now, price = stage
        work = now.rewards - price + jnp.take_along_axis(values, now.worked, axis=0)
        rest = jnp.take_along_axis(values, now.idle, axis=0)
        before = jnp.where(now.live, jnp.maximum(work, rest), values)
        return before, work > rest

    def forth(place: Int[Array, " N"], stage: tuple[_Stages, Bool[Array, "K N"]]) -> Any:
        now, works = stage
        work, worked, idle = (
            jnp.take_along_axis(table, place[None], axis=0)[0] for table in (works, now.worked, now.idle)
        )
        return jnp.where(work, worked, idle), jnp.sum(jnp.where(work & now.live, 1.0, 0.0))

    nothing = jnp.zeros(stages.rewards.shape[1:])
    values, works = jax.lax.scan(back, nothing, (stages, prices), reverse=True)
    wanted = jax.lax.scan(forth, begin, (stages, works))[1]
    failed = -failure_cost - prices
    alone = jnp.sum(jnp.take_along_axis(values, begin[None], axis=0))
    paid = jnp.sum(jnp.where(stages.live, prices + jnp.maximum(failed, 0.0), 0.0))
    return alone + paid, wanted + (failed > 0)
