"""The texts that judges are measured on hold what the check needs."""

import itertools

import pytest

from net4moe.mixture.judge_check.material import Use, material

ALL = [sample for use in ("calibration", "check") for sample in material(use).samples]


def test_there_are_enough() -> None:
    """A hundred and eight texts, thirty-six prompts, both kinds, several forms, short and long."""
    lengths = [len(sample.text.split()) for sample in ALL]
    assert (126, 42) == (len(ALL), len({sample.prompt_id for sample in ALL}))
    assert {"story", "explanation"} == {sample.kind for sample in ALL}
    assert len({sample.form for sample in ALL}) >= 10
    assert min(lengths) <= 50
    assert max(lengths) >= 160


@pytest.mark.parametrize("use", ["calibration", "check"])
def test_each_prompt_has_three_texts_of_its_subtasks(use: Use) -> None:
    """A part for each subtask, none empty, and a contradiction that the text does not hold already."""
    found = material(use).samples
    for _, texts in itertools.groupby(found, key=lambda sample: sample.prompt_id):
        assert 3 == len(list(texts))
    for sample in found:
        assert len(sample.subtasks) == len(sample.parts) >= 2
        assert all(part.strip() == part != "" for part in sample.parts)
        assert sample.contradiction not in sample.text


def test_nothing_serves_both_uses() -> None:
    """No text, prompt, constant answer, order or filler that a judge was fitted to is used to check it."""
    fitted, checked = material("calibration"), material("check")
    for name in ("constant_answers", "orders", "fillers"):
        assert not set(getattr(fitted, name)) & set(getattr(checked, name))
        assert len(getattr(fitted, name)) >= 3
        assert len(getattr(checked, name)) >= 3
    assert not {sample.about for sample in fitted.samples} & {sample.about for sample in checked.samples}
    assert len({sample.text for sample in ALL}) == len(ALL) == len({sample.id for sample in ALL})
