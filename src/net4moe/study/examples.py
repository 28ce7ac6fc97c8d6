"""One held-out prompt on its whole way, as the trained agent would have it."""

from dataclasses import dataclass

import jax
import numpy as np

from net4moe.environment import outcomes
from net4moe.environment.episodes import play
from net4moe.environment.selection import ExpertSelection
from net4moe.network import compute_cost, fleet_arrays, sending_time_s, transfer_cost
from net4moe.policy import LEGEND
from net4moe.study.learning import Learned, LearningPlan
from net4moe.study.records import PlacedSubtask
from net4moe.table import ScoreRow, ScoreTable

__all__ = ["Placed", "placed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A prompt whose subtasks were placed on devices.

    Attributes:
      policy_label: legend words of the policy that chose.
      rows: the row of the score table that each subtask got, in order.
      subtasks: the same for the report.
    """

    policy_label: str
    rows: tuple[ScoreRow, ...]
    subtasks: tuple[PlacedSubtask, ...]


def placed(table: ScoreTable, learned: Learned, plan: LearningPlan) -> Placed:
    """Place the subtasks of one held-out prompt, the first with most subtasks, over links drawn once."""
    counts = np.asarray(learned.held_out.outcomes.subtask_mask).sum(axis=1)
    prompt_index = int(counts.argmax())
    environment = _with_one_prompt(learned.held_out, prompt_index)
    tape = environment.tape(jax.random.key(plan.seed))
    played = jax.jit(lambda tape: play(environment, learned.policy, tape))(tape)
    prompt_id = learned.held_out_prompts[prompt_index]
    by_place = {(row.subtask_index, row.expert): row for row in table.rows if row.prompt_id == prompt_id}
    chosen = [int(played.actions[s]) for s in range(counts[prompt_index])]
    rows = tuple(by_place[s, plan.devices[index].expert] for s, index in enumerate(chosen))
    subtasks = tuple(
        _subtask(row, plan, index, float(tape.moments.known_snr_db[s, index]), float(played.rewards[s]))
        for s, (row, index) in enumerate(zip(rows, chosen, strict=True))
    )
    return Placed(policy_label=LEGEND["sac"], rows=rows, subtasks=subtasks)


def _with_one_prompt(environment: ExpertSelection, prompt_index: int) -> ExpertSelection:
    """Leave one prompt of an environment."""
    return ExpertSelection(
        outcomes.take(jax.device_get(environment.outcomes), np.array([prompt_index])),
        jax.device_get(environment.expectations),
        environment.fleet,
        rules=environment.rules,
        chances=environment.chances,
        reward_config=environment.reward_config,
    )


def _subtask(row: ScoreRow, plan: LearningPlan, index: int, snr_db: float, reward: float) -> PlacedSubtask:
    device = plan.devices[index]
    words = np.array([float(row.words)])
    alone = fleet_arrays([device])
    time_s = sending_time_s(alone, words, np.array([snr_db]), plan.reward.bits_per_word)
    return PlacedSubtask(
        subtask=row.subtask,
        field=row.field,
        expert=row.expert,
        device=device.name,
        is_local=device.local,
        snr_db=None if device.local else snr_db,
        words=row.words,
        compute_cost=float(compute_cost(words, alone.compute_cost_per_word)[0]),
        transfer_cost=float(transfer_cost(time_s, plan.reward.transfer_cost_per_s)[0]),
        score=row.explicit_score,
        reward=reward,
        passage=row.text,
    )
