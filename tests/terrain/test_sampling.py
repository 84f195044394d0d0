"""Colours between the pixels of a texture."""

from __future__ import annotations

import numpy as np

from stereo3d.terrain.sampling import sample_texture

ROWS, COLUMNS = 30, 50
IMAGE = np.stack(np.broadcast_arrays(4 * np.arange(COLUMNS), 6 * np.arange(ROWS)[:, None], 100), axis=-1).astype(
    np.uint8
)


def uv_of(x, y):
    return np.stack([(x + 0.5) / COLUMNS, 1.0 - (y + 0.5) / ROWS], axis=1).astype(np.float32)


def test_more_places_than_one_pass_holds():
    """Centres of pixels give the pixels, halfway gives the mean; 5,000 places are folded into two rows."""
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, COLUMNS - 1, 5000).astype(float), rng.integers(0, ROWS, 5000).astype(float)
    np.testing.assert_array_equal(sample_texture(IMAGE, uv_of(x, y)), IMAGE[y.astype(int), x.astype(int)])
    between = sample_texture(IMAGE, uv_of(x + 0.5, y))
    np.testing.assert_array_equal(between[:, 0], 4 * x + 2)


def test_beyond_the_outermost_centres_their_colour_goes_on():
    corners = np.array([[0.0, 0.0], [1.0, 1.0], [-0.3, 1.3]], dtype=np.float32)
    expected = [IMAGE[-1, 0], IMAGE[0, -1], IMAGE[0, 0]]
    np.testing.assert_array_equal(sample_texture(IMAGE, corners), expected)


def test_no_place_has_no_colour():
    assert sample_texture(IMAGE, np.empty((0, 2), np.float32)).shape == (0, 3)
