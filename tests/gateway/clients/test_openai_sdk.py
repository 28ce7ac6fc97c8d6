"""The official SDK against the gateway: what every program that speaks OpenAI sees."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from net4moe.errors import DeadlinePassed, NoDevice
from tests.gateway.clients.serving import served
from tests.gateway.front_rig import KEY, Rig, ScriptedMixture, Upstream

TEXT = "Once a fox learned to sail."
CHAT: Any = [{"role": "user", "content": "a fox"}]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Rig]:
    """Run a gateway with one device."""
    with served(Upstream()) as running:
        yield running


def client(gateway: Rig, key: str = KEY, **options: Any) -> openai.OpenAI:
    """Make a client."""
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, **{"max_retries": 0, **options})


def test_a_chat(gateway: Rig) -> None:
    """Whole, typed, with usage and the request's id."""
    with client(gateway) as sdk:
        said = sdk.chat.completions.create(model="net4moe", messages=CHAT, max_tokens=50, temperature=0.2)
    assert TEXT == said.choices[0].message.content
    assert "stop" == said.choices[0].finish_reason
    assert said.usage is not None
    assert 18 == said.usage.total_tokens
    assert said.id == said._request_id


def test_a_stream(gateway: Rig) -> None:
    """One id, the role first, content, one final chunk, usage last."""
    with client(gateway) as sdk:
        stream = sdk.chat.completions.create(
            model="net4moe",
            messages=CHAT,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
    assert 1 == len({chunk.id for chunk in chunks})
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert "assistant" == choices[0].delta.role
    assert TEXT == "".join(choice.delta.content or "" for choice in choices)
    assert ["stop"] == [choice.finish_reason for choice in choices if choice.finish_reason]
    assert chunks[-1].usage is not None
    assert 18 == chunks[-1].usage.total_tokens


def test_the_sdks_own_accumulator(gateway: Rig) -> None:
    """Its stream helper takes the stream for a whole answer."""
    with client(gateway) as sdk, sdk.chat.completions.stream(model="net4moe", messages=CHAT, n=2) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert [TEXT, TEXT] == [choice.message.content for choice in final.choices]
    assert 2 * len(TEXT) == len("".join(deltas))


def test_limits_in_the_extra_body_and_headers(gateway: Rig) -> None:
    """As the SDK lets one send them."""
    with client(gateway) as sdk:
        sdk.chat.completions.create(
            model="net4moe", messages=CHAT,
            extra_body={"net4moe": {"calls": 3}}, extra_headers={"net4moe-deadline": "5"},
        )  # fmt: skip
    limits = gateway.mixture.asked[-1].limits
    assert (3, 5.0) == (limits.calls, limits.deadline_s)


def test_models_and_embeddings_and_texts(gateway: Rig) -> None:
    """Listed and passed through."""
    with client(gateway) as sdk:
        assert ["net4moe", "net4moe/rose", "device/one/small"] == [model.id for model in sdk.models.list()]
        assert "net4moe/rose" == sdk.models.retrieve("net4moe/rose").id
        embedded = sdk.embeddings.create(model="device/one/small", input="x", encoding_format="float")
        assert [0.5, 0.25] == embedded.data[0].embedding
        through = sdk.chat.completions.with_raw_response.create(model="net4moe/rose", messages=CHAT)
        assert ("one", "1") == (through.headers["net4moe-device"], through.headers["net4moe-attempts"])
        assert "A fox sails home." == through.parse().choices[0].message.content


@pytest.mark.parametrize("model", ["net4moe", "net4moe/rose"])
def test_the_asynchronous_client(gateway: Rig, model: str) -> None:
    """The same, streamed and not, side by side."""

    async def scene() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as sdk:

            async def streamed() -> str:
                stream = await sdk.chat.completions.create(model=model, messages=CHAT, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            async def whole() -> str:
                said = await sdk.chat.completions.create(model=model, messages=CHAT)
                return said.choices[0].message.content or ""

            return await asyncio.gather(*(streamed() for _ in range(8)), *(whole() for _ in range(8)))

    assert {TEXT if model == "net4moe" else "A fox sails home."} == set(asyncio.run(scene()))


def test_errors_are_the_sdks_own(gateway: Rig) -> None:
    """Each of its class, with what a program can switch on."""
    with (
        client(gateway, key="nk-not-the-key") as stranger,
        pytest.raises(openai.AuthenticationError) as wrong,
    ):
        stranger.models.list()
    assert "invalid_api_key" == wrong.value.code
    assert "nk-not" not in str(wrong.value)
    with client(gateway) as sdk:
        with pytest.raises(openai.NotFoundError) as unknown:
            sdk.chat.completions.create(model="net4moe/ros", messages=CHAT)
        assert ("model_not_found", "model") == (unknown.value.code, unknown.value.param)
        assert "`net4moe/rose`" in unknown.value.message
        with pytest.raises(openai.BadRequestError) as bad:
            sdk.chat.completions.create(
                model="net4moe", messages=CHAT, response_format={"type": "json_object"}
            )
        assert "response_format" == bad.value.param
        gateway.services.roster.drain("one")
        with pytest.raises(openai.InternalServerError) as gone:
            sdk.chat.completions.create(model="net4moe/rose", messages=CHAT)
        gateway.services.roster.device("one").wanted = "stay"
        assert (503, "no_device") == (gone.value.status_code, gone.value.code)


def test_an_error_in_a_stream_is_raised() -> None:
    """Half an answer never looks like a whole one."""
    with served(mixture=ScriptedMixture(error=NoDevice("it is gone."))) as gateway, client(gateway) as sdk:
        stream = sdk.chat.completions.create(model="net4moe", messages=CHAT, stream=True)
        heard: list[str] = []
        with pytest.raises(openai.APIError, match="it is gone") as broken:
            heard += [chunk.choices[0].delta.content or "" for chunk in stream]
    assert "no_device" == broken.value.code


def test_a_deadline_is_not_tried_again() -> None:
    """The SDK repeats 5xx by itself; the gateway says when that is in vain."""
    mixture = ScriptedMixture(pieces=(), error=DeadlinePassed("too late."))
    with (
        served(mixture=mixture) as gateway,
        client(gateway, max_retries=2) as sdk,
        pytest.raises(openai.InternalServerError),
    ):
        sdk.chat.completions.create(model="net4moe", messages=CHAT)
    assert 1 == len(mixture.asked)


def test_leaving_a_stream_stops_the_work() -> None:
    """Closing it is enough."""
    mixture = ScriptedMixture(pieces=("x ",) * 200, pause_s=0.02)
    with served(mixture=mixture) as gateway, client(gateway) as sdk:
        stream = sdk.chat.completions.create(model="net4moe", messages=CHAT, stream=True)
        next(iter(stream))
        stream.close()
        until_s = time.monotonic() + 0.5
        while not mixture.num_cancelled and time.monotonic() < until_s:
            time.sleep(0.01)
    assert 1 == mixture.num_cancelled


def test_signs_of_life_are_no_content() -> None:
    """Its parser passes over comments."""
    mixture = ScriptedMixture(pieces=("at last",), pause_s=0.3)
    with served(mixture=mixture, keep_alive_s=0.05) as gateway, client(gateway) as sdk:
        stream = sdk.chat.completions.create(model="net4moe", messages=CHAT, stream=True)
        assert "at last" == "".join(chunk.choices[0].delta.content or "" for chunk in stream)
