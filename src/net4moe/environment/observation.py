"""What a policy sees before it chooses a device, written once for training and for the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from net4moe.network.costs import compute_cost, sending_time_s, transfer_cost

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    from net4moe.environment.reward import RewardConfig
    from net4moe.network.fleet import Fleet

__all__ = ["CONTEXT_FEATURES", "DEVICE_FEATURES", "Observation", "best_allowed", "device_feature", "encode"]

DEVICE_FEATURES = (
    "expected_score",  # (explicit score - 5) / 2
    "expected_words",  # words / 100
    "expected_compute_cost",  # reward units
    "snr",  # dB / 10; 0 for the local device
    "bandwidth",  # log10(bandwidth / 10 kHz); 0 for the local device
    "expected_transfer_cost",  # reward units, at most 10
    "local",  # 1 for the local device, else 0
    "units_share",  # units needed / limit, at most 2; 0 without a limit
)
CONTEXT_FEATURES = (
    "load",  # mean expected words over the devices / 100
    "prompt_share_left",  # subtasks left, this one included / subtasks of the prompt
)
_GREATEST_TRANSFER_COST = 10.0
_GREATEST_UNITS_SHARE = 2.0


class Observation(NamedTuple):
    """A set of devices and the context they share; leading axes, where there are any, are a batch.

    Attributes:
      devices: one row per device, columns `DEVICE_FEATURES`.
      context: columns `CONTEXT_FEATURES`.
      device_mask: True where the device may be chosen.
    """

    devices: Float[Any, "*batch N F"]
    context: Float[Any, "*batch C"]
    device_mask: Bool[Any, "*batch N"]


def encode(
    fleet: Fleet,
    reward_config: RewardConfig,
    *,
    expected_score: Float[Any, "*batch N"],
    expected_words: Float[Any, "*batch N"],
    units: Float[Any, "*batch N"],
    snr_db: Float[Any, "*batch N"],
    available: Bool[Any, "*batch N"],
    prompt_share_left: Float[Any, "*batch"],
) -> Observation:
    """Encode what is known before the choice; every feature is of order 1.

    The score and the words that a device will really give are not among it. A device may be chosen when it is
    available and the subtask needs no more units than its limit.

    Args:
      fleet: the devices, in arrays of the same library as the others.
      reward_config: prices of the expected transfer.
      expected_score: what the device's history promises for the subtask's field, 0 to 10.
      expected_words: words that the device is expected to write.
      units: compute units that the subtask needs on each device.
      snr_db: signal-to-noise ratio of each link, dB.
      available: whether the device can be reached; in training, whether its outcome was scored.
      prompt_share_left: share of the prompt's subtasks that are left, this one included.
    """
    xp = snr_db.__array_namespace__()
    time_s = sending_time_s(fleet, expected_words, snr_db, reward_config.bits_per_word)
    price = transfer_cost(time_s, reward_config.transfer_cost_per_s)
    columns = {
        "expected_score": (expected_score - 5.0) / 2.0,
        "expected_words": expected_words / 100.0,
        "expected_compute_cost": compute_cost(expected_words, fleet.compute_cost_per_word),
        "snr": xp.where(fleet.local, 0.0, snr_db / 10.0),
        "bandwidth": xp.where(fleet.local, 0.0, xp.log10(fleet.bandwidth_hz / 10_000.0)),
        "expected_transfer_cost": xp.minimum(price, _GREATEST_TRANSFER_COST),
        "local": xp.where(fleet.local, 1.0, 0.0),
        "units_share": xp.minimum(units / xp.maximum(fleet.units_limit, 1e-6), _GREATEST_UNITS_SHARE),
    }
    shape = snr_db.shape
    devices = xp.stack([xp.broadcast_to(columns[name], shape) for name in DEVICE_FEATURES], axis=-1)
    load = xp.mean(expected_words, axis=-1) / 100.0
    context = xp.stack([load, xp.broadcast_to(prompt_share_left, load.shape)], axis=-1)
    return Observation(
        devices=devices.astype(xp.float32),
        context=context.astype(xp.float32),
        device_mask=available & (units <= fleet.units_limit),
    )


def device_feature(observation: Observation, name: str) -> Float[Any, "*batch N"]:
    """Pick one column of the device rows by its name in `DEVICE_FEATURES`."""
    return observation.devices[..., DEVICE_FEATURES.index(name)]


def best_allowed(values: Float[Any, "*batch N"], device_mask: Bool[Any, "*batch N"]) -> Int[Any, "*batch"]:
    """Pick the device of greatest value among those that may be chosen; the first of equal ones."""
    xp = values.__array_namespace__()
    return xp.argmax(xp.where(device_mask, values, -xp.inf), axis=-1)
