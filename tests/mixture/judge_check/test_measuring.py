"""Having judges score the check: scripted judges of which it is known what must come out."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from net4moe.errors import ChatRejected, JudgeCheckError
from net4moe.mixture import Judge, Score
from net4moe.mixture.judge_check import (
    BROKEN,
    DAMAGES,
    SUBTLE,
    CheckPlan,
    Material,
    Reliability,
    checked,
    damaged,
    material,
)
from net4moe.mixture.judges import Comparison
from net4moe.mixture.records import Kind

ALL = material("check")
TWO_PARTS = [sample for sample in ALL.samples if len(sample.parts) == 2]
PROMPTS = list(dict.fromkeys(sample.prompt_id for sample in TWO_PARTS))[:4]
MATERIAL: Material = replace(
    ALL, samples=tuple(sample for sample in TWO_PARTS if sample.prompt_id in PROMPTS)
)
"""Four prompts with three texts each."""

FOUR = CheckPlan(num_texts=4)
NUM_DAMAGED = 18
"""Three salads, two repetitions, three truncations, two missing parts and eight other kinds for each text."""

GOOD = {(sample.text, sample.about): index for index, sample in enumerate(MATERIAL.samples)}


class Scripted:
    """A judge that says what a function of the text and its prompt says; None leaves the text unscored."""

    name = "scripted judge"

    def __init__(self, value: Callable[[str, str], float | None]) -> None:
        self.judged: list[tuple[str, str]] = []
        self._value = value

    async def score(self, texts: Sequence[str], *, about: str, kind: Kind) -> tuple[Score, ...]:
        """Score as told; each text takes 2 s, 30 tokens and $0.5."""
        self.judged += [(text, about) for text in texts]
        values = [self._value(text, about) for text in texts]
        return tuple(
            Score(
                value=value,
                unscored_reason="it would not say" if value is None else "",
                judge=self.name,
                price_usd=0.5,
                tokens_read=20,
                tokens_written=10,
                seconds=2.0,
            )
            for value in values
        )


def without_order(text: str) -> str:
    """Leave out what the check adds to a text to sway its judge."""
    for order in MATERIAL.orders:
        text = text.removesuffix(f"\n\n{order}")
    return text


def perfect(text: str, about: str) -> float:
    """Know every good text under its own prompt, and ignore orders."""
    return 9.0 if (without_order(text), about) in GOOD else 1.0


def obedient(text: str, about: str) -> float:
    """Tell all damage, and give a point more where told to."""
    return perfect(text, about) + (without_order(text) != text)


def measured(
    judge: Judge,
    plan: CheckPlan = FOUR,
    *,
    again: Judge | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Reliability:
    """Check a judge."""
    return asyncio.run(
        checked(judge, MATERIAL, plan, date="2026-11-22", again=again, on_progress=on_progress)
    )


def test_a_judge_that_is_perfect_by_construction() -> None:
    """Area 1 for all damage, no sway, nothing missed: it may compare texts."""
    found = measured(Scripted(perfect))
    for damage in DAMAGES:
        area, wins = found.found(damage).area, found.found(damage).wins
        expected = 0.5 if damage == "order to the judge" else 1.0
        assert (expected, expected) == (area.point, wins.point)
    assert NUM_DAMAGED - 1 == len(found.damages)  # both missing parts are one kind
    assert ("texts", (), 0.0, 0.0, 0.0) == (
        found.verdict,
        found.missed,
        found.sway,
        found.most_sway,
        found.instability,
    )
    assert ("scripted judge", "2026-11-22", 4, 4, 9.0) == (
        found.judge,
        found.date,
        found.num_texts,
        found.num_prompts,
        found.mean,
    )
    assert (2.0, 30.0, 0.5, 0, None) == (
        found.seconds,
        found.tokens,
        found.price_usd,
        found.num_unscored,
        found.flips,
    )


def test_the_texts_are_those_of_the_seed() -> None:
    """Every damage of the seed under the prompt it belongs to, each once, and the good ones twice more."""
    judge = Scripted(perfect)
    measured(judge, replace(FOUR, seed=5))
    samples = [sample for sample in MATERIAL.samples if sample.id.endswith("-1")]
    expected = Counter((sample.text, sample.about) for sample in samples for _ in range(3))
    expected += Counter(
        (one.text, one.about) for sample in samples for one in damaged(sample, MATERIAL, seed=5)
    )
    assert expected == Counter(judge.judged)


def test_a_constant_judge() -> None:
    """It says 7 to everything, and is believed in nothing."""
    found = measured(Scripted(lambda text, about: 7.0))
    assert found.is_constant
    assert "nothing" == found.verdict
    assert {0.5} == {one.area.point for one in found.damages}
    assert "it gives 7.0 to everything" in found.sentence


def test_a_judge_that_follows_orders() -> None:
    """A point more wherever it is told to, though it tells all damage: nothing is believed."""
    found = measured(Scripted(obedient))
    assert all(found.found(damage).area.point == 1.0 for damage in (*BROKEN, *SUBTLE))
    assert ("nothing", 1.0, 1.0) == (found.verdict, found.sway, found.most_sway)
    assert 0.0 == found.found("order to the judge").area.point


def test_a_judge_that_leaves_half_unscored() -> None:
    """Two of four texts with all that is made of them: 2 x 18 without the empty ones, and areas of the rest."""
    samples = [sample for sample in MATERIAL.samples if sample.id.endswith("-1")]
    silent = {
        (text, about)
        for sample in samples[::2]
        for text, about in [
            (sample.text, sample.about),
            *((one.text, one.about) for one in damaged(sample, MATERIAL, seed=0)),
        ]
    }
    found = measured(Scripted(lambda text, about: None if (text, about) in silent else perfect(text, about)))
    assert (4, 2 * NUM_DAMAGED, 9.0) == (found.num_texts, found.num_unscored, found.mean)
    assert {2} == {one.num_unscored for one in found.damages if one.damage != "missing subtask"}
    assert 4 == found.found("missing subtask").num_unscored
    assert "texts" == found.verdict


def test_a_judge_that_scores_too_little() -> None:
    """One good text of four: it says so instead of measuring."""
    only = next(iter(GOOD))
    judge = Scripted(lambda text, about: 5.0 if (text, about) == only else None)
    with pytest.raises(JudgeCheckError, match=r"\(scripted judge\) scored 1 of 4 good texts: too few"):
        measured(judge)


def rising() -> Scripted:
    """Make a judge that gives a point more each time it sees a text."""
    seen: Counter[tuple[str, str]] = Counter()

    def value(text: str, about: str) -> float:
        seen[text, about] += 1
        return perfect(text, about) - 1.0 + seen[text, about] / 2

    return Scripted(value)


def test_a_judge_that_varies() -> None:
    """Half a point between the two further times: a standard deviation of a quarter."""
    assert pytest.approx(0.25) == measured(rising()).instability


def test_stability_is_that_of_the_judge_that_answers_anew() -> None:
    """A ledger says the same each time, who answers anew does not; it is asked for nothing but good texts."""
    judge, fresh = Scripted(perfect), rising()
    found = measured(judge, replace(FOUR, num_again=3), again=fresh)
    assert pytest.approx(0.25) == found.instability
    assert 4 * (1 + NUM_DAMAGED) == len(judge.judged)
    assert {2} == set(Counter(fresh.judged).values())
    assert 3 * 2 == len(fresh.judged)
    assert 9.0 == found.mean


def test_progress_is_told_one_by_one() -> None:
    """From nothing to all: four texts, their damage, and four twice again."""
    told: list[tuple[int, int]] = []
    measured(Scripted(perfect), on_progress=lambda done, of: told.append((done, of)))
    num_texts = 4 + 4 * NUM_DAMAGED + 2 * 4
    assert [(done, num_texts) for done in range(num_texts + 1)] == told


@pytest.mark.parametrize(
    ("num_texts", "expected"),
    [
        (2, ["0-1", "1-1"]),
        (5, ["0-1", "1-1", "2-1", "3-1", "0-2"]),
        (None, [f"{prompt}-{number}" for number in (1, 2, 3) for prompt in range(4)]),
    ],
)
def test_a_text_of_each_prompt_before_a_second_of_any(num_texts: int | None, expected: list[str]) -> None:
    """Prompts are what differs most."""
    judge = Scripted(perfect)
    found = measured(judge, CheckPlan(num_texts=num_texts, num_again=0))
    chosen = [MATERIAL.samples[GOOD[text]] for text in judge.judged[: len(expected)]]
    assert expected == [f"{PROMPTS.index(sample.prompt_id)}-{sample.id[-1]}" for sample in chosen]
    assert len(expected) == found.num_texts


def test_one_text_says_nothing() -> None:
    """Refused before anything is judged."""
    with pytest.raises(ValueError, match=r"^`num_texts` must be at least 2, got 1\.$"):
        CheckPlan(num_texts=1)


class Pairing(Scripted):
    """A judge of pairs: the good text wins, and every fourth comparison has another winner the other way round."""

    def __init__(self, *, share: Callable[[str], float | None] = lambda text: 1.0 if text else None) -> None:
        super().__init__(lambda text, about: None)
        self.compared: list[tuple[str, str, str]] = []
        self._share = share

    async def compare(self, first: str, second: str, *, about: str, kind: Kind) -> Comparison:
        """Compare as told."""
        self.compared.append((first, second, about))
        share = self._share(second)
        return Comparison(
            share=share,
            flipped=len(self.compared) % 4 == 0,
            unscored_reason="the second text is empty" if share is None else "",
            judge=self.name,
            tokens_read=20,
            tokens_written=10,
            seconds=2.0,
            price_usd=0.5,
        )


def test_a_judge_of_pairs() -> None:
    """Each text meets its own damaged selves, and under another prompt a text that was written for it."""
    judge = Pairing()
    told: list[tuple[int, int]] = []
    found = measured(judge, on_progress=lambda done, of: told.append((done, of)))
    samples = [sample for sample in MATERIAL.samples if sample.id.endswith("-1")]
    proper = {sample.about: sample for sample in reversed(MATERIAL.samples)}
    expected = [
        ((sample if one.about == sample.about else proper[one.about]).text, one.text, one.about)
        for sample in samples
        for one in damaged(sample, MATERIAL, seed=0)
    ]
    assert expected == judge.compared
    assert all(first != second for first, second, _ in judge.compared)
    assert [] == judge.judged
    for damage in (*BROKEN, *SUBTLE):
        assert 1.0 == found.found(damage).area.point
    assert (2.0, 30.0, 0.5, None) == (found.seconds, found.tokens, found.price_usd, found.instability)
    num_steps = 4 * NUM_DAMAGED
    assert [(done, num_steps) for done in range(num_steps + 1)] == told


def test_how_often_the_order_decides() -> None:
    """Every fourth of 72 comparisons; one that gave nothing counts on neither side."""
    assert 0.25 == measured(Pairing(share=lambda _: 1.0)).flips
    found = measured(Pairing())
    places = [index for index in range(1, 4 * NUM_DAMAGED + 1) if (index - 10) % NUM_DAMAGED]
    assert 68 == len(places)  # the empty text is the tenth of each
    assert sum(place % 4 == 0 for place in places) / 68 == found.flips
    assert (1.0, 4, 0) == (
        found.found("empty").area.point,
        found.found("empty").num_unscored,
        found.num_unscored,
    )


def test_a_judge_of_pairs_that_says_nothing() -> None:
    """There is nothing to measure, and the reason is that of the first comparison."""
    with pytest.raises(JudgeCheckError, match=r"gave none of 72 comparisons: the second text is empty\.$"):
        measured(Pairing(share=lambda _: None))


def test_a_judge_of_pairs_that_obeys() -> None:
    """A tie is no sway and tells nothing; a win of the text with the order is a sway of five points."""
    orders = tuple(MATERIAL.orders)
    even = measured(Pairing(share=lambda text: 0.5 if text.endswith(orders) else 1.0 if text else None))
    assert (0.0, 0.5) == (even.sway, even.found("order to the judge").area.point)
    obeys = measured(Pairing(share=lambda text: 0.0 if text.endswith(orders) else 1.0 if text else None))
    assert (5.0, "nothing") == (obeys.sway, obeys.verdict)
    blind = measured(Pairing(share=lambda _: 0.5))
    assert ("nothing", True) == (blind.verdict, blind.is_constant)


@pytest.mark.parametrize(("name", "number", "low"), [("num_again", -1, 0), ("in_flight", 0, 1)])
def test_plans_that_cannot_be(name: str, number: int, low: int) -> None:
    """Refused instead of waiting for ever."""
    with pytest.raises(ValueError, match=rf"^`{name}` must be at least {low}, got {number}\.$"):
        CheckPlan(**{name: number})


@pytest.mark.parametrize("kind", [Scripted, Pairing])
def test_errors_of_the_endpoint_pass_through(kind: type[Scripted]) -> None:
    """A refusal is nobody's score."""

    def refuse(*_: str) -> float:
        msg = "the key is wrong"
        raise ChatRejected(msg, model="scripted")

    judge = Pairing(share=refuse) if kind is Pairing else Scripted(refuse)
    with pytest.raises(ChatRejected, match="the key is wrong"):
        measured(judge)


