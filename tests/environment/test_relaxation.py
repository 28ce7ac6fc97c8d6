"""The tightest bound that applies, and the exact ones of matching and integer programs."""

import re

import jax
import numpy as np
import pytest

from net4moe.environment.chances import Chances, LinkLevels
from net4moe.environment.clairvoyant import tape_optimum
from net4moe.environment.relaxation import charge_bound, shared_bound, tightest_bound
from net4moe.environment.reward import RewardConfig
from net4moe.environment.rules import Rules
from net4moe.environment.trellis import no_memory
from tests.solved import TINY, tiny, tiny_solved

NAMES = {
    "battery": "decomposition",
    "residency": "decomposition",
    "moving": "trellis",
    "deadline": "retries",
    "band": "shared band",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_the_tightest_bound_is_found_by_the_rules(name: str) -> None:
    """It has its name, lies above the best plan on every tape, and not above what forgets all."""
    selection, _, solution = tiny_solved(name)
    tapes = selection.tapes(jax.random.key(0), 48)
    best = tape_optimum(selection, tapes).total
    bound = tightest_bound(selection, tapes)
    assert bound.name == NAMES[name]
    assert np.all(bound.values >= best - 2e-3)
    assert bound.values.mean() <= np.mean(no_memory(selection, tapes)) + 1e-3
    assert bound.values.mean() <= 1.05 * best.mean()
    untold = tightest_bound(selection, tapes, told="mean").values
    assert untold.mean() >= solution.start_value - 4 * untold.std() / np.sqrt(48)


def test_a_shared_band_is_bounded_exactly() -> None:
    """Prompts do not touch each other; an episode may end within one."""
    selection, _, _ = tiny_solved("band")
    tapes = selection.tapes(jax.random.key(1), 16)
    tapes = tapes._replace(num_choices=tapes.num_choices.at[:4].set(5))
    np.testing.assert_allclose(
        tape_optimum(selection, tapes).total, shared_bound(selection, tapes), atol=2e-3
    )


def test_a_lossy_band_is_bounded_without_memory() -> None:
    """What is lost does not count as sending, so that matching is not exact."""
    selection = tiny(
        [[4.0, 8.0, 7.5]],
        [{}, {}, {}],
        rules=Rules(num_steps=4, shares_band=True),
        chances=Chances(radio=LinkLevels(snr_db=(6.0,), outage=(0.5,), stay=1.0), num_lots=2),
        prices=RewardConfig(transfer_cost_per_s=4.0),
        fields=[[0, 0]],
    )
    tapes = selection.tapes(jax.random.key(2), 8)
    bound = tightest_bound(selection, tapes)
    assert bound.name == "no memory"
    assert np.all(bound.values >= tape_optimum(selection, tapes).total - 2e-3)
    message = (
        "`shared_bound` needs a shared band, links that lose nothing, no deadline and devices that do not "
        "change."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        shared_bound(selection, tapes)


def test_charge_is_bounded_by_the_integer_program() -> None:
    """The best plan where charge is all there is; splitting subtasks only adds."""
    selection, _, _ = tiny_solved("battery")
    tapes = selection.tapes(jax.random.key(3), 12)
    tapes = tapes._replace(num_choices=tapes.num_choices.at[0].set(3))
    exact = charge_bound(selection, tapes)
    np.testing.assert_allclose(tape_optimum(selection, tapes).total, exact, atol=2e-3)
    assert np.all(charge_bound(selection, tapes, split=True) >= exact - 1e-6)
    hurried, _, _ = tiny_solved("deadline")
    message = "`charge_bound` needs an environment without a deadline: use `retries`."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        charge_bound(hurried, tapes)
