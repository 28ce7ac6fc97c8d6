"""Comparing plays everything once, on the same tapes, and goes on where it was killed."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import equinox as eqx
import jax
import numpy as np
import pytest

from net4moe.environment.fingerprint import fingerprint
from net4moe.environment.reward import RewardConfig
from net4moe.environment.scenarios import Scenario
from net4moe.errors import RunError
from net4moe.policy import checkpoint
from net4moe.policy.sac_config import SACConfig
from net4moe.study import comparing
from net4moe.study.comparing import compared
from net4moe.study.comparison_plan import ComparisonPlan
from net4moe.study.comparison_records import Played, best_rule
from net4moe.study.contenders import Contender
from net4moe.study.keys import seeded_key
from net4moe.study.run_directory import RunDirectory
from tests.study.apprentice import Apprentice
from tests.study.tiny import TinyScenario


def plan_of(apprentice: Apprentice, **changes: Any) -> ComparisonPlan:
    """Compare in the tiny scenario: the apprentice, and a policy that learns while it plays."""
    config = SACConfig(num_epochs=3, evaluation_interval=1)
    settings: dict[str, Any] = {
        "scenarios": (cast(Scenario, TinyScenario()),),
        "sizes": ("small",),
        "contenders": (Contender(name="sac", config=config, train_seeds=apprentice.train_seeds),),
        "adaptive": ("discounted_ucb",),
        "num_seeds": 2,
        "num_episodes": 40,
        "num_practice_episodes": 3,
    }
    return ComparisonPlan(**{**settings, **changes})


def opened(path: Path) -> RunDirectory:
    """Open a directory."""
    return RunDirectory.opened(path, "a comparison")


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Played, ...], list[str]]:
    """Compare once; where, what was played, and what progress said."""
    path = tmp_path_factory.mktemp("comparison")
    said: list[str] = []
    played, (known,) = compared(
        plan_of(Apprentice()),
        opened(path),
        on_progress=lambda done, total, what: said.append(f"{done}/{total} {what}"),
    )
    assert known.optimal_value >= known.planned_value >= known.heuristic_value >= known.random_value
    return path, played, said


def by_name(played: Sequence[Played]) -> dict[str, Played]:
    """Find policies by name."""
    return {one.policy: one for one in played}


def test_everybody_plays_the_same_episodes(everything: tuple[Path, tuple[Played, ...], list[str]]) -> None:
    """Nobody earns more than the optimum, and means over the tapes fit the exact values."""
    known = by_name(everything[1])
    assert {"random_selection", "myopic", "sac", "discounted_ucb", "mpc", "optimum"} <= set(known)
    optimum = known["optimum"].values[0]
    for one in known.values():
        if one.returns is None:
            continue
        assert (2, 40) == one.returns.shape
        if one.exact is not None:
            assert np.all(one.exact <= optimum + 1e-6)
            error = one.returns.std() / np.sqrt(one.returns.size)
            assert abs(one.returns.mean() - one.exact.mean()) <= 4 * error + 1e-4, one.policy
    assert np.all(known["random_selection"].values < optimum)
    assert known["discounted_ucb"].exact is None


def test_large_versions_are_bounded_and_planned(
    everything: tuple[Path, tuple[Played, ...], list[str]],
) -> None:
    """On the first episodes of each seed; nobody is above the bound, and planning is above the best heuristic."""
    plan = plan_of(Apprentice(), sizes=("large",), contenders=(), adaptive=(), num_bound_episodes=5)
    played, (certificate,) = compared(replace(plan, with_planner=True), opened(everything[0]))
    assert "tiny" == certificate.scenario
    known = by_name(played)
    best = best_rule(played)
    assert "bound" == known["bound"].kind == known["prophet"].kind
    assert "mpc" in known
    assert "optimum" not in known
    for name in ("bound", "prophet", "mpc"):
        assert (2, 5) == known[name].drawn.shape
        assert np.all(known[name].above(best) >= -1e-4)
    assert np.all(known["prophet"].drawn >= known["mpc"].drawn - 1e-4)
    assert all(one.exact is None for one in played)
    assert f"with {best.policy} behind it, 5 episodes for each seed" == known["mpc"].remark


def test_training_never_sees_the_evaluation(everything: tuple[Path, tuple[Played, ...], list[str]]) -> None:
    """Keys differ by purpose and by seed, and the agent gets those of training."""
    drawn = [
        jax.random.key_data(seeded_key(0, purpose, seed)).tolist()
        for purpose in ("training", "evaluation", "practice")
        for seed in (0, 1)
    ]
    assert 6 == len({tuple(key) for key in drawn})
    agent = by_name(everything[1])["sac"]
    assert "agent" == agent.kind
    np.testing.assert_array_equal([64, 128, 192], agent.num_steps)
    np.testing.assert_array_equal([[0, 1, 2]] * 2, agent.curves)


def test_progress_counts_to_the_end(everything: tuple[Path, tuple[Played, ...], list[str]]) -> None:
    """Two parts, one for the adaptive policy, twenty for the agent."""
    assert "0/23 tiny (small): optimum or bound" == everything[2][0]
    assert "23/23 tiny (small): training sac" == everything[2][-1]


def test_a_second_time_nothing_is_played(
    everything: tuple[Path, tuple[Played, ...], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is read from the files, the same to the last bit; fewer seeds are the first ones."""

    def played_again(*_: Any, **__: Any) -> None:
        raise AssertionError

    for name in ("enumerated", "returns_of_rules", "returns_of_practised", "returns_of_agents"):
        monkeypatch.setattr(comparing, name, played_again)
    path, before, _ = everything
    after, _ = compared(plan_of(Apprentice(killed_in=1)), opened(path))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    fewer, _ = compared(plan_of(Apprentice(killed_in=1), num_seeds=1), opened(path))
    np.testing.assert_array_equal(before[5].values[:1], fewer[5].values)


