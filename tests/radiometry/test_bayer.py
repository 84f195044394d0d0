"""Mosaics to colour: phase, sharpness, no grid, no shift, clipped pixels, borders, balance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.camera import CAHV
from stereo3d.frames import Frame
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation
from stereo3d.radiometry.bayer import Phase, alike, debayer, find_phase, was_mosaic
from stereo3d.read.develop import developed

PHASES = [Phase(0, 0), Phase(0, 1), Phase(1, 0), Phase(1, 1)]


def colour_scene(rows: int = 121, columns: int = 160, noise: float = 1.0) -> np.ndarray:
    """Mars-coloured texture, (rows, columns, 3) float, smooth over a few pixels."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:rows, :columns]
    light = 1 + 0.25 * np.sin(x / 5.0 + y / 9.0) + 0.2 * np.sin(y / 4.0)
    tint = 0.1 * np.sin(x / 17.0)
    base = np.stack([150 * (1 + tint), 120 + 0 * tint, 70 * (1 - tint)], axis=-1)
    return base * light[..., None] + rng.normal(0, noise, (rows, columns, 3))


def mosaic_of(rgb: np.ndarray, phase: Phase) -> np.ndarray:
    """What a sensor with this phase gathers of the colours."""
    out = rgb[..., 1].copy()
    out[phase.row :: 2, phase.column :: 2] = rgb[phase.row :: 2, phase.column :: 2, 0]
    out[1 - phase.row :: 2, 1 - phase.column :: 2] = rgb[1 - phase.row :: 2, 1 - phase.column :: 2, 2]
    return out


def image_of(pixels: np.ndarray, kind: type = np.uint8) -> Image:
    top = 255 if kind is np.uint8 else 65535
    made = pixels.astype(kind) if kind is np.float32 else np.clip(np.rint(pixels), 0, top).astype(kind)
    return Image(made, np.ones(pixels.shape[:2], dtype=bool))


