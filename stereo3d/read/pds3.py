"""PDS3 images: an ODL label, attached to the image (.IMG) or beside it (.LBL), as the planetary archives hold them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stereo3d.errors import ImageFileError, RecordError
from stereo3d.observation import Observation
from stereo3d.read.label import Label, Value
from stereo3d.read.label_header import header_of_label
from stereo3d.read.neighbours import beside, named_beside
from stereo3d.read.odl import read_odl, starts_label
from stereo3d.read.pixels import first_bytes
from stereo3d.read.protocol import Header
from stereo3d.read.raster import Raster, check_raster, read_raster
from stereo3d.read.vicar_label import MAGIC

_BIG = ("MSB", "SUN", "MAC", "IEEE", "")
_LITTLE = ("LSB", "PC", "VAX")
_ORDERS = {"BAND_SEQUENTIAL": "BSQ", "LINE_INTERLEAVED": "BIL", "SAMPLE_INTERLEAVED": "BIP"}


class Pds3Reader:
    """Images with a PDS3 label; an image without an attached one is read by the .LBL of its name."""

    suffixes: tuple[str, ...] = (".img", ".lbl")

    def accepts(self, path: Path) -> bool:
        """By the label at its start, or a .LBL of its name beside it.  Raises MissingFileError."""
        start = first_bytes(path)
        if starts_label(start) or path.suffix.lower() == ".lbl":
            return True
        return path.suffix.lower() == ".img" and not start.startswith(MAGIC) and beside(path, ".lbl") is not None

    def header(self, path: Path, metadata: Sequence[Path] = ()) -> Header:
        """All but the pixels; ``metadata`` is of no use here.  Raises MissingFileError, RecordError, ImageFileError."""
        return _read(path)[0]

    def read(self, path: Path, metadata: Sequence[Path] = ()) -> Observation:
        """The observation.  Raises what :meth:`header` raises, and ImageFileError for pixels that cannot be used."""
        header, raster = _read(path)
        return header.observation(read_raster(raster))


def _read(path: Path) -> tuple[Header, Raster]:
    label = read_odl(path if starts_label(first_bytes(path)) else beside(path, ".lbl") or path)
    raster = raster_of(label)
    if path.suffix.lower() != ".lbl" and not path.samefile(raster.file):
        raise RecordError(f"is the label of {raster.file.name}", file=label.file, expected=f"that of {path.name}")
    check_raster(raster)
    return header_of_label(label, (raster.columns, raster.rows), raster.file), raster


def raster_of(label: Label) -> Raster:
    """Where the pixels lie, by the label's pointer ^IMAGE and object IMAGE.

    Raises RecordError for a label without them, with absurd ones, or that points outside of its own folder;
    MissingFileError without the file that it points to; ImageFileError for pixels of a kind that is not read.
    """
    file, offset = _target(label)
    if "IMAGE" not in label.groups:
        raise RecordError("the label describes no image", file=label.file, expected="OBJECT = IMAGE")
    columns, rows = _whole(label, "LINE_SAMPLES"), _whole(label, "LINES")
    encoding = (label.text("ENCODING_TYPE", "IMAGE") or "NONE").upper()
    storage = (label.text("BAND_STORAGE_TYPE", "IMAGE") or "BAND_SEQUENTIAL").upper()
    if encoding != "NONE":
        raise ImageFileError(f"is compressed as {encoding[:20]}", file=file, expected="an uncompressed image")
    order = _ORDERS.get(storage.replace(" ", "_"), storage)
    prefix, suffix = (_whole(label, f"LINE_{side}_BYTES", 0) for side in ("PREFIX", "SUFFIX"))
    if order == "BIP" and (prefix or suffix):
        raise ImageFileError("has bytes between lines of interleaved pixels", file=file, expected="none")
    constants = [label.number(key, "IMAGE") for key in ("MISSING_CONSTANT", "INVALID_CONSTANT")]
    return Raster(
        file=file,
        offset=offset,
        dtype=_dtype(label, file),
        columns=columns,
        rows=rows,
        bands=_whole(label, "BANDS", 1),
        order=order,
        prefix=prefix,
        suffix=suffix,
        missing=tuple(constant for constant in constants if constant is not None),
    )


def _target(label: Label) -> tuple[Path, int]:
    """The file that holds the pixels, and their first byte there."""
    pointer = label.get("^IMAGE")
    if pointer is None:
        raise RecordError("the label points to no image", file=label.file, expected="^IMAGE")
    parts: tuple[Value, ...] = pointer if isinstance(pointer, tuple) else (pointer,)
    file = label.file
    if isinstance(parts[0], str):
        file = named_beside(label.file, parts[0])
        parts = parts[1:] or (1.0,)
    elif label.file.suffix.lower() == ".lbl":
        raise RecordError("the label does not say in which file the image is", file=file, expected='^IMAGE = "FILE"')
    where = parts[0] if len(parts) == 1 else None
    if not isinstance(where, float) or not (1 <= where < 1 << 40 and where == int(where)):
        raise RecordError(
            f"^IMAGE is '{str(pointer)[:60]}'", file=label.file, expected="a record, or a file and a record"
        )
    if "BYTE" in (label.text("^IMAGE__UNIT") or "").upper():
        return file, int(where) - 1
    return file, (int(where) - 1) * (_whole(label, "RECORD_BYTES", group="IDENTIFICATION") if where > 1 else 0)


def _dtype(label: Label, file: Path) -> np.dtype[np.generic]:
    bits = _whole(label, "SAMPLE_BITS")
    words = (label.text("SAMPLE_TYPE", "IMAGE") or "").upper().split("_")
    real = words[-1] in ("REAL", "FLOAT")
    maker = words[0] if words[0] in (*_BIG, *_LITTLE) else ""
    signed = "UNSIGNED" not in words
    known = words[-1] in ("REAL", "FLOAT", "INTEGER") and not (real and maker == "VAX")
    if not known or bits not in ((32, 64) if real else (8, 16, 32)):
        raise ImageFileError(
            f"has pixels of type {'_'.join(words)[:40]} of {bits} bits",
            file=file,
            expected="integers of 8, 16 or 32 bits, or IEEE floats of 32 or 64",
        )
    # Cameras' 8-bit values are never negative, and old labels call them INTEGER.
    kind = "f" if real else "i" if signed and bits > 8 else "u"
    return np.dtype(f"{'>' if maker in _BIG else '<'}{kind}{bits // 8}")


def _whole(label: Label, key: str, default: int | None = None, group: str = "IMAGE") -> int:
    value = label.integer(key, group)
    value = default if value is None else value
    if value is None or not 0 <= value < 1 << 31:
        raise RecordError(f"{key} is {value}", file=label.file, expected="a number in the label")
    return value
