"""The ways to answer, with scripted models: what is shared, what everything takes, and who is scored how."""

import asyncio
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from net4moe.chat import Capabilities, ChatRequest, Reply, Request, ScriptedChatModel, TextRequest, Token
from net4moe.errors import ChatRejected, NoDevice, ReplyError
from net4moe.mixture import Assessment, Costs, Decision, Expert, Gate, Prompt, Score, Subtask
from net4moe.mixture.records import Kind
from net4moe.mixture.seeds import seed_of
from net4moe.study.quality import Draw
from net4moe.study.quality.arms import drawn
from net4moe.study.quality.team import ARMS, Energy, Team

PROMPT = Prompt(id="p0", text="A fox sails and a hen sings.")
OTHER = Prompt(id="p1", text="A cat cooks and a dog eats.")
CONTINUES = Capabilities(structured=False, logprobs=True, continues_text=True, continues_reply=True)

NEEDS = {
    "assessments": [
        {"words": 30, "relevance": {"mystery": 1, "romance": 0}},
        {"words": 40, "relevance": {"mystery": 0, "romance": 1}},
    ]
}

PLACES = {
    "whole": ("tower",),
    "random": ("tower", "tower"),
    "strongest": ("phone", "tower"),
    "ours": ("phone", "tower"),
    "free": ("tower", "phone"),
}


class Log:
    """What happened, in order: what was asked of writers, and what was scored."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.links: list[tuple[str, int]] = []


class Fixed:
    """A placement that was told who takes what.

    A word costs 0.25 to compute, and 0.5 and an eighth of a second to send. The time is told of the user's own
    device as well, which is not on the air.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def place(
        self, subtasks: Sequence[Subtask], assessments: Sequence[Sequence[Assessment]]
    ) -> tuple[Decision, ...]:
        """Place as told."""
        for subtask, candidates in zip(subtasks, assessments, strict=True):
            assert {subtask.index} == {one.subtask_index for one in candidates}
        return tuple(
            Decision(
                subtask_index=subtask.index,
                expert=name,
                device=f"d-{name}",
                is_local=name == "phone",
                snr_db=None,
                expected=Costs(),
                reason="told to",
            )
            for subtask, name in zip(subtasks, self._names, strict=True)
        )

    def settle(self, decision: Decision, words: int) -> Costs:
        """Charge the words."""
        return Costs(
            load_bits=48.0 * words,
            transfer_s=0.125 * words,
            transfer_cost=0.0 if decision.is_local else 0.5 * words,
            compute_cost=0.25 * words,
        )


class Scripted:
    """A judge that scores texts by a function and says nothing of those it gives None."""

    name = "scripted judge"

    def __init__(self, value: Callable[[str], float | None], log: Log) -> None:
        self.batches: list[tuple[str, ...]] = []
        self._value = value
        self._log = log

    async def score(self, texts: Sequence[str], *, about: str, kind: Kind) -> tuple[Score, ...]:
        """Score as told."""
        assert "story" == kind
        self.batches.append(tuple(texts))
        self._log.events.append(("score", about))
        values = [self._value(text) for text in texts]
        return tuple(
            Score(value=value, unscored_reason="" if value is not None else "no idea", judge=self.name)
            for value in values
        )


def by_content(text: str) -> float:
    """Score a text by its bytes, so that no two are alike."""
    return zlib.crc32(text.encode()) % 10_000 / 1_000


def fused(request: Request) -> Reply:
    """Play the gate: two halves, 30 and 40 words, and passages with `Then` between them."""
    assert isinstance(request, ChatRequest)
    asked = request.messages[-1].content
    if "assessments" in request.schema:
        text = json.dumps(NEEDS)
    elif request.schema:
        parts = re.findall(r"<<<(.*?)>>>", asked)[0].rstrip(".").split(" and ")
        text = json.dumps({"kind": "story", "subtasks": parts})
    else:
        text = " Then ".join(re.findall(r"Passage \d+: <<<(.*?)>>>", asked))
    return Reply(text=text, finish_reason="stop", prompt_tokens=5, completion_tokens=10, seconds=0.5)


