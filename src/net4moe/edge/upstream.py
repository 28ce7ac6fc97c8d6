"""The model server behind a device: what it has, and its answers as they come."""

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import aiohttp
from pydantic import SecretStr

from net4moe.errors import DeviceUnreachable

__all__ = ["Answer", "Upstream", "UpstreamFailed", "models_of", "opened"]

Path = Literal["/chat/completions", "/completions", "/embeddings"]

_MAX_MODELS = 256
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """An OpenAI-compatible model server.

    Attributes:
      url: with its version, as `http://127.0.0.1:11434/v1`.
      key: its key, where it wants one; never printed and never sent to anybody else.
      models: what it has, where it cannot be asked; empty to ask it.
      reads_url: where it tells the log-probabilities of given texts (`echo`), if elsewhere.
      connect_s: time to connect, seconds.
      first_s: time until its answer begins, seconds; for one that does not stream, until it is written.
      between_s: time between two pieces of its answer, seconds.
    """

    url: str
    key: SecretStr | None = None
    models: tuple[str, ...] = ()
    reads_url: str = ""
    connect_s: float = 2.0
    first_s: float = 300.0
    between_s: float = 30.0


class UpstreamFailed(DeviceUnreachable):
    """The model server refused, hung or broke off.

    Attributes:
      status: what the caller is told, 502 or 504.
    """

    def __init__(self, message: str, *, status: int) -> None:
        """Keep the status."""
        self.status = status
        super().__init__(message)


class Answer:
    """An answer that has begun."""

    def __init__(self, response: aiohttp.ClientResponse, between_s: float) -> None:
        self.status = response.status
        self.content_type = response.headers.get("content-type", "application/json")
        self.retry_after = response.headers.get("retry-after", "")
        self._response = response
        self._between_s = between_s

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the bytes as they come.

        Raises:
          UpstreamFailed: it broke off or hung.
        """
        while True:
            try:
                async with asyncio.timeout(self._between_s):
                    piece = await self._response.content.readany()
            except TimeoutError as error:
                msg = f"the model server sent nothing for {self._between_s:g} s."
                raise UpstreamFailed(msg, status=504) from error
            except (aiohttp.ClientError, OSError) as error:
                msg = f"the model server broke off its answer ({type(error).__name__})."
                raise UpstreamFailed(msg, status=502) from error
            if not piece:
                return
            yield piece


@asynccontextmanager
async def opened(
    session: aiohttp.ClientSession, upstream: Upstream, path: Path, body: bytes
) -> AsyncGenerator[Answer]:
    """Send a call on and wait until its answer begins; leaving the context early ends it there at once.

    Raises:
      UpstreamFailed: it refused the connection, broke it or hung.
    """
    base = upstream.reads_url if upstream.reads_url and path == "/completions" and _reads(body) else ""
    headers = {"content-type": "application/json", "accept-encoding": "identity", **_authority(upstream)}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=upstream.connect_s, sock_read=None)
    response = None
    try:
        try:
            async with asyncio.timeout(upstream.first_s):
                response = await session.post(
                    f"{base or upstream.url}{path}",
                    data=io.BytesIO(body),  # raw bytes of a megabyte would hold up everybody
                    headers=headers,
                    timeout=timeout,
                    allow_redirects=False,
                )
        except aiohttp.ClientError as error:
            msg = f"the model server cannot be reached ({type(error).__name__})."
            raise UpstreamFailed(msg, status=502) from error
        except TimeoutError as error:
            msg = f"the model server gave no answer within {upstream.first_s:g} s."
            raise UpstreamFailed(msg, status=504) from error
        except OSError as error:
            msg = f"the model server cannot be reached ({type(error).__name__})."
            raise UpstreamFailed(msg, status=502) from error
        yield Answer(response, upstream.between_s)
    finally:
        if response is not None:
            if response.content.at_eof():
                response.release()
            else:
                response.close()  # closes the connection: the server sees that nobody listens


async def models_of(session: aiohttp.ClientSession, upstream: Upstream) -> tuple[str, ...]:
    """Ask the server for its models.

    Raises:
      UpstreamFailed: it cannot be reached, or its answer is no list of models.
    """
    if upstream.models:
        return upstream.models
    timeout = aiohttp.ClientTimeout(total=5.0, sock_connect=upstream.connect_s)
    try:
        async with session.get(
            f"{upstream.url}/models", headers=_authority(upstream), timeout=timeout, allow_redirects=False
        ) as response:
            content = await response.read()
            status = response.status
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        msg = f"the model server at {upstream.url} cannot be reached ({type(error).__name__})."
        raise UpstreamFailed(msg, status=502) from error
    if status != 200:
        msg = f"the model server at {upstream.url} answered {status} when it was asked for its models."
        raise UpstreamFailed(msg, status=502)
    try:
        listed = cast("list[Mapping[str, Any]]", json.loads(content)["data"])
        names = [name for entry in listed if isinstance(name := entry["id"], str)]
    except (ValueError, KeyError, TypeError) as error:
        msg = f"the model server at {upstream.url} gave no list of models; check that the URL ends in /v1."
        raise UpstreamFailed(msg, status=502) from error
    return tuple(name for name in names if 0 < len(name) <= _LONGEST_NAME)[:_MAX_MODELS]


def _authority(upstream: Upstream) -> dict[str, str]:
    return {} if upstream.key is None else {"authorization": f"Bearer {upstream.key.get_secret_value()}"}


def _reads(body: bytes) -> bool:
    """Tell whether a call wants a text read rather than continued."""
    if b'"echo"' not in body:
        return False
    try:
        asked = json.loads(body)
    except ValueError:
        return False
    return isinstance(asked, dict) and cast("dict[str, Any]", asked).get("echo") is True
