"""Damage done to good texts, from light to heavy; the same seed does the same damage."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from net4moe.mixture.judge_check.material import Material, Sample
from net4moe.mixture.sentences import split_sentences

__all__ = ["DAMAGES", "Damage", "Damaged", "damaged"]

Damage = Literal[
    "word salad",
    "repetition",
    "truncation",
    "off-topic",
    "empty",
    "constant answer",
    "mixed texts",
    "missing subtask",
    "sentence shuffle",
    "contradiction",
    "padding",
    "order to the judge",
]
DAMAGES: tuple[Damage, ...] = get_args(Damage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A good text after damage.

    Attributes:
      damage: what was done.
      strength: how much of the text it struck, above 0, at most 1; the heaviest of each kind is 1.
      text: what became of it.
      about: the prompt that it is judged under.
    """

    damage: Damage
    strength: float
    text: str
    about: str


def damaged(sample: Sample, material: Material, *, seed: int) -> tuple[Damaged, ...]:
    """Do every kind of damage to a text, at every strength; one kind may give several texts of one strength.

    - word salad: a third, two thirds or all of the words change places.
    - repetition: the second half, or all, gives way to the sentences before it, or the first, over again.
    - truncation: the end is cut off within a sentence; a quarter, half or three quarters are missing.
    - off-topic: the right text under another prompt.
    - empty; a constant answer that would suit any prompt.
    - mixed texts: every second sentence is one of another text of the same kind.
    - missing subtask: each of the parts in turn is left out.
    - sentence shuffle: the sentences change places.
    - contradiction: the text ends with a sentence that it has made impossible.
    - padding: empty sentences between the others, as many words again.
    - order to the judge: the text ends by telling its judge what to say.
    """
    found: list[Damaged] = []

    def do(damage: Damage, strength: float, hurt: Callable[[random.Random], str], about: str = "") -> None:
        lot = random.Random(f"{seed} {sample.id} {damage} {strength}")
        found.append(Damaged(damage=damage, strength=strength, text=hurt(lot), about=about or sample.about))

    sentences = split_sentences(sample.text)
    words = sample.text.split()
    others = [other for other in material.samples if other.prompt_id != sample.prompt_id]
    alike = [other for other in others if other.kind == sample.kind]
    for third in (1, 2, 3):
        do("word salad", third / 3, lambda lot, share=third / 3: _salad(words, share, lot))
    for half in (1, 2):
        do("repetition", half / 2, lambda _, share=half / 2: _repeated(sentences, share))
    for quarter in (1, 2, 3):
        do("truncation", quarter / 3, lambda _, share=quarter / 4: _cut(words, share))
    do("off-topic", 1.0, lambda _: sample.text, _pick(others, seed, sample).about)
    do("empty", 1.0, lambda _: "")
    do("constant answer", 1.0, lambda lot: lot.choice(material.constant_answers))
    do("mixed texts", 1.0, lambda lot: _mixed(sentences, split_sentences(lot.choice(alike).text)))
    for index in range(len(sample.parts)):
        do("missing subtask", 1.0, lambda _, index=index: _without(sample.parts, index))
    do("sentence shuffle", 1.0, lambda lot: " ".join(_deranged(sentences, lot)))
    do("contradiction", 1.0, lambda _: f"{sample.text} {sample.contradiction}")
    do("padding", 1.0, lambda lot: _padded(sentences, material.fillers, lot))
    do("order to the judge", 1.0, lambda lot: f"{sample.text}\n\n{lot.choice(material.orders)}")
    return tuple(found)


def _pick(others: Sequence[Sample], seed: int, sample: Sample) -> Sample:
    return random.Random(f"{seed} {sample.id} prompt").choice(others)


def _salad(words: Sequence[str], share: float, lot: random.Random) -> str:
    mixed = list(words)
    places = sorted(lot.sample(range(len(words)), max(2, round(share * len(words)))))
    for place, word in zip(places, _deranged([words[place] for place in places], lot), strict=True):
        mixed[place] = word
    return " ".join(mixed)


def _deranged(items: Sequence[str], lot: random.Random) -> list[str]:
    """Put items into another order, where there is one."""
    mixed = list(items)
    while len(set(items)) > 1 and mixed == list(items):
        lot.shuffle(mixed)
    return mixed


def _repeated(sentences: Sequence[str], share: float) -> str:
    kept = sentences[: max(1, round(len(sentences) * (1 - share)))]
    length = max(len(sentences), 3)
    return " ".join([*kept, *(kept[index % len(kept)] for index in range(length - len(kept)))])


def _cut(words: Sequence[str], share: float) -> str:
    kept = words[: max(1, round(len(words) * (1 - share)))]
    return " ".join(kept).rstrip(".!?…\"”'’,;:")


def _mixed(sentences: Sequence[str], others: Sequence[str]) -> str:
    if len(sentences) == 1:
        return f"{sentences[0]} {others[0]}"
    pairs: Iterable[str] = (
        others[index % len(others)] if index % 2 else sentence for index, sentence in enumerate(sentences)
    )
    return " ".join(pairs)


def _without(parts: Sequence[str], left_out: int) -> str:
    return "\n\n".join(part for index, part in enumerate(parts) if index != left_out)


def _padded(sentences: Sequence[str], fillers: Sequence[str], lot: random.Random) -> str:
    padded: list[str] = []
    num_told = num_filled = 0
    for sentence in sentences:
        padded.append(sentence)
        num_told += len(sentence.split())
        while num_filled < num_told:
            padded.append(lot.choice(fillers))
            num_filled += len(padded[-1].split())
    return " ".join(padded)
