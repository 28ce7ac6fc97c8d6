"""Reading numbers, labels and answers out of a model's next-token probabilities and its replies."""

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from net4moe.chat import Token
from net4moe.mixture.number_words import SCALES, SPELLED, UNITS

__all__ = [
    "LEAST_MASS",
    "Option",
    "digit_expectation",
    "first_word",
    "label_chances",
    "likeliest_score",
    "number_in",
    "option_chances",
    "option_in",
    "says_yes",
    "score_chances",
    "yes_and_no",
]

LEAST_MASS = 0.5
"""Share of the probability that must lie on what was asked for."""

Option = Literal["A", "B", "C"]
"""A the first of two texts, B the second, C equal."""

_WORDS = "|".join(sorted(SPELLED, key=len, reverse=True))
_MARKS = rf"[\s*_\"')\]]*(?:{'|'.join(UNITS)})?[\s*_\"')\]]*"
_TEN = r"(?:10(?:[.,]0+)?(?![\d.,]*\d)|(?:ten|zehn|dix|diez|dieci|dez|tien|десяти)\b|十)"

# A comma before one or two digits is a decimal comma, but in "8,10" it parts two numbers.
_NUMBER = re.compile(r"(?<![\d.])(\d+(?:\.\d+|,(?!10(?!\d))\d{1,2})?)(?!\d|\.\d)")
_BOUND_OR_NEGATIVE = re.compile(
    r"(?<!\w)[-−]\s*\d|(?<![\w=-])[<>≤≥]\s*\d|\b(?:minus|moins|menos|negative)\b"
    r"|\b(?:at least|at most|more than|less than|above|below|up to)\s+\d"
)
_PERCENT = re.compile(r"%|\bper\s?cent\b|\bprozent\b|\bpour\s?cent\b|\bpor\s?ciento\b")
_OUT_OF_TEN = re.compile(rf"((?:\d|{_WORDS}){_MARKS})(?:/|\b(?:{'|'.join(SCALES)})\b)[\s*_]*{_TEN}")
_SCALE = re.compile(
    rf"\bout of\s+{_TEN}|(?:scale|skala|échelle|escala)\W+(?:\w+\W+){{0,2}}?[01]\s*(?:-|–|to|bis|à|a)\s*{_TEN}"
    rf"|\([01]\s*[-–]\s*10\)|满分[为是]?\s*{_TEN}\s*分?|{_TEN}\s*[分点][满満][分点]中?"
)
_RANGE = re.compile(
    rf"(?:\d|\b(?:{_WORDS}))\s*(?:-|–|—|~|to|and|or|bis|und|oder|à|et|ou|y|o)\s*(?:\d|(?:{_WORDS})\b)"
)
_COUNTED = re.compile(
    rf"\d\s+(?!(?:{'|'.join(UNITS)}|stars?|because|since|for|overall|out|weil|car|porque)\b)[^\W\d_]{{3,}}"
)
# What stands before a number that is an answer: nothing, a mark, a sign of Chinese or Japanese, or one of these.
_BEFORE = (
    "an?|is|it|of|be|at|as|say|give|rate|score|rating|grade|overall|note|nota|ist|est|es|un|une|ein|eine|mit|"
    "bewertung|punktzahl|puntuación|puntaje"
)
_ANSWER = re.compile(
    rf"(?:^|[:=>(\[{{\"'`*_#,;.!?…-]|[\u3040-\u30ff\u3400-\u9fff]|\b(?:{_BEFORE})\s)[\s*_\"'`(\[]*\d"
)
_LINE_NUMBER = re.compile(r"^\W*1[.)]\s+[^\W\d]|\d[\s*_]*:\s*\S")
_QUOTES = r"[^\w<>−-]*_*"
_SPELLED = re.compile(
    rf"{_QUOTES}(?:[^\W\d_]+(?:\s+[^\W\d_]+)?\s*[:=]{_QUOTES})?({_WORDS})\s*(?:{'|'.join(UNITS)})?[\W_]*"
)

_YES = {"yes", "ja", "oui", "sí", "sì", "sim", "да", "是", "はい"}
_NO = {"no", "nein", "non", "não", "nee", "нет", "否", "不", "不是", "いいえ"}
_END = r"(?=[\W_]*(?:$|[.,;:!\n。，！]))"
_YES_OR_NO = re.compile(
    rf"[\W_]*(?:answer\W+)?({'|'.join(sorted(_YES | _NO, key=len, reverse=True))})(?!\w){_END}", re.IGNORECASE
)
_OPTION = re.compile(
    r"[\W_]*(?:(?i:answer)\W+)?(?:(?i:option)\W+(?P<labelled>[ABC])(?![\w'’])(?!.*\b[ABC]\b)"
    r"|(?:(?i:option)\W+)?(?P<alone>[ABC])(?:[*_)\]\"]*\s*$|[*_\"]*[.:;)\]\n]|[*_\"]*,(?!\s*[ABC]\b)))",
    re.DOTALL,
)


