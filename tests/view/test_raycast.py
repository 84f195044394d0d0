"""The ray-cast picture."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from stereo3d.camera import pixel_grid
from stereo3d.terrain.surface import Surface
from stereo3d.view.layers import KIND_COLOURS, colour_map
from stereo3d.view.raycast import background, draw
from stereo3d.view.viewpoint import camera_centre, camera_viewpoint, top_viewpoint

SIZE = (320, 240)


@pytest.fixture(scope="module")
def surface(made_up):
    return Surface(made_up.terrain.mesh)


@pytest.fixture(scope="module")
def from_camera(made_up, surface):
    return draw(made_up.terrain, surface, camera_viewpoint(made_up, SIZE[0] / SIZE[1]), SIZE)


def near_ground(made_up, picture):
    """Pixels nearer than 12 m and not beside a gap: farther off, several squares share a pixel."""
    near = np.linalg.norm(picture.ground - camera_centre(made_up), axis=-1) < 12.0
    return cv2.erode(near.astype(np.uint8), np.ones((5, 5))) > 0


def test_seen_from_the_camera_the_ground_is_the_photograph(made_up, from_camera):
    """Place, direction, up axis and texture coordinates all at once, to the pixel."""
    inside = near_ground(made_up, from_camera)
    assert inside.mean() > 0.4
    difference = np.abs(from_camera.rgb[inside].astype(int) - made_up.terrain.image[inside])
    assert np.mean(difference) < 0.5
    assert np.corrcoef(from_camera.rgb[inside].ravel(), made_up.terrain.image[inside].ravel())[0, 1] > 0.999


def test_shift_by_two_pixels_would_be_noticed(made_up, from_camera):
    inside = near_ground(made_up, from_camera)
    inside[:, :8] = False
    shifted = np.roll(made_up.terrain.image, 2, axis=1)
    assert np.mean(np.abs(from_camera.rgb[inside].astype(int) - shifted[inside])) > 1.0


def test_sky_above_ground_below(from_camera):
    seen = np.isfinite(from_camera.ground[..., 0])
    assert seen[-100:].mean() > 0.95
    assert not seen[:20].any()
    np.testing.assert_array_equal(from_camera.rgb[:20], background(SIZE)[:20])


def test_places_of_the_pixels_are_true(made_up, truth, from_camera):
    ground_up, _ = truth
    ground = from_camera.ground[np.isfinite(from_camera.ground[..., 0])]
    near = ground[np.linalg.norm(ground - camera_centre(made_up), axis=1) < 8.0]
    assert np.percentile(np.abs(near[:, 2] - ground_up(near[:, 0], near[:, 1])), 95) < 0.01


def test_map_shows_the_painted_squares(made_up, surface, truth):
    _, paint = truth
    view = top_viewpoint(made_up, 1.0)
    size = (400, 400)
    picture = draw(made_up.terrain, surface, view, size)
    places = np.array([[2.5, 3.5], [3.5, 3.5], [3.5, 5.5], [4.5, 6.5]])
    pixels = view.project(np.column_stack([places, np.zeros(len(places))]), size)
    found = picture.rgb[np.round(pixels[:, 1]).astype(int), np.round(pixels[:, 0]).astype(int)]
    np.testing.assert_allclose(found.astype(float), paint(places[:, 0], places[:, 1]), atol=12)


def test_layers_colour_the_ground_by_their_values(made_up, surface):
    colours = colour_map(made_up, "sigma")
    view = camera_viewpoint(made_up, SIZE[0] / SIZE[1])
    picture = draw(made_up.terrain, surface, view, SIZE, colours)
    seen = cv2.erode(np.isfinite(picture.ground[..., 0]).astype(np.uint8), np.ones((5, 5))) > 0
    reach = np.linalg.norm(picture.ground[seen] - camera_centre(made_up), axis=1)
    wanted = colours.colours((0.001 * reach**2).astype(np.float32)).astype(float)
    found = picture.rgb[seen].astype(float)
    # The photograph dims the colour; its hue stays.
    share = (found * wanted).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(wanted, axis=1)
    assert np.percentile(share, 2) > 0.995


def test_kinds_of_faces_are_exact_to_the_face(made_up, surface):
    """Of two triangles of one cell one is filled: no colour runs over the edge between them."""
    terrain = made_up.terrain
    kind = (np.arange(len(terrain.mesh.faces)) % 2 == 0).astype(np.uint8)
    changed = replace(terrain, mesh=replace(terrain.mesh, kind=kind))
    colours = colour_map(replace(made_up, terrain=changed), "kind")
    view = camera_viewpoint(made_up, SIZE[0] / SIZE[1])
    picture = draw(changed, surface, view, SIZE, colours)
    origins, directions = view.rays(pixel_grid(*SIZE).reshape(-1, 2), SIZE)
    face = surface.hits(origins, directions).face.reshape(SIZE[1], SIZE[0])
    inner = cv2.erode((face >= 0).astype(np.uint8), np.ones((5, 5))) > 0
    wanted = np.array(KIND_COLOURS, float)[kind[face[inner]]]
    found = picture.rgb[inner].astype(float)
    share = (found * wanted).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(wanted, axis=1)
    assert 0.2 < kind[face[inner]].mean() < 0.8
    assert np.percentile(share, 5) > 0.995
