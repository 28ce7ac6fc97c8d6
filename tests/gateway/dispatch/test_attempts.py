import random
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from net4moe.gateway.dispatch.attempt_events import (
    Begin,
    Cancel,
    ClientLeft,
    Deliver,
    Done,
    Effect,
    Event,
    Failed,
    Finish,
    GiveUp,
    Opened,
    Send,
    Text,
    Unpaid,
    WakeAt,
    Woken,
)
from net4moe.gateway.dispatch.attempts import Allowance, Call, CallRules, Patience
from net4moe.gateway.records import Outcome
from tests.gateway.scripted_fleet import candidate

STORY = "A fox learns to sail, and the sea learns to wait for her. " * 3


def call_of(
    num: int = 3,
    *,
    shows: bool = True,
    continues: bool = True,
    retries: float = 10.0,
    hedges: float = 10.0,
    hedge_after_s: float | None = 1.0,
    hedge_total_s: float | None = None,
) -> Call:
    """Make a machine that has begun and whose first call is under way since time 0."""
    patience = Patience(first_text_s=5.0, hedge_after_s=hedge_after_s, hedge_total_s=hedge_total_s)
    call = Call(
        [candidate(name) for name in "abcde"[:num]],
        CallRules(deadline_s=60.0, patience=(patience,) * num, shows=shows, continues=continues),
        retries=Allowance(ratio=0.0, burst=retries),
        hedges=Allowance(ratio=0.0, burst=hedges),
        chance=random.Random(0),
    )
    assert [Send(0, candidate("a"), "first", "")] == deeds(call, Begin(), 0.0)
    deeds(call, Opened(0), 0.0)
    return call


def deeds(call: Call, event: Event, now_s: float) -> list[Effect]:
    """Tell the machine something; what it does but setting its timer."""
    return [effect for effect in call.on(event, now_s) if not isinstance(effect, WakeAt)]


def test_a_good_call() -> None:
    """What comes is shown, and the end ends it."""
    call = call_of()
    assert [Deliver("A fox")] == deeds(call, Text(0, "A fox"), 0.1)
    assert [Deliver(" sails.")] == deeds(call, Text(0, " sails."), 0.2)
    assert [Finish(0, "A fox sails.")] == deeds(call, Done(0), 0.3)
    assert call.ended
    assert [] == call.on(Text(0, "more"), 0.4)


@pytest.mark.parametrize("outcome", ["refused", "reset", "failed", "busy", "garbage", "stalled"])
def test_a_failed_call_is_tried_on_the_next_candidate_at_once(outcome: Outcome) -> None:
    """Nobody waits for that."""
    assert [Send(1, candidate("b"), "retry", "")] == deeds(call_of(), Failed(0, outcome), 0.1)


def test_a_call_that_is_at_fault_itself_is_not_tried_again() -> None:
    """It would be refused everywhere."""
    assert [GiveUp("rejected", "400", "")] == deeds(call_of(), Failed(0, "rejected", "400"), 0.1)


def test_what_was_shown_is_gone_on_with() -> None:
    """Not a byte is lost or doubled; the next device is told what is there."""
    call = call_of()
    deeds(call, Text(0, "A fox "), 0.1)
    deeds(call, Text(0, "sa"), 0.2)
    assert [Send(1, candidate("b"), "handover", "A fox sa")] == deeds(call, Failed(0, "reset"), 0.3)
    assert [Deliver("ils.")] == deeds(call, Text(1, "ils."), 0.4)
    assert [Send(2, candidate("c"), "handover", "A fox sails.")] == deeds(call, Failed(1, "garbage"), 0.5)
    assert [Finish(2, "A fox sails.")] == deeds(call, Done(2), 0.6)


def test_what_was_shown_and_cannot_be_gone_on_with_is_given_up() -> None:
    """Starting again would show another text."""
    call = call_of(continues=False)
    deeds(call, Text(0, "A fox"), 0.1)
    assert [GiveUp("reset", "", "A fox")] == deeds(call, Failed(0, "reset"), 0.2)


def test_half_a_passage_that_nobody_saw_is_kept_but_garbage_is_not() -> None:
    """The first device's words stay, whatever it sent after them."""
    call = call_of(shows=False)
    assert [] == deeds(call, Text(0, "A fox"), 0.1)
    assert [Send(1, candidate("b"), "handover", "A fox")] == deeds(call, Failed(0, "reset"), 0.2)
    other = call_of(shows=False)
    deeds(other, Text(0, "A fox"), 0.1)
    assert [Send(1, candidate("b"), "retry", "")] == deeds(other, Failed(0, "garbage"), 0.2)


