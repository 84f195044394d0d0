"""Companding undone: the rovers send 8 bits of 12 through a table or by dropping bits, and the label says which.

Tables: ``calib/companding.json``, with their sources.  Keywords: the missions' "Camera Data Product SIS" documents
(SAMPLE_BIT_MODE_ID, SAMPLE_BIT_MASK) and the PDS4 imaging dictionary (class Companding): LUTn is a numbered table,
MSB_BITn the shift that keeps bit n (counted from 0) as the highest of eight.
"""

from __future__ import annotations

import json
import re
from functools import cache

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera.published import calib_file
from stereo3d.image import Image

Table = NDArray[np.uint16]

_SHIFT = re.compile(r"MSB_BIT(\d{1,2})", re.ASCII)


@cache
def table_of(mission: str, mode: str) -> Table | None:
    """(256,) uint16: the linear DN of each 8-bit DN, for a mode as the label names it; None for one not known here.

    A shift gives the middle of the step that its lost bits leave open.
    """
    mode = mode.strip().upper()
    shift = _SHIFT.fullmatch(mode)
    if shift is not None:
        lost = int(shift.group(1)) - 7
        if not 0 <= lost <= 8:
            return None
        return _locked(np.arange(256) * (1 << lost) + ((1 << lost) - 1) // 2)
    for entry in json.loads(calib_file("companding.json").read_text(encoding="utf-8"))["tables"]:
        if mode == entry["name"] and mission in entry["missions"]:
            if "values" in entry:
                return _locked(np.array(entry["values"]))
            return _locked(np.rint(entry["top"] * (np.arange(256) / 255.0) ** entry["exponent"]))
    return None


def decompanded(image: Image, mission: str, mode: str) -> tuple[Image, str]:
    """The image in linear DN (uint16), and a note of what was done.

    ``mode`` is what the record says of pixels that are companded.  What cannot be 8-bit codes, and what a table that
    is not known here made, stays as it is, and the note says so.
    """
    table = table_of(mission, mode)
    if table is None:
        return image, f"companded by {mode}, a table not known here: left as it is"
    pixels = image.pixels
    if pixels.dtype.kind != "u" or int(pixels.max()) > 255:
        return image, f"not decompanded, although the record says {mode}: its numbers are no 8-bit codes"
    valid = image.valid if pixels.ndim == 2 else image.valid[..., None]
    linear = np.where(valid, table[pixels], 0).astype(np.uint16)
    return Image(linear, image.valid), f"decompanded by {mode}: 8 bits to 0 ... {int(table[-1])}"


def companded(values: NDArray[np.generic], table: Table) -> NDArray[np.uint8]:
    """The 8-bit codes of linear DN, as a camera would send them: those whose entry in ``table`` is nearest."""
    middles = (table[1:].astype(np.float64) + table[:-1]) / 2
    return np.searchsorted(middles, np.asarray(values, dtype=np.float64), side="left").astype(np.uint8)


def _locked(values: NDArray[np.generic]) -> Table:
    table = values.astype(np.uint16)
    table.flags.writeable = False
    return table
