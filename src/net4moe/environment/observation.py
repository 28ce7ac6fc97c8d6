"""What a policy sees before it chooses a device, written once for training and for the gateway."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from net4moe.network.costs import compute_cost, sending_time_s, transfer_cost

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    from net4moe.environment.reward import RewardConfig
    from net4moe.network.fleet import Terms

__all__ = [
    "CONTEXT_FEATURES",
    "DEVICE_FEATURES",
    "GREATEST_AGE",
    "Circumstances",
    "Following",
    "Observation",
    "best_allowed",
    "calm",
    "context_feature",
    "device_feature",
    "encode",
    "following",
]

DEVICE_FEATURES = (
    "expected_score",  # (explicit score - 5) / 2
    "next_score",  # the same for the next subtask of the prompt; 0 where there is none
    "rest_score",  # the same on average over all of its later subtasks; 0 where there are none
    "expected_words",  # words / 100
    "expected_compute_cost",  # reward units
    "snr",  # dB / 10, as last known; 0 for the local device
    "bandwidth",  # log10(bandwidth / 10 kHz); 0 for the local device
    "expected_transfer_cost",  # reward units, at most 10
    "local",  # 1 for the local device, else 0
    "units_share",  # units needed / limit, at most 2; 0 without a limit
    "backlog",  # seconds of work that waits / 10, at most 10
    "delay",  # expected seconds until the passage is there / 10, at most 10; 10 for who refuses
    "expected_delay_cost",  # reward units, at most 10
    "charge",  # share of the battery that is not set aside; 1 on mains
    "charge_needed",  # share of the full battery that the subtask takes; 0 on mains
    "temperature",  # 0 at rest, 1 where it refuses work
    "speed",  # share of its speed that a hot device keeps
    "resident",  # 1 where the expert is in memory
    "copies",  # share of the devices that hold the same expert in memory
    "serving",  # 1 for the device that was chosen last
    "holds",  # 1 where the prompt's earlier passages lie
    "loss",  # probability that the passage is lost on the way, as last known
    "surprise",  # what it last gave above its expected score, points / 2
    "age",  # log(1 + choices since it was chosen) / log(1 + GREATEST_AGE)
    "harvest",  # share of its harvest that there is now
)
CONTEXT_FEATURES = (
    "load",  # mean expected words over the devices / 100
    "prompt_share_left",  # subtasks left, this one included / subtasks of the prompt
    "importance",  # weight of the subtask's quality / 4
    "slack",  # seconds left to the deadline / 10, at most 10; 0 without one
    "episode_share_left",  # choices left, this one included / choices of the episode
    "sending",  # other devices that send for this prompt / 10
    "sending_s",  # seconds that each of them would need alone, added up / 10
)
GREATEST_AGE = 64
"""Choices after which it counts no more how long ago a device was chosen."""

_MIDDLE = 5.0
_GREATEST_COST = 10.0
_GREATEST_UNITS_SHARE = 2.0
_GREATEST_SECONDS = 100.0


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


class Following(NamedTuple):
    """What each device's history promises for the rest of the prompt, points; 5 where nothing follows.

    Attributes:
      next_score: for the next subtask.
      rest_score: on average over all later ones.
    """

    next_score: Float[Any, "*batch N"]
    rest_score: Float[Any, "*batch N"]


class Circumstances(NamedTuple):
    """What is known beyond the subtask and the links, in natural units.

    Attributes:
      transfer_s: expected seconds on the air; None where they follow from signal and bandwidth.
      backlog_s: seconds of work that waits.
      delay_s: expected seconds until the passage is there; infinite where the device refuses the work.
      charge_share: share of the battery that is not set aside.
      charge_needed: share of the full battery that the subtask takes.
      temperature_share: 0 at rest, 1 where the device refuses work.
      speed_share: share of its speed that a hot device keeps.
      resident: whether the expert is in memory.
      copies_share: share of the devices that hold the same expert.
      serving: whether it was chosen last.
      holds: whether the prompt's earlier passages lie on it.
      loss: probability that the passage is lost on the way.
      surprise: what it last gave above its expected score, points.
      age: choices since it was chosen.
      harvest_share: share of its harvest that there is now.
      importance: weight of the subtask's quality.
      slack_s: seconds left to the deadline; infinite without one.
      episode_share_left: share of the episode's choices that are left, this one included.
      num_sending: other devices that send for this prompt.
      sending_s: seconds that each of them would need alone, added up.
    """

    transfer_s: Float[Any, "*batch N"] | None
    backlog_s: Float[Any, "*batch N"]
    delay_s: Float[Any, "*batch N"]
    charge_share: Float[Any, "*batch N"]
    charge_needed: Float[Any, "*batch N"]
    temperature_share: Float[Any, "*batch N"]
    speed_share: Float[Any, "*batch N"]
    resident: Bool[Any, "*batch N"]
    copies_share: Float[Any, "*batch N"]
    serving: Bool[Any, "*batch N"]
    holds: Bool[Any, "*batch N"]
    loss: Float[Any, "*batch N"]
    surprise: Float[Any, "*batch N"]
    age: Float[Any, "*batch N"]
    harvest_share: Float[Any, "*batch N"]
    importance: Float[Any, "*batch"]
    slack_s: Float[Any, "*batch"]
    episode_share_left: Float[Any, "*batch"]
    num_sending: Float[Any, "*batch"]
    sending_s: Float[Any, "*batch"]


def calm(
    like: Float[Any, "*batch N"], prompt_share_left: Float[Any, "*batch"], delay_s: Float[Any, "*batch N"]
) -> Circumstances:
    """Describe devices that nothing has happened to: idle, charged, cool, and one prompt all by itself.

    Args:
      like: an array of the shape and the library of the device rows.
      prompt_share_left: share of the prompt's subtasks that are left, which is all of the episode.
      delay_s: expected seconds until the passage is there.
    """
    xp = like.__array_namespace__()
    nothing, one = xp.zeros_like(like), xp.ones_like(like)
    never = xp.zeros_like(like, dtype=xp.bool_)
    alone = xp.zeros_like(like[..., 0])
    return Circumstances(
        transfer_s=None,
        backlog_s=nothing,
        delay_s=delay_s,
        charge_share=one,
        charge_needed=nothing,
        temperature_share=nothing,
        speed_share=one,
        resident=~never,
        copies_share=one,
        serving=never,
        holds=never,
        loss=nothing,
        surprise=nothing,
        age=nothing,
        harvest_share=nothing,
        importance=alone + 1.0,
        slack_s=alone + math.inf,
        episode_share_left=xp.broadcast_to(prompt_share_left, alone.shape),
        num_sending=alone,
        sending_s=alone,
    )


def following(expected_score: Float[Any, "*batch S N"], subtask_mask: Bool[Any, "*batch S"]) -> Following:
    """Look ahead over the subtasks of a prompt.

    Args:
      expected_score: what each device's history promises for each subtask, points.
      subtask_mask: False for rows that only pad.
    """
    xp = expected_score.__array_namespace__()
    above = xp.where(subtask_mask[..., None], expected_score - _MIDDLE, 0.0)
    number = xp.where(subtask_mask, 1.0, 0.0)
    later = xp.sum(above, axis=-2, keepdims=True) - xp.cumulative_sum(above, axis=-2)
    num_later = xp.sum(number, axis=-1, keepdims=True) - xp.cumulative_sum(number, axis=-1)
    return Following(
        next_score=_MIDDLE + xp.concat([above[..., 1:, :], 0.0 * above[..., :1, :]], axis=-2),
        rest_score=_MIDDLE + later / xp.maximum(num_later, 1.0)[..., None],
    )


def encode(
    fleet: Terms,
    reward_config: RewardConfig,
    *,
    expected_score: Float[Any, "*batch N"],
    expected_words: Float[Any, "*batch N"],
    units: Float[Any, "*batch N"],
    snr_db: Float[Any, "*batch N"],
    available: Bool[Any, "*batch N"],
    prompt_share_left: Float[Any, "*batch"],
    later: Following | None = None,
    circumstances: Circumstances | None = None,
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
      later: what the device's history promises for the rest of the prompt; not told where it is not given, as
        where a choice changes nothing that comes after it.
      circumstances: what has happened to the devices; nothing where it is not given.
    """
    xp = snr_db.__array_namespace__()
    time_s = None if circumstances is None else circumstances.transfer_s
    if time_s is None:
        time_s = sending_time_s(fleet, expected_words, snr_db, reward_config.bits_per_word)
    if circumstances is None:
        circumstances = calm(snr_db, prompt_share_left, time_s)
    if later is None:
        later = Following(xp.full_like(snr_db, _MIDDLE), xp.full_like(snr_db, _MIDDLE))
    known = circumstances
    columns = {
        "expected_score": (expected_score - _MIDDLE) / 2.0,
        "next_score": (later.next_score - _MIDDLE) / 2.0,
        "rest_score": (later.rest_score - _MIDDLE) / 2.0,
        "expected_words": expected_words / 100.0,
        "expected_compute_cost": compute_cost(expected_words, fleet.compute_cost_per_word),
        "snr": xp.where(fleet.local, 0.0, snr_db / 10.0),
        "bandwidth": xp.where(fleet.local, 0.0, xp.log10(fleet.bandwidth_hz / 10_000.0)),
        "expected_transfer_cost": xp.minimum(
            transfer_cost(time_s, reward_config.transfer_cost_per_s), _GREATEST_COST
        ),
        "local": xp.where(fleet.local, 1.0, 0.0),
        "units_share": xp.minimum(units / xp.maximum(fleet.units_limit, 1e-6), _GREATEST_UNITS_SHARE),
        "backlog": _tenth(xp, known.backlog_s),
        "delay": _tenth(xp, known.delay_s),
        "expected_delay_cost": xp.minimum(
            transfer_cost(xp.minimum(known.delay_s, _GREATEST_SECONDS), reward_config.delay_cost_per_s),
            _GREATEST_COST,
        ),
        "charge": known.charge_share,
        "charge_needed": known.charge_needed,
        "temperature": known.temperature_share,
        "speed": known.speed_share,
        "resident": known.resident,
        "copies": known.copies_share,
        "serving": known.serving,
        "holds": known.holds,
        "loss": known.loss,
        "surprise": known.surprise / 2.0,
        "age": xp.log(1.0 + known.age) / math.log(1.0 + GREATEST_AGE),
        "harvest": known.harvest_share,
    }
    context = _shared(xp, expected_words, prompt_share_left, known)
    return Observation(
        devices=_stacked(xp, columns, DEVICE_FEATURES, snr_db.shape),
        context=_stacked(xp, context, CONTEXT_FEATURES, snr_db.shape[:-1]),
        device_mask=available & (units <= fleet.units_limit),
    )


