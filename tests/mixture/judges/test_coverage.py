"""How the words of a text are shared out over the phrases of its prompt, against all ways through them."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from net4moe.mixture.judges.coverage import words_told

COSINES = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(1, 6)),
    elements=st.floats(-1.0, 1.0),
)


def by_counting(cosines: Sequence[Sequence[float]], num_words: Sequence[int]) -> list[float]:
    """Go every way through the phrases and weigh it."""
    num_phrases = len(cosines)

    def step(one: int, other: int) -> float:
        weights = [
            0.6 * (end == one) + 0.3 * (end == one + 1) + 0.1 / num_phrases for end in range(num_phrases)
        ]
        return weights[other] / sum(weights)

    told, total = [0.0] * num_phrases, 0.0
    for way in itertools.product(range(num_phrases), repeat=len(num_words)):
        weight = 0.8 * (way[0] == 0) + 0.2 / num_phrases
        weight *= math.prod(step(one, other) for one, other in itertools.pairwise(way))
        weight *= math.exp(20 * sum(cosines[phrase][index] for index, phrase in enumerate(way)))
        total += weight
        for phrase, words in zip(way, num_words, strict=True):
            told[phrase] += weight * words
    return [words / total for words in told]


@given(COSINES, st.lists(st.integers(1, 40), min_size=6, max_size=6))
def test_all_ways_through_the_phrases(cosines: np.ndarray, words: list[int]) -> None:
    """What going forward and backward gives is what counting every way gives; no word is lost."""
    num_words = words[: cosines.shape[1]]
    told = words_told(cosines.tolist(), num_words)
    np.testing.assert_allclose(told, by_counting(cosines.tolist(), num_words), rtol=1e-6, atol=1e-9)
    assert told.sum() == pytest.approx(sum(num_words))


def test_one_sentence_by_hand() -> None:
    """As near to both of two phrases: 0.9 of it tells of the first, with which texts begin."""
    assert [9.0, 1.0] == pytest.approx(words_told([[0.3], [0.3]], [10]).tolist())


def test_one_phrase_gets_all() -> None:
    """However near the sentences come."""
    assert [30.0] == pytest.approx(words_told([[0.9, -0.2, 0.0]], [10, 10, 10]).tolist())


def test_what_stands_between_belongs_to_its_neighbours() -> None:
    """A sentence that is near to neither goes with those around it; alone it would not."""
    first, second = [0.5, 0.0, 0.5, 0.0], [0.0, 0.02, 0.0, 0.5]
    within, _ = words_told([first, second], [10, 10, 10, 10])
    assert within > 29.0
    alone, _ = words_told([[0.0], [0.2]], [10])
    assert alone < 2.0


def test_another_order_costs_little() -> None:
    """A text that tells of the last phrase first tells of all the same."""
    in_order = [[0.6, 0.6, 0.1, 0.1], [0.1, 0.1, 0.6, 0.6]]
    turned = [row[::-1] for row in in_order]
    assert words_told(in_order, [10] * 4).min() == pytest.approx(20.0, abs=0.1)
    assert words_told(turned, [10] * 4).min() == pytest.approx(20.0, abs=0.1)


def test_a_part_that_is_missing() -> None:
    """Nothing is near to the last of three phrases: next to no word tells of it, at any length."""
    near = [[0.6] * 4 + [0.1] * 4, [0.1] * 4 + [0.6] * 4, [0.1] * 8]
    told = words_told(near, [12] * 8)
    assert told[2] < 1.0
    assert words_told([row * 2 for row in near], [12] * 16)[2] < 1.0
    near[2][6:] = 0.7, 0.7
    assert words_told(near, [12] * 8)[2] > 20.0


def test_a_long_text() -> None:
    """A thousand sentences overflow nothing."""
    told = words_told([[1.0, -1.0] * 500, [-1.0, 1.0] * 500], [10] * 1000)
    assert np.isfinite(told).all()
    assert told.sum() == pytest.approx(10_000)
