"""What one request may spend: reserved before a call is sent, reconciled after it.

    reserve   the most that a call could take is set aside, or BudgetExceeded names the limit it would cross
    settle    what was set aside goes back, and what was really spent is booked

So calls that run side by side never cross a limit together, and a call that took less gives the rest back.
A call may turn out dearer than it was thought to be (a device that writes on): that is booked as it is, and
the next reservation is refused.
"""

from net4moe.errors import BudgetExceeded
from net4moe.gateway.records import Limits, Spent

__all__ = ["Budget"]

_UNITS = (
    ("calls", ""),
    ("tokens", " tokens"),
    ("price_usd", " USD"),
    ("joules", " J"),
    ("air_bytes", " bytes"),
)


class Budget:
    """The budget of one request.

    Args:
      limits: what it may spend.
      now_s: when it came, monotonic seconds.

    Attributes:
      limits: what it may spend.
      start_s: when it came, monotonic seconds.
      deadline_s: when it ends, monotonic seconds.
      spent: what was spent so far.
      reserved: what is set aside for calls under way.
    """

    __slots__ = ("deadline_s", "limits", "reserved", "spent", "start_s")

    def __init__(self, limits: Limits, now_s: float) -> None:
        self.limits = limits
        self.start_s = now_s
        self.deadline_s = now_s + limits.deadline_s
        self.spent = Spent()
        self.reserved = Spent()

    @property
    def left(self) -> Spent:
        """What could still be reserved."""
        limits, spent, reserved = self.limits, self.spent, self.reserved
        return Spent(
            calls=max(0, limits.calls - spent.calls - reserved.calls),
            tokens=max(0, limits.tokens - spent.tokens - reserved.tokens),
            price_usd=max(0.0, limits.price_usd - spent.price_usd - reserved.price_usd),
            joules=max(0.0, limits.joules - spent.joules - reserved.joules),
            air_bytes=max(0, limits.air_bytes - spent.air_bytes - reserved.air_bytes),
        )

    def reserve(
        self,
        *,
        calls: int = 0,
        tokens: int = 0,
        price_usd: float = 0.0,
        joules: float = 0.0,
        air_bytes: int = 0,
    ) -> Spent:
        """Set aside what a call could take; give it back with `settle`.

        Raises:
          BudgetExceeded: that would cross a limit; nothing was set aside.
        """
        aside = Spent(calls=calls, tokens=tokens, price_usd=price_usd, joules=joules, air_bytes=air_bytes)
        for name, unit in _UNITS:
            wanted = getattr(aside, name)
            used = getattr(self.spent, name) + getattr(self.reserved, name)
            limit = getattr(self.limits, name)
            if wanted > 0 and used + wanted > limit:
                msg = (
                    f"the next call would take up to {wanted:g}{unit} with {used:g} spent or under way, "
                    f"past the limit `{name}` of {limit:g}; it was not sent."
                )
                raise BudgetExceeded(msg)
        self.reserved = _sum(self.reserved, aside, 1)
        return aside

    def settle(self, reservation: Spent, spent: Spent) -> None:
        """Give a reservation back and book what was spent."""
        self.reserved = _sum(self.reserved, reservation, -1)
        self.spent = _sum(self.spent, spent, 1)


def _sum(first: Spent, second: Spent, sign: int) -> Spent:
    return Spent(
        calls=first.calls + sign * second.calls,
        tokens=first.tokens + sign * second.tokens,
        price_usd=first.price_usd + sign * second.price_usd,
        joules=first.joules + sign * second.joules,
        air_bytes=first.air_bytes + sign * second.air_bytes,
    )
