"""Tiles put together: a picture cut into overlapping, differently stretched tiles comes back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stereo3d.errors import ImageFileError, Stereo3dError
from stereo3d.image import Image
from stereo3d.observation import Observation
from stereo3d.read import read_frames, read_observation, read_scene
from stereo3d.read.tiles import assemble, match_stretch, models_differ_px, touching

Line = Callable[[Stereo3dError], str]
OVERLAP = 16
STRETCHES = [(1.0, 0.0), (0.8, 20.0), (1.25, -30.0), (0.9, 5.0)]


def picture(make_raw: Callable, colour: bool = False) -> Observation:
    """A smooth, textured picture, 192 x 160 px of 2 x 2 sensor pixels each, values from about 60 to 200."""
    seen = read_observation(make_raw("L").write().path)
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:160, :192]
    values = 130 + 40 * np.sin(x / 17.0) + 25 * np.cos(y / 11.0 + x / 40.0)
    values = np.stack([values, 0.9 * values, 0.7 * values], axis=-1) if colour else values
    values = values + rng.normal(0, 2.0, values.shape)
    image = Image(np.rint(values).astype(np.uint8), np.ones((160, 192), dtype=bool))
    camera = replace(seen.camera, width=192, height=160)
    return replace(seen, image=image, camera=camera, subframe=(65, 33, 384, 320), scale_factor=2)


def cut(whole: Observation, box: tuple[int, int, int, int], stretch: tuple[float, float], name: str) -> Observation:
    """The tile (column, row, width, height) of the picture, stretched, with read-out noise of its own."""
    column, row, width, height = box
    noise = np.random.default_rng(column + row).normal(0, 0.5, whole.image.pixels.shape)
    values = np.rint(stretch[0] * (whole.image.pixels + noise) + stretch[1])
    assert 0 <= values.min() <= values.max() <= 255, "the test would clip"
    part = (slice(row, row + height), slice(column, column + width))
    return replace(
        whole,
        product_id=f"TILE_{name}_A",
        image=Image(values[part].astype(np.uint8), whole.image.valid[part]),
        camera=whole.camera.crop(column, row, width, height),
        subframe=(65 + 2 * column, 33 + 2 * row, 2 * width, 2 * height),
        path=f"{name}.png",
    )


def four(whole: Observation, stretches: list[tuple[float, float]]) -> list[Observation]:
    half, low = OVERLAP // 2, (0, 96 - OVERLAP // 2, 80 - OVERLAP // 2)
    boxes = [
        (0, 0, 96 + half + 8, 80 + half + 8),  # the largest: the others are brought to its stretch
        (low[1], 0, 96 + half, 80 + half),
        (0, low[2], 96 + half, 80 + half),
        (low[1], low[2], 96 + half, 80 + half),
    ]
    return [cut(whole, box, s, f"0{i}") for i, (box, s) in enumerate(zip(boxes, stretches, strict=True), start=1)]


@pytest.mark.parametrize("colour", [False, True])
def test_four_stretched_tiles_give_the_picture_back(make_raw: Callable, colour: bool) -> None:
    whole = picture(make_raw, colour)
    tiles = four(whole, STRETCHES)
    out = assemble(tiles[::-1])
    assert (out.subframe, out.scale_factor, out.product_id) == (whole.subframe, 2, "TILE_04-01_A")
    assert out.image.pixels.dtype == np.uint8
    assert out.image.valid.all()
    error = out.image.pixels.astype(float) - whole.image.pixels
    assert abs(error.mean()) < 0.3
    assert np.percentile(np.abs(error), 99) <= 3.0
    # Without the match the steps are tens of DN.
    assert np.abs(tiles[1].image.pixels.astype(float) - whole.image.pixels[:88, 88:]).mean() > 5.0
    for name in "CAHVORE":
        np.testing.assert_allclose(getattr(out.camera, name), getattr(whole.camera, name), atol=1e-9)


def test_the_stretch_is_found_and_small_ones_are_none(make_raw: Callable) -> None:
    whole = picture(make_raw)
    tiles = four(whole, STRETCHES)
    corners = [((t.subframe[0] - 65) // 2, (t.subframe[1] - 33) // 2) for t in tiles if t.subframe]
    matched = match_stretch(tiles, corners, 0)
    for i, (gain, offset) in enumerate(STRETCHES):
        assert matched.gain[i, 0] == pytest.approx(1 / gain, abs=0.01)
        assert matched.offset[i, 0] == pytest.approx(-offset / gain, abs=1.5)
    same = match_stretch(four(whole, [(1.0, 0.0)] * 4), corners, 0)
    assert (same.gain == 1.0).all()
    assert (same.offset == 0.0).all()


def test_values_beyond_8_bits_are_brought_in_and_not_clipped(make_raw: Callable) -> None:
    whole = picture(make_raw)
    # The tile to which the others are matched has the strongest contrast: theirs grow beyond 255 unless squeezed.
    out = assemble(four(whole, [(1.2, 0.0), (0.5, 100.0), (0.5, 10.0), (0.5, 0.0)]))
    assert out.image.pixels.dtype == np.uint8
    slope, shift = np.polyfit(whole.image.pixels.ravel(), out.image.pixels.ravel().astype(float), 1)
    residual = out.image.pixels - slope * whole.image.pixels - shift
    assert np.abs(residual).mean() < 1.0
    weak = assemble(four(whole, [(0.2, 100.0), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0)]))
    assert weak.image.pixels.dtype == np.float32
    slope = np.polyfit(whole.image.pixels.ravel(), weak.image.pixels.ravel().astype(float), 1)[0]
    assert slope == pytest.approx(0.2, abs=0.01)


def test_outliers_of_an_overlap_do_not_matter(make_raw: Callable) -> None:
    whole = picture(make_raw)
    left, right = cut(whole, (0, 0, 110, 160), (1.0, 0.0), "01"), cut(whole, (94, 0, 98, 160), (0.8, 20.0), "02")
    pixels = np.array(right.image.pixels)
    pixels[20:50, :16] = 250
    bent = replace(right, image=Image(pixels, right.image.valid))
    matched = match_stretch([left, bent], [(0, 0), (94, 0)], 0)
    assert matched.gain[1, 0] == pytest.approx(1.25, abs=0.02)


def test_what_no_tile_covers_is_not_valid(make_raw: Callable) -> None:
    whole = picture(make_raw)
    out = assemble(four(whole, [(1.0, 0.0)] * 4)[:3])
    assert not out.image.valid[112:, 112:].any()
    assert out.image.valid[:88].all()
    invalid = whole.image.valid.copy()
    invalid[5:9, 5:9] = False
    holed = replace(whole, image=Image(whole.image.pixels, invalid))
    out = assemble(four(holed, [(1.0, 0.0)] * 4))
    np.testing.assert_array_equal(out.image.valid, invalid)


def test_tiles_that_do_not_fit_are_refused(make_raw: Callable, one_line: Line) -> None:
    whole = picture(make_raw)
    one, two, *_ = four(whole, [(1.0, 0.0)] * 4)
    shifted = replace(two, camera=two.camera.crop(0.2, 0.0, two.camera.width, two.camera.height))
    grey = two.image.pixels
    cases = {
        "differ by 0.20 px": shifted,
        "no subframe": replace(two, subframe=None),
        "between whole pixels": replace(two, subframe=(two.subframe[0] + 1, *two.subframe[1:])),
        "another scale": replace(two, scale_factor=1),
        "different kinds": replace(two, image=Image(np.stack([grey] * 3, axis=-1), two.image.valid)),
        "px in all": replace(two, subframe=(two.subframe[0] + 40000, *two.subframe[1:])),
    }
    for words, tile in cases.items():
        with pytest.raises(ImageFileError, match=words) as caught:
            assemble([one, tile])
        one_line(caught.value)


def test_touching_boxes() -> None:
    a, b, c, d = (1, 1, 100, 100), (90, 1, 100, 100), (180, 1, 100, 100), (1, 101, 100, 100)
    assert touching([a, c, d]) == [[0], [1], [2]]
    assert touching([a, c, b, d]) == [[0, 1, 2], [3]]


def test_tiles_of_both_eyes_share_a_canvas(make_raw: Callable) -> None:
    """The right eye lacks a tile: its half is not valid, and the two images still are a pair."""
    for eye, count in (("L", 2), ("R", 1)):
        for tile in range(count):
            raw = make_raw(eye)
            raw.stem = raw.stem.replace("_01_1", f"_0{tile + 1}_1")
            raw.set(imageid=raw.stem, subframeRect=f"({1 + 224 * tile},1,256,192)")
            components = raw.record["camera"]["camera_model_component_list"].split(";")
            components[2] = f"({63.5 - 112 * tile},100,0)"
            raw.set(camera_model_component_list=";".join(components)).write()
    scene = read_frames([raw.folder])
    (pair,) = scene.pairs
    assert pair.left.subframe == pair.right.subframe == (1, 1, 480, 192)
    assert pair.left.image.valid.all()
    assert pair.right.image.valid[:, :128].all()
    assert not pair.right.image.valid[:, 128:].any()
    # As one pair of a folder, only the tile that both eyes delivered is used.
    (pair,) = read_scene([raw.folder]).pairs
    assert pair.left.subframe == (1, 1, 256, 192)


def test_sol_1110(data: Path) -> None:
    files = sorted((data / "perseverance").glob("N?F_1110_*.png"))
    assert len(files) == 4
    scene = read_frames(files)
    (pair,) = scene.pairs
    assert scene.notes == ()
    for seen in (pair.left, pair.right):
        assert (seen.subframe, seen.image.pixels.shape) == ((1, 1, 5120, 1936), (968, 2560, 3))
        assert seen.image.valid.all()
        assert seen.product_id.endswith("_01-04_195J")
    left, right = (read_observation(path) for path in files[:2])
    assert models_differ_px(left.camera, right.camera.crop(-1272, 0, 1288, 968)) < 0.01
    # The step between the columns on either side of the seam's middle is that of the columns of a tile.
    pixels = pair.left.image.pixels.astype(float)
    steps = np.abs(np.diff(pixels[:, 1180:1380], axis=1)).mean(axis=(0, 2))
    assert steps[92:108].max() < 1.3 * np.median(steps)
    # Twice as wide, the picture covers twice the angle of a tile.
    rays = pair.left.camera.ray([[0.0, 483.5], [2559.0, 483.5]])[1]
    assert np.degrees(np.arccos(rays[0] @ rays[1])) == pytest.approx(96.0, abs=2.0)