def test_a_slow_call_is_hedged_once_and_the_first_text_wins() -> None:
    """The loser is cancelled; a hedge is no blame."""
    call = call_of()
    assert [] == deeds(call, Woken(), 0.9)
    assert [Send(1, candidate("b"), "hedge", "")] == deeds(call, Woken(), 1.0)
    deeds(call, Opened(1), 1.0)
    assert [] == deeds(call, Woken(), 2.5)
    cancel = Cancel(0, "cancelled", "another device was first", True)
    assert [cancel, Deliver("A fox")] == deeds(call, Text(1, "A fox"), 3.0)
    assert [] == call.on(Text(0, "A cat"), 3.1)


def test_without_showing_the_first_to_end_wins() -> None:
    """Text alone decides nothing."""
    call = call_of(shows=False, hedge_total_s=4.0)
    deeds(call, Text(0, "A"), 0.5)
    assert [] == deeds(call, Woken(), 1.0)
    deeds(call, Text(0, " fox"), 3.5)
    assert [Send(1, candidate("b"), "hedge", "")] == deeds(call, Woken(), 4.0)
    deeds(call, Opened(1), 4.0)
    deeds(call, Text(1, "A cat."), 4.1)
    cancel = Cancel(0, "cancelled", "another device was first", True)
    assert [cancel, Finish(1, "A cat.")] == deeds(call, Done(1), 4.2)


def test_no_hedge_where_text_was_shown_or_nothing_was_measured() -> None:
    """There is nothing to gain, or nothing to go by."""
    shown = call_of()
    deeds(shown, Text(0, "A"), 0.5)
    assert [] == deeds(shown, Woken(), 1.5)
    assert [] == deeds(call_of(hedge_after_s=None), Woken(), 1.5)
    assert [] == deeds(call_of(hedges=0.0), Woken(), 1.5)


def test_while_a_hedge_runs_a_failure_is_not_tried_again() -> None:
    """Retry or hedge: both would double the load when everything is slow."""
    call = call_of()
    deeds(call, Woken(), 1.0)
    deeds(call, Opened(1), 1.0)
    assert [] == deeds(call, Failed(0, "reset"), 1.5)
    assert [Send(2, candidate("c"), "retry", "")] == deeds(call, Failed(1, "reset"), 1.6)


def test_silence_is_a_failure() -> None:
    """Before the first text and after it; signs of life count."""
    silent = call_of(hedge_after_s=None)
    stalled, sent = deeds(silent, Woken(), 5.0)
    assert Cancel(0, "stalled", "it gave no text in time") == stalled
    assert Send(1, candidate("b"), "retry", "") == sent
    call = call_of(hedge_after_s=None)
    deeds(call, Text(0, "A"), 3.0)
    deeds(call, Text(0, ""), 7.0)
    assert [] == deeds(call, Woken(), 8.0)
    stalled, sent = deeds(call, Woken(), 12.0)
    assert Cancel(0, "stalled", "it fell silent") == stalled
    assert Send(1, candidate("b"), "handover", "A") == sent


def test_nothing_but_the_end_happens_at_the_deadline() -> None:
    """Even a call that is done a moment too late is too late."""
    call = call_of()
    deeds(call, Text(0, "A fox"), 59.0)
    reason = "the time was over before the passage was whole"
    assert [Cancel(0, "late", reason), GiveUp("late", reason, "A fox")] == call.on(Done(0), 60.0)


def test_the_only_candidate_is_asked_again_after_a_rest() -> None:
    """Twice as long each time, until the calls are used up."""
    call, now_s, sent = call_of(1), 0.0, 1
    rests_s: list[float] = []
    while not call.ended:
        effects = call.on(Failed(sent - 1, "refused"), now_s)
        wakes = [effect.time_s for effect in effects if isinstance(effect, WakeAt)]
        if not wakes:
            break
        rests_s.append(wakes[0] - now_s)
        now_s = wakes[0]
        assert [Send(sent, candidate("a"), "retry", "")] == deeds(call, Woken(), now_s)
        sent += 1
    assert 5 == sent
    assert all(0.05 * 2**n <= rest <= 0.15 * 2**n for n, rest in enumerate(rests_s))


def test_a_busy_device_is_asked_again_when_it_said() -> None:
    """Where no other one is left."""
    call = call_of(2)
    deeds(call, Failed(0, "busy", retry_after_s=3.0), 0.0)
    assert [] == deeds(call, Failed(1, "reset"), 1.0)
    assert [WakeAt(3.0)] == call.on(Woken(), 1.5)
    assert [Send(2, candidate("a"), "retry", "")] == deeds(call, Woken(), 3.0)


