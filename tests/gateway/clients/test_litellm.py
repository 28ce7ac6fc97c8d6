"""LiteLLM as a client of the gateway, where it is installed."""

import pytest

from tests.gateway.clients.serving import served
from tests.gateway.front_rig import KEY

litellm = pytest.importorskip("litellm", reason="LiteLLM is not installed")

CHAT = [{"role": "user", "content": "a fox"}]


def test_chats_streams_and_errors() -> None:
    """As any other OpenAI-compatible endpoint."""
    with served() as gateway:
        options = {"api_base": f"{gateway.url}/v1", "api_key": KEY, "messages": CHAT, "num_retries": 0}
        whole = litellm.completion(model="openai/net4moe", **options)
        assert "Once a fox learned to sail." == whole.choices[0].message.content
        assert 18 == whole.usage.total_tokens
        stream = litellm.completion(model="openai/net4moe/rose", stream=True, **options)
        assert "A fox sails home." == "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        with pytest.raises(litellm.NotFoundError):
            litellm.completion(model="openai/nobody", **options)
        with pytest.raises(litellm.AuthenticationError):
            litellm.completion(model="openai/net4moe", **{**options, "api_key": "wrong"})
