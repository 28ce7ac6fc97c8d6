"""Where devices join, beat and leave: messages in, messages out, no sockets."""

import json
import secrets
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from net4moe.edge import LinkReport, Telemetry, pairing, signing
from net4moe.edge.pairing import CodeBook
from net4moe.edge.wire import Heard, Join, Joined, Leave
from net4moe.errors import ConfigError
from net4moe.gateway.fleet.device_store import DeviceStore, Known
from net4moe.gateway.fleet.joining import Reception
from net4moe.gateway.fleet.roster import Device, Roster

START_S = 1_800_000_000.0


class Doors:
    """A gateway's doors with a clock that stands until it is moved."""

    def __init__(self, path: Path | None = None) -> None:
        self.now_s = 0.0
        self.codes = CodeBook()
        self.store = DeviceStore(path)
        self.roster = Roster()
        self.reception = Reception(
            self.roster, self.codes, self.store, clock=lambda: self.now_s, wall_clock=self.unix_s
        )

    def unix_s(self) -> float:
        """Tell the date."""
        return START_S + self.now_s

    def join(self, name: str = "pi", *, address: str = "10.0.0.7", **changes: Any) -> "Laptop":
        """Join with a fresh code."""
        secret = pairing.stretched(self.codes.issue(now_s=self.now_s))
        asked = request(secret, device=name, **changes)
        status, content = self.reception.join_with_code(asked.model_dump_json().encode(), address)
        assert status == 200
        joined = Joined.model_validate_json(content)
        assert joined.proof == pairing.joined_proof(secret, joined, asked.nonce)
        key = pairing.device_key(secret, asked.nonce, joined.nonce)
        return Laptop(self, joined.device, key, joined.epoch, address)


def request(secret: SecretStr, **changes: Any) -> Join:
    """Ask to join."""
    asked: dict[str, Any] = {"device": "pi", "port": 8100, "nonce": secrets.token_hex(16), "proof": "0" * 64}
    unproved = Join(**{**asked, **changes})
    return unproved.model_copy(update={"proof": pairing.join_proof(secret, unproved)})


