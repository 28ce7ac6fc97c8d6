"""Draw what may come after a state, for those who plan ahead.

What a planner knows is what a policy may know: the subtask at hand and the rest of its prompt, the links as they
are known, the harvest, and what choices have brought about. From there on chance is drawn anew from the
environment's own laws: fields, importance, gaps, harvest and links on levels as chains that go on from where
they are, hidden quality from what was last seen of it and how long ago, links of the paper and lots independently.

Two things are simpler than they are. Links that come from a world stay as they are known, since where everybody
goes cannot be read off them. Scores and words are their means, as `Outlook` has them for `mean`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from net4moe.environment.chances import Chain, LinkLevels, Moment, Subtask, Tape
from net4moe.environment.tapes import Radio, chain_index, level_radio, subtask_rows
from net4moe.network.snr import SnrConfig

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int, Key

    from net4moe.environment.selection import ExpertSelection, State

__all__ = ["draw_future"]


def draw_future(selection: ExpertSelection, state: State, key: Key[Array, ""]) -> Tape:
    """Draw a tape that agrees with what is known in a state, from its choice on.

    What comes before that choice is of no meaning.
    """
    key_subtasks, key_moments = jax.random.split(key)
    return state.tape._replace(
        subtasks=_subtasks(selection, state, key_subtasks), moments=_moments(selection, state, key_moments)
    )


def _subtasks(selection: ExpertSelection, state: State, key: Key[Array, ""]) -> Subtask:
    """Keep the prompt at hand and draw others after it."""
    real = state.tape.subtasks
    place = jnp.arange(selection.num_steps)
    if selection.rules.num_steps is not None:
        ends = real.last & (place >= state.subtask_index)
        end = jnp.where(jnp.any(ends), jnp.argmax(ends), selection.num_steps)
        drawn = _prompts(selection, state, key)
        drawn = jax.tree.map(lambda leaf: leaf[jnp.maximum(place - end - 1, 0)], drawn)
        known = place <= end
        real = jax.tree.map(lambda kept, new: jnp.where(_like(known, kept), kept, new), real, drawn)
    return real._replace(score=real.mean_score, words=real.mean_words)


def _prompts(selection: ExpertSelection, state: State, key: Key[Array, ""]) -> Subtask:
    """Draw the prompts that come after the one at hand."""
    real, shelf, chances = state.tape.subtasks, selection.shelf, selection.chances
    key_prompt, key_field, key_importance = jax.random.split(key, 3)
    num_steps, num_prompts = selection.num_steps, shelf.field_index.shape[0]
    place = jnp.arange(num_steps)
    if chances.field_stay is None:
        prompts = jax.random.randint(key_prompt, (num_steps,), 0, num_prompts)
    else:
        begins = (real.prompt_share_left == 1.0) & (place <= state.subtask_index)
        field = real.field_index[num_steps - 1 - jnp.argmax(begins[::-1])]
        chain = Chain(values=tuple(range(selection.num_fields)), stay=chances.field_stay)
        variants = num_prompts // selection.num_fields
        variant = jax.random.randint(key_prompt, (num_steps,), 0, variants)
        prompts = _path(chain, key_field, field, num_steps + 1)[1:] * variants + variant
    ends = jnp.cumsum(shelf.num_subtasks[prompts])
    number = jnp.minimum(jnp.sum(ends[:, None] <= place, axis=0), num_steps - 1)
    first = jnp.where(number > 0, ends[number - 1], 0)
    at_hand = jnp.minimum(state.subtask_index, num_steps - 1)
    weight = _nearest(chances.importance.values, real.importance[at_hand])
    weights = _path(chances.importance, key_importance, weight, num_steps + 1)[1 + number]
    importance = jnp.asarray(chances.importance.values, jnp.float32)[weights]
    return subtask_rows(shelf, prompts[number], place - first, importance)


def _moments(selection: ExpertSelection, state: State, key: Key[Array, ""]) -> Moment:
    """Keep the moment at hand as far as it is known, and draw those after it."""
    chances, num_steps = selection.chances, selection.num_steps
    now = selection.at_hand(state)[1]
    key_fresh, key_gap, key_harvest, key_shift, key_radio = jax.random.split(key, 5)
    fresh = selection.tape(key_fresh).moments

    def chain(values: Chain, key: Key[Array, ""], value: Any) -> Float[Array, " T"]:
        path = _path(values, key, _nearest(values.values, value), num_steps)
        return jnp.asarray(values.values, jnp.float32)[path]

    drawn = fresh._replace(
        gap_s=chain(chances.gap_s, key_gap, now.gap_s),
        harvest_share=chain(chances.harvest_share, key_harvest, now.harvest_share),
        quality_shift=_quality_shift(selection, state, key_shift),
        **_radio(selection, now, fresh, key_radio)._asdict(),
    )
    later = jnp.maximum(jnp.arange(num_steps) - state.step_index, 0)
    return jax.tree.map(lambda leaf: leaf[later], drawn)


def _quality_shift(selection: ExpertSelection, state: State, key: Key[Array, ""]) -> Float[Array, "T N"]:
    """Draw hidden quality, given what was last seen of each device; its law after `age` choices is exact."""
    chain, situation = selection.chances.quality_shift, state.situation
    count = len(chain.values)
    if count == 1:
        return jnp.zeros((selection.num_steps, selection.num_devices)) + chain.values[0]
    key_now, key_path = jax.random.split(key)
    fading = ((count * chain.stay_probability - 1.0) / (count - 1)) ** situation.age
    seen = (situation.age < selection.rules.greatest_age) & (selection.rules.evidence_weight > 0)
    last = jax.nn.one_hot(_nearest(chain.values, situation.surprise), count)
    share = 1.0 / count + (last - 1.0 / count) * jnp.where(seen, fading, 0.0)[:, None]
    now = jax.random.categorical(key_now, jnp.log(jnp.maximum(share, 1e-9)), axis=-1)
    shift = jnp.asarray(chain.values, jnp.float32)[_path(chain, key_path, now, selection.num_steps)]
    return jnp.where(selection.fleet.local, 0.0, shift)


def _radio(selection: ExpertSelection, now: Moment, fresh: Moment, key: Key[Array, ""]) -> Radio:
    """Draw links from what is known of them; the first of them is the link at hand."""
    config = selection.chances.radio
    if isinstance(config, LinkLevels):
        stale, fleet = selection.chances.stale_links, selection.fleet
        every = jnp.broadcast_to(
            jnp.arange(len(config.snr_db))[:, None], (len(config.snr_db), len(fleet.local))
        )
        like = level_radio(fleet, config, every, every, stale=stale)
        away = jnp.abs(now.known_snr_db - like.known_snr_db) + jnp.abs(now.known_loss - like.known_loss)
        path = _path(config.chain, key, jnp.argmin(away, axis=0), selection.num_steps + 1)
        return level_radio(fleet, config, path[1:] if stale else path[:-1], path[:-1], stale=stale)
    known = now._replace(s_per_bit=now.known_s_per_bit, loss=now.known_loss)
    links = Radio(*(getattr(known, name) for name in Radio._fields))
    follows = Radio(*(getattr(fresh, name) for name in Radio._fields))
    if not isinstance(config, SnrConfig):
        return jax.tree.map(lambda leaf, like: jnp.broadcast_to(leaf, like.shape), links, follows)
    return jax.tree.map(lambda leaf, like: like.at[0].set(leaf), links, follows)


def _path(
    chain: Chain, key: Key[Array, ""], now: Int[Array, "*shape"], num_steps: int
) -> Int[Array, "*steps"]:
    """Draw a chain that begins at an index: its steps do not depend on where it stands, so that it is shifted."""
    drawn = chain_index(chain, key, (num_steps, *now.shape))
    return (drawn - drawn[0] + now) % len(chain.values)


def _nearest(values: tuple[float, ...], value: Float[Array, "*shape"]) -> Int[Array, "*shape"]:
    return jnp.argmin(jnp.abs(value[..., None] - jnp.asarray(values, jnp.float32)), axis=-1)


def _like(known: Any, leaf: Any) -> Any:
    return known.reshape(known.shape + (1,) * (leaf.ndim - 1))
