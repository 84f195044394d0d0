"""Places with known errors."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.view.tools import measure_point

LEVEL = RigidTransform(Frame.enu(1, 2), Frame.rover(1, 2), ENU_FROM_NED)
"""A rover that is level and faces north."""


@pytest.fixture(scope="session")
def seen_from():
    """A place (3,) seen from an eye with one sigma of range (m) and of direction (rad)."""

    def make(xyz, sigma_m=0.02, lateral=0.001, eye=(0.0, 0.0, 2.0)):
        return measure_point(xyz, sigma_m, eye, LEVEL, lateral)

    return make


@pytest.fixture(scope="session")
def spread_of():
    """Standard deviation of what a function makes of places (n, 3) with random errors of their covariances."""

    def spread(measure, places, count=4000):
        rng = np.random.default_rng(8)
        roots = [np.linalg.cholesky(p.covariance) for p in places]
        drawn = np.stack([p.xyz_enu + rng.normal(size=(count, 3)) @ r.T for p, r in zip(places, roots, strict=True)], 1)
        return np.std([measure(points) for points in drawn], axis=0)

    return spread
