"""From a payload and a link to seconds, joules and the share that is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from net4moe.network.arrays import check, namespace
from net4moe.network.costs import transfer_time_s
from net4moe.network.radio.adaptation import expected_transmissions, residual_error

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

__all__ = ["Delivery", "deliver"]


class Delivery(NamedTuple):
    """What sending a payload over each link takes.

    Attributes:
      seconds: mean time until it is there; infinite over a dead link.
      joules: mean energy of both ends; 0 over a dead link, since nobody sends into it.
      sender_joules: the sender's part.
      receiver_joules: the receiver's part.
      outage: share of the blocks that stay lost after the last transmission; 1 over a dead link.
    """

    seconds: Float[Any, "*T N"]
    joules: Float[Any, "*T N"]
    sender_joules: Float[Any, "*T N"]
    receiver_joules: Float[Any, "*T N"]
    outage: Float[Any, "*T N"]


def deliver(
    payload_bits: Float[Any, "*T N"],
    *,
    rate_bps: Float[Any, "*T N"],
    block_error: Float[Any, "*T N"],
    max_transmissions: float | Float[Any, "*T N"],
    latency_s: float | Float[Any, "*T N"],
    duty_cycle: float | Float[Any, "*T N"],
    sender_w: float | Float[Any, "*T N"],
    receiver_w: float | Float[Any, "*T N"],
    local: bool | Bool[Any, "*T N"],
) -> Delivery:
    """Send a payload over each link, block by block, lost blocks again.

        air = payload / rate (1 + e + ... + e^(L-1))
        seconds = latency + air / duty_cycle        joules = air (sender_w + receiver_w)        outage = e^L

    The rate was chosen before; where it is 0 the sender keeps silent. Outages are finite numbers that a reward
    can price; seconds over a dead link are not.

    Args:
      payload_bits: size of what is sent, bits, at least 0.
      rate_bps: rate that the sender chose, bit/s; 0 where the link is dead.
      block_error: probability e that one transmission of a block fails.
      max_transmissions: greatest number L of transmissions of a block, at least 1.
      latency_s: time before the first bit and on the way, seconds.
      duty_cycle: share of the time in which the sender may be on the air, greater than 0 and at most 1.
      sender_w: power that the sender draws on the air, W.
      receiver_w: power that the receiver draws meanwhile, W.
      local: True for the user's own device, which sends nothing and takes nothing.

    Returns:
      Time, energy and outage of each link.

    Raises:
      ValueError: a plain number or an entry of a NumPy array is not finite, is negative or, for the duty
        cycle, is 0.
    """
    given = {
        "block_error": block_error,
        "latency_s": latency_s,
        "sender_w": sender_w,
        "receiver_w": receiver_w,
    }
    for name, value in given.items():
        check(name, value, least=0.0)
    check("max_transmissions", max_transmissions, least=1.0, infinite=True)
    check("duty_cycle", duty_cycle, above=0.0)
    xp = namespace(payload_bits, rate_bps, block_error)
    silent = xp.logical_or(xp.asarray(local), xp.asarray(rate_bps) <= 0)
    air_s = transfer_time_s(payload_bits, rate_bps) * expected_transmissions(block_error, max_transmissions)
    sent_s = xp.where(silent, 0.0, air_s)
    sender_joules, receiver_joules = sent_s * sender_w, sent_s * receiver_w
    outage = xp.where(xp.asarray(rate_bps) > 0, residual_error(block_error, max_transmissions), 1.0)
    return Delivery(
        seconds=xp.where(local, 0.0, latency_s + air_s / duty_cycle),
        joules=sender_joules + receiver_joules,
        sender_joules=sender_joules,
        receiver_joules=receiver_joules,
        outage=xp.where(local, 0.0, outage),
    )
