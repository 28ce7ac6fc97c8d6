"""A study that was never run, for the tests of figures, page and run directory."""

from collections.abc import Callable, Sequence

import pytest

from net4moe.study import (
    CallCosts,
    Comparison,
    Curve,
    Example,
    ExpertSummary,
    Interval,
    JudgeNote,
    PlacedSubtask,
    PolicyResult,
    Setting,
    Stage,
    StudyResult,
    TableSummary,
    UnscoredReason,
    Version,
)

LABELS = ("Upper bound", "Proposed DRL", "Benchmark (round robin)", "Random selection")
MEANS = (43.6, 41.1, 39.8, 39.6)
FINALS = (43.4, 42.6, 39.5, 40.5)


def around(point: float, half: float = 0.2) -> Interval:
    """Put an interval around a value."""
    return Interval(low=point - half, point=point, high=point + half)


def policies(*, half: float = 0.2) -> tuple[PolicyResult, ...]:
    """Make the paper's four rows."""
    return tuple(
        PolicyResult(
            policy=label.lower(),
            label=label,
            mean=around(mean, half),
            final=around(final, half),
            share_of_upper_bound=around(final / 43.4, half / 100),
            gap_closed=around((final - 40.5) / 2.9, half / 10),
        )
        for label, mean, final in zip(LABELS, MEANS, FINALS, strict=True)
    )


def curves(labels: Sequence[str] = LABELS, *, epochs: tuple[int, ...] = (0, 1000, 2000)) -> tuple[Curve, ...]:
    """Make one rising line for each label."""
    return tuple(
        Curve(
            policy=label.lower(),
            label=label,
            epochs=epochs,
            point=tuple(39.0 + row + 0.1 * n for n in range(len(epochs))),
            low=tuple(38.8 + row + 0.1 * n for n in range(len(epochs))),
            high=tuple(39.2 + row + 0.1 * n for n in range(len(epochs))),
        )
        for row, label in enumerate(labels)
    )


def placed(text: str, *, is_local: bool = False) -> PlacedSubtask:
    """Place one subtask whose every text is `text`."""
    return PlacedSubtask(
        subtask=text,
        field=text,
        expert=text,
        device=text,
        is_local=is_local,
        snr_db=None if is_local else 12.34,
        words=1054,
        compute_cost=0.976,
        transfer_cost=0.0 if is_local else 0.461,
        score=None if is_local else 4.1,
        reward=-2.668,
        passage=text,
    )


@pytest.fixture
def make_result() -> Callable[..., StudyResult]:
    """Give the maker of a study's result whose every written text is `text`."""

    def make(
        text: str = "The fox took a hammer.", *, seeds: tuple[int, ...] = tuple(range(10)), half: float = 0.2
    ) -> StudyResult:
        return StudyResult(
            title="Which device should write it?",
            summary="Two experts wrote.",
            epoch_label="Epoch (16 prompts)",
            reward_label="Reward per prompt",
            epoch_meaning="One epoch is 16 prompts.",
            reward_meaning="Score minus costs.",
            curves=curves(),
            policies=policies(half=half),
            comparisons=(
                Comparison(
                    label=LABELS[1],
                    other_label=LABELS[3],
                    difference=around(2.1),
                    probability_of_improvement=Interval(low=0.8, point=0.9, high=1.0),
                ),
            ),
            example=Example(
                policy_label=LABELS[1],
                prompt=text,
                subtasks=(placed(text), placed(text, is_local=True)),
                story=text,
                score=None,
                unscored_reason=text,
            ),
            table=TableSummary(
                num_prompts=12,
                num_held_out=4,
                num_subtasks=36,
                num_rows=1072,
                experts=(
                    ExpertSummary(
                        expert=text,
                        field=text,
                        device=text,
                        num_rows=36,
                        num_unscored=2,
                        mean_score=3.912,
                        mean_words=44.25,
                        mean_tokens=61.5,
                        mean_seconds=1.314,
                    ),
                    ExpertSummary(
                        expert="mute",
                        field="plot",
                        device="",
                        num_rows=1036,
                        num_unscored=1036,
                        mean_score=None,
                        mean_words=0.0,
                        mean_tokens=0.0,
                        mean_seconds=0.0,
                    ),
                ),
                unscored=(UnscoredReason(reason=text, num_rows=1038),),
                digest="ab12" * 16,
            ),
            costs=CallCosts(
                num_calls=1044,
                num_replayed=12,
                prompt_tokens=151234,
                completion_tokens=22145,
                price_usd=0.0345,
                seconds=1263.0,
            ),
            stages=(Stage(name="Collecting", seconds=75.0), Stage(name="Training", seconds=25.0)),
            judge=JudgeNote(name=text, method="Asked for a number.", reliability="Not measured."),
            settings=(
                Setting(name="load", value="word count", source="paper", meaning="of a passage"),
                Setting(name="seed", value="0", source="ours"),
            ),
            seeds=seeds,
            versions=(Version(name="net4moe", version="0.1.0"),),
            machine="a machine with 2 cores",
            command="net4moe study --out 'runs/a b'",
            warnings=("Few prompts.",),
        )

    return make
