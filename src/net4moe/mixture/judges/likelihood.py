"""The judge by likelihood: for models that cannot judge when asked, but can read."""

import asyncio
from collections.abc import Sequence

from net4moe.chat import ChatModel, ReadRequest, Token
from net4moe.chat.encoder import Comparison, Likeness, TextEncoder
from net4moe.errors import ReplyError
from net4moe.mixture import wording
from net4moe.mixture.judges.calibration import Calibration, shipped_calibration
from net4moe.mixture.judges.calls import Calls, Reading, judged, refuse_below
from net4moe.mixture.judges.material import topic
from net4moe.mixture.judges.remarks import without_remarks
from net4moe.mixture.judges.signs import signs_of
from net4moe.mixture.records import Kind, Score

__all__ = ["LikelihoodJudge"]

_MAX_WORDS = 600


class LikelihoodJudge:
    """Score texts by how likely a language model finds them.

    Six qualities (fluent, varied, to the subject, finished, coherent, complete) are read from the model's
    log-probabilities and from how near the text lies to its prompt by meaning, each as the probability that the
    text is whole and not damaged in a certain way; the score is their product, scaled to 0 to 10. Nothing is
    asked, so nothing in a text can answer; sentences that try are left out.

    Args:
      model: who reads; it must tell the log-probabilities of given texts.
      encoder: who compares.
      calibration: fitted to the model; the shipped one is fitted to the embedded default model.
      max_words: words that are read of a text, at least 2; of a longer one its beginning and its end.

    Raises:
      ValueError: the model cannot read.
    """

    def __init__(
        self,
        model: ChatModel,
        encoder: TextEncoder,
        calibration: Calibration | None = None,
        *,
        max_words: int = _MAX_WORDS,
    ) -> None:
        refuse_below(2, max_words=max_words)
        if not model.capabilities.reads_text:
            msg = (
                f"model '{model.name}' cannot judge by likelihood: it must tell the log-probabilities of given "
                "texts (`reads_text`)."
            )
            raise ValueError(msg)
        self.model = model
        self.encoder = encoder
        self.calibration = calibration or shipped_calibration()
        self._max_words = max_words
        fitted_to = "" if self.calibration.model == model.name else f" to {self.calibration.model}"
        fit = f"fit {self.calibration.version}{fitted_to}"
        self.name = f"likelihood, {model.name}, wording {wording.VERSION}, {fit}"

    async def score(self, texts: Sequence[str], *, about: str, kind: Kind) -> tuple[Score, ...]:
        """Score texts, each by itself.

        Raises:
          ChatError: the model could not be reached or refused.
          ModelFileError: the encoder cannot be had.
        """
        subject = topic(about)
        one_at_a_time = asyncio.Lock()

        async def read(calls: Calls, text: str) -> Reading:
            async with one_at_a_time:  # the encoder's threads and the embedded engine's slow each other
                return await self._read(calls, text, about=subject)

        return await judged(texts, read, judge=self.name, model=self.model, max_words=self._max_words)

    async def _read(self, calls: Calls, text: str, *, about: str) -> Reading:
        async def tokens(request: ReadRequest) -> tuple[Token, ...]:
            read = (await calls.reply(request)).read
            if not read:
                msg = (
                    f"model '{self.model.name}' told no log-probabilities of a text of {len(text)} characters"
                )
                raise ReplyError(msg)
            return read

        async def compared(comparison: Comparison) -> Likeness:
            likeness = await self.encoder.compare(comparison)
            calls.seconds += likeness.seconds
            return likeness

        found, num_left_out = await without_remarks(tokens, compared, text, about)
        signs = signs_of(found)
        named = zip(self.calibration.factors, self.calibration.chances(signs), strict=True)
        return Reading(
            value=self.calibration.score(signs),
            reasons=(*(f"{factor.name} {chance:.0%}" for factor, chance in named), *_said(num_left_out)),
        )


def _said(num_left_out: int) -> tuple[str, ...]:
    if not num_left_out:
        return ()
    sentences = "1 sentence that speaks" if num_left_out == 1 else f"{num_left_out} sentences that speak"
    return (f"{sentences} to the judge left out",)
