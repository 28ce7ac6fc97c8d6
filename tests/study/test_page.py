import base64
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from net4moe.study import Interval, PolicyResult, StudyResult, page

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """What a browser would see: texts by id, rows of tables by id, every tag and attribute."""

    def __init__(self, text: str) -> None:
        """Read a whole page and check that its tags nest."""
        super().__init__()
        self.texts: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.body = ""
        self._open: list[tuple[str, str]] = []
        self._rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        self.tags.append((tag, dict(attrs)))
        if tag in VOID:
            return
        name = dict(attrs).get("id") or ""
        self._open.append((tag, name))
        if name:
            assert name not in self.texts, f"two elements are called {name}"
            self.texts[name] = ""
        if tag == "table":
            self._rows = self.tables[name] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Close the element that is open."""
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        """Give a text to every element around it."""
        tags = [tag for tag, _ in self._open]
        if "style" in tags:
            return
        self.body += data
        for _, name in self._open:
            if name:
                self.texts[name] += data
        if "td" in tags or "th" in tags:
            self._rows[-1][-1] += data


def read(result: StudyResult) -> Page:
    """Render a result and read it back."""
    return Page(page.render(result, curves_svg=b"<svg>1</svg>", bars_svg=b"<svg>2</svg>"))


def plain(text: str) -> str:
    """Write a text with ordinary spaces, one at a time."""
    return " ".join(text.split())


@pytest.fixture
def result(make_result: Callable[..., StudyResult]) -> StudyResult:
    """Give a study's result with the paper's numbers."""
    return make_result()


def test_the_headline_table_holds_the_numbers(result: StudyResult) -> None:
    """Point, interval, shares and the paper's own bars, as a reader sees them."""
    rows = [[plain(cell) for cell in row] for row in read(result).tables["results"]]
    assert [
        "Policy",
        "Mean reward",
        "Final reward",
        "Of the upper bound",
        "Gap closed",
        "Paper: mean, final",
    ] == rows[0]
    assert "Proposed DRL" == rows[2][0][:12]
    assert [
        "41.10 [40.90, 41.30]",
        "42.60 [42.40, 42.80]",
        "98.2 % [98.0 %, 98.4 %]",
        "72.4 % [70.4 %, 74.4 %]",
        "41.1, 42.6 final: 98.2 %",
    ] == rows[2][1:]
    assert 5 == len(rows)


def test_the_finding_is_a_sentence(result: StudyResult) -> None:
    """A reader who stops there has the result."""
    expected = (
        "Finding. The trained agent ends at 98.2 % of the upper bound and has closed 72.4 % of the gap between "
        "random selection and the upper bound. In the paper’s bars it ends at 98.2 % and has closed 72.4 % of "
        "the gap."
    )
    assert expected == plain(read(result).texts["finding"])


@pytest.mark.parametrize(
    ("share", "gap", "expected"),
    [
        (0.5, None, "Finding. The trained agent ends at 50.0 % of the upper bound. In the paper"),
        (None, 0.5, "Finding. The trained agent has closed 50.0 % of the gap between random"),
        (None, None, None),
    ],
)
def test_the_finding_leaves_out_what_is_not_defined(
    share: float | None, gap: float | None, expected: str | None, result: StudyResult
) -> None:
    """A bound that is not above zero has no share."""
    share_of_bound, gap_closed = (
        None if x is None else Interval(low=x, point=x, high=x) for x in (share, gap)
    )
    learned = replace(result.policies[1], share_of_upper_bound=share_of_bound, gap_closed=gap_closed)
    read_page = read(replace(result, policies=(result.policies[0], learned)))
    found = read_page.texts.get("finding")
    assert expected == (None if expected is None or found is None else plain(found)[: len(expected)])
    assert ("not defined" in read_page.body) == (share is None or gap is None)


