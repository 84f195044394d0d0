"""Seams on two and three frames whose difference is known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from stereo3d.observation import Eye
from stereo3d.panorama.layer import Layer
from stereo3d.panorama.seams import UNSEEN, choose, region, seam_steps

ROWS, WIDE, STEP = 120, 160, 90
SHAPE = ROWS, WIDE + STEP


def layer(name: str, column: int, pixels: np.ndarray, valid: np.ndarray | None = None) -> Layer:
    rows, columns = pixels.shape[:2]
    x = np.arange(columns)
    weight = np.broadcast_to(np.minimum(x, columns - 1 - x) / (columns / 2), (rows, columns)).astype(np.float32)
    valid = np.ones((rows, columns), dtype=bool) if valid is None else valid
    position = np.zeros((rows, columns, 2), dtype=np.float32)
    return Layer(name, Eye.LEFT, column, 0, np.where(valid, pixels, 0).astype(np.float32), valid, position, weight)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    noise = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    return (100 + 60 * cv2.GaussianBlur(noise, (0, 0), 3)).astype(np.float32)


@pytest.fixture(scope="module")
def two(picture: np.ndarray) -> list[Layer]:
    """Two frames of the picture that overlap from column 90 to 160."""
    return [layer("a", 0, picture[:, :WIDE]), layer("b", STEP, picture[:, STEP:])]


def with_rock(layers: list[Layer]) -> list[Layer]:
    """A rock in the middle of the overlap that both see, the second frame 16 columns further right."""
    out = []
    for moved, one in zip((0, 16), layers, strict=True):
        pixels = one.pixels.copy()
        first = 112 - one.column + moved
        pixels[40:60, first : first + 20] = 20.0
        out.append(replace(one, pixels=pixels))
    return out


def laid(layers: list[Layer], labels: np.ndarray) -> np.ndarray:
    out = np.zeros(labels.shape, dtype=np.float32)
    for number, one in enumerate(layers):
        place = slice(0, ROWS), slice(one.column, one.column + one.width)
        out[place][labels[place] == number] = one.pixels[labels[place] == number]
    return out


def test_every_pixel_comes_from_a_frame_that_has_it(two: list[Layer]) -> None:
    labels = choose(two, [one.pixels for one in two], SHAPE)
    assert (labels[:, :STEP] == 0).all()
    assert (labels[:, WIDE:] == 1).all()
    # One seam, without islands: each row changes once.
    assert (np.count_nonzero(np.diff(labels, axis=1), axis=1) == 1).all()


def test_unseen_pixels_stay_unseen(two: list[Layer]) -> None:
    hole = two[0].valid.copy()
    hole[20:50, 10:40] = False
    hole[:, WIDE - 20 :] = False
    layers = [replace(two[0], valid=hole), replace(two[1], column=WIDE, pixels=two[1].pixels)]
    labels = choose(layers, [one.pixels for one in layers], (ROWS, 2 * WIDE + 5))
    assert (labels[20:50, 10:40] == UNSEEN).all()
    assert (labels[:, WIDE - 20 : WIDE] == UNSEEN).all()
    assert (labels[:, 2 * WIDE :] == UNSEEN).all()
    assert (labels == UNSEEN).sum() == 30 * 30 + 20 * ROWS + 5 * ROWS


def test_a_rock_that_stands_elsewhere_is_shown_once_and_whole(two: list[Layer]) -> None:
    layers = with_rock(two)
    labels = choose(layers, [one.pixels for one in layers], SHAPE)
    dark = (laid(layers, labels) == 20.0).sum(axis=1)
    assert (dark[40:60] == 20).all()
    assert dark.sum() == 400


def test_the_middle_of_the_overlap_is_preferred(picture: np.ndarray, two: list[Layer]) -> None:
    # At the rim the second frame fits perfectly, in the middle not quite: the rim is still no place for a seam.
    other = two[1].pixels.copy()
    other[:, 8:] += 3.0
    labels = choose(two, [two[0].pixels, other], SHAPE)
    seam = np.argmax(labels == 1, axis=1)
    assert (seam > STEP + 12).all()
    assert (seam < WIDE - 12).all()


def test_one_frame_alone_and_grey_or_colour(two: list[Layer]) -> None:
    assert (choose(two[:1], [two[0].pixels], SHAPE)[:, :WIDE] == 0).all()
    colour = [np.repeat(one.pixels[..., None], 3, axis=2) for one in two]
    assert np.array_equal(choose(two, colour, SHAPE), choose(two, [one.pixels for one in two], SHAPE))


@pytest.mark.parametrize("scale", [7.3, 2.5])
def test_regions_of_the_large_canvas_part_it_without_gap_or_overlap(scale: float) -> None:
    labels = np.full((60, 90), UNSEEN, dtype=np.int16)
    x, y = np.meshgrid(np.arange(90), np.arange(60))
    labels[:50] = np.where(x + 0.5 * y < 40, 0, np.where(y < 30, 1, 2))[:50]
    # At a scale of 2.5 some pixels lie on the very line between two layers.
    labels[:, 70:] = 0
    rows, columns = round(60 * scale), round(90 * scale)
    whole = [region(labels, k, (0, 0, rows, columns), scale) for k in range(3)]
    assert (sum(w.astype(int) for w in whole) == 1).all()
    for k in range(3):
        # What is well inside a label is inside its region; the seam moves by less than a small pixel.
        centres = np.floor((np.arange(columns) + 0.5) / scale).astype(int)
        lines = np.floor((np.arange(rows) + 0.5) / scale).astype(int)
        core = cv2.erode((labels == k).astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
        assert whole[k][core[np.ix_(lines, centres)] > 0].all()
        # A part of the canvas is parted as the whole is.
        assert np.array_equal(region(labels, k, (51, 27, 100, 120), scale), whole[k][27:127, 51:171])


def test_steps_are_those_put_in(two: list[Layer]) -> None:
    brighter = [two[0].pixels, two[1].pixels + 5.0]
    labels = np.zeros(SHAPE, dtype=np.int16)
    labels[:, 125:] = 1
    steps = seam_steps(two, brighter, labels, value_range=100.0)
    assert [(s.first, s.second, s.length_px) for s in steps.seams] == [(0, 1, ROWS)]
    assert steps.mean == pytest.approx(0.05, abs=1e-4)
    # Where the difference changes from one side to the other, the step is the mean of both.
    uneven = [two[0].pixels, two[1].pixels + np.where(np.arange(WIDE) + STEP < 125, 5.0, 9.0).astype(np.float32)]
    assert seam_steps(two, uneven, labels, 100.0).mean == pytest.approx(0.07, abs=1e-4)
    pasted = np.where(labels == 1, 5.0, 0.0) + laid(two, labels)
    assert seam_steps(two, brighter, labels, 100.0, pasted).mean == pytest.approx(0.05, abs=1e-4)
    # A picture that goes over smoothly has a hundredth of it in each of some hundred columns.
    smooth = laid(two, labels) + np.clip((np.arange(SHAPE[1]) - 75) / 100, 0, 1) * 5.0
    assert seam_steps(two, brighter, labels, 100.0, smooth.astype(np.float32)).mean < 0.005


def test_no_seam_no_step(two: list[Layer]) -> None:
    labels = np.zeros(SHAPE, dtype=np.int16)
    assert np.isnan(seam_steps(two, [one.pixels for one in two], labels, 100.0).mean)
