"""Fitting curves to signs that were made up, and to what a scripted model reads."""

import asyncio
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

from net4moe.chat import Capabilities, ReadRequest, Reply, Request, ScriptedChatModel, Token
from net4moe.errors import ChatRejected
from net4moe.mixture import LikelihoodJudge, score_one
from net4moe.mixture.judge_check.damage import damaged
from net4moe.mixture.judge_check.fitting import FACTORS, Shown, calibrated, fitted
from net4moe.mixture.judge_check.material import Material, material
from net4moe.mixture.judges.calibration import Calibration, Factor
from net4moe.mixture.judges.signs import Signs
from net4moe.mixture.sentences import split_sentences

DAMAGES = tuple(dict.fromkeys(damage for plan in FACTORS for damage in plan.damages))
SIGNS = tuple(Signs.__slots__)

ALL = material("calibration")
TWO = [sample for sample in ALL.samples if sample.kind == "story"][:6]
MATERIAL: Material = replace(ALL, samples=tuple(TWO))
"""Two prompts with three stories each."""


def made_up(
    shifts: Mapping[str, Mapping[str, float]], *, num_prompts: int = 5, noise: float = 0.1, seed: int = 0
) -> list[Shown]:
    """Make up one good text and one with each damage for every prompt.

    Args:
      shifts: by how much a damage moves which sign; others are noise about 0.
      num_prompts: how many, odd where the median text is to be one of them.
      noise: standard deviation of every sign.
      seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    return [
        Shown(
            prompt_id=f"prompt-{number}",
            damage=damage,
            signs=Signs(
                **{name: shifts.get(damage, {}).get(name, 0.0) + rng.normal(0.0, noise) for name in SIGNS}
            ),
        )
        for number in range(num_prompts)
        for damage in ("", *DAMAGES)
    ]


def factor(calibration: Calibration, name: str) -> Factor:
    """Look up a quality."""
    return next(one for one in calibration.factors if one.name == name)


SALAD = {"word salad": {"fluency": -3.0}}


def test_a_sign_that_separates() -> None:
    """Damage takes 3 off it: what has more of it is whole, also on prompts that were left out."""
    fluent = factor(fitted(made_up(SALAD), model="toy"), "fluent")
    assert (("fluency",), ("word salad",), 1.0) == (fluent.signs, fluent.damages, fluent.area)
    assert fluent.weights[0] > 1.0
    whole, hurt = (made_up(SALAD)[index].signs for index in (0, 1))
    assert fluent.chance(whole) > 0.8  # the penalty holds five texts back from certainty
    assert fluent.chance(hurt) < 0.2
    assert pytest.approx(0.5, abs=0.05) == fluent.chance(replace(whole, fluency=-1.5))


def test_every_quality_is_told_by_its_own_signs() -> None:
    """Each damage moves a sign of its quality; a sign that goes up with damage counts against the text."""
    shifts = {
        "word salad": {"fluency": -3.0},
        "repetition": {"variety": -3.0},
        "off-topic": {"relevance": -3.0},
        "constant answer": {"relevance": -4.0},
        "truncation": {"ending": 3.0},
        "mixed texts": {"links": -3.0},
        "sentence shuffle": {"links": -3.0},
        "missing subtask": {"told": -3.0},
    }
    found = fitted(made_up(shifts), model="toy")
    assert [plan.name for plan in FACTORS] == [one.name for one in found.factors]
    assert {1.0} == {one.area for one in found.factors}
    strongest = {
        one.name: max(zip(one.weights, one.signs, strict=True), key=lambda pair: abs(pair[0]))
        for one in found.factors
    }
    assert {
        "fluent": ("fluency", True),
        "varied": ("variety", True),
        "to the subject": ("relevance", True),
        "finished": ("ending", False),
        "coherent": ("links", True),
        "complete": ("told", True),
    } == {name: (sign, weight > 0) for name, (weight, sign) in strongest.items()}


def test_the_median_good_text_scores_8() -> None:
    """By the power, which changes no order."""
    shown = made_up(SALAD, num_prompts=7, noise=1.0)
    found = fitted(shown, model="toy")
    scores = sorted(found.score(one.signs) for one in shown if not one.damage)
    assert pytest.approx(8.0) == scores[3]
    assert scores[0] < scores[6]
    assert ("toy", "2", 7) == (found.model, found.version, found.num_texts)


def test_swapped_labels_turn_the_sign_round() -> None:
    """Where the good texts are called damaged and the other way round, the curve is the mirrored one."""
    shown = made_up(SALAD, noise=1.0)
    names = {"": "word salad", "word salad": ""}
    swapped = [replace(one, damage=names.get(one.damage, one.damage)) for one in shown]
    one, other = (factor(fitted(some, model="toy"), "fluent") for some in (shown, swapped))
    assert pytest.approx(one.weights[0]) == -other.weights[0]
    assert pytest.approx(one.intercept, abs=1e-6) == -other.intercept
    assert one.weights[0] > 0
    assert pytest.approx(one.chance(shown[0].signs)) == 1.0 - other.chance(shown[0].signs)


def test_noise_tells_nothing() -> None:
    """A sign that does not know of the damage has an area near one half, because its own prompt is left out.

    A little below it: what is left out moves the fit to the others away from itself.
    """
    found = fitted(made_up({}, num_prompts=150), model="toy")
    for one in found.factors:
        assert 0.35 < one.area < 0.6


def test_the_fit_is_that_of_the_penalised_likelihood() -> None:
    """The same loss given to another optimiser: three signs, and twice as many damaged texts as good ones."""
    shifts = {"off-topic": {"relevance": -1.0, "shared_words": -0.5}, "constant answer": {"told": -1.0}}
    shown = made_up(shifts, num_prompts=40, noise=1.0)
    found = factor(fitted(shown, model="toy"), "to the subject")
    rows = [one for one in shown if one.damage in ("", *found.damages)]
    values = np.array([[getattr(one.signs, name) for name in found.signs] for one in rows])
    np.testing.assert_allclose(found.means, values.mean(axis=0))
    np.testing.assert_allclose(found.deviations, values.std(axis=0), rtol=1e-6)
    standard = (values - found.means) / found.deviations
    sides = np.array([-1.0 if one.damage else 1.0 for one in rows])
    shares = np.array([0.75 if one.damage else 1.5 for one in rows])  # 120 texts, 60 for either side

    def loss(weights: np.ndarray) -> float:
        margins = sides * (standard @ weights[:-1] + weights[-1])
        return float(np.sum(shares * np.logaddexp(0.0, -margins)) + 0.5 * np.sum(weights[:-1] ** 2))

    best = optimize.minimize(loss, np.zeros(4), tol=1e-12)
    np.testing.assert_allclose((*found.weights, found.intercept), best.x, atol=1e-4)


def test_the_area_is_that_of_prompts_left_out() -> None:
    """Each prompt by a fit to the others; pairs are counted across prompts, ties one half."""
    shown = made_up({"repetition": {"variety": -0.1}}, num_prompts=9)
    found = factor(fitted(shown, model="toy"), "varied")
    above: dict[str, list[float]] = {"": [], "repetition": []}
    for prompt in dict.fromkeys(one.prompt_id for one in shown):
        others = factor(fitted([one for one in shown if one.prompt_id != prompt], model="toy"), "varied")
        whole = factor(fitted(shown, model="toy"), "varied")
        for one in shown:
            if one.prompt_id == prompt and one.damage in above:
                above[one.damage].append(others.chance(one.signs))
        assert others.weights != whole.weights
    wins = [(a > b) + 0.5 * (a == b) for a in above[""] for b in above["repetition"]]
    assert pytest.approx(sum(wins) / 81, abs=0.1) == found.area


def test_what_a_text_is_too_short_to_show_counts_as_the_mean() -> None:
    """Signs that are not there break nothing."""
    shown = made_up(SALAD)
    shown[0] = replace(shown[0], signs=replace(shown[0].signs, links=math.nan, variety=math.nan))
    found = fitted(shown, model="toy")
    numbers = [number for one in found.factors for number in (*one.means, *one.deviations, *one.weights)]
    assert all(math.isfinite(number) for number in (*numbers, found.power))
    assert 0 < found.score(shown[0].signs) < 10


def reader(*, refuse_after: int | None = None) -> ScriptedChatModel:
    """Make a model that finds long words less likely than short ones."""
    num_calls = 0

    def read(request: Request) -> Reply:
        nonlocal num_calls
        num_calls += 1
        if refuse_after is not None and num_calls > refuse_after:
            msg = "the key is wrong"
            raise ChatRejected(msg)
        assert isinstance(request, ReadRequest)
        words = re.findall(r"\n+|[^\S\n]*[^\s]+", request.text)
        tokens = tuple(Token(text=word, logprob=-0.1 - len(word)) for word in words)
        return Reply(
            text="",
            finish_reason="length",
            prompt_tokens=len(tokens),
            completion_tokens=1,
            seconds=0.0,
            read=tokens if request.given else tokens[1:],
        )

    return ScriptedChatModel(read, name="toy", capabilities=Capabilities(reads_text=True))


def test_each_text_is_read_once() -> None:
    """Six good ones, and of each the damaged ones of the kinds that are fitted; progress text by text."""
    model = reader()
    told: list[tuple[int, int]] = []
    found = asyncio.run(
        calibrated(model, MATERIAL, seed=3, on_progress=lambda done, of: told.append((done, of)))
    )
    texts = [(sample.text, sample.about) for sample in MATERIAL.samples]
    texts += [
        (one.text, one.about)
        for sample in MATERIAL.samples
        for one in damaged(sample, MATERIAL, seed=3)
        if one.damage in DAMAGES
    ]
    expected = Counter((f"{about}\n\n", " ".join(split_sentences(text))) for text, about in texts)
    read = Counter(
        (request.given, request.text)
        for request in model.requests
        if isinstance(request, ReadRequest) and request.given in {given for given, _ in expected}
    )
    assert expected == read
    assert [(done, len(texts)) for done in range(1, len(texts) + 1)] == told
    assert ("toy", 6) == (found.model, found.num_texts)
    scores = sorted(good_scores(found))
    assert scores[0] < 8.0 < scores[-1]


def good_scores(calibration: Calibration) -> list[float]:
    """Score the good texts by a calibration."""
    judge = LikelihoodJudge(reader(), calibration)
    values = [
        asyncio.run(score_one(judge, sample.text, about=sample.about, kind=sample.kind)).value
        for sample in MATERIAL.samples
    ]
    return [value for value in values if value is not None]


def test_the_seed_decides_on_the_damage() -> None:
    """The same seed gives the same curves."""
    one, same, other = (asyncio.run(calibrated(reader(), MATERIAL, seed=seed)) for seed in (3, 3, 4))
    assert one == same
    assert one != other


def test_errors_of_the_endpoint_pass_through() -> None:
    """A model that refuses on the way is not fitted to what came before."""
    with pytest.raises(ChatRejected, match="the key is wrong"):
        asyncio.run(calibrated(reader(refuse_after=40), MATERIAL))
