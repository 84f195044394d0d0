"""One simulated pair of 512 x 384 px, measured once for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from stereo3d.observation import StereoPair
from stereo3d.pipeline import Reconstruction, reconstruct
from stereo3d.scene import Scene
from stereo3d.simulate.pair import level_pose, simulate_pair
from stereo3d.simulate.scene_writer import ATTITUDE, DRIVE, SITE, navcam_pair
from stereo3d.stereo.masks import known_reasons
from stereo3d.stereo.truth import Truth


@dataclass(frozen=True)
class Floor:
    """The Jezero floor of seed 5, its truth, and what the program makes of it."""

    pair: StereoPair
    truth: Truth
    result: Reconstruction
    known: np.ndarray
    """(rows, columns) uint16, reasons of the left eye before matching."""


@pytest.fixture(scope="session")
def floor() -> Floor:
    """Simulated and reconstructed once."""
    left, right = navcam_pair(10)
    pair, truth = simulate_pair(5, left, right, level_from_rover=level_pose(SITE, DRIVE, ATTITUDE), samples=2)
    result = reconstruct(Scene("floor", (pair.left, pair.right), simulated=True))
    return Floor(pair, truth, result, known_reasons(pair.left))
