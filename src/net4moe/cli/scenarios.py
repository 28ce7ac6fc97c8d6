"""`net4moe scenarios`: the decision problems, and what each is worth, computed."""

from typing import Annotated

import typer

__all__ = ["scenarios"]


def scenarios(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which; all where none is named.", metavar="[SCENARIO]...")
    ] = None,
    large: Annotated[
        bool, typer.Option("--large", help="The large versions: means over episodes, and bounds.")
    ] = False,
    episodes: Annotated[
        int, typer.Option("--episodes", help="Episodes for large versions.", metavar="N", min=2)
    ] = 200,
    seed: Annotated[
        int, typer.Option("--seed", help="Draws the episodes of large versions.", metavar="N", min=0)
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Print for each scenario what chance, the myopic rule, heuristics and the optimum earn.

    Small versions are solved, so that their numbers are exact: a scenario is called sequential where the myopic
    rule misses at least 5 % of the way from chance to the optimum and no heuristic reaches the optimum. It is a
    control otherwise.

    Example: net4moe scenarios battery residency
    """
    from net4moe.cli import scenarios_view

    scenarios_view.show(names or [], large=large, num_episodes=episodes, seed=seed, as_json=as_json)
