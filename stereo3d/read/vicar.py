"""Bare VICAR images (.VIC, or .IMG that begins with LBLSIZE=), as the rovers' image processing at JPL writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stereo3d.errors import ImageFileError, RecordError
from stereo3d.observation import Observation
from stereo3d.read.label import MAX_LABEL_BYTES, Label
from stereo3d.read.label_header import header_of_label
from stereo3d.read.pixels import first_bytes
from stereo3d.read.protocol import Header
from stereo3d.read.raster import Raster, check_raster, read_raster
from stereo3d.read.vicar_label import MAGIC, joined, label_size, parse

_INTEGERS = {"BYTE": "u1", "HALF": "i2", "WORD": "i2", "FULL": "i4", "LONG": "i4"}
_REALS = {"REAL": "f4", "DOUB": "f8"}
_INTEGER_ORDER = {"HIGH": ">", "LOW": "<"}
_REAL_ORDER = {"IEEE": ">", "RIEEE": "<"}


class VicarReader:
    """VICAR files whose label holds a rover's camera model."""

    suffixes: tuple[str, ...] = (".vic", ".img")

    def accepts(self, path: Path) -> bool:
        """By the first bytes, LBLSIZE=.  Raises MissingFileError."""
        return first_bytes(path).startswith(MAGIC)

    def header(self, path: Path, metadata: Sequence[Path] = ()) -> Header:
        """All but the pixels; ``metadata`` is of no use here.  Raises MissingFileError, RecordError, ImageFileError."""
        return _read(path)[0]

    def read(self, path: Path, metadata: Sequence[Path] = ()) -> Observation:
        """The observation.  Raises what :meth:`header` raises, and ImageFileError for pixels that cannot be used."""
        header, raster = _read(path)
        return header.observation(read_raster(raster))


def _read(path: Path) -> tuple[Header, Raster]:
    label = read_vicar_label(path)
    raster = raster_of(label)
    check_raster(raster)
    return header_of_label(label, (raster.columns, raster.rows), path), raster


def read_vicar_label(path: Path) -> Label:
    """The label of a VICAR file, with the part at the file's end where there is one.

    Raises MissingFileError, ImageFileError when the file cannot be read, RecordError when it holds no such label.
    """
    size = label_size(first_bytes(path), path)
    label = parse(_bytes(path, 0, size), path)
    if label.number("EOL", "SYSTEM") == 1:
        at = _record_start(label, size) + _record_count(label) * _whole(label, "RECSIZE")
        if at + 32 <= path.stat().st_size:
            start = _bytes(path, at, MAX_LABEL_BYTES).encode("latin-1")
            more = label_size(start, path)
            label = joined(label, parse(start[:more].decode("latin-1"), path))
    return label


def raster_of(label: Label) -> Raster:
    """Where the pixels lie, by the label's system items.

    Raises ImageFileError for an image that is compressed, complex, or in VAX floats; RecordError for absurd items.
    """
    file = label.file
    kind = (label.text("FORMAT", "SYSTEM") or "").upper()
    compress = (label.text("COMPRESS", "SYSTEM") or "NONE").upper()
    orders = (label.text("INTFMT", "SYSTEM") or "LOW").upper(), (label.text("REALFMT", "SYSTEM") or "VAX").upper()
    if compress != "NONE":
        raise ImageFileError(f"is compressed as {compress[:20]}", file=file, expected="an uncompressed VICAR file")
    order = _INTEGER_ORDER.get(orders[0]) if kind in _INTEGERS else _REAL_ORDER.get(orders[1])
    base = (_INTEGERS | _REALS).get(kind)
    if order is None or base is None:
        raise ImageFileError(
            f"has pixels of format {kind[:10]}, byte orders {orders[0][:10]} and {orders[1][:10]}",
            file=file,
            expected="BYTE, HALF, FULL, REAL or DOUB; HIGH or LOW; IEEE or RIEEE",
        )
    constants = [label.number(key, "IMAGE_DATA", "IMAGE") for key in ("MISSING_CONSTANT", "INVALID_CONSTANT")]
    size = label_size(first_bytes(file), file)
    raster = Raster(
        file=file,
        offset=_record_start(label, size),
        dtype=np.dtype(order + base),
        columns=_whole(label, "NS"),
        rows=_whole(label, "NL"),
        bands=_whole(label, "NB", 1),
        order=(label.text("ORG", "SYSTEM") or "BSQ").upper(),
        prefix=_whole(label, "NBB", 0),
        missing=tuple(constant for constant in constants if constant is not None),
    )
    fast = {"BIP": raster.bands}.get(raster.order, raster.columns)
    record = raster.prefix + fast * raster.dtype.itemsize
    if record != _whole(label, "RECSIZE", record):
        raise RecordError(
            f"the records have {_whole(label, 'RECSIZE')} bytes",
            file=file,
            expected=f"{record}, by the size and format",
        )
    return raster


def _record_start(label: Label, size: int) -> int:
    """The first byte of the pixels: behind the label and the binary header."""
    return size + _whole(label, "NLB", 0) * _whole(label, "RECSIZE", 0)


def _record_count(label: Label) -> int:
    """The records of the pixels."""
    rows, bands = _whole(label, "NL"), _whole(label, "NB", 1)
    return rows * (_whole(label, "NS") if label.text("ORG", "SYSTEM") == "BIP" else bands)


def _whole(label: Label, key: str, default: int | None = None) -> int:
    value = label.integer(key, "SYSTEM")
    value = default if value is None else value
    if value is None or not 0 <= value < 1 << 31:
        raise RecordError(f"{key} is {value}", file=label.file, expected="a number in the VICAR label")
    return value


def _bytes(path: Path, start: int, count: int) -> str:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(count).decode("latin-1")
    except OSError as error:
        raise ImageFileError(f"cannot be read: {error.strerror or error}", file=path) from error
