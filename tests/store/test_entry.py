"""An entry comes back bit for bit, and nothing but a whole entry of one's own comes back at all."""

from __future__ import annotations

import hashlib
import json
import os

import numpy as np
import pytest

from stereo3d.store.entry import DamagedEntryError, entry_size, packed, read_entry, write_entry

MOST = 10**7


def odd_nans(dtype, words):
    """Values, missing ones of three bit patterns, both zeros and an infinity."""
    out = np.linspace(-1, 1, 64).astype(dtype)
    out[::3] = np.nan
    bits = out.view(words)
    bits[9] = bits[9] ^ 1  # another payload
    bits[12] = bits[12] | (1 << (8 * out.itemsize - 1))  # another sign
    out[1], out[2], out[4] = -0.0, 0.0, np.inf
    return out.reshape(4, 16)


ARRAYS = [
    odd_nans(np.float32, np.uint32),
    odd_nans(np.float64, np.uint64),
    np.full((3, 5), np.nan, dtype=np.float32),
    np.arange(7, dtype=np.int64),
    np.array([[True, False, True]]),
    np.zeros((0, 3), dtype=np.float32),
    np.arange(12, dtype=np.uint16).reshape(3, 4).T,
    np.float64(2.5).reshape(()),
]


def written(path, arrays, **header):
    about, parts = packed(arrays)
    told = {"arrays": about, **header}
    with path.open("wb") as file:
        write_entry(file, told, parts)
    return told, parts


def resealed(path, change):
    """Change the bytes of an entry and put the right checksum on it, as a stranger would."""
    body = bytearray(path.read_bytes()[:-32])
    change(body)
    path.write_bytes(bytes(body) + hashlib.sha256(bytes(body)).digest())


def test_arrays_come_back_bit_for_bit(tmp_path):
    path = tmp_path / "entry"
    told, parts = written(path, ARRAYS, value=[1, None, "ü"])
    header, arrays = read_entry(path, MOST)
    assert header["value"] == [1, None, "ü"]
    assert len(arrays) == len(ARRAYS)
    for array, again in zip(ARRAYS, arrays, strict=True):
        assert (again.dtype, again.shape) == (array.dtype, array.shape)
        assert again.tobytes() == array.tobytes()
        assert again.flags.writeable
    assert path.stat().st_size <= entry_size(told, parts)


def test_what_is_missing_takes_little_room(tmp_path):
    values = np.full(100_000, np.nan, dtype=np.float32)
    values[:1000] = 1.0
    written(tmp_path / "entry", [values])
    assert (tmp_path / "entry").stat().st_size < 20_000


def test_each_flipped_bit_and_each_cut_is_noticed(tmp_path):
    path = tmp_path / "entry"
    written(path, ARRAYS, value=3)
    whole = path.read_bytes()
    rng = np.random.default_rng(4)
    for at in [*range(40), *rng.integers(0, len(whole), 200).tolist()]:
        broken = bytearray(whole)
        broken[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        with pytest.raises(DamagedEntryError):
            read_entry(path, MOST)
    for length in (0, 1, 20, 60, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedEntryError):
            read_entry(path, MOST)


HOSTILE = {
    "objects": {"dtype": "|O", "shape": [1]},
    "another dtype": {"dtype": "f4,f4", "shape": [1]},
    "more than there is": {"dtype": "<f4", "shape": [10**15]},
    "more missing than there is": {"dtype": "<f4", "shape": [10**15], "fill": 0},
    "negative": {"dtype": "<f4", "shape": [-1]},
    "no number": {"dtype": "<f4", "shape": ["1"]},
    "many axes": {"dtype": "<f4", "shape": [1] * 40},
    "whole numbers with NaN": {"dtype": "<i4", "shape": [8], "fill": 0},
    "no shape": {"dtype": "<f4"},
    "a fill that does not fit": {"dtype": "<f4", "shape": [8], "fill": 2**40},
    "a fill that is no number": {"dtype": "<f4", "shape": [8], "fill": "x"},
    "no description": 5,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_header_that_lies_under_a_right_checksum_is_an_error_and_no_more(tmp_path, name):
    path = tmp_path / "entry"
    written(path, [np.arange(8, dtype=np.float32)])

    def lie(body):
        start = body.index(b"\n") + 9
        text = json.dumps({"arrays": [HOSTILE[name]]}).encode()
        length = int.from_bytes(body[start - 8 : start], "little")
        body[start - 8 : start] = len(text).to_bytes(8, "little")
        body[start : start + length] = text

    resealed(path, lie)
    with pytest.raises((ValueError, KeyError, TypeError, OverflowError)):
        read_entry(path, MOST)


def test_a_header_longer_than_the_file_is_refused(tmp_path):
    path = tmp_path / "entry"
    written(path, [])

    def lie(body):
        start = body.index(b"\n") + 1
        body[start : start + 8] = (2**62).to_bytes(8, "little")

    resealed(path, lie)
    with pytest.raises(DamagedEntryError, match="cut off"):
        read_entry(path, MOST)


def test_arrays_of_objects_and_of_another_byte_order_are_not_written():
    for array in (np.array([object()]), np.array(["text"]), np.arange(3, dtype=">i4"), np.zeros(2, np.complex64)):
        with pytest.raises(TypeError, match="cannot be stored"):
            packed([array])


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX systems")
def test_links_pipes_folders_and_giants_are_not_read(tmp_path):
    path = tmp_path / "entry"
    written(path, ARRAYS)
    read_entry(path, MOST)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError):
        read_entry(tmp_path / "link", MOST)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DamagedEntryError, match="no file"):
        read_entry(tmp_path / "pipe", MOST)
    with pytest.raises(OSError):
        read_entry(tmp_path, MOST)
    with pytest.raises(DamagedEntryError, match="larger"):
        read_entry(path, 100)
    with pytest.raises(FileNotFoundError):
        read_entry(tmp_path / "none", MOST)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners of POSIX systems")
def test_a_file_of_another_user_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "entry"
    written(path, [])
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(DamagedEntryError, match="another user"):
        read_entry(path, MOST)
