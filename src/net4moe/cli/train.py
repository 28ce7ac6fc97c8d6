"""`net4moe train`: one agent, one scenario, several seeds."""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["train"]


def train(
    scenario: Annotated[
        str, typer.Argument(help="Which; `net4moe scenarios` lists them.", metavar="SCENARIO")
    ],
    agent: Annotated[
        Literal["sac", "ppo", "dqn"],
        typer.Option("--agent", help="Soft actor-critic, proximal policy optimisation, or deep Q-network."),
    ] = "sac",
    size: Annotated[
        Literal["small", "large"], typer.Option("--size", help="Which version; small ones have an optimum.")
    ] = "small",
    seeds: Annotated[int, typer.Option("--seeds", help="Trainings, side by side.", metavar="N", min=1)] = 1,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Choices to make in each training.", metavar="N", min=1)
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="Epochs instead of choices.", metavar="N", min=1)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The run directory; runs/train/SCENARIO-SIZE-AGENT where not given.",
            metavar="DIR",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="The root of all randomness.", metavar="N", min=0, max=2**32 - 1)
    ] = 0,
) -> None:
    """Train an agent, and hold it against the best heuristic and the optimum.

    Leaves run.json, learning.csv, the trained policies (checkpoints), what a training needs to go on (training)
    and logs for TensorBoard in the run directory. Killed on the way, the same command goes on where it was.

    Example: net4moe train battery --agent ppo --seeds 3
    """
    from net4moe.cli import training_view

    training_view.run(
        training_view.Asked(
            scenario=scenario,
            agent=agent,
            size=size,
            num_seeds=seeds,
            num_steps=steps,
            num_epochs=epochs,
            seed=seed,
            out=out or Path("runs/train") / f"{scenario}-{size}-{agent}",
        )
    )
