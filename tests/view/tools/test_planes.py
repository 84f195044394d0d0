"""Planes: height above, dip and strike."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.view.tools import height_above_plane, plane_fit
from stereo3d.view.tools.planes import fit_plane
from stereo3d.view.tools.propagate import place_covariance

EYE = np.array([0.0, 0.0, 2.0])


def _plane(dip_deg, direction_deg, count, rng, size=1.0):
    """Points of a plane 6 m north of the eye that falls towards a direction."""
    dip, towards = np.radians([dip_deg, direction_deg])
    level = rng.uniform(-size, size, (count, 2))
    down = level @ [np.sin(towards), np.cos(towards)]
    return np.column_stack([level[:, 0], 6.0 + level[:, 1], -np.tan(dip) * down])


def test_height_above_a_tilted_plane(seen_from, spread_of):
    corners = [[0.0, 5.0, 0.0], [1.0, 5.0, 0.0], [0.0, 6.0, 1.0]]
    places = [seen_from([0.0, 5.0, np.sqrt(2.0)]), *(seen_from(c) for c in corners)]
    found = height_above_plane(*places)
    assert found.value == pytest.approx(1.0)
    assert height_above_plane(places[0], places[2], places[1], places[3]).value == pytest.approx(1.0)
    assert height_above_plane(seen_from([0.0, 5.0, -1.0]), *places[1:]).value < 0

    def measure(p):
        normal = np.cross(p[2] - p[1], p[3] - p[1])
        return normal @ (p[0] - p[1]) / np.linalg.norm(normal)

    assert found.sigma == pytest.approx(spread_of(measure, places), rel=0.1)
    line = [seen_from([float(k), 5.0, 0.0]) for k in range(3)]
    assert np.isnan(height_above_plane(places[0], *line).value)
    assert np.isnan(height_above_plane(places[0], *line).sigma)


@pytest.mark.parametrize(("dip", "direction", "strike"), [(10.0, 30.0, 300.0), (60.0, 200.0, 110.0)])
def test_dip_and_strike_of_exact_points(seen_from, dip, direction, strike):
    points = _plane(dip, direction, 12, np.random.default_rng(1))
    found = plane_fit([seen_from(p) for p in points])
    assert found.dip_deg == pytest.approx(dip)
    assert found.dip_direction_deg == pytest.approx(direction)
    assert found.strike_deg == pytest.approx(strike)
    assert found.rms_m < 1e-12
    assert found.normal[2] > 0


def test_sigmas_agree_with_random_errors():
    rng = np.random.default_rng(2)
    points = _plane(15.0, 75.0, 20, rng)
    covariance = place_covariance(points, EYE, np.full(20, 0.03), 0.002)
    roots = np.linalg.cholesky(covariance)
    found = [
        fit_plane(points + np.einsum("nij,nj->ni", roots, rng.normal(size=(20, 3))), covariance) for _ in range(400)
    ]
    dips = np.array([f.dip_deg for f in found])
    assert dips.mean() == pytest.approx(15.0, abs=3.0 * dips.std() / 20.0)
    # Where chi^2 is above 1 by chance the sigma told is larger: the median of it is not far above.
    assert np.median([f.dip_sigma_deg for f in found]) == pytest.approx(dips.std(), rel=0.15)
    strikes = np.array([f.strike_deg for f in found])
    assert np.median([f.strike_sigma_deg for f in found]) == pytest.approx(strikes.std(), rel=0.15)
    assert np.median([f.reduced_chi2 for f in found]) == pytest.approx(1.0, abs=0.15)


def test_rough_ground_makes_sigma_larger():
    rng = np.random.default_rng(3)
    points = _plane(15.0, 75.0, 200, rng) + rng.normal(0.0, 0.05, (200, 3))
    small = place_covariance(points, EYE, np.full(200, 0.001), 0.0001)
    found = fit_plane(points, small)
    assert found.reduced_chi2 > 100.0
    assert found.dip_sigma_deg == pytest.approx(np.degrees(0.05 / (np.sqrt(200) / np.sqrt(3))), rel=0.2)


def test_what_is_no_plane(seen_from):
    line = [seen_from([float(k), 5.0, 0.1 * k]) for k in range(6)]
    for places in (line, line[:3]):
        found = plane_fit(places)
        assert np.isnan([found.dip_deg, found.dip_sigma_deg, found.strike_deg]).all()
        assert found.lines() == ["plane  none: its places lie in a line, or are too few"]


def test_a_level_plane_has_a_dip_sigma_and_no_strike(seen_from):
    flat = [seen_from([x, y, 0.0]) for x in (-1.0, 0.0, 1.0) for y in (4.0, 5.0, 6.0)]
    found = plane_fit(flat)
    assert found.dip_deg == pytest.approx(0.0, abs=1e-6)
    assert found.dip_sigma_deg > 0.1
    assert np.isnan(found.strike_deg) or found.strike_sigma_deg == 180.0