class Laptop:
    """A device that has joined."""

    def __init__(self, doors: Doors, name: str, key: SecretStr, epoch: int, address: str) -> None:
        self.doors = doors
        self.name = name
        self.key = key
        self.epoch = epoch
        self.address = address
        self.sequence = 0
        self.clock_error_s = 0.0

    def send(self, message: Any, body: bytes, *, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Send a signed message; its answer must be signed."""
        headers = headers or self.signed(message, body)
        status, content, signature = self.doors.reception.signed(message, headers, body, self.address)
        nonce = headers[signing.NONCE_HEADER]
        assert signing.is_answer_genuine(self.key, signature, nonce=nonce, status=status, body=content)
        return status, json.loads(content)

    def signed(self, message: str, body: bytes) -> dict[str, str]:
        """Sign a message."""
        return signing.signed_headers(
            self.key, device=self.name, method="POST", path=f"/edge/{message}", body=body,
            now_unix_s=self.doors.unix_s() + self.clock_error_s,
        )  # fmt: skip

    def telemetry(self, **changes: Any) -> bytes:
        """Make the next heartbeat."""
        self.sequence += 1
        told: dict[str, Any] = {"device": self.name, "epoch": self.epoch, "sequence": self.sequence}
        link = LinkReport(kind="measured")
        return (
            Telemetry(**{**told, "time_unix_s": self.doors.unix_s(), "link": link, **changes})
            .model_dump_json()
            .encode()
        )

    def beat(self, **changes: Any) -> tuple[int, Any]:
        """Send a heartbeat."""
        return self.send("heartbeat", self.telemetry(**changes))

    @property
    def line(self) -> Device:
        """Its line of the roster."""
        return self.doors.roster.device(self.name)


def test_the_address_is_where_the_message_came_from() -> None:
    """No URL is taken from the wire."""
    doors = Doors()
    assert doors.join("a").line.base_url == "http://10.0.0.7:8100/v1"
    assert doors.join("b", address="fe80::1", port=1).line.base_url == "http://[fe80::1]:1/v1"
    secure = doors.join("c", secure=True, fingerprint="a" * 64).line
    assert (secure.base_url, secure.fingerprint) == ("https://10.0.0.7:8100/v1", "a" * 64)
    assert [device.local for device in doors.roster.devices] == [False, False, False]
    assert doors.join("d", address="127.0.0.1").line.local


@given(st.lists(st.sampled_from(["pi", "pi-2", "x" * 63]), max_size=6))
def test_no_two_devices_have_one_name(names: list[str]) -> None:
    """The later one gets the next number that is free, within the length that a name may have."""
    store = DeviceStore(None)
    doors = Doors()
    given_names: list[str] = []
    for name in names:
        doors.codes = CodeBook()
        secret = SecretStr(f"{len(given_names)}")
        doors.reception = Reception(doors.roster, _Open(secret), store, clock=lambda: 0.0)
        _, content = doors.reception.join_with_code(
            request(secret, device=name).model_dump_json().encode(), "a"
        )
        given_names.append(Joined.model_validate_json(content).device)
    assert len(set(given_names)) == len(names)
    assert all(len(name) <= 63 for name in given_names)


class _Open(CodeBook):
    """Takes everybody, without the time that a code takes."""

    def __init__(self, secret: SecretStr) -> None:
        super().__init__()
        self._secret = secret

    def redeem(self, join: Join, address: str, *, now_s: float) -> SecretStr:
        return self._secret


def test_codes_that_do_not_fit() -> None:
    """Used, wrong and expired: one text, one status; a recorded message is worth nothing."""
    doors = Doors()
    code = doors.codes.issue(now_s=0.0)
    asked = request(pairing.stretched(code)).model_dump_json().encode()
    assert doors.reception.join_with_code(asked, "a")[0] == 200
    refused = [doors.reception.join_with_code(asked, "a")]
    refused.append(doors.reception.join_with_code(request(SecretStr("x")).model_dump_json().encode(), "a"))
    late = request(pairing.stretched(doors.codes.issue(now_s=0.0)))
    doors.now_s = 600.0
    refused.append(doors.reception.join_with_code(late.model_dump_json().encode(), "a"))
    assert {401} == {status for status, _ in refused}
    assert len({content for _, content in refused}) == 1
    assert json.loads(refused[0][1])["error"]["message"] == pairing.REFUSED
    assert doors.reception.join_with_code(b'{"device": "pi"}', "a")[0] == 400


def test_heartbeats() -> None:
    """Each is answered with the gateway's time; one that came before is refused, and so is an old number."""
    doors = Doors()
    laptop = doors.join()
    doors.now_s = 2.0
    status, heard = laptop.beat(num_busy=1)
    assert status == 200
    assert heard == Heard(sequence=1, time_unix_s=START_S + 2).model_dump()
    assert laptop.line.telemetry is not None
    assert laptop.line.telemetry.num_busy == 1
    body = laptop.telemetry()
    headers = laptop.signed("heartbeat", body)
    assert laptop.send("heartbeat", body, headers=headers)[0] == 200
    status, refused = laptop.send("heartbeat", body, headers=headers)
    assert (status, refused["error"]["code"]) == (401, "refused")
    status, refused = laptop.send("heartbeat", body)
    assert status == 401
    assert "sent message 2 after 2" in refused["error"]["message"]
    doors.roster.drain("pi")
    assert laptop.beat()[1]["wanted"] == "drain"
    assert laptop.send("probe", b"\0" * 64) == (200, {})
    status, refused = laptop.send("heartbeat", b"{}")
    assert (status, refused["error"]["code"]) == (400, "malformed")


@pytest.mark.parametrize("error_s", [-3_600.0, 3_600.0])
def test_a_wrong_clock_is_told_the_right_time(error_s: float) -> None:
    """In a signed answer, so that nobody else can tell it."""
    doors = Doors()
    laptop = doors.join()
    laptop.clock_error_s = error_s
    status, refused = laptop.beat()
    assert (status, refused["error"]["code"], refused["time_unix_s"]) == (401, "clock", START_S)
    laptop.clock_error_s = 0.0
    assert laptop.beat()[0] == 200


def test_strangers_get_no_signature() -> None:
    """Neither who is unknown nor who signs with another key."""
    doors = Doors()
    laptop = doors.join()
    laptop.key = SecretStr("another")
    body = laptop.telemetry()
    for name in ("pi", "nobody"):
        laptop.name = name
        headers = laptop.signed("heartbeat", body)
        status, content, signature = doors.reception.signed("heartbeat", headers, body, "a")
        assert (401, "") == (status, signature)
        assert b"not signed by a device that is known here" in content
    assert doors.reception.signed("leave", {}, b"{}", "a")[0] == 401


def test_a_device_cannot_speak_for_another() -> None:
    """Its key is good for its own name."""
    doors = Doors()
    one, other = doors.join("one"), doors.join("other")
    status, refused = one.beat(device="other")
    assert (status, refused["error"]["code"]) == (409, "superseded")
    asked = request(one.key, device="other").model_dump_json().encode()
    assert one.send("join", asked)[0] == 409
    assert one.send("leave", Leave(device="other", epoch=1).model_dump_json().encode())[0] == 200
    assert other.line.name == "other"


def test_a_device_that_moved_joins_again() -> None:
    """From another address its heartbeats are answered with `rejoin`; what was measured of it stays."""
    doors = Doors()
    laptop = doors.join()
    laptop.beat()
    meter, breaker = laptop.line.meter, laptop.line.breaker
    laptop.address = "10.0.0.99"
    assert laptop.beat()[1]["wanted"] == "rejoin"
    asked = request(laptop.key, port=9_000)
    status, content = laptop.send("join", asked.model_dump_json().encode())
    joined = Joined.model_validate(content)
    assert (status, joined.device, joined.epoch) == (200, "pi", 2)
    assert laptop.line.base_url == "http://10.0.0.99:9000/v1"
    assert laptop.line.meter is meter
    assert laptop.line.breaker is breaker
    status, refused = laptop.beat()
    assert (status, refused["error"]["code"]) == (409, "superseded")
    laptop.epoch, laptop.sequence = 2, 0
    assert laptop.beat()[1]["wanted"] == "stay"


def test_a_lease_that_ran_out() -> None:
    """The device is lost, and two heartbeats later it is back."""
    doors = Doors()
    laptop = doors.join()
    laptop.beat()
    doors.now_s = 12.1
    assert laptop.line.state(doors.now_s) == "lost"
    for state in ("lost", "up"):
        laptop.beat()
        assert laptop.line.state(doors.now_s) == state


def test_goodbye() -> None:
    """The device is struck off; with its key it may come back."""
    doors = Doors()
    laptop = doors.join()
    leave = Leave(device="pi", epoch=1).model_dump_json().encode()
    assert laptop.send("leave", leave) == (200, {})
    assert doors.roster.devices == ()
    assert laptop.send("leave", leave) == (200, {})
    assert doors.join("pi").name == "pi-2"
    assert laptop.send("join", request(laptop.key).model_dump_json().encode())[0] == 200


def test_a_gateway_that_restarts(tmp_path: Path) -> None:
    """Its file, which only its owner can read, is all that it needs; one that is forgotten is a stranger."""
    path = tmp_path / "state" / "devices.json"
    before = Doors(path)
    laptop = before.join(address="127.0.0.1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    laptop.doors = Doors(path)
    assert laptop.doors.roster.devices == ()
    assert laptop.beat()[1]["wanted"] == "stay"
    assert laptop.line.state(0.0) == "up"
    recorded = laptop.signed("heartbeat", body := laptop.telemetry())
    laptop.doors = Doors(path)
    laptop.doors.now_s = 1.0
    laptop.doors.reception = Reception(
        laptop.doors.roster, CodeBook(), laptop.doors.store, wall_clock=laptop.doors.unix_s
    )
    assert laptop.send("heartbeat", body, headers=recorded)[0] == 401
    laptop.doors.store.forget("pi")
    body = laptop.telemetry()
    status, _, signature = laptop.doors.reception.signed(
        "heartbeat", laptop.signed("heartbeat", body), body, "a"
    )
    assert (401, "") == (status, signature)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"version": 1, "devices": [{}]}', '{"version": 1, "devices": 3}']
)
def test_a_damaged_file_is_said_to_be(tmp_path: Path, text: str) -> None:
    """It is not overwritten in silence."""
    path = tmp_path / "devices.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="the file of devices is damaged"):
        DeviceStore(path)
    path.write_text('{"version": 2, "devices": []}')
    with pytest.raises(ConfigError, match="is of version 2, not 1"):
        DeviceStore(path)


def test_no_key_is_shown() -> None:
    """Neither by what is kept nor by the roster."""
    doors = Doors()
    laptop = doors.join()
    known = doors.store.known("pi")
    assert isinstance(known, Known)
    assert laptop.key.get_secret_value() not in f"{known!r} {laptop.line!r} {doors.store.names}"
