"""Ground through points that two frames see, where there is no stereo."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.panorama.surface import Plane
from stereo3d.panorama.tied import TiedGround

CENTRE = np.array([0.3, -0.2, -2.0])
LEVEL = Plane(np.array([0.0, 0.0, 1.0]))


def directions(azimuths_deg: np.ndarray, elevations_deg: np.ndarray) -> np.ndarray:
    a, e = np.meshgrid(np.radians(azimuths_deg), np.radians(elevations_deg))
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), -np.sin(e)], axis=-1).reshape(-1, 3)


def inverse_range(d: np.ndarray) -> np.ndarray:
    """Of tilted ground, half a metre below the wheels, that bulges in the north."""
    normal = np.array([-0.12, 0.07, 1.0]) / np.linalg.norm([-0.12, 0.07, 1.0])
    bulge = 0.02 * np.exp(-((np.degrees(np.arctan2(d[:, 1], d[:, 0])) / 15.0) ** 2))
    return (d @ normal) / (0.5 - CENTRE @ normal) + bulge


def points(d: np.ndarray, rng: np.random.Generator, wrong: float = 0.0) -> np.ndarray:
    nearness = inverse_range(d) * (1.0 + 0.02 * rng.normal(size=len(d)))
    nearness[rng.random(len(d)) < wrong] *= 1.6
    return CENTRE + d / nearness[:, None]


@pytest.mark.parametrize("wrong", [0.0, 0.1])
def test_the_ground_goes_through_the_points(wrong: float) -> None:
    rng = np.random.default_rng(1)
    d = directions(np.linspace(-8.0, 8.0, 14), np.linspace(-38.0, -9.0, 30))
    ground = TiedGround(CENTRE, points(d, rng, wrong), LEVEL)
    rays = directions(np.array([-6.0, 0.0, 6.0]), np.array([-35.0, -25.0, -15.0]))
    assert np.abs(ground.nearness(CENTRE, rays) / inverse_range(rays) - 1.0).max() < 0.015
    # The plane of the wheels is off by far more.
    assert np.abs(LEVEL.nearness(CENTRE, rays) / inverse_range(rays) - 1.0).min() > 0.04


def test_away_from_the_points_the_relief_ends() -> None:
    rng = np.random.default_rng(2)
    d = directions(np.linspace(-20.0, 20.0, 20), np.linspace(-38.0, -9.0, 30))
    bump = CENTRE + d / (LEVEL.nearness(CENTRE, d) * (1.0 + 0.1 * np.exp(-((d[:, 1] / 0.1) ** 2))))[:, None]
    ground = TiedGround(CENTRE, bump + 0.001 * rng.normal(size=bump.shape), LEVEL)
    behind = directions(np.array([120.0, 180.0, 240.0]), np.array([-30.0, -20.0]))
    assert np.abs(ground.nearness(CENTRE, behind) / LEVEL.nearness(CENTRE, behind) - 1.0).max() < 0.05
    up = directions(np.arange(0.0, 360.0, 30.0), np.array([10.0, 45.0]))
    assert ground.nearness(CENTRE, up).max() < 1e-3