def expert(name: str, field: str, log: Log, *, tokens: int = 20, seconds: float = 1.0, **more: Any) -> Expert:
    """Make a writer of four words that depend on all that was asked; reads 10 tokens."""

    def write(request: Request) -> Reply:
        assert isinstance(request, ChatRequest)
        asked = request.messages[-1].content
        log.events.append(("write", asked.partition("\n")[0]))
        text = f"{name.capitalize()} wrote {zlib.crc32(f'{request.seed} {asked}'.encode())} lines."
        return Reply(
            text=text, finish_reason="stop", prompt_tokens=10, completion_tokens=tokens, seconds=seconds
        )

    return Expert(
        **{"name": name, "field": field, "model": ScriptedChatModel(write, name=f"m-{name}")} | more
    )


def team(
    log: Log | None = None,
    *,
    value: Callable[[str], float | None] = by_content,
    places: Mapping[str, Sequence[str]] = PLACES,
    **changes: Any,
) -> Team:
    """Make a phone that writes 20 tokens at 4 a joule, and a tower that writes 40 at 5 and sends at 8 W."""
    log = log or Log()
    experts = {
        "phone": expert("phone", "mystery", log),
        "tower": expert("tower", "romance", log, tokens=40, seconds=2.0),
    }
    names: Mapping[str, Sequence[str]] = {
        **places,
        **{f"expert {name}": (name,) for name in (*experts, *changes.get("experts", {}))},
    }

    def placement(key: str) -> Callable[[int], Fixed]:
        def made(links: int) -> Fixed:
            log.links.append((key, links))
            return Fixed(names[key])

        return made

    fields: dict[str, Any] = {
        "gate": Gate(model=ScriptedChatModel(fused)),
        "experts": experts,
        "judge": Scripted(value, log),
        "held_out": None,
        "placements": {key: placement(key) for key in names},
        "local": "phone",
        "local_units": 2.0,
        "best": "tower",
        "energy": {
            "phone": Energy(tokens_per_j=4.0, radio_w=100.0),
            "tower": Energy(tokens_per_j=5.0, radio_w=8.0),
        },
    }
    return Team(**(fields | changes))


def draws_of(some: Team, *prompts: Prompt, **options: Any) -> tuple[Draw, ...]:
    """Have all arms answer, with two local texts unless told otherwise."""
    fields: dict[str, Any] = {"num_local": 2, "seed": 7} | options
    return asyncio.run(drawn(some, prompts or (PROMPT,), **fields))


def of(draws: Sequence[Draw], arm: str, number: int = 0, prompt_id: str = "p0") -> Draw:
    """Look up a draw."""
    (found,) = [one for one in draws if (one.arm, one.number, one.prompt_id) == (arm, number, prompt_id)]
    return found


def requests_of(model: object) -> list[ChatRequest]:
    """Look up what a scripted model was asked."""
    assert isinstance(model, ScriptedChatModel)
    return [request for request in model.requests if isinstance(request, ChatRequest)]