def test_silence_is_counted_from_the_opening_at_the_earliest() -> None:
    """News of the opening that comes after the first piece, even long after, wakes nobody in the past."""
    call = call_of(2, hedge_after_s=None)
    assert [Send(1, candidate("b"), "retry", "")] == deeds(call, Failed(0, "reset"), 0.1)
    call.on(Text(1, ""), 0.2)
    call.on(Woken(), 5.0)
    assert [WakeAt(11.5)] == call.on(Opened(1), 6.5)


def test_no_candidate_that_failed_is_asked_twice() -> None:
    """Two that failed are two that failed."""
    call = call_of(2)
    deeds(call, Failed(0, "reset"), 0.1)
    assert [GiveUp("reset", "gone", "")] == deeds(call, Failed(1, "reset", "gone"), 0.2)


def test_extra_calls_are_paid() -> None:
    """Where the gateway has none left, the first failure stands; one that was not sent is not paid."""
    assert [GiveUp("reset", "", "")] == deeds(call_of(retries=0.0), Failed(0, "reset"), 0.1)
    call = call_of(retries=1.0)
    deeds(call, Failed(0, "reset"), 0.1)
    assert [Send(2, candidate("c"), "retry", "")] == deeds(call, Failed(1, "busy", sent=False), 0.1)


def test_a_call_beyond_the_budget_ends_it_where_nothing_else_runs() -> None:
    """A hedge that cannot be paid leaves the first call alone."""
    call = call_of()
    deeds(call, Woken(), 1.0)
    assert [] == deeds(call, Unpaid(1), 1.0)
    assert isinstance(deeds(call, Failed(0, "reset"), 1.1)[0], Send)
    assert [GiveUp("rejected", "the budget does not allow the call", "")] == deeds(call, Unpaid(2), 1.1)


def test_a_client_that_leaves_ends_everything() -> None:
    """All calls under way are cancelled, and nobody was outpaced."""
    call = call_of()
    deeds(call, Woken(), 1.0)
    assert [Cancel(n, "cancelled", "the caller left") for n in (0, 1)] == call.on(ClientLeft(), 1.1)


def test_the_allowance_follows_the_calls() -> None:
    """A fifth of them, and a burst."""
    allowance = Allowance(ratio=0.2, burst=3.0)
    assert [True, True, True, False] == [allowance.take() for _ in range(4)]
    taken = 0
    for _ in range(100):
        allowance.offered()
        taken += allowance.take()
    assert 19 <= taken <= 20
    allowance.refund()
    assert allowance.take()


@dataclass
class Flown:
    """A call as the world sees it."""

    send: Send
    given: int
    ends: list[str] = field(default_factory=list)


