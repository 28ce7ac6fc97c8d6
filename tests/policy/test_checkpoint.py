"""Checkpoints come back as they were, or say why not."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from net4moe.environment import CONTEXT_FEATURES, DEVICE_FEATURES
from net4moe.errors import CheckpointError
from net4moe.policy import Checkpoint, SACConfig, SelectionPolicy, checkpoint
from net4moe.policy.layouts import layout

NUM_HIDDEN = 4


def policy_of(num_heads: int = 0, seed: int = 0) -> SelectionPolicy:
    """Draw a small policy."""
    rng = np.random.default_rng(seed)
    record, shapes = layout(len(DEVICE_FEATURES), len(CONTEXT_FEATURES), NUM_HIDDEN, num_heads)
    weights: Any = (np.asarray(rng.normal(size=shape), np.float32) for shape in shapes)
    return SelectionPolicy(weights=record(*weights))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Write a checkpoint."""
    path = tmp_path / "policy.safetensors"
    settings = dataclasses.asdict(SACConfig())
    checkpoint.write(Checkpoint(policy=policy_of(), settings=settings), path)
    return path


def test_a_checkpoint_comes_back_as_it_was(path: Path) -> None:
    """Weights bit for bit, names, version and settings; nothing else is left in the folder."""
    read = checkpoint.read(path)
    for wanted, got in zip(policy_of().weights, read.policy.weights, strict=True):
        np.testing.assert_array_equal(wanted, got)
        assert wanted.dtype == got.dtype
    assert read.policy.device_features == DEVICE_FEATURES
    assert SACConfig(**read.settings) == SACConfig()  # pyright: ignore[reportArgumentType]
    assert sorted(file.name for file in path.parent.iterdir()) == ["policy.json", "policy.safetensors"]


def test_attention_comes_back_too(tmp_path: Path) -> None:
    """The description says which kind of network it is."""
    path = tmp_path / "policy.safetensors"
    checkpoint.write(Checkpoint(policy=policy_of(num_heads=2), settings={}), path)
    weights = checkpoint.read(path).policy.weights
    assert type(weights) is type(policy_of(num_heads=2).weights)
    for wanted, got in zip(policy_of(num_heads=2).weights, weights, strict=True):
        np.testing.assert_array_equal(wanted, got)
    assert json.loads(path.with_suffix(".json").read_text())["network"] == "attention"


def change(path: Path, **entries: Any) -> None:
    """Change entries of the description."""
    side_file = path.with_suffix(".json")
    side_file.write_text(json.dumps(json.loads(side_file.read_text()) | entries))


def replace_weights(path: Path, **arrays: np.ndarray) -> None:
    """Change arrays and let the description vouch for them."""
    content = safetensors.numpy.save(safetensors.numpy.load(path.read_bytes()) | arrays)
    path.write_bytes(content)
    change(path, weights_sha256=hashlib.sha256(content).hexdigest())


def vouch_for(path: Path, content: bytes) -> None:
    """Write something else as weights and let the description vouch for it."""
    path.write_bytes(content)
    change(path, weights_sha256=hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda path: path.unlink(), "{path}: there is no such file."),
        (lambda path: path.with_suffix(".json").unlink(), "{side}: there is no such file."),
        (
            lambda path: path.with_suffix(".json").write_text("{"),
            "{side}: the description is damaged: it is not JSON.",
        ),
        (
            lambda path: path.with_suffix(".json").write_bytes(b"\xff\xfe\x00"),
            "{side}: the description is damaged: it is not JSON.",
        ),
        (
            lambda path: path.with_suffix(".json").write_text("[]"),
            "{side}: this is not the description of a selection policy.",
        ),
        (
            lambda path: change(path, format_version=1),
            "{side}: the checkpoint has format version 1, this version reads 2.",
        ),
        (
            lambda path: path.with_suffix(".json").write_text(
                '{"format": "net4moe selection policy", "format_version": 2}'
            ),
            "{side}: the description is damaged: `network` is missing.",
        ),
        (
            lambda path: change(path, network="recurrent"),
            "{side}: the policy is a network of another kind: recurrent, "
            "this version knows pooled and attention.",
        ),
        (
            lambda path: change(path, network="attention"),
            "{path}: the weights are of another network: contract, encode_bias, encode_context, "
            "encode_device_bias, encode_hidden, encode_hidden_bias, expand, expand_bias, merge, mix_bias, "
            "mix_context, mix_device, mix_greatest, mix_mean, point_keys, point_values, points, pool, "
            "pool_bias, queries.",
        ),
        (
            lambda path: change(path, context_features=["load"]),
            "{side}: the policy was trained on other `context_features`: ['load'], "
            f"this version observes {list(CONTEXT_FEATURES)}.",
        ),
        (
            lambda path: change(path, settings=3),
            "{side}: the description is damaged: `settings` or `environment_version` is malformed.",
        ),
        (
            lambda path: path.write_bytes(path.read_bytes()[:-1]),
            "{path}: the weights are damaged: their digest is not the one in policy.json.",
        ),
        (
            lambda path: replace_weights(path, extra=np.zeros(3)),
            "{path}: the weights are of another network: extra.",
        ),
        (
            lambda path: replace_weights(path, mix_mean=np.zeros((4, 5), np.float32)),
            "{path}: `mix_mean` must have shape (4, 4), got (4, 5).",
        ),
        (
            lambda path: replace_weights(path, mix_bias=np.full(4, np.nan, np.float32)),
            "{path}: `mix_bias` must be finite.",
        ),
    ],
)
def test_what_cannot_be_used_is_named(path: Path, damage: Callable[[Path], object], text: str) -> None:
    """Each sentence begins with the file at fault."""
    damage(path)
    wanted = text.format(path=path, side=path.with_suffix(".json"))
    with pytest.raises(CheckpointError, match=f"^{re.escape(wanted)}$"):
        checkpoint.read(path)


def test_weights_that_are_no_safetensors_are_damaged(path: Path) -> None:
    """A digest that fits does not make them weights."""
    vouch_for(path, b"no weights")
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(path))}: the weights are damaged: "):
        checkpoint.read(path)


def test_a_folder_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    """Neither a traceback of the system nor half a checkpoint."""
    path = tmp_path / "nowhere" / "policy.safetensors"
    text = f"{path}: the checkpoint cannot be written: No such file or directory."
    with pytest.raises(CheckpointError, match=f"^{re.escape(text)}$"):
        checkpoint.write(Checkpoint(policy=policy_of(), settings={}), path)


def test_a_folder_in_place_of_the_file_is_one_sentence(tmp_path: Path) -> None:
    """The description may be a folder."""
    (tmp_path / "policy.json").mkdir()
    text = f"{tmp_path / 'policy.json'}: the file cannot be read: Is a directory."
    with pytest.raises(CheckpointError, match=f"^{re.escape(text)}$"):
        checkpoint.read(tmp_path / "policy.safetensors")


def test_another_suffix_is_a_wrong_argument(tmp_path: Path) -> None:
    """The suffix tells both files apart."""
    with pytest.raises(ValueError, match=r"^`path` must end in \.safetensors, got 'policy\.bin'\.$"):
        checkpoint.write(Checkpoint(policy=policy_of(), settings={}), tmp_path / "policy.bin")