def grid_power(grey: np.ndarray) -> float:
    """Power at the mosaic's frequencies over that of their neighbours: 1 for none."""
    part = grey[: grey.shape[0] // 2 * 2, : grey.shape[1] // 2 * 2] * np.outer(
        np.hanning(grey.shape[0] // 2 * 2), np.hanning(grey.shape[1] // 2 * 2)
    )
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2(part))) ** 2
    rows, columns = spectrum.shape
    spectrum = np.roll(spectrum, (4, 4), (0, 1))  # the highest frequency in the middle of a window, not at its edge
    ratios = []
    for r, c in ((4, 4), (4, columns // 2 + 4), (rows // 2 + 4, 4)):
        window = spectrum[r - 4 : r + 5, c - 4 : c + 5].copy()
        peak = window[3:6, 3:6].mean()
        window[3:6, 3:6] = np.nan
        ratios.append(peak / np.nanmedian(window))
    return max(ratios)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_colours_come_back_in_place(phase: Phase, kind: type) -> None:
    rgb = colour_scene() * (16 if kind is not np.uint8 else 1)
    raw = image_of(mosaic_of(rgb, phase), kind)
    made = debayer(raw, phase)
    assert (made.pixels.dtype, made.pixels.shape) == (raw.pixels.dtype, rgb.shape)
    error = (made.pixels - rgb)[3:-3, 3:-3] / rgb.max() * 255
    assert np.sqrt((error**2).mean()) < 2.0
    assert np.abs((made.pixels - rgb) / rgb.max()).max() < 0.2  # borders are of the same scene
    # A shift of a half pixel would correlate the error with the slope.
    for axis in (0, 1):
        slope = np.gradient(rgb, axis=axis)[3:-3, 3:-3]
        assert abs((error / 255 * rgb.max() * slope).sum() / (slope**2).sum()) < 0.02


@pytest.mark.parametrize("phase", PHASES)
def test_what_was_measured_stays(phase: Phase) -> None:
    raw = image_of(mosaic_of(colour_scene(), phase))
    np.testing.assert_array_equal(mosaic_of(debayer(raw, phase).pixels, phase), raw.pixels)


def test_no_grid_is_left() -> None:
    raw = image_of(mosaic_of(colour_scene(240, 320), PHASES[0]))
    assert grid_power(raw.pixels.astype(float)) > 1000
    assert grid_power(debayer(raw, PHASES[0]).luminance) < 10


def test_a_mosaic_is_of_one_phase_alone() -> None:
    """The wrong phase leaves the grid: the measure of the test above sees it."""
    raw = image_of(mosaic_of(colour_scene(240, 320), PHASES[0]))
    assert grid_power(debayer(raw, PHASES[1]).luminance) > 100


@pytest.mark.parametrize("phase", PHASES)
def test_the_phase_is_found_from_pixels_and_from_the_record(phase: Phase) -> None:
    raw = image_of(mosaic_of(colour_scene(), phase))
    assert find_phase(raw) == phase
    # The record of an odd subframe says the same; nothing is taken from a record that the pixels contradict.
    start = (201 + phase.column, 101 + phase.row, 160, 121)
    assert find_phase(raw, "Mars 2020", start) == phase
    assert find_phase(raw, "Mars 2020", (start[0] + 1, start[1], 160, 121)) == phase
    assert find_phase(raw, "Mars 2020", start, scale_factor=2) == phase


@pytest.mark.parametrize("phase", PHASES)
def test_blue_ground_is_told_by_the_record_alone(phase: Phase) -> None:
    raw = image_of(mosaic_of(colour_scene()[..., ::-1], phase))
    start = (201 + phase.column, 101 + phase.row, 160, 121)
    assert find_phase(raw, "Mars 2020", start) == phase
    assert find_phase(raw) == Phase(1 - phase.row, 1 - phase.column)


def test_grey_ground_takes_the_records_phase() -> None:
    grey = np.repeat(colour_scene()[..., 1:2], 3, axis=2)
    raw = image_of(mosaic_of(grey, PHASES[1]))
    assert find_phase(raw, "Mars 2020", (2, 1, 160, 121)) == PHASES[1]


def test_clipped_highlights_get_no_colour_of_their_own() -> None:
    rgb = np.full((40, 40, 3), 60.0)
    rgb[:, 20:] = 400.0  # far above what eight bits hold
    made = debayer(image_of(mosaic_of(rgb, PHASES[0])), PHASES[0]).pixels.astype(int)
    assert (made[:, 23:] == 255).all()
    assert (made[:, :17] == 60).all()
    assert made.min() == 60  # no dark ring


def test_beside_missing_pixels_nothing_is_known() -> None:
    raw = image_of(mosaic_of(colour_scene(), PHASES[0]))
    valid = raw.valid.copy()
    valid[50, 60] = False
    made = debayer(Image(raw.pixels, valid), PHASES[0])
    assert not made.valid[49:52, 59:62].any()
    assert made.valid.sum() == valid.size - 9


def observation(image: Image, eye: Eye, notes: tuple[str, ...] = ()) -> Observation:
    camera = CAHV(
        Frame.rover(1, 1), image.width, image.height, np.zeros(3), np.array([1.0, 0, 0]),
        np.array([80.0, 100, 0]), np.array([60.0, 0, 100]),
    )  # fmt: skip
    return Observation(f"{eye.value}", "Mars 2020", "NAVCAM", eye, image, camera, 1, 1, 1, 0.0, None, processing=notes)


def read_as_mosaic(rgb: np.ndarray) -> Observation:
    image, notes = developed(image_of(mosaic_of(rgb, PHASES[0])), "Mars 2020", None, (1, 1, 160, 121), 1)
    return observation(image, Eye.RIGHT, notes)


def test_a_mosaic_takes_the_colours_of_the_other_eye() -> None:
    rgb = colour_scene()
    left = observation(image_of(rgb), Eye.LEFT)
    right = read_as_mosaic(rgb * [0.7, 0.9, 1.3])
    assert was_mosaic(right)
    assert not was_mosaic(left)
    first, second = alike([left, right])
    assert first is left
    difference = np.abs(second.image.pixels.astype(float) - rgb)[3:-3, 3:-3]
    assert difference.mean() < 2
    assert "to be like left" in second.processing[-1]


def test_colours_beyond_any_stretch_are_left_and_told() -> None:
    rgb = colour_scene()
    right = read_as_mosaic(rgb * [0.3, 0.9, 1.3])
    _, second = alike([observation(image_of(rgb), Eye.LEFT), right])
    np.testing.assert_array_equal(second.image.pixels, right.image.pixels)
    assert "not balanced" in second.processing[-1]


def test_without_a_colour_partner_nothing_is_scaled() -> None:
    right = read_as_mosaic(colour_scene())
    grey = observation(image_of(colour_scene()[..., 1]), Eye.LEFT)
    assert alike([grey, right])[1] is right
    assert alike([replace(right, eye=Eye.LEFT), right])[1] is right


def test_what_is_no_mosaic_is_the_same_object() -> None:
    for pixels in (colour_scene(), colour_scene()[..., 1]):
        image = image_of(pixels)
        same, notes = developed(image, "Mars 2020", None, None, 1)
        assert same is image
        assert notes == ()
