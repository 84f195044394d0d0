"""Propagation of covariance."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.view.tools import propagate
from stereo3d.view.tools.propagate import place_covariance


def test_covariance_is_sigma_along_the_ray_and_an_angle_across():
    found = place_covariance([3.0, 4.0, 0.0], [0.0, 0.0, 0.0], 0.2, 0.01)
    ray, across = np.array([0.6, 0.8, 0.0]), np.array([0.8, -0.6, 0.0])
    assert ray @ found @ ray == pytest.approx(0.04)
    assert across @ found @ across == pytest.approx(0.0025)
    assert found[2, 2] == pytest.approx(0.0025)
    assert ray @ found @ across == pytest.approx(0.0, abs=1e-15)


def test_a_linear_measure_is_exact(seen_from):
    places = [seen_from([1.0, 5.0, 0.0]), seen_from([-2.0, 7.0, 0.5])]
    weights = np.array([[1.0, -2.0, 0.5], [0.3, 0.0, 4.0]])
    value, sigma = propagate(lambda p: (weights * p).sum(), places)
    wanted = sum(w @ p.covariance @ w for w, p in zip(weights, places, strict=True))
    assert value[0] == pytest.approx(sum(w @ p.xyz_enu for w, p in zip(weights, places, strict=True)))
    assert sigma[0] == pytest.approx(np.sqrt(wanted), rel=1e-9)


def test_angles_do_not_jump_at_north(seen_from):
    """At azimuth 0 one side of the difference is 359.999 degrees."""
    place = seen_from([0.0, 10.0, 2.0], lateral=0.002)
    _, sigma = propagate(lambda p: np.degrees(np.arctan2(p[0, 0], p[0, 1])) % 360.0, [place], turn=360.0)
    assert sigma[0] == pytest.approx(np.degrees(0.002), rel=1e-6)
