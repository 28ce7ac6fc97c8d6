"""Every number and choice of a study, and whether the paper fixes it."""

from dataclasses import fields

from net4moe.study.learning import LearningPlan
from net4moe.study.records import Setting

__all__ = ["settings_list"]

_PAPER = (
    Setting(
        name="gate", value="a language model", source="paper", meaning="splits, selects by meaning, fuses"
    ),
    Setting(
        name="score",
        value="0 to 10",
        source="paper",
        meaning="continuous; 0 makes no sense, 10 is perfectly written and highly consistent",
    ),
    Setting(name="load", value="word count", source="paper", meaning="what a passage weighs on the air"),
    Setting(
        name="link", value="random SNR, Shannon rate", source="paper", meaning="one per expert and choice"
    ),
    Setting(name="compute cost", value="words x coefficient", source="paper", meaning="of the device"),
    Setting(
        name="agent", value="soft actor-critic", source="paper", meaning="discrete, one device per subtask"
    ),
)


def settings_list(plan: LearningPlan) -> tuple[Setting, ...]:
    """List what the paper fixes, then everything that it leaves open and we chose."""
    ours = [
        Setting(name="reward.quality_weight", value=f"{plan.reward.quality_weight:g}", source="ours"),
        Setting(
            name="reward.transfer_cost_per_s",
            value=f"{plan.reward.transfer_cost_per_s:g} per s",
            source="ours",
            meaning="price of a second on the air",
        ),
        Setting(
            name="reward.bits_per_word",
            value=f"{plan.reward.bits_per_word:g} bit",
            source="ours",
            meaning="five letters and a space",
        ),
        Setting(name="snr", value=_snr(plan), source="ours", meaning="of each link, drawn anew per subtask"),
        Setting(
            name="held_out_share",
            value=f"{plan.held_out_share:g}",
            source="ours",
            meaning="prompts that no training sees and everybody is evaluated on",
        ),
    ]
    for device in plan.devices:
        link = "no link" if device.local else f"{device.link_bandwidth_hz / 1000:g} kHz"
        limit = (
            "" if device.units_limit == float("inf") else f", at most {device.units_limit:g} units a subtask"
        )
        ours.append(
            Setting(
                name=f"device {device.name}",
                value=f"{device.compute_cost_per_word:g} per word, {link}{limit}",
                source="ours",
                meaning=f"hosts {device.expert}",
            )
        )
    for entry in fields(plan.sac):
        paper = entry.name == "num_epochs" and plan.sac.num_epochs == 2_000
        ours.append(
            Setting(
                name=f"sac.{entry.name}",
                value=f"{getattr(plan.sac, entry.name):g}",
                source="paper" if paper else "ours",
            )
        )
    return (*_PAPER, *ours)


def _snr(plan: LearningPlan) -> str:
    snr = plan.snr
    match snr.distribution:
        case "uniform_db":
            return f"uniform from {snr.low_db:g} to {snr.high_db:g} dB"
        case "rayleigh":
            return f"Rayleigh fading, mean {snr.mean_db:g} dB"
        case "normal_db":
            return f"normal, mean {snr.mean_db:g} dB, standard deviation {snr.std_db:g} dB"
        case "fixed":
            return f"fixed at {snr.mean_db:g} dB"
