"""The one seam to every language model."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from net4moe.chat.records import Capabilities, ChatRequest, Price, ReadRequest, Reply, Request, TextRequest

__all__ = ["ChatModel", "OnText", "largest_price_usd"]

OnText = Callable[[str], None]


class ChatModel(ABC):
    """A language model that can be talked to.

    Attributes:
      name: what the endpoint calls the model.
      capabilities: what it can be asked for.
      price: what its tokens cost.
    """

    name: str
    capabilities: Capabilities
    price: Price

    @abstractmethod
    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Answer one request.

        Args:
          request: a chat to answer, a text to continue or one to read.
          on_text: called with each piece of text as it arrives, a reasoning model's thoughts among them. Where
            a call is tried again its pieces start again from the first; the reply is what counts.

        Returns:
          The whole reply.

        Raises:
          ChatError: the model could not be reached or refused.
          ReplyError: what came is not a reply.
        """


def largest_price_usd(model: ChatModel, request: Request) -> float:
    """Bound the price of a call from above before it is made, USD.

    A token covers at least one byte of text, and a message adds a few tokens of its own, so bytes bound
    the tokens read; `max_tokens` bounds those written.
    """
    match request:
        case ChatRequest(messages=messages):
            num_read = sum(len(message.content.encode("utf-8", "replace")) + 16 for message in messages)
            num_read += len(request.schema.encode())
        case TextRequest(text=text):
            num_read = len(text.encode("utf-8", "replace")) + 16
        case ReadRequest(text=text, given=given):
            num_read = len((given + text).encode("utf-8", "replace")) + 16
    return model.price.usd(num_read, request.max_tokens)
