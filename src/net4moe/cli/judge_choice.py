"""From settings to a judge."""

from collections.abc import Sequence

from net4moe.chat import ChatModel, ScriptedChatModel
from net4moe.chat.embedded import TINY
from net4moe.chat.encoder import SentenceEncoder, TextEncoder
from net4moe.cli.config import EMBEDDED, Config, JudgeSettings
from net4moe.errors import ConfigError
from net4moe.mixture import ExplicitJudge, ImplicitJudge, Judge, LikelihoodJudge, PairwiseJudge, Panel
from net4moe.mixture.judge_check.store import calibration_for

__all__ = ["judge_name", "judge_of", "reads"]


def judge_of(
    settings: JudgeSettings, models: Sequence[ChatModel], encoder: TextEncoder | None = None
) -> Judge:
    """Make the judge that the settings name, or the panel.

    Args:
      settings: what kind.
      models: who judges, in the order of `JudgeSettings.models`.
      encoder: compares texts for judges that read; by default fetched and loaded with the first text.

    Raises:
      ConfigError: a model cannot be that kind of judge.
    """
    encoder = encoder or SentenceEncoder()
    judges = [_one(settings, model, encoder) for model in models]
    return judges[0] if len(judges) == 1 else Panel(judges)


def judge_name(config: Config, embedded: str) -> str:
    """Name the judge of the settings without starting its model.

    Args:
      config: the settings.
      embedded: what the embedded model is called.
    """
    return judge_of(config.judge, [_stand_in(config, name, embedded) for name in config.judge.models]).name


def reads(settings: JudgeSettings, model: ChatModel) -> bool:
    """Tell whether a model judges by reading, so that an encoder is needed."""
    can = model.capabilities
    return settings.kind == "likelihood" or (
        settings.kind == "auto" and can.reads_text and not can.structured
    )


def _one(settings: JudgeSettings, model: ChatModel, encoder: TextEncoder) -> Judge:
    kind = settings.kind
    if kind == "auto":
        kind = "likelihood" if reads(settings, model) else "explicit"
    match kind:
        case "explicit":
            return ExplicitJudge(model, aspect=settings.aspect, num_samples=settings.num_samples)
        case "implicit":
            return ImplicitJudge(model, aspect=settings.aspect, num_samples=settings.num_samples)
        case "pairwise":
            return PairwiseJudge(model, aspect=settings.aspect)
        case "likelihood":
            if not model.capabilities.reads_text:
                msg = (
                    f"[judge]: model '{model.name}' cannot be a judge by likelihood; it must tell the "
                    'log-probabilities of given texts (`reads_text`). Use `kind = "explicit"`.'
                )
                raise ConfigError(msg)
            return LikelihoodJudge(model, encoder, calibration_for(model.name))


def _stand_in(config: Config, name: str, embedded: str) -> ChatModel:
    settings = None if name == EMBEDDED else config.models[name]
    return ScriptedChatModel(
        lambda _: "",
        name=embedded if settings is None else settings.name,
        capabilities=TINY if settings is None else settings.capabilities,
    )
