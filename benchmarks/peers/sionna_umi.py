"""Worlds per second of Sionna's UMi generation: topology, large-scale parameters and impulse responses.

Eight base stations and one user, as a fleet of eight devices around one user. Run by `network_speed.py`.
"""

import json
import statistics
import sys
import time

import sionna
import torch
from sionna.phy.channel.tr38901 import PanelArray, UMi

NUM_STATIONS = 8


def main(batch: int, repeats: int) -> None:
    """Print one JSON line: version, batch, worlds per second of each repeat, with and without responses."""
    torch.set_num_threads(2)
    antenna = PanelArray(
        num_rows_per_panel=1,
        num_cols_per_panel=1,
        polarization="single",
        polarization_type="V",
        antenna_pattern="omni",
        carrier_frequency=3.5e9,
    )
    channel = UMi(
        carrier_frequency=3.5e9, o2i_model="low", ut_array=antenna, bs_array=antenna, direction="downlink"
    )
    rng = torch.Generator().manual_seed(0)

    def place() -> None:
        users = torch.rand(batch, 1, 3, generator=rng) * 400
        users[..., 2] = 1.5
        stations = torch.rand(batch, NUM_STATIONS, 3, generator=rng) * 400
        stations[..., 2] = 10.0
        channel.set_topology(
            ut_loc=users,
            bs_loc=stations,
            ut_orientations=torch.zeros(batch, 1, 3),
            bs_orientations=torch.zeros(batch, NUM_STATIONS, 3),
            ut_velocities=torch.full((batch, 1, 3), 0.8),
            in_state=torch.zeros(batch, 1, dtype=torch.bool),
        )

    with torch.no_grad():
        place()
        channel(num_time_samples=1, sampling_frequency=1e3)
        large_scale, whole = [], []
        for _ in range(repeats):
            start_s = time.perf_counter()
            place()
            middle_s = time.perf_counter()
            channel(num_time_samples=1, sampling_frequency=1e3)
            large_scale.append(batch / (middle_s - start_s))
            whole.append(batch / (time.perf_counter() - start_s))
    print(
        json.dumps(
            {
                "version": sionna.__version__,
                "batch": batch,
                "large_scale": large_scale,
                "whole": whole,
                "median": statistics.median(whole),
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
