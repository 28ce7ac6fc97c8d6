"""Comparison in pairs: a judge that is asked which of two texts is better, in both orders."""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from net4moe.chat import ChatModel, ChatRequest, Reply
from net4moe.errors import ReplyError
from net4moe.mixture import readings, wording
from net4moe.mixture.judges.calls import Calls, name_of, read_or_reason, refuse_below
from net4moe.mixture.judges.material import MAX_WORDS, Material, prepared, topic
from net4moe.mixture.readings import Option
from net4moe.mixture.records import Aspect, Kind, Score
from net4moe.mixture.waiting import all_or_first_error

__all__ = ["Comparison", "PairwiseJudge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a judge says of two texts, both orders taken together.

    Attributes:
      share: of the first text, from 0, the second is better, to 1, the first is; None where unscored.
      flipped: whether the two orders name different winners; False where one of them names none.
      unscored_reason: why there is no share; empty where there is one.
      judge: kind of judge, model and version of the wording.
      tokens_read: tokens that the model read, over all calls.
      tokens_written: tokens that it wrote.
      seconds: time that the calls took, added up over parallel ones.
      price_usd: price of all calls, USD.
    """

    share: float | None
    flipped: bool
    unscored_reason: str
    judge: str
    tokens_read: int = 0
    tokens_written: int = 0
    seconds: float = 0.0
    price_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What one order says: the share of the text that was shown first, and the likeliest option."""

    share: float
    option: Option


class PairwiseJudge:
    """The pairwise comparison of arXiv:2304.00723: first, second or equal, in both orders, averaged.

    A win counts 1, equal one half, a loss 0; with log-probabilities it is the expectation of that. Each text
    is compared with each other one, and its score is ten times its mean share. So a score says how a text
    stands among those it was given with, and nothing beyond them. Of the tokens, the time and the price of a
    comparison each of its texts bears half.

    Args:
      model: who is asked.
      aspect: what texts are compared in.
      num_tries: calls for each order until the reply can be read, at least 1.
      max_words: words that are shown of a text, at least 2; of a longer one its beginning and its end.
    """

    def __init__(
        self, model: ChatModel, *, aspect: Aspect = "overall", num_tries: int = 2, max_words: int = MAX_WORDS
    ) -> None:
        refuse_below(1, num_tries=num_tries)
        refuse_below(2, max_words=max_words)
        self.model = model
        self.aspect: Aspect = aspect
        self._num_tries = num_tries
        self._max_words = max_words
        self.name = name_of("pairwise", model, aspect)

    async def score(self, texts: Sequence[str], *, about: str, kind: Kind) -> tuple[Score, ...]:
        """Score texts about one thing against each other; a single one is unscored.

        Raises:
          ChatError: the endpoint refused in a way that no waiting helps.
        """
        materials = prepared(texts, max_words=self._max_words)
        usable = [index for index, material in enumerate(materials) if not material.refusal]
        pairs = list(itertools.combinations(usable, 2))
        found = await all_or_first_error(
            [self._compared(materials[i].text, materials[j].text, topic(about), kind) for i, j in pairs]
        )
        met: list[list[_Met]] = [[] for _ in materials]
        for (i, j), comparison in zip(pairs, found, strict=True):
            met[i].append(_Met(comparison=comparison, is_first=True))
            met[j].append(_Met(comparison=comparison, is_first=False))
        return tuple(self._score(material, own) for material, own in zip(materials, met, strict=True))

    async def compare(self, first: str, second: str, *, about: str, kind: Kind) -> Comparison:
        """Compare two texts about one thing, in both orders.

        Raises:
          ChatError: the endpoint refused in a way that no waiting helps.
        """
        materials = prepared((first, second), max_words=self._max_words)
        for name, material in zip(("first", "second"), materials, strict=True):
            if material.refusal:
                return self._unscored(f"of the {name} text: {material.refusal}", Calls(self.model))
        return await self._compared(materials[0].text, materials[1].text, topic(about), kind)

    async def _compared(self, first: str, second: str, about: str, kind: Kind) -> Comparison:
        calls = Calls(self.model)
        abilities = self.model.capabilities
        continued = abilities.logprobs and abilities.continues_reply

        def asked(shown_first: str, shown_second: str) -> ChatRequest:
            return wording.compare(
                shown_first, shown_second, about, kind, aspect=self.aspect, continued=continued
            )

        verdicts = await all_or_first_error(
            [
                read_or_reason(self._verdict(calls, request, continued=continued))
                for request in (asked(first, second), asked(second, first))
            ]
        )
        there, back = verdicts
        if isinstance(there, str):
            return self._unscored(there, calls)
        if isinstance(back, str):
            return self._unscored(back, calls)
        return Comparison(
            share=(there.share + 1 - back.share) / 2,
            flipped=there.option == back.option != "C",
            unscored_reason="",
            judge=self.name,
            tokens_read=calls.tokens_read,
            tokens_written=calls.tokens_written,
            seconds=calls.seconds,
            price_usd=calls.price_usd,
        )

    async def _verdict(self, calls: Calls, request: ChatRequest, *, continued: bool) -> _Verdict:
        if continued:  # the probabilities are the same whatever the seed
            return _weighed(await calls.reply(request))
        read = _weighed if self.model.capabilities.logprobs else _chosen
        return await calls.read(request, read, num_tries=self._num_tries)

    def _unscored(self, reason: str, calls: Calls) -> Comparison:
        return Comparison(
            share=None,
            flipped=False,
            unscored_reason=reason,
            judge=self.name,
            tokens_read=calls.tokens_read,
            tokens_written=calls.tokens_written,
            seconds=calls.seconds,
            price_usd=calls.price_usd,
        )

    def _score(self, material: Material, met: Sequence["_Met"]) -> Score:
        shares = [one.share for one in met if one.share is not None]
        reason = material.refusal
        if not reason and not met:
            reason = "a pairwise judge needs two texts"
        elif not reason and not shares:
            reason = met[0].comparison.unscored_reason
        return Score(
            value=None if reason else 10 * statistics.fmean(shares),
            unscored_reason=reason,
            judge=self.name,
            price_usd=sum(one.comparison.price_usd for one in met) / 2,
            reasons=() if material.refusal else (*_reasons(met, shares), *material.notes),
            tokens_read=sum(one.half(one.comparison.tokens_read) for one in met),
            tokens_written=sum(one.half(one.comparison.tokens_written) for one in met),
            seconds=sum(one.comparison.seconds for one in met) / 2,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Met:
    """A comparison as one of its two texts sees it."""

    comparison: Comparison
    is_first: bool

    @property
    def share(self) -> float | None:
        share = self.comparison.share
        return share if share is None or self.is_first else 1 - share

    def half(self, tokens: int) -> int:
        """Halve whole tokens so that both halves add up."""
        return (tokens + 1) // 2 if self.is_first else tokens // 2


def _reasons(met: Sequence[_Met], shares: Sequence[float]) -> tuple[str, ...]:
    if not shares:
        return ()
    won = sum(share > 0.5 for share in shares)
    lost = sum(share < 0.5 for share in shares)
    reasons = [f"won {won}, drew {len(shares) - won - lost}, lost {lost} of {len(shares)} comparisons"]
    flipped = sum(one.comparison.flipped for one in met)
    if flipped:
        reasons.append(f"{flipped} had another winner in the other order")
    if len(shares) < len(met):
        reasons.append(f"{len(met) - len(shares)} of {len(met)} comparisons gave none")
    return tuple(reasons)


def _weighed(reply: Reply) -> _Verdict:
    chances = readings.option_chances(readings.first_word(reply.top))
    mass = sum(chances.values())
    if mass < readings.LEAST_MASS:
        msg = (
            f"only {mass:.0%} of the probability lies on the options A, B and C: {reply.text.strip()[:80]!r}"
        )
        raise ReplyError(msg)
    likeliest = max(chances, key=chances.__getitem__)
    return _Verdict(share=(chances["A"] + chances["C"] / 2) / mass, option=likeliest)


def _chosen(reply: Reply) -> _Verdict:
    option = readings.option_in(reply.text)
    if option is None:
        msg = f"the reply names none of the options A, B and C: {reply.text.strip()[:80]!r}"
        raise ReplyError(msg)
    return _Verdict(share={"A": 1.0, "B": 0.0, "C": 0.5}[option], option=option)
