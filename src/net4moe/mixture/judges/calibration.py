"""How the signs of a text become a score: a few logistic curves, fitted to one model."""

import json
import math
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources

from pydantic import TypeAdapter, ValidationError

from net4moe.errors import JudgeCheckError
from net4moe.mixture.judges.signs import Signs

__all__ = ["Calibration", "Factor", "calibration_from_json", "shipped_calibration"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One quality of a text: the probability that it is whole rather than damaged in this way.

        p = 1 / (1 + exp(-(intercept + sum of weight x (sign - mean) / deviation)))

    A sign that a text is too short to show counts as its mean.

    Attributes:
      name: as people are told, after "how far it is".
      damages: what it was fitted to tell.
      signs: names of the signs.
      means: their means over the texts that it was fitted to.
      deviations: their standard deviations there.
      weights: their weights.
      intercept: what is added.
      power: the exponent of the chance in the product.
      area: area under the curve on prompts that were left out of the fit.
    """

    name: str
    damages: tuple[str, ...]
    signs: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    power: float
    area: float

    def chance(self, signs: Signs) -> float:
        """Compute the probability."""
        shown = [getattr(signs, name) for name in self.signs]
        parts = zip(shown, self.means, self.deviations, self.weights, strict=True)
        total = self.intercept + sum(
            weight * (value - mean) / deviation
            for value, mean, deviation, weight in parts
            if not math.isnan(value)
        )
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """All qualities together: the score is ten times their product to a power.

    The power puts the median good text at 8; it changes no order.

    Attributes:
      model: what it was fitted to.
      version: changes with the signs, the texts or the fit.
      num_texts: good texts that it was fitted to.
      factors: the qualities.
      power: the exponent of the product.
    """

    model: str
    version: str
    num_texts: int
    factors: tuple[Factor, ...]
    power: float

    def chances(self, signs: Signs) -> tuple[float, ...]:
        """Compute the probability of each quality."""
        return tuple(factor.chance(signs) for factor in self.factors)

    def score(self, signs: Signs) -> float:
        """Compute the score, 0 to 10."""
        parts = zip(self.chances(signs), self.factors, strict=True)
        return 10.0 * math.prod(chance**factor.power for chance, factor in parts) ** self.power

    def to_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


def calibration_from_json(text: str) -> Calibration:
    """Read what `Calibration.to_json` wrote.

    Raises:
      JudgeCheckError: the text is something else.
    """
    msg = "this is not the calibration of a judge by likelihood; make one with `net4moe judge calibrate`."
    try:
        found = TypeAdapter(Calibration).validate_json(text)
    except ValidationError as error:
        raise JudgeCheckError(msg) from error
    if not all(hasattr(Signs, sign) for factor in found.factors for sign in factor.signs):
        raise JudgeCheckError(msg)
    return found


@cache
def shipped_calibration() -> Calibration:
    """Read the calibration for the embedded default model."""
    file = resources.files("net4moe").joinpath("assets").joinpath("likelihood_judge.json")
    return calibration_from_json(file.read_text("utf-8"))
