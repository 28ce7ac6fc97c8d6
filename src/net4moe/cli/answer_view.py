"""How an answer looks on a terminal while it comes, and when it is there."""

from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from net4moe.mixture import (
    Answer,
    Costs,
    Decision,
    Event,
    Passage,
    ReceiptLine,
    Score,
    Story,
    Subtask,
    TextArrived,
    count_words,
)
from net4moe.mixture.judge_check import what_is_known_of

__all__ = ["AnswerView"]

_SHOWN_CHARACTERS = 400
_TEXTS = ("", "subtask", "field", "expert", "device")
_WIDE = (*_TEXTS, "SNR", "words", "write", "air", "compute cost", "transfer cost")
_NARROW = ("", "subtask", "expert", "device", "SNR", "words", "write", "costs")
_WIDE_FROM = 115


class AnswerView:
    """Shows an answer live on a terminal, or line by line where there is none."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._subtasks: tuple[Subtask, ...] = ()
        self._decisions: tuple[Decision, ...] = ()
        self._passages: dict[int, Passage] = {}
        self._texts: dict[int | None, str] = {}
        self._stage = "the gate decomposes the prompt"
        self._live = Live(get_renderable=self._view, console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the live view away."""
        if self._console.is_terminal:
            self._live.stop()

    def tell(self, event: Event) -> None:
        """Take in what happened."""
        match event:
            case TextArrived(subtask_index=index, text=text):
                self._texts[index] = self._texts.get(index, "") + text
                return
            case Passage():
                self._passages[event.subtask_index] = event
                line = f"{event.expert} wrote {event.words} words for subtask {event.subtask_index + 1}"
                if len(self._passages) == len(self._subtasks):
                    self._stage = "the gate fuses the passages"
            case Story():
                self._stage = line = "the judge scores the text"
            case Score():
                line = "done"
            case _:
                line = self._take_in_tuple(event)
        if not self._console.is_terminal:
            self._console.print(line, markup=False)

    def print(self, console: Console, answer: Answer) -> None:
        """Print the whole answer."""
        console.print(self._table(answer, console.width))
        console.print()
        console.print(Text(answer.story.text), soft_wrap=not console.is_terminal)
        console.print()
        console.print(_closing(answer))

    def _take_in_tuple(self, event: tuple[Subtask, ...] | tuple[Decision, ...]) -> str:
        subtasks = tuple(item for item in event if isinstance(item, Subtask))
        if subtasks:
            self._subtasks = subtasks
            self._stage = "the policy places the subtasks"
            return "subtasks: " + "; ".join(f"{item.text} ({item.field})" for item in subtasks)
        self._decisions = tuple(item for item in event if isinstance(item, Decision))
        self._stage = "the experts write"
        return "placed: " + "; ".join(
            f"{item.subtask_index + 1} on {item.device} ({item.expert})" for item in self._decisions
        )

    def _view(self) -> RenderableType:
        rows: list[RenderableType] = []
        if self._subtasks:
            rows.append(self._table(None, self._console.width))
        streaming = self._texts.get(None, "")
        if streaming:
            rows.append(Panel(Text(streaming[-3 * _SHOWN_CHARACTERS :]), title="story", border_style="dim"))
        else:
            for subtask in self._subtasks:
                if text := self._texts.get(subtask.index):
                    title = f"{subtask.index + 1} {escape(subtask.text[:60])}"
                    rows.append(Panel(Text(text[-_SHOWN_CHARACTERS:]), title=title, border_style="dim"))
        rows.append(Text(f"{self._stage} …", style="dim"))
        return Group(*rows)

    def _table(self, answer: Answer | None, width: int) -> Table:
        names = _WIDE if width >= _WIDE_FROM else _NARROW
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in names:
            is_text = name in _TEXTS
            table.add_column(name, justify="left" if is_text else "right", no_wrap=name != "subtask")
        lines = answer.receipt.lines if answer else ()
        for subtask in self._subtasks:
            cells = {"": str(subtask.index + 1), "subtask": subtask.text, "field": subtask.field}
            if self._decisions:
                cells |= _of_decision(self._decisions[subtask.index])
                cells["words"] = str(count_words(self._texts.get(subtask.index, "")))
            if lines:
                cells |= _of_line(lines[subtask.index])
            table.add_row(*(Text(cells.get(name, "")) for name in names))
        return table


def _of_decision(decision: Decision) -> dict[str, str]:
    return {
        "expert": decision.expert,
        "device": decision.device,
        "SNR": "local" if decision.snr_db is None else f"{decision.snr_db:.1f} dB",
        **_of_costs(decision.expected, "~"),
    }


def _of_line(line: ReceiptLine) -> dict[str, str]:
    return {
        "words": str(line.words),
        "write": f"{line.write_s:.1f} s",
        "air": f"{1000 * line.actual.transfer_s:.0f} ms",
        **_of_costs(line.actual, ""),
    }


def _of_costs(costs: Costs, mark: str) -> dict[str, str]:
    return {
        "compute cost": f"{mark}{costs.compute_cost:.2f}",
        "transfer cost": f"{mark}{costs.transfer_cost:.2f}",
        "costs": f"{mark}{costs.compute_cost + costs.transfer_cost:.2f}",
    }


def _closing(answer: Answer) -> Text:
    score, receipt = answer.score, answer.receipt
    number = (
        f"score {score.value:.2f} of 10" if score.value is not None else f"unscored: {score.unscored_reason}"
    )
    text = Text(number, style="bold")
    text.append(f"  by {score.judge}\n", style="dim")
    text.append(f"{what_is_known_of(score.judge)}\n", style="dim")
    where = ", ".join(f"{span.name} {span.end_s - span.start_s:.1f} s" for span in receipt.timeline)
    text.append(f"{receipt.seconds:.1f} s in all: {where}", style="dim")
    if receipt.price_usd > 0:
        text.append(f"; ${receipt.price_usd:.4f}", style="dim")
    how = {"model": "fused by the gate", "linked": "passages linked by the gate", "joined": "passages joined"}
    text.append(f"\n{how[answer.story.fused_by]}", style="dim")
    if answer.story.note:
        text.append(f": {answer.story.note}", style="dim")
    text.append(f"\nseed {receipt.seed}", style="dim")
    return text
