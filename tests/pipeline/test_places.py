"""What is known of places on the ground."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.observation import Eye
from stereo3d.pipeline.places import frame_showing, lateral_rad, measured_by, pixel_angle_rad, site_from_enu
from stereo3d.terrain.surface import Surface


@pytest.fixture(scope="module")
def surface(ring_result):
    return Surface(ring_result.terrain.mesh)


def test_lateral_sigma_is_a_pixels_and_the_pointings(ring_result):
    angle = max(pixel_angle_rad(m.pair.left.camera) for m in ring_result.pairs)
    # 96 degrees over 320 px, and a wide lens' pixels are coarsest in the middle.
    assert np.radians(96.0) / 320 < angle < 1.3 * np.radians(96.0) / 320
    pixel = angle / np.sqrt(12.0)
    pointing = np.radians([
        v for f in ring_result.pointing.frames for v in (f.pan_relative_sigma_deg, f.tilt_relative_sigma_deg)
    ])  # fmt: skip
    assert lateral_rad(ring_result) == pytest.approx(np.hypot(pixel, np.sqrt(np.mean(pointing**2))))
    assert lateral_rad(ring_result) > pixel


def test_site_of_the_origin_is_the_rovers_place(ring_result):
    there = ring_result.observations[0].site_from_rover
    np.testing.assert_allclose(site_from_enu(ring_result).apply(np.zeros(3)), there.translation, atol=1e-12)
    up = site_from_enu(ring_result).rotate([0.0, 0.0, 1.0])
    np.testing.assert_allclose(up, [0.0, 0.0, -1.0], atol=1e-6)


def test_places_are_counted_by_the_pairs_that_measured_them(ring_result):
    mesh = ring_result.terrain.mesh
    count = measured_by(ring_result, mesh.vertices)
    assert (count > 0).mean() > 0.97
    assert 0.02 < (count > 1).mean() < 0.9
    assert count.max() <= 3
    above = mesh.vertices + np.array([0.0, 0.0, 1.0])
    near = np.linalg.norm(mesh.vertices - ring_result.eye_enu, axis=1) < 8.0
    assert (measured_by(ring_result, above)[near] > 0).mean() < 0.15


def test_the_frame_that_shows_a_place_best(ring_result, surface):
    mesh = ring_result.terrain.mesh
    range_m = np.linalg.norm(mesh.vertices - ring_result.eye_enu, axis=1)
    chosen = np.flatnonzero((range_m > 3.0) & (range_m < 15.0))[::200]
    assert len(chosen) > 30
    found = [frame_showing(ring_result, surface, mesh.vertices[k]) for k in chosen]
    assert sum(f is not None for f in found) > 0.97 * len(found)
    for place, shown in zip(mesh.vertices[chosen], found, strict=True):
        if shown is None:
            continue
        frame = ring_result.observations[shown.index]
        assert frame.product_id == shown.product_id
        assert frame.eye is Eye.LEFT
        origin, ray = frame.camera.ray(np.array(shown.pixel))
        back = ring_result.enu_from_rover.inverse().apply(place) - origin
        np.testing.assert_allclose(back / np.linalg.norm(back), ray, atol=1e-6)
    assert len({f.index for f in found if f is not None}) == 6


def test_what_lies_behind_the_ground_is_shown_by_none(ring_result, surface):
    """But where a frame sees no ground in front of it either, beside the rover's deck."""
    mesh = ring_result.terrain.mesh
    range_m = np.linalg.norm(mesh.vertices - ring_result.eye_enu, axis=1)
    chosen = mesh.vertices[np.flatnonzero((range_m > 4.0) & (range_m < 10.0))[::300]]
    buried = [frame_showing(ring_result, surface, p - np.array([0.0, 0.0, 0.8])) is None for p in chosen]
    assert len(buried) > 20
    assert np.mean(buried) > 0.85
    assert frame_showing(ring_result, surface, ring_result.eye_enu + np.array([0.0, 0.0, 50.0])) is None
