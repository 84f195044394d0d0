"""XYZ maps of any program are read; what is no map, or claims or unfolds to too much, is refused before it is."""

from __future__ import annotations

import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from stereo3d.errors import ImageFileError, MissingFileError
from stereo3d.read.planes import read_planes, read_xyz

ROWS, COLUMNS = 40, 60
SHAPE = (ROWS, COLUMNS)


@pytest.fixture(scope="module")
def xyz() -> np.ndarray:
    return np.random.default_rng(1).normal(5.0, 1.0, (ROWS, COLUMNS, 3)).astype(np.float32)


def _write(path: Path, array: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, array, metadata=None, **options)
    return path


def test_every_layout_reads_the_same(xyz: np.ndarray, tmp_path: Path) -> None:
    planes = np.moveaxis(xyz, -1, 0)
    files = [
        _write(tmp_path / "interleaved.tif", xyz, photometric="rgb"),
        _write(tmp_path / "planes.tif", planes, photometric="rgb", planarconfig="separate"),
        _write(tmp_path / "pages.tif", planes, photometric="minisblack"),
        _write(tmp_path / "deflate.tif", xyz, photometric="rgb", compression="zlib", rowsperstrip=7),
        _write(tmp_path / "tiles.tif", xyz, photometric="rgb", compression="zlib", tile=(32, 32)),
        _write(tmp_path / "big-endian.tif", xyz, photometric="rgb", byteorder=">"),
        _write(tmp_path / "double.tif", xyz.astype(np.float64), photometric="rgb"),
    ]
    for file in files:
        found = read_xyz(file, SHAPE)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, xyz, err_msg=file.name)


def test_one_plane_is_read_whatever_its_axes(xyz: np.ndarray, tmp_path: Path) -> None:
    for shape in (SHAPE, (1, *SHAPE)):
        file = _write(tmp_path / "sigma.tif", xyz[..., 0].reshape(shape), photometric="minisblack")
        np.testing.assert_array_equal(read_planes(file, 1, SHAPE)[..., 0], xyz[..., 0])


def test_missing_is_nan_in_all_three_however_it_was_marked(xyz: np.ndarray, tmp_path: Path) -> None:
    marked = xyz.copy()
    marked[3, 4] = 0.0
    marked[5, 6, 1] = np.nan
    marked[7, 8, 2] = np.inf
    marked[9, 10] = [0.0, 0.0, 1.0]  # a point like any other
    found = read_xyz(_write(tmp_path / "xyz.tif", marked, photometric="rgb"), SHAPE)
    none = np.isnan(found)
    assert all(none[place].all() for place in ((3, 4), (5, 6), (7, 8)))
    assert none.sum() == 9


def _bomb(path: Path) -> Path:
    """A tenth of a megabyte that says it is the map and unfolds to 130."""
    packed = zlib.compress(bytes(1 << 27), 9)
    tifffile.imwrite(
        path, iter([packed]), shape=(ROWS, COLUMNS, 3), dtype=np.float32, photometric="rgb", compression="zlib",
        metadata=None,
    )  # fmt: skip
    return path


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    file = _bomb(tmp_path / "bomb.tif")
    tracemalloc.start()
    with pytest.raises(ImageFileError, match="unfolds to more"):
        read_xyz(file, SHAPE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


def test_strangers_are_refused_in_one_line(xyz: np.ndarray, tmp_path: Path) -> None:
    lzw = bytearray(_write(tmp_path / "lzw.tif", xyz, photometric="rgb", compression="zlib").read_bytes())
    tag = lzw.index((259).to_bytes(2, "little") + (3).to_bytes(2, "little"))
    lzw[tag + 8 : tag + 10] = (5).to_bytes(2, "little")
    (tmp_path / "lzw.tif").write_bytes(lzw)
    noise = np.random.default_rng(2).integers(0, 255, 3_000_000, dtype=np.uint8).tobytes()
    (tmp_path / "fat.tif").write_bytes((tmp_path / "lzw.tif").read_bytes() + noise)
    (tmp_path / "text.tif").write_text("this is no picture")
    cases = {
        "lzw.tif": "is compressed as LZW",
        "fat.tif": "larger than such a map",
        "text.tif": "cannot be read as TIFF",
        _write(tmp_path / "int.tif", xyz.astype(np.int16), photometric="rgb").name: "int16",
        _write(tmp_path / "wide.tif", xyz[:, :-1], photometric="rgb").name: "40 x 59 x 3",
        _write(tmp_path / "four.tif", np.repeat(xyz, 2, axis=2)[..., :4], photometric="rgb").name: "40 x 60 x 4",
        _write(tmp_path / "two.tif", np.moveaxis(xyz, -1, 0)[:2], photometric="minisblack").name: "2 planes",
        _write(
            tmp_path / "huge-tile.tif", xyz, photometric="rgb", compression="zlib", tile=(4096, 4096)
        ).name: "strips",
    }
    for name, words in cases.items():
        with pytest.raises(ImageFileError, match=words) as caught:
            read_xyz(tmp_path / name, SHAPE)
        assert "3 x float32 of 60 x 40 px" in str(caught.value) or "deflate" in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(MissingFileError):
        read_xyz(tmp_path / "none.tif", SHAPE)
