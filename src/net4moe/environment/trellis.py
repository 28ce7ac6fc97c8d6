"""Bounds that follow one index or two along a tape: who served last, where passages lie, how much time is left.

Viterbi's recursion (1967), IEEE Transactions on Information Theory 13(2), from the last choice to the first:

    V_t(i) = max over n of r_t(i, n) + p_t(i, n) V_{t+1}(n) + (1 - p_t(i, n)) V_{t+1}(i)

where p is the probability that the passage arrives. What else choices bring about (queues, charge, heat, experts
in memory, a shared band) is taken at its best, and where a device could refuse it may be refused, so that nothing
is lost by that: the values are upper bounds, and exact where there is nothing else.

`told` says what is known besides the whole course of links, subtasks, harvests and hidden quality:

- `real`: scores, words and lots too. The bound is the prophet's: no plan earns more on the tape.
- `mean`: nothing. Scores, words and lots then do not depend on what is chosen before, so that only their means
  count. The mean over tapes bounds every policy that does not know them, as far as `Outlook.mean_reward` is the
  mean given what is observed: exactly where words come as assessed and links are as known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp

from net4moe.environment.dynamics import Situation, allowed, first_situation, outlook

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int

    from net4moe.environment.chances import Moment, Subtask, Tape
    from net4moe.environment.dynamics import Game
    from net4moe.environment.selection import ExpertSelection
    from net4moe.network.device_state import DeviceState

__all__ = ["Prospect", "Told", "best_situation", "no_memory", "prospect", "retries", "trellis"]

Told: TypeAlias = Literal["real", "mean"]
"""What a bound knows of scores, words and lots."""


class Prospect(NamedTuple):
    """What each device brings at one choice.

    Attributes:
      rewards: reward units; minus infinity where it may not be chosen.
      chance: probability that the passage arrives; 0 or 1 for one who knows.
      accepted: whether the device takes the work.
      delay_s: seconds until the passage is there.
      alone_s: seconds over its own link, if nobody else sent.
      joules: energy of reading and writing.
      devices: the devices' state if each of them took the work.
    """

    rewards: Float[Array, " N"]
    chance: Float[Array, " N"]
    accepted: Bool[Array, " N"]
    delay_s: Float[Array, " N"]
    alone_s: Float[Array, " N"]
    joules: Float[Array, " N"]
    devices: DeviceState


def prospect(game: Game, situation: Situation, subtask: Subtask, moment: Moment, told: Told) -> Prospect:
    """Compute what each device brings in a situation, to one who is told more than a policy.

    Hidden quality is told to both kinds: a policy that remembers may find it out.
    """
    expected = outlook(game, situation, subtask, moment, told="expected")
    may = allowed(game, situation, subtask, moment, expected)
    if told == "real":
        seen = outlook(game, situation, subtask, moment, told="real")
        rewards, chance = seen.reward, jnp.where(seen.arrives, 1.0, 0.0)
    else:
        subtask = subtask._replace(mean_score=subtask.mean_score + moment.quality_shift)
        situation = situation._replace(surprise=jnp.zeros_like(situation.surprise))
        seen = outlook(game, situation, subtask, moment, told="mean")
        rewards, chance = seen.mean_reward, seen.chance
    rewards = jnp.where(may, rewards, -jnp.inf)
    return Prospect(rewards, chance, seen.accepted, seen.delay_s, seen.alone_s, seen.joules, seen.devices)


def trellis(selection: ExpertSelection, tapes: Tape, *, told: Told = "real") -> Float[Array, " B"]:
    """Bound what can be earned on each tape, with handover and the place of passages as they are.

    Exact, as the prophet's, where these are all that a choice changes. The places of N devices take N^2 steps for
    each choice; N^3 where both handover costs and passages stay.

    Args:
      selection: the environment, without a deadline.
      tapes: what chance decides, a batch.
      told: what is known of scores, words and lots.

    Returns:
      Reward units.

    Raises:
      ValueError: there is a deadline.
    """
    if _has_deadline(selection):
        message = "`trellis` needs an environment without a deadline: use `retries`."
        raise ValueError(message)
    return _bounded(
        selection, tapes, told, bool(selection.reward_config.switching_cost), selection.rules.chained
    )


def no_memory(selection: ExpertSelection, tapes: Tape, *, told: Told = "real") -> Float[Array, " B"]:
    """Bound what can be earned on each tape by making each choice in the best situation there could be.

    Idle, charged, cool, with the right expert in memory, without handover, earlier passages in place, nobody else
    on the air, and all the time there is. With a deadline it is `retries`.

    Args:
      selection: the environment.
      tapes: what chance decides, a batch.
      told: what is known of scores, words and lots.

    Returns:
      Reward units.
    """
    if _has_deadline(selection):
        return retries(selection, tapes, told=told, num_levels=1)
    return _bounded(selection, tapes, told, False, False)


def retries(
    selection: ExpertSelection, tapes: Tape, *, told: Told = "real", num_levels: int = 64
) -> Float[Array, " B"]:
    """Bound what can be earned on each tape where what is lost is tried again while time is left.

    Follows the subtask at hand and the time left, which is rounded up to a few levels. Since more time is not
    always better for those who must try again, one may give up instead, at the cost of failing.

    Args:
      selection: the environment, with a deadline.
      tapes: what chance decides, a batch.
      told: what is known of scores, words and lots.
      num_levels: levels of the time left.

    Returns:
      Reward units.

    Raises:
      ValueError: there is no deadline.
    """
    if not _has_deadline(selection):
        message = "`retries` needs an environment with a deadline: nothing is tried again without one."
        raise ValueError(message)
    return _all_retried(selection, tapes, told, num_levels)


def best_situation(selection: ExpertSelection, subtask: Subtask) -> Situation:
    """Describe devices as one would wish them for a subtask."""
    situation = first_situation(selection.game)
    if not selection.rules.loads_experts:
        return situation
    resident = jnp.full_like(situation.devices.resident, 0) + subtask.field_index
    return situation._replace(devices=situation.devices._replace(resident=resident))


@eqx.filter_jit
def _bounded(
    selection: ExpertSelection, tapes: Tape, told: Told, servers_count: bool, holders_count: bool
) -> Float[Array, " B"]:
    return jax.vmap(lambda tape: _followed(selection, tape, told, servers_count, holders_count))(tapes)


@eqx.filter_jit
def _all_retried(selection: ExpertSelection, tapes: Tape, told: Told, num_levels: int) -> Float[Array, " B"]:
    return jax.lax.map(lambda tape: _retried(selection, tape, told, num_levels), tapes)


def _followed(
    selection: ExpertSelection, tape: Tape, told: Told, servers_count: bool, holders_count: bool
) -> Float[Array, ""]:
    """Follow who served last and where passages lie along one tape, from the end; the first is nobody, nowhere."""
    devices, indices = jnp.arange(selection.num_devices), jnp.arange(-1, selection.num_devices)
    num_holders = indices.shape[0] if holders_count else 1
    num_servers = indices.shape[0] if servers_count else 1
    serving, holder = (
        jnp.repeat(indices[:num_servers], num_holders),
        jnp.tile(indices[:num_holders], num_servers),
    )

    def place_of(server: Int[Array, "I N"], keeper: Int[Array, "I N"]) -> Int[Array, "I N"]:
        return (server + 1) * servers_count * num_holders + (keeper + 1) * holders_count

    def choose(values: Float[Array, " I"], t: Int[Array, ""]) -> tuple[Float[Array, " I"], None]:
        subtask, moment = jax.tree.map(lambda leaf: leaf[t], (tape.subtasks, tape.moments))
        base = best_situation(selection, subtask)

        def at(server: Int[Array, ""], keeper: Int[Array, ""]) -> Prospect:
            return prospect(
                selection.game, base._replace(serving=server, holder=keeper), subtask, moment, told
            )

        seen = jax.vmap(at)(serving, holder)
        server = jnp.broadcast_to(devices, seen.rewards.shape)
        kept = jnp.broadcast_to(jnp.where(subtask.last, -1, holder)[:, None], server.shape)
        moved = jnp.where(subtask.last, -1, server)
        stays, goes = values[place_of(server, kept)], values[place_of(server, moved)]
        best = jnp.max(seen.rewards + stays + seen.chance * (goes - stays), axis=-1)
        if selection.rules.devices_change:
            refused = -selection.reward_config.failure_cost + jnp.max(stays, axis=-1)
            best = jnp.maximum(best, refused)
        return jnp.where(t < tape.num_choices, best, values), None

    nothing = jnp.zeros(serving.shape[0])
    return jax.lax.scan(choose, nothing, jnp.arange(selection.num_steps), reverse=True)[0][0]


def _retried(selection: ExpertSelection, tape: Tape, told: Told, num_levels: int) -> Float[Array, ""]:
    """Follow the subtask at hand and the time left along one tape, from the end."""
    num_steps, game = selection.num_steps, selection.game
    deadline_s, failure_cost = selection.rules.deadline_s, selection.reward_config.failure_cost
    levels_s = deadline_s * jnp.arange(1, num_levels + 1) / num_levels

    def choose(values: Float[Array, "J L"], t: Int[Array, ""]) -> tuple[Float[Array, "J L"], None]:
        moment = jax.tree.map(lambda leaf: leaf[t], tape.moments)

        def best(j: Int[Array, ""], slack_s: Float[Array, ""]) -> Float[Array, ""]:
            subtask = jax.tree.map(lambda leaf: leaf[j], tape.subtasks)
            situation = best_situation(selection, subtask)._replace(slack_s=slack_s)
            seen = prospect(game, situation, subtask, moment, told)
            left = jnp.ceil((slack_s - seen.delay_s) / deadline_s * num_levels - 1e-4)
            again = seen.accepted & (seen.delay_s < slack_s)
            after = values[j + 1, -1]
            tried = values[j, jnp.clip(left.astype(jnp.int32) - 1, 0, num_levels - 1)]
            lost = jnp.where(again, jnp.maximum(tried, after - failure_cost), after)
            total = jnp.max(seen.rewards + seen.chance * after + (1.0 - seen.chance) * lost)
            if selection.rules.devices_change:
                level = jnp.round(slack_s / deadline_s * num_levels).astype(jnp.int32) - 1
                total = jnp.maximum(total, values[j, level] - failure_cost)
            return total

        table = jax.vmap(jax.vmap(best, in_axes=(None, 0)), in_axes=(0, None))(
            jnp.arange(num_steps), levels_s
        )
        table = jnp.concatenate([table, jnp.zeros((1, num_levels))])
        return jnp.where(t < tape.num_choices, table, values), None

    nothing = jnp.zeros((num_steps + 1, num_levels))
    return jax.lax.scan(choose, nothing, jnp.arange(num_steps), reverse=True)[0][0, -1]


def _has_deadline(selection: ExpertSelection) -> bool:
    return selection.rules.deadline_s < float("inf")
