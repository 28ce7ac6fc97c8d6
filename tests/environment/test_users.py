"""Several users: alone as ever, together in each other's way."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment.scenarios import scenario
from net4moe.environment.users import start_users, step_users

SELECTION = scenario("backlog").small

start = eqx.filter_jit(lambda selection, key, num_users: start_users(selection, key, num_users))
step = eqx.filter_jit(lambda selection, users, actions: step_users(selection, users, actions))


def test_one_user_alone_plays_the_environment() -> None:
    """Six choices earn and leave the same."""
    users, _ = start(SELECTION, jax.random.key(0), 1)
    state = jax.tree.map(lambda leaf: leaf[0], users.states)
    alone = jax.jit(lambda state, action: SELECTION.step(state, action))
    for action in (1, 2, 2, 0, 1, 2):
        expected = alone(state, np.int32(action))
        state = expected.state
        got = step(SELECTION, users, jnp.array([action]))
        users = got.state
        assert float(expected.reward) == pytest.approx(float(got.reward[0]), rel=1e-5)
        for leaf, other in zip(expected.observation, got.observation, strict=True):
            np.testing.assert_allclose(leaf, other[0], rtol=1e-5, atol=1e-6)


def test_work_waits_behind_that_of_others() -> None:
    """All three choose device 2, whose 40 words take 2 s: 2, 4 and 6 s until they are there, at 0.25 each."""
    users, _ = start(SELECTION, jax.random.key(0), 3)
    importance = jnp.ones_like(users.states.tape.subtasks.importance)
    subtasks = users.states.tape.subtasks._replace(importance=importance)
    users = users._replace(states=users.states._replace(tape=users.states.tape._replace(subtasks=subtasks)))
    got = step(SELECTION, users, jnp.array([2, 2, 2]))
    score = np.asarray(subtasks.score[:, 0, 2])
    air_s = (
        np.asarray(users.states.tape.moments.s_per_bit[:, 0, 2]) * 40 * SELECTION.reward_config.bits_per_word
    )
    waited_s = (0.5 * score - np.asarray(got.reward)) / 0.25 - air_s
    order = np.asarray(users.order[0])
    np.testing.assert_allclose([2.0, 4.0, 6.0], waited_s[order], rtol=1e-4)
    gap_s = float(users.states.tape.moments.gap_s[0, 1])
    backlog_s = np.asarray(got.state.states.situation.devices.backlog_s)
    np.testing.assert_allclose(np.full(3, 6.0 - gap_s), backlog_s[:, 2], rtol=1e-5)
    np.testing.assert_array_equal(np.zeros((3, 2)), backlog_s[:, :2])


def test_the_users_own_devices_are_their_own() -> None:
    """What one writes at home nobody else waits for."""
    users, _ = start(SELECTION, jax.random.key(0), 2)
    got = step(SELECTION, users, jnp.array([0, 1]))
    backlog_s = np.asarray(got.state.states.situation.devices.backlog_s)
    assert backlog_s[0, 0] > 0 == backlog_s[1, 0]
    assert backlog_s[0, 1] == backlog_s[1, 1] > 0


def test_what_a_battery_cannot_give_fails() -> None:
    """Device 2 has charge for 4 of 5 requests of 1 J; the last one served earns minus the price of failure."""
    selection = scenario("battery").small
    users, _ = start(selection, jax.random.key(0), 5)
    got = step(selection, users, jnp.full(5, 2))
    last = int(users.order[0, -1])
    assert pytest.approx(float(got.reward[last])) == -selection.reward_config.failure_cost
    others = np.delete(np.asarray(got.reward), last)
    assert np.all(others > -selection.reward_config.failure_cost)
    assert np.isfinite(got.reward).all()


def test_orders_are_drawn_by_lot() -> None:
    """Each step serves everybody once, and not always in the same order."""
    users, _ = start(SELECTION, jax.random.key(0), 4)
    np.testing.assert_array_equal(np.tile(np.arange(4), (32, 1)), np.sort(users.order, axis=-1))
    assert len({tuple(row) for row in np.asarray(users.order).tolist()}) > 10


def test_nothing_happens_after_the_end() -> None:
    """Rewards are 0."""
    users, _ = start(SELECTION, jax.random.key(0), 2)
    for _ in range(31):
        users = step(SELECTION, users, jnp.zeros(2, jnp.int32)).state
    last = step(SELECTION, users, jnp.zeros(2, jnp.int32))
    assert last.terminated.all()
    again = step(SELECTION, last.state, jnp.ones(2, jnp.int32))
    np.testing.assert_array_equal([0.0, 0.0], again.reward)
