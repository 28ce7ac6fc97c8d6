"""Keys of clients: made once, kept as hashes."""

import json
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from net4moe.errors import ConfigError
from net4moe.gateway.front.keys import PREFIX, Keys


class Clock:
    """A clock that is set."""

    now_s = 0.0

    def __call__(self) -> float:
        """Read it."""
        return self.now_s


def test_a_key_opens_and_no_other_does(tmp_path: Path) -> None:
    """Whose it is comes back; anything else is nobody's."""
    keys = Keys(tmp_path / "keys.json")
    key = keys.create("ann").get_secret_value()
    assert key.startswith(PREFIX)
    assert len(key) >= 3 + 52
    assert keys.name_of(key) == "ann"
    assert keys.name_of(key[:-1]) is None
    assert keys.name_of("") is None
    assert keys.name_of("\ud800") is None


def test_the_file_holds_hashes_only_and_is_its_owners(tmp_path: Path) -> None:
    """The key itself is nowhere on disk, and no one else reads the file."""
    path = tmp_path / "deep" / "keys.json"
    key = Keys(path).create("ann")
    assert key.get_secret_value() not in path.read_text("utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(key) == "**********"
    assert [one.name for one in path.parent.iterdir()] == ["keys.json"]


def test_another_process_sees_new_and_revoked_keys(tmp_path: Path) -> None:
    """A running gateway looks at the file again after a second."""
    clock = Clock()
    path = tmp_path / "keys.json"
    running = Keys(path, clock=clock)
    other = Keys(path)
    key = other.create("ann").get_secret_value()
    assert running.name_of(key) is None
    clock.now_s = 1.5
    assert running.name_of(key) == "ann"
    other.revoke("ann")
    clock.now_s = 3.0
    assert running.name_of(key) is None


def test_two_processes_keep_each_others_keys(tmp_path: Path) -> None:
    """Whoever writes reads first."""
    first, second = Keys(tmp_path / "keys.json"), Keys(tmp_path / "keys.json")
    first.create("ann")
    second.create("bob")
    assert Keys(tmp_path / "keys.json").names == ("ann", "bob")


def test_a_given_key_stays_in_memory(tmp_path: Path) -> None:
    """A key of the command line is not written."""
    keys = Keys(tmp_path / "keys.json")
    keys.give("given", SecretStr("long-enough"))
    assert keys.name_of("long-enough") == "given"
    assert keys.any
    keys.create("ann")
    assert Keys(tmp_path / "keys.json").names == ("ann",)


@pytest.mark.parametrize("text", ["short", "with a blank", "über-lang-genug"])
def test_a_given_key_must_be_sendable(text: str) -> None:
    """What no header carries is refused."""
    with pytest.raises(ValueError, match="at least 8 printable ASCII"):
        Keys().give("given", SecretStr(text))


def test_names_are_unique_and_print(tmp_path: Path) -> None:
    """A name stands in receipts."""
    keys = Keys(tmp_path / "keys.json")
    keys.create("ann")
    for name, text in (("ann", "already"), ("", "1 to 63"), ("a\nb", "1 to 63"), (" ann", "1 to 63")):
        with pytest.raises(ValueError, match=text):
            keys.create(name)
    with pytest.raises(ValueError, match="No key is called `bob`"):
        keys.revoke("bob")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"version": 2, "keys": []}',
        '{"version": 1, "keys": [{"name": "a"}]}',
        '{"version": 1}',
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    """It is never taken for a file without keys."""
    path = tmp_path / "keys.json"
    path.touch(mode=0o600)
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigError):
        Keys(path)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """As ssh does."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"version": 1, "keys": []}), "utf-8")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        Keys(path)