class AnyCourse(RuleBasedStateMachine):
    """Whatever devices, clock and client do, in whichever order."""

    @initialize(
        num=st.integers(1, 4),
        shows=st.booleans(),
        continues=st.booleans(),
        retries=st.integers(0, 5),
        hedges=st.integers(0, 2),
        hedge_after_s=st.none() | st.floats(0.1, 4.0),
    )
    def begin(
        self,
        num: int,
        shows: bool,
        continues: bool,
        retries: int,
        hedges: int,
        hedge_after_s: float | None,
    ) -> None:
        """Begin a passage."""
        patience = Patience(first_text_s=5.0, hedge_after_s=hedge_after_s, hedge_total_s=hedge_after_s)
        rules = CallRules(deadline_s=60.0, patience=(patience,) * num, shows=shows, continues=continues)
        self.agreed, self.num, self.extra = rules, num, retries + hedges
        self.call = Call(
            [candidate(name) for name in "abcde"[:num]],
            rules,
            retries=Allowance(ratio=0.0, burst=float(retries)),
            hedges=Allowance(ratio=0.0, burst=float(hedges)),
            chance=random.Random(0),
        )
        self.now_s, self.wake_s = 0.0, float("inf")
        self.flown: dict[int, Flown] = {}
        self.shown, self.over, self.result = "", False, ""
        self.left = False
        self.tell(Begin())

    def tell(self, event: Event) -> None:
        """Tell the machine, and hold what it does against the rules."""
        if (
            isinstance(event, Done | Failed | Unpaid)
            and (flown := self.flown[event.attempt])
            and not flown.ends
        ):
            flown.ends.append(type(event).__name__)
        for effect in self.call.on(event, self.now_s):
            assert not self.over, "nothing happens after the end"
            match effect:
                case Send():
                    assert self.now_s < self.agreed.deadline_s
                    assert effect.attempt not in self.flown
                    assert effect.begun == "" or self.agreed.continues
                    assert STORY.startswith(effect.begun)
                    assert len([one for one in self.flown.values() if not one.ends]) <= 1
                    if self.shown:
                        assert effect.begun == self.shown
                    self.flown[effect.attempt] = Flown(effect, len(effect.begun))
                case Cancel():
                    assert self.flown[effect.attempt].ends == []
                    self.flown[effect.attempt].ends.append("Cancel")
                case WakeAt():
                    assert effect.time_s <= self.agreed.deadline_s
                    assert self.now_s <= effect.time_s or self.now_s >= self.agreed.deadline_s  # at once
                    self.wake_s = effect.time_s
                case Deliver():
                    assert self.agreed.shows
                    self.shown += effect.piece
                case Finish():
                    self.over, self.result = True, effect.text
                case GiveUp():
                    self.over, self.result = True, effect.text
        self.left = self.left or isinstance(event, ClientLeft)

    def flying(self) -> list[int]:
        """List the calls under way."""
        return [number for number, flown in self.flown.items() if not flown.ends]

    @precondition(lambda self: self.flying())
    @rule(pick=st.integers(0, 9), size=st.integers(0, 9))
    def writes(self, pick: int, size: int) -> None:
        """A device writes on, from where it was told to."""
        number = self.flying()[pick % len(self.flying())]
        flown = self.flown[number]
        piece = STORY[flown.given : flown.given + size]
        flown.given += len(piece)
        self.tell(Text(number, piece))

    @precondition(lambda self: self.flying())
    @rule(pick=st.integers(0, 9))
    def opens(self, pick: int) -> None:
        """A call gets to its device."""
        self.tell(Opened(self.flying()[pick % len(self.flying())]))

    @precondition(lambda self: self.flying())
    @rule(pick=st.integers(0, 9))
    def ends(self, pick: int) -> None:
        """A device is done."""
        self.tell(Done(self.flying()[pick % len(self.flying())]))

    @precondition(lambda self: self.flying())
    @rule(
        pick=st.integers(0, 9),
        outcome=st.sampled_from(["refused", "reset", "failed", "busy", "rejected", "garbage"]),
        after_s=st.none() | st.floats(0.0, 100.0),
        sent=st.booleans(),
    )
    def fails(self, pick: int, outcome: Outcome, after_s: float | None, sent: bool) -> None:
        """A device fails."""
        number = self.flying()[pick % len(self.flying())]
        wrote = self.flown[number].given > len(self.flown[number].send.begun)
        self.tell(Failed(number, outcome, "", after_s, sent or wrote))

    @precondition(lambda self: self.flying())
    @rule(pick=st.integers(0, 9))
    def cannot_be_paid(self, pick: int) -> None:
        """The budget is used up."""
        number = self.flying()[pick % len(self.flying())]
        if self.flown[number].given == len(self.flown[number].send.begun):
            self.tell(Unpaid(number))

    @precondition(lambda self: self.flown)
    @rule(pick=st.integers(0, 9))
    def is_heard_of_late(self, pick: int) -> None:
        """A call that has ended says something more."""
        number = pick % len(self.flown)
        if self.flown[number].ends:
            for event in (Text(number, "late"), Opened(number), Failed(number, "reset"), Done(number)):
                assert not [
                    effect for effect in self.call.on(event, self.now_s) if not isinstance(effect, WakeAt)
                ]

    @rule(seconds=st.floats(0.0, 6.0))
    def waits(self, seconds: float) -> None:
        """Time passes; the machine is woken when it wanted."""
        end_s = self.now_s + seconds
        while not self.over and not self.left and self.wake_s <= end_s:
            self.now_s, self.wake_s = max(self.now_s, self.wake_s), float("inf")
            self.tell(Woken())
        self.now_s = end_s

    @rule()
    def is_woken_early(self) -> None:
        """A timer that comes too soon harms nothing."""
        self.tell(Woken())

    @precondition(lambda self: len(self.flown) > 1)
    @rule()
    def leaves(self) -> None:
        """The client leaves."""
        self.tell(ClientLeft())

    @invariant()
    def holds(self) -> None:
        """What always holds."""
        if not hasattr(self, "call"):
            return
        assert STORY.startswith(self.shown)
        assert all(len(flown.ends) <= 1 for flown in self.flown.values())
        assert not (self.over or self.left) or not self.flying()
        assert self.over or self.left or self.flying() or self.wake_s <= self.agreed.deadline_s
        if self.over:
            assert STORY.startswith(self.result)
            assert self.result.startswith(self.shown)

    def teardown(self) -> None:
        """Let the time run out: the machine ends by itself, and no later than the deadline."""
        if hasattr(self, "call") and not self.left:
            while not self.over:
                assert self.wake_s <= self.agreed.deadline_s or self.now_s >= self.agreed.deadline_s
                self.now_s, self.wake_s = max(self.now_s, min(self.wake_s, 60.0)), float("inf")
                self.tell(Woken())
            self.holds()


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=250, stateful_step_count=40, deadline=None)