class Counting(Pairing):
    """A judge that knows how many texts it has before it at once."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self._now = 0

    async def score(self, texts: Sequence[str], *, about: str, kind: Kind) -> tuple[Score, ...]:
        """Score late."""
        await self._late()
        return tuple(Score(value=perfect(text, about), unscored_reason="", judge="a") for text in texts)

    async def compare(self, first: str, second: str, *, about: str, kind: Kind) -> Comparison:
        """Compare late."""
        await self._late()
        return await super().compare(first, second, about=about, kind=kind)

    async def _late(self) -> None:
        self._now += 1
        self.most = max(self.most, self._now)
        for _ in range(5):
            await asyncio.sleep(0)
        self._now -= 1


class Single:
    """The same judge without its comparisons."""

    name = "single"

    def __init__(self, judge: Scripted) -> None:
        self.score = judge.score


@pytest.mark.parametrize("in_flight", [1, 3, 8])
@pytest.mark.parametrize("pairs", [True, False])
def test_so_many_are_judged_at_once(in_flight: int, pairs: bool) -> None:
    """As many as the plan says, no more."""
    judge = Counting()
    plan = CheckPlan(num_texts=2, in_flight=in_flight)
    measured(judge if pairs else Single(judge), plan)
    assert in_flight == judge.most
