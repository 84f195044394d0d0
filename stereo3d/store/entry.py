"""One entry of the store as a file: a header in JSON, the arrays, and the SHA-256 of it all.

    stereo3d entry 1 \\n | length of the header, 8 bytes | header | arrays, each at a multiple of 64 bytes | SHA-256

An array in which many elements are the same NaN (what is not measured) is kept as the bits that say where it is
another value, and these values: it comes back bit for bit.  Nothing in an entry can be run, and no array takes more
memory than 80 times the size of the file.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Bytes = NDArray[np.uint8]

_MAGIC = b"stereo3d entry 1\n"
_ALIGN = 64
_DIGEST = 32
_DTYPES = {
    name: np.dtype(name) for name in ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8")
}
_CHUNK = 1 << 24
_LEAST_MISSING = 0.1
"""Share of NaN from which an array is kept without them."""


class DamagedEntryError(ValueError):
    """A file of the store that is not what was written there."""


def packed(arrays: Sequence[Array]) -> tuple[list[dict[str, Any]], list[Bytes]]:
    """What the header says of each array, and the parts that follow each other in the file.

    Raises TypeError for an array of objects, of text, or of another byte order.
    """
    about, parts = [], []
    for array in arrays:
        if array.dtype.str not in _DTYPES:
            raise TypeError(f"an array of {array.dtype} cannot be stored")
        flat = np.ascontiguousarray(array).reshape(-1)
        one: dict[str, Any] = {"dtype": array.dtype.str, "shape": list(array.shape)}
        sparse = _without_missing(flat)
        if sparse is None:
            parts.append(flat.view(np.uint8))
        else:
            one["fill"], *two = sparse
            parts.extend(two)
        about.append(one)
    return about, parts


def _without_missing(flat: Array) -> tuple[int, Bytes, Bytes] | None:
    """The bits of the NaN that is left out, where something else is, and that; None where it does not pay."""
    if flat.dtype.kind != "f":
        return None
    missing = np.isnan(flat)
    if not missing.any() or missing.mean() < _LEAST_MISSING:
        return None
    words = flat.view(f"<u{flat.itemsize}")
    fill = words[int(np.argmax(missing))]
    kept = words != fill
    return int(fill), np.packbits(kept), words[kept].view(np.uint8)


def write_entry(file: BinaryIO, header: dict[str, Any], parts: Sequence[Bytes]) -> None:
    """``header`` and the parts of :func:`packed`, whose description it holds under "arrays"."""
    whole = hashlib.sha256()
    for piece in _pieces(header, parts):
        whole.update(piece)
        file.write(piece)
    file.write(whole.digest())


def entry_size(header: dict[str, Any], parts: Sequence[Bytes]) -> int:
    """Bytes that :func:`write_entry` writes."""
    return len(_MAGIC) + 8 + len(_json(header)) + sum(p.nbytes + _ALIGN for p in parts) + _ALIGN + _DIGEST


def _json(header: dict[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":")).encode("ascii")


def _pieces(header: dict[str, Any], parts: Sequence[Bytes]) -> Iterator[bytes | memoryview]:
    text = _json(header)
    start = _MAGIC + len(text).to_bytes(8, "little") + text
    yield start
    at = len(start)
    for part in parts:
        yield bytes(-at % _ALIGN)
        at += -at % _ALIGN
        for first in range(0, part.nbytes, _CHUNK):
            yield part[first : first + _CHUNK].data
        at += part.nbytes


def read_entry(path: Path, most: int) -> tuple[dict[str, Any], list[Array]]:
    """The header and the arrays of an entry of at most ``most`` bytes.

    Raises FileNotFoundError when there is none, OSError when it cannot be read, and DamagedEntryError for what is no
    whole entry: a link, a pipe, a file of another user, too large, or with another content than was written.
    """
    whole = _own_bytes(path, most)
    if len(whole) < len(_MAGIC) + 8 + _DIGEST or whole[: len(_MAGIC)].tobytes() != _MAGIC:
        raise DamagedEntryError("this is no entry")
    body = whole[:-_DIGEST]
    if hashlib.sha256(body.data).digest() != whole[-_DIGEST:].tobytes():
        raise DamagedEntryError("the checksum is wrong")
    start = len(_MAGIC) + 8
    length = int.from_bytes(whole[len(_MAGIC) : start].tobytes(), "little")
    if length > len(body) - start:
        raise DamagedEntryError("the header is cut off")
    header = json.loads(whole[start : start + length].tobytes())
    if not isinstance(header, dict) or not isinstance(header.get("arrays"), list):
        raise DamagedEntryError("the header is none")
    take = _Taker(body, start + length)
    return header, [_unpacked(one, take) for one in header["arrays"]]


def _own_bytes(path: Path, most: int) -> Bytes:
    """All of a regular file that belongs to this user."""
    # Neither a link to somewhere else nor a pipe that never answers.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise DamagedEntryError("this is no file")
        if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
            raise DamagedEntryError("this belongs to another user")
        if found.st_size > most:
            raise DamagedEntryError("this is larger than all that is kept may be")
        out = np.empty(found.st_size, dtype=np.uint8)
        if file.readinto(out.data) != found.st_size:
            raise DamagedEntryError("this changed while it was read")
    return out


class _Taker:
    """Hands out the parts of a file in turn."""

    def __init__(self, body: Bytes, at: int) -> None:
        self._body, self._at = body, at

    def part(self, length: int) -> Bytes:
        self._at += -self._at % _ALIGN
        out = self._body[self._at : self._at + length]
        if len(out) != length:
            raise DamagedEntryError("an array is cut off")
        self._at += length
        return out


def _unpacked(about: Any, take: _Taker) -> Array:
    shape, dtype = about["shape"], _DTYPES[about["dtype"]]
    if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 8:
        raise DamagedEntryError("an array has no shape")
    count = math.prod(shape)
    if "fill" not in about:
        return take.part(count * dtype.itemsize).copy().view(dtype).reshape(shape)
    if dtype.kind != "f":
        raise DamagedEntryError("an array of whole numbers has no NaN")
    words = np.dtype(f"<u{dtype.itemsize}")
    kept = np.unpackbits(take.part(-(-count // 8)), count=count).view(np.bool_)
    out = np.full(count, about["fill"], dtype=words)
    out[kept] = take.part(int(np.count_nonzero(kept)) * dtype.itemsize).view(words)
    return out.view(dtype).reshape(shape)
