"""What `net4moe answer` does, with the rooms loaded."""

from pathlib import Path

import platformdirs

from net4moe.chat import Ledger
from net4moe.cli import console
from net4moe.cli.answer_view import AnswerView
from net4moe.cli.config import devices_of, load, with_changes
from net4moe.cli.policies import policy_of
from net4moe.cli.runtime import running_mixture
from net4moe.errors import ConfigError
from net4moe.gateway import DeviceSelector
from net4moe.mixture import Answer, Prompt

__all__ = ["answered"]


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
    chosen, known = policy_of(policy_name)
    selector = DeviceSelector(
        devices_of(config),
        chosen,
        policy_name=policy_name,
        snr_config=config.snr,
        reward_config=config.reward,
        history=known,
        seed=seed,
    )
    path = ledger_file or platformdirs.user_state_path("net4moe") / "answers.sqlite"
    with Ledger(path, replay=replay, max_cost_usd=config.max_cost_usd) as ledger:
        async with running_mixture(config, ledger, placement=selector, model=model) as mixture:
            if not live:
                return await mixture.answer(prompt, seed=seed)
            with AnswerView(console.progress) as view:
                answer = await mixture.answer(prompt, seed=seed, watch=view.tell)
            view.print(console.out, answer)
            return answer
