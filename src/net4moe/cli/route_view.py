"""How a plan looks on a terminal."""

from typing import Any

from rich.table import Table
from rich.text import Text

from net4moe.cli import console

__all__ = ["print_route"]

_COLUMNS = ("", "expert", "device", "SNR", "score", "words", "seconds", "cost", "reward")
_LEFT = ("", "expert", "device")


def print_route(plan: dict[str, Any], *, explain: bool) -> None:
    """Print where each subtask would go; with `explain`, all that was considered and why."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=name not in _LEFT)
    subtasks: list[dict[str, Any]] = plan["subtasks"]
    for subtask, text in zip(subtasks, plan["texts"], strict=True):
        title = Text(f"{subtask['index'] + 1}  {text} ({subtask['field']})", style="bold")
        if explain:
            console.out.print(title, soft_wrap=True)
            _print_considered(subtask)
            console.out.print(Text(_sentence(subtask), style="dim"), soft_wrap=True)
            console.out.print()
        else:
            _add(table, str(subtask["index"] + 1), subtask["chosen"], "")
            console.out.print(title, soft_wrap=True)
    if not explain:
        console.out.print(table)
    notes: list[str] = plan["notes"]
    for note in notes:
        console.out.print(Text(note, style="dim"))


def _print_considered(subtask: dict[str, Any]) -> None:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=name not in _LEFT)
    _add(table, "=>", subtask["chosen"], "bold")
    others: list[dict[str, Any]] = subtask["others"]
    for other in others:
        _add(table, "", other, "")
    console.out.print(table)


def _add(table: Table, mark: str, one: dict[str, Any], style: str) -> None:
    snr = "own" if one["is_local"] else "-" if one["snr_db"] is None else f"{one['snr_db']:.1f} dB"
    cells = (
        mark,
        one["expert"],
        one["device"],
        snr,
        f"{one['score']:.2f}",
        f"{one['words']:.0f}",
        f"{one['seconds']:.1f}",
        f"{one['compute_cost'] + one['transfer_cost']:.2f}",
        f"{one['reward']:.2f}",
    )
    table.add_row(*(Text(cell, style=style) for cell in cells))


def _sentence(subtask: dict[str, Any]) -> str:
    chosen, cheapest, shadow = subtask["chosen"], subtask["cheapest"], subtask["shadow"]
    text = f"{subtask['reason']}."
    if (cheapest["device"], cheapest["expert"]) != (chosen["device"], chosen["expert"]):
        text += (
            f" The cheapest, {cheapest['expert']} on {cheapest['device']}, would save {cheapest['saves']:.2f} "
            f"and is expected to score {cheapest['score_lost']:.2f} less."
        )
    if shadow is not None:
        text += f" The shadow policy would take {shadow['expert']} on {shadow['device']}."
    return text
