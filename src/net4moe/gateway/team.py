"""The experts of a roster as the mixture knows them."""

from dataclasses import dataclass

from net4moe.chat import Capabilities, ChatModel, OnText, Price, Reply, Request
from net4moe.edge import ExpertOffer
from net4moe.gateway.fleet.roster import Roster
from net4moe.mixture import Expert, Prompt, Subtask
from net4moe.mixture.expert import GENERAL
from net4moe.mixture.phrases import cut, kind_of

__all__ = ["Team", "whole_prompt"]

_WORDS = 60.0


class _Elsewhere(ChatModel):
    """The model of an expert on a device: what it is called and can do; calls go through the dispatcher."""

    def __init__(self, offer: ExpertOffer) -> None:
        self.name = offer.model
        self.capabilities = Capabilities(
            **{"structured": False, **dict.fromkeys(offer.capabilities, True)}  # pyright: ignore[reportArgumentType]
        )
        self.price = Price()

    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Refuse: nobody calls it from here."""
        msg = f"model '{self.name}' lives on a device; calls to it go through the dispatcher."
        raise NotImplementedError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The experts that devices offer; of one that several offer, the first offer tells its manner.

    Attributes:
      experts: by name.
    """

    experts: dict[str, Expert]

    @classmethod
    def of(cls, roster: Roster) -> "Team":
        """List the experts of a roster."""
        experts: dict[str, Expert] = {}
        for device in roster.devices:
            for offer in device.experts:
                if offer.name not in experts:
                    experts[offer.name] = Expert(
                        name=offer.name,
                        field=offer.field,
                        model=_Elsewhere(offer),
                        persona=offer.persona,
                        verbosity=offer.verbosity,
                        units_per_word=offer.units_per_word,
                        examples=offer.examples,
                    )
        return cls(experts=experts)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that subtasks are routed to."""
        fields = dict.fromkeys(expert.field for expert in self.experts.values())
        return tuple(field for field in fields if field != GENERAL) or tuple(fields)


def whole_prompt(prompt: Prompt, fields: tuple[str, ...]) -> Subtask:
    """Make the whole prompt one subtask that belongs to every field alike, where no gate can split it."""
    (text,) = cut(prompt.text, max_subtasks=1)
    return Subtask(
        index=0,
        text=text,
        kind=kind_of(prompt.text),
        field=fields[0],
        relevance=tuple((field, 1.0 / len(fields)) for field in fields),
        words=_WORDS,
    )
