"""The panorama and the ground, linked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stereo3d.errors import FrameMismatchError
from stereo3d.export.panorama import write_panorama
from stereo3d.pipeline.panorama import PanoramaSettings, make_panorama
from stereo3d.read import read_frames
from stereo3d.terrain.surface import Surface
from stereo3d.view.panorama_link import PanoramaLink, link_file, surroundings_of

LINK = PanoramaLink(np.array([1.0, 2.0, 3.0]), 350.0, 20.0, 0.5, 720, 100)


def test_pixels_and_directions_by_hand():
    np.testing.assert_allclose(LINK.azimuth_elevation([19.5, 39.5]), [0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(LINK.direction([19.5, 39.5]), [0.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(LINK.pixel([5.0, 0.0, 0.0]), [199.5, 39.5])
    np.testing.assert_allclose(LINK.pixel_of([1.0, 12.0, 13.0])[1], (20.0 - 45.0) / 0.5 - 0.5)
    assert not LINK.inside(LINK.pixel_of([1.0, 12.0, 13.0]))
    assert LINK.inside([0.0, 0.0])


def test_there_and_back():
    rng = np.random.default_rng(1)
    pixels = rng.uniform(0, [719, 99], (50, 2))
    np.testing.assert_allclose(LINK.pixel(LINK.direction(pixels)), pixels, atol=1e-9)
    part = PanoramaLink(np.zeros(3), 340.0, 10.0, 0.25, 160, 80)
    np.testing.assert_allclose(part.pixel(part.direction([[0.0, 0.0], [159.0, 79.0]])), [[0, 0], [159, 79]], atol=1e-9)


@pytest.fixture(scope="module")
def surface(ring_result):
    return Surface(ring_result.terrain.mesh)


def test_the_panorama_shows_the_ground_where_it_lies(ring_result, surface):
    """The colour of a pixel of the panorama is that of the ground that its ray meets."""
    pixels, link = surroundings_of(ring_result, 1024)
    assert pixels.shape == (link.height, link.width, 4)
    mesh, uv = ring_result.terrain.mesh, ring_result.terrain.uv
    image = ring_result.terrain.image
    rng = np.random.default_rng(2)
    wanted, found = [], []
    for pixel in np.round(rng.uniform([2, link.height * 0.4], [link.width - 3, link.height - 3], (600, 2))):
        place = link.ground(surface, pixel)
        if place is None or np.linalg.norm(place - link.eye) > 15.0 or not pixels[int(pixel[1]), int(pixel[0]), 3]:
            continue
        np.testing.assert_allclose(link.pixel_of(place), pixel, atol=1e-3)
        hit = surface.hits(link.eye[None], link.direction(pixel)[None])
        u, v = surface.interpolate(hit, uv)[0]
        wanted.append(image[int((1 - v) * (image.shape[0] - 1)), int(u * (image.shape[1] - 1)), 1])
        found.append(pixels[int(pixel[1]), int(pixel[0]), 1])
    assert len(found) > 150
    assert np.corrcoef(np.array(wanted, float), np.array(found, float))[0, 1] > 0.8
    assert link.ground(surface, [10.0, -50.0]) is None
    assert mesh.frame.kind == "ENU"


def test_a_panoramas_file_is_linked_by_its_rays(ring_result, ring_folder, surface, tmp_path: Path, made_up):
    panorama = make_panorama(read_frames([ring_folder]), PanoramaSettings(stereo=False))
    path = tmp_path / "pano.png"
    write_panorama(panorama, path)
    about, link = link_file(path, ring_result)
    assert about.picture == "pano.png"
    pixel = np.array([0.4 * panorama.projection.width, 0.85 * panorama.projection.height])
    point = link.measure(ring_result, surface, pixel)
    assert point is not None
    np.testing.assert_allclose(link.pixel_of(point.xyz_enu), pixel, atol=0.02)
    origin, direction = link.ray(pixel)
    assert np.linalg.norm(origin - ring_result.eye_enu) < 1.0
    assert direction[2] < 0
    assert link.measure(ring_result, surface, [0.4 * panorama.projection.width, -2000.0]) is None
    with pytest.raises(FrameMismatchError, match="the ground is of"):
        link_file(path, made_up)
