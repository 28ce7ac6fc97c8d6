"""The sheets of an Excel workbook as plain values, with each cell's place for the sentences about mistakes.

A merged block gives its value to the cells of its first column. A formula gives its last result, and a failed
one a `FormulaError`: python-calamine reads those as empty, so they are looked up in the workbook's XML.
"""

import csv
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from xml.etree import ElementTree

import python_calamine

from net4moe.errors import TableError
from net4moe.table import files

__all__ = ["Cell", "FormulaError", "Sheet", "Value", "place", "read_sheets"]

_OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FAILED_CELL = re.compile(rb"""\st=["']e["']""")
_MOST_CELLS = 20_000_000
_DAMAGE = (  # what a damaged archive makes its readers raise
    python_calamine.CalamineError,
    zipfile.BadZipFile,
    zlib.error,
    ElementTree.ParseError,
    EOFError,
    KeyError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaError:
    """The result of a formula that failed.

    Attributes:
      text: what the cell shows, as `#DIV/0!`.
    """

    text: str


Value = str | float | bool | date | time | timedelta | FormulaError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell.

    Attributes:
      value: what it holds; an empty text where it is empty.
      row: its row, from 0.
      column: its column, from 0.
      merged: whether it lies in a merged block.
    """

    value: Value
    row: int
    column: int
    merged: bool = False

    @property
    def place(self) -> str:
        """Name the cell as a spreadsheet does, as `C7`."""
        return place(self.row, self.column)

    @property
    def is_empty(self) -> bool:
        """Say whether nothing can be seen in the cell."""
        return isinstance(self.value, str) and not self.value.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet of cells.

    Attributes:
      name: what its tab says.
      rows: all rows from the first, equally long.
    """

    name: str
    rows: tuple[tuple[Cell, ...], ...]


def place(row: int, column: int) -> str:
    """Name a cell as a spreadsheet does: row 6, column 2 is `C7`."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"


def read_sheets(path: Path) -> tuple[Sheet, ...]:
    """Read every sheet of cells in a workbook.

    Raises:
      TableError: the file is missing, encrypted, damaged or no `.xlsx` workbook.
    """
    content = files.read_bytes(path)
    _check_kind(content, path)
    try:
        failed = _failed_cells(content)
        with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
            return tuple(
                _sheet(workbook.get_sheet_by_name(metadata.name), failed.get(metadata.name, {}), path)
                for metadata in workbook.sheets_metadata
                if metadata.typ is python_calamine.SheetTypeEnum.WorkSheet
            )
    except _DAMAGE as error:
        message = "is damaged or is not an Excel workbook (.xlsx)."
        raise TableError(message, path=path) from error


def _check_kind(content: bytes, path: Path) -> None:
    """Refuse what is not a zip archive, and say what it is instead."""
    if content.startswith(b"PK"):
        return
    if content.startswith(_OLE_MARK):
        if "EncryptedPackage".encode("utf-16-le") in content:
            message = "is protected by a password; remove it in the spreadsheet program and save again."
        else:
            message = "is an old Excel workbook (.xls); save it as an Excel workbook (.xlsx)."
    elif _looks_like_csv(content):
        message = "is a text file such as CSV; open it in a spreadsheet program and save it as .xlsx."
    else:
        message = "is damaged or is not an Excel workbook (.xlsx)."
    raise TableError(message, path=path)


def _looks_like_csv(content: bytes) -> bool:
    """Say whether the file begins with a line of several values."""
    try:
        csv.Sniffer().sniff(content[:4096].decode("utf-8-sig").splitlines()[0], delimiters=",;\t")
    except (UnicodeDecodeError, csv.Error, IndexError):
        return False
    return True


def _sheet(source: python_calamine.CalamineSheet, failed: dict[str, str], path: Path) -> Sheet:
    """Turn a sheet into cells."""
    bottom, right = source.end or (0, 0)
    if (bottom + 1) * (right + 1) > _MOST_CELLS:
        message = f"reaches as far as cell {place(bottom, right)}; delete the stray cells."
        raise TableError(message, path=path, sheet=source.name)
    grid = source.to_python(skip_empty_area=False)
    merged: dict[tuple[int, int], tuple[int, int]] = {}
    for first, last in source.merged_cell_ranges or ():
        for row in range(first[0], min(last[0] + 1, len(grid))):
            merged |= {(row, column): first for column in range(first[1], min(last[1] + 1, len(grid[row])))}

    def cell(row: int, column: int) -> Cell:
        top, left = merged.get((row, column), (row, column))
        text = failed.get(place(top, left))
        value = FormulaError(text=text) if text else grid[top][left] if column == left else ""
        return Cell(value=value, row=row, column=column, merged=(row, column) in merged)

    return Sheet(
        name=source.name,
        rows=tuple(tuple(cell(row, column) for column in range(len(line))) for row, line in enumerate(grid)),
    )


def _failed_cells(content: bytes) -> dict[str, dict[str, str]]:
    """Find the cells with a formula's error: by sheet and place, what they show."""
    failed: dict[str, dict[str, str]] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        for sheet in ElementTree.fromstring(archive.read("xl/workbook.xml")).findall("{*}sheets/{*}sheet"):
            link = next((value for name, value in sheet.items() if name.endswith("}id")), None)
            target = targets[link]
            part = archive.read(target.removeprefix("/") if target.startswith("/") else f"xl/{target}")
            if _FAILED_CELL.search(part):
                failed[sheet.get("name", "")] = {
                    cell.get("r", ""): cell.findtext("{*}v") or "#ERROR"
                    for cell in ElementTree.fromstring(part).findall("{*}sheetData/{*}row/{*}c")
                    if cell.get("t") == "e"
                }
    return failed
