"""Seeds depend on what is made, not on when."""

from hypothesis import given
from hypothesis import strategies as st

from net4moe.mixture.seeds import seed_of


@given(st.integers(), st.text(st.characters()), st.integers(0, 9))
def test_a_seed_is_small_and_always_the_same(root: int, text: str, index: int) -> None:
    """From 0 to 2^31 - 1, whatever text it is made of."""
    seed = seed_of(root, text, index)
    assert 0 <= seed < 2**31
    assert seed == seed_of(root, text, index)


def test_a_seed_stays_the_same_over_versions() -> None:
    """A number written down once; every ledger depends on it."""
    assert 1863784583 == seed_of(0, "A fox.", 1, "nova")


def test_every_part_counts() -> None:
    """Another root, text, index or border between parts is another seed."""
    seeds = {
        seed_of(0, "ab", 1),
        seed_of(1, "ab", 1),
        seed_of(0, "a", 1),
        seed_of(0, "ab", 2),
        seed_of(0, "a", "b1"),
    }
    assert 5 == len(seeds)
