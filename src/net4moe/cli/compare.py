"""`net4moe compare`: policies over scenarios and seeds, on the same episodes."""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["compare"]


def compare(
    scenarios: Annotated[
        str,
        typer.Option("--scenarios", help="Which, with commas between; all where not given.", metavar="NAMES"),
    ] = "",
    policies: Annotated[
        str,
        typer.Option(
            "--policies",
            help="Beside the heuristics, with commas between: sac, ppo, dqn, lin_ucb, linear_thompson, "
            "discounted_ucb, sliding_window_ucb, mpc; all where not given, `none` for none.",
            metavar="NAMES",
        ),
    ] = "",
    seeds: Annotated[
        int,
        typer.Option("--seeds", help="Trainings of each agent, with tapes of their own.", metavar="N", min=1),
    ] = 10,
    episodes: Annotated[
        int, typer.Option("--episodes", help="Episodes that all play, for each seed.", metavar="N", min=2)
    ] = 200,
    size: Annotated[
        Literal["small", "large", "both"],
        typer.Option("--size", help="Small versions have exact values, large ones bounds."),
    ] = "small",
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps",
            help="Choices to make in each training; each agent's own number where not given.",
            metavar="N",
            min=1,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where everything is kept.", metavar="DIR")] = Path(
        "runs/compare"
    ),
    seed: Annotated[
        int, typer.Option("--seed", help="The root of all randomness.", metavar="N", min=0, max=2**32 - 1)
    ] = 0,
) -> None:
    """Train agents, let them and all heuristics play the same episodes, and score them.

    Score 0 is the best heuristic of a scenario, 1 its optimum, or for large versions a bound. Leaves scores.csv
    (every seed), comparison.json, marl_eval_SIZE.json, the figures, every training and what everybody earned in
    the directory. Killed on the way, the same command goes on where it was; with more scenarios, policies or seeds
    it adds them.

    Example: net4moe compare --scenarios battery,residency --seeds 5

    Example: net4moe compare --size both
    """
    from net4moe.cli import comparing_view

    comparing_view.run(
        comparing_view.Asked(
            scenarios=scenarios,
            policies=policies,
            size=size,
            num_seeds=seeds,
            num_episodes=episodes,
            num_steps=steps,
            seed=seed,
            out=out,
        )
    )
