"""Placing subtasks on devices at run time: the observation of the environment, the choice of a policy.

Everything is computed by the functions that the environment uses, with NumPy; no array compiler is loaded.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from net4moe.environment import Decisions, Policy, RewardConfig, encode
from net4moe.environment.history import History
from net4moe.environment.reward import weigh
from net4moe.errors import NoDevice
from net4moe.mixture import Assessment, Costs, Decision, Subtask
from net4moe.network import (
    DeviceConfig,
    SnrConfig,
    compute_cost,
    fleet_arrays,
    load_bits,
    sending_time_s,
    snr_db_from_uniform,
    transfer_cost,
)

__all__ = ["DeviceSelector"]

_NO_HISTORY_SCORE = 5.0
_RELEVANCE_WORTH = 2.0


class DeviceSelector:
    """Decides by a policy which device takes which subtask; links are drawn at random.

    Args:
      devices: the fleet, the user's own device first.
      policy: from decisions to device indices.
      policy_name: what the receipt calls it.
      snr_config: how links are drawn.
      reward_config: what quality is worth and what the air costs.
      history: what earlier passages tell of the experts. Of an expert or a field that it does not know, a
        score from 5, for a stranger to the field, to 7, for its very expert, is expected.
      seed: of the links and of policies that draw lots.
    """

    def __init__(
        self,
        devices: Sequence[DeviceConfig],
        policy: Policy,
        *,
        policy_name: str,
        snr_config: SnrConfig | None = None,
        reward_config: RewardConfig | None = None,
        history: History | None = None,
        seed: int = 0,
    ) -> None:
        self._devices = tuple(devices)
        self._fleet = fleet_arrays(devices)
        self._policy = policy
        self._policy_name = policy_name
        self._snr_config = snr_config or SnrConfig()
        self._reward_config = reward_config or RewardConfig()
        self._history = history
        self._random = np.random.default_rng(seed)

    def place(
        self, subtasks: Sequence[Subtask], assessments: Sequence[Sequence[Assessment]]
    ) -> tuple[Decision, ...]:
        """Draw the links of every subtask and choose.

        Raises:
          NoDevice: a subtask needs more units than any device has.
        """
        by_expert = [{candidate.expert: candidate for candidate in of_one} for of_one in assessments]
        rows = [[of_one[device.expert] for device in self._devices] for of_one in by_expert]
        shape = (len(subtasks), len(self._devices))
        uniform = self._random.uniform(1e-7, 1.0, shape)
        snr_db = np.asarray(snr_db_from_uniform(self._snr_config, uniform), np.float32)
        score, words = self._expected(subtasks, rows)
        observation = encode(
            self._fleet,
            self._reward_config,
            expected_score=score,
            expected_words=words,
            units=np.array([[row.units for row in of_one] for of_one in rows], np.float32),
            snr_db=snr_db,
            available=np.ones(shape, np.bool_),
            prompt_share_left=np.arange(len(subtasks), 0, -1, dtype=np.float32) / len(subtasks),
        )
        for subtask, allowed in zip(subtasks, observation.device_mask, strict=True):
            if not allowed.any():
                msg = f"subtask {subtask.index + 1} ('{subtask.text[:80]}') fits no device: raise a `units_limit`."
                raise NoDevice(msg)
        costs = [
            [self._costs(n, float(words[s, n]), float(snr_db[s, n])) for n in range(shape[1])]
            for s in range(shape[0])
        ]
        mean_rewards = weigh(
            self._reward_config,
            score=score,
            compute_cost=np.array([[cost.compute_cost for cost in of_one] for of_one in costs]),
            transfer_cost=np.array([[cost.transfer_cost for cost in of_one] for of_one in costs]),
        )
        rewards = np.where(observation.device_mask, mean_rewards, np.nan)
        chosen = self._policy(
            Decisions(
                observation=observation,
                turn=np.arange(shape[0]),
                uniform=self._random.uniform(1e-7, 1.0, shape[0]).astype(np.float32),
                valid=np.ones(shape[0], np.bool_),
                rewards=rewards,
                mean_rewards=mean_rewards,
            )
        )
        return tuple(
            self._decision(subtask, n, float(snr_db[s, n]), costs[s][n], rewards[s])
            for s, (subtask, n) in enumerate(zip(subtasks, map(int, chosen), strict=True))
        )

    def settle(self, decision: Decision, words: int) -> Costs:
        """Compute what a passage of that many words costs over the link that was drawn."""
        index = next(n for n, device in enumerate(self._devices) if device.name == decision.device)
        return self._costs(index, float(words), decision.snr_db or 0.0)

    def _decision(
        self,
        subtask: Subtask,
        index: int,
        snr_db: float,
        costs: Costs,
        rewards: NDArray[np.float64],
    ) -> Decision:
        """Make the decision; the rewards are NaN where the subtask does not fit."""
        device = self._devices[index]
        rank = int((rewards > rewards[index]).sum()) + 1
        num_allowed = int((~np.isnan(rewards)).sum())
        return Decision(
            subtask_index=subtask.index,
            expert=device.expert,
            device=device.name,
            is_local=device.local,
            snr_db=None if device.local else snr_db,
            expected=costs,
            reason=(
                f"{self._policy_name}: expected reward {rewards[index]:.2f}, "
                f"number {rank} of {num_allowed} devices that can take it"
            ),
        )

    def _expected(
        self, subtasks: Sequence[Subtask], rows: Sequence[Sequence[Assessment]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Expected score and words, `[S, N]`."""
        score = np.empty((len(rows), len(self._devices)), np.float32)
        words = np.empty_like(score)
        for s, (subtask, of_one) in enumerate(zip(subtasks, rows, strict=True)):
            for n, row in enumerate(of_one):
                known = self._history and self._history.of_expert(subtask.field, row.expert)
                mean_score, ratio = known or (_NO_HISTORY_SCORE + _RELEVANCE_WORTH * row.relevance, 1.0)
                score[s, n] = mean_score
                words[s, n] = row.expected_words * ratio
        return score, words

    def _costs(self, index: int, words: float, snr_db: float) -> Costs:
        config = self._reward_config
        every = np.full(len(self._devices), words)
        time_s = sending_time_s(self._fleet, every, np.full_like(every, snr_db), config.bits_per_word)
        price = compute_cost(every, self._fleet.compute_cost_per_word)
        return Costs(
            load_bits=float(load_bits(words, config.bits_per_word)),
            transfer_s=float(time_s[index]),
            transfer_cost=float(transfer_cost(time_s, config.transfer_cost_per_s)[index]),
            compute_cost=float(price[index]),
        )
