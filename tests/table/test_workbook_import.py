import datetime
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from net4moe.errors import TableError
from net4moe.table import ScoreRow, ScoreTable, workbook_import

Book = Callable[..., Path]

HEAD = ["Prompt", "Subtask", "Expert", "Explicit score", "Words"]
LINE = ["A fox sails.", "the boat", "Ada", 7.5, 120]


def _error(path: Path) -> str:
    """Read a wrong workbook and give the error's text without the path."""
    with pytest.raises(TableError) as caught:
        workbook_import.read(path)
    assert path == caught.value.path
    return str(caught.value).removeprefix(str(path)).removeprefix(", ").removeprefix(": ")


def test_five_columns_are_enough(book: Book) -> None:
    """What a sheet leaves out is filled in with the documented values."""
    path = book(Rows=[HEAD, LINE, ["A fox sails.", "the bay", "Boris", None, 90]])
    prompt_id = f"p-{hashlib.sha256(b'A fox sails.').hexdigest()[:8]}"
    expected = ScoreRow(
        prompt_id=prompt_id,
        prompt="A fox sails.",
        subtask_index=0,
        subtask="the boat",
        field="general",
        expert="Ada",
        expert_field="Ada",
        device="",
        model="",
        relevance=0.0,
        expected_words=120,
        units=12.0,
        text="",
        explicit_score=7.5,
        unscored_reason="",
        judge="by hand",
        words=120,
        prompt_tokens=0,
        completion_tokens=0,
        seconds=0.0,
        price_usd=0.0,
    )
    first, second = workbook_import.read(path).rows
    assert expected == first
    assert (1, None, "no score in the workbook") == (
        second.subtask_index,
        second.explicit_score,
        second.unscored_reason,
    )


def test_headers_are_read_with_good_will(book: Book) -> None:
    """Capitals, underscores, units, a title above, unknown columns and empty rows do not matter."""
    path = book(
        Mine=[
            ["My scores"],
            [None],
            [
                None,
                "PROMPT",
                "sub-task?",
                "Subtask",
                "expert",
                "Score (0-10)",
                "Words [count]",
                "SECONDS (s)",
            ],
            [None, *LINE[:1], "ignored", *LINE[1:], 2.5],
            [None],
            [None, *LINE[:1], "", "the bay", "Ada", "–", 3, None],
            [None, " "],
        ]
    )
    rows = workbook_import.read(path).rows
    assert [("the boat", 7.5, 120, 2.5), ("the bay", None, 3, 0.0)] == [
        (row.subtask, row.explicit_score, row.words, row.seconds) for row in rows
    ]


def test_a_number_where_a_text_belongs_is_a_text(book: Book) -> None:
    """People number their prompts and experts."""
    path = book(Rows=[["prompt id", *HEAD], [1, "A fox sails.", "the boat", 2, 7, 120]])
    row = workbook_import.read(path).rows[0]
    assert ("1", "2") == (row.prompt_id, row.expert)


def test_the_field_decides_the_relevance(book: Book) -> None:
    """An expert is relevant where the subtask's field is its own."""
    path = book(Rows=[[*HEAD, "field", "expert field"], [*LINE, "plot", "plot"]])
    assert 1.0 == workbook_import.read(path).rows[0].relevance


def test_experts_may_stand_side_by_side(book: Book) -> None:
    """A sheet as in a paper: the experts' names above pairs of columns, means below."""
    path = book(
        Scores=[
            ["prompt", "subtask", "field", "Ada", None, "Boris", None],
            [None, None, None, "score", "words", "score", "words"],
            ["A fox sails.", "the boat", "plot", 7, 100, 5, 90],
            ["A fox sails.", "the bay", "setting", None, None, "–", 80],
            ["Mean", None, None, 7, 100, 5, 85],
        ]
    )
    rows = workbook_import.read(path).rows
    assert [("Ada", 0, 7.0, 100), ("Boris", 0, 5.0, 90), ("Boris", 1, None, 80)] == [
        (row.expert, row.subtask_index, row.explicit_score, row.words) for row in rows
    ]
    assert ["Ada", "Boris", "Boris"] == [row.expert_field for row in rows]


def _scores_sheet(table: ScoreTable) -> list[list[str | float | None]]:
    """Lay a table out as the sheet "Scores" of our own workbooks."""
    experts = {row.expert: row.expert_field for row in table.rows}
    lines: dict[tuple[str, int], list[str | float | None]] = {}
    for row in table.rows:
        line = lines.setdefault(
            (row.prompt_id, row.subtask_index),
            [row.prompt_id, row.prompt, row.subtask_index, row.subtask, row.field],
        )
        line += ["–" if row.explicit_score is None else row.explicit_score, row.words]
    return [
        ["Title"],
        [
            "prompt id",
            "prompt",
            "subtask index",
            "subtask",
            "field",
            *(x for e in experts for x in (e, None)),
        ],
        [*[None] * 5, *(x for e in experts.values() for x in (e, None))],
        [*[None] * 5, *["score", "words"] * len(experts)],
        *lines.values(),
    ]