def device_feature(observation: Observation, name: str) -> Float[Any, "*batch N"]:
    """Pick one column of the device rows by its name in `DEVICE_FEATURES`."""
    return observation.devices[..., DEVICE_FEATURES.index(name)]


def context_feature(observation: Observation, name: str) -> Float[Any, "*batch"]:
    """Pick one column of the context by its name in `CONTEXT_FEATURES`."""
    return observation.context[..., CONTEXT_FEATURES.index(name)]


def best_allowed(values: Float[Any, "*batch N"], device_mask: Bool[Any, "*batch N"]) -> Int[Any, "*batch"]:
    """Pick the device of greatest value among those that may be chosen; the first of equal ones."""
    xp = values.__array_namespace__()
    return xp.argmax(xp.where(device_mask, values, -xp.inf), axis=-1)


def _shared(xp: Any, expected_words: Any, prompt_share_left: Any, known: Circumstances) -> dict[str, Any]:
    """Compute the columns of the context."""
    return {
        "load": xp.mean(expected_words, axis=-1) / 100.0,
        "prompt_share_left": prompt_share_left,
        "importance": known.importance / 4.0,
        "slack": xp.where(xp.isinf(known.slack_s), 0.0, _tenth(xp, known.slack_s)),
        "episode_share_left": known.episode_share_left,
        "sending": known.num_sending / 10.0,
        "sending_s": _tenth(xp, known.sending_s),
    }


def _tenth(xp: Any, seconds: Any) -> Any:
    return xp.minimum(seconds, _GREATEST_SECONDS) / 10.0


def _stacked(xp: Any, columns: dict[str, Any], names: tuple[str, ...], shape: tuple[int, ...]) -> Any:
    rows = [xp.astype(columns[name], xp.float32) for name in names]
    whole = [row if row.shape == shape else xp.broadcast_to(row, shape) for row in rows]
    return xp.stack(whole, axis=-1)
