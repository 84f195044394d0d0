"""A small simulated pair, shared by the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from stereo3d.camera import CAHVORE
from stereo3d.frames import Frame, RigidTransform
from stereo3d.observation import StereoPair
from stereo3d.simulate.pair import level_pose, simulate_pair
from stereo3d.simulate.ring import Ring, simulate_ring
from stereo3d.simulate.scene_writer import ATTITUDE, DRIVE, SITE, navcam_pair
from stereo3d.stereo.truth import Truth


@dataclass(frozen=True)
class Small:
    """160 x 120 px of the Jezero floor."""

    left: CAHVORE
    right: CAHVORE
    pose: RigidTransform
    pair: StereoPair
    truth: Truth


@pytest.fixture(scope="session")
def small() -> Small:
    """The floor of seed 3 at 160 x 120 px."""
    left, right = navcam_pair(32)
    pose = level_pose(SITE, DRIVE, ATTITUDE)
    pair, truth = simulate_pair(3, left, right, level_from_rover=pose, samples=2)
    return Small(left, right, pose, pair, truth)


@pytest.fixture(scope="session")
def level_pair() -> tuple[CAHVORE, CAHVORE]:
    """The same cameras on a level rover that faces north, in LOCAL_LEVEL."""
    pose = RigidTransform(Frame.local_level(SITE, DRIVE), Frame.rover(SITE, DRIVE), np.eye(3), np.zeros(3))
    left, right = navcam_pair(32)
    return left.moved(pose), right.moved(pose)


@pytest.fixture(scope="session")
def ring() -> Ring:
    """The ring of seed 3, twelve frames of 160 x 120 px."""
    return simulate_ring(3, binning=32, samples=1)
