"""What was found of a judge stands beside its scores from then on."""

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import platformdirs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from net4moe.errors import JudgeCheckError
from net4moe.mixture.judge_check import store
from net4moe.mixture.judge_check.damage import DAMAGES
from net4moe.mixture.judge_check.reliability import Reliability, ScoredText, reliability_of
from net4moe.mixture.judge_check.store import (
    calibration_for,
    keep,
    keep_calibration,
    known,
    what_is_known_of,
)
from net4moe.mixture.judges.calibration import Calibration

NAME = "explicit, gpt-x, wording 2"


def found(judge: str, *, date: str = "2026-11-22") -> Reliability:
    """Make up the check of a judge that gives 9 to good texts and to orders, and 1 to all else."""
    texts = [
        ScoredText(
            sample_id=f"text-{index}",
            prompt_id=f"prompt-{index}",
            damage=damage,
            strength=1.0 if damage else 0.0,
            words=100,
            value=9.0 if damage in ("", "order to the judge") else 1.0,
            seconds=0.5,
            tokens=10,
            price_usd=0.0,
        )
        for damage in ("", *DAMAGES)
        for index in range(2)
    ]
    return reliability_of(judge, texts, date=date)


def calibration(model: str, *, version: str = "1") -> Calibration:
    """Make up a calibration without curves."""
    return Calibration(model=model, version=version, num_texts=3, factors=(), power=0.5)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep everything in a folder of the test."""
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / name)
    return tmp_path / "net4moe"


def test_what_is_kept_is_known(home: Path) -> None:
    """To the last digit, in a file with a name that can be read, and nothing left beside it."""
    assert known(NAME) is None
    path = keep(found(NAME))
    assert home / "judge_checks" == path.parent
    assert [path] == list(path.parent.iterdir())
    assert path.name.startswith("explicit-gpt-x-wording-2-")
    assert found(NAME) == known(NAME)
    assert known(NAME.upper()) is None


def test_the_next_check_replaces_the_last() -> None:
    """One file for each judge."""
    first = keep(found(NAME, date="2026-11-21"))
    second = keep(found(NAME, date="2026-11-22"))
    assert first == second
    last = known(NAME)
    assert last is not None
    assert "2026-11-22" == last.date


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b"\xff\xfe", b'{"judge": "cut off'])
def test_a_damaged_file_is_named(content: bytes) -> None:
    """The sentence says which file and what to do."""
    path = keep(found(NAME))
    path.write_bytes(content)
    with pytest.raises(JudgeCheckError) as caught:
        known(NAME)
    expected = f"{path}: this is not the result of a check of a judge; delete it and check again."
    assert expected == str(caught.value)
    with pytest.raises(JudgeCheckError):
        what_is_known_of(NAME)


@given(st.lists(st.text(min_size=1, max_size=90), min_size=2, max_size=4, unique=True))
@example(["a", "A"])
@example(["a b", "a-b"])
@example(["x" * 80, "x" * 81])
@example(["審判", "法官"])
@example(["../../etc/passwd", "..", "/"])
def test_two_names_never_share_a_file(names: list[str]) -> None:
    """However alike they are, also on a disk that knows no capitals; each file stays in its folder."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(platformdirs, "user_data_path", lambda name: Path(folder) / name)
        paths = [keep_calibration(calibration(name)) for name in names]
        assert len(names) == len({str(path).lower() for path in paths})
        assert {Path(folder) / "net4moe" / "judge_calibrations"} == {path.parent for path in paths}
        assert names == [calibration_for(name).model for name in names]


def test_what_stands_beside_scores() -> None:
    """By hand, unknown, and known."""
    by_hand = "The scores were given by hand."
    assert (by_hand, by_hand) == (what_is_known_of(""), what_is_known_of("by hand"))
    assert (
        "This judge has not been checked (`net4moe judge check`): take its scores with care."
        == what_is_known_of(NAME)
    )
    keep(found(NAME))
    assert "This judge told all damage that it had to; it may be used to compare texts." == what_is_known_of(
        NAME
    )


def test_ones_own_calibration_comes_before_the_shipped_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipped one serves every model without one of its own."""
    shipped = calibration("embedded", version="shipped")
    monkeypatch.setattr(store, "shipped_calibration", lambda: shipped)
    assert shipped == calibration_for("embedded") == calibration_for("gpt-x")
    own = calibration("embedded", version="own")
    path = keep_calibration(own)
    assert home / "judge_calibrations" == path.parent
    found_own = calibration_for("embedded")
    assert (own, shipped) == (replace(found_own, version="own"), calibration_for("gpt-x"))
    newer = calibration("embedded", version="newer")
    assert path == keep_calibration(newer)
    found_newer = calibration_for("embedded")
    assert newer == replace(found_newer, version="newer")
    assert found_own.version != found_newer.version
    assert re.fullmatch(r"own [0-9a-f]{8}", found_newer.version)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe"])
def test_a_damaged_calibration_is_named(content: bytes) -> None:
    """It is not passed over for the shipped one: the scores would change unseen."""
    path = keep_calibration(calibration("gpt-x"))
    path.write_bytes(content)
    with pytest.raises(JudgeCheckError) as caught:
        calibration_for("gpt-x")
    expected = f"{path}: this is not a calibration; delete it and run `net4moe judge calibrate`."
    assert expected == str(caught.value)


def test_a_check_and_a_calibration_of_one_name_do_not_meet() -> None:
    """They lie in folders of their own."""
    keep(found("gpt-x"))
    keep_calibration(calibration("gpt-x"))
    assert found("gpt-x") == known("gpt-x")
    assert calibration("gpt-x") == replace(calibration_for("gpt-x"), version=calibration("gpt-x").version)
