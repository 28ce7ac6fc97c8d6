"""`net4moe answer`: one prompt through the mixture, live."""

import asyncio
import json
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from net4moe.cli.options import ConfigOption, MaxCostOption, ModelOption, SeedOption

if TYPE_CHECKING:
    from net4moe.mixture import Answer

__all__ = ["answer"]


def answer(
    prompt: Annotated[
        str, typer.Argument(help="What the story or explanation is about; - reads it from stdin.")
    ],
    config: ConfigOption = None,
    model: ModelOption = None,
    policy: Annotated[
        str,
        typer.Option(
            help="Who decides: `trained` (ships with the program), a checkpoint (FILE.safetensors), or "
            "lowest_cost, best_expert, strongest_link, round_robin, random_selection.",
            metavar="NAME|FILE",
        ),
    ] = "trained",
    seed: SeedOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
    ledger: Annotated[
        Path | None,
        typer.Option(help="Record the calls in this file (default: your state folder).", metavar="FILE"),
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Make no call: take every reply from the ledger; needs --seed.")
    ] = False,
    max_cost: MaxCostOption = None,
) -> None:
    """Answer one prompt: decompose, assess, place, write, fuse, score.

    Example: net4moe answer "A detective falls in love with a robot on Mars."
    """
    from net4moe.cli.answering import answered
    from net4moe.errors import ConfigError

    if replay and seed is None:
        msg = "a replay needs the `--seed` of the answer; it stands in the answer's receipt."
        raise ConfigError(msg)
    text = sys.stdin.buffer.read().decode("utf-8", "replace") if prompt == "-" else prompt
    found = asyncio.run(
        answered(
            text,
            config_file=config,
            model=model,
            policy_name=policy,
            seed=secrets.randbits(31) if seed is None else seed,
            ledger_file=ledger,
            replay=replay,
            max_cost_usd=max_cost,
            live=not as_json,
        )
    )
    if as_json:
        print(json.dumps(as_object(found), ensure_ascii=False, indent=2, allow_nan=False))


def as_object(answer: "Answer") -> dict[str, object]:
    """Lay an answer out for programs; `docs/cli.md` describes every key."""
    from dataclasses import asdict

    receipt = answer.receipt
    return {
        "prompt": answer.prompt.text,
        "subtasks": [
            {**asdict(subtask), "relevance": dict(subtask.relevance)} for subtask in answer.subtasks
        ],
        "passages": [asdict(passage) for passage in answer.passages],
        "story": answer.story.text,
        "score": answer.score.value,
        "receipt": {
            "devices": [asdict(line) for line in receipt.lines],
            "fused_by": answer.story.fused_by,
            "fusion_note": answer.story.note,
            "judge": answer.score.judge,
            "unscored_reason": answer.score.unscored_reason,
            "seconds": receipt.seconds,
            "price_usd": receipt.price_usd,
            "timeline": [asdict(span) for span in receipt.timeline],
            "wording": receipt.wording,
            "seed": receipt.seed,
        },
    }
