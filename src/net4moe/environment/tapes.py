"""Draw the tape of an episode: which subtasks come, and what the world is like at each choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment.chances import Chain, Chances, LinkLevels, Moment, Subtask, Tape
from net4moe.environment.observation import Following, following
from net4moe.network.delivery import deliver
from net4moe.network.links import Links, links
from net4moe.network.radio.link_arrays import link_block_error
from net4moe.network.radio.rates import shannon_rate_bps
from net4moe.network.snr import SnrConfig, snr_db_from_uniform
from net4moe.network.world import draw_world
from net4moe.units import db_to_linear

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int, Key

    from net4moe.environment.outcomes import Expectations, Outcomes
    from net4moe.environment.rules import Rules
    from net4moe.network.fleet import Fleet

__all__ = [
    "Library",
    "Radio",
    "chain_index",
    "draw_tape",
    "level_radio",
    "library",
    "subtask_rows",
    "transition",
]

_LEAST_UNIFORM = 1e-7
_BY_DEVICE = (
    "expected_score",
    "next_score",
    "rest_score",
    "expected_words",
    "mean_score",
    "mean_words",
    "units",
    "scored",
    "score",
    "words",
)


class Library(NamedTuple):
    """The prompts that can be played, laid out so that one look-up finds all of a subtask.

    Attributes:
      rows: the columns of `_BY_DEVICE`, each N wide, one after the other.
      field_index: field of each subtask.
      num_subtasks: subtasks of each prompt.
    """

    rows: Float[Any, "P S K"]
    field_index: Int[Any, "P S"]
    num_subtasks: Int[Any, " P"]


class Radio(NamedTuple):
    """What the links are like at each choice; see `Moment`."""

    known_snr_db: Float[Any, "*steps N"]
    known_s_per_bit: Float[Any, "*steps N"]
    known_loss: Float[Any, "*steps N"]
    s_per_bit: Float[Any, "*steps N"]
    loss: Float[Any, "*steps N"]
    latency_s: Float[Any, "*steps N"]
    available: Bool[Any, "*steps N"]


def library(outcomes: Outcomes, expectations: Expectations, population: Expectations) -> Library:
    """Lay out prompts with what is expected of each device and what it gives on average."""
    field = outcomes.field_index
    promised = expectations.score[field]
    columns = {
        "expected_score": promised,
        **following(promised, outcomes.subtask_mask)._asdict(),
        "expected_words": expectations.words_ratio[field] * outcomes.expected_words,
        "mean_score": population.score[field],
        "mean_words": population.words_ratio[field] * outcomes.expected_words,
        "units": outcomes.units,
        "scored": outcomes.scored,
        "score": outcomes.score,
        "words": outcomes.words,
    }
    rows = np.concatenate([np.asarray(columns[name], np.float32) for name in _BY_DEVICE], axis=-1)
    return Library(
        rows=rows,
        field_index=np.asarray(field, np.int32),
        num_subtasks=np.sum(outcomes.subtask_mask, axis=-1).astype(np.int32),
    )


def subtask_rows(
    shelf: Library,
    prompt_index: Int[Array, "*steps"],
    subtask_index: Int[Array, "*steps"],
    importance: Float[Array, "*steps"],
) -> Subtask:
    """Look up subtasks by their places."""
    rows = shelf.rows[prompt_index, subtask_index]
    parts: dict[str, Any] = dict(zip(_BY_DEVICE, jnp.split(rows, len(_BY_DEVICE), axis=-1), strict=True))
    count = shelf.num_subtasks[prompt_index]
    return Subtask(
        field_index=shelf.field_index[prompt_index, subtask_index],
        importance=importance,
        prompt_share_left=(count - subtask_index) / count,
        last=subtask_index == count - 1,
        later=Following(parts.pop("next_score"), parts.pop("rest_score")),
        scored=parts.pop("scored") > 0,
        **parts,
    )


def draw_tape(
    shelf: Library,
    num_fields: int,
    fleet: Fleet,
    rules: Rules,
    chances: Chances,
    key: Key[Array, ""],
    episode: Int[Array, ""] | int,
) -> Tape:
    """Draw all that chance decides in one episode."""
    num_steps = rules.num_steps or shelf.rows.shape[1]
    keys = iter(jax.random.split(key, 10))
    prompt_index, subtask_index, number = _drawn_prompts(shelf, num_fields, rules, chances, next(keys))
    importance = _drawn(chances.importance, next(keys), (num_steps,))[number]
    gap_s = _drawn(chances.gap_s, next(keys), (num_steps,)).at[0].set(0.0)
    shift = _drawn(chances.quality_shift, next(keys), (num_steps, fleet.local.shape[-1]))
    shift = jnp.where(fleet.local, 0.0, shift)
    moments = Moment(
        gap_s=gap_s,
        harvest_share=_drawn(chances.harvest_share, next(keys), (num_steps,)),
        quality_shift=shift,
        lot=_lots(chances, next(keys), num_steps),
        rounding=_lots(chances, next(keys), num_steps),
        uniform=jax.random.uniform(next(keys), (num_steps,), minval=_LEAST_UNIFORM),
        **_drawn_radio(fleet, chances, next(keys), jnp.cumsum(gap_s))._asdict(),
    )
    choices = shelf.num_subtasks[prompt_index[0]] if rules.num_steps is None else num_steps
    return Tape(
        episode=jnp.asarray(episode, jnp.int32),
        num_choices=jnp.asarray(choices, jnp.int32),
        subtasks=subtask_rows(shelf, prompt_index, subtask_index, importance),
        moments=moments,
    )


def chain_index(chain: Chain, key: Key[Array, ""], shape: tuple[int, ...]) -> Int[Array, "*shape"]:
    """Draw the path of a chain along the first axis, as indices of its values; other axes are independent."""
    num_values = len(chain.values)
    if num_values == 1:
        return jnp.zeros(shape, jnp.int32)
    uniform = jax.random.uniform(key, shape)
    first = jnp.floor(uniform[:1] * num_values).astype(jnp.int32)
    stay = chain.stay_probability
    if stay == 1.0:
        return jnp.broadcast_to(first, shape)
    jump = 1.0 + jnp.floor((uniform[1:] - stay) / (1.0 - stay) * (num_values - 1))
    steps = jnp.where(uniform[1:] < stay, 0.0, jump).astype(jnp.int32)
    return jnp.concatenate([first, first + jnp.cumsum(steps, axis=0)]) % num_values


def level_radio(
    fleet: Fleet,
    config: LinkLevels,
    level: Int[Array, "*steps N"],
    known: Int[Array, "*steps N"],
    *,
    stale: bool,
) -> Radio:
    """Read what links are like from their levels, and from those that are known.

    Args:
      fleet: the devices.
      config: what each level is like.
      level: level of each link.
      known: level of each link as it is known, by which the rate is chosen.
      stale: whether that is the level at the choice before, so that the loss is foretold.
    """
    snr_db, outage = (jnp.asarray(one, jnp.float32) for one in (config.snr_db, config.outage))
    foretold = jnp.asarray(transition(config.chain) @ np.array(config.outage), jnp.float32)
    nothing = jnp.zeros(level.shape)
    return Radio(
        known_snr_db=snr_db[known],
        known_s_per_bit=_shannon_s_per_bit(fleet, snr_db[known]),
        known_loss=(foretold if stale else outage)[known],
        s_per_bit=_shannon_s_per_bit(fleet, snr_db[known]),
        loss=outage[level],
        latency_s=nothing + config.latency_s,
        available=nothing == 0,
    )


def transition(chain: Chain) -> Float[np.ndarray, "K K"]:
    """Write down the probabilities of the next value, one row for each value."""
    count = len(chain.values)
    if count == 1:
        return np.ones((1, 1))
    change = (1.0 - chain.stay_probability) / (count - 1)
    return np.full((count, count), change) + np.eye(count) * (chain.stay_probability - change)


def _drawn(chain: Chain, key: Key[Array, ""], shape: tuple[int, ...]) -> Float[Array, "*shape"]:
    values = jnp.asarray(chain.values, jnp.float32)
    if len(chain.values) == 1:
        return jnp.full(shape, values[0])
    return values[chain_index(chain, key, shape)]


def _lots(chances: Chances, key: Key[Array, ""], num_steps: int) -> Float[Array, " T"]:
    uniform = jax.random.uniform(key, (num_steps,), minval=_LEAST_UNIFORM)
    if not chances.num_lots:
        return uniform
    return (jnp.floor(uniform * chances.num_lots) + 0.5) / chances.num_lots


def _drawn_prompts(
    shelf: Library, num_fields: int, rules: Rules, chances: Chances, key: Key[Array, ""]
) -> tuple[Int[Array, " T"], Int[Array, " T"], Int[Array, " T"]]:
    """Draw prompts: prompt, subtask and running number of the prompt, for each subtask in turn."""
    key_field, key_prompt = jax.random.split(key)
    num_prompts, longest = shelf.field_index.shape
    num_steps = rules.num_steps or longest
    place = jnp.arange(num_steps, dtype=jnp.int32)
    if rules.num_steps is None:
        prompt = jax.random.randint(key_prompt, (), 0, num_prompts)
        return jnp.broadcast_to(prompt, (num_steps,)), place, jnp.zeros_like(place)
    if chances.field_stay is None:
        prompts = jax.random.randint(key_prompt, (num_steps,), 0, num_prompts)
    else:
        chain = Chain(values=tuple(range(num_fields)), stay=chances.field_stay)
        variants = num_prompts // num_fields
        variant = jax.random.randint(key_prompt, (num_steps,), 0, variants)
        prompts = chain_index(chain, key_field, (num_steps,)) * variants + variant
    if longest == 1:
        return prompts, jnp.zeros_like(place), place
    ends = jnp.cumsum(shelf.num_subtasks[prompts])
    number = jnp.sum(ends[:, None] <= place, axis=0).astype(jnp.int32)
    begins = jnp.where(number > 0, ends[number - 1], 0)
    return prompts[number], place - begins, number


def _drawn_radio(fleet: Fleet, chances: Chances, key: Key[Array, ""], time_s: Float[Array, " T"]) -> Radio:
    shape = (time_s.shape[0], fleet.local.shape[-1])
    config = chances.radio
    if isinstance(config, LinkLevels):
        path = chain_index(config.chain, key, (shape[0] + 1, shape[1]))
        known, stale = path[:-1] if chances.stale_links else path[1:], chances.stale_links
        return level_radio(fleet, config, path[1:], known, stale=stale)
    if isinstance(config, SnrConfig):
        snr_db = snr_db_from_uniform(config, jax.random.uniform(key, shape, minval=_LEAST_UNIFORM))
        nothing = jnp.zeros(shape)
        s_per_bit = _shannon_s_per_bit(fleet, snr_db)
        return Radio(snr_db, s_per_bit, nothing, s_per_bit, nothing, nothing, nothing == 0)
    world = draw_world(fleet, key, config)

    def at(known: Links, time_s: Float[Array, ""]) -> tuple[Links, Radio]:
        now = links(fleet, world, time_s)
        return now, _as_radio(fleet, now, known if chances.stale_links else now)

    return jax.lax.scan(at, links(fleet, world, time_s[0]), time_s)[1]


def _as_radio(fleet: Fleet, now: Links, known: Links) -> Radio:
    """Read what links are like; senders choose their rates by what is known."""
    known_s_per_bit, known_loss = _sent_bit(fleet, known)
    s_per_bit, loss = known_s_per_bit, known_loss
    if known is not now:
        rate_bps = jnp.where(now.available, known.rate_bps, 0.0)
        block_error = link_block_error(fleet.link, now.snr_db, rate_bps)
        s_per_bit, loss = _sent_bit(fleet, now._replace(rate_bps=rate_bps, block_error=block_error))
    radio = Radio(
        known_snr_db=known.snr_db,
        known_s_per_bit=known_s_per_bit,
        known_loss=known_loss,
        s_per_bit=s_per_bit,
        loss=loss,
        latency_s=fleet.link.latency_s + now.propagation_s,
        available=now.available,
    )
    return jax.tree.map(lambda leaf: leaf if leaf.dtype == jnp.bool_ else leaf.astype(jnp.float32), radio)


def _sent_bit(fleet: Fleet, now: Links) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
    """Compute the seconds that a bit takes and the probability of losing a passage."""
    sent = deliver(
        1.0,
        rate_bps=now.rate_bps,
        block_error=now.block_error,
        max_transmissions=fleet.link.max_transmissions,
        latency_s=0.0,
        duty_cycle=fleet.link.duty_cycle,
        sender_w=fleet.link.sender_w,
        receiver_w=fleet.link.receiver_w,
        local=fleet.local,
    )
    return sent.seconds, sent.outage


def _shannon_s_per_bit(fleet: Fleet, snr_db: Float[Array, "*steps N"]) -> Float[Array, "*steps N"]:
    return 1.0 / shannon_rate_bps(db_to_linear(snr_db), fleet.bandwidth_hz)
