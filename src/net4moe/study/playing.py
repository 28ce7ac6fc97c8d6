"""Let policies play the same episodes, with one compilation for all of a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment.episodes import returns
from net4moe.policy.adaptive import after_practice
from net4moe.policy.inference import SelectionPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Array, Float

    from net4moe.environment.decisions import AdaptivePolicy, Policy
    from net4moe.environment.episodes import Environment

__all__ = ["returns_of_agents", "returns_of_practised", "returns_of_rules"]


@eqx.filter_jit
def returns_of_rules(
    environment: Environment, rules: tuple[Policy, ...], tapes: Any
) -> Float[Array, "rules B"]:
    """Add up what each of several rules earns on each tape; they share the compiled environment."""
    branches = [lambda decisions, rule=rule: jnp.asarray(rule(decisions), jnp.int32) for rule in rules]

    def played(index: Any) -> Float[Array, " B"]:
        return returns(environment, lambda decisions: jax.lax.switch(index, branches, decisions), tapes)

    return jax.lax.map(played, jnp.arange(len(rules)))


def returns_of_agents(
    environment: Environment, policies: Sequence[SelectionPolicy], tapes: Sequence[Any]
) -> Float[np.ndarray, "seeds B"]:
    """Add up what each trained policy earns on the tapes of its seed; networks of one shape compile once."""
    return np.stack(
        [
            np.asarray(_returns_of_weights(environment, policy.weights, taped))
            for policy, taped in zip(policies, tapes, strict=True)
        ]
    )


@eqx.filter_jit
def returns_of_practised(
    environment: Environment, policy: AdaptivePolicy, practice: Any, tapes: Any
) -> Float[Array, " B"]:
    """Let an adaptive policy practise, then add up what it earns on each tape, starting from what it learned."""
    return returns(environment, after_practice(policy, environment, practice), tapes)


@eqx.filter_jit
def _returns_of_weights(environment: Environment, weights: Any, tapes: Any) -> Float[Array, " B"]:
    return returns(environment, SelectionPolicy(weights=weights), tapes)
