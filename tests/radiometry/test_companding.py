"""Companding and back, and what the record says of it."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.image import Image
from stereo3d.radiometry.companding import companded, decompanded, table_of
from stereo3d.read.develop import developed

KNOWN = [
    ("InSight", "LUT0"),
    ("MSL", "MMM_LUT0"),
    ("Mars 2020", "mmm_lut0"),
    ("MER-A", "MSB_BIT11"),
    ("MSL", "MSB_BIT9"),
]


@pytest.mark.parametrize(("mission", "mode"), KNOWN)
def test_round_trip_is_within_half_a_step(mission: str, mode: str) -> None:
    table = table_of(mission, mode)
    assert table is not None
    assert table.shape == (256,)
    steps = np.diff(table.astype(int))
    assert (steps >= 0).all()
    linear = np.arange(int(table[0]), int(table[-1]) + 1)
    codes = companded(linear, table)
    half = np.maximum(np.append(steps, steps[-1])[codes], np.insert(steps, 0, steps[0])[codes]) / 2
    assert (np.abs(table[codes] - linear) <= half).all()
    # And codes that differ in DN come back as they were.
    distinct = np.flatnonzero(np.insert(steps, 0, 1) > 0)
    np.testing.assert_array_equal(table[companded(table[distinct], table)], table[distinct])


def test_published_entries() -> None:
    insight, mmm = table_of("InSight", "LUT0"), table_of("MSL", "MMM_LUT0")
    assert insight is not None
    assert mmm is not None
    assert insight[[0, 10, 100, 200, 255]].tolist() == [0, 3, 522, 2400, 4095]
    assert mmm[[0, 1, 128, 255]].tolist() == [0, 2, 542, 2033]
    shifted = table_of("MSL", "MSB_BIT11")
    assert shifted is not None
    assert shifted[[0, 1, 255]].tolist() == [7, 23, 4087]


@pytest.mark.parametrize("mode", ["LUT2", "MSB_BIT3", "MSB_BIT40", "AUTOSHIFT", ""])
def test_what_is_not_known_stays_and_is_told(mode: str) -> None:
    image = Image(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64).astype(np.uint8), np.ones((64, 64), dtype=bool))
    same, notes = developed(image, "Mars 2020", mode, None, 1)
    assert same is image
    assert "left as it is" in notes[0]


def test_never_twice() -> None:
    codes = np.arange(64 * 64).reshape(64, 64) % 251
    image = Image(codes.astype(np.uint8), np.ones((64, 64), dtype=bool))
    once, note = decompanded(image, "InSight", "LUT0")
    assert once.pixels.max() > 3000
    assert note.startswith("decompanded")
    twice, note = decompanded(once, "InSight", "LUT0")
    assert twice is once
    assert note.startswith("not decompanded")


def test_pixels_without_data_stay_zero() -> None:
    valid = np.ones((64, 64), dtype=bool)
    valid[3, 4] = False
    made, _ = decompanded(Image(np.where(valid, 9, 0).astype(np.uint8), valid), "MSL", "MSB_BIT11")
    assert made.pixels[3, 4] == 0
    assert (made.pixels[valid] == 9 * 16 + 7).all()
    np.testing.assert_array_equal(made.valid, valid)
