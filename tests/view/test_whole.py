"""The window's tools on the one ground of several pairs."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.terrain.surface import Surface
from stereo3d.view.annotate import caption
from stereo3d.view.probe import explain_ray, pixel_under
from stereo3d.view.tools import pick
from stereo3d.view.viewpoint import camera_centre, camera_viewpoint, oblique_viewpoint


@pytest.fixture(scope="module")
def surface(ring_result):
    return Surface(ring_result.terrain.mesh)


def _places(ring_result, number):
    """Some places (n, 3), ENU, that pair ``number`` measured near the middle of its left image, and their pixels."""
    measured = ring_result.pairs[number]
    rows, columns = np.nonzero(measured.xyz.measured[120:200, 100:220])
    keep = np.arange(0, len(rows), 499)
    pixels = np.stack([columns[keep] + 100, rows[keep] + 120], axis=1)
    points = measured.xyz.xyz[pixels[:, 1], pixels[:, 0]].astype(float)
    return ring_result.enu_from_rover.apply(points), pixels


def test_a_click_measures_the_ground_on_every_side(ring_result, surface):
    eye = camera_centre(ring_result)
    off = []
    for number in range(6):
        for place in _places(ring_result, number)[0]:
            point = pick(ring_result, surface, eye, place - eye)
            if point is None:
                continue
            assert point.range_m == pytest.approx(np.linalg.norm(point.xyz_enu - eye))
            assert 0 < point.sigma_m < 0.2 * point.range_m
            np.testing.assert_allclose(ring_result.enu_from_rover.apply(point.xyz_rover), point.xyz_enu, atol=1e-9)
            off.append(np.linalg.norm(point.xyz_enu - place) / point.range_m)
    assert len(off) > 30
    assert np.median(off) < 0.02


def test_a_place_is_explained_by_the_pair_that_shows_it_best(ring_result, surface):
    eye = camera_centre(ring_result)
    for number in (0, 3):
        places = zip(*_places(ring_result, number), strict=True)
        found = [(pixel_under(ring_result, surface, eye, place - eye), at) for place, at in places]
        right = [f for f in found if not isinstance(f[0], str) and f[0][0] is ring_result.pairs[number]]
        assert len(right) > 0.7 * len(found)
        assert np.median([np.abs(np.subtract(pixel, at)).max() for (_, pixel), at in right]) <= 2
    place = _places(ring_result, 3)[0][0]
    lines = explain_ray(ring_result, surface, eye, place - eye)
    assert lines[0] == f"pair 4: {ring_result.pairs[3].pair.left.product_id}"
    assert lines[1].startswith("pixel ")


def test_a_hole_asks_for_one_pair(ring_result, surface):
    lines = explain_ray(ring_result, surface, camera_centre(ring_result), np.array([0.3, 0.2, 1.0]))
    assert lines == ["no ground there; why is known of one pair at a time: view it with --pair N"]


def test_the_caption_names_the_set(ring_result):
    assert caption(ring_result, camera_viewpoint(ring_result, 1.6), "image")[0].startswith("small-ring, 6 pairs")


def test_the_oblique_view_holds_the_ground_around_the_rover(ring_result):
    view = oblique_viewpoint(ring_result, 1.6)
    angle = np.radians(np.arange(0, 360, 30))
    reach = np.stack([3.0 * np.sin(angle), 3.0 * np.cos(angle), 0.0 * angle], axis=1)
    pixels = view.project(camera_centre(ring_result) * [1, 1, 0] + reach, (1600, 1000))
    assert ((pixels > 0) & (pixels < [1600, 1000])).all()
