"""A model that is reached through the dispatcher: the gate's and the judge's, wherever it runs.

The gateway's own computer is asked first, then the other devices that have the model. Errors of devices become
errors of a model here, so that what is written for any model works with this one.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from net4moe.chat import Capabilities, ChatModel, ChatRequest, Message, OnText, Price, Reply, Request
from net4moe.errors import (
    ChatRateLimited,
    ChatTimeout,
    ChatUnavailable,
    DeadlinePassed,
    DeviceBusy,
    DeviceUnreachable,
    NoDevice,
)
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.dispatch.device_wire import estimated_tokens
from net4moe.gateway.dispatch.dispatching import Dispatcher
from net4moe.gateway.fleet.roster import Roster
from net4moe.gateway.records import Candidate, Limits

__all__ = ["DispatchedModel", "spending"]

_budget: ContextVar[Budget | None] = ContextVar("net4moe_budget", default=None)


@contextmanager
def spending(budget: Budget) -> Generator[None]:
    """Let the calls that are made in this context, and in tasks that are begun in it, spend a request's budget."""
    token = _budget.set(budget)
    try:
        yield
    finally:
        _budget.reset(token)


class DispatchedModel(ChatModel):
    """A model of the devices.

    Args:
      roster: the devices.
      dispatcher: sends calls to them.
      name: what the devices call the model.
      capabilities: what it can be asked for.
      price: what its tokens cost.
      total_s: time for a call where no request's budget says less, seconds.
    """

    def __init__(
        self,
        roster: Roster,
        dispatcher: Dispatcher,
        *,
        name: str,
        capabilities: Capabilities | None = None,
        price: Price | None = None,
        total_s: float = 120.0,
    ) -> None:
        self.name = name
        self.capabilities = capabilities or Capabilities()
        self.price = price or Price()
        self._roster = roster
        self._dispatcher = dispatcher
        self._total_s = total_s

    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Answer one request.

        Raises:
          ChatUnavailable: no device with the model answers.
          ChatRateLimited: all of them are full.
          ChatTimeout: the time was over.
          ChatRejected: they refuse the call as it is.
          BudgetExceeded: the request's budget does not allow the call.
        """
        now_s = self._dispatcher.clock()
        budget = _budget.get() or Budget(Limits(deadline_s=self._total_s), now_s)
        chats = isinstance(request, ChatRequest)
        try:
            return await self._dispatcher.reply(
                self._candidates(now_s),
                lambda candidate, begun: _continued(request, begun),
                deadline_s=min(budget.deadline_s, now_s + self._total_s),
                budget=budget,
                on_text=on_text,
                streams=chats,
                continues=chats and self.capabilities.continues_reply and not request.schema,
            )
        except DeviceBusy as error:
            raise ChatRateLimited(str(error), model=self.name, retry_after_s=error.retry_after_s) from error
        except (NoDevice, DeviceUnreachable) as error:
            msg = f"model '{self.name}': {error}"
            raise ChatUnavailable(msg, model=self.name) from error
        except DeadlinePassed as error:
            msg = f"model '{self.name}': {error}"
            raise ChatTimeout(msg, model=self.name) from error

    def _candidates(self, now_s: float) -> list[Candidate]:
        found = self._roster.candidates(now_s=now_s, model=self.name)
        return sorted(found, key=lambda candidate: not self._roster.device(candidate.device).local)


def _continued(request: Request, begun: str) -> Request:
    """Ask to go on after what is there."""
    if not begun or not isinstance(request, ChatRequest):
        return request
    return replace(
        request,
        messages=(*request.messages, Message(role="assistant", content=begun)),
        max_tokens=max(1, request.max_tokens - estimated_tokens(begun)),
    )
