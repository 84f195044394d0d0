"""Blending: what goes in alone comes out, steps go, borders stay, and what is unseen is not made up."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stereo3d.panorama.blend import MultiBand, continued, default_bands

SHAPE = 150, 330


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """(rows, columns, 3) of fine and coarse detail, 20 to 240 DN."""
    rng = np.random.default_rng(4)
    out = np.zeros((*SHAPE, 3), dtype=np.float32)
    for size in (1.0, 5.0, 25.0):
        noise = cv2.GaussianBlur(rng.normal(size=out.shape).astype(np.float32), (0, 0), size)
        out += noise / noise.std() * 15
    return np.clip(out + 130, 20, 240)


def fed(blender: MultiBand, pixels: np.ndarray, columns: slice, own: slice, valid: np.ndarray | None = None) -> None:
    """Feed these columns of the pixels (whole canvas), of which ``own`` are to be taken."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, own] = True
    known = np.ones(SHAPE, dtype=bool) if valid is None else valid
    blender.feed(pixels[:, columns], known[:, columns], mask[:, columns], columns.start, 0)


def test_one_picture_in_parts_comes_out_as_it_was(picture: np.ndarray) -> None:
    blender = MultiBand(SHAPE, 3, bands=4)
    fed(blender, picture, slice(0, 150), slice(0, 110))
    fed(blender, picture, slice(60, 260), slice(110, 213))
    fed(blender, picture, slice(170, 330), slice(213, 330))
    out, seen = blender.result()
    assert seen.all()
    assert np.abs(out - picture).max() < 0.1


def test_grey_is_a_channel_of_colour(picture: np.ndarray) -> None:
    colour, grey = MultiBand(SHAPE, 3, bands=4), MultiBand(SHAPE, 1, bands=4)
    for blender, pixels in ((colour, picture), (grey, picture[..., 1])):
        fed(blender, pixels, slice(0, 200), slice(0, 150))
        fed(blender, pixels + 10, slice(100, 330), slice(150, 330))
    assert grey.result()[0] == pytest.approx(colour.result()[0][..., 1], abs=1e-3)
    assert grey.result()[0].shape == SHAPE


def test_a_step_of_brightness_goes_over_slowly_and_detail_stays(picture: np.ndarray) -> None:
    blender = MultiBand(SHAPE, 3, bands=5)
    fed(blender, picture, slice(0, 250), slice(0, 165))
    fed(blender, picture + 16, slice(80, 330), slice(165, 330))
    added = (blender.result()[0] - picture).mean(axis=(0, 2))
    assert added[20] == pytest.approx(0, abs=0.5)
    assert added[310] == pytest.approx(16, abs=0.5)
    assert np.abs(np.diff(added)).max() < 1.0
    assert (np.diff(added) > -0.05).all()
    assert np.abs((blender.result()[0] - picture) - added[:, None]).max() < 0.5


def test_what_no_frame_shows_is_unseen_and_its_border_is_not_darkened(picture: np.ndarray) -> None:
    x, y = np.meshgrid(np.arange(SHAPE[1]), np.arange(SHAPE[0]))
    valid = (np.hypot(x - 100, y - 75) > 25) & (y > 12 + 0.05 * x) & (x < 300)
    blender = MultiBand(SHAPE, 3, bands=4)
    hidden = np.where(valid[..., None], picture, 0).astype(np.float32)
    fed(blender, hidden, slice(0, 200), slice(0, 150), valid)
    fed(blender, hidden, slice(120, 330), slice(150, 330), valid)
    out, seen = blender.result()
    assert np.array_equal(seen, valid)
    assert (out[~seen] == 0).all()
    # The frames are black where they are not valid: a fringe would be tens of DN deep.
    assert np.abs(out - picture)[seen].max() < 0.2


def test_a_pixel_is_taken_from_the_first_frame_only(picture: np.ndarray) -> None:
    blender = MultiBand(SHAPE, 3, bands=3)
    fed(blender, picture, slice(0, 330), slice(0, 200))
    fed(blender, picture + 100, slice(0, 330), slice(0, 200))
    assert np.abs(blender.result()[0] - picture)[:, :200].max() < 0.1
    assert not blender.seen[:, 200:].any()


def test_strips_are_the_picture(picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stereo3d.panorama.blend.STRIP_ROWS", 34)
    blender = MultiBand(SHAPE, 3, bands=4)
    fed(blender, picture, slice(0, 330), slice(0, 330))
    strips = list(blender.strips())
    assert [first for first, _ in strips] == [0, 34, 68, 102, 136]
    assert np.abs(np.concatenate([strip for _, strip in strips]) - picture).max() < 0.1


def test_a_frame_in_parts_is_the_frame(picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parted = MultiBand(SHAPE, 3, bands=3), MultiBand(SHAPE, 3, bands=3)
    for blender, columns in ((whole, 4096), (parted, 37)):
        monkeypatch.setattr("stereo3d.panorama.blend.PART_COLUMNS", columns)
        fed(blender, picture, slice(10, 250), slice(10, 165))
        fed(blender, picture + 16, slice(80, 330), slice(165, 330))
    assert np.array_equal(parted.seen, whole.seen)
    assert np.abs(parted.result()[0] - whole.result()[0]).max() < 0.2


def test_deep_pixels_keep_their_depth(picture: np.ndarray) -> None:
    deep = picture * 250
    blender = MultiBand(SHAPE, 3, bands=4)
    fed(blender, deep, slice(0, 200), slice(0, 150))
    fed(blender, deep, slice(100, 330), slice(150, 330))
    assert np.abs(blender.result()[0] - deep).max() < 12.0


def test_a_frame_off_the_canvas_is_refused(picture: np.ndarray) -> None:
    valid = np.ones((150, 100), dtype=bool)
    with pytest.raises(ValueError, match="does not lie on the canvas"):
        MultiBand(SHAPE, 3).feed(picture[:, :100], valid, valid, 231, 0)


def test_continued_pixels_go_on_smoothly() -> None:
    x = np.arange(64, dtype=np.float32)
    ramp = np.broadcast_to(x[None, :, None], (48, 64, 1)).copy()
    known = np.zeros((48, 64), dtype=bool)
    known[10:30, 10:40] = True
    out = continued(np.where(known[..., None], ramp, -1e6).astype(np.float32), known)
    assert np.array_equal(out[known], ramp[known])
    assert out.min() >= 9.9
    assert out.max() <= 39.1
    assert np.abs(np.diff(out[20, :, 0])).max() < 5.0


def test_bands_grow_with_the_canvas() -> None:
    assert [default_bands((100, n)) for n in (100, 1280, 10_000, 20_000, 60_000)] == [2, 4, 7, 7, 7]
