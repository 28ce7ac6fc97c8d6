"""Prompts are cut into phrases that hold all their words in order."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.mixture import phrases

_ENGLISH = ["a", "robot", "falls", "in", "love", "and", "on", "Mars", "then", "Dr.", "but", "10,000"]
_OTHER = [",", ".", "!", "火星", "，", "🐱", "\n"]
_WORDS = st.sampled_from(_ENGLISH + _OTHER)


@pytest.mark.parametrize(
    ("cut", "prompt"),
    [
        (
            ("A detective falls in love", "with a robot", "on Mars"),
            "A detective falls in love with a robot on Mars.",
        ),
        (
            ("the principles of generative AI", "its applications", "in networks"),
            "Please explain the principles of generative AI and its applications in networks.",
        ),
        (("a cat", "a dog", "10,000 mice"), "Write a story about a cat, a dog and 10,000 mice."),
        (("a short", "sharp shock"), "Tell me a short tale of a short, sharp shock"),
        (
            ("侦探在火星上爱上了机器人", "他们一起看日落", "然后他们回家"),
            "侦探在火星上爱上了机器人，他们一起看日落。然后他们回家。",
        ),
        (
            ("Dr. Watson meets Mr. Holmes", "at 7:30", "in Paris"),
            "Dr. Watson meets Mr. Holmes at 7:30 in Paris",
        ),
        (("the ship", "then, the sea"), "the ship, and then, the sea"),
        (("🐱🐶 love 🚀",), "🐱🐶 love 🚀"),
        (("cat",), "cat"),
        (("Explain",), "Explain!"),
        (("?!...",), "?!..."),
        (("two lines",), "two\nlines"),
    ],
)
def test_golden_cuts(cut: tuple[str, ...], prompt: str) -> None:
    """Clauses and prepositional phrases stand alone; numbers, times and titles stay whole."""
    assert cut == phrases.cut(prompt, max_subtasks=3)


@given(st.lists(_WORDS, min_size=1, max_size=60), st.integers(1, 6))
def test_all_words_are_kept_in_order(words: list[str], max_subtasks: int) -> None:
    """Only punctuation and a joining word in front of a phrase are lost; there is always a phrase."""
    prompt = " ".join(words)
    if not prompt.strip():
        return
    cut = phrases.cut(prompt, max_subtasks=max_subtasks)
    assert 1 <= len(cut) <= max_subtasks
    assert all(phrase.strip() for phrase in cut)
    joining = {"and", "but", "or", "then"}
    kept = [word for word in re.findall(r"\w+", " ".join(cut)) if word not in joining]
    assert [word for word in re.findall(r"\w+", prompt) if word not in joining] == kept


@given(st.text(min_size=1), st.integers(1, 5))
def test_any_text_is_cut(prompt: str, max_subtasks: int) -> None:
    """Whatever is not blank gives from one to as many phrases as are allowed, none of them blank."""
    if not prompt.strip():
        return
    cut = phrases.cut(prompt, max_subtasks=max_subtasks)
    assert 1 <= len(cut) <= max_subtasks
    assert all(phrase.strip() for phrase in cut)


@pytest.mark.parametrize("piece", ["a, ", "一，", "!", "! ", "with x ", "word ", "write a ", "please "])
def test_the_longest_prompt_is_cut_at_once(piece: str) -> None:
    """Eight thousand characters of any kind are cut within the time limit of a test."""
    cut = phrases.cut((piece * 8_000)[:8_000], max_subtasks=3)
    assert 1 <= len(cut) <= 3


@pytest.mark.parametrize(
    ("kind", "prompt"),
    [
        ("explanation", "Explain radio."),
        ("explanation", "  please describe radio"),
        ("explanation", "How does radio work?"),
        ("explanation", "Tell me how radio works"),
        ("story", "A radio explains itself."),
        ("story", "Howard finds a radio."),
        ("story", "Tell me a story about a radio"),
        ("story", "火星上的机器人"),
    ],
)
def test_the_kind_of_a_prompt(kind: str, prompt: str) -> None:
    """A question word or a verb of explaining in front asks for an explanation."""
    assert kind == phrases.kind_of(prompt)


def test_the_marks_of_a_prompt_outlast_its_joints() -> None:
    """Where pieces must join, those without a mark between them do, though they be longer."""
    prompt = "Explain how to plant a tree, and how to water it when it is dry"
    assert phrases.cut(prompt, max_subtasks=2) == ("how to plant a tree", "how to water it when it is dry")
