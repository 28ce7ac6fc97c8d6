"""The paths that carry models' work, beside the framework: authenticate, read, resolve, admit, answer."""

import json
from collections.abc import Mapping
from typing import Final, cast

from starlette.types import Receive, Scope, Send

from net4moe.errors import Net4MoEError
from net4moe.gateway.dispatch.dispatching import attempts_of
from net4moe.gateway.front.body import ClientLeft, parsed, read_body
from net4moe.gateway.front.call import JSON, Call
from net4moe.gateway.front.door import Door
from net4moe.gateway.front.errors import Refusal, Refused, bad_request, refusal_of
from net4moe.gateway.front.limits import limits_of
from net4moe.gateway.front.mixture_answers import MixtureAnswers
from net4moe.gateway.front.models import MIXTURE, Names, Target
from net4moe.gateway.front.openai_wire import checked_prompt, wanted
from net4moe.gateway.front.passthrough import Passthrough
from net4moe.gateway.front.presence import Presence
from net4moe.gateway.front.services import Services
from net4moe.gateway.records import Limits

__all__ = ["PATHS", "HotPath"]

_CHAT: Final = "/v1/chat/completions"
_ROUTE: Final = "/v1/route"
PATHS: Final = (_CHAT, "/v1/completions", "/v1/embeddings", _ROUTE)
"""Paths that are answered here."""


class HotPath:
    """An ASGI application for `PATHS`, POST only.

    Args:
      services: what the gateway consists of.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._door = Door(services.keys)
        self._names = Names(services.roster)
        self._passthrough = Passthrough(services.roster, services.dispatcher)
        self._mixture = MixtureAnswers(services.mixture, keep_alive_s=services.keep_alive_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever becomes of it."""
        services = self._services
        clock = services.clock
        call = Call(scope=scope, receive=receive, send=send, clock=clock, start_s=clock())
        services.metrics.begun()
        try:
            await self._answered(call)
        except Refused as error:
            await call.refuse(error.refusal)
        except Net4MoEError as error:
            services.metrics.attempted(attempts_of(error))
            await call.refuse(refusal_of(error))
        except ClientLeft:
            pass
        finally:
            services.metrics.ended(call.kind, call.status, clock() - call.start_s, call.first_text_s)

    async def _answered(self, call: Call) -> None:
        services = self._services
        if call.scope["method"] != "POST":
            raise Refused(_only_post())
        call.key_name = self._door.opened(call.scope)
        body = await read_body(call.scope, call.receive, limit=services.body_bytes)
        fields = parsed(body)
        path: str = call.scope["path"]
        limits, judged = limits_of(call.scope["headers"], fields, services.limits)
        target = Target(kind="mixture") if path == _ROUTE else self._names.target(fields.get("model"))
        call.kind = target.kind
        place = services.admission.place(deadline_s=call.start_s + limits.deadline_s)
        async with Presence(call.receive) as presence, place:
            if path == _ROUTE:
                await self._explain(call, fields)
            elif target.kind == "mixture":
                await self._mix(call, path, fields, limits, judged)
            else:
                await self._relay(call, path, target, body, fields, limits)
        if presence.left:
            call.status = 499

    async def _mix(
        self, call: Call, path: str, fields: Mapping[str, object], limits: Limits, judged: bool
    ) -> None:
        if path != _CHAT:
            message = f"`{MIXTURE}` answers chats only; name an expert or a device's model for {path}."
            raise bad_request(message, "model")
        asked = wanted(fields, request_id=call.id, limits=limits, judged=judged)
        await self._mixture.answer(call, asked, MIXTURE)

    async def _relay(
        self,
        call: Call,
        path: str,
        target: Target,
        body: bytes,
        fields: Mapping[str, object],
        limits: Limits,
    ) -> None:
        passed = await self._passthrough.relay(call, path.removeprefix("/v1"), target, body, fields, limits)
        self._services.metrics.attempted(passed.attempts)
        self._services.metrics.spent(call.kind, passed.spent)

    async def _explain(self, call: Call, fields: Mapping[str, object]) -> None:
        prompt = fields.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            msg = "`prompt` must be a text that is not empty."
            raise bad_request(msg, "prompt")
        explained = cast("object", await self._services.mixture.explain(checked_prompt(prompt, "prompt")))
        await call.whole(200, JSON, [], json.dumps(explained, ensure_ascii=False).encode("utf-8", "replace"))


def _only_post() -> Refusal:
    return Refusal(status=405, message="This path takes POST only.", code="method_not_allowed")
