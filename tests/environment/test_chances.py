"""What is left to chance is checked once, in sentences."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from net4moe.environment.chances import Chain, Chances, LinkLevels
from net4moe.network.snr import SnrConfig
from net4moe.network.world import WorldConfig


def levels(**changes: Any) -> LinkLevels:
    """Describe links on two levels, with changes."""
    plain: dict[str, Any] = {"snr_db": (0.0, 10.0), "outage": (0.1, 0.0), "stay": 0.5}
    return LinkLevels(**(plain | changes))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Chain(values=()), "`values` must be at least one finite number, got ()."),
        (
            lambda: Chain(values=(1.0, math.inf)),
            "`values` must be at least one finite number, got (1.0, inf).",
        ),
        (lambda: Chain(values=(1.0,), stay=-0.1), "`stay` must be from 0 to 1, got -0.1."),
        (lambda: Chain(values=(1.0,), stay=math.nan), "`stay` must be from 0 to 1, got nan."),
        (lambda: levels(stay=1.5), "`stay` must be from 0 to 1, got 1.5."),
        (lambda: levels(outage=(0.1,)), "`outage` must hold 2 numbers from 0 to 1, got (0.1,)."),
        (lambda: levels(outage=(0.1, 1.1)), "`outage` must hold 2 numbers from 0 to 1, got (0.1, 1.1)."),
        (lambda: levels(latency_s=-1.0), "`latency_s` must be finite and at least 0, got -1.0."),
        (lambda: levels(latency_s=math.inf), "`latency_s` must be finite and at least 0, got inf."),
        (lambda: Chances(field_stay=1.01), "`field_stay` must be from 0 to 1, got 1.01."),
        (lambda: Chances(gap_s=Chain(values=(1.0, -2.0))), "`gap_s` must be at least 0, got -2.0."),
        (lambda: Chances(importance=Chain(values=(-1.0,))), "`importance` must be at least 0, got -1.0."),
        (
            lambda: Chances(harvest_share=Chain(values=(-0.5, 1.0))),
            "`harvest_share` must be at least 0, got -0.5.",
        ),
        (
            lambda: Chances(stale_links=True),
            "`stale_links` needs links that last; independent ones tell nothing of the next.",
        ),
        (lambda: Chances(num_lots=-1), "`num_lots` must be at least 0, got -1."),
    ],
)
def test_what_cannot_be_drawn_is_refused(make: Callable[[], object], text: str) -> None:
    """The sentence names the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        make()


def test_links_that_last_may_be_known_too_late() -> None:
    """Levels and worlds remember; independent draws do not."""
    assert Chances(radio=levels(), stale_links=True).stale_links
    assert Chances(radio=WorldConfig(), stale_links=True).stale_links
    assert not Chances(radio=SnrConfig()).stale_links


@pytest.mark.parametrize(
    ("expected", "chain"),
    [
        (1 / 3, Chain(values=(1.0, 2.0, 3.0))),
        (0.9, Chain(values=(1.0, 2.0, 3.0), stay=0.9)),
        (0.0, Chain(values=(1.0, 2.0), stay=0.0)),
        (1.0, Chain(values=(1.0,))),
        (1.0, Chain(values=(1.0,), stay=0.2)),
    ],
)
def test_how_likely_a_chain_stays(expected: float, chain: Chain) -> None:
    """Independent values repeat as often as they are drawn; one value always stays."""
    assert expected == chain.stay_probability
