"""Where views are taken from."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.camera import pixel_grid
from stereo3d.view.viewpoint import UP, Viewpoint, camera_viewpoint, oblique_viewpoint, top_viewpoint


def test_camera_view_is_the_frame_itself(made_up):
    """The made-up rover is not rolled: at the frame's own size the upright view has the frame's very pixels."""
    camera = made_up.pair.left.camera
    pixels = pixel_grid(camera.width, camera.height)[::40, ::40]
    origins, directions = camera.ray(pixels)
    points = made_up.enu_from_rover.apply(origins + 7.0 * directions)
    view = camera_viewpoint(made_up, camera.width / camera.height)
    np.testing.assert_allclose(view.project(points, (camera.width, camera.height)), pixels, atol=1e-9)


def test_camera_stands_where_hand_computation_puts_it(made_up):
    """Heading 40 degrees, nose 3 degrees up, camera 0.8 m ahead, 0.2 m left, 2 m up of the rover's origin."""
    yaw, nose = np.radians(40.0), np.radians(3.0)
    ahead, above = 0.8 * np.cos(nose) - 2.0 * np.sin(nose), 0.8 * np.sin(nose) + 2.0 * np.cos(nose)
    east = ahead * np.sin(yaw) - 0.2 * np.cos(yaw)
    north = ahead * np.cos(yaw) + 0.2 * np.sin(yaw)
    view = camera_viewpoint(made_up, 1.5)
    np.testing.assert_allclose(view.eye, [east, north, above], atol=1e-12)
    assert view.heading_deg == pytest.approx(40.0)
    assert np.degrees(np.arcsin(view.forward[2])) == pytest.approx(-17.0)


@pytest.mark.parametrize("make", [camera_viewpoint, oblique_viewpoint, top_viewpoint])
def test_project_after_ray_is_identity(made_up, make):
    size = (160, 100)
    view = make(made_up, 1.6)
    pixels = pixel_grid(*size)[::9, ::9]
    origins, directions = view.rays(pixels, size)
    np.testing.assert_allclose(view.project(origins + 5.0 * directions, size), pixels, atol=1e-9)
    assert view.up @ UP >= 0.0


def test_narrow_picture_keeps_the_frame_width(made_up):
    """Portrait format: the view opens upward until the whole width of the frame is in it."""
    wide, narrow = camera_viewpoint(made_up, 4 / 3), camera_viewpoint(made_up, 0.5)
    assert narrow.half_height * 0.5 == pytest.approx(wide.half_height * 4 / 3)


def test_behind_the_eye_is_nan():
    view = Viewpoint("x", np.zeros(3), np.array([0.0, 1.0, 0.0]), UP, 1.0)
    assert np.isnan(view.project([0.0, -1.0, 0.0], (10, 10))).all()


def test_top_view_has_north_up_and_metres(made_up):
    view, size = top_viewpoint(made_up, 1.0), (400, 400)
    a, b, c = view.project([[3.0, 5.0, 0.0], [3.0, 6.0, 0.0], [4.0, 5.0, 1.0]], size)
    px_per_m = size[1] / (2 * view.half_height)
    np.testing.assert_allclose(b - a, [0.0, -px_per_m], atol=1e-9)
    np.testing.assert_allclose(c - a, [px_per_m, 0.0], atol=1e-9)
    assert view.heading_deg == pytest.approx(0.0)


def test_oblique_view_is_above_and_behind_the_camera(made_up):
    camera, oblique = camera_viewpoint(made_up, 1.6), oblique_viewpoint(made_up, 1.6)
    back = camera.eye - oblique.eye
    assert back[2] < -0.5
    assert back[:2] @ camera.forward[:2] > 0.5
    assert oblique.forward[2] < 0.0
