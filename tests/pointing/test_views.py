"""Frames made ready, and where their points lie in other frames."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from stereo3d.camera import pixel_grid
from stereo3d.camera.mast import head_from_joints
from stereo3d.camera.published import published_camera
from stereo3d.frames import Frame
from stereo3d.image import Image
from stereo3d.pointing.views import overlap, plane_inverse_range, predicted, prepared, seen_at, warped
from stereo3d.simulate.ring import Ring

ROVER = Frame.rover(3, 4)


def camera(name: str, pan_deg: float):
    return published_camera(name).binned(32).moved(head_from_joints(pan_deg, -20.0, ROVER))


def test_a_point_at_its_range_is_seen_where_it_projects() -> None:
    reference, target = camera("NAVL", 0.0), camera("NAVR", 40.0)
    pixels = pixel_grid(160, 120)[20::13, 90::11].reshape(-1, 2)
    origins, directions = reference.ray(pixels)
    for range_m in (2.0, 30.0, 900.0):
        at = predicted(reference, target, pixels, np.full(len(pixels), 1.0 / range_m))
        np.testing.assert_allclose(at, target.project(origins + range_m * directions), atol=1e-9)
    # At infinity, and a little beyond it, the place goes on smoothly.
    near, far, past = (predicted(reference, target, pixels, np.full(len(pixels), r)) for r in (1e-4, 0.0, -1e-4))
    np.testing.assert_allclose(far, target.project(target.C + 1e6 * directions), atol=1e-3)
    np.testing.assert_allclose(near - far, far - past, atol=1e-3)


def test_the_plane_of_the_wheels() -> None:
    origins = np.array([[1.0, 2.0, -2.0]] * 3)
    directions = np.array([[0.6, 0.0, 0.8], [1.0, 0.0, 0.0], [0.6, 0.0, -0.8]])
    np.testing.assert_allclose(plane_inverse_range(origins, directions), [0.4, 0.0, 0.0])
    on_it = seen_at(origins, directions, plane_inverse_range(origins, directions), np.zeros(3))[0]
    assert on_it[2] == pytest.approx(0.0, abs=1e-12)


def test_overlap_is_what_both_frames_see() -> None:
    reference = camera("NAVL", 0.0)
    assert not overlap(reference, camera("NAVL", 150.0)).any()
    right = overlap(reference, camera("NAVL", 60.0))
    columns = np.flatnonzero(right.any(axis=0))
    assert columns.size > 3
    assert columns.min() > right.shape[1] // 2


def test_a_warped_frame_lies_on_the_reference(ring: Ring) -> None:
    reference, target = (prepared(o) for o in ring.true_observations[0:3:2])
    pixels, usable, source = warped(reference.camera, target)
    inside = usable & reference.usable
    far = plane_inverse_range(*reference.camera.ray(pixel_grid(reference.camera.width, reference.camera.height))) < 0.1
    both = inside & far
    assert both.sum() > 300
    assert np.corrcoef(pixels[both], reference.image[both])[0, 1] > 0.8
    y, x = (int(v) for v in np.argwhere(both)[len(np.argwhere(both)) // 2])
    expected = predicted(reference.camera, target.camera, np.array([x, y], dtype=float))
    np.testing.assert_allclose(source[y, x], expected, atol=0.3)


def test_saturated_areas_hold_no_ties(ring: Ring) -> None:
    observation = ring.observations[0]
    pixels = np.array(observation.image.pixels)
    plain = prepared(observation).usable
    # A place where all of 80 x 100 px is ground.
    y, x = np.argwhere(cv2.erode(plain.astype(np.uint8), np.ones((81, 101), np.uint8), borderValue=0))[0] - (20, 30)
    pixels[y : y + 40, x : x + 60] = 255
    burnt = prepared(replace(observation, image=Image(pixels, observation.image.valid)))
    assert not burnt.usable[y - 7 : y + 47, x - 7 : x + 67].any()
    assert burnt.usable[y - 20 : y - 15, x - 20 : x + 80].all()
