"""Who may come in."""

from typing import Any

import pytest
from pydantic import SecretStr

from net4moe.gateway.front.door import Door, is_loopback
from net4moe.gateway.front.errors import Refused
from net4moe.gateway.front.keys import Keys


def scope(client: str = "10.0.0.9", **headers: str) -> dict[str, Any]:
    """Make a request's scope."""
    return {
        "type": "http",
        "client": (client, 1),
        "headers": [
            (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()
        ],
    }


def keyed() -> Door:
    """A door with one key."""
    keys = Keys()
    keys.give("ann", SecretStr("nk-right-key"))
    return Door(keys)


@pytest.mark.parametrize("value", ["Bearer nk-right-key", "bearer nk-right-key", "Bearer  nk-right-key "])
def test_the_right_key_opens(value: str) -> None:
    """And says whose it is."""
    assert "ann" == keyed().opened(scope(authorization=value))


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_api_key"),
        ({"authorization": "Bearer nk-wrong-key"}, "invalid_api_key"),
        ({"authorization": "Bearer "}, "invalid_api_key"),
        ({"authorization": "Basic nk-right-key"}, "invalid_api_key"),
        ({"authorization": "nk-right-key"}, "invalid_api_key"),
        ({"authorization": "Bearer \xff"}, "invalid_api_key"),
        ({"x_api_key": "nk-right-key"}, "missing_api_key"),
    ],
)
def test_all_else_is_401(headers: dict[str, str], code: str) -> None:
    """The key that was sent is not repeated."""
    with pytest.raises(Refused) as refused:
        keyed().opened(scope(**headers))
    assert (401, code) == (refused.value.refusal.status, refused.value.refusal.code)
    assert "nk-" not in refused.value.refusal.message


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8000", "origin": "https://evil.example"},
        {"host": "127.0.0.1:8000", "origin": "null"},
        {"host": "127.0.0.1:8000", "origin": "http://127.0.0.1:9999"},
        {"host": "rebound.example:8000"},
        {"host": "rebound.example:8000", "origin": "http://rebound.example:8000"},
    ],
)
def test_without_keys_no_web_page_gets_in(headers: dict[str, str]) -> None:
    """Neither one of another address nor one whose name was pointed here."""
    with pytest.raises(Refused) as refused:
        Door(Keys(insecure=True)).opened(scope(**headers))
    assert 403 == refused.value.refusal.status


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost", "desk", "desk.local:80", "10.0.0.7:1", "[::1]:8000", ""]
)
def test_without_keys_programs_get_in(host: str) -> None:
    """By address or by a name of this network."""
    assert "" == Door(Keys(insecure=True)).opened(scope(host=host))
    assert "" == Door(Keys(insecure=True)).opened(scope(host=host, origin=f"http://{host}")) if host else True


def test_numbers_are_for_this_computer_or_a_key() -> None:
    """A proxy on this computer does not count."""
    door = keyed()
    door.opened_for_metrics(scope("127.0.0.1"))
    door.opened_for_metrics(scope(authorization="Bearer nk-right-key"))
    for foreign in (scope(), scope("127.0.0.1", x_forwarded_for="10.0.0.9")):
        with pytest.raises(Refused):
            door.opened_for_metrics(foreign)


def test_addresses_of_this_computer() -> None:
    """And others."""
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost", "127.8.8.8")))
    assert not any(map(is_loopback, ("10.0.0.1", "0.0.0.0", "example.org", "")))
