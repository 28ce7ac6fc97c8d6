"""How the study of quality looks on a terminal."""

from rich.table import Table

from net4moe.cli import console
from net4moe.mixture.judge_check import Reliability
from net4moe.study.quality import PairResult, Quality
from net4moe.study.quality.files import NOT_CHECKED, sentences
from net4moe.study.statistics import Interval

__all__ = ["show"]


def show(quality: Quality, reliability: Reliability | None, *, price_usd: float) -> None:
    """Print the table, what may be said of it, and what the judge may be used for."""
    pairs = {pair.arm: pair for pair in quality.pairs}
    labels = {arm.key: arm.label for arm in quality.arms}
    names = [f"{len(quality.prompts)} prompts", "score", "95 %", "words", "calls", "tokens", "J", "cost"]
    arms = _table(*names)
    against = _table(f"{labels[quality.ours]} − it", "difference", "95 %", "p, Holm", "won/tied/lost")
    for one in quality.results:
        style = "bold" if one.arm == quality.ours else ""
        arms.add_row(
            labels[one.arm],
            "none" if one.mean is None else f"{one.mean.point:.2f}",
            _ends(one.mean),
            f"{one.words:.0f}",
            f"{one.calls:.1f}",
            f"{one.tokens:.0f}",
            f"{one.joules:.0f}",
            f"{one.cost:.2f}",
            style=style,
        )
        if one.arm in pairs:
            against.add_row(labels[one.arm], *_against(pairs[one.arm]))
    console.out.print(arms)
    console.out.print()
    console.out.print(against)
    console.out.print()
    console.out.print(" ".join(sentences(quality, reliability)), markup=False)
    console.note(f"judge: {quality.judge}. {NOT_CHECKED if reliability is None else reliability.sentence}")
    if price_usd:
        console.note(f"${price_usd:.4f} in all")


def _table(first: str, *others: str) -> Table:
    """Make a table that 80 columns hold."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _against(pair: PairResult) -> tuple[str, ...]:
    return (
        f"{pair.difference.point:+.2f}".replace("-", "−"),
        _ends(pair.difference),
        f"{pair.p_holm:.3f}",
        f"{pair.wins}/{pair.ties}/{pair.losses}",
    )


def _ends(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f"{interval.low:.2f} to {interval.high:.2f}".replace("-", "−")
