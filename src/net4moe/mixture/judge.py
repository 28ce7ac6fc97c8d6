"""Judges: a text in, a score from 0 to 10 out, or the reason why there is none."""

from dataclasses import replace
from typing import Protocol

from net4moe.chat import ChatModel, ChatRequest, Token
from net4moe.mixture import readings, wording
from net4moe.mixture.orders import without_orders
from net4moe.mixture.records import Kind, Score

__all__ = ["ExplicitJudge", "Judge"]

_LEAST_MASS = 0.5
_TOP = 20


class Judge(Protocol):
    """Anything that scores texts."""

    @property
    def name(self) -> str:
        """Kind of judge, model and version of the wording, as it stands beside every score."""
        ...

    async def score(self, text: str, *, about: str, kind: Kind) -> Score:
        """Score a text about something; never guess."""
        ...


class ExplicitJudge:
    """The explicit score of arXiv:2304.00723, read as an expectation where the endpoint allows it.

    With log-probabilities the score is the expectation over the whole numbers from 0 to 10 at the place of
    the number; without, the number in the reply. A reply that holds neither leaves the text unscored.
    Sentences that speak to the judge are not judged.
    """

    def __init__(self, model: ChatModel) -> None:
        self.model = model
        self.name = f"explicit, {model.name}, wording {wording.VERSION}"

    async def score(self, text: str, *, about: str, kind: Kind) -> Score:
        """Score one text.

        Raises:
          ChatError: the model could not be reached or refused.
        """
        if not text.strip():
            return self._unscored("the text is empty", 0.0)
        text = without_orders(text)
        about = without_orders(about) or "anything"
        if not text:
            return self._unscored("the text only asks for a score", 0.0)
        abilities = self.model.capabilities
        if abilities.logprobs and abilities.continues_reply:
            return await self._continued(text, about, kind)
        return await self._answered(text, about, kind)

    async def _continued(self, text: str, about: str, kind: Kind) -> Score:
        """Read the probabilities after the cue; where 10 is two tokens, read what follows the 1 as well."""
        top, price_usd = await self._top(wording.score(text, about, kind, cue="Score: "))
        chances = readings.score_chances(top)
        if chances.get(1) and 10 not in chances:
            after_one, more_usd = await self._top(wording.score(text, about, kind, cue="Score: 1"))
            ten = readings.score_chances(after_one).get(0, 0.0)
            chances |= {1: chances[1] * (1 - ten), 10: chances[1] * ten}
            price_usd += more_usd
        mass = sum(chances.values())
        if mass < _LEAST_MASS:
            reason = f"only {mass:.0%} of the probability lies on numbers from 0 to 10"
            return self._unscored(reason, price_usd)
        return self._scored(_expectation(chances), price_usd)

    async def _answered(self, text: str, about: str, kind: Kind) -> Score:
        request = wording.score(text, about, kind)
        if self.model.capabilities.logprobs:
            request = _with_top(request)
        reply = await self.model.reply(request)
        for top in reply.top:
            chances = readings.score_chances(top)
            if sum(chances.values()) >= _LEAST_MASS and 10 in chances:
                return self._scored(_expectation(chances), reply.price_usd)
        value = readings.number_in(reply.text)
        if value is None or not 0 <= value <= 10:
            reason = f"the reply holds no score from 0 to 10: {reply.text.strip()[:80]!r}"
            return self._unscored(reason, reply.price_usd)
        return self._scored(value, reply.price_usd)

    async def _top(self, request: ChatRequest) -> tuple[tuple[Token, ...], float]:
        reply = await self.model.reply(_with_top(request))
        return (reply.top[0] if reply.top else ()), reply.price_usd

    def _scored(self, value: float, price_usd: float) -> Score:
        return Score(value=value, unscored_reason="", judge=self.name, price_usd=price_usd)

    def _unscored(self, reason: str, price_usd: float) -> Score:
        return Score(value=None, unscored_reason=reason, judge=self.name, price_usd=price_usd)


def _with_top(request: ChatRequest) -> ChatRequest:
    return replace(request, top_logprobs=_TOP)


def _expectation(chances: dict[int, float]) -> float:
    return sum(number * chance for number, chance in chances.items()) / sum(chances.values())
