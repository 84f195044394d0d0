"""Bad image files, through the API and through the command line: one clear line, exit code 2."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from stereo3d.cli.main import main
from stereo3d.errors import ImageFileError, MissingFileError, Stereo3dError
from stereo3d.read import read_observation, read_scene
from stereo3d.read.pixels import MAX_SIDE_PX, image_size, read_image


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes, depth: int = 8, colour: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"


def ruin(kind: str, path: Path) -> None:
    """Turn a good PNG into a bad file."""
    good = path.read_bytes()
    black = np.zeros((96, 128, 3), np.uint8)
    if kind == "missing":
        path.unlink()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(good[: len(good) // 2])
    elif kind == "truncated in the header":
        path.write_bytes(good[:20])
    elif kind == "damaged":
        path.write_bytes(good[:5000] + bytes(50) + good[5050:])
    elif kind == "1 x 1":
        path.write_bytes(png(1, 1, b"\x00\x80"))
    elif kind == "all-black":
        PIL.Image.fromarray(black).save(path)
    elif kind == "all-white":
        PIL.Image.fromarray(black + np.uint8(255)).save(path)
    elif kind == "bomb":
        path.write_bytes(png(100_000, 100_000, b"\x00" * 100))
    elif kind == "zero":
        path.write_bytes(png(0, 0, b""))
    elif kind == "text":
        path.write_text("<html>404 not found</html>")
    elif kind == "gif":
        PIL.Image.fromarray(black).save(path, format="GIF")
    elif kind == "reduced":
        PIL.Image.open(path).resize((80, 64)).save(path)
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    else:
        raise ValueError(kind)


BAD = {
    "missing": "no such file",
    "empty": "is empty",
    "truncated": "truncated",
    "truncated in the header": "truncated",
    "damaged": "damaged",
    "1 x 1": "1 x 1 px; expected 64 to 8192 px",
    "all-black": "all-black",
    "all-white": "every pixel of the image is 255",
    "bomb": "claims to be 100000 x 100000 px",
    "zero": "0 x 0 px",
    "text": "is not a PNG or JPEG image",
    "gif": "is not a PNG or JPEG image",
    "reduced": "the image is 80 x 64 px, its record describes 128 x 96 px",
}


@pytest.mark.parametrize("kind", BAD)
def test_the_library_raises_one_line(kind: str, pair: tuple, one_line: Callable[[Stereo3dError], str]) -> None:
    left, right = pair
    ruin(kind, left.path)
    expected = MissingFileError if kind == "missing" else ImageFileError
    for read in (lambda: read_observation(left.path), lambda: read_scene([right.path, left.path])):
        with pytest.raises(expected) as caught:
            read()
        text = one_line(caught.value)
        assert BAD[kind] in text
        assert str(left.path) in text


@pytest.mark.parametrize("kind", BAD)
def test_the_command_prints_one_line(kind: str, pair: tuple, capfd: pytest.CaptureFixture[str]) -> None:
    ruin(kind, pair[0].path)
    assert main(["info", str(pair[1].path), str(pair[0].path)]) == 2
    out, err = capfd.readouterr()
    assert out.startswith(pair[1].stem)  # the good one before it is still told
    assert err.startswith("stereo3d: ")
    assert err.count("\n") == 1
    assert BAD[kind] in err
    assert "Traceback" not in err


def test_a_bomb_allocates_nothing(pair: tuple) -> None:
    import tracemalloc

    ruin("bomb", pair[0].path)
    tracemalloc.start()
    try:
        with pytest.raises(ImageFileError):
            read_observation(pair[0].path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("width", "height"), [(65000, 65000), (20000, 2500), (9000, 9900), (12000, 12000)])
def test_a_jpeg_bomb(tmp_path: Path, width: int, height: int) -> None:
    """Below, between and above Pillow's own two limits."""
    path = tmp_path / "bomb.jpg"
    path.write_bytes(jpeg_claiming(width, height))
    with pytest.raises(ImageFileError, match="claims to be"):
        image_size(path)


