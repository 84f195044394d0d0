"""The texture's coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.image import Image
from stereo3d.terrain.mesh import build_mesh
from stereo3d.terrain.texture import texture_mesh


def test_coordinates_hit_the_centre_of_the_pixel(world):
    w = world()
    mesh = build_mesh(w.cast()[0], w.camera().C)
    pixels = np.random.default_rng(0).integers(0, 255, (w.height, w.width, 3), dtype=np.uint8)
    textured = texture_mesh(mesh, Image(pixels, np.ones(pixels.shape[:2], dtype=bool)))
    # As OpenGL samples the nearest texel of an image whose first row is on top.
    column = np.floor(textured.uv[:, 0] * w.width).astype(int)
    row = np.floor((1.0 - textured.uv[:, 1].astype(np.float64)) * w.height).astype(int)
    assert (pixels[row, column] == pixels[mesh.pixels[:, 1].astype(int), mesh.pixels[:, 0].astype(int)]).all()
    inner = textured.uv.astype(np.float64) * (w.width, w.height) % 1.0
    assert inner == pytest.approx(np.full(inner.shape, 0.5), abs=1e-3)
    assert (textured.image == pixels).all()


def test_image_of_another_size_is_refused(world):
    w = world()
    mesh = build_mesh(w.cast()[0], w.camera().C)
    with pytest.raises(ValueError, match="not measured in this image"):
        texture_mesh(mesh, Image(np.zeros((50, 50), np.uint8), np.ones((50, 50), dtype=bool)))
