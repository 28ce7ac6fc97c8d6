"""`net4moe doctor` and `net4moe config`: what is there, and what can be set."""

import typer

from net4moe.cli.options import ConfigOption, ModelOption

__all__ = ["config", "doctor"]


def config() -> None:
    """Print the default settings, to copy from.

    Example: net4moe config > mine.toml
    """
    from net4moe.cli.config import default_text

    print(default_text(), end="")


def doctor(config: ConfigOption = None, model: ModelOption = None) -> None:
    """Check versions, cores, the embedded model and the endpoints that the settings name.

    Example: net4moe doctor --config mine.toml
    """
    from net4moe.cli.diagnosis import checks, print_checks

    if not print_checks(checks(config, model)):
        raise typer.Exit(2)
