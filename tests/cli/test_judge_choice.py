"""From settings to a judge; its encoder is fetched before anything is judged, and only where it reads."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from net4moe.chat import Capabilities, ChatModel, Ledger, ScriptedChatModel, embedded, weights
from net4moe.chat.embedded import TINY
from net4moe.chat.encoder import LedgeredEncoder, SentenceEncoder
from net4moe.chat.weights import PackagedWeights
from net4moe.cli import runtime
from net4moe.cli.config import EMBEDDED, Config, JudgeSettings, ModelSettings, load
from net4moe.cli.judge_choice import judge_name, judge_of, reads
from net4moe.cli.runtime import running_judge, running_mixture, running_reader
from net4moe.errors import ConfigError, ModelFileError
from net4moe.mixture import ExplicitJudge, ImplicitJudge, LikelihoodJudge, PairwiseJudge, Panel
from tests.cli.conftest import Command
from tests.mixture.encoders import ScriptedEncoder

FILES = (Path("model.safetensors"), Path("vocab.txt"))
GGUF = Path("tiny.gguf")

Kind = Literal["auto", "explicit", "implicit", "pairwise", "likelihood"]


def model(*, can_read: bool, name: str = "one") -> ScriptedChatModel:
    """Make a model that is never asked."""
    return ScriptedChatModel(lambda _: "", name=name, capabilities=replace(TINY, reads_text=can_read))


@pytest.mark.parametrize(
    ("kind", "can_read", "expected"),
    [
        ("auto", True, LikelihoodJudge),
        ("auto", False, ExplicitJudge),
        ("likelihood", True, LikelihoodJudge),
        ("explicit", True, ExplicitJudge),
        ("implicit", True, ImplicitJudge),
        ("pairwise", True, PairwiseJudge),
    ],
)
def test_the_kind_decides(kind: Kind, can_read: bool, expected: type) -> None:
    """A model that reads judges by likelihood where nothing else is said; only then an encoder is needed."""
    settings = JudgeSettings(kind=kind)
    assert expected is type(judge_of(settings, [model(can_read=can_read)], ScriptedEncoder()))
    assert (expected is LikelihoodJudge) == reads(settings, model(can_read=can_read))


def test_a_model_that_cannot_read() -> None:
    """The sentence names it and says what to write instead."""
    with pytest.raises(
        ConfigError, match=r"model 'one' cannot be a judge by likelihood; .* `kind = \"explicit\"`"
    ):
        judge_of(JudgeSettings(kind="likelihood"), [model(can_read=False)], ScriptedEncoder())


def test_an_endpoint_that_echoes_can_read() -> None:
    """What the settings say that a model can do is what it is asked for."""
    able = ModelSettings(
        endpoint="http://127.0.0.1:9/v1",
        name="far",
        structured=True,
        logprobs=True,
        continues_text=True,
        continues_reply=True,
        reads_text=True,
    )
    assert Capabilities(**dict.fromkeys(Capabilities.__slots__, True)) == able.capabilities


def test_a_panel_shares_the_encoder() -> None:
    """All who read compare with the same one."""
    encoder = ScriptedEncoder()
    panel = judge_of(JudgeSettings(), [model(can_read=True), model(can_read=True, name="two")], encoder)
    assert isinstance(panel, Panel)
    alone = judge_of(JudgeSettings(), [model(can_read=True)], encoder)
    assert isinstance(alone, LikelihoodJudge)
    assert encoder is alone.encoder


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have an empty cache and an index that lists what is fetched from it."""
    names: list[str] = []

    def fetched(
        packaged: PackagedWeights, folder: Path | None = None, *, on_progress: object = None
    ) -> object:
        names.append(packaged.name)
        return FILES

    monkeypatch.setattr(weights, "cached", lambda packaged, folder=None: None)
    monkeypatch.setattr(weights, "fetched", fetched)
    return names


def test_naming_a_judge_fetches_nothing(wanted: list[str]) -> None:
    """The name of the default judge is known without its files."""
    name = judge_name(load(None), "tiny")
    assert name.startswith("likelihood, tiny, wording ")
    assert [] == wanted


