"""Keep a trained policy: weights as safetensors, and beside them a JSON file that says what they are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import safetensors
import safetensors.numpy

from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES
from net4moe.errors import CheckpointError
from net4moe.policy.inference import SelectionPolicy
from net4moe.policy.layouts import NETWORKS, layout
from net4moe.table import atomic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from net4moe.policy.inference import NetworkWeights

__all__ = ["FORMAT_VERSION", "Checkpoint", "Setting", "read", "write"]

FORMAT_VERSION = 2
"""Version of the layout of both files; a change that old code would misread raises it."""

Setting: TypeAlias = bool | int | float | str | None
"""What a configuration holds."""

_FORMAT = "net4moe selection policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A trained policy and the settings that made it.

    Attributes:
      policy: the policy.
      settings: the configuration of its training, by name.
    """

    policy: SelectionPolicy
    settings: Mapping[str, Setting]


def write(checkpoint: Checkpoint, path: Path) -> None:
    """Write `path` with the weights and, last, `path` with the suffix `.json`.

    Each file appears whole or not at all; the second holds the digest of the first.

    Args:
      checkpoint: what to keep.
      path: the file of the weights; its suffix is `.safetensors`.

    Raises:
      ValueError: `path` has another suffix.
      CheckpointError: the disk refuses the files.
    """
    if path.suffix != ".safetensors":
        message = f"`path` must end in .safetensors, got '{path.name}'."
        raise ValueError(message)
    policy = checkpoint.policy
    arrays = {name: np.asarray(array, order="C") for name, array in policy.weights._asdict().items()}
    content = safetensors.numpy.save(arrays)
    description = {
        "format": _FORMAT,
        "format_version": FORMAT_VERSION,
        "network": _network_of(policy.weights),
        "environment_version": policy.environment_version,
        "device_features": policy.device_features,
        "context_features": policy.context_features,
        "weights_sha256": hashlib.sha256(content).hexdigest(),
        "settings": dict(checkpoint.settings),
    }
    try:
        atomic.write_bytes(path, content)
        atomic.write_bytes(path.with_suffix(".json"), json.dumps(description, indent=2).encode())
    except OSError as error:
        message = f"{path}: the checkpoint cannot be written: {error.strerror or error}."
        raise CheckpointError(message) from error


def read(path: Path) -> Checkpoint:
    """Read a checkpoint and check that this version can use it.

    Args:
      path: the file of the weights; the JSON file lies beside it.

    Raises:
      CheckpointError: a file is missing or damaged, or the policy was made by another version or for another
        observation.
    """
    side_file = path.with_suffix(".json")
    description = _parse(side_file, _read_bytes(side_file))
    _check_description(side_file, description)
    content = _read_bytes(path)
    if hashlib.sha256(content).hexdigest() != description["weights_sha256"]:
        message = f"{path}: the weights are damaged: their digest is not the one in {side_file.name}."
        raise CheckpointError(message)
    record = NETWORKS[str(description["network"])]
    weights = _load_weights(path, content, record)
    settings, version = description["settings"], description["environment_version"]
    if not isinstance(settings, dict) or not isinstance(version, int):
        message = (
            f"{side_file}: the description is damaged: `settings` or `environment_version` is malformed."
        )
        raise CheckpointError(message)
    return Checkpoint(policy=SelectionPolicy(weights=weights, environment_version=version), settings=settings)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        message = f"{path}: there is no such file."
        raise CheckpointError(message) from error
    except OSError as error:
        message = f"{path}: the file cannot be read: {error.strerror or error}."
        raise CheckpointError(message) from error


def _parse(path: Path, content: bytes) -> dict[str, object]:
    try:
        description = json.loads(content)
    except ValueError as error:
        message = f"{path}: the description is damaged: it is not JSON."
        raise CheckpointError(message) from error
    if not isinstance(description, dict) or description.get("format") != _FORMAT:
        message = f"{path}: this is not the description of a selection policy."
        raise CheckpointError(message)
    return description


def _check_description(path: Path, description: Mapping[str, object]) -> None:
    """Refuse another version, missing entries and another observation."""
    version = description.get("format_version")
    if version != FORMAT_VERSION:
        message = f"{path}: the checkpoint has format version {version}, this version reads {FORMAT_VERSION}."
        raise CheckpointError(message)
    for label in (
        "network",
        "environment_version",
        "device_features",
        "context_features",
        "weights_sha256",
        "settings",
    ):
        if label not in description:
            message = f"{path}: the description is damaged: `{label}` is missing."
            raise CheckpointError(message)
    if description["network"] not in NETWORKS:
        message = (
            f"{path}: the policy is a network of another kind: {description['network']}, "
            f"this version knows {' and '.join(NETWORKS)}."
        )
        raise CheckpointError(message)
    for label, known in (("device_features", DEVICE_FEATURES), ("context_features", CONTEXT_FEATURES)):
        if description[label] != list(known):
            message = (
                f"{path}: the policy was trained on other `{label}`: {description[label]}, "
                f"this version observes {list(known)}."
            )
            raise CheckpointError(message)


def _network_of(weights: NetworkWeights) -> str:
    return next(name for name, record in NETWORKS.items() if isinstance(weights, record))


def _load_weights(path: Path, content: bytes, record: type[NetworkWeights]) -> NetworkWeights:
    """Unpack the weights and check their names, shapes and values."""
    try:
        arrays = safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        message = f"{path}: the weights are damaged: {error}."
        raise CheckpointError(message) from error
    if set(arrays) != set(record._fields):
        odd = ", ".join(sorted(set(arrays) ^ set(record._fields)))
        message = f"{path}: the weights are of another network: {odd}."
        raise CheckpointError(message)
    num_hidden = arrays["value"].size
    num_heads = arrays["points"].shape[0] if "points" in arrays else 0
    laid_out = layout(len(DEVICE_FEATURES), len(CONTEXT_FEATURES), num_hidden, num_heads)
    for name, shape in zip(record._fields, laid_out.shapes, strict=True):
        if arrays[name].shape != shape:
            message = f"{path}: `{name}` must have shape {shape}, got {arrays[name].shape}."
            raise CheckpointError(message)
        if not np.all(np.isfinite(arrays[name])):
            message = f"{path}: `{name}` must be finite."
            raise CheckpointError(message)
    return record(**arrays)
