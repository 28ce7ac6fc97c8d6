"""The score table: what every expert wrote for every subtask, what it cost and how it was scored.

The files it lives in are modules of their own, because each needs a library: `net4moe.table.parquet`,
`net4moe.table.workbook` and `net4moe.table.workbook_import`.
"""

from net4moe.table.rows import COLUMNS, Column, ScoreRow
from net4moe.table.score_table import ScoreTable

__all__ = ["COLUMNS", "Column", "ScoreRow", "ScoreTable"]
