"""Small versions of the scenarios: few devices, finite chance, made to be solved exactly.

Words, speeds, energies and times are round numbers, so that few states can be reached. Each has what its large
version has, with the same code.
"""

from __future__ import annotations

import numpy as np

from net4moe.environment.chances import Chain, Chances, LinkLevels
from net4moe.environment.outcomes import estimate
from net4moe.environment.reward import RewardConfig
from net4moe.environment.rules import Rules
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.synthetic import plain_outcomes
from net4moe.network.fleet import DeviceConfig, fleet_arrays
from net4moe.network.hardware import HardwareConfig

__all__ = ["SMALL"]

_STEADY = LinkLevels(snr_db=(15.0,), outage=(0.0,), stay=1.0)
_WORDS = 40.0


def _hardware(tokens_per_s: float, **more: float) -> HardwareConfig:
    return HardwareConfig(
        tokens_per_s=tokens_per_s, prompt_tokens_per_s=1e6, **({"tokens_per_j": 1e9} | more)
    )


def _devices(*hardware: HardwareConfig, price: float = 0.0) -> tuple[DeviceConfig, ...]:
    """Describe devices by their hardware, the user's own first."""
    return tuple(
        DeviceConfig(
            name="phone" if n == 0 else f"device {n}",
            expert=f"expert {n}",
            compute_cost_per_word=price,
            local=n == 0,
            bandwidth_hz=10_000.0,
            hardware=one,
        )
        for n, one in enumerate(hardware)
    )


def _selection(
    devices: tuple[DeviceConfig, ...],
    score: tuple[tuple[float, ...], ...],
    *,
    rules: Rules,
    chances: Chances,
    prices: RewardConfig,
    fields: tuple[tuple[int, ...], ...] | None = None,
) -> ExpertSelection:
    """Put a small environment together; `score` has a row for each field, each a prompt if nothing is said."""
    prompts = fields or tuple((field,) for field in range(len(score)))
    outcomes = plain_outcomes(np.array(score), _WORDS, prompts)
    return ExpertSelection(
        outcomes,
        estimate(outcomes, num_fields=len(score), prior_rows=0.0),
        fleet_arrays(devices),
        rules=rules,
        chances=chances,
        reward_config=prices,
    )


def _case_study() -> ExpertSelection:
    return _selection(
        _devices(*(_hardware(20.0) for _ in range(4)), price=0.01),
        ((5.0, 7.5, 6.5, 6.0), (5.5, 6.0, 7.0, 6.5)),
        rules=Rules(),
        chances=Chances(radio=LinkLevels(snr_db=(0.0, 6.0, 15.0), outage=(0.0,) * 3, stay=1 / 3)),
        prices=RewardConfig(),
        fields=((0, 0, 1), (1, 1, 0), (0, 1, 0), (1, 0, 1)),
    )


def _mobile() -> ExpertSelection:
    return _selection(
        _devices(*(_hardware(20.0) for _ in range(4)), price=0.01),
        ((5.0, 7.5, 6.5, 6.0), (5.5, 6.0, 7.0, 6.5)),
        rules=Rules(num_steps=24),
        chances=Chances(
            radio=LinkLevels(snr_db=(0.0, 6.0, 15.0), outage=(0.0,) * 3, stay=0.8), field_stay=0.7
        ),
        prices=RewardConfig(),
    )


def _backlog() -> ExpertSelection:
    return _selection(
        _devices(_hardware(4.0), _hardware(10.0), _hardware(20.0)),
        ((6.0, 6.0, 6.0), (4.0, 5.0, 7.0)),
        rules=Rules(num_steps=32, devices_change=True, tokens_per_word=1.0, greatest_backlog_s=8.0),
        chances=Chances(radio=_STEADY, gap_s=Chain(values=(1.0, 2.0)), importance=Chain(values=(1.0, 2.0))),
        prices=RewardConfig(quality_weight=0.5, transfer_cost_per_s=0.0, delay_cost_per_s=0.25),
    )


def _battery() -> ExpertSelection:
    joules = dict(tokens_per_j=_WORDS, battery_j=8.0, harvest_w=1.0)
    return _selection(
        _devices(_hardware(20.0), _hardware(20.0, **joules), _hardware(20.0, **joules | {"battery_j": 4.0})),
        ((4.0, 7.0, 8.0),),
        rules=Rules(num_steps=32, devices_change=True, tokens_per_word=1.0),
        chances=Chances(
            radio=_STEADY,
            gap_s=Chain(values=(2.0,)),
            importance=Chain(values=(1.0, 4.0)),
            harvest_share=Chain(values=(0.0, 0.5), stay=0.9),
        ),
        prices=RewardConfig(transfer_cost_per_s=0.0),
    )


def _residency() -> ExpertSelection:
    loads = dict(model_bytes=6e9, storage_bytes_per_s=1e9)
    return _selection(
        _devices(_hardware(4.0, **loads), _hardware(20.0, **loads), _hardware(16.0, **loads)),
        ((7.0, 7.0, 7.0), (7.0, 7.0, 7.0)),
        rules=Rules(num_steps=32, devices_change=True, loads_experts=True, tokens_per_word=1.0),
        chances=Chances(radio=_STEADY, gap_s=Chain(values=(30.0,)), field_stay=0.6),
        prices=RewardConfig(transfer_cost_per_s=0.0, delay_cost_per_s=0.4),
    )


