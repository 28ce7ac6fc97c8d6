"""Fitting curves to signs that were made up, and to what a scripted model reads."""

import asyncio
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from net4moe.chat import Capabilities, ReadRequest, Reply, Request, ScriptedChatModel, Token
from net4moe.chat.encoder import Nearest
from net4moe.errors import ChatRejected, JudgeCheckError
from net4moe.mixture import LikelihoodJudge, score_one
from net4moe.mixture.judge_check import fitting
from net4moe.mixture.judge_check.damage import damaged
from net4moe.mixture.judge_check.fitting import FACTORS, Shown, calibrated, fitted
from net4moe.mixture.judge_check.material import Material, material
from net4moe.mixture.judges.calibration import Calibration, Factor
from net4moe.mixture.judges.read_text import sentences_of
from net4moe.mixture.judges.signs import Signs
from tests.mixture.encoders import ScriptedEncoder

DAMAGES = tuple(dict.fromkeys(damage for plan in FACTORS for damage in plan.damages))
SIGNS = tuple(Signs.__slots__)
STRICT = next(plan for plan in FACTORS if not plan.is_forgiving)

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
    assert fluent.chance(hurt) < 0.4
    assert fluent.chance(hurt) < fluent.chance(replace(whole, fluency=-1.5)) < fluent.chance(whole)


def test_every_quality_is_told_by_its_own_signs() -> None:
    """Each damage moves the first sign of its quality; one that goes up with damage counts against the text."""
    shifts = {
        damage: {plan.signs[0]: 3.0 if damage == "truncation" else -3.0}
        for plan in FACTORS
        for damage in plan.damages
    }
    found = fitted(made_up(shifts), model="toy")
    assert {1.0} == {one.area for one in found.factors}
    for plan, one in zip(FACTORS, found.factors, strict=True):
        assert (plan.name, plan.signs, plan.damages, plan.power) == (
            one.name,
            one.signs,
            one.damages,
            one.power,
        )
        strongest = max(range(len(one.signs)), key=lambda index, of=one: abs(of.weights[index]))
        assert (0, "truncation" not in plan.damages) == (strongest, one.weights[0] > 0)


def test_all_signs_are_signs() -> None:
    """A quality names signs that a text has, and each of them once."""
    for plan in FACTORS:
        assert set(plan.signs) <= set(SIGNS)
        assert len(plan.signs) == len(set(plan.signs)) >= 1
    assert len(FACTORS) == len({plan.name for plan in FACTORS})


def test_forgiving_qualities_cost_the_sound_nothing_much() -> None:
    """Nine of ten good texts lose little, also where damage can hardly be told; the order of texts is the same."""
    shown = made_up({}, num_prompts=50, noise=1.0)
    for plan, one in zip(FACTORS, fitted(shown, model="toy").factors, strict=True):
        chances = sorted(one.chance(text.signs) for text in shown if not text.damage)
        assert plan.is_forgiving == (chances[5] > 0.8)


def test_forgiveness_moves_the_curve_and_turns_it_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """With it and without, all but the intercept is the same."""
    shown = made_up(SALAD, num_prompts=20, noise=1.0)
    forgiving = factor(fitted(shown, model="toy"), "fluent")
    strict = tuple(replace(plan, is_forgiving=False) for plan in FACTORS)
    monkeypatch.setattr(fitting, "FACTORS", strict)
    plain = factor(fitted(shown, model="toy"), "fluent")
    assert forgiving == replace(plain, intercept=forgiving.intercept)
    assert forgiving.intercept != plain.intercept


def test_the_median_good_text_scores_8() -> None:
    """By the power, which changes no order."""
    shown = made_up(SALAD, num_prompts=7, noise=1.0)
    found = fitted(shown, model="toy")
    scores = sorted(found.score(one.signs) for one in shown if not one.damage)
    assert pytest.approx(8.0) == scores[3]
    assert scores[0] < scores[6]
    assert ("toy", 7) == (found.model, found.num_texts)
    assert found.version


def test_swapped_labels_turn_the_sign_round() -> None:
    """Where the good texts are called damaged and the other way round, the curve is the mirrored one."""
    sign, damage = STRICT.signs[0], STRICT.damages[0]
    assert (damage,) == STRICT.damages
    shown = made_up({damage: {sign: -3.0}}, noise=1.0)
    names = {"": damage, damage: ""}
    swapped = [replace(one, damage=names.get(one.damage, one.damage)) for one in shown]
    one, other = (factor(fitted(some, model="toy"), STRICT.name) for some in (shown, swapped))
    assert pytest.approx(one.weights) == [-weight for weight in other.weights]
    assert pytest.approx(one.intercept, abs=1e-6) == -other.intercept
    assert one.weights[0] > 0
    assert pytest.approx(one.chance(shown[0].signs)) == 1.0 - other.chance(shown[0].signs)


