"""The implicit score: a judge that is asked a question and whose yes and no are weighed."""

import statistics
from collections.abc import Sequence

from net4moe.chat import ChatModel, Reply
from net4moe.errors import ReplyError
from net4moe.mixture import readings, wording
from net4moe.mixture.judges.calls import Calls, Reading, judged, name_of, refuse_below, sampled
from net4moe.mixture.judges.material import MAX_WORDS, topic
from net4moe.mixture.records import Aspect, Kind, Score

__all__ = ["ImplicitJudge"]


class ImplicitJudge:
    """The implicit score of arXiv:2304.00723: how sure a model is that a text is good.

    With log-probabilities, from the probability of yes and of no in all their spellings:

        score = 10 p(yes) / (p(yes) + p(no))

    unscored where both together have less than half of it. Without, ten times the share of yes among several
    replies.

    Args:
      model: who is asked.
      aspect: what is asked about.
      num_samples: replies for each text, at least 1; with log-probabilities one says it all.
      num_tries: calls for each reply until it can be read, at least 1.
      max_words: words that are shown of a text, at least 2; of a longer one its beginning and its end.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        aspect: Aspect = "overall",
        num_samples: int = 5,
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
        self.name = name_of("implicit", model, aspect, num_samples=self._num_samples)

    async def score(self, texts: Sequence[str], *, about: str, kind: Kind) -> tuple[Score, ...]:
        """Score texts about one thing, each by itself.

        Raises:
          ChatError: the endpoint refused in a way that no waiting helps.
        """

        async def read(calls: Calls, text: str) -> Reading:
            return await self._read(calls, text, topic(about), kind)

        return await judged(texts, read, judge=self.name, model=self.model, max_words=self._max_words)

    async def _read(self, calls: Calls, text: str, about: str, kind: Kind) -> Reading:
        abilities = self.model.capabilities
        continued = abilities.logprobs and abilities.continues_reply
        request = wording.question(text, about, kind, aspect=self.aspect, continued=continued)
        if continued:  # the probabilities are the same whatever the seed
            return _weighed(await calls.reply(request))
        if abilities.logprobs:
            return await calls.read(request, _weighed, num_tries=self._num_tries)
        answers = await sampled(
            calls, request, _answer, num_samples=self._num_samples, num_tries=self._num_tries
        )
        reasons = (f"{sum(answers)} of {len(answers)} replies say yes",)
        if len(answers) < self._num_samples:
            lost = self._num_samples - len(answers)
            reasons += (f"{lost} of {self._num_samples} replies were neither yes nor no",)
        return Reading(value=10 * statistics.fmean(answers), reasons=reasons)


def _weighed(reply: Reply) -> Reading:
    yes, no = readings.yes_and_no(readings.first_word(reply.top))
    if yes + no < readings.LEAST_MASS:
        msg = f"only {yes + no:.0%} of the probability lies on yes and no: {reply.text.strip()[:80]!r}"
        raise ReplyError(msg)
    return Reading(
        value=10 * yes / (yes + no), reasons=(f"yes has {yes:.0%} of the probability, no {no:.0%}",)
    )


def _answer(reply: Reply) -> bool:
    answer = readings.says_yes(reply.text)
    if answer is None:
        msg = f"the reply is neither yes nor no: {reply.text.strip()[:80]!r}"
        raise ReplyError(msg)
    return answer
