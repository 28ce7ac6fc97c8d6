"""A model for tests and dry runs that answers what it was told to."""

from collections.abc import Callable

from net4moe.chat.model import ChatModel, OnText
from net4moe.chat.records import Capabilities, Price, Reply, Request

__all__ = ["ScriptedChatModel"]


class ScriptedChatModel(ChatModel):
    """Answer each request with what a function says; keep the requests in `requests`.

    Args:
      answer: from a request to the text or the whole reply; may raise to play a fault.
      name: the model's name.
      capabilities: what the model pretends to be able to do.
      price: what its tokens cost; a token is a word here.
    """

    def __init__(
        self,
        answer: Callable[[Request], str | Reply],
        *,
        name: str = "scripted",
        capabilities: Capabilities | None = None,
        price: Price | None = None,
    ) -> None:
        self.name = name
        self.capabilities = capabilities or Capabilities()
        self.price = price or Price()
        self.requests: list[Request] = []
        self._answer = answer

    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Answer at once."""
        self.requests.append(request)
        answer = self._answer(request)
        if isinstance(answer, str):
            num_tokens = len(answer.split())
            answer = Reply(
                text=answer,
                finish_reason="stop",
                prompt_tokens=0,
                completion_tokens=num_tokens,
                seconds=0.0,
                price_usd=self.price.usd(0, num_tokens),
            )
        if on_text is not None:
            on_text(answer.text)
        return answer
