"""Why a device may not be chosen, one reason after the other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment.refusals import refusal
from net4moe.environment.scenarios import scenario
from net4moe.environment.selection import ExpertSelection, State

BASE = scenario("backlog").small
SELECTION = ExpertSelection(
    jax.tree.map(np.asarray, BASE.outcomes),
    jax.tree.map(np.asarray, BASE.expectations),
    BASE.fleet._replace(units_limit=jnp.array([10.0, 10.0, 10.0])),
    rules=replace(BASE.rules, give_up_s=60.0),
    chances=BASE.chances,
    reward_config=BASE.reward_config,
)


def on_tape(part: str, **changes: Any) -> Callable[[State], State]:
    """Change what a tape says, for device 1 alone."""

    def changed(state: State) -> State:
        rows = getattr(state.tape, part)
        rows = rows._replace(
            **{name: getattr(rows, name).at[..., 1].set(value) for name, value in changes.items()}
        )
        return state._replace(tape=state.tape._replace(**{part: rows}))

    return changed


def in_devices(**changes: float) -> Callable[[State], State]:
    """Change what work has left, for device 1 alone."""

    def changed(state: State) -> State:
        devices = state.situation.devices
        devices = devices._replace(
            **{name: getattr(devices, name).at[1].set(value) for name, value in changes.items()}
        )
        return state._replace(situation=state.situation._replace(devices=devices))

    return changed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (on_tape("subtasks", units=12.5), "the subtask needs 12.5 units and it takes 10"),
        (on_tape("subtasks", scored=False), "what it wrote for this subtask has no score"),
        (on_tape("moments", available=False), "it is away"),
        (on_tape("moments", known_s_per_bit=1.0), "its link would take more than 60 s"),
        (in_devices(backlog_s=8.25), "8.2 s of work wait and it takes up to 8 s"),
        (in_devices(temperature_c=500.0), "it is too hot or its charge does not suffice"),
        (
            lambda state: state._replace(
                situation=state.situation._replace(used=jnp.array([False, True, False]))
            ),
            "it writes for this prompt already",
        ),
    ],
)
def test_each_reason_is_found(change: Callable[[State], State], reason: str) -> None:
    """The others stay allowed."""
    state = change(SELECTION.reset(jax.random.key(0))[0])
    assert f"Device 1 may not be chosen: {reason}; allowed are 0, 2." == refusal(SELECTION, state, 1)


def test_nothing_may_be_chosen() -> None:
    """A dead end is said to be one."""
    state = SELECTION.reset(jax.random.key(0))[0]
    scored = jnp.zeros_like(state.tape.subtasks.scored)
    state = state._replace(tape=state.tape._replace(subtasks=state.tape.subtasks._replace(scored=scored)))
    text = "Device 0 may not be chosen: what it wrote for this subtask has no score; no device may be chosen."
    assert text == refusal(SELECTION, state, 0)