def label_chances(top: Sequence[Token], labels: Sequence[str]) -> list[float]:
    """Share a position's probability out over labels.

    A token counts for the labels that it begins, so the first token of a label of several is enough; where
    it begins several labels they share it equally. A label that is not among the likeliest gets the least of
    their probabilities, which bounds its own from above.

    Args:
      top: the likeliest tokens of one position.
      labels: what might stand there.

    Returns:
      One weight for each label, not normalised.
    """
    weights = [0.0] * len(labels)
    for token in top:
        start = token.text.strip().lower()
        if len(start) < 2:
            continue
        fits = [index for index, label in enumerate(labels) if label.lower().startswith(start)]
        for index in fits:
            weights[index] += math.exp(token.logprob) / len(fits)
    least = math.exp(min((token.logprob for token in top), default=0.0))
    return [weight or least for weight in weights]


def digit_expectation(top: Sequence[Token]) -> float | None:
    """Compute the expectation over the digits 1 to 9 at one position; None where none is likely."""
    digits = [(token.text.strip(), math.exp(token.logprob)) for token in top]
    digits = [(int(text), chance) for text, chance in digits if text in set("123456789")]
    mass = sum(chance for _, chance in digits)
    return sum(digit * chance for digit, chance in digits) / mass if mass > 0 else None


def score_chances(top: Sequence[Token]) -> dict[int, float]:
    """Read the probability of each whole score from 0 to 10 at one position."""
    chances: dict[int, float] = {}
    for token in top:
        text = token.text.strip()
        if text.isascii() and text.isdigit() and int(text) <= 10:
            chances[int(text)] = chances.get(int(text), 0.0) + math.exp(token.logprob)
    return chances


def number_in(text: str) -> float | None:
    """Find the number that a reply gives; None where there is none or it is not clear which one.

    "8", "7,5", "**9**/10", "8 von 10", "8分" and "Score: ten" are clear. "6-8", "-3", "8. No, 7", "The 3
    foxes" and "Sentence 2: he" are not.
    Nor is "80%": the scale that was asked for goes to 10, and a share may as well say how sure the model is.
    A spelled number counts only where it is the whole reply, since "one" stands in much prose.
    """
    text = unicodedata.normalize("NFKC", text).strip().lower()
    if _BOUND_OR_NEGATIVE.search(text) or _PERCENT.search(text):
        return None
    text, num_scales = _OUT_OF_TEN.subn(r"\1 ", text)
    text = _SCALE.sub(" ", text).strip()
    found = {float(number.replace(",", ".")) for number in _NUMBER.findall(text)}
    if not found:
        spelled = _SPELLED.fullmatch(text)
        return float(SPELLED[spelled[1]]) if spelled else None
    is_answer = bool(num_scales or _ANSWER.search(text))
    is_other = any(pattern.search(text) for pattern in (_RANGE, _COUNTED, _LINE_NUMBER))
    return found.pop() if is_answer and not is_other and len(found) == 1 else None


def likeliest_score(tops: Sequence[Sequence[Token]], number: float) -> dict[int, float] | None:
    """Find the place where a reply gives its number, and the probability of each whole score there.

    A place counts where at least half of the probability lies on scores, 10 is one of them as one token, and
    the likeliest is the number of the reply; None where there is no such place.
    """
    for top in tops:
        chances = score_chances(top)
        is_clear = 10 in chances and sum(chances.values()) >= LEAST_MASS
        if is_clear and max(chances, key=chances.__getitem__) == int(number):
            return chances
    return None


def first_word(tops: Sequence[Sequence[Token]]) -> Sequence[Token]:
    """Find the first place of a reply with a word other than "Answer" and "Option"; empty where none has one."""
    for top in tops:
        if top and _bare(top[0].text).lower() not in ("", "answer", "option"):
            return top
    return ()


def yes_and_no(top: Sequence[Token]) -> tuple[float, float]:
    """Read the probability of yes and that of no at one position, in any spelling: " Yes", "yes.", "NO"."""
    words = [(_bare(token.text).lower(), math.exp(token.logprob)) for token in top]
    yes = sum(chance for word, chance in words if word in _YES)
    return yes, sum(chance for word, chance in words if word in _NO)


def says_yes(text: str) -> bool | None:
    """Read a reply that is yes or no; None where it is neither, both or prose."""
    found = _YES_OR_NO.match(text)
    words = set(re.findall(r"\w+", text.lower()))
    if found is None or (words & _YES and words & _NO):
        return None
    return found[1].lower() in _YES


def option_chances(top: Sequence[Token]) -> dict[Option, float]:
    """Read the probability of each option at one position; a small a is a word, not an option."""
    chances: dict[Option, float] = {"A": 0.0, "B": 0.0, "C": 0.0}
    for token in top:
        word = _bare(token.text)
        if word == "A" or word == "B" or word == "C":
            chances[word] += math.exp(token.logprob)
    return chances


def option_in(text: str) -> Option | None:
    """Find the option that a reply begins with; None where there is none or it is not clear which one.

    "A", "Option B." and "**C**: they are equal" are clear; "A or B" and "A great story" are not.
    """
    found = _OPTION.match(text)
    if found is None:
        return None
    letter = found["labelled"] or found["alone"]
    return "A" if letter == "A" else "B" if letter == "B" else "C"


def _bare(token: str) -> str:
    """Take the marks around a word off its token, those of raw vocabularies included."""
    return re.sub(r"^[\W_Ġ]+|[\W_]+$", "", token)
