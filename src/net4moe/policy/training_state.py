"""Keep a run that is not done: all that it needs to go on bit by bit, in one file."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy

from net4moe.environment.fingerprint import fingerprint
from net4moe.errors import CheckpointError
from net4moe.table import atomic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jaxtyping import Array, Key

__all__ = ["FORMAT_VERSION", "Origin", "origin", "read", "write"]

FORMAT_VERSION = 1
"""Version of the layout of the file; a change that old code would misread raises it."""

_FORMAT = "net4moe training state"
_RUN, _METRICS = "run", "metrics"


class Origin(NamedTuple):
    """Where a run comes from; two runs of the same origin are the same bit by bit.

    Attributes:
      agent: short name of the agent.
      config: its configuration, as JSON.
      environment: its fingerprint.
      key: the key it began with.
    """

    agent: str
    config: str
    environment: str
    key: str


def origin(agent: str, config: Any, environment: Any, key: Key[Array, ""]) -> Origin:
    """Describe where a run comes from."""
    return Origin(
        agent=agent,
        config=json.dumps(dataclasses.asdict(config)),
        environment=fingerprint(environment),
        key=str(jax.random.key_data(key).tolist()),
    )


def write(path: Path, begun: Origin, run: Any, metrics: tuple[np.ndarray, ...]) -> None:
    """Write a run and the metrics of its chunks; the file appears whole or not at all.

    Raises:
      ValueError: `path` has another suffix than `.safetensors`.
      CheckpointError: the disk refuses the file.
    """
    if path.suffix != ".safetensors":
        message = f"`path` must end in .safetensors, got '{path.name}'."
        raise ValueError(message)
    arrays = {name: np.asarray(_plain(leaf), order="C") for name, leaf in _leaves(run).items()}
    arrays |= {f"{_METRICS}[{index}]": np.asarray(column) for index, column in enumerate(metrics)}
    header = {"format": _FORMAT, "format_version": str(FORMAT_VERSION), **begun._asdict()}
    try:
        atomic.write_bytes(path, safetensors.numpy.save(arrays, metadata=header))
    except OSError as error:
        message = f"{path}: the run cannot be kept: {error.strerror or error}."
        raise CheckpointError(message) from error


def read(path: Path, begun: Origin, like: Any) -> tuple[Any, tuple[np.ndarray, ...]]:
    """Read a run of the same origin.

    Args:
      path: the file.
      begun: where the run must come from.
      like: a run of the same structure, at its beginning.

    Returns:
      The run and the columns of its metrics.

    Raises:
      CheckpointError: the file cannot be read, is damaged, of another version or of another run.
    """
    header, arrays = _unpack(path)
    if header.get("format") != _FORMAT:
        message = f"{path}: this is not a run that was kept."
        raise CheckpointError(message)
    if header.get("format_version") != str(FORMAT_VERSION):
        message = (
            f"{path}: the run has format version {header.get('format_version')}, "
            f"this version reads {FORMAT_VERSION}."
        )
        raise CheckpointError(message)
    for label, wanted in begun._asdict().items():
        there = header.get(label, "")
        if there != wanted:
            there, wanted = _differing(there, wanted) if label == "config" else (there, wanted)
            message = f"{path}: the run was begun with another `{label}`: {there}, not {wanted}."
            raise CheckpointError(message)
    restored = [_restore(path, name, leaf, arrays) for name, leaf in _leaves(like).items()]
    columns = [name for name in arrays if name.startswith(f"{_METRICS}[")]
    run = jax.tree.unflatten(jax.tree.structure(like), restored)
    return run, tuple(arrays[f"{_METRICS}[{index}]"] for index in range(len(columns)))


def _differing(there: str, wanted: str) -> tuple[str, str]:
    """Leave of two configurations what differs."""
    first, second = json.loads(there or "{}"), json.loads(wanted)
    odd = [name for name in {**first, **second} if first.get(name) != second.get(name)]

    def list_odd(config: Mapping[str, object]) -> str:
        return ", ".join(f"{name} {config[name]}" for name in odd if name in config)

    return list_odd(first), list_odd(second)


def _unpack(path: Path) -> tuple[Mapping[str, str], Mapping[str, np.ndarray]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{path}: the file cannot be read: {error.strerror or error}."
        raise CheckpointError(message) from error
    try:
        arrays = safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        message = f"{path}: the run is damaged: {error}."
        raise CheckpointError(message) from error
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]).get("__metadata__", {}), arrays


def _restore(path: Path, name: str, like: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Pick one array and check that it has the shape and type that it must have."""
    plain = _plain(like)
    if name not in arrays:
        message = f"{path}: the run is damaged: `{name}` is missing."
        raise CheckpointError(message)
    array = arrays[name]
    if array.shape != plain.shape or array.dtype != plain.dtype:
        message = (
            f"{path}: `{name}` must have shape {plain.shape} and type {plain.dtype}, "
            f"got {array.shape} and {array.dtype}."
        )
        raise CheckpointError(message)
    if plain is not like:
        return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(like))
    return jnp.asarray(array)


def _leaves(run: Any) -> dict[str, Any]:
    paths, _ = jax.tree_util.tree_flatten_with_path(run)
    return {_RUN + jax.tree_util.keystr(path): leaf for path, leaf in paths}


def _plain(leaf: Any) -> Any:
    """Turn a key into its numbers; leave every other array as it is."""
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
