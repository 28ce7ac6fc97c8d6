"""Devices that plan for themselves bound what they earn together."""

import re
from dataclasses import replace

import jax
import numpy as np
import pytest

from net4moe.environment.chances import Chain, Chances, LinkLevels
from net4moe.environment.clairvoyant import tape_optimum
from net4moe.environment.decomposition import decomposed
from net4moe.environment.rules import Rules
from net4moe.environment.trellis import no_memory
from tests.solved import tiny, tiny_solved


def test_one_helper_by_hand() -> None:
    """Full, half full, full: the phone fills in at its price, and the bound is the best plan, 3 + 1 + 3."""
    selection = tiny(
        [[1.0, 3.0]],
        [{}, {"tokens_per_j": 40.0, "battery_j": 1.0, "harvest_w": 0.125}],
        rules=Rules(num_steps=3, devices_change=True, tokens_per_word=1.0),
        chances=Chances(
            radio=LinkLevels(snr_db=(15.0,), outage=(0.0,), stay=1.0), gap_s=Chain(values=(4.0,))
        ),
    )
    bound = decomposed(selection, selection.tapes(jax.random.key(0), 1), num_rounds=200)
    np.testing.assert_allclose([7.0], bound, atol=0.02)


@pytest.mark.parametrize("name", ["battery", "residency"])
def test_the_bound_is_close_and_never_below(name: str) -> None:
    """Above the best plan on every tape, within 2 % on average, and closer than what forgets all."""
    selection, _, _ = tiny_solved(name)
    tapes = selection.tapes(jax.random.key(1), 32)
    best = tape_optimum(selection, tapes).total
    bound = np.asarray(decomposed(selection, tapes))
    assert np.all(bound >= best - 1e-3)
    assert bound.mean() <= 1.02 * best.mean()
    assert bound.mean() < np.mean(no_memory(selection, tapes))


def test_any_prices_bound() -> None:
    """The first prices hold already; better ones only lower them."""
    selection, _, _ = tiny_solved("residency")
    tapes = selection.tapes(jax.random.key(2), 16)
    first = np.asarray(decomposed(selection, tapes, num_rounds=1))
    assert np.all(first >= np.asarray(decomposed(selection, tapes, num_rounds=60)) - 1e-3)


def test_devices_that_do_not_change_need_no_memory() -> None:
    """Then each subtask's price is what its best device earns."""
    selection = tiny([[4.0, 7.0, 6.0], [5.0, 4.0, 3.0]], [{}, {}, {}], rules=Rules(num_steps=4))
    tapes = selection.tapes(jax.random.key(3), 8)
    tapes = tapes._replace(num_choices=tapes.num_choices.at[0].set(2))
    np.testing.assert_allclose(no_memory(selection, tapes), decomposed(selection, tapes), atol=1e-3)


def test_what_it_cannot_bound_is_refused() -> None:
    """A deadline, and no rounds."""
    selection = tiny([[1.0, 2.0]], [{}, {}], rules=Rules(num_steps=2))
    tapes = selection.tapes(jax.random.key(0), 1)
    with pytest.raises(ValueError, match=r"^`num_rounds` must be at least 1, got 0\.$"):
        decomposed(selection, tapes, num_rounds=0)
    hurried = tiny([[1.0, 2.0]], [{}, {}], rules=replace(selection.rules, deadline_s=5.0))
    message = "`decomposed` needs an environment without a deadline: use `retries`."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        decomposed(hurried, tapes)
