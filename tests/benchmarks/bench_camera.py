"""Seconds to project, and to make the rays of, every pixel of a frame: python tests/benchmarks/bench_camera.py

Prints figures and asserts none: a CAHV, a CAHVOR and two CAHVORE cameras (pupil types 2 and 3) at 1280 x 960, and a
whole Navcam sensor.  Each figure is the best of five; ratio is project / ray.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from stereo3d.camera import CAHV, CAHVOR, CAHVORE, CameraModel, pixel_grid
from stereo3d.camera.published import published_camera

REPEATS = 5


def _seconds(call: Callable[[], object]) -> float:
    best = np.inf
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return float(best)


def _cameras() -> dict[str, CameraModel]:
    whole = published_camera("NAVL")
    assert isinstance(whole, CAHVORE)
    frame = whole.binned(4)
    linear = (frame.frame, frame.width, frame.height, frame.C, frame.A, frame.H, frame.V)
    return {
        "CAHV": CAHV(*linear),
        "CAHVOR": CAHVOR(*linear, frame.O, frame.R),
        "CAHVORE, fish-eye, pupil at rest": replace(frame, pupil_type=2, E=np.zeros(3)),
        "CAHVORE, general, moving pupil (Navcam)": frame,
        "the same, whole sensor": whole,
    }


def main() -> None:
    """Print the table."""
    print(f"{'model':40} {'px':>12} {'ray s':>8} {'Mpx/s':>7} {'project s':>10} {'Mpx/s':>7} {'ratio':>6}")
    for name, camera in _cameras().items():
        pixels = pixel_grid(camera.width, camera.height)
        origins, directions = camera.ray(pixels)
        points = origins + 10.0 * directions
        del origins, directions
        ray, project = _seconds(lambda c=camera, p=pixels: c.ray(p)), _seconds(lambda c=camera, p=points: c.project(p))
        mega = camera.width * camera.height / 1e6
        print(
            f"{name:40} {f'{camera.width} x {camera.height}':>12} {ray:8.3f} {mega / ray:7.1f} "
            f"{project:10.3f} {mega / project:7.1f} {project / ray:6.2f}"
        )


if __name__ == "__main__":
    main()
