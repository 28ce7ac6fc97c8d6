"""Large versions of the scenarios: eight devices in a street, links from radio models, continuous states.

A phone walks along a street canyon; lamp posts, a taxi, a shop, a roof and a kiosk write for it, and what they
write is spoken. The maps and the radio are those of `network.presets`, with cells of low power; speeds, batteries
and heat are ours and chosen so that each scenario's coupling is felt within a minute.
"""

from __future__ import annotations

import math
from dataclasses import replace

from net4moe.environment.chances import Chain, Chances
from net4moe.environment.outcomes import estimate
from net4moe.environment.reward import RewardConfig
from net4moe.environment.rules import Rules
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.synthetic import draw_devices, draw_outcomes
from net4moe.network.fleet import DeviceConfig, fleet_arrays
from net4moe.network.hardware import HardwareConfig
from net4moe.network.presets import PRESETS
from net4moe.network.world import WorldConfig

__all__ = ["LARGE", "street"]

_NUM_STEPS = 48
_SPEED = (10.0, 40.0, 40.0, 60.0, 25.0, 50.0, 80.0, 15.0)  # tokens per second
_BITS_PER_WORD = 24_000.0  # speech: 0.375 s at 64 kbit/s
_LESS_POWER_DB = 22.0
_STEADY = Chain(values=(2.0,))


def street(**hardware: float) -> tuple[DeviceConfig, ...]:
    """Describe the street, always there and on mains, with more said of the hardware of the helpers.

    Args:
      **hardware: fields of `HardwareConfig` for all but the user's own device; `tokens_per_j`, where it is
        given, is at the speed of the lamp posts.
    """
    devices = []
    for device, speed in zip(PRESETS["street canyon"].devices, _SPEED, strict=True):
        own = HardwareConfig(
            tokens_per_s=speed, prompt_tokens_per_s=50.0 * speed, **({"tokens_per_j": 1.0} | hardware)
        )
        if device.local:
            own = HardwareConfig(
                tokens_per_s=speed,
                prompt_tokens_per_s=50.0 * speed,
                tokens_per_j=8.0,
                model_bytes=own.model_bytes,
                storage_bytes_per_s=own.storage_bytes_per_s,
            )
        link = replace(device.link, transmit_power_dbm=device.link.transmit_power_dbm - _LESS_POWER_DB)
        devices.append(
            replace(device, hardware=own, link=link, units_limit=math.inf, compute_cost_per_word=0.002)
        )
    return tuple(devices)


def _selection(
    devices: tuple[DeviceConfig, ...],
    *,
    rules: Rules,
    chances: Chances,
    prices: RewardConfig,
    num_subtasks: int = 1,
    num_fields: int = 4,
    device_mean: tuple[float, ...] | None = None,
) -> ExpertSelection:
    """Put a large environment together; prompts come sorted by field where fields are to stay."""
    outcomes = draw_outcomes(
        48,
        num_subtasks,
        len(devices),
        num_fields,
        seed=0,
        field_std=0.6,
        noise_std=0.3,
        by_field=chances.field_stay is not None,
        device_mean=device_mean,
    )
    return ExpertSelection(
        outcomes,
        estimate(outcomes, num_fields=num_fields, prior_rows=0.0),
        fleet_arrays(devices),
        rules=rules,
        chances=chances,
        reward_config=prices,
    )


def _chances(**more: object) -> Chances:
    return Chances(**({"radio": WorldConfig(), "gap_s": _STEADY} | more))  # type: ignore[arg-type]


def _rules(**more: object) -> Rules:
    return Rules(**({"num_steps": _NUM_STEPS, "give_up_s": 30.0} | more))  # type: ignore[arg-type]


def _prices(**more: float) -> RewardConfig:
    return RewardConfig(**({"transfer_cost_per_s": 1.0, "bits_per_word": _BITS_PER_WORD} | more))


def _case_study() -> ExpertSelection:
    return _selection(
        draw_devices(8, seed=0), rules=Rules(), chances=Chances(), prices=RewardConfig(), num_subtasks=3
    )


def _mobile() -> ExpertSelection:
    return _selection(street(), rules=_rules(), chances=_chances(), prices=_prices())


def _backlog() -> ExpertSelection:
    return _selection(
        street(),
        rules=_rules(devices_change=True, greatest_backlog_s=20.0),
        chances=_chances(gap_s=Chain(values=(0.2, 0.4, 0.8)), importance=Chain(values=(1.0, 3.0))),
        prices=_prices(quality_weight=0.5, delay_cost_per_s=0.5),
        device_mean=(5.5, 6.5, 6.5, 7.5, 6.0, 7.0, 8.0, 5.5),
    )


