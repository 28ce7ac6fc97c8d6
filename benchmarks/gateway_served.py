"""The gateway of the benchmark: one endpoint behind it, a key before it, the rest as `net4moe gateway` has it.

python benchmarks/gateway_served.py --port 9200 --upstream http://127.0.0.1:9100/v1 --key nk-benchmark
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import uvloop
from pydantic import SecretStr

from net4moe.edge import LinkReport, Telemetry
from net4moe.gateway.dispatch.admission import Admission
from net4moe.gateway.dispatch.dispatching import Dispatcher
from net4moe.gateway.dispatch.transport import AiohttpTransport
from net4moe.gateway.fleet.roster import Device, Roster
from net4moe.gateway.front.app import Services, app, serve
from net4moe.gateway.front.keys import Keys
from net4moe.gateway.front.metrics import Metrics
from net4moe.gateway.records import Asked, Mixed


class NoMixture:
    """Pass-through is measured; the mixture is not asked."""

    async def answer(self, asked: Asked, *, on_text: Any = None) -> Mixed:
        """Say nothing."""
        return Mixed(text="", finish_reason="stop", prompt_tokens=0, completion_tokens=0)

    async def explain(self, prompt: str) -> dict[str, Any]:
        """Explain nothing."""
        return {}


class NoReceipts:
    """Pass-through leaves none."""

    def get(self, request_id: str, /) -> None:
        """Find nothing."""
        return

    def latest(self, limit: int, /) -> list[Any]:
        """List nothing."""
        return []


async def run(port: int, upstream: str, key: str) -> None:
    """Serve until a signal."""
    roster = Roster()
    told = Telemetry(
        device="mock",
        epoch=0,
        sequence=0,
        time_unix_s=time.time(),
        models=("mock",),
        num_slots=1_024,
        link=LinkReport(kind="measured"),
    )
    device = Device(name="mock", base_url=upstream, kind="endpoint", key=SecretStr("sk-mock"), telemetry=told)
    roster.add(device, now_s=time.monotonic())
    dispatcher = Dispatcher(roster, AiohttpTransport())
    keys = Keys()
    keys.give("benchmark", SecretStr(key))
    services = Services(
        roster=roster,
        dispatcher=dispatcher,
        mixture=NoMixture(),
        receipts=NoReceipts(),
        keys=keys,
        admission=Admission(1_024),
        metrics=Metrics(roster, clock=time.monotonic),
    )
    await serve(app(services), keys=keys, port=port)
    await dispatcher.close()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--key", required=True)
    arguments = parser.parse_args()
    uvloop.run(run(arguments.port, arguments.upstream, arguments.key))


if __name__ == "__main__":
    main()
