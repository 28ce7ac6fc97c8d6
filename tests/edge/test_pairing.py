"""Codes, proofs and keys."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from net4moe.edge import pairing
from net4moe.edge.pairing import CodeBook
from net4moe.edge.wire import Join, Joined
from net4moe.errors import ConfigError, JoinRefused

CODE = "K7QP-2MXR"
SECRET = pairing.stretched(CODE)
HEX = st.text("0123456789abcdef", min_size=32, max_size=32)


def join(secret: SecretStr = SECRET, **changes: Any) -> Join:
    """Ask to join."""
    asked: dict[str, Any] = {"device": "pi", "port": 8100, "nonce": "0" * 32, "proof": "0" * 64, **changes}
    unproved = Join(**asked)
    return unproved.model_copy(update={"proof": pairing.join_proof(secret, unproved)})


def book(**options: Any) -> CodeBook:
    """Make a book with one code that was given out at 0 s."""
    made = CodeBook(**options)
    made.accept(CODE, now_s=0.0)
    return made


def test_codes_can_be_read_out() -> None:
    """Eight characters that nobody confuses; spelling does not matter."""
    codes = {pairing.new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 9 and code[4] == "-" and not set(code) & set("01IO") for code in codes)
    assert pairing.stretched("k7qp 2mxr").get_secret_value() == SECRET.get_secret_value()
    for wrong in ("", "K7QP", "K7QP-2MX0", "K7QP-2MXÄ"):
        with pytest.raises(ConfigError, match="a code looks like K7QP-2MXR"):
            pairing.stretched(wrong)
    assert len(pairing.new_token()) == 32
    pairing.stretched(pairing.new_token())


@given(HEX, HEX)
def test_both_sides_have_the_same_key(nonce_device: str, nonce_gateway: str) -> None:
    """It follows from the code and both nonces, and from nothing less."""
    key = pairing.device_key(SECRET, nonce_device, nonce_gateway)
    assert key == pairing.device_key(SECRET, nonce_device, nonce_gateway)
    assert key != pairing.device_key(SecretStr("another"), nonce_device, nonce_gateway)
    if nonce_device != nonce_gateway:
        assert key != pairing.device_key(SECRET, nonce_gateway, nonce_device)


@given(st.sampled_from(["device", "port", "secure", "fingerprint", "nonce"]))
def test_a_proof_covers_the_whole_request(name: str) -> None:
    """Whoever changes a field on the way needs the code."""
    others = {"device": "pj", "port": 8101, "secure": True, "fingerprint": "a" * 64, "nonce": "1" * 32}
    proved = join()
    changed = proved.model_copy(update={name: others[name]})
    with pytest.raises(JoinRefused):
        book().redeem(changed, "a", now_s=1.0)


def test_a_proof_covers_the_whole_answer() -> None:
    """The device knows the gateway by it."""
    answer: dict[str, Any] = {
        "device": "pi", "epoch": 1, "nonce": "1" * 32, "time_unix_s": 1.0, "heartbeat_s": 2.0, "proof": "0" * 64
    }  # fmt: skip
    proof = pairing.joined_proof(SECRET, Joined(**answer), "0" * 32)
    others = {"device": "pj", "epoch": 2, "nonce": "2" * 32, "time_unix_s": 2.0, "heartbeat_s": 1.0}
    for name, value in others.items():
        assert proof != pairing.joined_proof(SECRET, Joined(**{**answer, name: value}), "0" * 32)
    assert proof != pairing.joined_proof(SECRET, Joined(**answer), "1" * 32)


def test_a_code_is_good_once_for_ten_minutes() -> None:
    """Used, expired and unknown read the same."""
    used = book()
    assert used.num_open(now_s=599.9) == 1
    assert used.redeem(join(), "a", now_s=599.9) == SECRET
    assert used.num_open(now_s=599.9) == 0
    said: set[str] = set()
    for codes, now_s in ((used, 599.9), (book(), 600.0), (CodeBook(), 0.0)):
        with pytest.raises(JoinRefused) as refused:
            codes.redeem(join(), "a", now_s=now_s)
        said.add(str(refused.value))
    assert {pairing.REFUSED} == said


def test_five_wrong_tries_a_minute() -> None:
    """After them not even the right code helps, from that address, for a minute."""
    codes = book()
    for _ in range(5):
        with pytest.raises(JoinRefused):
            codes.redeem(join(SecretStr("guess")), "a", now_s=10.0)
    with pytest.raises(JoinRefused, match="too many tries"):
        codes.redeem(join(), "a", now_s=69.9)
    with pytest.raises(JoinRefused):
        codes.redeem(join(SecretStr("guess")), "b", now_s=69.9)
    assert codes.redeem(join(), "a", now_s=70.0) == SECRET


def test_many_addresses_do_not_fill_the_memory() -> None:
    """The oldest are forgotten."""
    codes = book()
    for number in range(5_000):
        with pytest.raises(JoinRefused):
            codes.redeem(join(SecretStr("guess")), str(number), now_s=1.0)
    assert len(codes._wrong) == 4_096


def test_a_token_for_several_devices() -> None:
    """It is good as often as was said."""
    codes = CodeBook()
    codes.accept(CODE, now_s=0.0, num_devices=2, life_s=5.0)
    for _ in range(2):
        codes.redeem(join(), "a", now_s=4.0)
    with pytest.raises(JoinRefused):
        codes.redeem(join(), "a", now_s=4.0)


def test_a_book_keeps_no_code() -> None:
    """What it keeps cannot be read back, and does not print."""
    codes = CodeBook()
    code = codes.issue(now_s=0.0)
    assert code.replace("-", "") not in f"{codes.__dict__}"
    assert pairing.stretched(code).get_secret_value() not in f"{codes.__dict__}"
