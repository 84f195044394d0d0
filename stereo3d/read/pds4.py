"""PDS4 images: an XML label, and the plain array that it describes in a file beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stereo3d.errors import ImageFileError, MissingFileError, RecordError
from stereo3d.observation import Observation
from stereo3d.read.label_header import header_of_label
from stereo3d.read.neighbours import beside, named_beside
from stereo3d.read.pds4_label import child, parse, text_of, translated
from stereo3d.read.pixels import first_bytes
from stereo3d.read.protocol import Header
from stereo3d.read.raster import Raster, check_raster, read_raster

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_TYPES = {
    "UnsignedByte": "u1",
    "UnsignedMSB2": ">u2",
    "UnsignedLSB2": "<u2",
    "SignedMSB2": ">i2",
    "SignedLSB2": "<i2",
    "UnsignedMSB4": ">u4",
    "UnsignedLSB4": "<u4",
    "SignedMSB4": ">i4",
    "SignedLSB4": "<i4",
    "IEEE754MSBSingle": ">f4",
    "IEEE754LSBSingle": "<f4",
    "IEEE754MSBDouble": ">f8",
    "IEEE754LSBDouble": "<f8",
}
_LETTERS = {"band": "b", "line": "l", "sample": "s"}
_ORDERS = {"bls": "BSQ", "lbs": "BIL", "lsb": "BIP", "ls": "BSQ"}


class Pds4Reader:
    """Images with a PDS4 label of the same name."""

    suffixes: tuple[str, ...] = (".xml", ".img")

    def accepts(self, path: Path) -> bool:
        """The label by its suffix, or an .IMG that has one beside it.  Raises MissingFileError."""
        first_bytes(path)
        return path.suffix.lower() == ".xml" or (path.suffix.lower() == ".img" and beside(path, ".xml") is not None)

    def header(self, path: Path, metadata: Sequence[Path] = ()) -> Header:
        """All but the pixels; its ``path`` is None for a label without its image.  ``metadata`` is of no use here.

        Raises MissingFileError, RecordError, ImageFileError.
        """
        label = _label(path)
        root = parse(label)
        raster = _raster(root, label)
        try:
            raster = _there(raster, path)
        except MissingFileError:
            return header_of_label(translated(root, label), (raster.columns, raster.rows), None)
        return header_of_label(translated(root, label), (raster.columns, raster.rows), raster.file)

    def read(self, path: Path, metadata: Sequence[Path] = ()) -> Observation:
        """The observation.  Raises what :meth:`header` raises, MissingFileError for a label without its image, and
        ImageFileError for pixels that cannot be used.
        """
        label = _label(path)
        root = parse(label)
        raster = _there(_raster(root, label), path)
        header = header_of_label(translated(root, label), (raster.columns, raster.rows), raster.file)
        return header.observation(read_raster(raster))


def _label(path: Path) -> Path:
    return path if path.suffix.lower() == ".xml" else beside(path, ".xml") or path


def _there(raster: Raster, path: Path) -> Raster:
    """The raster of a label with the image file beside it, which must be ``path`` where that is an image."""
    label = _label(path)
    file = named_beside(label, raster.file.name)
    if path != label and not path.samefile(file):
        raise RecordError(f"is the label of {file.name}", file=label, expected=f"that of {path.name}")
    raster = replace(raster, file=file)
    check_raster(raster)
    return raster


def _raster(root: Element, label: Path) -> Raster:
    """Where the pixels lie; ``file`` is the name that the label gives, in the label's folder."""
    area = child(root, "File_Area_Observational")
    array = next((a for a in (child(area, "Array_3D_Image"), child(area, "Array_2D_Image")) if a is not None), None)
    if area is None or array is None:
        raise RecordError("the label describes no image", file=label, expected="Array_2D_Image or Array_3D_Image")
    name = text_of(area, "File", "file_name") or ""
    if not name or "/" in name or "\\" in name or not name.isprintable() or len(name) > 255 or name in (".", ".."):
        raise RecordError(f"names '{name[:100]}' as its image", file=label, expected="the name of a file beside it")
    kind = text_of(array, "Element_Array", "data_type") or ""
    if kind not in _TYPES:
        raise ImageFileError(
            f"has pixels of type {kind[:40]}", file=label, expected="whole numbers of 1, 2 or 4 bytes, or IEEE floats"
        )
    axes = []
    for axis in array:
        if axis.tag.endswith("}Axis_Array"):
            letter = _LETTERS.get((text_of(axis, "axis_name") or "").lower(), "?")
            axes.append((_whole(axis, "sequence_number", label), letter, _whole(axis, "elements", label)))
    axes.sort()
    order = _ORDERS.get("".join(letter for _, letter, _ in axes))
    if order is None or (text_of(array, "axis_index_order") or "Last Index Fastest") != "Last Index Fastest":
        raise ImageFileError("has axes in an order that is not read", file=label, expected="Band, Line and Sample")
    sizes = {letter: count for _, letter, count in axes}
    constants = child(array, "Special_Constants")
    missing = []
    for key in ("missing_constant", "invalid_constant"):
        text = text_of(constants, key)
        if text is not None:
            missing.append(_number(text, key, label))
    return Raster(
        file=label.parent / name,
        offset=_whole(array, "offset", label),
        dtype=np.dtype(_TYPES[kind]),
        columns=sizes["s"],
        rows=sizes["l"],
        bands=sizes.get("b", 1),
        order=order,
        missing=tuple(missing),
    )


def _number(text: str, key: str, label: Path) -> float:
    """A decimal number, or a pattern of bits written as 0x..., 16#...#."""
    digits = text.strip().lower().removeprefix("16#").removeprefix("0x").removesuffix("#")
    try:
        value = float(int(digits, 16)) if digits != text.strip().lower() and len(digits) <= 16 else float(text)
    except ValueError as error:
        raise RecordError(f"{key} is '{text[:40]}'", file=label, expected="a number") from error
    return value if abs(value) < 1e300 else 0.0


def _whole(element: Element, key: str, label: Path) -> int:
    text = text_of(element, key) or ""
    if not (text.isdecimal() and len(text) <= 10):
        raise RecordError(f"{key} is '{text[:40]}'", file=label, expected="a whole number")
    return int(text)
