"""Brightness that differs between the eyes, compression and noise change little of what is measured."""

from __future__ import annotations

import pytest

from stereo3d.pipeline import reconstruct
from stereo3d.scene import Scene
from stereo3d.simulate.disturb import DISTURBANCES, disturbed
from stereo3d.stereo.score import evaluate_xyz

BOUNDS = {
    # The most that may be lost of the filled share, and be added to the median error, px.  With more noise, more
    # of the far ground is beyond range.
    "gamma 0.6": (0.015, 0.008),
    "gamma 1.6": (0.015, 0.008),
    "gain 0.5": (0.015, 0.008),
    "gain 2": (0.04, 0.03),
    "vignetting": (0.015, 0.008),
    "JPEG 80": (0.035, 0.06),
    "noise x 2": (0.015, 0.015),
}


def _overall(floor, pair):
    result = reconstruct(Scene("floor", (pair.left, pair.right), simulated=True))
    return evaluate_xyz(result.xyz.xyz, floor.truth, floor.pair.left.camera, floor.pair.right.camera).overall


@pytest.mark.parametrize("name", DISTURBANCES)
def test_what_brightness_does_is_bounded(floor, name):
    cameras = floor.pair.left.camera, floor.pair.right.camera
    before = evaluate_xyz(floor.result.xyz.xyz, floor.truth, *cameras).overall
    after = _overall(floor, disturbed(floor.pair, name))
    loss, more = BOUNDS[name]
    assert after.filled >= before.filled - loss, (after.filled, before.filled)
    assert after.median_px <= before.median_px + more, (after.median_px, before.median_px)