def test_a_sheet_of_scores_alone_is_enough(table: ScoreTable, book: Book) -> None:
    """The shape of our sheet "Scores" gives back prompts, subtasks, experts, fields, scores and words."""
    names = ("prompt_id", "prompt", "subtask_index", "subtask", "field", "expert", "expert_field")
    names += ("explicit_score", "words")
    read = workbook_import.read(book(Scores=_scores_sheet(table)))
    assert [[getattr(row, name) for name in names] for row in table.rows] == [
        [getattr(row, name) for name in names] for row in read.rows
    ]


def _rows_sheet(table: ScoreTable) -> list[list[str | float | None]]:
    """Lay a table out as a sheet of rows."""
    names = ("prompt_id", "prompt", "subtask_index", "subtask", "field", "expert", "expert_field")
    names += ("explicit_score", "words")
    return [list(names), *([getattr(row, name) for name in names] for row in table.rows)]


def test_two_sheets_that_say_the_same_are_one_table(table: ScoreTable, book: Book) -> None:
    """A workbook of ours has both sheets; they are read once."""
    path = book(Scores=_scores_sheet(table), Rows=_rows_sheet(table))
    assert len(table.rows) == len(workbook_import.read(path).rows)


def test_a_score_corrected_in_one_sheet_only_is_an_error(table: ScoreTable, book: Book) -> None:
    """Where the sheets disagree, the cell is named, so that no correction is lost without a word."""
    advice = "make the two sheets agree, or delete one."
    scores, rows = _scores_sheet(table), _rows_sheet(table)
    without_boris = book(Scores=scores, Rows=[*rows[:2], *rows[3:]])
    lacking = "explicit score belongs to a passage of 'Boris' that the sheet of rows does not have"
    assert f"sheet 'Scores', cell H5: {lacking}; {advice}" == _error(without_boris)
    shorter = book(Scores=scores[:-1], Rows=rows)
    lacking = "subtask 1 of prompt 'p2' has no passage of 'Ada', but the sheet of rows has one"
    assert f"sheet 'Scores': {lacking}; {advice}" == _error(shorter)
    scores[4][5] = 9
    other = "explicit score is 9 here and 8.5 in the sheet of rows"
    assert f"sheet 'Scores', cell F5: {other}; {advice}" == _error(book(Scores=scores, Rows=rows))
    scores[4][5] = "–"
    other = "explicit score is missing here and 8.5 in the sheet of rows"
    assert f"sheet 'Scores', cell F5: {other}; {advice}" == _error(book(Scores=scores, Rows=rows))


def test_other_sheets_with_scores_do_not_matter(table: ScoreTable, book: Book) -> None:
    """A person's own summary beside the rows is left alone."""
    path = book(Mine=[["by model", None], ["score", "words"], [3, 4]], Rows=_rows_sheet(table))
    assert len(table.rows) == len(workbook_import.read(path).rows)


def test_a_prompt_may_be_merged_over_its_rows(tmp_path: Path) -> None:
    """A text in a merged block counts for all its rows; a number must stand for itself."""
    path = tmp_path / "hand.xlsx"
    for merged, expected in (("A2:A3", ""), ("D2:D3", "D2"), ("C3:D3", "D3")):
        workbook_ = xlsxwriter.Workbook(path)
        sheet = workbook_.add_worksheet("Rows")
        for at, line in enumerate([HEAD, LINE, ["A fox sails.", "the bay", "Ada", 7.5, 120]]):
            sheet.write_row(at, 0, line)
        value = {"A": "A fox sails.", "D": 7.5, "C": "Ada"}[merged[0]]
        sheet.merge_range(merged, value)
        workbook_.close()
        if expected:
            assert (
                f"sheet 'Rows', cell {expected}: explicit score must stand in a cell of its own, got a merged "
                "one; undo the merge." == _error(path)
            )
        else:
            assert 2 == len(workbook_import.read(path).rows)


BAD_CELLS = [
    ("D2", "good", "explicit score must be a number from 0 to 10, got 'good'."),
    ("D2", 11, "explicit score must be a number from 0 to 10, got 11."),
    ("D2", -0.5, "explicit score must be a number from 0 to 10, got -0.5."),
    ("D2", True, "explicit score must be a number from 0 to 10, got TRUE."),
    ("D2", "#DIV/0!", "explicit score must be a number from 0 to 10, got #DIV/0!, the error of a formula."),
    (
        "D2",
        "7,5",
        "explicit score must be a number from 0 to 10, got '7,5'. "
        "It is a text: set the cell's format to Number and type 7.5 again.",
    ),
    ("E2", 12.5, "words must be a whole number of at least 0, got 12.5."),
    ("E2", -3, "words must be a whole number of at least 0, got -3."),
    ("E2", None, "words must be a whole number of at least 0, got nothing."),
    ("A2", None, "prompt must not be empty."),
    ("B2", "  ", "subtask must not be empty."),
    ("C2", True, "expert must be a text, got TRUE."),
    ("C2", "#N/A", "expert must be a text, got #N/A, the error of a formula."),
]


