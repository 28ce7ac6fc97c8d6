"""Damage is what it says, and the same seed does the same."""

from collections import Counter

import pytest

from net4moe.mixture.judge_check.damage import DAMAGES, Damaged, damaged
from net4moe.mixture.judge_check.material import Sample, material
from net4moe.mixture.sentences import split_sentences

MATERIAL = material("check")
PAIRS = [(sample, one) for sample in MATERIAL.samples for one in damaged(sample, MATERIAL, seed=3)]


def of(damage: str, strength: float = 1.0) -> list[tuple[Sample, Damaged]]:
    """Give the texts with one kind of damage."""
    return [
        (sample, one) for sample, one in PAIRS if one.damage == damage and abs(one.strength - strength) < 0.01
    ]


def test_every_kind_is_done_to_every_text() -> None:
    """At every strength, the heaviest of each kind at 1, and never nothing."""
    for sample in MATERIAL.samples:
        mine = [one for mate, one in PAIRS if mate is sample]
        assert (
            set(DAMAGES) == {one.damage for one in mine} == {one.damage for one in mine if one.strength == 1}
        )
        kinds = [(one.damage, one.strength) for one in mine if one.damage != "missing subtask"]
        assert len(set(kinds)) == len(kinds) == len(mine) - len(sample.parts)
        assert all((one.text, one.about) != (sample.text, sample.about) for one in mine)


def test_the_seed_decides() -> None:
    """The same seed gives the same texts; another one gives others."""
    sample = MATERIAL.samples[0]
    assert damaged(sample, MATERIAL, seed=3) == damaged(sample, MATERIAL, seed=3)
    assert damaged(sample, MATERIAL, seed=3) != damaged(sample, MATERIAL, seed=4)


@pytest.mark.parametrize("strength", [1 / 3, 2 / 3, 1.0])
def test_a_salad_keeps_the_words(strength: float) -> None:
    """All words are still there; the share that moved is at most the strength."""
    for sample, one in of("word salad", strength):
        before, after = sample.text.split(), one.text.split()
        assert Counter(before) == Counter(after)
        moved = sum(a != b for a, b in zip(before, after, strict=True))
        assert 0 < moved <= max(2, round(strength * len(before)))


def test_repetition_says_little_again_and_again() -> None:
    """At its heaviest one sentence fills the text."""
    for sample, one in of("repetition"):
        assert {split_sentences(sample.text)[0]} == set(split_sentences(one.text))
        assert len(split_sentences(one.text)) >= 3


def test_truncation_ends_within_a_sentence() -> None:
    """A quarter of the words remains at the heaviest, and no full stop behind them."""
    for sample, one in of("truncation"):
        assert sample.text.split()[:3] == one.text.split()[:3]
        assert abs(len(one.text.split()) - len(sample.text.split()) / 4) <= 1
        assert one.text[-1] not in ".!?\"'”"


def test_off_topic_is_the_text_under_another_prompt() -> None:
    """The text is whole; the prompt is that of another."""
    prompts = {sample.about for sample in MATERIAL.samples}
    for sample, one in of("off-topic"):
        assert sample.text == one.text
        assert sample.about != one.about
        assert one.about in prompts


def test_mixed_texts_take_turns() -> None:
    """The first sentence is the text's own, the second another's."""
    for sample, one in of("mixed texts"):
        own = split_sentences(sample.text)
        assert one.text.startswith(own[0])
        assert len(own) == 1 or own[1] not in one.text


def test_each_part_is_missing_once() -> None:
    """All parts but one are there, and every one has its turn."""
    for sample, one in of("missing subtask"):
        assert 1 == sum(part not in one.text for part in sample.parts)
    left_out = [
        (sample.id, part)
        for sample, one in of("missing subtask")
        for part in sample.parts
        if part not in one.text
    ]
    assert left_out == [(sample.id, part) for sample in MATERIAL.samples for part in sample.parts]


def test_shuffled_sentences_are_the_same_ones() -> None:
    """In another order."""
    for sample, one in of("sentence shuffle"):
        assert Counter(sample.text.split()) == Counter(one.text.split())
        assert " ".join(split_sentences(sample.text)) != one.text


def test_padding_doubles_the_length_and_says_nothing() -> None:
    """Every sentence is still there, in order, and the rest are fillers."""
    for sample, one in of("padding"):
        rest = one.text
        for sentence in split_sentences(sample.text):
            assert sentence in rest
            rest = rest.partition(sentence)[2]
        assert 1.8 <= len(one.text.split()) / len(sample.text.split()) <= 2.6


def test_what_is_added_stands_at_the_end() -> None:
    """The contradiction and the order follow the whole text; the empty text is empty."""
    for sample, one in (*of("contradiction"), *of("order to the judge")):
        assert one.text.startswith(sample.text)
    assert {""} == {one.text for _, one in of("empty")}
    assert {one.text for _, one in of("constant answer")} <= set(MATERIAL.constant_answers)
