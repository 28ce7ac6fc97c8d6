"""What a model of 135 million parameters really said, through the readers of the mixture."""

import asyncio
import json
from pathlib import Path

import pytest

from net4moe.chat import Capabilities, Reply, ScriptedChatModel, Token
from net4moe.errors import DecompositionError
from net4moe.mixture import Expert, ExplicitJudge, Gate, Prompt, readings, score_one
from net4moe.mixture.fusion import what_is_missing
from net4moe.mixture.sentences import first_sentence, whole_sentences

_FOLDER = Path(__file__).parents[1] / "recordings"
FIELDS = ("romance", "mystery", "science fiction", "adventure", "comedy", "history", "explanation")


def _recorded(name: str) -> Reply:
    reply = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))["reply"]
    top = tuple(
        tuple(Token(text=text, logprob=logprob) for text, logprob in place) for place in reply.pop("top")
    )
    return Reply(**reply, seconds=0.0, top=top)


def test_every_recording_says_what_it_is() -> None:
    """Model, month, kind of request and what it was about."""
    for path in _FOLDER.glob("*.json"):
        content = json.loads(path.read_text("utf-8"))
        assert {"model", "date", "kind", "about", "reply"} == set(content), path.name


def _likeliest(weights: list[float]) -> str:
    return FIELDS[max(range(len(FIELDS)), key=weights.__getitem__)]


@pytest.mark.parametrize(
    ("field", "name"),
    [("mystery", "routing_murder"), ("science fiction", "routing_mars"), ("romance", "routing_love")],
)
def test_phrases_are_routed(field: str, name: str) -> None:
    """To the right field of seven."""
    assert field == _likeliest(readings.label_chances(_recorded(name).top[0], FIELDS))


def test_lengths_are_read() -> None:
    """Somewhere between 1 and 9, and hardly different for a smile and an empire: no more is claimed of it."""
    for name, expected in (("length_smile", 3.45), ("length_empire", 3.20)):
        assert pytest.approx(expected, abs=0.01) == readings.digit_expectation(_recorded(name).top[0])


def test_the_judge_reads_ten_as_two_tokens() -> None:
    """0.269 of the mass on 1, of which 0.276 goes on to 10; the expectation of the eleven numbers is 4.9."""
    replies = iter((_recorded("judge_continued"), _recorded("judge_after_one")))
    capabilities = Capabilities(structured=False, logprobs=True, continues_text=True, continues_reply=True)
    model = ScriptedChatModel(lambda _: next(replies), capabilities=capabilities)
    score = asyncio.run(score_one(ExplicitJudge(model), "A story.", about="a fox", kind="story"))
    chances = readings.score_chances(_recorded("judge_continued").top[0])
    ten = chances[1] * readings.score_chances(_recorded("judge_after_one").top[0])[0]
    expected = (sum(number * chance for number, chance in chances.items()) + 9 * ten) / sum(chances.values())
    assert pytest.approx(expected) == score.value


def test_a_judge_that_repeats_the_topic_gives_no_score() -> None:
    """Asked in a chat, the model quotes the marks; that is no number."""
    reply = _recorded("judge_answered")
    score = asyncio.run(
        score_one(ExplicitJudge(ScriptedChatModel(lambda _: reply)), "A story.", about="a fox", kind="story")
    )
    assert score.value is None
    assert f"the reply holds no score from 0 to 10: {reply.text.strip()!r}" == score.unscored_reason


@pytest.mark.parametrize(
    ("end", "name"),
    [
        ("by the edge of the alien landscape.", "passage_detective"),
        ("warmth of their human form.", "passage_mars"),
    ],
)
def test_passages_that_were_cut_end_with_a_sentence(end: str, name: str) -> None:
    """The sentence that was cut is taken off."""
    reply = _recorded(name)
    assert "length" == reply.finish_reason
    assert whole_sentences(reply.text).endswith(end)


def test_link_sentences() -> None:
    """The first whole sentence of one; none where none ends."""
    assert (
        "The engineer's gaze settled on the sleek, gleaming exterior of the Mars lander, and their face a mask of "
        "a futuristic robot's."
    ) == first_sentence(_recorded("link_1").text)
    assert "" == first_sentence(_recorded("link_2").text)


def test_a_fusion_that_repeats_itself_is_not_taken() -> None:
    """It was cut, so the gate joins the passages, whatever it holds of them."""
    passages = [whole_sentences(_recorded(name).text) for name in ("passage_detective", "passage_mars")]
    reply = _recorded("fused")
    assert "length" == reply.finish_reason
    assert what_is_missing(reply.text, passages).startswith("dropped passage")


def test_a_tiny_model_asked_for_json() -> None:
    """Free, it tells a story or explains; under a schema it says the same three times, and that passes."""
    experts = [Expert(name=field, field=field, model=ScriptedChatModel(lambda _: "")) for field in FIELDS]
    prompt = Prompt(id="p", text="A detective falls in love with a robot on Mars.")
    for replies in (["decompose_free"] * 2, ["decompose_schema", "assess_free", "assess_free"]):
        left = iter([_recorded(name) for name in replies])
        gate = Gate(model=ScriptedChatModel(lambda _, left=left: next(left)))
        with pytest.raises(
            DecompositionError, match="gave no usable subtasks, twice: the reply: Invalid JSON"
        ):
            asyncio.run(gate.decompose(prompt, experts))
