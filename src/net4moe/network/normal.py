"""The normal distribution and the cosine, by polynomials that every array library evaluates alike.

The array API has no error function, and a cosine of turns costs a tenth of the library's own where the
compiler sees nothing but multiplications and additions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from net4moe.network.arrays import namespace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float

__all__ = ["cos_turns", "normal_quantile", "normal_tail"]

# Acklam's rational approximation of the normal quantile; the centre and the tails.
_CENTRE_TOP = (-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.3577518672690, -30.66479806628716, 2.506628277459239)  # fmt: skip # noqa: E501
_CENTRE_BOTTOM = (-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1.0)  # fmt: skip # noqa: E501
_TAIL_TOP = (-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783)  # fmt: skip # noqa: E501
_TAIL_BOTTOM = (0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1.0)
_TAIL = 0.02425

# (1 + x) exp(x^2 / 2) Q(x) as a polynomial in (x - 3.5) / (x + 3.5), least greatest relative error with
# Q(0) = 1/2, ours.
_MILLS = (1.5077448870473e-4, 1.0552913265582e-4, -1.3814691483551e-3, 2.8884363329692e-4, 1.0366024465992e-2, -3.0262646908458e-2, 3.804965236821e-2, 7.8741746698958e-4, -9.7712655518331e-2, 0.47855318333174)  # fmt: skip # noqa: E501
_MILLS_CENTRE = 3.5
_GREATEST = 40.0  # Q(40) is 0 in 64-bit floats

# cos(2 pi x) as a polynomial in x^2 for x^2 <= 1/4, least greatest error with value 1 at 0, ours.
_COSINE = (-1.4556180427696561, 7.802462189735438, -26.40553371242495, 60.242294558677095, -85.45667472552427, 64.93938991632704, -19.739208762126164, 1.0)  # fmt: skip # noqa: E501


def normal_quantile(probability: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute the quantile of the standard normal distribution.

    Acklam's rational approximation; its relative error is below 1.2e-9 in 64-bit floats.

    Args:
      probability: greater than 0 and less than 1.
    """
    xp = namespace(probability)
    offset = probability - 0.5
    square = offset * offset
    centre = offset * _polynomial(_CENTRE_TOP, square) / _polynomial(_CENTRE_BOTTOM, square)
    nearer_end = xp.minimum(probability, 1.0 - probability)
    depth = xp.sqrt(-2.0 * xp.log(nearer_end))
    tail = -xp.sign(offset) * _polynomial(_TAIL_TOP, depth) / _polynomial(_TAIL_BOTTOM, depth)
    return xp.where(nearer_end < _TAIL, tail, centre)


def normal_tail(x: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute the probability that a standard normal number exceeds a value.

        Q(x) = erfc(x / sqrt(2)) / 2 = exp(-x^2 / 2) p(t) / (1 + x),   t = (x - 3.5) / (x + 3.5),   x >= 0

    and Q(-x) = 1 - Q(x). The form is that of Shepherd and Laframboise, Mathematics of Computation 36 (1981)
    249-253; the polynomial p of degree 9 is ours. Its relative error is below 2.3e-8 for every x >= 0 in
    64-bit floats, down to the least number they hold.

    Args:
      x: any number, infinite ones included.

    Returns:
      A probability between 0 and 1.
    """
    xp = namespace(x)
    size = xp.minimum(xp.abs(x), _GREATEST)
    mills = _polynomial(_MILLS, (size - _MILLS_CENTRE) / (size + _MILLS_CENTRE)) / (1.0 + size)
    upper = xp.exp(-0.5 * size * size) * mills
    return xp.where(x < 0, 1.0 - upper, upper)


def cos_turns(x: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute the cosine of an angle given in turns.

        cos(2 pi x) = p(r^2),   r = x - round(x)

    The polynomial of degree 7 is ours; its error is below 1.3e-10 in 64-bit floats and below 1e-6 in 32-bit
    floats between -1 and 1. Beyond, the error is that of x itself: 32-bit floats hold 1e4 turns to 1e-3 of a
    turn.

    Args:
      x: angle, turns; finite.

    Returns:
      A number between -1 and 1, but for that error.
    """
    xp = namespace(x)
    rest = x - xp.round(x)
    return _polynomial(_COSINE, rest * rest)


def _polynomial(coefficients: Sequence[float], x: Any) -> Any:
    """Evaluate a polynomial, highest power first, by Horner's rule."""
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value
