"""Recordings read at any time, and devices that come and go."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from net4moe.network.hardware import HardwareConfig, compile_hardware
from net4moe.network.recordings import Churn, Recording, available, draw_churn, read_recording

TIME_S = np.array([100.0, 101.0, 104.0])
VALUES = np.array([[0.0, 5.0], [10.0, 5.0], [40.0, -1.0]])


def unreliable(number: int, mean_up_s: float = 30.0, mean_down_s: float = 10.0) -> list[HardwareConfig]:
    """Describe devices that come and go."""
    return [
        HardwareConfig(
            tokens_per_s=1.0,
            prompt_tokens_per_s=1.0,
            tokens_per_j=1.0,
            mean_up_s=mean_up_s,
            mean_down_s=mean_down_s,
        )
    ] * number


def test_lines_between_instants_by_hand() -> None:
    """It begins at time 0 whatever the first instant is called, and goes back after the last."""
    recording = Recording(TIME_S, VALUES)
    expected = {0.0: 0.0, 0.5: 5.0, 1.0: 10.0, 2.5: 25.0, 4.0: 40.0, 5.5: 25.0, 8.0: 0.0, 8.5: 5.0}
    for time_s, value in expected.items():
        assert value == pytest.approx(read_recording(recording, time_s)[0])


def test_held_values_by_hand() -> None:
    """A value holds until the next instant; truth values always do."""
    for recording in (Recording(TIME_S, VALUES, True), Recording(TIME_S, VALUES > 5.0)):
        first, second, third = (recording.values[t, 0] for t in range(3))
        expected = {0.0: first, 0.9: first, 1.0: second, 3.9: second, 4.0: third}
        for time_s, value in expected.items():
            assert value == read_recording(recording, time_s)[0]
    assert np.bool_ == read_recording(Recording(TIME_S, VALUES > 5.0), 0.3).dtype


@pytest.mark.parametrize("hold", [False, True])
def test_jax_and_numpy_agree_on_recordings(hold: bool) -> None:
    """Eager, compiled and batched, also where a recording of NumPy is read at a time of JAX."""
    recording = Recording(TIME_S, VALUES, hold)
    times_s = np.linspace(0.0, 20.0, 77)
    expected = np.stack([read_recording(recording, t) for t in times_s])
    with jax.enable_x64(True):
        by_argument = jax.jit(jax.vmap(read_recording, (None, 0)))(recording, jnp.asarray(times_s))
        by_closure = jax.jit(jax.vmap(lambda t: read_recording(recording, t)))(jnp.asarray(times_s))
    assert expected == pytest.approx(np.asarray(by_argument), rel=1e-6, abs=1e-9)
    assert expected == pytest.approx(np.asarray(by_closure), rel=1e-6, abs=1e-9)


def test_toggles_by_hand() -> None:
    """There from 0 to 2, away to 5, there to the end of the cycle at 9, which is entered at 1."""
    churn = draw_churn(compile_hardware(unreliable(1)), np.random.default_rng(0), 4)
    churn = Churn(
        np.array([[2.0], [5.0], [8.0]]),
        np.array([True]),
        churn.loop._replace(offset_s=np.array([1.0]), period_s=np.array([9.0]), mirror_s=np.array([18.0])),
    )
    there = {
        0.0: True,
        0.9: True,
        1.1: False,
        3.9: False,
        4.1: True,
        7.1: False,
        8.1: True,
        9.1: True,
        10.1: False,
    }
    for time_s, expected in there.items():
        assert expected == available(churn, time_s)[0]


@pytest.mark.parametrize("time_s", [0.0, 17.0, 500.0, 1e5])
@pytest.mark.parametrize("num_toggles", [2, 16])
def test_churn_is_stationary_for_ever(time_s: float, num_toggles: int) -> None:
    """30 of 40 seconds there, at any time, also after many cycles; and the lag follows the Markov chain."""
    number = 100_000
    hardware = compile_hardware(unreliable(1))
    hardware = type(hardware)(*(np.repeat(field, number) for field in hardware))
    churn = draw_churn(hardware, np.random.default_rng(3), num_toggles)
    there = available(churn, time_s)
    assert there.mean() == pytest.approx(0.75, abs=3 * np.sqrt(0.75 * 0.25 / number))
    if num_toggles == 16:
        later = available(churn, time_s + 5.0)
        expected = 0.75 + 0.25 * np.exp(-5.0 * (1 / 30 + 1 / 10))
        share = later[there].mean()
        assert share == pytest.approx(expected, abs=3 * np.sqrt(expected * (1 - expected) / there.sum()))


def test_times_there_are_exponential() -> None:
    """The time to the first departure of those who are there has the mean and the law of a full one."""
    hardware = compile_hardware(unreliable(2000))
    churn = draw_churn(hardware, np.random.default_rng(4))
    rest_s = (churn.toggle_s[0] - churn.loop.offset_s)[churn.up_first]
    assert stats.kstest(rest_s, stats.expon(scale=30.0).cdf).pvalue > 0.01


def test_never_away() -> None:
    """An infinite mean time there, or none away, means always there, with JAX as with NumPy."""
    configs = [*unreliable(1, mean_up_s=np.inf), *unreliable(1, mean_down_s=0.0)]
    for key in (np.random.default_rng(0), jax.random.key(0)):
        churn = draw_churn(compile_hardware(configs), key)
        for time_s in (0.0, 1.0, 1e6):
            assert np.asarray(available(churn, time_s)).all()


def test_jax_and_numpy_agree_on_churn() -> None:
    """The same toggles read alike, and drawing compiles."""
    hardware = compile_hardware(unreliable(8))
    with jax.enable_x64(True):
        churn = jax.jit(lambda key: draw_churn(hardware, key))(jax.random.key(1))
        times_s = np.linspace(0.0, 3000.0, 501)
        got = jax.jit(jax.vmap(available, (None, 0)))(churn, jnp.asarray(times_s))
    by_numpy = jax.tree.map(np.asarray, churn)
    np.testing.assert_array_equal(np.stack([available(by_numpy, t) for t in times_s]), np.asarray(got))


@pytest.mark.parametrize("num_toggles", [0, 3])
def test_odd_numbers_of_toggles_are_refused(num_toggles: int) -> None:
    """A cycle must end in the state in which it began."""
    with pytest.raises(
        ValueError, match=f"^`num_toggles` must be even and at least 2, got {num_toggles}\\.$"
    ):
        draw_churn(compile_hardware(unreliable(1)), np.random.default_rng(0), num_toggles)


def test_no_array_compiler_is_loaded() -> None:
    """A gateway reads recordings, moves devices and prices their work with NumPy alone."""
    code = (
        "import sys, numpy as np\n"
        "from net4moe.network import device_state, mobility, recordings\n"
        "from net4moe.network.hardware import HARDWARE, compile_hardware\n"
        "hardware = compile_hardware(list(HARDWARE.values()))\n"
        "key = np.random.default_rng(0)\n"
        "recordings.available(recordings.draw_churn(hardware, key), 1.0)\n"
        "motion = mobility.compile_motion([mobility.RandomWaypoint()] * 8, np.zeros((8, 3)))\n"
        "walk = mobility.draw_itinerary(motion, key)\n"
        "mobility.positions_m(walk, 1.0)\n"
        "state = device_state.initial_state(hardware, np.zeros(8, np.int32))\n"
        "device_state.worked(hardware, state, np.arange(8) == 3, 10.0, 5.0, 1)\n"
        "assert not {'jax', 'polars', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
