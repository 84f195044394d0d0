"""Moving the view."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.view import navigation
from stereo3d.view.viewpoint import UP, Viewpoint

NORTH = np.array([0.0, 1.0, 0.0])
SIZE = (400, 300)


@pytest.fixture
def view():
    return Viewpoint("x", np.array([1.0, 2.0, 3.0]), np.array([0.3, 1.0, -0.4]), UP, 0.6)


def test_orbit_keeps_the_focus_in_its_pixel_and_its_distance(view):
    focus = np.array([2.0, 7.0, 0.2])
    turned = navigation.orbit(view, focus, 0.5, 0.2)
    np.testing.assert_allclose(turned.project(focus, SIZE), view.project(focus, SIZE), atol=1e-9)
    assert np.linalg.norm(turned.eye - focus) == pytest.approx(np.linalg.norm(view.eye - focus))
    assert turned.eye[2] > view.eye[2]
    assert abs(turned.right[2]) < 1e-12


def test_orbit_to_the_right_goes_to_the_right(view):
    focus = view.eye + 5.0 * view.forward
    assert (navigation.orbit(view, focus, 0.1, 0.0).eye - view.eye) @ view.right > 0.4


def test_look_turns_in_place(view):
    turned = navigation.look(view, np.radians(30.0), 0.0)
    assert turned.heading_deg == pytest.approx(view.heading_deg + 30.0)
    np.testing.assert_array_equal(turned.eye, view.eye)
    assert navigation.look(view, 0.0, 9.0).forward[2] < 1.0


def test_nearer_halves_the_distance_and_never_passes_the_focus(view):
    focus = view.eye + 4.0 * view.forward
    assert np.linalg.norm(navigation.nearer(view, focus, 2.0).eye - focus) == pytest.approx(2.0)
    close = navigation.nearer(view, focus, 1e9).eye
    assert (focus - close) @ view.forward == pytest.approx(0.01)


def test_nearer_in_a_map_enlarges():
    top = Viewpoint("top", np.zeros(3), -UP, NORTH, 8.0, parallel=True)
    assert navigation.nearer(top, np.zeros(3), 2.0).half_height == pytest.approx(4.0)


def test_pan_moves_the_ground_by_the_drag(view):
    focus = np.array([2.0, 7.0, 0.2])
    moved, new_focus = navigation.pan(view, focus, 12.0, -5.0, SIZE[1])
    np.testing.assert_allclose(moved.project(focus, SIZE) - view.project(focus, SIZE), [12.0, 5.0], atol=1e-9)
    np.testing.assert_allclose(new_focus - focus, moved.eye - view.eye)


def test_step_walks_level_and_follows_the_ground():
    view = Viewpoint("x", np.array([0.0, 0.0, 1.7]), np.array([1.0, 0.0, -0.5]), UP, 0.6)
    ahead = navigation.step(view, 2.0, 0.0, lambda east, north: 0.1 * east)
    np.testing.assert_allclose(ahead.eye, [2.0, 0.0, 0.2 + navigation.EYE_HEIGHT_M], atol=1e-12)
    aside = navigation.step(view, 0.0, 2.0, lambda east, north: 0.1 * east)
    np.testing.assert_allclose(aside.eye, [0.0, -2.0, navigation.EYE_HEIGHT_M], atol=1e-12)


def test_step_over_a_hole_keeps_the_height():
    view = Viewpoint("x", np.array([0.0, 0.0, 2.5]), NORTH, UP, 0.6)
    assert navigation.step(view, 1.0, 0.0, lambda east, north: np.nan).eye[2] == 2.5
