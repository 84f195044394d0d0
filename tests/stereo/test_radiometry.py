"""Brightness that differs between the eyes, compression and noise change little of what is measured."""

from __future__ import annotations

import pytest

from stereo3d.pipeline import reconstruct
from stereo3d.scene import Scene
from stereo3d.simulate.disturb import DISTURBANCES, disturbed
from stereo3d.stereo.score import evaluate_xyz

BOUNDS = {
    # The least share of the unchanged filling, the most times of the unchanged median error.
    "gamma 0.6": (0.99, 1.10),
    "gamma 1.6": (0.99, 1.15),
    "gain 0.5": (0.99, 1.10),
    "gain 2": (0.75, 1.30),
    "vignetting": (0.99, 1.10),
    "JPEG 80": (0.95, 1.40),
    "noise x 2": (0.97, 1.70),
}


def _overall(floor, pair):
    result = reconstruct(Scene("floor", (pair.left, pair.right), simulated=True))
    return evaluate_xyz(result.xyz.xyz, floor.truth, floor.pair.left.camera, floor.pair.right.camera).overall


@pytest.mark.parametrize("name", DISTURBANCES)
def test_what_brightness_does_is_bounded(floor, name):
    cameras = floor.pair.left.camera, floor.pair.right.camera
    before = evaluate_xyz(floor.result.xyz.xyz, floor.truth, *cameras).overall
    after = _overall(floor, disturbed(floor.pair, name))
    least, most = BOUNDS[name]
    assert after.filled >= least * before.filled, (after.filled, before.filled)
    assert after.median_px <= most * before.median_px, (after.median_px, before.median_px)