@pytest.mark.parametrize(("cell", "value", "expected"), BAD_CELLS)
def test_a_bad_cell_is_named(book: Book, cell: str, value: str | float | None, expected: str) -> None:
    """A cell with what its column must not hold is named with its sheet, and what came is shown."""
    line = list(LINE)
    line["ABCDE".index(cell[0])] = value  # type: ignore[call-overload]
    assert f"sheet 'Rows', cell {cell}: {expected}" == _error(book(Rows=[HEAD, line]))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime.date(2024, 5, 7), "the date 2024-05-07"),
        (datetime.datetime(2024, 5, 7, 12, 30), "the date 2024-05-07 12:30:00"),
        (datetime.time(7, 5), "the time 07:05:00"),
    ],
)
def test_a_date_where_a_number_belongs_is_named(tmp_path: Path, value: datetime.date, shown: str) -> None:
    """A spreadsheet turns 7.5 into the 7th of May where the language writes dates so."""
    path = tmp_path / "hand.xlsx"
    formats = {"the d": "yyyy-mm-dd hh:mm" if "12:30" in shown else "yyyy-mm-dd", "the t": "hh:mm"}
    hand = xlsxwriter.Workbook(path)
    sheet = hand.add_worksheet("Rows")
    sheet.write_row(0, 0, HEAD)
    sheet.write_row(1, 0, LINE)
    sheet.write(1, 3, value, hand.add_format({"num_format": formats[shown[:5]]}))
    hand.close()
    assert (
        f"sheet 'Rows', cell D2: explicit score must be a number from 0 to 10, got {shown}. "
        "Set the cell's format to Number and type the number again." == _error(path)
    )


def test_a_duration_is_shown_too(tmp_path: Path) -> None:
    """A time span is no number of words."""
    path = tmp_path / "hand.xlsx"
    hand = xlsxwriter.Workbook(path)
    sheet = hand.add_worksheet("Rows")
    sheet.write_row(0, 0, HEAD)
    sheet.write_row(1, 0, LINE)
    sheet.write_number(1, 4, 1.5, hand.add_format({"num_format": "[hh]:mm:ss"}))
    hand.close()
    expected = "words must be a whole number of at least 0, got 1 day, 12:00:00."
    assert f"sheet 'Rows', cell E2: {expected}" == _error(path)


def test_rows_that_disagree_are_named(book: Book) -> None:
    """A row twice, and two fields for one expert, are named by their cell."""
    twice = (
        "sheet 'Rows', cell D3: expert must have one row for each subtask, got a second of 'Ada' "
        "for subtask 0 of prompt 'p1'."
    )
    assert twice == _error(book(Rows=[["prompt id", *HEAD], ["p1", *LINE], ["p1", *LINE]]))
    assert (
        "sheet 'Rows', cell F3: expert field must be 'plot' as in an earlier row of the same `expert`, "
        "got 'bay'."
        == _error(
            book(
                Rows=[
                    [*HEAD, "expert field"],
                    [*LINE, "plot"],
                    ["A fox sails.", "the bay", "Ada", 1, 2, "bay"],
                ]
            )
        )
    )


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        (
            [["Prompt", "Subtask", "Expert", "Explict scor", "Words"], LINE],
            "sheet 'Rows', cell D1: the column 'explicit score' is missing; the nearest header is 'Explict scor'.",
        ),
        ([HEAD[:4], LINE[:4]], "sheet 'Rows': the column 'words' is missing."),
        (
            [["Prompt", "Subtask", "Exprt", "Score", "Words"], LINE],
            "sheet 'Rows', cell C1: the column 'expert' is missing; the nearest header is 'Exprt'.",
        ),
        (
            [[*HEAD, "relevence"], [*LINE, 0.5]],
            "sheet 'Rows', cell F1: the header 'relevence' is unknown; write 'relevance' if you mean that.",
        ),
        ([[*HEAD, "score"], [*LINE, 5]], "sheet 'Rows', cell F1: two columns are named 'explicit score'."),
        ([HEAD], "there are no rows below the headers."),
        (
            [["a", "b"], [1, 2]],
            "no sheet has the headers of a score table: prompt, subtask, expert, explicit score, words.",
        ),
        ([], "the workbook is empty."),
        ([[" ", None]], "the workbook is empty."),
        (
            [["prompt", "piece", "Ada", None], [None, None, "score", "words"], ["a", "b", 1, 2]],
            "sheet 'Rows': the column 'subtask' is missing.",
        ),
        (
            [["prompt", "subtask", None, None], [None, None, "score", "words"], ["a", "b", 1, 2]],
            "sheet 'Rows', cell C1: the expert's name is missing above 'score'.",
        ),
    ],
)
def test_a_sheet_of_another_shape_is_explained(
    book: Book, grid: list[list[str | float | None]], expected: str
) -> None:
    """A missing column is named with the header that comes nearest; an empty workbook is called empty."""
    assert expected == _error(book(Rows=grid))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """The file's name and the reason are given."""
    assert "cannot be read: No such file or directory." == _error(tmp_path / "none.xlsx")
