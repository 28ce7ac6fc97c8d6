"""Placing subtasks on live devices: the observation of the environment, made from telemetry.

A row is an expert on a device. What a row offers changes with the roster, what a device says of itself with
every heartbeat, what it does with every call; each is read again only when it has changed. Costs, observation
and policy are the functions that the environment uses, with NumPy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from net4moe.environment import Decisions, Policy, RewardConfig, encode
from net4moe.environment.history import History
from net4moe.environment.observation import calm
from net4moe.environment.reward import weigh
from net4moe.errors import NoDevice
from net4moe.gateway.fleet.roster import Roster
from net4moe.gateway.live_rows import LiveRows, RowTerms
from net4moe.gateway.records import Candidate
from net4moe.mixture import Subtask
from net4moe.network import compute_cost, load_bits, transfer_cost

__all__ = ["Considered", "LivePlacement", "Placed"]

_NO_HISTORY_SCORE = 5.0
_RELEVANCE_WORTH = 2.0
_TOKENS_PER_WORD = 1.4
_NUM_CONSIDERED = 5
_NUM_LOOKED_AT = 24
_MOST_SEEN = 256
_RADIO_W = 1.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """An expert on a device that a subtask could go to, with what was expected of it.

    Attributes:
      candidate: the device, its model and the expert.
      is_local: whether it is the user's own device.
      snr_db: signal-to-noise ratio of its link; None where no radio is known.
      score: expected score, 0 to 10.
      words: expected words.
      seconds: expected seconds until the passage is there: waiting, writing, sending.
      transfer_s: expected seconds on the air.
      load_bits: expected size of the passage on the wire, bits.
      compute_cost: price of the words, reward units.
      transfer_cost: price of the time on the air, reward units.
      joules: energy of writing and sending.
      reward: what it is worth: quality less costs, reward units.
    """

    candidate: Candidate
    is_local: bool
    snr_db: float | None
    score: float
    words: float
    seconds: float
    transfer_s: float
    load_bits: float
    compute_cost: float
    transfer_cost: float
    joules: float
    reward: float

    @property
    def cost(self) -> float:
        """Compute and transfer cost together, reward units."""
        return self.compute_cost + self.transfer_cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a subtask goes, and why.

    Attributes:
      subtask_index: the subtask.
      chosen: where it goes.
      others: the best rows besides, best first.
      fallbacks: where it goes where the chosen device fails: the best row of each other device, best first, and
        always the own device, even with more units than it takes.
      cheapest: the row of lowest cost that could take it.
      num_allowed: how many could take it.
      reason: one sentence for people.
      shadow: what the shadow policy would have chosen; None without one.
    """

    subtask_index: int
    chosen: Considered
    others: tuple[Considered, ...]
    fallbacks: tuple[Candidate, ...]
    cheapest: Considered
    num_allowed: int
    reason: str
    shadow: Considered | None = None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The chosen one, then the fallbacks."""
        return (self.chosen.candidate, *self.fallbacks)


class _Expected(NamedTuple):
    """What a subtask would bring and cost on each row."""

    score: Floats
    words: Floats
    waiting_s: Floats
    seconds: Floats
    transfer_s: Floats
    load_bits: Floats
    compute_cost: Floats
    transfer_cost: Floats
    reward: Floats


class LivePlacement:
    """Decides by a policy which expert on which device takes which subtask.

    Args:
      roster: the devices.
      policy: from decisions to row indices.
      policy_name: what receipts call it.
      shadow: a second policy with its name that is asked and not followed.
      reward_config: what quality is worth and what the air costs.
      wire_bits_per_word: bits that a word takes on the wire with its frames; those of the reward's configuration
        are what it takes where policies are trained.
      history: what earlier passages tell of the experts. Of an expert or a field that it does not know, a score
        from 5, for a stranger to the field, to 7, for its very expert, is expected.
      seed: of policies that draw lots.
    """

    def __init__(
        self,
        roster: Roster,
        policy: Policy,
        *,
        policy_name: str,
        shadow: tuple[str, Policy] | None = None,
        reward_config: RewardConfig | None = None,
        wire_bits_per_word: float = 2_800.0,
        history: History | None = None,
        seed: int = 0,
    ) -> None:
        self.policy_name = policy_name
        self._policy = policy
        self._shadow = shadow
        self._reward_config = reward_config or RewardConfig()
        self._wire_bits_per_word = wire_bits_per_word
        self._rows = LiveRows(
            roster, history, word_share=self._reward_config.bits_per_word / wire_bits_per_word
        )
        self._random = np.random.default_rng(seed)
        self._turn = 0

    def place(
        self, subtasks: Sequence[Subtask], *, now_s: float, left_s: float = math.inf
    ) -> tuple[Placed, ...]:
        """Choose for every subtask, one after the other: each knows where those before it go.

        The policy chooses among rows that need no swap of models on a device that writes, have a free place, and
        are expected to be in time, each where there are such. Of more than 256 it sees those of the greatest
        expected reward, so that a decision costs the same in any fleet.

        Args:
          subtasks: the subtasks of a prompt.
          now_s: the time, by the roster's clock.
          left_s: seconds that are left to the deadline.

        Raises:
          NoDevice: nobody can take a subtask.
        """
        self._rows.refresh(now_s)
        if not self._rows.offers:
            msg = f"no device can take subtask 1: {self._rows.why_nobody()}"
            raise NoDevice(msg)
        planned_s = np.zeros(len(self._rows.offers), np.float32)
        num_planned = np.zeros(len(self._rows.offers), np.float32)
        swaps = np.zeros(len(self._rows.offers), np.bool_)
        placed: list[Placed] = []
        for turn, subtask in enumerate(subtasks):
            share_left = (len(subtasks) - turn) / len(subtasks)
            full = num_planned >= self._rows.num_free
            expected = self._expected(subtask, np.where(full, planned_s, np.float32(0.0)))
            wanted = (~swaps, ~full, expected.seconds <= left_s)
            index, one = self._place(subtask, expected, self._narrowed(wanted), share_left, left_s)
            placed.append(one)
            same = self._rows.same_device(index)
            num_planned[same] += 1
            planned_s[same] += one.chosen.seconds
            swaps |= self._rows.would_swap_model(index)
        return tuple(placed)

    def _narrowed(self, wanted: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Leave the usable rows for which each wish holds, in its order, where that leaves any."""
        open_now = self._rows.usable
        for wish in wanted:
            narrowed = open_now & wish
            open_now = narrowed if narrowed.any() else open_now
        return open_now

    def _place(
        self,
        subtask: Subtask,
        expected: _Expected,
        open_now: NDArray[np.bool_],
        share_left: float,
        left_s: float,
    ) -> tuple[int, Placed]:
        rows = self._rows
        allowed = open_now & (expected.words * rows.units_per_word <= rows.terms.units_limit)
        if not allowed.any():
            msg = f"no device can take subtask {subtask.index + 1}: {rows.why_nobody()}"
            raise NoDevice(msg)
        worth = np.where(allowed, expected.reward, -np.inf)
        rewards = np.where(allowed, expected.reward, np.nan)
        seen = self._shortlist(worth)
        decisions = self._decisions(expected, allowed, rewards, seen, share_left, left_s)
        self._turn += 1
        numbers = range(len(worth)) if isinstance(seen, slice) else seen
        index = int(numbers[int(self._policy(decisions))])
        shadow = None if self._shadow is None else int(numbers[int(self._shadow[1](decisions))])
        num_allowed = int(allowed.sum())
        ranked = self._ranked(worth, index, min(num_allowed, _NUM_CONSIDERED))
        cheapest = int(np.argmin(np.where(allowed, expected.compute_cost + expected.transfer_cost, np.inf)))
        rank = int((rewards > rewards[index]).sum()) + 1
        return index, Placed(
            subtask_index=subtask.index,
            chosen=self._considered(index, expected),
            others=tuple(self._considered(other, expected) for other in ranked),
            fallbacks=tuple(rows.candidates[row] for row in self._fallbacks(expected, index)),
            cheapest=self._considered(cheapest, expected),
            num_allowed=num_allowed,
            reason=(
                f"{self.policy_name}: expected reward {rewards[index]:.2f}, "
                f"number {rank} of {num_allowed} that can take it"
            ),
            shadow=None if shadow is None else self._considered(shadow, expected),
        )

    @staticmethod
    def _shortlist(worth: Floats) -> NDArray[np.intp] | slice:
        """Pick the rows that the policy sees: all, or of very many those of greatest expected reward."""
        if len(worth) <= _MOST_SEEN:
            return slice(None)
        return np.sort(np.argpartition(-worth, _MOST_SEEN)[:_MOST_SEEN])

    def _decisions(
        self,
        expected: _Expected,
        allowed: NDArray[np.bool_],
        rewards: Floats,
        seen: NDArray[np.intp] | slice,
        share_left: float,
        left_s: float,
    ) -> Decisions:
        """Describe the choice among the rows that are seen, as the environment does."""
        rows = self._rows
        terms = RowTerms(
            compute_cost_per_word=rows.terms.compute_cost_per_word[seen],
            bandwidth_hz=rows.terms.bandwidth_hz[seen],
            units_limit=rows.terms.units_limit[seen],
            local=rows.terms.local[seen],
        )
        circumstances = calm(rows.snr_db[seen], np.float32(share_left), expected.seconds[seen])._replace(
            transfer_s=expected.transfer_s[seen],
            backlog_s=expected.waiting_s[seen],
            charge_share=rows.charge_share[seen],
            resident=rows.resident[seen],
            loss=rows.loss[seen],
            slack_s=np.asarray(left_s, np.float32),
        )
        observation = encode(
            terms,
            self._reward_config,
            expected_score=expected.score[seen],
            expected_words=expected.words[seen],
            units=(expected.words * rows.units_per_word)[seen],
            snr_db=rows.snr_db[seen],
            available=allowed[seen],
            prompt_share_left=np.float32(share_left),
            circumstances=circumstances,
        )
        return Decisions(
            observation=observation,
            turn=np.asarray(self._turn),
            uniform=np.asarray(self._random.uniform(1e-7, 1.0), np.float32),
            valid=np.asarray(True),
            rewards=rewards[seen],
            mean_rewards=rewards[seen],
        )

    def _expected(self, subtask: Subtask, planned_s: Floats) -> _Expected:
        rows, config = self._rows, self._reward_config
        relevance = rows.relevance(subtask)
        known_score, ratio = rows.history_of(subtask.field)
        score = np.where(np.isnan(known_score), _NO_HISTORY_SCORE + _RELEVANCE_WORTH * relevance, known_score)
        words = (subtask.words * rows.verbosity * ratio).astype(np.float32)
        bits = load_bits(words, config.bits_per_word)
        transfer_s = np.where(rows.terms.local, 0.0, bits / rows.rate_bps).astype(np.float32)
        writing_s = rows.prefill_s + words * _TOKENS_PER_WORD / rows.decode_tokens_per_s
        waiting_s = (rows.waiting_s + planned_s).astype(np.float32)
        seconds = (waiting_s + writing_s + transfer_s + rows.round_trip_s).astype(np.float32)
        price = compute_cost(words, rows.terms.compute_cost_per_word)
        air = transfer_cost(transfer_s, config.transfer_cost_per_s)
        reward = weigh(config, score=score, compute_cost=price, transfer_cost=air)
        reward = reward - config.delay_cost_per_s * seconds
        return _Expected(
            score=score.astype(np.float32),
            words=words,
            waiting_s=waiting_s,
            seconds=seconds,
            transfer_s=transfer_s,
            load_bits=bits * np.float32(self._wire_bits_per_word / config.bits_per_word),
            compute_cost=price.astype(np.float32),
            transfer_cost=air.astype(np.float32),
            reward=reward.astype(np.float32),
        )

    def _considered(self, index: int, expected: _Expected) -> Considered:
        rows = self._rows
        known_db = rows.known_snr_db[index]
        return Considered(
            candidate=rows.candidates[index],
            is_local=bool(rows.terms.local[index]),
            snr_db=None if math.isnan(known_db) else float(known_db),
            score=float(expected.score[index]),
            words=float(expected.words[index]),
            seconds=float(expected.seconds[index]),
            transfer_s=float(expected.transfer_s[index]),
            load_bits=float(expected.load_bits[index]),
            compute_cost=float(expected.compute_cost[index]),
            transfer_cost=float(expected.transfer_cost[index]),
            joules=float(
                expected.words[index]
                * _TOKENS_PER_WORD
                / rows.decode_tokens_per_s[index]
                * rows.active_w[index]
                + expected.transfer_s[index] * _RADIO_W
            ),
            reward=float(expected.reward[index]),
        )

    def _fallbacks(self, expected: _Expected, chosen: int) -> list[int]:
        """List the best row of each other device, and of the own device in any case."""
        rows = self._rows
        fits = expected.words * rows.units_per_word <= rows.terms.units_limit
        rewards = np.where(rows.usable & fits, expected.reward, -np.inf)
        devices, best = [rows.device_of(chosen)], list[int]()
        for row in self._ranked(rewards, chosen, min(len(rewards), _NUM_LOOKED_AT)):
            device = rows.device_of(row)
            if device not in devices and len(best) < _NUM_CONSIDERED:
                devices.append(device)
                best.append(row)
        own = np.where(rows.usable & rows.terms.local, expected.reward, -np.inf)
        row = int(np.argmax(own))
        if np.isfinite(own[row]) and rows.device_of(row) not in devices:
            best.append(row)
        return best

    @staticmethod
    def _ranked(rewards: Floats, chosen: int, number: int) -> list[int]:
        """List the best rows besides the chosen one, best first."""
        best = np.argpartition(-rewards, min(number, len(rewards) - 1))[: number + 1]
        ordered = best[np.argsort(-rewards[best], kind="stable")]
        kept = ordered[(ordered != chosen) & np.isfinite(rewards[ordered])]
        return kept[:number].tolist()
