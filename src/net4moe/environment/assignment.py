"""Place several subtasks at once, with the best result that there is: oracles of matching and integer programs.

Rewards, seconds and joules are known here, as nobody knows them who has to choose. The integer programs are
solved by HiGHS (through SciPy) until its bound meets its plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np
from scipy import optimize, sparse

from net4moe.network.arrays import check

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

__all__ = [
    "Assignment",
    "ChargeAssignment",
    "MakespanAssignment",
    "best_assignment",
    "best_shared_assignment",
    "charge_assignment",
    "makespan_assignment",
]

_INFEASIBLE = 2  # status of scipy.optimize.milp


class _Program(NamedTuple):
    """A linear program over variables from 0 to `highest`: rows times variables from `lower` to `upper`."""

    rows: Any
    lower: Any
    upper: Any
    highest: Any


class Assignment(NamedTuple):
    """Which device takes which subtask.

    Attributes:
      indices: index of the device of each subtask.
      total: sum of the rewards, reward units.
    """

    indices: Int[np.ndarray, " S"]
    total: float


class MakespanAssignment(NamedTuple):
    """Which device takes which subtask, so that all are done early.

    Attributes:
      indices: index of the device of each subtask.
      makespan_s: seconds until the last device is done.
      bound_s: what it would be at least if subtasks could be split among devices, seconds.
    """

    indices: Int[np.ndarray, " J"]
    makespan_s: float
    bound_s: float


class ChargeAssignment(NamedTuple):
    """Which device takes which subtask, one after the other, on what its battery holds by then.

    Attributes:
      indices: index of the device of each subtask.
      total: sum of the rewards, reward units.
      bound: what it would be at most if subtasks could be split among devices, reward units.
    """

    indices: Int[np.ndarray, " T"]
    total: float
    bound: float

    @property
    def gap(self) -> float:
        """How far the bound lies above the optimum, reward units."""
        return self.bound - self.total


def best_assignment(rewards: Float[np.ndarray, "S N"]) -> Assignment:
    """Place the subtasks of a prompt on different devices, for the greatest sum of rewards.

    The linear assignment problem: Kuhn (1955); SciPy solves it by shortest augmenting paths.

    Args:
      rewards: what each device earns with each subtask, reward units; NaN where it may not take it.

    Raises:
      ValueError: the subtasks cannot be placed on different devices.
    """
    check("rewards", rewards[~np.isnan(rewards)])
    indices = _match(np.where(np.isnan(rewards), -np.inf, rewards))
    if indices is None:
        _refuse_matching(rewards)
    return Assignment(indices, float(rewards[np.arange(indices.size), indices].sum()))


def best_shared_assignment(
    rewards: Float[np.ndarray, "S N"], air_s: Float[np.ndarray, "S N"], price_per_s: float
) -> Assignment:
    """Place the subtasks of a prompt on different devices that share a band.

    The k devices that send have an equal share of the band each, so that each of them takes k times as long:

        total = sum over s of r(s, n_s) - price k sum over s of air(s, n_s)

    For each k it is a linear assignment problem in which at most k senders take part: rows are added that
    occupy the other senders. A plan of fewer senders is priced too high there and exactly at its own k, so the
    greatest total over k is that of the best plan.

    Args:
      rewards: what each device earns with each subtask before its time on the air is paid, reward units; NaN
        where it may not take it.
      air_s: time that a subtask's passage takes when its device has the band for itself, seconds; 0 in the
        whole column of a device that does not send, greater than 0 elsewhere.
      price_per_s: reward units for one second on the air, at least 0.

    Returns:
      The plan, and the sum of rewards less what the air costs.

    Raises:
      ValueError: the subtasks cannot be placed on different devices, or a device sends some of its passages
        only.
    """
    _check_shape("air_s", air_s, rewards.shape)
    allowed = ~np.isnan(rewards)
    check("rewards", rewards[allowed])
    check("air_s", air_s[allowed], least=0.0)
    check("price_per_s", price_per_s, least=0.0)
    sends = _senders(np.where(allowed, air_s, np.nan))
    num_subtasks = rewards.shape[0]
    best: Assignment | None = None
    for k in range(min(num_subtasks, int(sends.sum())) + 1):
        priced = np.where(allowed, rewards - price_per_s * k * np.where(allowed, air_s, 0.0), -np.inf)
        idle = np.tile(np.where(sends, 0.0, -np.inf), (int(sends.sum()) - k, 1))
        indices = _match(np.concatenate([priced, idle]))
        if indices is None:
            continue
        indices = indices[:num_subtasks]
        cells = np.arange(num_subtasks), indices
        price = price_per_s * int(sends[indices].sum())
        total = float(rewards[cells].sum() - price * air_s[cells].sum())
        if best is None or total > best.total:
            best = Assignment(indices, total)
    if best is None:
        _refuse_matching(rewards)
    return best


def makespan_assignment(
    seconds: Float[np.ndarray, "J N"], energy_j: Float[np.ndarray, "J N"], charge_j: Float[np.ndarray, " N"]
) -> MakespanAssignment:
    """Place subtasks so that the last device is done as early as possible and no battery runs empty.

        minimise    z
        subject to  sum over n of x(j, n) = 1
                    sum over j of seconds(j, n) x(j, n) <= z
                    sum over j of energy(j, n) x(j, n) <= charge(n),   x(j, n) 0 or 1

    Unrelated machines, R || C_max, with one resource each: Lenstra, Shmoys and Tardos (1990).

    Args:
      seconds: time that each device needs for each subtask, at least 0; NaN where it may not take it.
      energy_j: energy that it takes, at least 0, joules.
      charge_j: energy that each device has, at least 0, joules; infinite on mains. Kept to 1e-6 of the
        greatest energy of a subtask.

    Raises:
      ValueError: no plan keeps within the charge.
    """
    _check_shape("energy_j", energy_j, seconds.shape)
    _check_shape("charge_j", charge_j, seconds.shape[1:])
    allowed = ~np.isnan(seconds)
    check("seconds", seconds[allowed], least=0.0)
    check("energy_j", energy_j[allowed], least=0.0)
    check("charge_j", charge_j, least=0.0, infinite=True)
    allowed &= ~(energy_j > charge_j)
    subtasks, devices = np.nonzero(allowed)
    num_subtasks, num_devices = seconds.shape
    scale_s = float(seconds[allowed].max(initial=0.0)) or 1.0
    finite = np.flatnonzero(np.isfinite(charge_j))
    scale_j = _greatest(energy_j, allowed)
    placed = _incidence(subtasks, num_subtasks)
    loads = _incidence(devices, num_devices, seconds[allowed] / scale_s)
    drains = _incidence(devices, num_devices, energy_j[allowed] / scale_j[devices])[finite]
    rows = sparse.block_array([[placed, None], [loads, np.full((num_devices, 1), -1.0)], [drains, None]])
    upper = np.concatenate([np.ones(num_subtasks), np.zeros(num_devices), charge_j[finite] / scale_j[finite]])
    lower = np.where(np.arange(upper.size) < num_subtasks, 1.0, -np.inf)
    program = _Program(rows, lower, upper, np.append(np.ones(subtasks.size), np.inf))
    objective = np.append(np.zeros(subtasks.size), 1.0)
    relaxed, exact = _solve(objective, program, subtasks.size)
    indices = _indices(exact[:-1], allowed)
    taken = np.bincount(indices, weights=seconds[np.arange(num_subtasks), indices], minlength=num_devices)
    return MakespanAssignment(indices, float(taken.max()), float(relaxed[-1]) * scale_s)


def charge_assignment(
    rewards: Float[np.ndarray, "T N"],
    joules: Float[np.ndarray, "T N"],
    charge_j: Float[np.ndarray, " N"],
    harvest_j: Float[np.ndarray, "T N"],
    battery_j: Float[np.ndarray, " N"],
) -> ChargeAssignment:
    """Place subtasks one after the other on devices whose batteries run down and are filled again.

        maximise    sum over t, n of r(t, n) x(t, n)
        subject to  sum over n of x(t, n) = 1,   joules(t, n) x(t, n) <= b(t, n) <= battery(n)
                    b(t + 1, n) = b(t, n) - joules(t, n) x(t, n) + harvest(t, n) - spill(t, n),   spill >= 0

    What all harvests and rewards are is known before; so it is a bound for those who do not know them.

    Args:
      rewards: what each device earns at each step, reward units; NaN where it may not be chosen.
      joules: energy that it takes, at least 0; it must be there at the step. Kept to 1e-6 of the greatest of
        a device.
      charge_j: energy that each device starts with, at least 0, joules; infinite on mains.
      harvest_j: energy gained after the choice of each step, at least 0, joules.
      battery_j: greatest charge of each device, at least `charge_j`, joules; infinite on mains. What exceeds
        it is lost.

    Raises:
      ValueError: no plan keeps within the charge.
    """
    _check_shape("joules", joules, rewards.shape)
    _check_shape("charge_j", charge_j, rewards.shape[1:])
    _check_shape("harvest_j", harvest_j, rewards.shape)
    _check_shape("battery_j", battery_j, rewards.shape[1:])
    allowed = ~np.isnan(rewards)
    check("rewards", rewards[allowed])
    check("joules", joules[allowed], least=0.0)
    check("charge_j", charge_j, least=0.0, infinite=True)
    check("harvest_j", harvest_j, least=0.0)
    check("battery_j", battery_j, least=0.0, infinite=True)
    if (battery_j < charge_j).any():
        device = int(np.argmax(battery_j < charge_j))
        message = f"`battery_j` must be at least `charge_j`, got {battery_j[device]} and {charge_j[device]}."
        raise ValueError(message)
    program = _charge_program(allowed, joules, charge_j, harvest_j, battery_j)
    num_choices = int(allowed.sum())
    objective = np.zeros(program.highest.size)
    objective[:num_choices] = -rewards[allowed]
    relaxed, exact = _solve(objective, program, num_choices)
    indices = _indices(exact[:num_choices], allowed)
    total = float(rewards[np.arange(indices.size), indices].sum())
    return ChargeAssignment(indices, total, -float(objective @ relaxed))


def _charge_program(
    allowed: Bool[np.ndarray, "T N"],
    joules: Float[np.ndarray, "T N"],
    charge_j: Float[np.ndarray, " N"],
    harvest_j: Float[np.ndarray, "T N"],
    battery_j: Float[np.ndarray, " N"],
) -> _Program:
    """Write the constraints over x and, behind it, the charge b of the devices that are not on mains.

    The spill is the slack of an inequality. Energy is counted in the greatest need of each device.
    """
    steps, devices = np.nonzero(allowed)
    num_steps, num_devices = allowed.shape
    finite = np.flatnonzero(np.isfinite(charge_j))
    scale_j = _greatest(joules, allowed)
    cells = (steps * num_devices + devices).astype(np.int64)
    kept = (np.arange(num_steps)[:, None] * num_devices + finite).ravel()
    needs = _incidence(cells, allowed.size, joules[allowed] / scale_j[devices])[kept]
    charge = sparse.eye_array(kept.size, format="csr")
    following = sparse.eye_array(kept.size, k=finite.size, format="csr") - charge
    last = (num_steps - 1) * finite.size
    rows = sparse.block_array(
        [[_incidence(steps, num_steps), None], [needs, -charge], [needs[:last], following[:last]]]
    )
    harvest = (harvest_j / scale_j)[:-1, finite].ravel()
    upper = np.concatenate([np.ones(num_steps), np.zeros(kept.size), harvest])
    lower = np.where(np.arange(upper.size) < num_steps, 1.0, -np.inf)
    greatest = np.tile((battery_j / scale_j)[finite], (num_steps, 1))
    greatest[0] = (charge_j / scale_j)[finite]
    highest = np.concatenate([np.ones(steps.size), greatest.ravel()])
    return _Program(rows, lower, upper, highest)


def _solve(
    objective: Float[np.ndarray, " V"], program: _Program, num_choices: int
) -> tuple[Float[np.ndarray, " V"], Float[np.ndarray, " V"]]:
    """Minimise an objective: with choices that may be split, and with the first variables 0 or 1."""
    solutions: list[Any] = []
    for integrality in (0, 1):
        solved = optimize.milp(
            objective,
            integrality=np.where(np.arange(objective.size) < num_choices, integrality, 0),
            bounds=optimize.Bounds(0, program.highest),
            constraints=optimize.LinearConstraint(program.rows, program.lower, program.upper),
            options={"mip_rel_gap": 0.0},
        )
        if solved.status == _INFEASIBLE:
            message = "No plan places every subtask on a device that has the charge for it."
            raise ValueError(message)
        if solved.status != 0:
            message = f"HiGHS found no optimum: {solved.message}"
            raise RuntimeError(message)
        solutions.append(solved.x)
    return solutions[0], solutions[1]


def _match(rewards: Float[np.ndarray, "R N"]) -> Int[np.ndarray, " R"] | None:
    """Give each row a column of its own for the greatest sum; None where minus infinity cannot be avoided."""
    if rewards.shape[0] > rewards.shape[1]:
        return None
    try:
        return optimize.linear_sum_assignment(rewards, maximize=True)[1]
    except ValueError:  # the only complaint about numbers that are checked: no matching is finite
        return None


def _senders(air_s: Float[np.ndarray, "S N"]) -> Bool[np.ndarray, " N"]:
    """Tell which devices send; refuse one that sends only some of its passages."""
    sends = np.asarray((air_s > 0.0).any(axis=0))
    partly = np.asarray(sends & (air_s == 0.0).any(axis=0))
    if partly.any():
        message = (
            "`air_s` must be 0 for all subtasks of a device or greater than 0 for all, "
            f"got both for device {int(np.argmax(partly))}."
        )
        raise ValueError(message)
    return sends


def _incidence(
    rows: Int[np.ndarray, " M"], num_rows: int, values: Float[np.ndarray, " M"] | None = None
) -> sparse.csr_array:
    """Write each choice's value, or 1, into the row that it counts for."""
    columns = np.arange(rows.size)
    entries = np.ones(rows.size) if values is None else values
    return sparse.csr_array((entries, (rows, columns)), shape=(num_rows, rows.size))