def test_every_arm_draws_for_every_prompt() -> None:
    """One text each, three of the local ones; prompt by prompt."""
    draws = draws_of(team(), PROMPT, OTHER, num_local=3)
    expected = Counter({arm.key: 1 for arm in ARMS} | {"local_n": 3})
    for prompt, own in zip(
        (PROMPT, OTHER), (draws[: len(draws) // 2], draws[len(draws) // 2 :]), strict=True
    ):
        assert {prompt.id} == {one.prompt_id for one in own}
        assert expected == Counter(one.arm for one in own)
        assert [0, 1, 2] == sorted(one.number for one in own if one.arm == "local_n")


def test_shared_texts_are_written_fused_and_scored_once() -> None:
    """Strongest link and ours place alike: the same bytes, and no call is made twice."""
    some = team()
    draws = draws_of(some)
    assert of(draws, "strongest").text == of(draws, "ours").text
    assert of(draws, "local").text == of(draws, "local_n").text != of(draws, "local_n", 1).text
    phone, tower, gate = (
        requests_of(model)
        for model in (some.experts["phone"].model, some.experts["tower"].model, some.gate.model)
    )
    # Two local texts, one for the panel and both subtasks; everything, twice, the panel's and both subtasks.
    assert (5, 5) == (len(phone), len(tower))
    # Split, assessed, and fused for ours (strongest as well), random, free and the panel.
    assert 2 + 4 == len(gate)
    assert {1} == set(Counter((*phone, *tower, *gate)).values())
    assert isinstance(some.judge, Scripted)
    ((*scored,),) = some.judge.batches
    assert sorted({one.text for one in draws}) == sorted(scored)


PASSAGE_ON_PHONE = (1, 30, 5.0, 0.0, 1.0, 1.0)
"""20 of 30 tokens written at 4 a joule; no air; four words at 0.25 to compute."""

PASSAGE_ON_TOWER = (1, 50, 12.0, 0.5, 3.0, 2.0)
"""40 of 50 tokens at 5 a joule, and half a second at 8 W; four words at 0.25 and at 0.5."""

FUSING = (1, 15, 2.5, 0.0, 0.0, 0.5)
"""10 of 15 tokens written on the phone."""

SPLITTING = (2, 30, 5.0, 0.0, 0.0, 1.0)
"""Two calls like that: split and assess."""


@pytest.mark.parametrize(
    ("arm", "parts"),
    [
        ("local", [PASSAGE_ON_PHONE]),
        ("local_n", [PASSAGE_ON_PHONE]),
        ("alone", [PASSAGE_ON_TOWER]),
        ("ours", [SPLITTING, PASSAGE_ON_PHONE, PASSAGE_ON_TOWER, FUSING]),
        ("strongest", [SPLITTING, PASSAGE_ON_PHONE, PASSAGE_ON_TOWER, FUSING]),
        ("fused", [SPLITTING, PASSAGE_ON_PHONE, PASSAGE_ON_TOWER]),
        ("free", [SPLITTING, PASSAGE_ON_PHONE, PASSAGE_ON_TOWER, FUSING]),
        ("random", [SPLITTING, PASSAGE_ON_TOWER, PASSAGE_ON_TOWER, FUSING]),
        ("panel", [PASSAGE_ON_PHONE, PASSAGE_ON_TOWER, FUSING]),
    ],
)
def test_bills_by_hand(arm: str, parts: list[tuple[float, ...]]) -> None:
    """Calls, tokens, joules, seconds on the air, cost and seconds, each the sum of the parts."""
    one = of(draws_of(team()), arm)
    assert [sum(column) for column in zip(*parts, strict=True)] == [
        one.calls,
        one.tokens,
        one.joules,
        one.air_s,
        one.cost,
        one.seconds,
    ]


def test_what_is_written_twice_is_paid_twice() -> None:
    """A model that first says nothing is asked again: both calls' tokens and seconds are on the bill."""
    silent = iter([True])

    def answer(request: Request) -> Reply:
        if next(silent, False):
            return Reply(text=" ", finish_reason="stop", prompt_tokens=10, completion_tokens=4, seconds=1.0)
        text = f"Phone wrote {zlib.crc32(str(request).encode())} lines."
        return Reply(text=text, finish_reason="stop", prompt_tokens=10, completion_tokens=20, seconds=1.0)

    log = Log()
    phone = expert("phone", "mystery", log, model=ScriptedChatModel(answer))
    some = team(log)
    experts = dict(some.experts) | {"phone": phone}
    one = of(draws_of(replace(some, experts=experts)), "local")
    assert (44, 24 / 4, 2.0) == (one.tokens, one.joules, one.seconds)


@pytest.mark.parametrize(("local_units", "words"), [(2.0, 20), (5.0, 50), (14.0, 140), (1e6, 140)])
def test_the_local_text_is_what_the_device_can_do(local_units: float, words: int) -> None:
    """A tenth of a unit for a word: two units are twenty words, of a broad writer as well.

    All subtasks together want 70 words, of which a writer that takes twice as many makes 140; never more.
    """
    log = Log()
    broad = expert("phone", "mystery", log, verbosity=2.0)
    tower = expert("tower", "romance", log)
    some = team(log, experts={"phone": broad, "tower": tower}, local_units=local_units)
    draws_of(some, num_local=1)
    local = requests_of(broad.model)[0]
    assert f"{PROMPT.text}\n\nWrite one vivid paragraph ({words} words)" == local.messages[-1].content


def test_local_texts_are_different_samples() -> None:
    """The same question with other seeds, on the user's own device."""
    some = team()
    draws = draws_of(some, num_local=4)
    local = requests_of(some.experts["phone"].model)[:4]
    assert 1 == len({request.messages for request in local})
    assert 4 == len({request.seed for request in local})
    assert 4 == len({of(draws, "local_n", number).text for number in range(4)})


def test_one_expert_writes_everything() -> None:
    """The one that scored best before, in one call of all the words that the subtasks want."""
    some = team()
    draws = draws_of(some)
    assert of(draws, "alone").text.startswith("Tower wrote")
    asked = [request.messages[-1].content for request in requests_of(some.experts["tower"].model)]
    assert f"{PROMPT.text}\n\nWrite one vivid paragraph (70 words)" in asked


@pytest.mark.parametrize(("num_more", "words"), [(0, 35), (2, 20)])
def test_the_panel_shares_the_words(num_more: int, words: int) -> None:
    """70 words for two experts are 35 each; for four they would be 17.5, and nobody is asked for less than 20."""
    log = Log()
    experts = {
        name: expert(name, field, log)
        for name, field in list(
            {"phone": "mystery", "tower": "romance", "barn": "mystery", "mill": "romance"}.items()
        )[: 2 + num_more]
    }
    energy = dict.fromkeys(experts, Energy(tokens_per_j=4.0, radio_w=8.0))
    draws = draws_of(team(log, experts=experts, energy=energy))
    for one in experts.values():
        asked = [request.messages[-1].content for request in requests_of(one.model)]
        assert f"{PROMPT.text}\n\nWrite one vivid paragraph ({words} words)" in asked
    panel = of(draws, "panel")
    assert 2 + num_more + 1 == panel.calls
    assert all(f"{name.capitalize()} wrote" in panel.text for name in experts)


def test_fused_otherwise_are_the_passages_of_ours() -> None:
    """A paragraph each; ours has the gate's words between the same ones."""
    draws = draws_of(team())
    first, second = of(draws, "fused").text.split("\n\n")
    assert (True, True) == (first.startswith("Phone wrote"), second.startswith("Tower wrote"))
    assert f"{first} Then {second}" == of(draws, "ours").text
    assert [4, 4, 8, 9] == [of(draws, arm).words for arm in ("local", "alone", "fused", "ours")]


def test_one_subtask_needs_no_fusing() -> None:
    """The passage is the text; nobody is paid for joining, only for splitting."""

    def single(request: Request) -> Reply:
        reply = fused(request)
        assert isinstance(request, ChatRequest)
        if "assessments" in request.schema:
            return replace(reply, text=json.dumps({"assessments": NEEDS["assessments"][:1]}))
        return (
            replace(reply, text='{"kind": "story", "subtasks": ["a fox sails"]}') if request.schema else reply
        )

    some = team(
        gate=Gate(model=ScriptedChatModel(single)), places={key: names[:1] for key, names in PLACES.items()}
    )
    draws = draws_of(some)
    assert of(draws, "ours").text == of(draws, "fused").text
    assert (3, 10.0) == (of(draws, "ours").calls, of(draws, "ours").joules)
    assert of(draws, "random").text == of(draws, "free").text


def test_the_upper_bound_is_the_best_of_all() -> None:
    """Its text, score and bill are those of the best-scored draw, whichever arm it comes from."""
    for seed in range(5):
        draws = draws_of(team(), seed=seed)
        best = max(
            (one for one in draws if one.arm != "upper"), key=lambda one: (one.value or 0.0, -one.cost)
        )
        assert replace(best, arm="upper", number=0) == of(draws, "upper")


def test_of_equally_good_texts_the_cheapest_is_the_bound() -> None:
    """The phone's text costs 1, all others more."""
    draws = draws_of(team(value=lambda _: 6.0))
    upper = of(draws, "upper")
    assert (6.0, 1.0, of(draws, "local").text) == (upper.value, upper.cost, upper.text)


def test_an_unscored_text_stays_unscored() -> None:
    """With the reason, never 0, and it is not the bound; others keep their scores."""
    draws = draws_of(team(value=lambda text: None if "Then" in text else 3.0))
    for arm in ("ours", "strongest", "random", "free", "panel"):
        assert (None, "no idea") == (of(draws, arm).value, of(draws, arm).unscored_reason)
    for arm in ("local", "alone", "fused", "upper"):
        assert (3.0, "") == (of(draws, arm).value, of(draws, arm).unscored_reason)


def test_where_nothing_is_scored_there_is_no_bound_either() -> None:
    """It is unscored like the rest."""
    draws = draws_of(team(value=lambda _: None))
    assert {(None, "no idea")} == {(one.value, one.unscored_reason) for one in draws}


def test_the_second_judge_decides_nothing() -> None:
    """Its scores stand beside the first one's; the bound is chosen by the first."""
    log = Log()
    held_out = Scripted(lambda text: None if "Then" in text else 10.0 - by_content(text), log)
    draws = draws_of(team(log, held_out=held_out))
    plain = draws_of(team())
    assert [replace(one, held_out=None) for one in draws] == list(plain)
    for one in draws:
        expected = None if "Then" in one.text else 10.0 - by_content(one.text)
        assert expected == one.held_out
    assert [sorted({one.text for one in draws})] == [sorted(batch) for batch in held_out.batches]


@pytest.mark.parametrize("in_flight", [1, 8])
def test_everything_is_written_before_anything_is_scored(in_flight: int) -> None:
    """No score can sway a text; with one prompt at a time the second begins after the first."""
    log = Log()
    draws_of(team(log), PROMPT, OTHER, in_flight=in_flight)
    what = [event for event, _ in log.events]
    assert ["write"] * 20 + ["score"] * 2 == what
    about = [text for _, text in log.events[:20]]
    assert (in_flight == 1) == (about == [PROMPT.text] * 10 + [OTHER.text] * 10)


def test_all_arms_have_the_same_links() -> None:
    """Of a prompt; another prompt has others."""
    log = Log()
    draws_of(team(log), PROMPT, OTHER)
    expected = {seed_of(7, prompt.text, "links") for prompt in (PROMPT, OTHER)}
    assert 2 == len(expected)
    assert set(PLACES) | {"expert phone", "expert tower"} == {key for key, _ in log.links}
    for key in {key for key, _ in log.links}:
        assert expected == {links for name, links in log.links if name == key}


def test_the_seed_decides() -> None:
    """The same gives the same to the byte, in whatever order prompts come; another gives other texts."""
    one, turned = draws_of(team(), PROMPT, OTHER), draws_of(team(), OTHER, PROMPT, in_flight=1)
    assert one == (*turned[len(turned) // 2 :], *turned[: len(turned) // 2])
    assert not {draw.text for draw in one} & {draw.text for draw in draws_of(team(), PROMPT, OTHER, seed=8)}


def test_progress_is_told_step_by_step() -> None:
    """A step is a prompt written or scored."""
    told: list[tuple[int, int]] = []
    draws_of(team(), PROMPT, OTHER, on_progress=lambda done, of: told.append((done, of)))
    assert [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)] == told


def test_no_prompts_no_draws() -> None:
    """And nothing breaks."""
    assert () == asyncio.run(drawn(team(), ()))


def small_gate(request: Request) -> Reply:
    """Play a gate that is read: each phrase is a mystery of two steps, and links are one sentence."""
    if isinstance(request, TextRequest):
        word = "2" if request.text.endswith("Length: ") else " mystery"
        top = ((Token(text=word, logprob=0.0),),)
        return Reply(
            text=word, finish_reason="length", prompt_tokens=1, completion_tokens=1, seconds=0.0, top=top
        )
    link = "Meanwhile clouds gathered over Gotham harbour."
    return Reply(text=link, finish_reason="stop", prompt_tokens=5, completion_tokens=10, seconds=0.5)


def test_the_prompt_whole_goes_to_one() -> None:
    """One passage of all the words, on the bill of the gate that split it for nothing."""
    draws = draws_of(team())
    whole = of(draws, "whole")
    assert [sum(column) for column in zip(SPLITTING, PASSAGE_ON_TOWER, strict=True)][:3] == [
        whole.calls,
        whole.tokens,
        whole.joules,
    ]


def test_a_small_gate_joins_and_links_on_trial() -> None:
    """Ours is joined at no charge; fused otherwise it gets a sentence between the passages, for a call."""
    some = team(gate=Gate(model=ScriptedChatModel(small_gate, capabilities=CONTINUES), max_subtasks=2))
    draws = draws_of(some)
    first, second = of(draws, "ours").text.split("\n\n")
    link = "Meanwhile clouds gathered over Gotham harbour."
    assert f"{first} {link}\n\n{second}" == of(draws, "fused").text
    assert (6, 7) == (of(draws, "ours").calls, of(draws, "fused").calls)  # four readings split and assess
    panel = of(draws, "panel")
    assert ["Phone", "Tower"] == [text.split()[0] for text in panel.text.split("\n\n")]
    assert (2, 17.0) == (panel.calls, panel.joules)


@pytest.mark.parametrize("who", [("phone",), ("tower",), ("phone", "tower")])
def test_errors_of_models_pass_through(who: tuple[str, ...]) -> None:
    """One, the other, or both at once: the error itself, and nothing is scored."""

    def refuse(_: Request) -> Reply:
        msg = "the key is wrong"
        raise ChatRejected(msg)

    log = Log()
    some = team(log)
    experts = {
        name: replace(one, model=ScriptedChatModel(refuse)) if name in who else one
        for name, one in some.experts.items()
    }
    with pytest.raises(ChatRejected, match="the key is wrong"):
        draws_of(replace(some, experts=experts), PROMPT, OTHER)
    assert not [event for event in log.events if event[0] == "score"]


def test_a_silent_expert_is_an_error() -> None:
    """No empty passage is fused or scored."""
    some = team()
    experts = dict(some.experts)
    experts["tower"] = replace(experts["tower"], model=ScriptedChatModel(lambda _: " "))
    with pytest.raises(ReplyError, match="expert 'tower'"):
        draws_of(replace(some, experts=experts))


def test_a_subtask_that_fits_nowhere() -> None:
    """The placement says so, and nobody guesses."""

    class Nowhere(Fixed):
        def place(
            self, subtasks: Sequence[Subtask], assessments: Sequence[Sequence[Assessment]]
        ) -> tuple[Decision, ...]:
            msg = "nobody can take subtask 1"
            raise NoDevice(msg)

    some = team()
    with pytest.raises(NoDevice, match="nobody can take subtask 1"):
        draws_of(replace(some, placements=dict(some.placements) | {"ours": lambda _: Nowhere(())}))
