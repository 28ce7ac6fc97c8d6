"""The form of a receipt: names, numbers and reasons, never a prompt or a passage."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from net4moe.gateway.placing import Considered, Placed
from net4moe.gateway.records import Asked, Attempt, Spent, Written
from net4moe.mixture import Subtask, count_words, wording

__all__ = ["line", "receipt"]


def receipt(
    asked: Asked,
    *,
    created_unix_s: float,
    seconds: float,
    outcome: str,
    policy: str,
    lines: Sequence[dict[str, Any]],
    notes: Sequence[str],
    fused_by: str | None,
    spans: Sequence[tuple[str, float, float]],
    spent: Spent,
) -> dict[str, Any]:
    """Lay a receipt out; `docs/gateway.md` describes every key."""
    limits = {name: value for name, value in asdict(asked.limits).items() if value != float("inf")}
    return {
        "id": asked.id,
        "model": "net4moe",
        "created_unix_s": created_unix_s,
        "outcome": outcome,
        "policy": policy,
        "seconds": seconds,
        "subtasks": list(lines),
        "missing": [one["index"] for one in lines if one["actual"] and not one["actual"]["words"]],
        "fused_by": fused_by,
        "notes": list(notes),
        "timeline": [{"name": name, "start_s": begin, "end_s": end} for name, begin, end in spans],
        "spent": asdict(spent),
        "limits": limits,
        "wording": wording.VERSION,
        "seed": asked.seed,
        "score": None,
    }


def line(
    subtask: Subtask,
    placed: Placed,
    written: Written | None,
    attempts: Sequence[Attempt],
    text: str,
    failure: str,
) -> dict[str, Any]:
    """Lay out what became of one subtask."""
    chosen, cheapest = placed.chosen, placed.cheapest
    return {
        "index": subtask.index,
        "field": subtask.field,
        "kind": subtask.kind,
        "chosen": _considered(chosen),
        "reason": placed.reason,
        "num_allowed": placed.num_allowed,
        "others": [_considered(other) for other in placed.others],
        "shadow": None if placed.shadow is None else _considered(placed.shadow),
        "cheapest": {
            "device": cheapest.candidate.device,
            "expert": cheapest.candidate.expert,
            "cost": cheapest.cost,
            "saves": chosen.cost - cheapest.cost,
            "score_lost": chosen.score - cheapest.score,
        },
        "actual": _actual(chosen, written, attempts, text, failure),
    }


def _considered(one: Considered) -> dict[str, Any]:
    return {
        "device": one.candidate.device,
        "expert": one.candidate.expert,
        "model": one.candidate.model,
        "is_local": one.is_local,
        "snr_db": one.snr_db,
        "score": one.score,
        "words": one.words,
        "seconds": one.seconds,
        "transfer_s": one.transfer_s,
        "compute_cost": one.compute_cost,
        "transfer_cost": one.transfer_cost,
        "joules": one.joules,
        "reward": one.reward,
    }


def _actual(
    chosen: Considered, written: Written | None, attempts: Sequence[Attempt], text: str, failure: str
) -> dict[str, Any] | None:
    """Lay out what came; None where nothing was sent."""
    if written is None and not attempts and not failure:
        return None
    words = count_words(text)
    last = attempts[-1] if attempts else None
    return {
        "device": written.candidate.device if written else last.device if last else None,
        "expert": written.candidate.expert if written else last.expert if last else None,
        "words": words,
        "seconds": attempts[-1].end_s - attempts[0].start_s if attempts else 0.0,
        "compute_cost": chosen.compute_cost * words / max(chosen.words, 1.0),
        "prompt_tokens": written.prompt_tokens if written else None,
        "completion_tokens": sum(attempt.completion_tokens for attempt in attempts),
        "price_usd": written.price_usd if written else None,
        "finish_reason": written.finish_reason if written else None,
        "attempts": [asdict(attempt) for attempt in attempts],
        "failure": failure,
    }
