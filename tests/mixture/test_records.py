"""Words are counted, prompts that no gate could split are refused."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.mixture import Prompt, Story, count_words
from net4moe.mixture.records import MAX_PROMPT_CHARACTERS


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (0, ""),
        (0, " \n\t　"),
        (4, "A fox can't sail."),
        (3, "one\n\ntwo\tthree"),
        (4, "你好世界"),
        (5, "你好 world 世界"),
        (3, "🐱 🐶🐶 👩‍🚀"),
        (3, "カニ x"),
    ],
)
def test_words_by_hand(words: int, text: str) -> None:
    """Runs between spaces are words; in Chinese and Japanese every character is one."""
    assert words == count_words(text)


@given(
    st.lists(st.from_regex(r"[a-z0-9.,'!-]{1,8}", fullmatch=True)), st.sampled_from([" ", "\n", "  ", "\t"])
)
def test_words_are_what_stands_between_spaces(words: list[str], space: str) -> None:
    """Words joined by any space are counted again."""
    assert len(words) == count_words(space.join(words))


@given(st.text(), st.text())
def test_counting_adds_up(first: str, second: str) -> None:
    """Two texts with a space between them have the words of both."""
    assert count_words(first) + count_words(second) == count_words(f"{first} {second}")


def test_a_story_counts_its_words() -> None:
    """The story's words are those of its text."""
    assert 3 == Story(text="The end. Really", fused_by="joined").words


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the prompt is empty; write what the story or explanation should be about."),
        (" \n ", "the prompt is empty; write what the story or explanation should be about."),
        ("a" * 1_000_000, "the prompt has 1,000,000 characters; at most 8,000 are taken."),
        (os.fsdecode(b"caf\xe9 on Mars"), "the prompt is not valid text; give it in UTF-8."),
        ("half an emoji \ud83d", "the prompt is not valid text; give it in UTF-8."),
    ],
)
def test_prompts_that_cannot_be_are_refused(text: str, sentence: str) -> None:
    """The sentence says what to do."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Prompt(id="p", text=text)


def test_the_longest_prompt_is_taken() -> None:
    """Exactly the limit is allowed."""
    assert MAX_PROMPT_CHARACTERS == len(Prompt(id="p", text="x" * MAX_PROMPT_CHARACTERS).text)
