"""Word pieces as BERT has them: by a small vocabulary, and by the real one against its own tokenizer's numbers."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.chat.wordpiece import WordPiece

PIECES = (
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "runn", "##ing", "run", "fox", "##es", "cafe",
    "##s", ",", ".", "!", "'", "-", "—", "“", "狐", "a", "##a", "un##", "hello", "t", "don", "$", "^", "ss",
)  # fmt: skip
UNKNOWN = "[UNK]"
VOCABULARY = WordPiece(PIECES)


def cut(text: str) -> list[tuple[str, list[str]]]:
    """Cut a text and spell the pieces out."""
    return [(word, [PIECES[number] for number in numbers]) for word, numbers in VOCABULARY.words(text)]


def pieces(text: str) -> list[str]:
    """Give the pieces of a text, all words together."""
    return [piece for _, found in cut(text) for piece in found]


def test_the_longest_piece_first() -> None:
    """As in the paper's example; of `run` and `runn` the longer is taken, and what follows is inside a word."""
    assert ["un", "##aff", "##able"] == pieces("unaffable")
    assert ["runn", "##ing"] == pieces("running")
    assert ["fox", "##es"] == pieces("foxes")


def test_the_frame() -> None:
    """The marks before and after a text are those of the vocabulary."""
    assert ("[CLS]", "[SEP]") == (PIECES[VOCABULARY.begin], PIECES[VOCABULARY.end])


def test_a_word_is_unknown_as_a_whole() -> None:
    """Where the rest of a word has no piece, its beginning has none either; longest first never turns back."""
    assert [UNKNOWN] == pieces("unaffablex")
    assert [UNKNOWN] == pieces("runnx")
    assert [UNKNOWN, "fox"] == pieces("zebra fox")


@pytest.mark.parametrize("text", ["café", "CAFE\u0301", "Cafe", "cáfè", "ÇAFË"])
def test_capitals_and_accents_are_taken_off(text: str) -> None:
    """Written in one sign or in two."""
    assert ["cafe"] == pieces(text)


def test_words_are_bare() -> None:
    """Capitals and accents are gone from the words as well."""
    assert [("foxes", ["fox", "##es"]), ("cafe", ["cafe"])] == cut("  Foxes\tCafé\n")


def test_marks_stand_alone() -> None:
    """Of ASCII all but letters and digits, also `$` and `^`; of the rest what Unicode calls punctuation."""
    assert ["don", "'", "t", "-", "run", "!", "!"] == pieces("don't-run!!")
    assert ["“", "fox", "—", "run", "."] == pieces("“fox—run.")
    assert ["a", "$", "a", "^", "a"] == pieces("a$a^a")


def test_each_ideograph_is_a_word() -> None:
    """An ideograph of the first plane, one beyond it, and letters beside them."""
    assert [("a", ["a"]), ("狐", ["狐"]), ("狐", ["狐"]), ("a", ["a"])] == cut("a狐狐a")
    assert [("\U00020000", [UNKNOWN]), ("a", ["a"])] == cut("\U00020000a")


def test_control_characters_are_not_there() -> None:
    """They part nothing: NUL, a bell, a zero-width space, a byte-order mark, half a character, a damaged one."""
    assert ["fox"] == pieces("\ufefff\x00o\x07\u200bx\ud800\ufffd")
    assert ["fox", "run", "a"] == pieces("fox\u00a0run\u3000a\r\n")


def test_an_accent_alone_is_no_word() -> None:
    """It is left out, not unknown."""
    assert [("fox", ["fox"])] == cut("\u0301 fox")


def test_a_hundred_letters_are_enough() -> None:
    """A longer word is not looked at; accents do not count."""
    assert ["a", *["##a"] * 99] == pieces("a" * 100)
    assert [UNKNOWN] == pieces("a" * 101)
    assert 100 == len(pieces("á" * 100))


