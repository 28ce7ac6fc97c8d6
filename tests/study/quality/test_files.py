"""What a study of quality leaves behind says what was found, and no more than the judge allows."""

import csv
import io
import re
from dataclasses import fields, replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from net4moe.mixture import Prompt
from net4moe.mixture.judge_check import DamageFound, Estimate, Reliability
from net4moe.mixture.judge_check.damage import DAMAGES
from net4moe.study.quality import Draw, Quality
from net4moe.study.quality.files import NOT_CHECKED, draws_csv, rendered, sentences
from net4moe.study.quality.finding import found
from net4moe.study.quality.team import ARMS
from tests.study.quality.drawn import draw

PROMPTS = [Prompt(id=f"p{index}", text=f"A fox & <b>hen</b> number {index}") for index in range(12)]
DOCS = Path(__file__).parents[3] / "docs"


def all_draws() -> list[Draw]:
    """Make up a study in which ours is a point above every other arm but the bound."""
    values = {"ours": 7.0, "upper": 8.0}
    return [
        draw(
            prompt.id,
            arm.key,
            values.get(arm.key, 6.0) + 0.01 * index,
            text=f"<script>{arm.key}</script>",
            cost=0.1 + 0.01 * place,
        )
        for index, prompt in enumerate(PROMPTS)
        for place, arm in enumerate(ARMS)
    ]


def reliability(area: float) -> Reliability:
    """Make up a check in which every damage was told with one area under the curve."""
    estimate = Estimate(low=area, point=area, high=area)
    one = [
        DamageFound(damage=damage, strength=1.0, area=estimate, wins=estimate, change=-1.0, num_unscored=0)
        for damage in DAMAGES
    ]
    return Reliability(
        judge="a judge",
        date="2026-11-22",
        num_texts=4,
        num_prompts=2,
        mean=7.0,
        spread=2.0,
        damages=tuple(one),
        points_per_doubling=0.0,
        sway=0.0,
        most_sway=0.0,
        instability=0.0,
        flips=None,
        seconds=1.0,
        tokens=100.0,
        price_usd=0.0,
        num_unscored=0,
    )


@cache
def quality() -> Quality:
    """Compare them once."""
    return found(all_draws(), judge="a judge")


def page(known: Reliability | None) -> str:
    """Render the report."""
    return rendered(quality(), all_draws(), PROMPTS, known)["report.html"].decode()


def test_a_good_judge_lets_it_be_said() -> None:
    """The sentence stands on the page, without a warning."""
    html = page(reliability(1.0))
    said = " ".join(sentences(quality(), reliability(1.0)))
    assert "Ours scored 1.0 point above Local only" in said
    assert "Upper bound" not in said
    assert "above Local only" in html
    assert "Read this first" not in html


@pytest.mark.parametrize(("known", "says"), [(None, NOT_CHECKED), (reliability(0.5), "failed its check")])
def test_a_bad_judge_stands_on_the_first_page(known: Reliability | None, says: str) -> None:
    """A warning before everything else, and no claim."""
    html = page(known)
    text = re.sub(r"&#39;", "'", html)
    assert text.index("Read this first") < text.index("What each arm scored")
    assert says in text
    assert "point above" not in html


def test_what_models_write_is_escaped() -> None:
    """No text of a model or a prompt becomes a tag, and every tag is closed."""
    html = page(reliability(1.0))
    assert "<script" not in html
    assert "&lt;script&gt;ours&lt;/script&gt;" in html
    assert "A fox &amp; &lt;b&gt;hen" in html
    open_tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("meta", "img"):
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Reader().feed(html)
    assert [] == open_tags


def test_the_report_holds_every_arm_and_budget() -> None:
    """A row for each arm, a table for each resource, five prompts spread over the study, and the picture."""
    html = page(reliability(1.0))
    assert all(f">{arm.label}<" in html for arm in ARMS)
    assert all(f"At equal {name}" in html for name in ("calls", "tokens", "energy", "air time"))
    assert 5 == html.count('<h3 dir="auto">')
    assert "data:image/svg+xml;base64," in html


def test_draws_as_csv() -> None:
    """A row for each text, readable again, with the columns that docs/metrics.md explains."""
    odd = replace(all_draws()[0], text='He said "no",\nand left.', value=None, unscored_reason="silence")
    rows = list(csv.DictReader(io.StringIO(draws_csv([odd, *all_draws()]).decode())))
    assert 1 + len(PROMPTS) * len(ARMS) == len(rows)
    assert (odd.text, "", "silence") == (rows[0]["text"], rows[0]["value"], rows[0]["unscored_reason"])
    section = (DOCS / "metrics.md").read_text("utf-8").partition("## draws.csv")[2].partition("\n## ")[0]
    explained = {
        name for row in re.findall(r"^\| (`.*?) \|", section, re.M) for name in re.findall(r"`(\w+)`", row)
    }
    assert {field.name for field in fields(Draw)} == explained == set(rows[0])


def test_the_pictures() -> None:
    """PNG and SVG begin as such."""
    files = rendered(quality(), all_draws(), PROMPTS, None)
    assert files["figures/frontier.png"].startswith(b"\x89PNG")
    assert b"<svg" in files["figures/frontier.svg"]
