"""How an answer looks on a terminal while it comes, and when it is there."""

from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from net4moe.mixture import Answer, Decision, Event, Passage, Score, Story, Subtask, TextArrived, count_words

__all__ = ["AnswerView"]

_SHOWN_CHARACTERS = 400


class AnswerView:
    """Shows an answer live on a terminal, or line by line where there is none."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._subtasks: tuple[Subtask, ...] = ()
        self._decisions: tuple[Decision, ...] = ()
        self._passages: dict[int, Passage] = {}
        self._texts: dict[int | None, str] = {}
        self._stage = "the gate decomposes the prompt"
        self._live = Live(console=console, auto_refresh=True, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._console.is_terminal:
            self._live.get_renderable = self._view  # type: ignore[method-assign]
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
        console.print(self._table(answer))
        console.print()
        console.print(Text(answer.story.text), soft_wrap=False)
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
            rows.append(self._table(None))
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

    def _table(self, answer: Answer | None) -> Table:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in ("", "subtask", "field", "expert", "device"):
            table.add_column(name)
        for name in ("SNR", "words", "write", "air", "compute cost", "transfer cost"):
            table.add_column(name, justify="right")
        lines = answer.receipt.lines if answer else ()
        for subtask in self._subtasks:
            decision = self._decisions[subtask.index] if self._decisions else None
            cells = [str(subtask.index + 1), Text(subtask.text), subtask.field]
            if decision is None:
                table.add_row(*cells)
                continue
            snr = "local" if decision.snr_db is None else f"{decision.snr_db:.1f} dB"
            cells += [decision.expert, decision.device, snr]
            if lines:
                line = lines[subtask.index]
                cells += [
                    str(line.words),
                    f"{line.write_s:.1f} s",
                    f"{1000 * line.actual.transfer_s:.0f} ms",
                    f"{line.actual.compute_cost:.2f}",
                    f"{line.actual.transfer_cost:.2f}",
                ]
            else:
                words = count_words(self._texts.get(subtask.index, ""))
                cells += [f"{words}", "", "", f"~{decision.expected.compute_cost:.2f}"]
                cells += [f"~{decision.expected.transfer_cost:.2f}"]
            table.add_row(*cells)
        return table


def _closing(answer: Answer) -> Text:
    score, receipt = answer.score, answer.receipt
    number = (
        f"score {score.value:.2f} of 10" if score.value is not None else f"unscored: {score.unscored_reason}"
    )
    text = Text(number, style="bold")
    text.append(f"  by {score.judge}\n", style="dim")
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
