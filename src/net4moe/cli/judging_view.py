"""How the check of a judge looks on a terminal."""

from rich.table import Table
from rich.text import Text

from net4moe.cli import console
from net4moe.mixture.judge_check import DamageFound, Estimate, Reliability
from net4moe.mixture.judge_check.reliability import LEAST_AREA
from net4moe.mixture.judges.calibration import Calibration

__all__ = ["show", "show_calibration"]

_COLOURS = {"texts": "green", "broken texts only": "yellow", "nothing": "red"}


def show(reliability: Reliability, *, is_whole: bool = True) -> None:
    """Print the table, what sways the judge, and the verdict; of a judge that says nothing only that.

    Args:
      reliability: what was found.
      is_whole: whether all texts were judged; a few give no verdict in favour.
    """
    out = console.out
    out.print(Text(reliability.judge, style="bold"))
    if not reliability.is_constant:
        out.print(_damages(reliability))
        out.print(_sways(reliability))
    if reliability.verdict == "texts" and not is_whole:
        num = reliability.num_texts
        out.print(f"No damage was missed, but {num} texts are too few for a verdict; leave `--texts` out.")
    else:
        out.print(Text(reliability.sentence, style=_COLOURS[reliability.verdict]))


def show_calibration(calibration: Calibration) -> None:
    """Print what each quality was fitted to and how well it tells that on prompts that were left out."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("quality", "fitted to tell", "by"):
        table.add_column(heading)
    table.add_column("AUC, prompts left out", justify="right")
    for factor in calibration.factors:
        signs = ", ".join(name.replace("_", " ") for name in factor.signs)
        table.add_row(factor.name, ", ".join(factor.damages), signs, f"{factor.area:.2f}")
    console.out.print(table)


def _damages(reliability: Reliability) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("damage", no_wrap=True)
    for heading in ("of it", "AUC", "95 %", "wins", "95 %", "points", "asked"):  # 80 columns hold it
        table.add_column(heading, justify="right", no_wrap=True)
    for one in reliability.damages:
        heaviest = one is reliability.found(one.damage)
        least = LEAST_AREA.get(one.damage) if heaviest else None
        missed = least is not None and one.area.point < least
        table.add_row(
            one.damage,
            _strength(one),
            Text(f"{one.area.point:.2f}", style="red" if missed else ""),
            _interval(one.area),
            f"{one.wins.point:.0%}",
            f"{one.wins.low:.0%} to {one.wins.high:.0%}",
            f"{one.change:+.1f}",
            "" if least is None else f"{least:.2f}",
        )
    return table


def _sways(reliability: Reliability) -> Text:
    cost = f", ${reliability.price_usd:.4f}" if reliability.price_usd else ""
    again = (
        "" if reliability.instability is None else f"; the same text again by {reliability.instability:.2f}"
    )
    flips = "" if reliability.flips is None else f"; the order decides {reliability.flips:.0%} of the pairs"
    unscored = f"; {reliability.num_unscored} texts were left unscored" if reliability.num_unscored else ""
    return Text(
        f"{reliability.num_texts} good texts of {reliability.num_prompts} prompts score {reliability.mean:.1f} on "
        f"average. A text twice as long gains {reliability.points_per_doubling:+.1f} points. An order to the "
        f"judge moves it by {reliability.sway:.2f} points, at most {reliability.most_sway:.1f}{again}{flips}"
        f"{unscored}. A text takes {reliability.seconds:.1f} s and {reliability.tokens:,.0f} tokens{cost}."
    )


def _strength(one: DamageFound) -> str:
    return {"truncation": lambda: f"{0.75 * one.strength:.0%}"}.get(
        one.damage, lambda: f"{one.strength:.0%}"
    )()


def _interval(estimate: Estimate) -> str:
    return f"{estimate.low:.2f} to {estimate.high:.2f}"