def test_a_policy_the_paper_lacks_says_so(result: StudyResult) -> None:
    """Nothing is invented for it, and its own label is enough."""
    ends = Interval(low=-0.2, point=-0.001, high=0.2)
    other = PolicyResult(policy="mine", label="My rule", mean=ends, final=ends)
    rows = read(replace(result, policies=(*result.policies, other))).tables["results"]
    assert [
        "My rule",
        "0.00 [−0.20, 0.20]",
        "0.00 [−0.20, 0.20]",
        "not defined",
        "not defined",
        "not in it",
    ] == [plain(cell) for cell in rows[-1]]


def test_one_seed_shows_no_interval(make_result: Callable[..., StudyResult]) -> None:
    """Numbers stand alone, and the caption says why."""
    read_page = read(make_result(seeds=(3,), half=0.0))
    assert "41.10" == read_page.tables["results"][2][1]
    assert "one seed, so there are no intervals" in read_page.texts["results"]
    assert "3" == read_page.texts["seeds"]


def test_the_comparison_is_shown(result: StudyResult) -> None:
    """Difference and share of seeds with their intervals."""
    assert ["Proposed DRL minus Random selection", "2.10 [1.90, 2.30]", "90.0 % [80.0 %, 100.0 %]"] == [
        plain(cell) for cell in read(result).tables["comparisons"][1]
    ]


def test_costs_stages_settings_and_versions_are_shown(result: StudyResult) -> None:
    """Every number of the record, with its unit."""
    tables = {
        name: [[plain(cell) for cell in row] for row in rows] for name, rows in read(result).tables.items()
    }
    assert ["1,044", "12", "151,234", "22,145", "21 min 3 s", "0.0345 USD"] == tables["calls"][1]
    assert [["Collecting", "1 min 15 s", ""], ["Training", "25 s", ""]] == tables["stages"][1:]
    assert [["load", "word count", "paper", "of a passage"], ["seed", "0", "ours", ""]] == tables["settings"][
        1:
    ]
    assert [["net4moe", "0.1.0"]] == tables["versions"][1:]
    assert [
        "mute",
        "plot",
        "not named",
        "1,036 (1,036 unscored)",
        "unscored",
        "0.0",
        "0.0",
        "0.00",
    ] == tables["experts"][2]


def test_the_shares_of_time_add_up(result: StudyResult) -> None:
    """Three quarters and one quarter, as widths and as words."""
    bars = [attributes for _, attributes in read(result).tags if attributes.get("class") == "bar"]
    assert ["width:75.0%", "width:25.0%"] == [bar["style"] for bar in bars]
    assert ["75 %", "25 %"] == [plain(bar["aria-label"] or "") for bar in bars]


def test_one_can_run_it_again(result: StudyResult) -> None:
    """Command, seeds and machine stand as they were given."""
    texts = read(result).texts
    assert "net4moe study --out 'runs/a b'" == texts["command"]
    assert ("0 to 9", "a machine with 2 cores") == (texts["seeds"], texts["machine"])


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert('x')</script>",
        "\"quotes\" & 'apostrophes' &amp; entities </div></main>",
        "🦊 learns to sail",
        "قصة عن ثعلب",
        "Donaudampfschifffahrt" * 40,
        "{{ 7 * 7 }} {% raw %}",
        "first line\n\n  second line",
    ],
)
def test_what_a_model_wrote_stays_text(text: str, make_result: Callable[..., StudyResult]) -> None:
    """It reads back letter for letter and makes no tag."""
    read_page, harmless = read(make_result(text)), read(make_result("harmless"))
    assert text == read_page.texts["example-prompt"]
    assert text == read_page.texts["example-story"]
    assert f"unscored ({text})" == read_page.texts["example-score"]
    assert text == read_page.tables["experts"][1][0]
    assert text == read_page.texts["judge-name"]
    assert [tag for tag, _ in harmless.tags] == [tag for tag, _ in read_page.tags]


