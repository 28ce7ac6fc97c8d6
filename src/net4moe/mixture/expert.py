"""An expert: a language model with a field and a manner, hosted by a device."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from net4moe.chat import ChatModel, ChatRequest, Message, OnText, Reply
from net4moe.errors import ReplyError
from net4moe.mixture import wording
from net4moe.mixture.records import Assessment, Passage, Prompt, Subtask, count_words
from net4moe.mixture.seeds import seed_of
from net4moe.mixture.sentences import whole_sentences

__all__ = ["EXPLANATION", "GENERAL", "Expert", "passage_text"]

EXPLANATION = "explanation"
"""The field of what is no story: prompts that ask for an explanation lean to it, stories never go there."""

GENERAL = "general"
"""The field of an expert for everything: nothing is routed to it by field, everything may be given to it."""

_TOKENS_PER_WORD = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Expert:
    """A writer.

    Attributes:
      name: unique in the mixture.
      field: what it is good at.
      persona: how it is told to write; made from the field where empty.
      model: the language model behind it.
      verbosity: its words per word that a passage needs: 0.5 for a terse one, 2 for a broad one.
      units_per_word: compute units that a word of its model takes; 0.1 makes a unit ten words.
      examples: phrases of its field, for a gate that routes by example.
    """

    name: str
    field: str
    model: ChatModel
    persona: str = ""
    verbosity: float = 1.0
    units_per_word: float = 0.1
    examples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an expert that could not be named or paid."""
        for text in ("name", "field"):
            if not getattr(self, text).strip():
                msg = f"an expert's `{text}` must not be empty."
                raise ValueError(msg)
        for number in ("verbosity", "units_per_word"):
            value = getattr(self, number)
            if not 0 < value < float("inf"):
                msg = f"`{number}` of expert '{self.name}' must be a number above 0, got {value}."
                raise ValueError(msg)

    def assess(self, subtask: Subtask) -> Assessment:
        """Say what a subtask needs of this expert."""
        expected_words = subtask.words * self.verbosity
        even = 1 / len(subtask.relevance) if self.field == GENERAL else 0.0
        return Assessment(
            subtask_index=subtask.index,
            expert=self.name,
            relevance=dict(subtask.relevance).get(self.field, even),
            expected_words=expected_words,
            units=expected_words * self.units_per_word,
        )

    def request(
        self,
        prompt: Prompt,
        subtask: Subtask,
        *,
        seed: int,
        history: Sequence[Message] = (),
        begun: str = "",
    ) -> ChatRequest:
        """Word what its model is asked for the passage of one subtask.

        Args:
          prompt: what the user asked.
          subtask: what the passage is about.
          seed: what makes it repeatable, where the model is.
          history: what was said before the prompt.
          begun: how the passage begins, where another expert broke off; words and tokens are for the rest.
        """
        words = max(1, round(subtask.words * self.verbosity) - count_words(begun))
        return wording.write(
            persona=self.persona or f"You are a writer of {self.field}. You write vivid prose.",
            kind=subtask.kind,
            prompt=prompt.text,
            subtask=subtask.text,
            words=words,
            max_tokens=round(words * _TOKENS_PER_WORD) + 8,
            seed=seed_of(seed, prompt.text, subtask.index, self.name),
            history=history,
            begun=begun,
            continues_reply=self.model.capabilities.continues_reply,
        )

    async def write(
        self, prompt: Prompt, subtask: Subtask, *, seed: int, on_text: OnText | None = None
    ) -> Passage:
        """Write the passage of one subtask; a model that says nothing is asked once more.

        Raises:
          ReplyError: the model wrote nothing, twice.
          ChatError: the model could not be reached or refused.
        """
        request = self.request(prompt, subtask, seed=seed)
        replies: list[Reply] = []
        for attempt in (request, replace(request, seed=request.seed ^ 1)):
            reply = await self.model.reply(attempt, on_text=on_text)
            replies.append(reply)
            text = passage_text(reply.text, reply.finish_reason)
            if text:
                return Passage(
                    subtask_index=subtask.index,
                    expert=self.name,
                    model=self.model.name,
                    text=text,
                    words=count_words(text),
                    prompt_tokens=sum(reply.prompt_tokens for reply in replies),
                    completion_tokens=sum(reply.completion_tokens for reply in replies),
                    seconds=sum(reply.seconds for reply in replies),
                    price_usd=sum(reply.price_usd for reply in replies),
                )
        msg = f"expert '{self.name}' (model '{self.model.name}') wrote nothing about '{subtask.text[:80]}'."
        raise ReplyError(msg)


def passage_text(text: str, finish_reason: str) -> str:
    """Take what a model wrote as a passage: of one that was cut, the whole sentences."""
    text = text.strip()
    return whole_sentences(text) if finish_reason == "length" else text
