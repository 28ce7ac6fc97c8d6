"""What `net4moe study quality` does, with the rooms loaded."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from functools import partial
from importlib import resources
from pathlib import Path

from net4moe.chat import Ledger
from net4moe.cli import console, quality_view
from net4moe.cli.collecting import chosen_prompts
from net4moe.cli.config import Config, devices_of, load, with_changes
from net4moe.cli.policies import policy_of
from net4moe.cli.runtime import embedded_name, running_judge, running_mixture
from net4moe.environment import Policy
from net4moe.environment.history import History
from net4moe.errors import ConfigError
from net4moe.gateway import DeviceSelector
from net4moe.mixture import Judge, Mixture, Placement, Prompt, parse_prompts
from net4moe.mixture.judge_check import known
from net4moe.network import DeviceConfig
from net4moe.network.hardware import (
    CAR,
    DESKTOP_GPU,
    EDGE_SERVER,
    LAPTOP,
    PHONE,
    TELEVISION,
    HardwareConfig,
    compile_hardware,
)
from net4moe.policy import BASELINES
from net4moe.policy.baselines import fixed_device
from net4moe.study.quality import files
from net4moe.study.quality.arms import drawn
from net4moe.study.quality.finding import found
from net4moe.study.quality.records import Draw
from net4moe.study.quality.team import Energy, Team
from net4moe.study.run_directory import RunDirectory

__all__ = ["qualified"]

_HARDWARE: dict[str, HardwareConfig] = {
    "phone": PHONE,
    "tablet": PHONE,
    "laptop": LAPTOP,
    "desktop": DESKTOP_GPU,
    "car": CAR,
    "television": TELEVISION,
    "home server": DESKTOP_GPU,
    "base station": EDGE_SERVER,
}
"""What devices of these names compute with, where the settings do not say."""


def qualified(
    out: Path,
    *,
    prompts_file: Path | None,
    num_prompts: int | None,
    policy_name: str,
    config_file: Path | None,
    model: Path | None,
    seed: int | None,
    replay: bool,
    max_cost_usd: float | None,
) -> None:
    """Do the study of quality and print what it found."""
    config = with_changes(load(config_file), seed=seed, max_cost_usd=max_cost_usd)
    prompts = _prompts(prompts_file, num_prompts)
    content = (replace(config, max_cost_usd=float("inf")), prompts, policy_name)
    name = hashlib.sha256(repr((content, embedded_name(model))).encode("utf-8", "replace")).hexdigest()
    run = RunDirectory.opened(out, name)
    with Ledger(out / "ledger.sqlite", replay=replay, max_cost_usd=config.max_cost_usd) as ledger:
        draws, judge, held_out = asyncio.run(_drawn(config, prompts, policy_name, ledger, model))
        price_usd = ledger.spent_usd
    run.write("draws.csv", files.draws_csv(draws))
    quality = found(draws, judge=judge, held_out_judge=held_out, seed=config.seed)
    reliability = known(judge)
    for file, written in files.rendered(quality, draws, prompts, reliability).items():
        run.write(file, written)
    run.finish(json.loads(json.dumps(asdict(quality), allow_nan=False)))
    quality_view.show(quality, reliability, price_usd=price_usd)
    console.out.print(str(out / "report.html"), soft_wrap=True, markup=False)


def _prompts(path: Path | None, num_prompts: int | None) -> tuple[Prompt, ...]:
    if path is not None:
        return chosen_prompts(path, num_prompts)
    text = resources.files("net4moe").joinpath("assets/quality_prompts.txt").read_text("utf-8")
    prompts = parse_prompts(text)
    if num_prompts is not None and num_prompts > len(prompts):
        msg = f"{num_prompts} prompts were asked for, the project has {len(prompts)}."
        raise ConfigError(msg)
    return prompts[:num_prompts]


async def _drawn(
    config: Config, prompts: Sequence[Prompt], policy_name: str, ledger: Ledger, model: Path | None
) -> tuple[tuple[Draw, ...], str, str]:
    async with AsyncExitStack() as stack:
        mixture = await stack.enter_async_context(running_mixture(config, ledger, model=model))
        held_out: Judge | None = None
        if config.held_out_judge is not None:
            other = running_judge(config, ledger, model=model, settings=config.held_out_judge)
            held_out, _ = await stack.enter_async_context(other)
        team = _team(config, mixture, policy_name, held_out)
        with console.counting(f"{len(prompts)} prompts: writing and scoring") as on_progress:
            draws = await drawn(team, prompts, seed=config.seed, on_progress=on_progress)
        return draws, mixture.judge.name, "" if held_out is None else held_out.name


def _team(config: Config, mixture: Mixture, policy_name: str, held_out: Judge | None) -> Team:
    devices = devices_of(config)
    local = next((device for device in devices if device.local), None)
    if local is None:
        msg = "the study of quality needs the user's own device; mark one with `local = true`."
        raise ConfigError(msg)
    ours, history = policy_of(policy_name)
    rules: dict[str, Policy] = {
        "random": BASELINES["random_selection"],
        "strongest": BASELINES["strongest_link"],
        "ours": ours,
        "whole": ours,
        "free": BASELINES["best_expert"],
        **{f"expert {device.expert}": fixed_device(index) for index, device in enumerate(devices)},
    }
    placements: dict[str, Callable[[int], Placement]] = {
        name: partial(_selector, config, devices, rule, name, history) for name, rule in rules.items()
    }
    return Team(
        gate=mixture.gate,
        experts=mixture.experts,
        judge=mixture.judge,
        held_out=held_out,
        placements=placements,
        local=local.expert,
        local_units=local.units_limit,
        best=_best(list(mixture.experts), history),
        energy={device.expert: _energy(device) for device in devices},
    )


def _selector(
    config: Config,
    devices: Sequence[DeviceConfig],
    rule: Policy,
    name: str,
    history: History | None,
    seed: int,
) -> DeviceSelector:
    return DeviceSelector(
        devices,
        rule,
        policy_name=name,
        snr_config=config.snr,
        reward_config=config.reward,
        history=history,
        seed=seed,
    )


def _best(experts: Sequence[str], history: History | None) -> str:
    """Find the expert with the best mean score over all fields; the first where nothing is known."""
    if history is None:
        return experts[0]

    def mean(expert: str) -> float:
        scores = [row[0] for field in history.fields if (row := history.of_expert(field, expert)) is not None]
        return sum(scores) / len(scores) if scores else float("-inf")

    return max(experts, key=mean)


def _energy(device: DeviceConfig) -> Energy:
    hardware = _HARDWARE.get(device.name, device.hardware)
    return Energy(
        tokens_per_j=1.0 / float(compile_hardware([hardware]).joules_per_token[0]),
        radio_w=0.0 if device.local else device.link.sender_w + device.link.receiver_circuit_w,
    )
