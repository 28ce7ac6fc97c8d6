"""The explicit score: a judge that is asked for a number."""

import statistics
from collections.abc import Sequence

from net4moe.chat import ChatModel, ChatRequest, Reply, Token
from net4moe.errors import ReplyError
from net4moe.mixture import readings, wording
from net4moe.mixture.judges.calls import Calls, Reading, judged, name_of, refuse_below, sampled
from net4moe.mixture.judges.material import MAX_WORDS, topic
from net4moe.mixture.records import Aspect, Kind, Score

__all__ = ["ExplicitJudge"]


class ExplicitJudge:
    """The explicit score of arXiv:2304.00723, read as an expectation where the endpoint allows it.

    With log-probabilities the score is the expectation over the whole numbers from 0 to 10 at the place of
    the number; without, the number in the reply, or the mean of several replies. A reply that holds neither
    leaves the text unscored. Sentences that speak to the judge are not judged.

    Args:
      model: who is asked.
      aspect: what is scored.
      num_samples: replies for each text, at least 1; with log-probabilities one says it all.
      num_tries: calls for each reply until it can be read, at least 1.
      max_words: words that are shown of a text, at least 2; of a longer one its beginning and its end.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        aspect: Aspect = "overall",
        num_samples: int = 1,
        num_tries: int = 2,
        max_words: int = MAX_WORDS,
    ) -> None:
        refuse_below(1, num_samples=num_samples, num_tries=num_tries)
        refuse_below(2, max_words=max_words)
        self.model = model
        self.aspect: Aspect = aspect
        self._num_samples = 1 if model.capabilities.logprobs else num_samples
        self._num_tries = num_tries
        self._max_words = max_words
        self.name = name_of("explicit", model, aspect, num_samples=self._num_samples)

    async def score(self, texts: Sequence[str], *, about: str, kind: Kind) -> tuple[Score, ...]:
        """Score texts about one thing, each by itself.

        Raises:
          ChatError: the endpoint refused in a way that no waiting helps.
        """
        abilities = self.model.capabilities
        continued = abilities.logprobs and abilities.continues_reply

        async def read(calls: Calls, text: str) -> Reading:
            return await (self._continued if continued else self._answered)(calls, text, topic(about), kind)

        return await judged(texts, read, judge=self.name, model=self.model, max_words=self._max_words)

    async def _continued(self, calls: Calls, text: str, about: str, kind: Kind) -> Reading:
        """Read the probabilities after the cue; where 10 is two tokens, read what follows the 1 as well."""

        async def chances_after(cue: str) -> dict[int, float]:
            request = wording.score(text, about, kind, aspect=self.aspect, cue=cue)
            return readings.score_chances(_first(await calls.reply(request)))

        chances = await chances_after("Score: ")
        if chances.get(1) and 10 not in chances:
            ten = (await chances_after("Score: 1")).get(0, 0.0)
            chances |= {1: chances[1] * (1 - ten), 10: chances[1] * ten}
        mass = sum(chances.values())
        if mass < readings.LEAST_MASS:
            msg = f"only {mass:.0%} of the probability lies on numbers from 0 to 10"
            raise ReplyError(msg)
        return _expectation(chances)

    async def _answered(self, calls: Calls, text: str, about: str, kind: Kind) -> Reading:
        request = wording.score(text, about, kind, aspect=self.aspect)
        found = await self._found(calls, request)
        if self._num_samples == 1:
            return found[0]
        values = [reading.value for reading in found]
        reasons = [f"replies {', '.join(f'{value:g}' for value in values)}"]
        reasons.append(f"their standard deviation is {statistics.pstdev(values):.2g}")
        if len(found) < self._num_samples:
            reasons.append(f"{self._num_samples - len(found)} of {self._num_samples} replies held no score")
        return Reading(value=statistics.fmean(values), reasons=tuple(reasons))

    async def _found(self, calls: Calls, request: ChatRequest) -> list[Reading]:
        return await sampled(
            calls, request, _number_of, num_samples=self._num_samples, num_tries=self._num_tries
        )


def _first(reply: Reply) -> Sequence[Token]:
    return reply.top[0] if reply.top else ()


def _number_of(reply: Reply) -> Reading:
    value = readings.number_in(reply.text)
    if value is None or not 0 <= value <= 10:
        msg = f"the reply holds no score from 0 to 10: {reply.text.strip()[:80]!r}"
        raise ReplyError(msg)
    chances = readings.likeliest_score(reply.top, value)
    return (
        Reading(value=value, reasons=("the number in the reply",))
        if chances is None
        else _expectation(chances)
    )


def _expectation(chances: dict[int, float]) -> Reading:
    mass = sum(chances.values())
    value = sum(number * chance for number, chance in chances.items()) / mass
    return Reading(
        value=value, reasons=(f"expectation over the numbers from 0 to 10, which hold {mass:.0%}",)
    )
