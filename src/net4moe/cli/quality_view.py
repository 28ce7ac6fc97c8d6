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
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column(f"{len(quality.prompts)} prompts", no_wrap=True)
    headings = (
        "score",
        "95 %",
        "words",
        "calls",
        "tokens",
        "J",
        "cost",
        "ours − it",
        "95 %",
        "p, Holm",
        "w/t/l",
    )
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for one in quality.results:
        table.add_row(
            labels[one.arm],
            "none" if one.mean is None else f"{one.mean.point:.2f}",
            _ends(one.mean),
            f"{one.words:.0f}",
            f"{one.calls:.1f}",
            f"{one.tokens:.0f}",
            f"{one.joules:.0f}",
            f"{one.cost:.2f}",
            *_against(pairs.get(one.arm)),
            style="bold" if one.arm == quality.ours else "",
        )
    console.out.print(table)
    console.out.print(" ".join(sentences(quality, reliability)), markup=False)
    console.note(f"judge: {quality.judge}. {NOT_CHECKED if reliability is None else reliability.sentence}")
    if price_usd:
        console.note(f"${price_usd:.4f} in all")


def _against(pair: PairResult | None) -> tuple[str, ...]:
    if pair is None:
        return ("", "", "", "")
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
