"""Where sentences end, in texts that were cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.mixture.sentences import first_sentence, split_sentences, whole_sentences


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("The door opened.", "The door opened. Then nothing happ"),
        ("The old Dr. Smith came home.", " The old Dr. Smith came home. He sat"),
        ("Before J. R. Hartley left, it rained.", "Before J. R. Hartley left, it rained. Then"),
        ("“We must leave now!” she cried.", "“We must leave now!” she cried. He nodded."),
        ('"Run!" he said.', '"Run!" he said. "Now."'),
        ("He waited... and waited.", "He waited... and waited. Then"),
        ("It cost 3.50 dollars.", "It cost 3.50 dollars. Not"),
        ("Oh no. It rained.", "Oh no. It rained. Then"),
        ("", "No end in sight"),
        ("", "One line\nand the end."),
        ("", '"Let us go. We are late," she said'),
        ("", "Passage 1: the door opened."),
        ("", "**Title.** The door opened."),
        ("", "<<<The door opened.>>> And"),
        ("", ""),
    ],
)
def test_the_first_sentence(sentence: str, text: str) -> None:
    """Titles, initials, numbers, quotes and ellipses that go on do not end it; what is no prose has none."""
    assert sentence == first_sentence(text)


@pytest.mark.parametrize(
    ("whole", "text"),
    [
        ("He ran. She ran.", "He ran. She ran. They"),
        ("He met Dr. Smith and th…", "He met Dr. Smith and th"),
        ('He said: "Stop."', 'He said: "Stop." And then sh'),
        ("She stopped.", 'She stopped. "Run!" he sai'),
        ("Wait... What?", "Wait... What? I"),
        ("Wait... what is th…", "Wait... what is th"),
        ("It was late…", "It was late… The"),
        ("It was over.", "It was over."),
        ("It cost 3.50 and th…", "It cost 3.50 and th"),
        (
            "Yes. And then he walked to the long bridge over th…",
            "Yes. And then he walked to the long bridge over th",
        ),
        ("他走了。", "他走了。她"),
        ("他说：“走。”", "他说：“走。”她又"),
        ("no end…", "no end "),
        ("", ""),
    ],
)
def test_whole_sentences(whole: str, text: str) -> None:
    """A sentence that was cut is taken off, where a third of the text remains; else the cut is marked."""
    assert whole == whole_sentences(text)


@given(st.text(alphabet="ab .!?\"'”。…1M", max_size=80))
def test_only_the_end_is_changed(text: str) -> None:
    """What remains is how the text begins, with at most a mark behind it; nothing is emptied."""
    whole = whole_sentences(text)
    assert text.startswith(whole.removesuffix("…"))
    assert bool(text) == bool(whole)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("  \n ", ()),
        ("One", ("One",)),
        ("One. Two! Three?", ("One.", "Two!", "Three?")),
        ('He said "no." Then\n\nhe left', ('He said "no."', "Then\n\nhe left")),
        ("Dr. Who met Mr. Holmes. They ran.", ("Dr. Who met Mr. Holmes.", "They ran.")),
        ("一。二！", ("一。", "二！")),
    ],
)
def test_all_sentences(text: str, expected: tuple[str, ...]) -> None:
    """Each with its end, without the space between; what has no end is one too."""
    assert expected == split_sentences(text)


@given(st.text())
def test_no_word_is_lost_by_splitting(text: str) -> None:
    """The sentences hold every word of the text, in order."""
    assert "".join(text.split()) == "".join("".join(split_sentences(text)).split())
