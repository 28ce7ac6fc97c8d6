"""What a study of quality leaves behind: the draws, the frontier and the report."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import asdict, fields
from importlib import resources
from typing import TYPE_CHECKING

from net4moe.study import figures
from net4moe.study.page import pages
from net4moe.study.quality.choosing import chosen
from net4moe.study.quality.figure import draw_frontier
from net4moe.study.quality.finding import natural
from net4moe.study.quality.records import Draw
from net4moe.study.quality.summary import summary
from net4moe.study.quality.team import OURS, UPPER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from net4moe.mixture import Prompt
    from net4moe.mixture.judge_check import Reliability
    from net4moe.study.quality.records import Choice, Quality

__all__ = ["NOT_CHECKED", "draws_csv", "rendered", "sentences"]

NOT_CHECKED = "This judge has not been checked (`net4moe judge check`), so nothing is claimed about quality."

_NUM_EXAMPLES = 5
_RESOURCES = {"calls": "calls", "tokens": "tokens", "joules": "energy", "air_s": "air time"}


def draws_csv(draws: Sequence[Draw]) -> bytes:
    """Write every text with its score and what it took, a row each."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, [field.name for field in fields(Draw)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(draw) for draw in draws)
    return buffer.getvalue().encode("utf-8", "replace")


def sentences(quality: Quality, reliability: Reliability | None) -> tuple[str, ...]:
    """Say what may be said: of an unchecked or unreliable judge no difference at all."""
    if reliability is None:
        return (NOT_CHECKED,)
    rivals = [arm for arm in quality.arms if arm.key != UPPER]
    return summary(quality.pairs, rivals, ours=quality.ours, verdict=reliability.verdict)


def rendered(
    quality: Quality, draws: Sequence[Draw], prompts: Sequence[Prompt], reliability: Reliability | None
) -> Mapping[str, bytes]:
    """Draw the frontier and write the report.

    Args:
      quality: what was found.
      draws: every text.
      prompts: what was asked.
      reliability: the check of the judge; None where there was none.

    Returns:
      The files by their names.
    """
    known = NOT_CHECKED if reliability is None else reliability.sentence
    frontier = draw_frontier(quality.frontier, quality.arms, ours=quality.ours, judge=known)
    png, svg = figures.to_png(frontier), figures.to_svg(frontier)
    template = pages().from_string(
        resources.files("net4moe.study.quality").joinpath("report.html.jinja").read_text("utf-8")
    )
    page = template.render(
        quality=quality,
        labels={arm.key: arm.label for arm in quality.arms},
        sentences=sentences(quality, reliability),
        reliability=reliability,
        known=known,
        examples=_examples(quality, draws, prompts),
        resources=_RESOURCES,
        frontier=base64.b64encode(svg).decode("ascii"),
    )
    return {"figures/frontier.png": png, "figures/frontier.svg": svg, "report.html": page.encode()}


def _examples(
    quality: Quality, draws: Sequence[Draw], prompts: Sequence[Prompt]
) -> list[tuple[str, list[tuple[str, Choice]]]]:
    """Take prompts spread over how far ours was above the single expert, with the texts of four arms."""
    by_place = {(one.prompt_id, one.arm): one for one in chosen(natural(draws)).choices}
    arms = ("local_n", "alone", OURS, UPPER)
    whole = [prompt for prompt in prompts if all((prompt.id, arm) in by_place for arm in arms)]
    ranked = sorted(
        whole,
        key=lambda prompt: by_place[prompt.id, OURS].value - by_place[prompt.id, "alone"].value,
    )
    count = min(_NUM_EXAMPLES, len(ranked))
    spread = [ranked[round(index * (len(ranked) - 1) / max(count - 1, 1))] for index in range(count)]
    labels = {arm.key: arm.label for arm in quality.arms}
    return [(prompt.text, [(labels[arm], by_place[prompt.id, arm]) for arm in arms]) for prompt in spread]
