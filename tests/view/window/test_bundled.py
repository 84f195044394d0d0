"""The command's own window on the bundled pair: distances measured by clicks against the scene's truth."""

from __future__ import annotations

import re
import sys

import cv2
import numpy as np
import pytest

from stereo3d.read import read_scene
from stereo3d.simulate.truth_file import read_truth

CLICKS = [((230, 300), (430, 310)), ((300, 260), (420, 370)), ((200, 380), (400, 230)), ((330, 350), (350, 220))]


@pytest.fixture(scope="module")
def bundled(start_window):
    command = [sys.executable, "-m", "stereo3d", "view", "--pair", "1", "--size", "640x480"]
    return start_window(command)


def test_distances_by_clicks_are_true_within_their_sigma(bundled):
    scene = read_scene([])
    truth = read_truth(scene.truth, scene.pairs[0].left.camera)
    bundled.point(320, 300)
    over = []
    for ends in CLICKS:
        true = []
        for number, (x, y) in enumerate(ends, start=1):
            bundled.click(x, y)
            line = bundled.line(rf"point {number}: .*")[0]
            column, row = (float(v) for v in re.search(r"pixel ([\d.]+), ([\d.]+)", line).groups())
            at = [np.float32([[v]]) for v in (column, row)]
            true.append(
                [cv2.remap(truth.xyz[..., k].astype(np.float32), *at, cv2.INTER_LINEAR)[0, 0] for k in range(3)]
            )
        told, sigma = re.search(r"distance  ([\d.]+) m \u00b1 ([\d.]+) m", bundled.line("distance  .*")[0]).groups()
        exact = float(np.linalg.norm(np.subtract(*true)))
        assert exact > 0.5
        assert float(sigma) < 0.01 * exact
        # The number is told in whole millimetres.
        over.append((float(told) - exact) / np.hypot(float(sigma), 0.0005))
    assert np.abs(over).max() < 2.5
    assert np.median(np.abs(over)) < 1.5