def test_what_lies_in_the_cache_is_not_fetched(wanted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it is, once a call."""
    assert FILES == runtime.fetched_files(weights.MINILM)
    monkeypatch.setattr(weights, "cached", lambda packaged, folder=None: FILES[::-1])
    assert FILES[::-1] == runtime.fetched_files(weights.MINILM)
    assert ["all-MiniLM-L6-v2"] == wanted


def test_making_the_encoder_fetches_nothing(wanted: list[str]) -> None:
    """Its files are wanted with the first comparison."""
    SentenceEncoder()
    assert [] == wanted


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Put a scripted model in the place of the embedded one, which can read or cannot."""

    def stand_in(can_read: bool) -> None:
        @asynccontextmanager
        async def running(file: Path, name: str) -> AsyncGenerator[ChatModel]:
            assert file == GGUF
            yield model(can_read=can_read, name=name)

        monkeypatch.setattr(embedded, "running", running)

    stand_in(True)
    return stand_in


def config_of(kind: Kind = "auto") -> Config:
    """Write settings in which the embedded model does everything."""
    return replace(load(None), judge=JudgeSettings(kind=kind))


async def entered(context: AbstractAsyncContextManager[object]) -> object:
    """Start and end at once."""
    async with context as found:
        return found


@pytest.mark.parametrize(
    ("can_read", "kind", "fetches"),
    [(True, "auto", True), (False, "auto", False), (True, "explicit", False), (True, "likelihood", True)],
)
def test_the_encoder_is_fetched_before_anything_is_judged(
    can_read: bool,
    kind: Kind,
    fetches: bool,
    wanted: list[str],
    engine: Callable[[bool], None],
    tmp_path: Path,
) -> None:
    """With a mixture and with a judge alone, where the judge reads."""
    engine(can_read)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        asyncio.run(entered(running_mixture(config_of(kind), ledger, model=GGUF)))
        assert ["all-MiniLM-L6-v2"] * fetches == wanted
        asyncio.run(entered(running_judge(config_of(kind), ledger, model=GGUF)))
    assert ["all-MiniLM-L6-v2"] * (2 * fetches) == wanted


def test_a_replay_fetches_nothing(wanted: list[str], tmp_path: Path) -> None:
    """Every comparison comes from the ledger; the embedded model is not started either."""
    Ledger(tmp_path / "ledger.sqlite").__exit__(None, None, None)
    with Ledger(tmp_path / "ledger.sqlite", replay=True) as ledger:
        asyncio.run(entered(running_mixture(load(None), ledger)))
        asyncio.run(entered(running_judge(load(None), ledger)))
    assert [] == wanted


@pytest.mark.usefixtures("engine")
def test_one_judge_goes_through_the_ledger_and_one_does_not(wanted: list[str], tmp_path: Path) -> None:
    """The same encoder, recorded for the first and fresh for the second."""
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        found = asyncio.run(entered(running_judge(config_of(), ledger, model=GGUF)))
    assert isinstance(found, tuple)
    recorded, fresh = found
    assert isinstance(recorded, LikelihoodJudge)
    assert isinstance(fresh, LikelihoodJudge)
    assert (LedgeredEncoder, SentenceEncoder) == (type(recorded.encoder), type(fresh.encoder))
    assert recorded.encoder.name == fresh.encoder.name == "all-MiniLM-L6-v2"
    assert recorded.name == fresh.name
    assert 1 == len(wanted)


@pytest.mark.usefixtures("engine")
def test_other_judges_of_a_mixture_may_be_started(wanted: list[str], tmp_path: Path) -> None:
    """The settings given decide, not those of the mixture's judge."""
    asked = JudgeSettings(kind="explicit")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        found = asyncio.run(entered(running_judge(config_of(), ledger, model=GGUF, settings=asked)))
    assert isinstance(found, tuple)
    assert [ExplicitJudge, ExplicitJudge] == [type(one) for one in found]
    assert [] == wanted


@pytest.mark.usefixtures("engine")
def test_an_index_out_of_reach_ends_it_before_a_model_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The error of the fetch passes through, for a mixture and for whoever calibrates."""

    def refused(*_: object, **__: object) -> object:
        raise ModelFileError("no such index")

    monkeypatch.setattr(weights, "cached", lambda packaged, folder=None: None)
    monkeypatch.setattr(weights, "fetched", refused)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(ModelFileError, match="no such index"):
            asyncio.run(entered(running_mixture(config_of(), ledger, model=GGUF)))
        with pytest.raises(ModelFileError, match="no such index"):
            asyncio.run(entered(running_reader(ledger, model=GGUF)))


def test_a_pairwise_judge_scores_nothing(wanted: list[str], tmp_path: Path) -> None:
    """A mixture refuses it, before anything is fetched or started."""
    config = replace(load(None), judge=JudgeSettings(model=EMBEDDED, kind="pairwise"))
    with (
        Ledger(tmp_path / "ledger.sqlite") as ledger,
        pytest.raises(ConfigError, match="a pairwise judge scores no single text"),
    ):
        asyncio.run(entered(running_mixture(config, ledger)))
    assert [] == wanted


@pytest.mark.parametrize(
    ("found", "told"),
    [(FILES, "model.safetensors"), (None, "all-MiniLM-L6-v2, fetched with the first judged text (84 MB)")],
)
def test_doctor_tells_of_the_encoder(
    found: tuple[Path, ...] | None, told: str, net4moe: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it lies, or that it will be fetched; either is well."""
    monkeypatch.setattr(weights, "cached", lambda packaged: found)
    (line,) = [line for line in net4moe("doctor").out.splitlines() if "judge's encoder" in line]
    assert line.split()[0] == "ok"
    assert line.rstrip().endswith(told)