def _switching() -> ExpertSelection:
    return _selection(
        _devices(_hardware(20.0), _hardware(20.0), _hardware(20.0)),
        ((5.0, 7.75, 6.25), (5.0, 6.25, 7.75)),
        rules=Rules(num_steps=24),
        chances=Chances(radio=LinkLevels(snr_db=(0.0, 15.0), outage=(0.0, 0.0), stay=0.85)),
        prices=RewardConfig(switching_cost=1.5),
        fields=((0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 0, 0), (1, 0, 1, 1), (0, 1, 1, 1), (1, 0, 0, 0)),
    )


def _thermal() -> ExpertSelection:
    hot = dict(
        tokens_per_j=1.0,
        heat_resistance_k_per_w=15.0,
        heat_time_constant_s=30.0,
        throttle_c=45.0,
        shutdown_c=75.0,
        least_speed_share=0.2,
    )
    return _selection(
        _devices(_hardware(8.0), _hardware(20.0, **hot), _hardware(20.0, **hot)),
        ((5.0, 8.0, 6.5),),
        rules=Rules(num_steps=32, devices_change=True, tokens_per_word=1.0, temperature_step_c=5.0),
        chances=Chances(
            radio=_STEADY, gap_s=Chain(values=(12.0,)), importance=Chain(values=(1.0, 4.0)), num_lots=4
        ),
        prices=RewardConfig(transfer_cost_per_s=0.0, delay_cost_per_s=1.0),
    )


def _chain() -> ExpertSelection:
    return _selection(
        _devices(_hardware(20.0), _hardware(20.0), _hardware(20.0), price=0.01),
        ((4.0, 8.0, 5.0), (4.0, 5.0, 8.0)),
        rules=Rules(num_steps=24, chained=True),
        chances=Chances(radio=LinkLevels(snr_db=(0.0, 12.0), outage=(0.0, 0.0), stay=0.7)),
        prices=RewardConfig(transfer_cost_per_s=14.0),
        fields=((0, 0, 1, 1), (1, 1, 0, 0), (0, 1, 1, 1), (1, 0, 0, 0)),
    )


def _deadline() -> ExpertSelection:
    return _selection(
        _devices(_hardware(10.0), _hardware(40.0), _hardware(10.0)),
        ((4.0, 9.0, 7.0),),
        rules=Rules(num_steps=32, tokens_per_word=1.0, deadline_s=4.5),
        chances=Chances(radio=LinkLevels(snr_db=(10.0, 10.0), outage=(0.3, 0.7), stay=0.8), num_lots=10),
        prices=RewardConfig(transfer_cost_per_s=0.0, failure_cost=6.0),
    )


def _edge() -> ExpertSelection:
    hot = dict(
        tokens_per_j=1.0,
        heat_resistance_k_per_w=10.0,
        heat_time_constant_s=20.0,
        throttle_c=40.0,
        shutdown_c=65.0,
        least_speed_share=0.4,
    )
    small = dict(tokens_per_j=_WORDS, battery_j=4.0, harvest_w=0.25)
    loads = dict(model_bytes=2e9, storage_bytes_per_s=1e9)
    return _selection(
        _devices(
            _hardware(10.0, **loads), _hardware(20.0, **small, **loads), _hardware(20.0, **hot, **loads)
        ),
        ((4.0, 8.0, 7.0), (4.0, 8.0, 7.0)),
        rules=Rules(
            num_steps=32,
            devices_change=True,
            loads_experts=True,
            tokens_per_word=1.0,
            greatest_backlog_s=4.0,
            temperature_step_c=10.0,
        ),
        chances=Chances(
            radio=LinkLevels(snr_db=(12.0, 12.0), outage=(0.0, 0.5), stay=0.8),
            field_stay=0.8,
            gap_s=Chain(values=(4.0,)),
            importance=Chain(values=(1.0, 4.0)),
            harvest_share=Chain(values=(0.0, 1.0), stay=0.9),
            num_lots=2,
        ),
        prices=RewardConfig(
            transfer_cost_per_s=0.0, delay_cost_per_s=0.3, switching_cost=0.5, failure_cost=1.0
        ),
    )


def _joint() -> ExpertSelection:
    return _selection(
        _devices(*(_hardware(20.0) for _ in range(4)), price=0.01),
        ((4.0, 8.0, 7.6, 6.0), (4.0, 8.0, 6.0, 5.5)),
        rules=Rules(num_steps=24, shares_band=True),
        chances=Chances(radio=LinkLevels(snr_db=(0.0, 12.0), outage=(0.0, 0.0), stay=0.6), field_stay=None),
        prices=RewardConfig(transfer_cost_per_s=4.0),
        fields=((0, 0, 1), (1, 1, 0), (0, 1, 0), (1, 0, 1)),
    )


def _churn() -> ExpertSelection:
    return _selection(
        _devices(_hardware(20.0), _hardware(20.0), _hardware(20.0)),
        ((6.5, 6.0, 6.0),),
        rules=Rules(num_steps=24, quality_memory=0.925, evidence_weight=1.0, greatest_age=24),
        chances=Chances(
            radio=LinkLevels(snr_db=(12.0, 12.0), outage=(0.0, 0.2), stay=0.75),
            stale_links=True,
            quality_shift=Chain(values=(-1.5, -1.5, 3.0), stay=0.95),
            num_lots=5,
        ),
        prices=RewardConfig(transfer_cost_per_s=0.0),
    )


SMALL = {
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
