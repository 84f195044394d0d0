"""Files that are small and would become huge, that lead in circles, or that hold programs."""

from __future__ import annotations

import logging
import pickle
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tifffile

from stereo3d.errors import ImageFileError, MissingFileError, RecordError, Stereo3dError
from stereo3d.read import read_observation, read_scene
from stereo3d.read.pixels import read_image
from stereo3d.read.planes import read_planes
from stereo3d.read.scene_folder import read_scene_file

Line = Callable[[Stereo3dError], str]
SIDE = 64


@contextmanager
def little_memory(most: int = 48_000_000) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*extra: bytes, width: int = SIDE, height: int = SIDE) -> bytes:
    rows = b"".join(b"\0" + bytes(range(SIDE)) for _ in range(SIDE))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = (chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


BOMB = zlib.compress(bytes(200_000_000), 9)


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"key\0\0" + BOMB),
        chunk(b"iTXt", b"key\0\1\0\0\0" + BOMB),
        chunk(b"iCCP", b"key\0\0" + BOMB),
        chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(1_000_000))) * 300,
    ],
    ids=["zTXt", "iTXt", "iCCP", "many"],
)
def test_what_unfolds_in_a_png_beside_its_pixels_stays_small(tmp_path: Path, extra: bytes, one_line: Line) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(extra))
    with little_memory(100_000_000):
        try:
            assert read_image(path).pixels.shape == (SIDE, SIDE)
        except ImageFileError as error:
            one_line(error)


def test_pixels_that_unfold_to_more_than_the_image_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(chunk(b"IDAT", BOMB)))
    with little_memory(), pytest.raises(ImageFileError, match=r"every pixel|all-black|cannot be decoded"):
        read_image(path)


def tiff_of(tmp_path: Path, **options: object) -> tuple[Path, bytearray]:
    path = tmp_path / "a.tif"
    xyz = np.linspace(1, 2, SIDE * SIDE * 3, dtype=np.float32).reshape(SIDE, SIDE, 3)
    tifffile.imwrite(path, xyz, photometric="minisblack", planarconfig="contig", **options)
    return path, bytearray(path.read_bytes())


def set_tag(data: bytearray, tag: int, value: int) -> None:
    """A tag of one number in the first directory gets another one, as LONG."""
    start = struct.unpack_from("<I", data, 4)[0]
    for at in range(start + 2, start + 2 + 12 * struct.unpack_from("<H", data, start)[0], 12):
        if struct.unpack_from("<H", data, at)[0] == tag:
            struct.pack_into("<HII", data, at + 2, 4, 1, value)
            return
    raise AssertionError(tag)


def test_a_tiff_whose_directories_lead_in_a_circle(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((SIDE, SIDE), np.float32), photometric="minisblack")
    data = bytearray(path.read_bytes())
    start = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<I", data, start + 2 + 12 * struct.unpack_from("<H", data, start)[0], start)
    path.write_bytes(data)
    with little_memory(), pytest.raises(ImageFileError):
        read_planes(path, 3, (SIDE, SIDE))


TAGS = [
    ({}, 278, 0xFFFFFFFF),  # rows in a strip
    ({}, 279, 0xFFFFFFFF),  # bytes in a strip
    ({}, 273, 0xFFFFFFF0),  # where a strip is
    ({"tile": (64, 64)}, 322, 0x00100000),  # width of a tile
    ({"tile": (64, 64)}, 323, 0x40000000),  # length of a tile
    ({"tile": (64, 64), "compression": "zlib"}, 322, 0x00100000),
    ({"tile": (64, 64), "compression": "zlib"}, 323, 0x7FFFFFF0),
    ({}, 256, 0xFFFFFFFF),
    ({}, 277, 60_000),
]


@pytest.mark.parametrize(("options", "tag", "value"), TAGS)
def test_tags_that_claim_too_much_take_no_memory(
    tmp_path: Path, options: dict, tag: int, value: int, one_line: Line
) -> None:
    path, data = tiff_of(tmp_path, **options)
    set_tag(data, tag, value)
    path.write_bytes(data)
    with little_memory():
        try:
            assert read_planes(path, 3, (SIDE, SIDE)).shape == (SIDE, SIDE, 3)
        except ImageFileError as error:
            one_line(error)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiles_that_together_are_far_larger_than_the_image(tmp_path: Path, compression: str | None) -> None:
    """Each is bearable; a thousand of them would take a minute."""
    path, data = tiff_of(tmp_path, tile=(16, 64), compression=compression)
    assert read_planes(path, 3, (SIDE, SIDE)).shape == (SIDE, SIDE, 3)
    set_tag(data, 322, 4096)
    path.write_bytes(data)
    with pytest.raises(ImageFileError, match="strips larger than the image"):
        read_planes(path, 3, (SIDE, SIDE))


