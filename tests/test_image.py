"""Pixels and their mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stereo3d.image import Image


def _image(pixels: Any, valid: Any = None) -> Image:
    pixels = np.asarray(pixels)
    return Image(pixels, np.ones(pixels.shape[:2], dtype=bool) if valid is None else np.asarray(valid))


def test_size_is_columns_by_rows() -> None:
    image = _image(np.zeros((3, 5), dtype=np.uint8))
    assert (image.width, image.height) == (5, 3)


def test_luminance_of_grey_is_itself_and_of_colour_weighs_green_twice() -> None:
    grey = np.arange(6, dtype=np.uint16).reshape(2, 3) * 10_000
    image = _image(grey)
    assert image.luminance.dtype == np.float32
    np.testing.assert_array_equal(image.luminance, grey)
    rgb = np.array([[[100, 0, 0], [0, 100, 0], [0, 0, 100], [255, 255, 255]]], dtype=np.uint8)
    np.testing.assert_array_equal(_image(rgb).luminance, [[25.0, 50.0, 25.0, 255.0]])
    with pytest.raises(ValueError, match="read-only"):
        image.luminance[0, 0] = 1.0


def test_rgb8_keeps_eight_bits_as_they_are() -> None:
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(_image(grey).rgb8, np.stack([grey] * 3, axis=-1))
    rgb = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    np.testing.assert_array_equal(_image(rgb).rgb8, rgb)


def test_rgb8_stretches_sixteen_bits_over_the_valid_range() -> None:
    pixels = np.linspace(1000, 3000, 2001).astype(np.uint16)[None, :].repeat(2, axis=0)
    valid = np.ones(pixels.shape, dtype=bool)
    pixels[1], valid[1] = 65535, False  # a saturated line without data must not set the scale
    rgb = _image(pixels, valid).rgb8
    assert rgb.dtype == np.uint8
    assert rgb.shape == (2, 2001, 3)
    assert (rgb[0, 0] == 0).all()
    assert (rgb[0, -1] == 255).all()
    np.testing.assert_allclose(rgb[0, 1000], 127, atol=1)
    assert (np.diff(rgb[0, :, 0].astype(int)) >= 0).all()


def test_rgb8_of_colour_stretches_all_channels_alike() -> None:
    pixels = np.zeros((1, 3, 3), dtype=np.uint16)
    pixels[0, 1], pixels[0, 2] = [100, 200, 400], [400, 400, 400]
    np.testing.assert_allclose(_image(pixels).rgb8[0, 1], [64, 128, 255], atol=1)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 3)])
def test_rgb8_of_flat_empty_or_unknown_data_does_not_fail(shape: tuple[int, ...]) -> None:
    flat = np.full(shape, 500, dtype=np.uint16)
    assert (_image(flat).rgb8 == 0).all()
    assert _image(flat, np.zeros((4, 4), dtype=bool)).rgb8.shape == (4, 4, 3)
    unknown = np.full(shape, np.nan, dtype=np.float32)
    assert (_image(unknown).rgb8 == 0).all()
    unknown[0, 0], unknown[0, 1] = 0.0, 1.0
    assert (_image(unknown).rgb8[0, 1] == 255).all()
    assert (_image(unknown).rgb8[2, 2] == 0).all()


def test_arrays_are_locked() -> None:
    image = _image(np.zeros((3, 5), dtype=np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        image.valid[0, 0] = False


@pytest.mark.parametrize(
    ("pixels", "valid", "message"),
    [
        (np.zeros((3, 5)), None, "must be uint8, uint16 or float32, got float64"),
        (np.zeros((3, 5), dtype=np.int16), None, "must be uint8, uint16 or float32"),
        (np.zeros((3, 5, 4), dtype=np.uint8), None, "must be .rows, columns. or"),
        (np.zeros(5, dtype=np.uint8), np.ones(5, dtype=bool), "must be .rows, columns. or"),
        (np.zeros((3, 5), dtype=np.uint8), np.ones((5, 3), dtype=bool), "valid must be bool"),
        (np.zeros((3, 5), dtype=np.uint8), np.ones((3, 5), dtype=np.uint8), "valid must be bool"),
    ],
)
def test_what_is_no_image_is_refused(pixels: np.ndarray, valid: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _image(pixels, valid)


def _scene(rng: np.random.Generator) -> np.ndarray:
    """Texture, a slope and noise, (120, 161) DN."""
    y, x = np.mgrid[:120, :161]
    return 90 + 30 * np.sin(x / 7.0 + y / 11.0) + 0.3 * y + rng.normal(0, 1, x.shape)


def _bayer(scene: np.ndarray, red: float, green: float, blue: float) -> np.ndarray:
    """The scene as a mosaic R G / G B of an even colour."""
    out = green * scene
    out[0::2, 0::2] *= red / green
    out[1::2, 1::2] *= blue / green
    return np.rint(out).astype(np.uint8)


@pytest.mark.parametrize("colour", [(1.3, 1.0, 0.6), (0.8, 1.0, 0.8)])
def test_the_luminance_of_a_bayer_mosaic_is_that_of_its_scene(colour: tuple[float, float, float]) -> None:
    scene = _scene(np.random.default_rng(1))
    image = _image(_bayer(scene, *colour))
    assert image.is_mosaic
    weighed = (colour[0] + 2 * colour[1] + colour[2]) / 4 * scene
    assert np.abs(image.pixels - weighed)[1:-1, 1:-1].mean() > 5
    assert np.abs(image.luminance - weighed)[1:-1, 1:-1].mean() < 1.2
    # The borders are of the same scene, too.
    assert np.abs(image.luminance - weighed).max() < 12
    with pytest.raises(ValueError, match="read-only"):
        image.luminance[0, 0] = 1.0


def test_a_grey_scene_is_no_mosaic_and_stays_as_it_is() -> None:
    rng = np.random.default_rng(2)
    for pixels in (_scene(rng), rng.integers(0, 255, (80, 90)), np.add.outer(np.arange(90), np.arange(100))):
        image = _image(pixels.astype(np.uint8))
        assert not image.is_mosaic
        np.testing.assert_array_equal(image.luminance, image.pixels)
