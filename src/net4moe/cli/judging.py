"""What `net4moe judge` does, with the rooms loaded."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from net4moe.chat import Ledger
from net4moe.cli import console, judging_view
from net4moe.cli.config import Config, load, with_changes
from net4moe.cli.judge_choice import judge_name
from net4moe.cli.runtime import embedded_name, running_judge, running_reader
from net4moe.errors import JudgeCheckError
from net4moe.mixture.judge_check import CheckPlan, Reliability, checked, keep, known, material
from net4moe.mixture.judge_check.fitting import calibrated
from net4moe.mixture.judge_check.store import keep_calibration
from net4moe.mixture.judges.calibration import Calibration

__all__ = ["calibrate_judge", "check_judge", "show_judge"]


def check_judge(
    *,
    texts: int | None,
    config_file: Path | None,
    model: Path | None,
    seed: int,
    out: Path,
    as_json: bool,
    max_cost_usd: float | None,
) -> None:
    """Measure the judge of the settings, keep the result and print it."""
    config = with_changes(load(config_file), max_cost_usd=max_cost_usd)
    plan = CheckPlan(seed=seed, num_texts=texts)
    with Ledger(out / "ledger.sqlite", max_cost_usd=config.max_cost_usd) as ledger:
        found = asyncio.run(_checked(config, ledger, model, plan))
    (out / "judge_check.json").write_text(found.to_json(), "utf-8")
    if texts is None:
        keep(found)
    else:
        console.note(f"{texts} texts only: printed and written to {out}, not kept beside the judge's scores.")
    _print(found, as_json=as_json, is_whole=texts is None)


async def _checked(config: Config, ledger: Ledger, model: Path | None, plan: CheckPlan) -> Reliability:
    async with running_judge(config, ledger, model=model) as (judge, fresh):
        with console.counting(f"{judge.name}: texts") as on_progress:
            return await checked(
                judge,
                material("check"),
                plan,
                date=datetime.now(UTC).date().isoformat(),
                again=fresh,
                on_progress=on_progress,
            )


def show_judge(*, config_file: Path | None, model: Path | None) -> None:
    """Print the last check of the judge of the settings."""
    name = judge_name(load(config_file), embedded_name(model))
    found = known(name)
    if found is None:
        msg = f"the judge ({name}) has not been checked yet; run `net4moe judge check`."
        raise JudgeCheckError(msg)
    _print(found, as_json=False)


def calibrate_judge(*, out: Path, model: Path | None) -> None:
    """Fit the embedded judge to a model and write what was found."""
    with Ledger(out / "ledger.sqlite") as ledger:
        found = asyncio.run(_calibrated(ledger, model))
    (out / "likelihood_judge.json").write_text(found.to_json(), "utf-8")
    judging_view.show_calibration(found)
    console.out.print(str(keep_calibration(found)), soft_wrap=True, markup=False)


async def _calibrated(ledger: Ledger, model: Path | None) -> Calibration:
    async with running_reader(ledger, model=model) as (reader, encoder):
        with console.counting(f"calibrating {reader.name}: texts") as on_progress:
            return await calibrated(reader, encoder, material("calibration"), on_progress=on_progress)


def _print(found: Reliability, *, as_json: bool, is_whole: bool = True) -> None:
    if as_json:
        console.out.print(found.to_json(), soft_wrap=True, markup=False, end="")
    else:
        judging_view.show(found, is_whole=is_whole)
