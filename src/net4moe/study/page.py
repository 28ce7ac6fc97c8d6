"""The report of a study: one HTML file that needs nothing but itself, for a reader who has seen no code.

Everything a model wrote is escaped, and the page's own policy forbids scripts and requests. The layout is in
`report.html.jinja`.
"""

import base64
import re
from collections.abc import Callable, Mapping
from functools import partial
from importlib import resources
from typing import TypeVar

import jinja2
import markupsafe

from net4moe.study.records import Curve, PolicyResult, StudyResult
from net4moe.study.statistics import decimals_to_tell_apart

__all__ = ["pages", "render"]

_Entry = TypeVar("_Entry")

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ud800-\udfff\ufffe\uffff]")

_MEANINGS = {
    "Upper bound": "chooses as if it knew every score and word count before the experts write; nobody can beat it",
    "Proposed DRL": "the trained soft actor-critic agent; sees what a live system knows before it chooses",
    "Benchmark": "takes the devices in turn; the paper does not define its benchmark, this reading is ours",
    "Random selection": "draws one of the allowed devices",
    "Best given the observation": "the most that can be had from what the agent sees; the fair 100 %",
    "Highest expectation": "takes the highest expected reward; is told the weights that the agent must find out",
    "Fixed device": "always takes the same device",
    "Strongest link": "takes the device with the best radio link",
    "Best expert": "takes the device whose expert scored best on this field before",
    "Lowest cost": "takes the device with the lowest expected cost",
}

_PAPER_BARS = {
    "Upper bound": (43.6, 43.4),
    "Proposed DRL": (41.1, 42.6),
    "Benchmark": (39.8, 39.5),
    "Random selection": (39.6, 40.5),
}
"""Mean and final reward in the bar chart published with arXiv:2402.06942."""


def render(result: StudyResult, *, curves_svg: bytes, bars_svg: bytes) -> str:
    """Render the report.

    Args:
      result: what the study found.
      curves_svg: the learning curves.
      bars_svg: the bars of mean and final reward.

    Returns:
      A whole HTML page, to be stored as UTF-8.
    """
    points = [end.point for policy in result.policies for end in (policy.mean, policy.final)]
    decimals = decimals_to_tell_apart(points)
    template = pages().from_string(
        resources.files("net4moe.study").joinpath("report.html.jinja").read_text("utf-8")
    )
    return template.render(
        study=result,
        has_intervals=len(result.seeds) > 1,
        learned=next((one for one in result.policies if one.label.startswith("Proposed DRL")), None),
        seeds=_seeds(result.seeds),
        total_s=sum(stage.seconds for stage in result.stages),
        reward=partial(_number, decimals=decimals + 1),
        meaning=partial(_by_legend, _MEANINGS),
        paper_bars=partial(_by_legend, _PAPER_BARS),
        paper_upper=_PAPER_BARS["Upper bound"],
        curves_image=base64.b64encode(curves_svg).decode("ascii"),
        bars_image=base64.b64encode(bars_svg).decode("ascii"),
        curves_alt=_curves_alt(result.curves, decimals),
        bars_alt=_bars_alt(result.policies, decimals),
    )


def pages() -> jinja2.Environment:
    """Make what renders pages: it escapes everything and fails on a name that is not there."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: Mapping[str, Callable[..., str]] = {
        "number": _number,
        "percent": _percent,
        "count": "{:,}".format,
        "duration": _duration,
        "usd": _usd,
    }
    environment.filters.update(filters)
    style = resources.files("net4moe.study").joinpath("report.css").read_text("utf-8")
    environment.globals["style"] = markupsafe.Markup(style)  # our own
    return environment


def _printable(value: object) -> object:
    """Replace what no HTML file may hold: control characters and halves of surrogate pairs."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value) if type(value) is str else value


def _number(value: float, decimals: int) -> str:
    """Write a number with a true minus sign, and no minus before zero."""
    text = f"{value:.{decimals}f}"
    return text.replace("-", "" if float(text) == 0.0 else "−")


def _percent(share: float, decimals: int = 1) -> str:
    return f"{_number(100 * share, decimals)}\N{NO-BREAK SPACE}%"


def _duration(seconds: float) -> str:
    """Write a time in the units a person would."""
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _usd(price: float) -> str:
    return f"{price:.2f} USD" if price >= 1 or price == 0 else f"{price:.4f} USD"


def _seeds(seeds: tuple[int, ...]) -> str:
    if len(seeds) > 2 and seeds == tuple(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def _by_legend(entries: Mapping[str, _Entry], label: str) -> _Entry | None:
    """Find what is known of a policy by the words that its label starts with."""
    return next((entry for words, entry in entries.items() if label.startswith(words)), None)


def _curves_alt(curves: tuple[Curve, ...], decimals: int) -> str:
    ends = "; ".join(
        f"{curve.label} from {_number(curve.point[0], decimals)} to {_number(curve.point[-1], decimals)}"
        for curve in curves
    )
    return f"Learning curves, reward over epochs, from first to last evaluation: {ends}."


def _bars_alt(policies: tuple[PolicyResult, ...], decimals: int) -> str:
    bars = "; ".join(
        f"{policy.label} {_number(policy.mean.point, decimals)} and {_number(policy.final.point, decimals)}"
        for policy in policies
    )
    return f"Bars of mean and final reward: {bars}."
