"""`net4moe table`: score tables as files."""

from pathlib import Path
from typing import Annotated

import typer

from net4moe.cli.options import ConfigOption, MaxCostOption, ModelOption

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Score tables as files: import, export, score anew.")

_Table = Annotated[Path, typer.Argument(help="A score table (.parquet).", metavar="TABLE")]


@app.command("import")
def import_workbook(
    workbook: Annotated[
        Path, typer.Argument(help="A workbook (.xlsx), filled by hand or by `collect`.", metavar="XLSX")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the table goes.", metavar="PARQUET")] = Path(
        "scores.parquet"
    ),
) -> None:
    """Read a workbook that a person filled and keep it as a table; says which sheet and cell is wrong.

    Needed columns: prompt, subtask, expert, explicit score, words. Or the layout of the `Scores` sheet that
    `net4moe collect` writes, experts side by side.

    Example: net4moe table import scores.xlsx --out scores.parquet
    """
    from net4moe.cli import console
    from net4moe.table import parquet, workbook_import

    table = workbook_import.read(workbook)
    parquet.write(table, out)
    console.note(
        f"{len(table.rows)} rows, {len(table.prompt_ids)} prompts, {len(table.experts)} experts, "
        f"{table.unscored} unscored"
    )
    console.out.print(str(out), soft_wrap=True, markup=False)


@app.command("export")
def export_workbook(
    table: _Table,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the workbook goes.", metavar="XLSX")] = Path(
        "scores.xlsx"
    ),
) -> None:
    """Write a table as a workbook, to read and to fill by hand.

    Example: net4moe table export runs/study/scores.parquet --out scores.xlsx
    """
    from net4moe.cli import console
    from net4moe.cli.collecting import judge_notes
    from net4moe.table import parquet, workbook

    scores = parquet.read(table)
    workbook.write(scores, out, notes=judge_notes(scores))
    console.out.print(str(out), soft_wrap=True, markup=False)


@app.command("judge")
def judge_table(
    table: _Table,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the table and the ledger.", metavar="DIR")
    ] = Path("runs/judged"),
    config: ConfigOption = None,
    model: ModelOption = None,
    max_cost: MaxCostOption = None,
) -> None:
    """Have the judge of the settings score the texts of a table anew.

    Writes scores.parquet, scores.xlsx and ledger.sqlite into the folder. Killed on the way, the same command goes
    on where it was.

    Example: net4moe table judge runs/study/scores.parquet --out runs/judged
    """
    from net4moe.cli.collecting import judge_again

    judge_again(table, out, config_file=config, model=model, max_cost_usd=max_cost)
