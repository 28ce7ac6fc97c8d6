"""Compare policies over scenarios: train what learns, play everything on the same tapes, go on where it stopped.

The directory of a comparison holds, in `played/SIZE/SCENARIO`, one file for the rules, one for each policy that
learns and the certificate of a small version; in `training/SIZE/SCENARIO` where each seed of each agent stands;
in `checkpoints/SIZE/SCENARIO` the trained policies. What is there is not done again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from net4moe.environment.enumeration import enumerated
from net4moe.environment.fingerprint import fingerprint
from net4moe.environment.planning import plan_returns
from net4moe.environment.relaxation import tightest_bound
from net4moe.policy import Checkpoint, checkpoint
from net4moe.policy.adaptive import ADAPTIVE
from net4moe.study.certificates import PLANNING_DEPTH, Certificate, certificate, exact_value
from net4moe.study.comparison_files import (
    certificate_from_json,
    certificate_to_json,
    played_from_json,
    played_to_json,
)
from net4moe.study.comparison_plan import PARTS_OF_TRAINING, ComparisonPlan
from net4moe.study.comparison_records import Kind, Played, best_rule
from net4moe.study.keys import Purpose, seeded_key
from net4moe.study.playing import returns_of_agents, returns_of_practised, returns_of_rules
from net4moe.study.rules import YARDSTICKS, rules_for

if TYPE_CHECKING:
    from pathlib import Path

    from jaxtyping import Float

    from net4moe.environment.decisions import Policy
    from net4moe.environment.enumeration import Enumerated
    from net4moe.environment.scenarios import Scenario, Size
    from net4moe.environment.selection import ExpertSelection
    from net4moe.environment.trellis import Told
    from net4moe.study.contenders import Contender
    from net4moe.study.run_directory import RunDirectory

__all__ = ["OnProgress", "compared"]

OnProgress = Callable[[int, int, str], None]
"""Told how many parts are done, how many there are, and what is being done."""

_BOUNDS: dict[str, Told] = {"bound": "mean", "prophet": "real"}
_NOTHING = np.zeros(0, np.int64)


def compared(
    plan: ComparisonPlan, run: RunDirectory, *, on_progress: OnProgress | None = None
) -> tuple[tuple[Played, ...], tuple[Certificate, ...]]:
    """Play everything that is not played yet.

    Training, practice and evaluation have keys of their own. Policies of the same seed play the same tapes. In
    small versions what is fixed while it plays is valued exactly besides.

    Args:
      plan: what to compare.
      run: where to keep it.
      on_progress: told as parts are done.

    Returns:
      What each policy earned in each size and scenario, and the scenarios' certificates.

    Raises:
      RunError: the directory holds other scenarios, trainings or versions, or cannot be written.
      CheckpointError: the file of a training is damaged, or cannot be written.
    """
    done = 0
    played: list[Played] = []
    certificates: list[Certificate] = []

    def tell(parts: int, what: str) -> None:
        nonlocal done
        done += parts
        if on_progress is not None:
            on_progress(done, plan.num_parts, what)

    for size in plan.sizes:
        for scenario in plan.scenarios:
            arena = _Arena(plan, run, scenario, size)
            tell(0, f"{arena.where}: optimum or bound")
            small = arena if size == "small" else _Arena(plan, run, scenario, "small")
            known = small.certified()  # tells controls of either size
            certificates += [] if known in certificates else [known]
            if size == "small":
                played += arena.of_optimum(known)
            else:
                played += arena.of_bounds()
            tell(1, f"{arena.where}: heuristics")
            rules = arena.of_rules()
            played += rules
            tell(1, f"{arena.where}: learning")
            if plan.with_planner and size == "large":
                played.append(arena.of_planner(best_rule(rules).policy))
                tell(1, f"{arena.where}: planning ahead")
            for name in plan.adaptive:
                played.append(arena.of_adaptive(name))
                tell(1, f"{arena.where}: {name}")
            for contender in plan.contenders:
                played.append(arena.of_agent(contender, tell))
    return tuple(played), tuple(certificates)


class _Arena:
    """One scenario in one size, with its tapes and its table, made when they are needed."""

    def __init__(self, plan: ComparisonPlan, run: RunDirectory, scenario: Scenario, size: Size) -> None:
        self.plan, self.run, self.scenario = plan, run, scenario
        self.size: Size = size
        self.folder = f"played/{size}/{scenario.name}"
        self.where = f"{scenario.name} ({size})"

    @cached_property
    def selection(self) -> ExpertSelection:
        return self.scenario.build(self.size)

    @cached_property
    def digest(self) -> str:
        return fingerprint(self.selection)

    @cached_property
    def rules(self) -> dict[str, Policy]:
        return rules_for(self.selection.reward_config)

    @cached_property
    def table(self) -> Enumerated | None:
        return enumerated(self.selection) if self.size == "small" else None

    @cached_property
    def tapes(self) -> list[Any]:
        return [self._tapes("evaluation", seed, self.plan.num_episodes) for seed in self.plan.seeds]

    def certified(self) -> Certificate:
        """Find the certificate of a small version."""
        path = self.run.path / self.folder / "certificate.json"
        origin = self._origin("certificate", PLANNING_DEPTH, sorted(self.rules))
        if path.exists():
            return certificate_from_json(path, origin)
        assert self.table is not None
        found = certificate(
            self.table, self.rules, scenario=self.scenario.name, changes=self.scenario.changes
        )
        self.run.write(f"{self.folder}/certificate.json", certificate_to_json(found, origin))
        return found

    def of_optimum(self, certificate: Certificate) -> list[Played]:
        """Lay out what a certificate says of the planner and the optimum."""
        one = np.ones(self.plan.num_seeds)
        return [
            self._played("mpc", "yardstick", exact=certificate.planned_value * one),
            self._played("optimum", "bound", exact=certificate.optimal_value * one, remark="optimum"),
        ]

    def of_bounds(self) -> list[Played]:
        """Bound from above what can be earned in a large version."""
        origin = self._origin("bounds", self.plan.num_bound_episodes)
        return self._kept("bounds", origin, self._bound)

    def _bound(self) -> list[Played]:
        flat: Any = jax.tree.map(lambda *leaves: np.concatenate(leaves), *self._first_tapes())
        found: list[Played] = []
        for name, told in _BOUNDS.items():
            start_s = time.monotonic()
            bound = tightest_bound(self.selection, flat, told=told)
            found.append(
                self._played(
                    name,
                    "bound",
                    returns=bound.values.reshape(self.plan.num_seeds, -1),
                    seconds=time.monotonic() - start_s,
                    remark=bound.name,
                )
            )
        return found

    def of_rules(self) -> list[Played]:
        """Let the heuristics, chance and the myopic rule play."""
        origin = self._origin("rules", sorted(self.rules))
        return self._kept("rules", origin, self._play_rules)

    def of_planner(self, base: str) -> Played:
        """Let planning ahead play a large version, with a heuristic behind it."""
        origin = self._origin("mpc", base, self.plan.num_bound_episodes)
        return self._kept("mpc", origin, lambda: [self._play_planner(base)])[0]

    def of_adaptive(self, name: str) -> Played:
        """Let an adaptive policy practise and play."""
        origin = self._origin(name, repr(ADAPTIVE[name]), self.plan.num_practice_episodes)
        return self._kept(name, origin, lambda: [self._play_adaptive(name)])[0]

    def of_agent(self, contender: Contender, tell: Callable[[int, str], None]) -> Played:
        """Train an agent for each seed and let it play."""
        name = contender.name
        what = f"{self.where}: training {name}"
        told = 0

        def advance(chunks: int) -> None:
            nonlocal told
            parts = PARTS_OF_TRAINING * chunks // contender.num_chunks
            if parts > told:
                tell(parts - told, what)
                told = parts

        origin = self._origin(name, repr(contender.config))
        found = self._kept(name, origin, lambda: [self._play_agent(contender, advance)])[0]
        advance(contender.num_chunks)
        return found

    def _play_rules(self) -> list[Played]:
        start_s = time.monotonic()
        rules = {**YARDSTICKS, **self.rules}
        tapes: Any = jax.tree.map(lambda *leaves: np.concatenate(leaves), *self.tapes)
        earned = np.asarray(returns_of_rules(self.selection, tuple(rules.values()), tapes), np.float64)
        by_seed = earned.reshape(len(rules), self.plan.num_seeds, self.plan.num_episodes)
        seconds = (time.monotonic() - start_s) / len(rules)
        return [
            self._played(
                name,
                "yardstick" if name in YARDSTICKS else "rule",
                returns=by_seed[row],
                exact=self._exact([rule] * self.plan.num_seeds),
                seconds=seconds,
            )
            for row, (name, rule) in enumerate(rules.items())
        ]

    def _play_planner(self, base: str) -> Played:
        start_s = time.monotonic()
        earned = [
            plan_returns(
                self.selection, self.rules[base], tapes, seeded_key(self.plan.seed, "planning", seed)
            )
            for seed, tapes in zip(self.plan.seeds, self._first_tapes(), strict=True)
        ]
        return self._played(
            "mpc",
            "yardstick",
            returns=np.asarray(np.stack(earned), np.float64),
            seconds=time.monotonic() - start_s,
            remark=f"with {base} behind it, {self.plan.num_bound_episodes} episodes for each seed",
        )

    def _play_adaptive(self, name: str) -> Played:
        start_s = time.monotonic()
        earned = [
            np.asarray(
                returns_of_practised(
                    self.selection,
                    ADAPTIVE[name],
                    self._tapes("practice", seed, self.plan.num_practice_episodes),
                    tapes,
                ),
                np.float64,
            )
            for seed, tapes in zip(self.plan.seeds, self.tapes, strict=True)
        ]
        return self._played(name, "adaptive", returns=np.stack(earned), seconds=time.monotonic() - start_s)

    def _play_agent(self, contender: Contender, advance: Callable[[int], None]) -> Played:
        start_s = time.monotonic()
        folder = self.run.folder(f"training/{self.size}/{self.scenario.name}")
        chunks = 0

        def on_progress(_metrics: Any) -> None:
            nonlocal chunks
            chunks += 1
            advance(chunks)

        trained = contender.train_seeds(
            self.selection,
            contender.config,
            [seeded_key(self.plan.seed, "training", seed) for seed in self.plan.seeds],
            on_progress=on_progress,
            keep_in=[folder / f"{contender.name}-seed-{seed}.safetensors" for seed in self.plan.seeds],
        )
        policies = [one.policy for one in trained]
        kept = self.run.folder(f"checkpoints/{self.size}/{self.scenario.name}")
        for seed, policy in zip(self.plan.seeds, policies, strict=True):
            made = Checkpoint(policy=policy, settings=asdict(contender.config))
            checkpoint.write(made, kept / f"{contender.name}-seed-{seed}.safetensors")
        return self._played(
            contender.name,
            "agent",
            returns=np.asarray(returns_of_agents(self.selection, policies, self.tapes), np.float64),
            exact=self._exact(policies),
            num_steps=np.asarray(trained[0].metrics.num_steps, np.int64),
            curves=np.stack([np.asarray(one.metrics.evaluation_reward, np.float64) for one in trained]),
            seconds=time.monotonic() - start_s,
        )

    def _exact(self, policies: list[Any]) -> Float[np.ndarray, " seeds"] | None:
        """Value policies exactly where there is a table; equal ones once."""
        if self.table is None:
            return None
        known = {id(policy): policy for policy in policies}
        values = {key: exact_value(self.table, policy) for key, policy in known.items()}
        return np.array([values[id(policy)] for policy in policies])

    def _kept(self, name: str, origin: str, play: Callable[[], list[Played]]) -> list[Played]:
        """Read what is kept, where it holds all seeds; play and keep it elsewhere."""
        path: Path = self.run.path / self.folder / f"{name}.json"
        if path.exists():
            kept = played_from_json(path, origin)
            if all(set(self.plan.seeds) <= set(one.seeds) for one in kept):
                return [_of_seeds(one, self.plan.seeds) for one in kept]
        played = play()
        self.run.write(f"{self.folder}/{name}.json", played_to_json(played, origin))
        return played

    def _played(
        self,
        policy: str,
        kind: Kind,
        *,
        returns: Float[np.ndarray, "seeds episodes"] | None = None,
        exact: Float[np.ndarray, " seeds"] | None = None,
        num_steps: Any = _NOTHING,
        curves: Any = None,
        seconds: float = 0.0,
        remark: str = "",
    ) -> Played:
        return Played(
            scenario=self.scenario.name,
            size=self.size,
            policy=policy,
            kind=kind,
            seeds=self.plan.seeds,
            returns=returns,
            exact=exact,
            num_steps=num_steps,
            curves=np.zeros((self.plan.num_seeds, 0)) if curves is None else curves,
            seconds=seconds,
            remark=remark,
        )

    def _first_tapes(self) -> list[Any]:
        """Take of each seed the tapes that are bounded and planned."""
        count = self.plan.num_bound_episodes
        return [jax.tree.map(lambda leaf: leaf[:count], tapes) for tapes in self.tapes]

    def _tapes(self, purpose: Purpose, seed: int, num_episodes: int) -> Any:
        key = seeded_key(self.plan.seed, purpose, seed)
        return jax.device_get(self.selection.tapes(key, num_episodes))

    def _origin(self, *settings: object) -> str:
        content = (self.digest, self.plan.seed, self.plan.num_episodes, *settings)
        return hashlib.sha256(repr(content).encode()).hexdigest()


def _of_seeds(played: Played, seeds: tuple[int, ...]) -> Played:
    """Take the rows of the first seeds."""
    rows = [played.seeds.index(seed) for seed in seeds]
    return replace(
        played,
        seeds=seeds,
        returns=None if played.returns is None else played.returns[rows],
        exact=None if played.exact is None else played.exact[rows],
        curves=played.curves[rows],
    )
