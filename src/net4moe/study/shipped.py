"""The score table and prompts that ship with the program, so that learning works offline in seconds."""

from functools import cache
from importlib import resources

from net4moe.mixture import Prompt, parse_prompts
from net4moe.table import ScoreTable, parquet

__all__ = ["quick_prompts", "table"]


@cache
def table() -> ScoreTable:
    """Read the shipped score table: the embedded model over `assets/prompts.txt`, default settings."""
    with resources.as_file(resources.files("net4moe").joinpath("assets/scores.parquet")) as path:
        return parquet.read(path)


def quick_prompts() -> tuple[Prompt, ...]:
    """Read the prompts of a quick study; they are not in the shipped table."""
    return parse_prompts(resources.files("net4moe").joinpath("assets/quick_prompts.txt").read_text("utf-8"))
