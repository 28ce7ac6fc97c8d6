"""Say why a device may not be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from net4moe.environment.dynamics import outlook

if TYPE_CHECKING:
    from net4moe.environment.selection import ExpertSelection, State

__all__ = ["refusal"]


def refusal(selection: ExpertSelection, state: State, device_index: int) -> str:
    """Say in one sentence why a device may not be chosen now.

    Args:
      selection: the environment.
      state: where the episode stands.
      device_index: a device that the mask forbids.
    """
    subtask, moment = selection.at_hand(state)
    situation, rules, n = state.situation, selection.rules, device_index
    known = outlook(selection.game, situation, subtask, moment, told="expected")
    units, limit = float(subtask.units[n]), float(selection.fleet.units_limit[n])
    backlog_s, alone_s = float(situation.devices.backlog_s[n]), float(known.alone_s[n])
    reasons = {
        f"the subtask needs {units:g} units and it takes {limit:g}": units > limit,
        "what it wrote for this subtask has no score": not subtask.scored[n],
        "it is away": not moment.available[n],
        "it writes for this prompt already": situation.used[n],
        f"its link would take more than {rules.give_up_s:g} s": alone_s >= rules.give_up_s,
        f"{backlog_s:.1f} s of work wait and it takes up to {rules.greatest_backlog_s:g} s": (
            backlog_s > rules.greatest_backlog_s
        ),
        "it is too hot or its charge does not suffice": not known.accepted[n],
    }
    why = next((reason for reason, holds in reasons.items() if holds), "the mask forbids it")
    allowed = np.flatnonzero(selection.observe(state).device_mask)
    rest = f"allowed are {', '.join(map(str, allowed))}" if allowed.size else "no device may be chosen"
    return f"Device {n} may not be chosen: {why}; {rest}."
