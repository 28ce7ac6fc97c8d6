"""Talking to language models: any OpenAI-compatible endpoint, the embedded one, scripted ones, the ledger."""

from net4moe.chat.encoder import LedgeredEncoder, SentenceEncoder, TextEncoder
from net4moe.chat.http import HttpChatModel, Patience
from net4moe.chat.ledger import Ledger, LedgeredChatModel
from net4moe.chat.model import ChatModel, OnText
from net4moe.chat.records import (
    Capabilities,
    ChatRequest,
    Message,
    Price,
    ReadRequest,
    Reply,
    Request,
    TextRequest,
    Token,
)
from net4moe.chat.scripted import ScriptedChatModel

__all__ = [
    "Capabilities",
    "ChatModel",
    "ChatRequest",
    "HttpChatModel",
    "Ledger",
    "LedgeredChatModel",
    "LedgeredEncoder",
    "Message",
    "OnText",
    "Patience",
    "Price",
    "ReadRequest",
    "Reply",
    "Request",
    "ScriptedChatModel",
    "SentenceEncoder",
    "TextEncoder",
    "TextRequest",
    "Token",
]