def test_noise_tells_nothing() -> None:
    """A sign that does not know of the damage has no area above one half, because its own prompt is left out.

    Rather one below: what is left out moves the fit to the others away from itself.
    """
    found = fitted(made_up({}, num_prompts=150), model="toy")
    for one in found.factors:
        assert one.area < 0.6


@pytest.mark.parametrize("plan", FACTORS, ids=lambda plan: plan.name)
def test_the_fit_is_that_of_the_penalised_likelihood(plan: Any) -> None:
    """The same loss given to another optimiser, both sides of the same weight however many damages there are."""
    shifts = {damage: dict.fromkeys(plan.signs, -1.0) for damage in plan.damages}
    shown = made_up(shifts, num_prompts=40, noise=1.0)
    found = factor(fitted(shown, model="toy"), plan.name)
    rows = [one for one in shown if one.damage in ("", *found.damages)]
    values = np.array([[getattr(one.signs, name) for name in found.signs] for one in rows])
    np.testing.assert_allclose(found.means, values.mean(axis=0))
    np.testing.assert_allclose(found.deviations, values.std(axis=0), rtol=1e-6)
    standard = (values - found.means) / found.deviations
    sides = np.array([-1.0 if one.damage else 1.0 for one in rows])
    shares = np.array([len(rows) / 2 / np.sum(sides == side) for side in sides])

    def loss(weights: np.ndarray) -> float:
        margins = sides * (standard @ weights[:-1] + weights[-1])
        return float(np.sum(shares * np.logaddexp(0.0, -margins)) + 0.5 * np.sum(weights[:-1] ** 2))

    best = optimize.minimize(loss, np.zeros(len(plan.signs) + 1), tol=1e-12)
    np.testing.assert_allclose(found.weights, best.x[:-1], atol=1e-4)
    if not plan.is_forgiving:
        np.testing.assert_allclose(found.intercept, best.x[-1], atol=1e-4)


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
    shown[0] = replace(shown[0], signs=replace(shown[0].signs, flow=math.nan, variety=math.nan))
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


def test_each_text_is_read_and_compared_once() -> None:
    """Six good ones, and of each the damaged ones of the kinds that are fitted; progress text by text."""
    model, encoder = reader(), ScriptedEncoder()
    told: list[tuple[int, int]] = []
    found = asyncio.run(
        calibrated(model, encoder, MATERIAL, seed=3, on_progress=lambda done, of: told.append((done, of)))
    )
    texts = [(sample.text, sample.about) for sample in MATERIAL.samples]
    texts += [
        (one.text, one.about)
        for sample in MATERIAL.samples
        for one in damaged(sample, MATERIAL, seed=3)
        if one.damage in DAMAGES
    ]
    expected = Counter(("", " ".join(sentences_of(text)) + "\n\n") for text, _ in texts)
    read = Counter(
        (request.given, request.text) for request in model.requests if isinstance(request, ReadRequest)
    )
    assert expected == read
    assert Counter((sentences_of(text), about) for text, about in texts) == Counter(
        (one.texts, one.words_of) for one in encoder.comparisons if isinstance(one, Nearest)
    )
    assert [(done, len(texts)) for done in range(1, len(texts) + 1)] == told
    assert ("toy", 6) == (found.model, found.num_texts)
    scores = sorted(good_scores(found))
    assert scores[0] < 8.0 < scores[-1]


def good_scores(calibration: Calibration) -> list[float]:
    """Score the good texts by a calibration."""
    judge = LikelihoodJudge(reader(), ScriptedEncoder(), calibration)
    values = [
        asyncio.run(score_one(judge, sample.text, about=sample.about, kind=sample.kind)).value
        for sample in MATERIAL.samples
    ]
    return [value for value in values if value is not None]


def test_the_seed_decides_on_the_damage() -> None:
    """The same seed gives the same curves."""
    one, same, other = (
        asyncio.run(calibrated(reader(), ScriptedEncoder(), MATERIAL, seed=seed)) for seed in (3, 3, 4)
    )
    assert one == same
    assert one != other


def test_errors_of_the_endpoint_pass_through() -> None:
    """A model that refuses on the way is not fitted to what came before."""
    with pytest.raises(ChatRejected, match="the key is wrong"):
        asyncio.run(calibrated(reader(refuse_after=40), ScriptedEncoder(), MATERIAL))


def test_a_model_that_cannot_read_is_not_fitted() -> None:
    """The sentence names it."""
    silent = ScriptedChatModel(lambda _: "", name="mute", capabilities=Capabilities(reads_text=True))
    with pytest.raises(
        JudgeCheckError, match="model 'mute' told no log-probabilities of a text; it cannot be"
    ):
        asyncio.run(calibrated(silent, ScriptedEncoder(), MATERIAL))