def _greatest(joules: Float[np.ndarray, "J N"], allowed: Bool[np.ndarray, "J N"]) -> Float[np.ndarray, " N"]:
    """Find the greatest need of each device, 1 where it has none."""
    greatest = np.where(allowed, joules, 0.0).max(axis=0)
    return np.where(greatest > 0.0, greatest, 1.0)


def _indices(choices: Float[np.ndarray, " M"], allowed: Bool[np.ndarray, "J N"]) -> Int[np.ndarray, " J"]:
    """Read the plan out of choices that are 0 or 1 within the solver's tolerance."""
    table = np.zeros(allowed.shape)
    table[allowed] = choices
    return table.argmax(axis=1)


def _check_shape(name: str, array: np.ndarray[Any, Any], shape: tuple[int, ...]) -> None:
    """Refuse an array of another shape than its fellows."""
    if array.shape != shape:
        message = f"`{name}` must have the shape {shape}, got {array.shape}."
        raise ValueError(message)


def _refuse_matching(rewards: Float[np.ndarray, "S N"]) -> NoReturn:
    """Say that there are too few devices."""
    num_subtasks, num_devices = rewards.shape
    message = (
        f"{num_subtasks} subtasks must be placed on different devices, "
        f"the {num_devices} devices that are allowed do not suffice."
    )
    raise ValueError(message)