@pytest.mark.parametrize("text", ["", " \n\t ", "\x00", "\u200b"])
def test_nothing(text: str) -> None:
    """A text without signs has no words."""
    assert [] == cut(text)


@given(st.text(st.characters(), max_size=200))  # surrogates too
def test_any_text_gives_pieces(text: str) -> None:
    """Never an error; each word is not empty and has pieces of the vocabulary or no letters."""
    for word, numbers in VOCABULARY.words(text):
        assert word
        assert not any(sign.isspace() for sign in word)
        assert all(0 <= number < len(PIECES) for number in numbers)
        assert numbers or not any(sign.isalnum() for sign in word)


REAL = {
    "Hello, World! It's 3.14% OK?": [
        7592, 1010, 2088, 999, 2009, 1005, 1055, 1017, 1012, 2403, 1003, 7929, 1029,
    ],
    "Crème brûlée, naïve façade — Ångström & Škoda": [
        13675, 21382, 7987, 9307, 2063, 1010, 15743, 8508, 1517, 17076, 15687, 1004, 15315, 13390,
    ],
    "Ça va? ÇA VA! İstanbul Straße ſhort ﬁsh": [
        6187, 12436, 1029, 6187, 12436, 999, 9960, 2358, 27807, 100, 1984, 4095,
    ],
    "你好，世界！ABC中文def 日本語カタカナ 한국어": [
        100, 100, 1989, 1745, 100, 1986, 5925, 1746, 1861, 13366, 1864, 1876, 1950, 1700, 30235, 30226, 30241,
        1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008,
    ],
    "tab\there\nnew\r\nline\u00a0nbsp\u200bzero\u00adsoft\ufeffbom\x00nul\x07bell\ufffd": [
        21628, 2182, 2047, 2240, 1050, 5910, 2361, 6290, 19137, 6199, 5092, 2213, 11231, 20850, 5349,
    ],
    f"{'a' * 100} {'b' * 101}": [13360, *[11057] * 48, 2050, 100],
    "e\u0301tude 🦊🚀 fox👩\u200d👩\u200d👧 ™ © ½ x² …": [
        3802, 12672, 100, 100, 1580, 1075, 1092, 1060, 10701, 1529,
    ],
    "“Quote” ‘single’ – ¿qué? «non» $5^3~`|<tag>": [
        1523, 14686, 1524, 1520, 2309, 1521, 1516, 1094, 10861, 1029, 1077, 2512, 1090, 1002, 1019, 1034, 1017,
        1066, 1036, 1064, 1026, 6415, 1028,
    ],
    "\u0301 x supercalifragilisticexpialidocious U.S.A. foo_bar--baz": [
        1060, 3565, 9289, 10128, 29181, 24411, 4588, 10288, 19312, 21273, 10085, 6313, 1057, 1012, 1055, 1012,
        1037, 1012, 29379, 1035, 3347, 1011, 1011, 8670, 2480,
    ],
}  # fmt: skip
"""Texts and their numbers, computed once with the library `tokenizers` and the model's own `tokenizer.json`."""


@pytest.mark.model
@pytest.mark.parametrize("text", REAL)
def test_the_real_vocabulary(text: str, encoder_files: tuple[Path, ...]) -> None:
    """The same numbers as those of the tokenizer that the model was trained with."""
    vocabulary = WordPiece(encoder_files[1].read_text("utf-8").splitlines())
    assert REAL[text] == [number for _, numbers in vocabulary.words(text) for number in numbers]


@pytest.mark.model
def test_a_text_cannot_end_itself(encoder_files: tuple[Path, ...]) -> None:
    """A mark of the vocabulary that stands in a text is read as its letters."""
    vocabulary = WordPiece(encoder_files[1].read_text("utf-8").splitlines())
    found = [number for _, numbers in vocabulary.words("[CLS] fox [SEP]") for number in numbers]
    assert not {vocabulary.begin, vocabulary.end} & set(found)
