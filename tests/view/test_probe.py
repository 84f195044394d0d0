"""The pixel under the pointer: through ground from anywhere, through a hole from the camera's own place only."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.stereo.disparity import Reason
from stereo3d.terrain.surface import Surface
from stereo3d.view.probe import explain_ray, pixel_under
from stereo3d.view.viewpoint import camera_centre, viewpoint


@pytest.fixture(scope="module")
def surface(made_up):
    return Surface(made_up.terrain.mesh)


def _ray(made_up, view, pixel):
    """From the view's eye through the place that ``pixel`` of the left image shows."""
    column, row = pixel
    place = made_up.enu_from_rover.apply(made_up.xyz.xyz[row, column].astype(float))
    return view.eye, place - view.eye


def test_ground_is_found_from_anywhere(made_up, surface):
    for name in ("camera", "oblique"):
        view = viewpoint(made_up, name, 4 / 3)
        for pixel in ((160, 200), (60, 150), (300, 120)):
            found = pixel_under(made_up, surface, *_ray(made_up, view, pixel))
            assert not isinstance(found, str)
            assert np.abs(np.subtract(found[1], pixel)).max() <= 1


def test_a_hole_is_told_from_the_cameras_place_only(made_up, surface):
    sky = (100, 5)
    assert made_up.xyz.reason[sky[1], sky[0]] == int(Reason.SKY)
    origin, direction = made_up.pair.left.camera.ray(np.array(sky, float))
    ray = made_up.enu_from_rover.apply(origin), 3.0 * made_up.enu_from_rover.rotate(direction)
    assert pixel_under(made_up, surface, *ray)[1] == sky
    lines = explain_ray(made_up, surface, *ray)
    assert lines[0] == "pixel 100,5: no XYZ: sky"
    assert all(len(line) < 100 for line in lines)
    elsewhere = viewpoint(made_up, "oblique", 4 / 3)
    text = " ".join(explain_ray(made_up, surface, elsewhere.eye, ray[1]))
    assert "press 0" in text
    top = viewpoint(made_up, "top", 4 / 3)
    assert "press 0" in pixel_under(made_up, surface, camera_centre(made_up) - 50 * top.up, top.forward)


def test_beside_the_frame_there_is_no_pixel(made_up, surface):
    start = viewpoint(made_up, "camera", 4 / 3)
    beside = start.forward + 3.0 * start.right + 0.5 * start.up
    assert pixel_under(made_up, surface, start.eye, beside) == "outside the left image"
    assert pixel_under(made_up, surface, start.eye, -start.forward + 0.2 * start.up) == "outside the left image"
