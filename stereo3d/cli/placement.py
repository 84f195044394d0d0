"""What is told of stops that were placed beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stereo3d.pipeline import DrivesReconstruction


def say_placement(made: DrivesReconstruction) -> None:
    """Print where each stop stands, what was corrected, how well it is known, and how the grounds fit."""
    told = made.report_values
    for number, stop in enumerate(told["stops"], start=1):
        print(_stop(number, stop))
    for fit in told["overlaps"]:
        where = f"stops {fit['first'] + 1} and {fit['second'] + 1} share {fit['places']} places"
        print(f"  {where}: {fit['before_mm']:.0f} mm apart as told, {fit['after_mm']:.0f} mm as placed (spread)")
    step = told["border_step_mm"]
    if step["before"] == step["before"]:
        print(
            f"  step along the border: {step['before']:.0f} mm as measured, {step['after']:.0f} mm as joined (median)"
        )
    for note in made.placement.notes:
        print(f"  {note}")


def _stop(number: int, stop: Mapping[str, Any]) -> str:
    north, east, down = stop["position_m"]
    line = f"stop {number}: site {stop['site']} drive {stop['drive']}, sol {stop['sol']}, "
    line += f"{north:.2f} m north, {east:.2f} east, {down:.2f} down, heading {stop['heading_deg']:.1f} deg"
    if number == 1:
        return f"{line} (the origin)"
    shift = ", ".join(f"{v:+.3f}" for v in stop["shift_m"])
    sigma = ", ".join(f"{v:.3f}" for v in stop["sigma_m"])
    line += f"\n  moved by {shift} m (sigma {sigma}), turned by {stop['turn_deg'][2]:+.2f} deg "
    line += f"(sigma {stop['sigma_deg'][2]:.2f}), tilted by {stop['turn_deg'][0]:+.2f} and {stop['turn_deg'][1]:+.2f}"
    return line if stop["aligned"] else f"{line}: by telemetry alone"
