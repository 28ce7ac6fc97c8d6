"""Several judges, one score, and how far they agree."""

import asyncio
import math
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from net4moe.chat import ScriptedChatModel
from net4moe.errors import ChatRejected
from net4moe.mixture import ExplicitJudge, ImplicitJudge, Judge, Panel, Score, wording
from net4moe.mixture.judges import Agreement, agreement
from tests.mixture.judges.replies import Meeting, in_turn, reply, scores

EXPLICIT = f"explicit, scripted, wording {wording.VERSION}"


def _judge(text: str) -> ExplicitJudge:
    return ExplicitJudge(ScriptedChatModel(lambda _: reply(text)), num_tries=1)


def test_a_panel_gives_the_mean() -> None:
    """6 and 9: 7.5, with both scores as reasons and the sums of both."""
    (score,) = scores(Panel([_judge("6"), _judge("9")]), "A story.")
    expected = Score(
        value=7.5,
        unscored_reason="",
        judge=f"panel of 2 ({EXPLICIT}; {EXPLICIT})",
        price_usd=0.5,
        reasons=(f"{EXPLICIT}: 6.00", f"{EXPLICIT}: 9.00"),
        tokens_read=14,
        tokens_written=4,
        seconds=1.0,
    )
    assert expected == score


def test_a_member_without_a_score_is_left_out() -> None:
    """The mean is that of the others; its calls are paid."""
    (score,) = scores(Panel([_judge("6"), _judge("well")]), "A story.")
    assert (6.0, 0.5, (f"{EXPLICIT}: 6.00", f"{EXPLICIT}: unscored")) == (
        score.value,
        score.price_usd,
        score.reasons,
    )


def test_a_text_that_nobody_scored_is_unscored() -> None:
    """With every reason; the other text has its score."""
    panel = Panel([_judge("well"), ImplicitJudge(in_turn("Hm"), num_samples=1, num_tries=1)])
    (score,) = scores(panel, "A story.")
    reason = (
        f"{EXPLICIT}: the reply holds no score from 0 to 10: 'well'; "
        f"implicit, scripted, wording {wording.VERSION}: the reply is neither yes nor no: 'Hm'"
    )
    assert (None, reason) == (score.value, score.unscored_reason)
    story, nothing = scores(Panel([_judge("6"), _judge("9")]), "A story.", "")
    assert (7.5, None, f"{EXPLICIT}: the text is empty") == (
        story.value,
        nothing.value,
        nothing.unscored_reason,
    )


def test_members_judge_at_the_same_time() -> None:
    """Each waits for the other at a barrier."""

    async def judged() -> tuple[Score, ...]:
        barrier = asyncio.Barrier(2)
        members: list[Judge] = [ExplicitJudge(Meeting(text, barrier)) for text in ("4", "5")]
        async with asyncio.timeout(20):
            return await Panel(members).score(["A story."], about="a fox", kind="story")

    assert [4.5] == [score.value for score in asyncio.run(judged())]


def test_an_error_that_stays_is_raised() -> None:
    """A panel with a wrong key is not a smaller panel."""
    panel = Panel([_judge("6"), ExplicitJudge(in_turn(ChatRejected("wrong key")))])
    with pytest.raises(ChatRejected, match=r"^wrong key$"):
        scores(panel, "A story.")


def test_a_panel_of_nobody_is_refused() -> None:
    """It could score nothing."""
    text = "`judges` must hold at least one judge, got none."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Panel([])


def test_judges_who_say_the_same_agree() -> None:
    """Rho and alpha are 1."""
    expected = Agreement(spearman=1.0, alpha=1.0, num_pairs=1, num_judges=2, num_texts=3)
    assert expected == agreement([[1, 2, 3], [1, 2, 3]])


def test_agreement_by_hand() -> None:
    """Same ranks, one score differs by 1.

    Six scores 1 1 2 2 3 4: squared differences of ordered pairs add up to 2 (6 * 35 - 13^2) = 82, so D_e is
    82 / 30; within texts only 3 and 4 differ, D_o = 1 / 3; alpha = 1 - 10 / 82.
    """
    found = agreement([[1, 2, 3], [1, 2, 4]])
    assert 1.0 == pytest.approx(found.spearman)
    assert pytest.approx(1 - 10 / 82) == found.alpha


def test_ties_share_their_mean_rank() -> None:
    """Ranks 1.5 1.5 3 4 against 1 2 3 4: 4.5 / sqrt(4.5 * 5)."""
    found = agreement([[5, 5, 6, 7], [1, 2, 3, 4]])
    assert pytest.approx(4.5 / math.sqrt(4.5 * 5)) == found.spearman


def test_order_and_level_are_two_things() -> None:
    """Opposite orders: rho is -1, and alpha far below chance; a constant shift: rho 1, alpha lower."""
    against = agreement([[1, 2, 3], [3, 2, 1]])
    assert -1.0 == pytest.approx(against.spearman)
    assert against.alpha is not None
    assert against.alpha < 0
    shifted = agreement([[1, 2, 3], [5, 6, 7]])
    assert 1.0 == pytest.approx(shifted.spearman)
    assert shifted.alpha is not None
    assert shifted.alpha < 0


def test_a_constant_judge_has_no_ranks() -> None:
    """Its pairs are left out and the number of pairs says so; where nothing differs there is no alpha either."""
    found = agreement([[1, 2, 3], [1, 2, 3], [5, 5, 5]])
    assert (1.0, 1, 3) == (pytest.approx(found.spearman), found.num_pairs, found.num_judges)
    nothing = Agreement(spearman=None, alpha=None, num_pairs=0, num_judges=2, num_texts=2)
    assert nothing == agreement([[5, 5], [5, 5]])


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("agreement needs at least two judges, got 1.", [[1, 2]]),
        ("agreement needs at least two texts, got 1.", [[1], [2]]),
        ("every judge must score the same texts, got 2, 3 scores.", [[1, 2], [1, 2, 3]]),
        (
            "every score must be a number, got nan; leave out texts that a judge did not score.",
            [[1, math.nan], [1, 2]],
        ),
    ],
)
def test_tables_without_agreement_are_refused(text: str, table: Sequence[Sequence[float]]) -> None:
    """Each with its sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        agreement(table)


_ROW = st.lists(st.integers(0, 10).map(float), min_size=5, max_size=5)


@given(_ROW, _ROW)
def test_rho_is_that_of_scipy(first: list[float], second: list[float]) -> None:
    """Ties included, wherever both rows differ within themselves."""
    found = agreement([first, second])
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found.spearman is None
    else:
        rho, _ = stats.spearmanr(first, second)
        assert pytest.approx(rho) == found.spearman


@given(st.lists(_ROW, min_size=2, max_size=4))
def test_alpha_is_that_of_the_definition(table: list[list[float]]) -> None:
    """One minus the mean squared difference within texts over that between any two scores."""
    found = agreement(table)
    within = [(a - b) ** 2 for unit in zip(*table, strict=True) for a in unit for b in unit]
    everything = [value for row in table for value in row]
    between = [(a - b) ** 2 for a in everything for b in everything]
    if not any(between):
        assert found.alpha is None
        return
    num_judges, num_scores = len(table), len(everything)
    observed = sum(within) / (5 * num_judges * (num_judges - 1))
    expected = sum(between) / (num_scores * (num_scores - 1))
    assert pytest.approx(1 - observed / expected, abs=1e-9) == found.alpha
