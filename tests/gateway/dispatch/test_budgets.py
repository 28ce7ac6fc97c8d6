import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.errors import BudgetExceeded
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.records import Limits, Spent

LIMITS = Limits(deadline_s=10.0, calls=3, tokens=100, price_usd=0.01, joules=5.0, air_bytes=1_000)


@pytest.mark.parametrize(
    ("name", "wanted", "unit"),
    [("calls", 4, ""), ("tokens", 101, " tokens"), ("price_usd", 0.02, " USD"), ("joules", 6.0, " J")],
)
def test_a_call_that_would_cross_a_limit_is_refused(name: str, wanted: float, unit: str) -> None:
    """Before it is sent, by name, and nothing is set aside."""
    budget = Budget(LIMITS, 5.0)
    with pytest.raises(BudgetExceeded, match=f"up to {wanted:g}{unit} with 0 spent .* limit `{name}` of"):
        budget.reserve(**{name: wanted})  # pyright: ignore[reportArgumentType]
    assert Spent() == budget.reserved


def test_what_was_set_aside_counts_until_it_is_settled() -> None:
    """Two calls side by side cannot cross a limit together; what was not used goes back."""
    budget = Budget(LIMITS, 5.0)
    assert 15.0 == budget.deadline_s
    first = budget.reserve(calls=1, tokens=80, price_usd=0.006)
    with pytest.raises(BudgetExceeded, match="with 80 spent or under way"):
        budget.reserve(calls=1, tokens=30)
    budget.settle(first, Spent(calls=1, tokens=50, price_usd=0.002))
    budget.reserve(calls=1, tokens=50)
    assert Spent(calls=1, tokens=50, price_usd=0.002) == budget.spent
    assert (1, 0) == (budget.left.calls, budget.left.tokens)


def test_a_call_that_was_dearer_is_booked_as_it_is() -> None:
    """And the next one is refused."""
    budget = Budget(LIMITS, 0.0)
    budget.settle(budget.reserve(tokens=10), Spent(tokens=500))
    assert 0 == budget.left.tokens
    with pytest.raises(BudgetExceeded):
        budget.reserve(tokens=1)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=20))
def test_the_limit_holds_where_calls_take_no_more_than_was_set_aside(calls: list[tuple[int, int]]) -> None:
    """In whichever order they end."""
    budget, under_way = Budget(LIMITS, 0.0), list[tuple[Spent, int]]()
    for aside, used in calls:
        try:
            under_way.append((budget.reserve(tokens=aside), min(aside, used)))
        except BudgetExceeded:
            if under_way:
                reservation, tokens = under_way.pop(0)
                budget.settle(reservation, Spent(tokens=tokens))
        assert budget.spent.tokens + budget.reserved.tokens <= LIMITS.tokens
        assert budget.left.tokens == LIMITS.tokens - budget.spent.tokens - budget.reserved.tokens
