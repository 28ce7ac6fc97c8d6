"""The limit on the price: no call is made that might cross it."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.chat import (
    Ledger,
    LedgeredChatModel,
    Price,
    Reply,
    Request,
    ScriptedChatModel,
    TextRequest,
)
from net4moe.errors import ChatUnavailable, CostLimitReached
from tests.chat.conftest import asked, chat


def test_the_limit_refuses_before_the_call(path: Path) -> None:
    """A call that might cross the limit is not made, now or by a later run; one that was made is still read."""
    model = ScriptedChatModel(lambda _: "on " * 20, price=Price(output_usd_per_mtok=10_000.0))
    with Ledger(path, max_cost_usd=0.45) as ledger:
        ledgered = LedgeredChatModel(model, ledger)
        asked(ledgered, chat("one"))
        asked(ledgered, chat("two"))
        with pytest.raises(CostLimitReached) as caught:
            asked(ledgered, chat("three"))
        text = (
            "the next call may cost up to $0.2000; with $0.4000 spent and $0.0000 under way it could cross the "
            "limit of $0.4500. It was not made; raise `--max-cost` and run the same command to go on."
        )
        assert text == str(caught.value)
        assert 2 == len(model.requests)
        asked(ledgered, chat("one"))
    with Ledger(path, max_cost_usd=0.45) as ledger, pytest.raises(CostLimitReached):
        asked(LedgeredChatModel(model, ledger), chat("three"))


def test_a_free_call_passes_any_limit(path: Path) -> None:
    """A model without a price is asked under a limit of nothing."""
    with Ledger(path, max_cost_usd=0.0) as ledger:
        assert "on" == asked(LedgeredChatModel(ScriptedChatModel(lambda _: "on"), ledger)).text


class _Slow(ScriptedChatModel):
    """Answers when the loop has gone round a few times, so that calls are under way together."""

    async def reply(self, request: Request, **options: object) -> Reply:
        for _ in range(3):
            await asyncio.sleep(0)
        return await super().reply(request)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40), st.booleans()), max_size=12),
    st.floats(0, 2e-3),
    st.integers(0, 12),
)
@settings(max_examples=60, deadline=None)
def test_the_price_never_crosses_the_limit(
    calls: list[tuple[int, int, bool]], limit_usd: float, num_first: int
) -> None:
    """However calls run together, fail, repeat and resume, no more is spent than the limit."""

    def answer(request: Request) -> Reply:
        text = request.text if isinstance(request, TextRequest) else ""
        if text.endswith("!"):
            raise ChatUnavailable(text)
        num_tokens = request.max_tokens
        return Reply(
            text="on",
            finish_reason="length",
            prompt_tokens=len(text),
            completion_tokens=num_tokens,
            seconds=0.0,
            price_usd=price.usd(len(text), num_tokens),
        )

    async def ask(ledger: Ledger, some: list[tuple[int, int, bool]]) -> None:
        model = LedgeredChatModel(_Slow(answer, price=price), ledger)
        requests = [TextRequest(text=f"{i}{'!' * bad}", max_tokens=num) for i, num, bad in some]
        replies = await asyncio.gather(
            *(model.reply(request) for request in requests), return_exceptions=True
        )
        assert all(isinstance(reply, (Reply, ChatUnavailable, CostLimitReached)) for reply in replies)

    price = Price(input_usd_per_mtok=3.0, output_usd_per_mtok=15.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        for some in (calls[:num_first], calls[num_first:]):
            with Ledger(path, max_cost_usd=limit_usd) as ledger:
                asyncio.run(ask(ledger, some))
                spent_usd = ledger.spent_usd
                assert spent_usd <= limit_usd + 1e-12
            with Ledger(path) as ledger:
                assert spent_usd == pytest.approx(ledger.spent_usd)
