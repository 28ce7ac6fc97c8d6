"""How a plan looks on a terminal."""

from typing import Any

from rich.table import Table
from rich.text import Text

from net4moe.cli import console

__all__ = ["print_route"]

_COLUMNS = ("subtask", "field", "expert", "device", "SNR", "score", "words", "seconds", "cost", "reward")
_LEFT = ("subtask", "field", "expert", "device")


def print_route(plan: dict[str, Any], *, explain: bool) -> None:
    """Print where each subtask would go; with `explain`, all that was considered and why."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=name != "subtask")
    for subtask, text in zip(plan["subtasks"], plan["texts"], strict=True):
        _add(table, f"{subtask['index'] + 1} {text}", subtask["field"], subtask["chosen"], "bold")
        for other in subtask["others"] if explain else ():
            _add(table, "", "", other, "dim")
    console.out.print(table)
    if explain:
        console.out.print()
        for subtask in plan["subtasks"]:
            console.out.print(Text(_sentence(subtask)), soft_wrap=True)
    for note in plan["notes"]:
        console.out.print(Text(note, style="dim"))


def _add(table: Table, subtask: str, field: str, one: dict[str, Any], style: str) -> None:
    snr = "own device" if one["is_local"] else "-" if one["snr_db"] is None else f"{one['snr_db']:.1f} dB"
    cells = (
        subtask,
        field,
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
    chosen, cheapest = subtask["chosen"], subtask["cheapest"]
    text = f"{subtask['index'] + 1}: {chosen['expert']} on {chosen['device']}; {subtask['reason']}."
    if cheapest["device"] != chosen["device"]:
        text += (
            f" The cheapest, {cheapest['expert']} on {cheapest['device']}, would save {cheapest['saves']:.2f} "
            f"and is expected to score {cheapest['score_lost']:.2f} less."
        )
    if subtask["shadow"] is not None:
        text += (
            f" The shadow policy would take {subtask['shadow']['expert']} on {subtask['shadow']['device']}."
        )
    return text
