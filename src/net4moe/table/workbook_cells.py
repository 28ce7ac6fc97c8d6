"""Cells of a workbook: what fits into one, how it looks, and how high its row must be.

A cell holds at most 32,767 UTF-16 units. A control character is kept as `_xHHHH_`, and a text that looks like
that has its first underscore escaped; where two such escapes would overlap, or where a character is none that
XML allows, U+FFFD takes its place. A text that is `<r>...</r>` from end to end would be taken for markup by
xlsxwriter and gets a space at its end.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# (xlsxwriter annotates most of its functions, not all)

import math
import re
from typing import Literal

from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from net4moe.errors import TableError

__all__ = ["NUMBER_FORMATS", "Look", "fitting", "lines", "look", "merge", "put"]

NUMBER_FORMATS = {"text": "General", "integer": "#,##0", "number": "0.00", "s": '0.000 "s"', "USD": "$0.0000"}

Look = Literal["title", "subtitle", "head", "cell", "best", "unscored", "mean", "label"]

_LONGEST = 32_767
_UNWRITABLE = re.compile(
    r"[\ufffe\uffff]|(?<=_x[0-9a-fA-F]{4})(?:[\x00-\x08\x0b-\x1f]|_(?=x[0-9a-fA-F]{4}_))"
)
_BORDER = {"border": 1, "border_color": "#D5DBE3"}
_LOOKS: dict[Look, dict[str, str | int]] = {
    "title": {"bold": True, "font_size": 16, "font_color": "#1F3A5F"},
    "subtitle": {"font_color": "#5F6B7A"},
    "head": {
        "bold": True,
        "font_color": "#FFFFFF",
        "bg_color": "#1F3A5F",
        "valign": "vcenter",
        "text_wrap": True,
        **_BORDER,
        "border_color": "#4A6484",
    },
    "cell": {"text_wrap": True, **_BORDER},
    "best": {"bold": True, "font_color": "#14532D", "bg_color": "#CDEBD3", **_BORDER},
    "unscored": {"font_color": "#8A94A3", "align": "right", **_BORDER},
    "mean": {
        "bold": True,
        "valign": "vcenter",
        "bg_color": "#E6ECF3",
        **_BORDER,
        "top": 2,
        "top_color": "#1F3A5F",
    },
    "label": {"bold": True, "font_color": "#1F3A5F"},
}


class _Exact(float):
    """A number that xlsxwriter writes with all its digits, where it would keep 16 of 17."""

    def __format__(self, format_spec: str) -> str:
        """Give the shortest text that reads back as the same number."""
        return repr(float(self))


def look(book: Workbook, name: Look, **changes: str | int) -> Format:
    """Make one of the workbook's looks, changed by properties of xlsxwriter."""
    return book.add_format({"valign": "top", **_LOOKS[name], **changes})


def fitting(text: str) -> str:
    """Give the text that a cell can hold, equal to `text` wherever possible.

    A text that is too long ends in "… [cut, N characters in all]".
    """
    text = _UNWRITABLE.sub("\ufffd", text)
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "
    if len(text.encode("utf-16-le")) // 2 <= _LONGEST:
        return text
    mark = f"… [cut, {len(text):,} characters in all]"
    kept = text.encode("utf-16-le")[: 2 * (_LONGEST - len(mark))]
    return kept.decode("utf-16-le", errors="ignore") + mark


def put(sheet: Worksheet, row: int, column: int, value: str | float | None, style: Format) -> None:
    """Write one cell: a text stays a text, whatever it begins with.

    Raises:
      TableError: the cell lies outside of what a sheet can hold.
    """
    if value is None or value == "":
        code = sheet.write_blank(row, column, None, style)
    elif not isinstance(value, str):
        code = sheet.write_number(row, column, _Exact(value), style)
    else:
        code = sheet.write_string(row, column, fitting(value), style)
    if code:
        message = (
            f"row {row + 1:,}, column {column + 1:,} cannot be written: "
            "a sheet holds 1,048,576 rows and 16,384 columns."
        )
        raise TableError(message)


def merge(
    sheet: Worksheet, first: tuple[int, int], last: tuple[int, int], value: str | float | None, style: Format
) -> None:
    """Write one value over a block of cells, from the row and column `first` to `last`."""
    if first != last:
        sheet.merge_range(*first, *last, "", style)
    put(sheet, *first, value, style)


def lines(text: str, width: float) -> int:
    """Estimate how many lines a text takes in a cell `width` characters wide."""
    return sum(max(1, math.ceil(len(line) / width)) for line in text.split("\n"))
