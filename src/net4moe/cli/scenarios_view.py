"""What `net4moe scenarios` computes and prints."""

import difflib
import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from rich.table import Table

from net4moe.cli import console
from net4moe.environment.scenarios import SCENARIOS, Scenario
from net4moe.errors import ConfigError
from net4moe.study.certificates import PLANNING_DEPTH, Certificate, certified
from net4moe.study.estimates import NUM_PLANNED, Estimate, estimated
from net4moe.study.rules import label_of

__all__ = ["chosen_scenarios", "nearest", "show"]

_Found = TypeVar("_Found", Certificate, Estimate)
_WIDE_FROM = 170
_SHORT = ("", "scenario")
_LEFT = (*_SHORT, "the action changes", "best heuristic", "bounded by")


def show(names: Sequence[str], *, large: bool, num_episodes: int, seed: int, as_json: bool) -> None:
    """Compute and print; each scenario is told on standard error as soon as it is done."""
    chosen = chosen_scenarios(names)
    if large:
        estimates = _computed(
            chosen, lambda one: estimated(one, num_episodes=num_episodes, seed=seed), "playing and bounding"
        )
        cells = [_estimate_cells(one) for one in estimates]
        _print(cells, [asdict(one) for one in estimates], as_json=as_json)
        console.note(
            f"mean rewards of an episode over the same {num_episodes} episodes, ± one standard error; MPC: plays "
            f"what may come, with the best heuristic behind it, on {NUM_PLANNED} of them; bound: no policy passes "
            "it that does not know scores and lots before; prophet: nobody does"
        )
    else:
        certificates = _computed(chosen, certified, "solving")
        cells = [_certificate_cells(one) for one in certificates]
        _print(cells, [_certificate_json(one) for one in certificates], as_json=as_json)
        console.note(
            "exact mean rewards of an episode; gap: share of the way from chance to the optimum that the myopic "
            f"rule misses; lead: optimum over best heuristic; MPC: {PLANNING_DEPTH} choices ahead, then the best "
            "heuristic"
        )


def chosen_scenarios(names: Sequence[str]) -> tuple[Scenario, ...]:
    """Find scenarios by their names; all where none is named."""
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        message = f"there is no scenario '{unknown[0]}'; {nearest(unknown[0], SCENARIOS)}"
        raise ConfigError(message)
    return tuple(SCENARIOS[name] for name in dict.fromkeys(names or SCENARIOS))


def nearest(name: str, known: Iterable[str]) -> str:
    """Say what somebody may have meant by a name."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known are {', '.join(names)}."


def _computed(
    scenarios: Sequence[Scenario], compute: Callable[[Scenario], _Found], what: str
) -> tuple[_Found, ...]:
    found: list[_Found] = []
    for number, scenario in enumerate(scenarios, start=1):
        start_s = time.monotonic()
        with console.waiting(f"{what} {scenario.name}, {number} of {len(scenarios)}"):
            found.append(compute(scenario))
        console.note(f"{number} of {len(scenarios)}: {scenario.name}, {time.monotonic() - start_s:.1f} s")
    return tuple(found)


def _print(cells: Sequence[dict[str, str]], content: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        console.out.print(json.dumps(content, indent=1), soft_wrap=True, markup=False)
        return
    for number, table in enumerate(_tables(cells)):
        if number:
            console.out.print()
        console.out.print(table)


def _certificate_json(one: Certificate) -> dict[str, Any]:
    lead = None if math.isnan(one.lead) else one.lead
    return {**asdict(one), "gap": one.gap, "lead": lead, "label": one.label}


def _certificate_cells(one: Certificate) -> dict[str, str]:
    return {
        "scenario": one.scenario,
        "devices": str(one.num_devices),
        "states": f"{one.num_states:,}",
        "steps": str(one.num_steps),
        "the action changes": one.changes or "nothing",
        "best heuristic": label_of(one.heuristic),
        "random": _value(one.random_value),
        "myopic": _value(one.myopic_value),
        "heuristic": _value(one.heuristic_value),
        "MPC": _value(one.planned_value),
        "optimum": _value(one.optimal_value),
        "gap": f"{one.gap:.1%}",
        "lead": "" if math.isnan(one.lead) else f"{one.lead:.1%}",
        "": one.label,
    }


def _estimate_cells(one: Estimate) -> dict[str, str]:
    return {
        "scenario": one.scenario,
        "devices": str(one.num_devices),
        "steps": str(one.num_steps),
        "the action changes": one.changes or "nothing",
        "best heuristic": label_of(one.heuristic),
        "bounded by": one.bound,
        "random": _value(one.random_value),
        "myopic": _value(one.myopic_value),
        "heuristic": f"{_value(one.heuristic_value)} ± {_value(one.error)}",
        "MPC": _value(one.planned_value),
        "bound": _value(one.bound_value),
        "prophet": _value(one.prophet_value),
    }


def _tables(rows: Sequence[dict[str, str]]) -> list[Table]:
    """Lay out one wide table, or where the terminal is narrow what they are and what they are worth."""
    names = list(rows[0])
    if console.out.width >= _WIDE_FROM:
        return [_table(rows, names)]
    cut = names.index("random")
    return [_table(rows, names[:cut]), _table(rows, [names[0], *names[cut:]])]


def _table(rows: Sequence[dict[str, str]], names: Sequence[str]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(
            name, justify="left" if name in _LEFT else "right", no_wrap=name not in _LEFT or name in _SHORT
        )
    for row in rows:
        table.add_row(*(row[name] for name in names))
    return table


def _value(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