def test_the_limits_of_size(tmp_path: Path) -> None:
    for width, height, good in ((64, 64, True), (63, 64, False), (64, MAX_SIDE_PX, True), (64, MAX_SIDE_PX + 1, False)):
        path = tmp_path / "image.png"
        path.write_bytes(png(width, height, b""))
        if good:
            assert image_size(path) == (width, height)
        else:
            with pytest.raises(ImageFileError, match=f"{width} x {height}"):
                image_size(path)


def test_sixteen_bits_stay(tmp_path: Path) -> None:
    pixels = np.arange(64 * 70, dtype=np.uint16).reshape(64, 70) * 14
    PIL.Image.fromarray(pixels).save(tmp_path / "deep.png")
    image = read_image(tmp_path / "deep.png")
    assert image.pixels.dtype == np.uint16
    np.testing.assert_array_equal(image.pixels, pixels)


def test_sixteen_bit_colour_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    path.write_bytes(png(64, 64, b"".join(b"\x00" + bytes(range(6)) * 64 for _ in range(64)), depth=16, colour=2))
    with pytest.raises(ImageFileError, match="16-bit colour"):
        read_image(path)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 1), ("RGB", 3), ("RGBA", 3), ("P", 3)])
def test_kinds_of_colour(tmp_path: Path, mode: str, channels: int) -> None:
    rng = np.random.default_rng(1)
    rgb = PIL.Image.fromarray(np.repeat(rng.integers(0, 7, (64, 64, 3), dtype=np.uint8) * np.uint8(36), 1, axis=1))
    converted = rgb.convert("P", palette=PIL.Image.Palette.ADAPTIVE) if mode == "P" else rgb.convert(mode)
    converted.save(tmp_path / "image.png")
    image = read_image(tmp_path / "image.png")
    assert image.pixels.ndim == (2 if channels == 1 else 3)
    if mode == "RGBA":
        np.testing.assert_array_equal(image.pixels, np.asarray(rgb))


def test_cmyk_is_refused(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (64, 64, 4), dtype=np.uint8)
    PIL.Image.fromarray(pixels, mode="CMYK").save(tmp_path / "print.jpg")
    with pytest.raises(ImageFileError, match="CMYK"):
        read_image(tmp_path / "print.jpg")


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_is_one_error_or_none(pair: tuple, seed: int, one_line: Callable[[Stereo3dError], str]) -> None:
    """Whatever bytes are changed, the reader either reads or raises its own error."""
    rng = np.random.default_rng(seed)
    data = bytearray(pair[0].path.read_bytes())
    end = 60 if seed % 2 else len(data)
    for at in rng.integers(8, end, 4):
        data[at] = int(rng.integers(256))
    pair[0].path.write_bytes(bytes(data))
    try:
        read_observation(pair[0].path)
    except Stereo3dError as error:
        one_line(error)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.IMG", "no VICAR or PDS3 label"),
        ("a.VIC", "no VICAR or PDS3 label"),
        ("a.json", "is a record"),
        ("a.bmp", "format"),
    ],
)
def test_formats_that_are_not_readable(tmp_path: Path, name: str, says: str) -> None:
    path = tmp_path / name
    path.write_text("{}")
    with pytest.raises(ImageFileError, match=says) as caught:
        read_scene([path, path])
    assert "PNG or JPEG of the raw feed, VICAR or PDS3" in str(caught.value)


def test_a_folder_is_no_image(pair: tuple) -> None:
    ruin("folder", pair[0].path)
    with pytest.raises(ImageFileError, match="not a regular file"):
        read_observation(pair[0].path)


def test_a_png_without_its_suffix_is_read(pair: tuple) -> None:
    left = pair[0]
    bare = left.path.with_suffix("")
    left.path.rename(bare)
    assert read_observation(bare).product_id == left.stem
