"""Pictures: size and colours, places and what is highlighted."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment.outcomes import estimate
from net4moe.environment.rendering import map_image, places_m
from net4moe.environment.scenarios import scenario
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.synthetic import draw_devices, draw_outcomes
from net4moe.network.fleet import fleet_arrays
from net4moe.network.presets import PRESETS

GOLD = (240, 178, 20)


def near(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Find the pixels of a colour."""
    return np.all(np.abs(image.astype(int) - color) < 12, axis=-1)


def selection_of(num_devices: int) -> ExpertSelection:
    """Make an environment of the case study."""
    outcomes = draw_outcomes(4, 2, num_devices, 2, seed=0)
    fleet = fleet_arrays(draw_devices(num_devices, seed=0, local_units_limit=100.0))
    return ExpertSelection(outcomes, estimate(outcomes, num_fields=2), fleet)


def test_the_chosen_device_stands_out() -> None:
    """It alone has a golden frame, on its side of the picture."""
    selection = selection_of(5)
    state, _ = selection.reset(jax.random.key(0))
    plain = map_image(selection, state)
    chosen = map_image(selection, state, action=2, earned=1.5)
    assert (plain.shape, plain.dtype) == ((480, 640, 3), np.uint8)
    assert not near(plain, GOLD).any()
    columns = np.flatnonzero(near(chosen, GOLD).any(axis=0))
    assert columns.min() > 310  # device 2 of 4 others in a circle stands to the right
    assert np.array_equal(plain, map_image(selection, state))


def test_bars_follow_charge_and_backlog() -> None:
    """An empty battery has no bar, a long queue has one."""
    selection = scenario("battery").small
    state, _ = selection.reset(jax.random.key(0))
    devices = state.situation.devices
    drained = devices._replace(charge_j=devices.charge_j * 0.0, backlog_s=devices.backlog_s + 20.0)
    changed = state._replace(situation=state.situation._replace(devices=drained))
    before, after = map_image(selection, state), map_image(selection, changed)
    green, grey = (70, 150, 80), (110, 110, 130)
    assert near(before, green).sum() > near(after, green).sum()
    assert near(after, grey).sum() > near(before, grey).sum()


def test_every_preset_can_be_drawn() -> None:
    """From a flat to satellites; the chosen device lies within the map."""
    outcomes = draw_outcomes(4, 2, 8, 2, seed=0)
    for preset in PRESETS.values():
        fleet = fleet_arrays(preset.devices)._replace(units_limit=np.full(8, np.inf, np.float32))
        selection = ExpertSelection(outcomes, estimate(outcomes, num_fields=2), fleet)
        state, _ = selection.start(selection.tape(jax.random.key(0)))
        assert np.isfinite(places_m(selection)).all()
        image = map_image(selection, state, action=3)
        rows = np.flatnonzero(near(image, GOLD).any(axis=1))
        assert 44 <= rows.min() < rows.max() < 444


def test_places_can_be_given() -> None:
    """A device in the north stands above, one in the south below."""
    selection = selection_of(2)
    state, _ = selection.reset(jax.random.key(0))
    north, south = (
        map_image(selection, state, action=1, devices_m=np.array([[0.0, 0.0], [0.0, y_m]]))
        for y_m in (50.0, -50.0)
    )
    assert np.flatnonzero(near(north, GOLD).any(axis=1)).min() < 150
    assert np.flatnonzero(near(south, GOLD).any(axis=1)).max() > 330


@pytest.mark.parametrize("num_devices", [1, 14, 60])
def test_any_number_of_devices_can_be_drawn(num_devices: int) -> None:
    """Cards for a few, dots for many."""
    selection = selection_of(num_devices)
    state, _ = selection.reset(jax.random.key(0))
    assert map_image(selection, state, action=num_devices - 1, width=800, height=600).shape == (600, 800, 3)


def test_an_end_is_drawn() -> None:
    """After the last choice there is no subtask to tell of."""
    selection = selection_of(3)
    state, _ = selection.reset(jax.random.key(0))
    over = state._replace(step_index=jnp.asarray(state.tape.num_choices))
    assert not np.array_equal(map_image(selection, state)[:46], map_image(selection, over)[:46])
