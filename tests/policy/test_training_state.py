"""A run that is kept comes back as it was, or says why not."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from net4moe.errors import CheckpointError
from net4moe.policy.sac_config import SACConfig
from net4moe.policy.training_state import Origin, origin, read, write
from tests import probes


class Small(NamedTuple):
    """A run of a few arrays."""

    key: jax.Array
    number: jax.Array
    rows: jax.Array
    nothing: None = None


KEY = jax.random.key(3)
RUN = Small(key=jax.random.key(7), number=jnp.asarray(5, jnp.int32), rows=jnp.arange(6.0).reshape(2, 3))
FRESH = Small(key=jax.random.key(0), number=jnp.asarray(0, jnp.int32), rows=jnp.zeros((2, 3)))
METRICS = (np.array([1, 2], np.int32), np.array([0.5, np.nan], np.float32))
BEGUN = origin("sac", SACConfig(), probes.endless(), KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Write a run."""
    path = tmp_path / "run.safetensors"
    write(path, BEGUN, RUN, METRICS)
    return path


def test_a_run_comes_back_as_it_was(path: Path) -> None:
    """Keys, types and numbers, and the columns of the metrics; nothing else is left in the folder."""
    run, metrics = read(path, BEGUN, FRESH)
    assert isinstance(run, Small)
    np.testing.assert_array_equal(jax.random.key_data(RUN.key), jax.random.key_data(run.key))
    np.testing.assert_array_equal(RUN.rows, run.rows)
    assert run.number.dtype == jnp.int32
    for wanted, got in zip(METRICS, metrics, strict=True):
        np.testing.assert_array_equal(wanted, got)
        assert wanted.dtype == got.dtype
    assert [file.name for file in path.parent.iterdir()] == ["run.safetensors"]


def test_more_than_ten_columns_keep_their_order(path: Path) -> None:
    """The eleventh is not between the first and the second."""
    columns = tuple(np.array([index]) for index in range(12))
    write(path, BEGUN, RUN, columns)
    assert [int(column[0]) for column in read(path, BEGUN, FRESH)[1]] == list(range(12))


@pytest.mark.parametrize(
    ("other", "label"),
    [
        (origin("dqn", SACConfig(), probes.endless(), KEY), "agent"),
        (origin("sac", SACConfig(), probes.endless(3), KEY), "environment"),
        (origin("sac", SACConfig(), probes.endless(), jax.random.key(4)), "key"),
    ],
)
def test_another_run_is_refused(path: Path, other: Origin, label: str) -> None:
    """The sentence names what differs, what is there and what was wanted."""
    there, wanted = getattr(BEGUN, label), getattr(other, label)
    text = f"{path}: the run was begun with another `{label}`: {there}, not {wanted}."
    with pytest.raises(CheckpointError, match=f"^{re.escape(text)}$"):
        read(path, other, FRESH)


def test_another_configuration_is_told_by_what_differs(path: Path) -> None:
    """And not by all its twenty numbers."""
    other = origin("sac", SACConfig(num_hidden=8, discount=0.5), probes.endless(), KEY)
    here = f"num_hidden {SACConfig().num_hidden}, discount {SACConfig().discount}"
    text = f"{path}: the run was begun with another `config`: {here}, not num_hidden 8, discount 0.5."
    with pytest.raises(CheckpointError, match=f"^{re.escape(text)}$"):
        read(path, other, FRESH)


def rewrite(path: Path, header: dict[str, str], **arrays: Any) -> None:
    """Change arrays, or replace the header; an array that is None goes."""
    kept = safetensors.numpy.load(path.read_bytes()) | arrays
    metadata = {"format": "net4moe training state", "format_version": "1", **BEGUN._asdict()}
    path.write_bytes(
        safetensors.numpy.save(
            {name: array for name, array in kept.items() if array is not None},
            metadata=metadata | header,
        )
    )


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda path: path.unlink(), "{path}: the file cannot be read: No such file or directory."),
        (lambda path: rewrite(path, {"format": "other"}), "{path}: this is not a run that was kept."),
        (
            lambda path: rewrite(path, {"format_version": "2"}),
            "{path}: the run has format version 2, this version reads 1.",
        ),
        (
            lambda path: rewrite(path, {}, **{"run.number": None}),
            "{path}: the run is damaged: `run.number` is missing.",
        ),
        (
            lambda path: rewrite(path, {}, **{"run.rows": np.zeros((3, 2), np.float32)}),
            "{path}: `run.rows` must have shape (2, 3) and type float32, got (3, 2) and float32.",
        ),
        (
            lambda path: rewrite(path, {}, **{"run.number": np.zeros((), np.int64)}),
            "{path}: `run.number` must have shape () and type int32, got () and int64.",
        ),
    ],
)
def test_what_cannot_be_used_is_named(path: Path, damage: Callable[[Path], object], text: str) -> None:
    """Each sentence begins with the file."""
    damage(path)
    with pytest.raises(CheckpointError, match=f"^{re.escape(text.format(path=path))}$"):
        read(path, BEGUN, FRESH)


@pytest.mark.parametrize("content", [b"", b"no tensors at all", b"\xff" * 64])
def test_what_is_no_safetensors_is_damaged(path: Path, content: bytes) -> None:
    """One sentence of ours."""
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(path))}: the run is damaged: "):
        read(path, BEGUN, FRESH)


def test_a_file_cut_short_is_damaged(path: Path) -> None:
    """As a full disk would leave it."""
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(path))}: the run is damaged: "):
        read(path, BEGUN, FRESH)


def test_a_folder_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    """Nothing is half-written."""
    path = tmp_path / "nowhere" / "run.safetensors"
    text = f"{path}: the run cannot be kept: No such file or directory."
    with pytest.raises(CheckpointError, match=f"^{re.escape(text)}$"):
        write(path, BEGUN, RUN, METRICS)


def test_another_suffix_is_a_wrong_argument(tmp_path: Path) -> None:
    """The suffix says what it is."""
    with pytest.raises(ValueError, match=r"^`path` must end in \.safetensors, got 'run\.npz'\.$"):
        write(tmp_path / "run.npz", BEGUN, RUN, METRICS)
