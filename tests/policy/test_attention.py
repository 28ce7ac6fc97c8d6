"""Attention by hand; the network around it is tested with the other kind in `test_inference`."""

import jax
import numpy as np

from net4moe.policy.attention import attend


def test_attention_by_hand() -> None:
    """Two units: fits log 3 and 0 weigh 3/4 and 1/4; a forbidden key weighs nothing."""
    query = np.array([[np.sqrt(2), 0.0]])
    keys = np.array([[np.log(3), 5.0], [0.0, -5.0], [100.0, 0.0]])
    values = np.array([[4.0, 0.0], [0.0, 8.0], [9.0, 9.0]])
    allowed = np.array([[True, True, False]])
    np.testing.assert_allclose([[3.0, 2.0]], attend(query, keys, values, allowed))


def test_large_fits_do_not_overflow() -> None:
    """The greatest fit takes all of the weight."""
    got = attend(np.array([[1e3]]), np.array([[1e3], [0.0]]), np.array([[1.0], [2.0]]))
    np.testing.assert_allclose([[1.0]], got)


def test_where_nothing_is_allowed_all_weigh_the_same() -> None:
    """Padding gives the mean, not NaN."""
    got = attend(np.ones((1, 2)), np.eye(2), np.eye(2), np.zeros((1, 2), np.bool_))
    np.testing.assert_allclose([[0.5, 0.5]], got)


def test_weights_in_numpy_attend_to_devices_that_are_traced() -> None:
    """A trained policy plays inside compiled code."""
    rng = np.random.default_rng(0)
    queries, keys, values = rng.normal(size=(2, 3)), rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    got = jax.jit(lambda keys, values: attend(queries, keys, values))(keys, values)
    np.testing.assert_allclose(attend(queries, keys, values), got, rtol=1e-5)
