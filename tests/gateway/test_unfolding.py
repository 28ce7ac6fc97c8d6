"""What is shown of passages that come side by side is the text as it will stand, and is never taken back."""

import random

from hypothesis import given
from hypothesis import strategies as st

from net4moe.gateway.unfolding import Unfolding
from net4moe.mixture.expert import passage_text
from net4moe.mixture.sentences import settled


def test_the_first_passage_shows_sentence_by_sentence() -> None:
    """A sentence is shown when the next one begins."""
    shown: list[str] = []
    unfolding = Unfolding(2, shown.append)
    unfolding.heard(0, "The fox sailed. ")
    assert [] == shown
    unfolding.heard(0, "It")
    assert ["The fox sailed."] == shown
    unfolding.heard(1, "Later it rained. Then")
    unfolding.heard(0, " was Mr. ")
    assert ["The fox sailed."] == shown
    unfolding.ended(0, "The fox sailed. It was Mr. Reynard.")
    assert ["The fox sailed.", " It was Mr. Reynard.", "\n\nLater it rained."] == shown
    unfolding.ended(1, "Later it rained.")
    assert "The fox sailed. It was Mr. Reynard.\n\nLater it rained." == "".join(shown)


def test_a_missing_passage_leaves_no_gap() -> None:
    """Two paragraphs, not three."""
    shown: list[str] = []
    unfolding = Unfolding(3, shown.append)
    unfolding.ended(0, "One.")
    unfolding.ended(1, "")
    unfolding.ended(2, "Three.")
    assert "One.\n\nThree." == "".join(shown)
    first: list[str] = []
    unfolding = Unfolding(2, first.append)
    unfolding.ended(0, "")
    unfolding.ended(1, "Two.")
    assert "Two." == "".join(first)


TEXTS = st.lists(
    st.sampled_from(["A", "b", " ", ". ", "Mr. ", "!", '?" ', "…", "\n", "3.5 ", "。", "”", " end", "Dr."]),
    max_size=30,
).map("".join)


@given(TEXTS, st.integers(0, 60), st.sampled_from(["stop", "length"]))
def test_a_settled_beginning_stays(text: str, at: int, finish_reason: str) -> None:
    """However the text goes on, and wherever it is cut to whole sentences."""
    early = settled(text[:at].lstrip())
    assert settled(text.lstrip()).startswith(early)
    assert passage_text(text, finish_reason).startswith(early)


@given(st.lists(TEXTS, min_size=1, max_size=3), st.randoms(use_true_random=False), st.booleans())
def test_whatever_the_order_the_text_is_the_joined_one(
    texts: list[str], chance: random.Random, cut: bool
) -> None:
    """Pieces of all passages come mixed; what is shown is the passages in their order."""
    shown: list[str] = []
    unfolding = Unfolding(len(texts), shown.append)
    pieces = [[text[i : i + 3] for i in range(0, len(text), 3)] for text in texts]
    final = [passage_text(text, "length" if cut else "stop") for text in texts]
    open_ = list(range(len(texts)))
    while open_:
        index = chance.choice(open_)
        if pieces[index]:
            unfolding.heard(index, pieces[index].pop(0))
        else:
            unfolding.ended(index, final[index])
            open_.remove(index)
    assert "\n\n".join(text for text in final if text) == "".join(shown)