def test_after_a_kill_it_goes_on(
    everything: tuple[Path, tuple[Played, ...], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the second chunk of a training; the rules are not played again, and all comes out the same."""
    path, before, _ = everything
    (path / "played/small/tiny/sac.json").unlink()
    with pytest.raises(KeyboardInterrupt):
        compared(plan_of(Apprentice(killed_in=2)), opened(path))
    monkeypatch.setattr(comparing, "returns_of_rules", None)
    again = Apprentice()
    after, _ = compared(plan_of(again), opened(path))
    np.testing.assert_array_equal(by_name(before)["sac"].values, by_name(after)["sac"].values)
    assert [jax.random.key_data(seeded_key(0, "training", s)).tolist() for s in (0, 1)] == again.keys
    kept = checkpoint.read(path / "checkpoints/small/tiny/sac-seed-1.safetensors")
    assert 3 == kept.settings["num_epochs"]


def test_another_scenario_in_its_place_is_refused(
    everything: tuple[Path, tuple[Played, ...], list[str]],
) -> None:
    """More episodes are other tapes; the file says no."""
    path = everything[0] / "played/small/tiny/certificate.json"
    text = (
        f"{path}: the file comes from another scenario, training or version. Remove it to have it made again, "
        "or give another directory."
    )
    with pytest.raises(RunError, match=f"^{re.escape(text)}$"):
        compared(plan_of(Apprentice(), num_episodes=41), opened(everything[0]))


def test_the_digest_sees_arrays_rules_chances_and_prices() -> None:
    """Two builds of one scenario are alike; another price is another environment."""
    first, second = TinyScenario().selection, TinyScenario().selection
    assert fingerprint(first) == fingerprint(second)
    dearer = eqx.tree_at(lambda one: one.fleet.compute_cost_per_word, first, replace_fn=lambda leaf: leaf + 1)
    assert fingerprint(first) != fingerprint(dearer)
    object.__setattr__(second, "reward_config", RewardConfig(switching_cost=2.0))
    assert fingerprint(first) != fingerprint(second)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"scenarios": ()}, "`scenarios` must name at least 1, got none."),
        ({"num_seeds": 0}, "`num_seeds` must be at least 1, got 0."),
        ({"num_episodes": 0}, "`num_episodes` must be at least 1, got 0."),
    ],
)
def test_a_comparison_of_nothing_is_refused(changes: dict[str, Any], text: str) -> None:
    """The sentence names the number."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        plan_of(Apprentice(), **changes)
