"""What `net4moe answer` does, with the rooms loaded."""

from importlib import resources
from pathlib import Path

import platformdirs

from net4moe.chat import Ledger
from net4moe.cli import console
from net4moe.cli.answer_view import AnswerView
from net4moe.cli.config import Config, devices_of, load, with_changes
from net4moe.cli.runtime import running_mixture
from net4moe.environment import Policy, history
from net4moe.errors import ConfigError
from net4moe.gateway import DeviceSelector
from net4moe.mixture import Answer, Prompt
from net4moe.policy import BASELINES, checkpoint

__all__ = ["answered"]

_NEEDS_HINDSIGHT = {"upper_bound"}


async def answered(
    text: str,
    *,
    config_file: Path | None,
    model: Path | None,
    policy_name: str,
    seed: int,
    ledger_file: Path | None,
    replay: bool,
    max_cost_usd: float | None,
    live: bool,
) -> Answer:
    """Answer one prompt and, where `live`, show it as it comes and print the story and the receipt."""
    config = with_changes(load(config_file), max_cost_usd=max_cost_usd)
    try:
        prompt = Prompt(id="prompt", text=text)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    selector = _selector(config, policy_name, seed)
    path = ledger_file or platformdirs.user_state_path("net4moe") / "answers.sqlite"
    with Ledger(path, replay=replay, max_cost_usd=config.max_cost_usd) as ledger:
        async with running_mixture(config, ledger, placement=selector, model=model) as mixture:
            if not live:
                return await mixture.answer(prompt, seed=seed)
            with AnswerView(console.progress) as view:
                answer = await mixture.answer(prompt, seed=seed, watch=view.tell)
            view.print(console.out, answer)
            return answer


def _selector(config: Config, policy_name: str, seed: int) -> DeviceSelector:
    folder = resources.files("net4moe").joinpath("assets")
    known: history.History | None = None
    policy: Policy
    if policy_name == "trained":
        with resources.as_file(folder) as assets:
            policy = checkpoint.read(assets / "policy.safetensors").policy
            known = history.read(assets / "history.json")
    elif policy_name in BASELINES and policy_name not in _NEEDS_HINDSIGHT:
        policy = BASELINES[policy_name]
        with resources.as_file(folder) as assets:
            known = history.read(assets / "history.json")
    elif policy_name.endswith(".safetensors"):
        policy = checkpoint.read(Path(policy_name)).policy
        beside = Path(policy_name).with_name("history.json")
        known = history.read(beside) if beside.exists() else None
    else:
        rules = ", ".join(name for name in BASELINES if name not in _NEEDS_HINDSIGHT)
        msg = f"`--policy` must be trained, a .safetensors file or one of {rules}, got '{policy_name}'."
        raise ConfigError(msg)
    return DeviceSelector(
        devices_of(config),
        policy,
        policy_name=policy_name,
        snr_config=config.snr,
        reward_config=config.reward,
        history=known,
        seed=seed,
    )
