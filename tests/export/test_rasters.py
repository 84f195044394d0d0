"""Raster maps, read back by tifffile (with and without its codecs), OpenCV and Pillow."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage

from stereo3d.export.rasters import write_raster


@pytest.fixture
def xyz():
    values = np.random.default_rng(7).normal(size=(150, 70, 3)).astype(np.float32)
    values[20:40, 10:30] = np.nan
    return values


def test_three_bands_come_back_as_they_were(xyz, tmp_path):
    path = tmp_path / "xyz.tif"
    write_raster(path, xyz, "X, Y, Z in metres")
    assert np.array_equal(tifffile.imread(path), xyz, equal_nan=True)
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1], xyz, equal_nan=True)
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        assert len(tif.pages) == 1
        assert (page.samplesperpixel, page.bitspersample, page.sampleformat) == (3, 32, 3)
        assert page.tags[42113].value == "nan"
        assert page.description == "X, Y, Z in metres"


@pytest.mark.parametrize("dtype", [np.float32, np.uint16])
def test_one_band(dtype, xyz, tmp_path):
    path = tmp_path / "band.tif"
    values = xyz[..., 0] if dtype == np.float32 else (np.nan_to_num(np.abs(xyz[..., 0])) * 500).astype(np.uint16)
    write_raster(path, values, "values")
    assert np.array_equal(tifffile.imread(path), values, equal_nan=dtype == np.float32)
    for found in (cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.asarray(PilImage.open(path))):
        assert found.dtype == dtype
        assert np.array_equal(found, values, equal_nan=dtype == np.float32)
    with tifffile.TiffFile(path) as tif:
        assert (42113 in tif.pages[0].tags) == (dtype == np.float32)


def test_works_without_the_optional_codecs(tmp_path):
    """tifffile alone is required; imagecodecs is not."""
    code = """
import sys
sys.modules["imagecodecs"] = None
import numpy as np, tifffile
from pathlib import Path
from stereo3d.export.rasters import write_raster
a = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
write_raster(Path("a.tif"), a, "a")
assert (tifffile.imread("a.tif") == a).all()
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)


@pytest.mark.parametrize("bad", [np.zeros((2, 2)), np.zeros(4, np.float32), np.zeros((1, 2, 2, 3), np.float32)])
def test_other_arrays_are_refused(bad, tmp_path):
    with pytest.raises(ValueError, match="a raster is"):
        write_raster(tmp_path / "a.tif", bad, "a")
