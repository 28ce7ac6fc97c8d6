"""What is said to a model and what a call may cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.chat import ChatRequest, Message, Price, TextRequest
from net4moe.chat.model import largest_price_usd
from net4moe.chat.records import half_character
from net4moe.chat.scripted import ScriptedChatModel

PRICE = Price(input_usd_per_mtok=3.0, output_usd_per_mtok=15.0)


def test_the_price_of_a_call() -> None:
    """A thousand tokens read at $3 and a hundred written at $15 a million cost $0.0045."""
    assert 0.0045 == PRICE.usd(1000, 100)
    assert 0.0 == Price().usd(10**9, 10**9)


@pytest.mark.parametrize("value", [-0.01, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["input_usd_per_mtok", "output_usd_per_mtok"])
def test_prices_that_are_none(name: str, value: float) -> None:
    """A price that no limit could hold is refused."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        Price(**{name: value})
    assert f"`{name}` must be a number from 0 up, got {value}." == str(caught.value)


def test_half_a_character_in_a_message() -> None:
    """A text that UTF-8 cannot write, as the shell makes from broken bytes, is refused where it enters."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        Message(role="user", content="a fo\udcffx")
    text = "`content` must be whole characters, got half of one (a lone surrogate) at place 4."
    assert text == str(caught.value)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        TextRequest(text="\ud83e")
    assert "`text` must be whole characters, got half of one (a lone surrogate) at place 0." == str(
        caught.value
    )


@given(
    st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(categories=["Cs"]), max_size=1)
)
def test_half_characters_are_found(text: str, half: str) -> None:
    """The place of the first half is found, and whole texts pass."""
    assert (len(text) if half else None) == half_character(text + half)


def test_the_largest_price_by_hand() -> None:
    """A message of 5 bytes may be 5 tokens and 16 of its frame; a reply is what it may be at most."""
    model = ScriptedChatModel(lambda _: "", price=PRICE)
    chat = ChatRequest(messages=(Message(role="user", content="füch"),), max_tokens=100, schema="{}")
    assert PRICE.usd(5 + 16 + 2, 100) == largest_price_usd(model, chat)
    assert PRICE.usd(3 + 16, 1) == largest_price_usd(model, TextRequest(text="fox"))


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.integers(1, 100), st.integers(0, 100)
)
def test_no_call_costs_more_than_its_largest_price(text: str, most: int, written: int) -> None:
    """However a tokeniser cuts the text, byte for byte at worst, the bound holds."""
    model = ScriptedChatModel(lambda _: "", price=PRICE)
    num_read = len(text.encode()) + 4
    bound = largest_price_usd(
        model, ChatRequest(messages=(Message(role="user", content=text),), max_tokens=most)
    )
    assert PRICE.usd(num_read, min(written, most)) <= bound
