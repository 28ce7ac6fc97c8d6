"""The sheet "Scores": one row for each subtask, the experts side by side, as a paper prints it.

The sheet has a title, a line that explains it, and three rows of headers: the experts' names, their fields,
and "score" and "words" under each. An empty pair of cells means that the expert did not write.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# (xlsxwriter annotates most of its functions, not all)

from itertools import groupby

from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from net4moe.table.rows import ScoreRow
from net4moe.table.score_table import ScoreTable
from net4moe.table.workbook_cells import NUMBER_FORMATS, Look, lines, look, merge, put

__all__ = ["LABELS", "UNSCORED", "add_scores_sheet"]

LABELS = {"prompt_id": 12, "prompt": 30, "subtask_index": 9, "subtask": 36, "field": 13}
UNSCORED = "–"

_PAIR_WIDTH = 8.5
_HEAD_ROWS = (2, 3, 4)
_LINE_POINTS = 15
_MOST_LINES = 12
_SHADES = ("#FFFFFF", "#F5F8FB")
_FORMATS = (NUMBER_FORMATS["number"], NUMBER_FORMATS["integer"])

_Subtask = tuple[str, int]


def add_scores_sheet(book: Workbook, table: ScoreTable) -> None:
    """Add the sheet to a workbook.

    The best score of each subtask is highlighted; an unscored passage has a dash and the reason as a note;
    the last row holds each expert's mean score over the scored passages and mean words over all.
    """
    sheet = book.add_worksheet("Scores")
    sheet.hide_gridlines(2)
    _write_heads(book, sheet, table)
    by_subtask: dict[_Subtask, dict[str, ScoreRow]] = {}
    for row in table.rows:
        by_subtask.setdefault((row.prompt_id, row.subtask_index), {})[row.expert] = row
    places = {prompt_id: place for place, prompt_id in enumerate(table.prompt_ids)}
    ordered = sorted(by_subtask, key=lambda subtask: places[subtask[0]])
    at = _HEAD_ROWS[-1] + 1
    for place, (_, subtasks) in enumerate(groupby(ordered, key=lambda subtask: subtask[0])):
        block = [by_subtask[subtask] for subtask in subtasks]
        _write_prompt(book, sheet, at, block, table.experts, _SHADES[place % 2])
        at += len(block)
    if table.rows:
        _write_means(book, sheet, at, table)
    _set_up_view(sheet)


def _write_heads(book: Workbook, sheet: Worksheet, table: ScoreTable) -> None:
    """Write the title, the explanation and the three rows of headers."""
    name_row, field_row, pair_row = _HEAD_ROWS
    put(sheet, 0, 0, "Explicit score and words of every passage", look(book, "title"))
    explanation = (
        "Score: 0 makes no sense, 10 is perfectly written and highly consistent; the best of each row is "
        f"green. Words: the load to transfer. {UNSCORED} is a passage without a score; its note says why."
    )
    put(sheet, 1, 0, explanation, look(book, "subtitle"))
    sheet.set_row(0, 26)
    sheet.set_row(1, 20)
    for column, (label, width) in enumerate(LABELS.items()):
        sheet.set_column(column, column, width)
        merge(
            sheet,
            (name_row, column),
            (pair_row, column),
            label.replace("_", " "),
            look(book, "head", indent=1),
        )
    fields = {row.expert: row.expert_field for row in table.rows}
    heads = look(book, "head", align="center")
    italic = look(book, "head", align="center", bold=False, italic=True, bg_color="#2F5585")
    small = look(book, "head", align="right", bold=False, bg_color="#2F5585")
    for place, expert in enumerate(table.experts):
        column = len(LABELS) + 2 * place
        merge(sheet, (name_row, column), (name_row, column + 1), expert, heads)
        merge(sheet, (field_row, column), (field_row, column + 1), fields[expert], italic)
        put(sheet, pair_row, column, "score", small)
        put(sheet, pair_row, column + 1, "words", small)
        sheet.set_column(column, column + 1, _PAIR_WIDTH)
    for row, texts in ((name_row, table.experts), (field_row, tuple(fields.values()))):
        most = max((lines(text, 2 * _PAIR_WIDTH) for text in texts), default=1)
        sheet.set_row(row, _LINE_POINTS * min(most, 4) + 4)


def _write_prompt(
    book: Workbook,
    sheet: Worksheet,
    at: int,
    block: list[dict[str, ScoreRow]],
    experts: tuple[str, ...],
    shade: str,
) -> None:
    """Write the rows of one prompt, from the row `at` on."""
    style = look(book, "cell", bg_color=shade, valign="vcenter", indent=1)
    centred = look(book, "cell", bg_color=shade, valign="vcenter", align="center")
    rows = [next(iter(passages.values())) for passages in block]
    last = at + len(block) - 1
    merge(sheet, (at, 0), (last, 0), rows[0].prompt_id, style)
    merge(sheet, (at, 1), (last, 1), rows[0].prompt, style)
    share = -(-lines(rows[0].prompt, LABELS["prompt"]) // len(block))
    for offset, (row, passages) in enumerate(zip(rows, block, strict=True)):
        put(sheet, at + offset, 2, row.subtask_index, centred)
        put(sheet, at + offset, 3, row.subtask, style)
        put(sheet, at + offset, 4, row.field, style)
        needed = max(share, lines(row.subtask, LABELS["subtask"]), lines(row.field, LABELS["field"]))
        sheet.set_row(at + offset, _LINE_POINTS * min(needed, _MOST_LINES) + 3)
        _write_passages(book, sheet, at + offset, [passages.get(expert) for expert in experts], shade)


def _write_passages(
    book: Workbook, sheet: Worksheet, at: int, passages: list[ScoreRow | None], shade: str
) -> None:
    """Write the scores and words of one subtask, one pair of cells for each expert."""
    scores = [row.explicit_score for row in passages if row and row.explicit_score is not None]
    best = max(scores, default=None)
    for place, row in enumerate(passages):
        column = len(LABELS) + 2 * place
        score = row.explicit_score if row else None
        style: Look = "cell" if score is None or score != best or len(scores) < 2 else "best"
        fill = {"valign": "vcenter"} | ({} if style == "best" else {"bg_color": shade})
        if row and score is None:
            put(sheet, at, column, UNSCORED, look(book, "unscored", bg_color=shade, valign="vcenter"))
            sheet.write_comment(at, column, f"Unscored: {row.unscored_reason[:1000]}", {"x_scale": 2})
        else:
            put(sheet, at, column, score, look(book, style, num_format=_FORMATS[0], **fill))
        muted = look(
            book, "cell", num_format=_FORMATS[1], font_color="#5F6B7A", bg_color=shade, valign="vcenter"
        )
        put(sheet, at, column + 1, row.words if row else None, muted)


def _write_means(book: Workbook, sheet: Worksheet, at: int, table: ScoreTable) -> None:
    """Write the last row: the means as numbers, so that every reader of the file sees them."""
    label = look(book, "mean", indent=1)
    merge(sheet, (at, 0), (at, len(LABELS) - 1), "Mean", label)
    sheet.set_row(at, _LINE_POINTS + 5)
    for place, expert in enumerate(table.experts):
        column = len(LABELS) + 2 * place
        rows = [row for row in table.rows if row.expert == expert]
        scores = [row.explicit_score for row in rows if row.explicit_score is not None]
        score = sum(scores) / len(scores) if scores else None
        words = sum(row.words for row in rows) / len(rows)
        put(sheet, at, column, score, look(book, "mean", num_format=_FORMATS[0]))
        put(sheet, at, column + 1, words, look(book, "mean", num_format="#,##0.0"))


def _set_up_view(sheet: Worksheet) -> None:
    """Freeze the headers and make the sheet print on pages one sheet wide."""
    sheet.freeze_panes(_HEAD_ROWS[-1] + 1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(_HEAD_ROWS[0], _HEAD_ROWS[-1])
    sheet.set_footer("&L&A&RPage &P of &N")
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
