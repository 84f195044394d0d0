"""Elevation profiles, and samples of the ground."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from stereo3d.terrain.surface import Surface
from stereo3d.view.tools import ground_within, plane_fit, profile, profile_csv, profile_picture
from stereo3d.view.viewpoint import camera_centre


@pytest.fixture(scope="module")
def surface(made_up):
    return Surface(made_up.terrain.mesh)


def test_heights_are_the_grounds(made_up, surface, truth):
    ground_up, _ = truth
    found = profile(made_up, surface, [2.0, 5.0, 0.0], [3.0, 9.0, 3.0], 60)
    known = np.isfinite(found.up_m)
    assert known.mean() > 0.95
    assert found.along_m[-1] == pytest.approx(np.sqrt(17.0))
    error = found.up_m - ground_up(found.places[:, 0], found.places[:, 1])
    assert np.median(np.abs(error[known])) < 0.003
    np.testing.assert_array_equal(found.kind, np.where(known, 0, -1))
    assert (np.isfinite(found.sigma_m) == known).all()


def test_sigma_is_that_of_the_surface_at_a_place(made_up, surface):
    """The made-up mesh says that all normals point up: the sigma is then that of the up coordinate."""
    found = profile(made_up, surface, [3.0, 5.0, 0.0], [4.0, 6.0, 0.0], 5)
    eye = camera_centre(made_up)
    away = found.places - eye
    range_m = np.linalg.norm(away, axis=1)
    up = away[:, 2] / range_m
    lateral = 0.00520 / np.sqrt(12.0)
    wanted = np.sqrt((0.001 * range_m**2 * up) ** 2 + (range_m * lateral) ** 2 * (1 - up**2))
    np.testing.assert_allclose(found.sigma_m, wanted, rtol=0.03)


def test_csv_and_picture(made_up, surface):
    found = profile(made_up, surface, [3.0, 5.0, 0.0], [-30.0, 5.0, 0.0], 50)
    rows = list(csv.DictReader(io.StringIO(profile_csv(found))))
    assert len(rows) == 50
    assert float(rows[0]["east_m"]) == 3.0
    assert float(rows[0]["up_m"]) == pytest.approx(found.up_m[0], abs=1e-4)
    assert rows[-1]["up_m"] == ""
    assert rows[-1]["kind"] == "none"
    picture = profile_picture(found, "simulated")
    assert picture.size == (1200, 520)
    orange = (np.asarray(picture).astype(int) @ [1, 0, -1] > 120).sum()
    assert orange > 100
    nothing = profile(made_up, surface, [-30.0, 5.0, 0.0], [-40.0, 5.0, 0.0], 9)
    assert "no ground" in nothing.lines()[0]
    assert profile_picture(nothing, "simulated").size == (1200, 520)
    with pytest.raises(ValueError, match="2 to"):
        profile(made_up, surface, [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], 1)


def test_samples_of_a_circle_and_of_a_polygon(made_up, surface):
    middle, rim = np.array([3.0, 6.0, 0.0]), np.array([4.0, 6.0, 0.0])
    found = ground_within(made_up, surface, [middle, rim], 0.1)
    places = np.array([m.xyz_enu for m in found])
    assert np.hypot(*(places - middle)[:, :2].T).max() <= 1.0 + 1e-6
    assert len(places) == pytest.approx(np.pi * 100, rel=0.1)
    square = [[2.0, 5.0, 0.0], [3.0, 5.0, 0.0], [3.0, 6.0, 0.0], [2.0, 6.0, 0.0]]
    inside = np.array([m.xyz_enu for m in ground_within(made_up, surface, square, 0.1)])
    assert (inside[:, :2] >= [2.0 - 1e-6, 5.0 - 1e-6]).all()
    assert (inside[:, :2] <= [3.0 + 1e-6, 6.0 + 1e-6]).all()
    assert len(inside) == pytest.approx(100, abs=25)
    # Without a spacing they lie a matching window apart: far fewer.
    assert 4 <= len(ground_within(made_up, surface, [middle, rim])) < 60
    fit = plane_fit(found)
    assert fit.dip_deg < 6.0
    with pytest.raises(ValueError, match="two places"):
        ground_within(made_up, surface, [middle])
