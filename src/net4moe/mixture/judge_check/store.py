"""Where checks and calibrations are kept, so that every score can be shown with what is known of its judge."""

import hashlib
import re
from dataclasses import replace
from importlib import resources
from pathlib import Path

import platformdirs

from net4moe.errors import JudgeCheckError
from net4moe.mixture.judge_check.reliability import Reliability, reliability_from_json
from net4moe.mixture.judges.calibration import Calibration, calibration_from_json, shipped_calibration

__all__ = ["calibration_for", "keep", "keep_calibration", "known", "what_is_known_of"]


def known(judge: str) -> Reliability | None:
    """Find what the last check of a judge said: the user's own, else the one that ships with the project."""
    own = _folder() / _file_name(judge)
    if own.is_file():
        return _read(own)
    shipped = (
        resources.files("net4moe").joinpath("assets").joinpath("judge_checks").joinpath(_file_name(judge))
    )
    return reliability_from_json(shipped.read_text("utf-8")) if shipped.is_file() else None


def what_is_known_of(judge: str) -> str:
    """Say in a sentence or two what may be believed of a judge's scores, to stand beside them."""
    if not judge or judge == "by hand":
        return "The scores were given by hand."
    found = known(judge)
    if found is None:
        return "This judge has not been checked (`net4moe judge check`): take its scores with care."
    return found.sentence


def keep(reliability: Reliability) -> Path:
    """Keep the result of a check in the user's data folder; the next one of the same judge replaces it."""
    return _written(_folder() / _file_name(reliability.judge), reliability.to_json())


def calibration_for(model: str) -> Calibration:
    """Find the calibration of a model: the user's own, else the one that ships with the project.

    The version of the user's own names its content, so that no check of another one stands beside its scores.
    """
    own = _calibrations() / _file_name(model)
    if not own.is_file():
        return shipped_calibration()
    try:
        text = own.read_text("utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return replace(calibration_from_json(text), version=f"own {digest}")
    except (JudgeCheckError, UnicodeDecodeError) as error:
        msg = f"{own}: this is not a calibration; delete it and run `net4moe judge calibrate`."
        raise JudgeCheckError(msg) from error


def keep_calibration(calibration: Calibration) -> Path:
    """Keep a calibration in the user's data folder; the next one of the same model replaces it."""
    return _written(_calibrations() / _file_name(calibration.model), calibration.to_json())


def _folder() -> Path:
    return platformdirs.user_data_path("net4moe") / "judge_checks"


def _calibrations() -> Path:
    return platformdirs.user_data_path("net4moe") / "judge_calibrations"


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    scratch.write_text(text, "utf-8")
    scratch.replace(path)
    return path


def _file_name(judge: str) -> str:
    """Name a file after a judge: readable, and different for different names."""
    words = re.sub(r"[^a-z0-9]+", "-", judge.lower()).strip("-")[:60].rstrip("-")
    return f"{words}-{hashlib.sha256(judge.encode()).hexdigest()[:8]}.json"


def _read(path: Path) -> Reliability:
    try:
        return reliability_from_json(path.read_text("utf-8"))
    except (JudgeCheckError, UnicodeDecodeError) as error:
        msg = f"{path}: this is not the result of a check of a judge; delete it and check again."
        raise JudgeCheckError(msg) from error