def _battery() -> ExpertSelection:
    return _selection(
        street(tokens_per_j=1.0, battery_j=350.0, harvest_w=4.0),
        rules=_rules(devices_change=True),
        chances=_chances(
            importance=Chain(values=(1.0, 1.0, 4.0)), harvest_share=Chain(values=(0.0, 1.0), stay=0.9)
        ),
        prices=_prices(),
        device_mean=(4.5, 7.0, 7.0, 7.5, 6.5, 7.0, 8.0, 6.0),
    )


def _residency() -> ExpertSelection:
    return _selection(
        street(model_bytes=8e9, storage_bytes_per_s=1e9),
        rules=_rules(devices_change=True, loads_experts=True, greatest_age=32),
        chances=_chances(gap_s=Chain(values=(20.0,)), field_stay=0.6),
        prices=_prices(delay_cost_per_s=0.3),
        num_fields=6,
    )


def _switching() -> ExpertSelection:
    return _selection(
        street(),
        rules=_rules(),
        chances=_chances(gap_s=Chain(values=(1.0,))),
        prices=_prices(switching_cost=2.0),
        num_subtasks=4,
        device_mean=(5.0,) + (7.0,) * 7,
    )


def _thermal() -> ExpertSelection:
    return _selection(
        street(
            tokens_per_j=1.0,
            heat_resistance_k_per_w=8.0,
            heat_time_constant_s=25.0,
            throttle_c=45.0,
            shutdown_c=75.0,
            least_speed_share=0.15,
        ),
        rules=_rules(devices_change=True, greatest_backlog_s=20.0),
        chances=_chances(gap_s=Chain(values=(1.0, 2.0)), importance=Chain(values=(1.0, 1.0, 4.0))),
        prices=_prices(delay_cost_per_s=0.5),
        device_mean=(5.0, 6.5, 6.5, 7.5, 6.0, 7.0, 8.0, 5.5),
    )


def _chain() -> ExpertSelection:
    return _selection(
        street(),
        rules=_rules(chained=True),
        chances=_chances(gap_s=Chain(values=(1.0,))),
        prices=_prices(),
        num_subtasks=4,
        device_mean=(5.0,) + (7.0,) * 7,
    )


def _deadline() -> ExpertSelection:
    return _selection(
        street(),
        rules=_rules(deadline_s=3.0),
        chances=_chances(stale_links=True),
        prices=_prices(failure_cost=4.0),
        device_mean=(5.0, 7.0, 7.0, 7.0, 7.5, 7.0, 7.0, 8.0),
    )


def _edge() -> ExpertSelection:
    return _selection(
        street(
            tokens_per_j=1.0,
            battery_j=500.0,
            harvest_w=5.0,
            heat_resistance_k_per_w=6.0,
            heat_time_constant_s=25.0,
            throttle_c=45.0,
            shutdown_c=75.0,
            least_speed_share=0.2,
            model_bytes=2e9,
            storage_bytes_per_s=1e9,
        ),
        rules=_rules(devices_change=True, loads_experts=True, greatest_backlog_s=20.0, greatest_age=32),
        chances=_chances(
            gap_s=Chain(values=(1.0, 2.0)),
            importance=Chain(values=(1.0, 1.0, 4.0)),
            harvest_share=Chain(values=(0.0, 1.0), stay=0.9),
            field_stay=0.7,
            stale_links=True,
        ),
        prices=_prices(delay_cost_per_s=0.4, switching_cost=0.3, failure_cost=2.0),
        device_mean=(5.0, 6.5, 6.5, 7.5, 6.0, 7.0, 8.0, 5.5),
    )


def _joint() -> ExpertSelection:
    return _selection(
        street(),
        rules=_rules(shares_band=True),
        chances=_chances(),
        prices=_prices(transfer_cost_per_s=2.0),
        num_subtasks=4,
        device_mean=(5.0, 6.5, 6.5, 7.5, 6.0, 7.0, 8.0, 5.5),
    )


def _churn() -> ExpertSelection:
    return _selection(
        street(),
        rules=_rules(quality_memory=0.955, evidence_weight=0.8, greatest_age=48),
        chances=_chances(quality_shift=Chain(values=(-1.2, -1.2, 2.4), stay=0.97), stale_links=True),
        prices=_prices(),
        device_mean=(7.0,) * 8,
    )


LARGE = {
    "case-study": _case_study,
    "mobile": _mobile,
    "backlog": _backlog,
    "battery": _battery,
    "residency": _residency,
    "switching": _switching,
    "thermal": _thermal,
    "chain": _chain,
    "deadline": _deadline,
    "edge": _edge,
    "joint": _joint,
    "churn": _churn,
}
