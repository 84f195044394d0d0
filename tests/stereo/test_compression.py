"""JPEG's blocks are told from the picture alone, and nothing else is taken for them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from stereo3d.image import Image
from stereo3d.observation import StereoPair
from stereo3d.simulate.disturb import DISTURBANCES, disturbed
from stereo3d.stereo.compression import blocking, damage


def _image(pixels):
    return Image(pixels, np.ones(pixels.shape[:2], dtype=bool))


def _jpeg(pixels, quality):
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("name", sorted(set(DISTURBANCES) - {"JPEG 80"}))
def test_what_was_never_compressed_is_undamaged(floor, name):
    """Exactly zero, so that it is measured as if nothing had been looked for."""
    assert damage(floor.pair) == 0.0
    assert damage(disturbed(floor.pair, name)) == 0.0


def test_damage_grows_with_compression(floor):
    found = []
    for quality in (97, 95, 92, 88, 80):
        eyes = (replace(o, image=_image(_jpeg(o.image.pixels, quality))) for o in (floor.pair.left, floor.pair.right))
        found.append(damage(StereoPair(*eyes)))
    assert found == sorted(found)
    assert found[0] < 0.1
    assert 0.2 < found[2] < 0.9
    assert found[-1] == 1.0


@pytest.mark.parametrize("shift", [(0, 0), (3, 5), (7, 1)])
def test_blocks_are_found_wherever_they_begin(floor, shift):
    grey = np.rint(floor.pair.left.image.luminance).astype(np.uint8)
    whole = blocking(_image(_jpeg(grey, 80)))
    assert whole > 0.4
    cut = _jpeg(grey, 80)[shift[0] :, shift[1] :]
    assert blocking(_image(np.ascontiguousarray(cut))) == pytest.approx(whole, rel=0.05)


def test_brightness_and_depth_of_the_numbers_do_not_matter(floor):
    coded = _jpeg(np.rint(floor.pair.left.image.luminance).astype(np.uint8), 80)
    deep = (coded.astype(np.uint16) * 9 + 1000).astype(np.uint16)
    assert blocking(_image(deep)) == pytest.approx(blocking(_image(coded)), rel=0.01)


@pytest.mark.parametrize("pixels", [np.full((96, 128), 7, np.uint8), np.zeros((12, 300), np.float32)])
def test_pictures_of_nothing_have_no_blocks(pixels):
    assert blocking(_image(pixels)) == 0.0


def test_a_few_strong_edges_are_no_blocks():
    """Bars 40 px apart all stand at one phase of eight; so do few things but the blocks."""
    rng = np.random.default_rng(3)
    pixels = rng.normal(100, 4, (240, 320)).astype(np.float32)
    for column in range(16, 320, 80):
        pixels[:, column:] += 60.0 if column % 160 == 16 else -60.0
    assert blocking(_image(pixels)) < 0.35


def test_real_pairs_are_compressed_and_most_but_little(shared_data):
    from stereo3d.read import read_scene

    found = {
        sol: damage(read_scene([next((shared_data / "perseverance").glob(f"NLF_{sol}_*.png"))]).pairs[0])
        for sol in ("0340", "0718", "0755")
    }
    assert found["0340"] > 0.8
    assert found["0718"] < 0.1
    assert found["0755"] < 0.2