def test_texts_of_a_model_choose_their_own_direction(result: StudyResult) -> None:
    """Arabic starts on the right without turning the page around."""
    said = [attributes for _, attributes in read(result).tags if attributes.get("class") == "said"]
    assert ["auto", "auto"] == [attributes["dir"] for attributes in said]


def test_what_no_file_may_hold_is_replaced(make_result: Callable[..., StudyResult]) -> None:
    """Control characters and halves of characters, which cannot be stored as UTF-8."""
    rendered = page.render(make_result("a\x00b\ud800c\x1bd\te"), curves_svg=b"", bars_svg=b"")
    assert "a�b�c�d\te" == Page(rendered.encode().decode()).texts["example-prompt"]


def test_the_page_needs_nothing_but_itself(result: StudyResult) -> None:
    """No script, no style sheet, no address; its own policy forbids them."""
    tags = read(result).tags
    assert set() == {tag for tag, _ in tags} & {"script", "link", "iframe", "object", "form"}
    assert all(
        (value or "").startswith(("data:image/svg+xml;base64,", "#"))
        for _, attributes in tags
        for name, value in attributes.items()
        if name in ("src", "href", "action", "srcset")
    )
    assert [] == [name for _, attributes in tags for name in attributes if name.startswith("on")]
    policies = [a["content"] for _, a in tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    ] == (policies)


def test_every_link_has_its_target(result: StudyResult) -> None:
    """The contents lead somewhere, with an example and without."""
    for one in (result, replace(result, example=None)):
        read_page = read(one)
        targets = [(attributes["href"] or "")[1:] for tag, attributes in read_page.tags if tag == "a"]
        assert set() == set(targets) - set(read_page.texts)
        assert ("example" in targets) == (one.example is not None)


def test_figures_are_inside_and_described(result: StudyResult) -> None:
    """Who cannot see them hears their numbers."""
    curves, bars = (attributes for tag, attributes in read(result).tags if tag == "img")
    assert b"<svg>1</svg>" == base64.b64decode((curves["src"] or "").partition(",")[2])
    assert b"<svg>2</svg>" == base64.b64decode((bars["src"] or "").partition(",")[2])
    assert (
        "Bars of mean and final reward: Upper bound 43.6 and 43.4; Proposed DRL 41.1 and 42.6; "
        "Benchmark (round robin) 39.8 and 39.5; Random selection 39.6 and 40.5."
    ) == bars["alt"]
    assert "Upper bound from 39.0 to 39.2;" in (curves["alt"] or "")


def test_a_study_with_nothing_to_warn_of_warns_of_nothing(result: StudyResult) -> None:
    """The box and the tables of what is missing are left out."""
    table = replace(result.table, unscored=(), digest="")
    read_page = read(replace(result, warnings=(), comparisons=(), stages=(), table=table))
    assert {"warnings", "comparisons", "unscored"}.isdisjoint(read_page.texts)
    assert "Every passage was scored." in read_page.body
    assert "Few prompts." in read(result).body


@pytest.mark.parametrize(
    ("seconds", "price_usd", "expected"),
    [
        (0.0, 0.0, ["0.00 s", "0.00 USD"]),
        (0.514, 0.0012, ["0.51 s", "0.0012 USD"]),
        (9.94, 1.0, ["9.9 s", "1.00 USD"]),
        (59.6, 12.345, ["1 min 0 s", "12.35 USD"]),
        (3599.7, 2.0, ["1 h 0 min", "2.00 USD"]),
        (7384.0, 2.0, ["2 h 3 min", "2.00 USD"]),
    ],
)
def test_times_and_prices_are_written_as_people_do(
    seconds: float, price_usd: float, expected: list[str], result: StudyResult
) -> None:
    """Hours and minutes, cents where there are any."""
    costs = replace(result.costs, seconds=seconds, price_usd=price_usd)
    assert expected == read(replace(result, costs=costs)).tables["calls"][1][4:]
