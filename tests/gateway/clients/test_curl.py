"""curl against the gateway: the transcripts of the documentation."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.gateway.clients.serving import served
from tests.gateway.front_rig import KEY, Rig, ScriptedMixture, Upstream, chunks_of

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed")
CHAT = '{"model": "%s", "messages": [{"role": "user", "content": "a fox"}]%s}'


@pytest.fixture(scope="module")
def gateway() -> Iterator[Rig]:
    """Run a gateway with one device."""
    with served(Upstream()) as running:
        yield running


def curl(*arguments: str, key: str = KEY) -> str:
    """Run curl."""
    command = [str(CURL), "--silent", "--noproxy", "*", "-H", f"authorization: Bearer {key}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout


def test_a_chat(gateway: Rig) -> None:
    """Whole, and as it comes."""
    url = f"{gateway.url}/v1/chat/completions"
    whole = json.loads(curl(url, "-d", CHAT % ("net4moe", "")))
    assert "Once a fox learned to sail." == whole["choices"][0]["message"]["content"]
    streamed = chunks_of(curl("-N", url, "-d", CHAT % ("net4moe", ', "stream": true')))
    text = "".join(one["choices"][0]["delta"].get("content", "") for one in streamed)
    assert "Once a fox learned to sail." == text


def test_headers_tell_who_served(gateway: Rig) -> None:
    """And under which id."""
    head = curl("-D", "-", "-o", "-", f"{gateway.url}/v1/chat/completions", "-d", CHAT % ("net4moe/rose", ""))
    for expected in (
        "HTTP/1.1 200 OK",
        "net4moe-device: one",
        "net4moe-attempts: 1",
        "net4moe-request-id: chatcmpl-",
    ):
        assert expected in head
    assert "server:" not in head.lower().partition("\r\n\r\n")[0]


def test_a_wrong_key(gateway: Rig) -> None:
    """401 and what to do."""
    said = curl("-w", "\n%{http_code}", f"{gateway.url}/v1/models", key="wrong")
    body, status = said.rsplit("\n", 1)
    assert ("401", "invalid_api_key") == (status, json.loads(body)["error"]["code"])


def test_numbers_and_health_need_no_key_on_this_computer(gateway: Rig) -> None:
    """For a scraper and a watchdog."""
    assert '{"status":"ok"}' == curl(f"{gateway.url}/healthz", key="none")
    assert "net4moe_requests_in_flight" in curl(f"{gateway.url}/metrics", key="none")


def test_a_body_that_is_sent_after_a_look_at_the_headers(gateway: Rig) -> None:
    """`Expect: 100-continue`, and a body in chunks."""
    url = f"{gateway.url}/v1/chat/completions"
    for header in ("expect: 100-continue", "transfer-encoding: chunked"):
        said = json.loads(curl(url, "-H", header, "-d", CHAT % ("net4moe/rose", "")))
        assert "A fox sails home." == said["choices"][0]["message"]["content"]


def test_stopping_curl_stops_the_work() -> None:
    """Ctrl-C in the middle of a stream."""
    mixture = ScriptedMixture(pieces=("x ",) * 200, pause_s=0.02)
    with served(mixture=mixture) as gateway:
        url = f"{gateway.url}/v1/chat/completions"
        body = CHAT % ("net4moe", ', "stream": true')
        command = [str(CURL), "-sN", "--noproxy", "*", "-H", f"authorization: Bearer {KEY}", url, "-d", body]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.kill()
        until_s = time.monotonic() + 0.5
        while not mixture.num_cancelled and time.monotonic() < until_s:
            time.sleep(0.01)
    assert 1 == mixture.num_cancelled
