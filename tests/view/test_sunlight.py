"""Light and cast shadows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.terrain.mesh import TerrainMesh
from stereo3d.terrain.surface import Surface
from stereo3d.view.layers import colour_map
from stereo3d.view.raycast import draw
from stereo3d.view.sunlight import AMBIENT, Sun, lit, usual_sun, vertex_light
from stereo3d.view.viewpoint import Viewpoint


@pytest.fixture(scope="module")
def wall(made_up):
    """A level floor, and a wall of 1 m along the north-south line east = 0."""
    vertices = np.array([
        [-10, -10, 0], [10, -10, 0], [10, 10, 0], [-10, 10, 0], [0, -10, 0], [0, 10, 0], [0, 10, 1], [0, -10, 1],
    ], float)  # fmt: skip
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    normals = np.tile([0.0, 0.0, 1.0], (8, 1)).astype(np.float32)
    mesh = TerrainMesh(
        made_up.terrain.mesh.frame, vertices, faces, normals, np.zeros((8, 2)), np.full(8, 0.01), np.zeros(4, np.uint8)
    )  # fmt: skip
    return Surface(mesh)


def test_direction_of_the_sun():
    np.testing.assert_allclose(Sun(90.0, 0.0).direction, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(Sun(0.0, 30.0).direction, [0, np.sqrt(0.75), 0.5], atol=1e-12)


def test_light_goes_with_the_cosine():
    normals = np.array([[0, 0, 1.0], [1.0, 0, 0], [-1.0, 0, 0]])
    found = Sun(90.0, 30.0).on(normals)
    np.testing.assert_allclose(found, AMBIENT + (1 - AMBIENT) * np.array([0.5, np.sqrt(0.75), 0.0]), atol=1e-6)


@pytest.mark.parametrize("elevation", [20.0, 45.0])
def test_a_shadow_is_as_long_as_the_wall_over_the_tangent(wall, elevation):
    """The sun is in the east: the shadow lies to the west of the wall."""
    east = np.linspace(-5.0, 5.0, 401)
    places = np.stack([east, np.zeros_like(east), np.zeros_like(east)], axis=1)
    normals = np.tile([0.0, 0.0, 1.0], (401, 1))
    light = lit(wall, places, normals, Sun(90.0, elevation), np.array([0.0, 0.0, 2.0]))
    dark = east[light <= AMBIENT + 1e-6]
    assert dark.min() == pytest.approx(-1.0 / np.tan(np.radians(elevation)), abs=0.05)
    assert dark.max() == pytest.approx(0.0, abs=0.05)


def test_even_ground_does_not_shade_itself(made_up):
    """The made-up ground is smooth, but for the rock's flank: hardly any vertex lies in its own shadow."""
    surface = Surface(made_up.terrain.mesh)
    light = vertex_light(made_up, surface, Sun(220.0, 60.0))
    assert (light <= AMBIENT + 1e-6).mean() < 0.02
    low = vertex_light(made_up, surface, Sun(48.0, 12.0))  # from behind the rock, towards the camera
    assert (low <= AMBIENT + 1e-6).mean() > 0.03


def test_pictures_show_the_shadow_pixel_by_pixel(made_up, wall):
    view = Viewpoint(
        "top", np.array([0.0, 0.0, 20.0]), np.array([0.0, 0.0, -1.0]), np.array([0.0, 1.0, 0.0]), 5.0, True
    )
    terrain = replace(made_up.terrain, mesh=wall.mesh, uv=np.full((8, 2), 0.5, np.float32))
    sun = Sun(90.0, 30.0)
    colours = replace(colour_map(made_up, "hillshade", sun), values=sun.on(wall.mesh.normals))
    row = draw(terrain, wall, view, (200, 200), colours).rgb[100, :, 0].astype(int)
    east = (np.arange(200) - 99.5) / 20.0
    clear = (np.abs(east) > 0.1) & (np.abs(east + np.sqrt(3.0)) > 0.06)
    np.testing.assert_array_equal((row < 60)[clear], ((east > -np.sqrt(3.0)) & (east < 0.0))[clear])
    assert abs(row[150] - 255 * (AMBIENT + (1 - AMBIENT) * 0.5)) < 2


def test_the_usual_sun_is_the_frames_own(made_up):
    assert usual_sun(made_up) == Sun(315.0, 45.0)
    frames = tuple(replace(o, sun_deg=(200.0, 30.0)) for o in (made_up.pair.left, made_up.pair.right))
    lit_scene = replace(made_up, pair=replace(made_up.pair, left=frames[0], right=frames[1]))
    assert usual_sun(lit_scene) == Sun(200.0, 30.0)
