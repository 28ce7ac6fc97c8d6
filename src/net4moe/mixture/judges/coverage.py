"""How much of a text tells of each phrase of its prompt: a hidden Markov chain that goes through the phrases.

A sentence alone is often as near to one phrase as to another, and writers go on with what they have begun and then
turn to what was asked next. The chain knows both (content models, arXiv:cs/0405039; the prompt gives the topics).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["words_told"]

_SHARPNESS = 20.0
_STAYS, _GOES_ON, _JUMPS = 0.6, 0.3, 0.1
_BEGINS_WITH_FIRST = 0.8


def words_told(cosines: Sequence[Sequence[float]], num_words: Sequence[int]) -> NDArray[np.float64]:
    """Share the words of a text out over the phrases of its prompt, as expected.

    Each sentence tells of one phrase, of weight exp(20 cosine); the next one of the same with 0.6, of the phrase
    after it with 0.3, of any with 0.1; the first one of the first phrase with 0.8, of any with 0.2.

    Args:
      cosines: each phrase (a row) with each sentence.
      num_words: words of each sentence.

    Returns:
      The expected number of words that tell of each phrase; they add up to the words of the text.
    """
    near = np.asarray(cosines, np.float64)
    num_phrases, num_sentences = near.shape
    weights = np.exp(_SHARPNESS * (near - near.max(axis=0))).T
    steps = _STAYS * np.eye(num_phrases) + _GOES_ON * np.eye(num_phrases, k=1) + _JUMPS / num_phrases
    steps /= steps.sum(axis=1, keepdims=True)
    begins = np.full(num_phrases, (1 - _BEGINS_WITH_FIRST) / num_phrases)
    begins[0] += _BEGINS_WITH_FIRST
    before, after = np.empty_like(weights), np.ones_like(weights)
    for index in range(num_sentences):
        before[index] = weights[index] * (before[index - 1] @ steps if index else begins)
        before[index] /= before[index].sum()
    for index in range(num_sentences - 2, -1, -1):
        after[index] = steps @ (weights[index + 1] * after[index + 1])
        after[index] /= after[index].sum()
    shares = before * after
    shares /= shares.sum(axis=1, keepdims=True)
    return np.asarray(num_words, np.float64) @ shares
