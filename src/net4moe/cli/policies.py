"""From the name of a policy to the policy and what it knows of the experts."""

from importlib import resources
from pathlib import Path

from net4moe.environment import Policy, history
from net4moe.errors import ConfigError
from net4moe.policy import BASELINES, checkpoint

__all__ = ["policy_of", "shipped_history"]

_NEEDS_HINDSIGHT = {"upper_bound"}


def policy_of(name: str) -> tuple[Policy, history.History | None]:
    """Find a policy and the history it was trained with: `trained`, a file or a rule.

    Raises:
      ConfigError: there is no such policy.
      CheckpointError: the file cannot be read.
    """
    if name == "trained":
        with resources.as_file(resources.files("net4moe").joinpath("assets")) as assets:
            return checkpoint.read(assets / "policy.safetensors").policy, shipped_history()
    if name in BASELINES and name not in _NEEDS_HINDSIGHT:
        return BASELINES[name], shipped_history()
    if name.endswith(".safetensors"):
        beside = Path(name).with_name("history.json")
        return checkpoint.read(Path(name)).policy, history.read(beside) if beside.exists() else None
    rules = ", ".join(rule for rule in BASELINES if rule not in _NEEDS_HINDSIGHT)
    msg = f"`--policy` must be trained, a .safetensors file or one of {rules}, got '{name}'."
    raise ConfigError(msg)


def shipped_history() -> history.History:
    """Read what the shipped table tells of the default experts."""
    with resources.as_file(resources.files("net4moe").joinpath("assets")) as assets:
        return history.read(assets / "history.json")
