"""Rows, tables and workbooks for the tests of the score table."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import strategies as st

from net4moe.table import ScoreRow, ScoreTable

ROW = ScoreRow(
    prompt_id="p1",
    prompt="A fox learns to sail.",
    subtask_index=0,
    subtask="the fox repairs a boat",
    field="plot",
    expert="Ada",
    expert_field="plot",
    device="phone-1",
    model="tiny",
    relevance=0.75,
    expected_words=90.5,
    units=9.0,
    text="The fox took a hammer.",
    explicit_score=7.5,
    unscored_reason="",
    judge="by hand",
    words=5,
    prompt_tokens=40,
    completion_tokens=8,
    seconds=0.125,
    price_usd=0.0001,
)

Grid = Sequence[Sequence[str | int | float | bool | None]]


def _row(**changes: object) -> ScoreRow:
    """Make a good row with some values changed."""
    values = {field.name: getattr(ROW, field.name) for field in fields(ScoreRow)}
    return ScoreRow(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def row() -> Callable[..., ScoreRow]:
    """Give the function that makes a good row with some values changed."""
    return _row


@pytest.fixture(scope="session")
def table() -> ScoreTable:
    """Give a table of two prompts, two subtasks each and two experts, with one passage unscored."""
    prompts = {"p1": "A fox learns to sail.", "p2": "A theft in the harbour."}
    experts = {"Ada": "plot", "Boris": "setting"}
    rows = [
        _row(
            prompt_id=prompt_id,
            prompt=prompt,
            subtask_index=index,
            subtask=f"piece {index} of {prompt_id}",
            field=field,
            expert=expert,
            expert_field=expert_field,
            explicit_score=8.5 if field == expert_field else 4.25,
            words=100 + 10 * index,
        )
        for prompt_id, prompt in prompts.items()
        for index, field in enumerate(("plot", "setting"))
        for expert, expert_field in experts.items()
    ]
    rows[-1] = _row(
        **{field.name: getattr(rows[-1], field.name) for field in fields(ScoreRow)}
        | {"explicit_score": None, "unscored_reason": "the judge gave no number"}
    )
    return ScoreTable(rows=tuple(rows))


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    """Give the function that writes grids of plain values to the sheets of a workbook, as a person would."""

    def write(**sheets: Grid) -> Path:
        path = tmp_path / "hand.xlsx"
        workbook = xlsxwriter.Workbook(path)
        for name, grid in sheets.items():
            sheet = workbook.add_worksheet(name)
            for at, line in enumerate(grid):
                for column, value in enumerate(line):
                    if isinstance(value, str) and value.startswith("#"):
                        sheet.write_formula(at, column, "=1/0", None, value)  # type: ignore[arg-type]
                    elif isinstance(value, str):
                        sheet.write_string(at, column, value)
                    elif value is not None:
                        sheet.write(at, column, value)
        workbook.close()
        return path

    return write


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one folder for all examples of a property."""
    return tmp_path_factory.mktemp("scratch")


@st.composite
def _tables(draw: st.DrawFn) -> ScoreTable:
    """Draw any small table that the rules allow, with the texts that models write and worse."""
    filled = st.text(max_size=30).filter(str.strip)
    number = st.floats(0, 1e12)
    experts = draw(st.dictionaries(filled, filled, max_size=3))
    prompts = draw(st.dictionaries(filled, filled, max_size=3))
    rows: list[ScoreRow] = []
    for prompt_id, prompt in prompts.items():
        subtasks = draw(st.dictionaries(st.integers(0, 9), st.tuples(filled, filled), max_size=3))
        for subtask_index, (subtask, field) in subtasks.items():
            for expert, expert_field in experts.items():
                score = draw(st.none() | st.floats(0, 10) | st.integers(0, 10))
                rows.append(
                    ScoreRow(
                        prompt_id=prompt_id,
                        prompt=prompt,
                        subtask_index=subtask_index,
                        subtask=subtask,
                        field=field,
                        expert=expert,
                        expert_field=expert_field,
                        device=draw(st.text(max_size=5)),
                        model=draw(st.text(max_size=5)),
                        relevance=draw(st.floats(0, 1)),
                        expected_words=draw(number),
                        units=draw(number),
                        text=draw(st.text() | st.sampled_from(HARD_TEXTS)),
                        explicit_score=score,
                        unscored_reason=draw(filled) if score is None else "",
                        judge=draw(filled),
                        words=draw(st.integers(0, 2**53)),
                        prompt_tokens=draw(st.integers(0, 10**6)),
                        completion_tokens=draw(st.integers(0, 10**6)),
                        seconds=draw(number),
                        price_usd=draw(number),
                    )
                )
    return ScoreTable(rows=tuple(rows))


HARD_TEXTS = (
    "=1+1",
    "+41 44",
    "-",
    "@SUM(A1)",
    "https://example.org",
    "007",
    "<r><t>bold</t></r>",
    "a\r\nb\rc\td",
    "\x00\x01\x1f bell \x07",
    "_x000D_ is an escape",
    " leading and trailing ",
    "\n",
    "שלום 🦊 &amp; <b>\"'</b>",
)


@pytest.fixture(scope="session")
def tables() -> st.SearchStrategy[ScoreTable]:
    """Give the strategy that draws any small table."""
    return _tables()
