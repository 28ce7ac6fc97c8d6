"""A fused text holds its passages in order, or it is said what is wrong with it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.mixture.fusion import joined, repeats, what_is_missing

_WORDS = ["robot", "robots", "love", "12", "a", "侦探", "机器人", "火星上的日落", "🐱", ".", "İstanbul"]
_PIECES = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=12).map(" ".join)

PASSAGES = (
    "The detective found a silver button under the bed.",
    "Robots danced slowly through the empty hall.",
    "Over Olympus the evening painted dusty clouds.",
)


@given(st.lists(_PIECES | st.text(min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_the_passages_one_after_the_other_miss_nothing(passages: list[str]) -> None:
    """True with shared words, equal passages, Chinese, digits and passages of one letter."""
    assert what_is_missing(joined(passages), passages) == ""


@given(st.permutations(range(5)), st.integers(3, 5))
def test_any_other_order_is_found(order: list[int], number: int) -> None:
    """Three to five passages with words of their own, joined in another order, changed the order."""
    own = [f"{start}alpha {start}bravo 1{index}2 shared words" for index, start in enumerate("vwxyz")][
        :number
    ]
    order = [index for index in order if index < number]
    right = order == sorted(order)
    expected = "" if right else "changed the order of the passages"
    assert expected == what_is_missing(joined([own[index] for index in order]), own)


def test_every_permutation_of_three() -> None:
    """Only the given order is the given order."""
    for order in itertools.permutations(range(3)):
        expected = "" if order == (0, 1, 2) else "changed the order of the passages"
        assert expected == what_is_missing(joined([PASSAGES[index] for index in order]), PASSAGES)


@pytest.mark.parametrize(
    ("missing", "story"),
    [
        ("was empty", " \n"),
        ("dropped passage 1", "..."),
        ("dropped passage 2", joined((PASSAGES[0], PASSAGES[2]))),
        ("dropped passage 3", joined(PASSAGES[:2])),
        (
            "",
            "Under the bed the detective saw it: a silver button. Meanwhile robots danced through the hall. "
            "That evening dusty clouds hung over Olympus.",
        ),
    ],
)
def test_what_is_missing_by_hand(missing: str, story: str) -> None:
    """A dropped passage is named; a paraphrase that keeps half of the words is no loss."""
    assert missing == what_is_missing(story, PASSAGES)


def test_a_chinese_paraphrase_is_no_loss() -> None:
    """Words without spaces between them are found wherever they stand."""
    passages = ("侦探在床下找到一枚纽扣", "机器人在大厅里跳舞")
    assert (
        what_is_missing("那天侦探蹲下，在床下果然找到一枚纽扣。同时，机器人在空空的大厅里跳舞。", passages)
        == ""
    )
    assert "dropped passage 2" == what_is_missing("那天侦探蹲下，在床下果然找到一枚纽扣。", passages)


def test_a_passage_without_words_of_its_own_has_no_place() -> None:
    """Its words stand in the other passage as well, so where they are first found says nothing."""
    passages = ("alpha bravo charlie", "bravo")
    assert what_is_missing(joined(passages), passages) == ""


def test_a_sentence_that_says_nothing_new() -> None:
    """More than 70 % of its telling words stand in one passage; half of them in each of two do not count."""
    passages = (
        "The robot danced slowly through the marble hall.",
        "Olympus wore purple clouds that morning.",
    )
    assert repeats("Slowly danced the robot through the hall.", passages)
    assert not repeats("The robot wore purple.", passages)
    assert not repeats("Meanwhile nobody slept.", passages)
    assert not repeats("", passages)