def test_a_damaged_tiff_prints_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library tells of each broken tag in a line of its own."""
    monkeypatch.setattr(logging.root, "handlers", [])  # pytest's own would take it
    path, data = tiff_of(tmp_path)
    start = struct.unpack_from("<I", data, 4)[0]
    for at in range(start + 2, start + 80, 12):
        struct.pack_into("<H", data, at + 2, 57_000)
    path.write_bytes(data)
    with pytest.raises(ImageFileError):
        read_planes(path, 3, (SIDE, SIDE))
    assert capsys.readouterr().err == ""


def test_numbers_without_a_type_are_no_map(tmp_path: Path) -> None:
    """NumPy holds None, the type of what TIFF does not know, to be equal to float64."""
    path, data = tiff_of(tmp_path)
    set_tag(data, 258, 7)
    path.write_bytes(data)
    with pytest.raises(ImageFileError, match="no numbers"):
        read_planes(path, 3, (SIDE, SIDE))


def test_labels_that_point_to_each_other(make_labelled: Callable, tmp_path: Path, one_line: Line) -> None:
    made = make_labelled()
    first = made.pds3(detached=True).with_suffix(".LBL")
    text = first.read_text()
    first.write_text(text.replace('"a.IMG"', '"b.LBL"'))
    (tmp_path / "b.LBL").write_text(text.replace('"a.IMG"', '"a.LBL"'))
    for path in (first, tmp_path / "b.LBL"):
        with pytest.raises((ImageFileError, RecordError)) as caught:
            read_observation(path)
        one_line(caught.value)


@pytest.mark.parametrize("pointer", ["1e999", "-1e999", "1e40", "0.5", '("a.IMG", 1e999)', '"' + "\u00e9" * 200 + '"'])
def test_pointers_to_nowhere(make_labelled: Callable, pointer: str, one_line: Line) -> None:
    made = make_labelled()
    made.image = {"^IMAGE": pointer}
    with pytest.raises((RecordError, MissingFileError)) as caught:
        read_observation(made.pds3())
    one_line(caught.value)


@pytest.mark.parametrize(
    "numbers", ["(1e999,0,0,0)", "(nan,0,0,1)", "(0,0,0,0)", "(1,1,1,1)", "(1,0,0)", "('a',0,0,1)"]
)
def test_attitudes_that_are_none(make_labelled: Callable, numbers: str, one_line: Line) -> None:
    for write in ("pds3", "vicar"):
        made = make_labelled()
        made.groups["ROVER_COORDINATE_SYSTEM"]["ORIGIN_ROTATION_QUATERNION"] = numbers
        with pytest.raises(RecordError) as caught:
            read_observation(getattr(made, write)())
        one_line(caught.value)


def test_names_that_no_system_has_and_links_to_themselves(tmp_path: Path, one_line: Line) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for name in ("\u00e9" * 200, "loop.png"):
        (tmp_path / "scene.toml").write_text(f'format = 1\nimages = ["{name}"]\n', encoding="utf-8")
        with pytest.raises(RecordError, match="cannot be looked up") as caught:
            read_scene_file(tmp_path)
        one_line(caught.value)


def test_an_image_whose_records_name_would_be_too_long(pair: tuple, one_line: Line) -> None:
    long = pair[0].path.with_name("a" * 251 + ".png")
    pair[0].path.rename(long)
    with pytest.raises(RecordError, match="no record"):
        read_observation(long)


class Program:
    """What runs when it is unpickled."""

    def __reduce__(self) -> tuple:
        return (pytest.fail, ("a pickle was run",))


@pytest.mark.parametrize("name", ["a.pkl", "a.npy", "a.npz", "a.png", "a.IMG", "a.LBL", "a.xml", "a.json", "a"])
def test_pickles_are_no_files_of_ours(tmp_path: Path, name: str, one_line: Line) -> None:
    path = tmp_path / name
    array = tmp_path / "array.npy"
    np.save(array, np.array([Program()], dtype=object), allow_pickle=True)
    for data in (pickle.dumps(Program()), array.read_bytes()):
        path.write_bytes(data)
        for read in (read_observation, lambda p: read_scene([p, p]), lambda p: read_planes(p, 3, (SIDE, SIDE))):
            with pytest.raises((ImageFileError, RecordError)) as caught:
                read(path)
            one_line(caught.value)
