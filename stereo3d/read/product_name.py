"""Product names of the Perseverance and Curiosity cameras: what a file name alone says.

Layouts: "Mars 2020 Camera Instrument Data Products SIS", table of the file naming convention (names of 50 to 54
characters), and "MSL Camera & LIBS EDR/RDR Data Product SIS" for Curiosity's engineering cameras (36 characters).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stereo3d.observation import Eye

_M2020 = re.compile(
    r"(?P<instrument>[A-Z0-9]{2})(?P<variant>[A-Z0-9_])[A-Z0-9_]"
    r"(?P<sol>\d{4})[A-Z0-9_](?P<sclk>\d{10})_(?P<ms>\d{3})"
    r"(?P<type>[A-Z0-9_]{3})(?P<geometry>[A-Z_])(?P<sample>[A-Z_])"
    r"(?P<site>[A-Z0-9_]{3})(?P<drive>[A-Z0-9_]{4})(?P<sequence>[A-Z0-9_]{9})"
    r"_(?P<tile>[A-Z0-9_]{2})_(?P<downsample>\d)(?P<compression>[A-Z0-9]{2})(?P<producer>[A-Z_])"
    r"(?P<version>[A-Z0-9_]{2})?",
    re.ASCII,
)
_MSL = re.compile(
    r"(?P<instrument>[A-Z]{2})(?P<variant>[A-Z_])[A-Z_](?P<sclk>\d{9})"
    r"(?P<type>[A-Z0-9]{3})(?P<geometry>[A-Z_])(?P<sample>[A-Z_])"
    r"(?P<site>[A-Z0-9_]{3})(?P<drive>[A-Z0-9_]{4})(?P<sequence>[A-Z0-9_]{9})"
    r"(?P<producer>[A-Z])(?P<version>[A-Z0-9_])",
    re.ASCII,
)
_BROWSE = re.compile(r"_(320|800|1200)$")

_STEREO = {"Mars 2020": "NFRZ", "MSL": "NFR"}
"""First letters of the instruments that come as a left (L) and a right (R) camera."""


@dataclass(frozen=True)
class ProductName:
    """What a product name says.  A part that the name leaves open (or writes in letters) is None."""

    mission: str
    """"Mars 2020" or "MSL"."""
    instrument: str
    """Two letters, for example NL: Navcam, left."""
    eye: Eye
    variant: str
    """Mars 2020: colour or filter (F full colour, E raw Bayer, ...); MSL: the computer side, A or B."""
    sol: int | None
    """MSL names have none."""
    sclk_s: float
    """Spacecraft clock, s, as the name has it: up to 2.5 s before the clock of the exposure in the record."""
    product_type: str
    sample: str
    """N or F full frame, S subframe, T thumbnail, ..."""
    site: int | None
    drive: int | None
    sequence: str
    tile: int | None
    """Number of the tile within the shot (Mars 2020)."""
    downsample: int | None
    """Sensor pixels per image pixel along a side (Mars 2020)."""
    stem: str
    """The name without its version, which the raw feed's image ids leave out."""
    shot: tuple[str, ...]
    """Equal for the left and the right image of one shot and tile."""


def parse_product_name(name: str) -> ProductName | None:
    """Parse a product name: a file name without suffix, or the ``imageid`` of a record.

    The width of a browse copy at the end (``_800``) is ignored.  None when it is not a product name of the two rovers.
    """
    name = without_browse_width(name)
    for mission, pattern in (("Mars 2020", _M2020), ("MSL", _MSL)):
        match = pattern.fullmatch(name)
        if match is None:
            continue
        part = match.groupdict()
        instrument = part["instrument"]
        eye = Eye.NONE
        if instrument[0] in _STEREO[mission]:
            eye = {"L": Eye.LEFT, "R": Eye.RIGHT}.get(instrument[1], Eye.NONE)
        m2020 = mission == "Mars 2020"
        shot = ["sclk", "geometry", "sample", "site", "drive", "sequence"]
        shot += ["sol", "ms", "tile", "downsample"] if m2020 else ["variant"]
        return ProductName(
            mission=mission,
            instrument=instrument,
            eye=eye,
            variant=part["variant"],
            sol=int(part["sol"]) if m2020 else None,
            sclk_s=float(part["sclk"]) + (int(part["ms"]) / 1000.0 if m2020 else 0.0),
            product_type=part["type"],
            sample=part["sample"],
            site=_number(part["site"]),
            drive=_number(part["drive"]),
            sequence=part["sequence"],
            tile=_number(part["tile"]) if m2020 else None,
            downsample=1 << int(part["downsample"]) if m2020 else None,
            stem=name[: match.start("version")] if m2020 and part["version"] else name,
            shot=(mission, instrument[0], *(part[key] for key in shot)),
        )
    return None


def without_browse_width(name: str) -> str:
    """The name without the width (``_320``, ``_800``, ``_1200``) that the feed's reduced copies end with."""
    return _BROWSE.sub("", name)


def same_product(first: str, second: str) -> bool:
    """Whether two names (of files or records) are of one product; versions and browse widths do not count."""
    a, b = parse_product_name(first), parse_product_name(second)
    return a.stem == b.stem if a is not None and b is not None else first == second


def _number(digits: str) -> int | None:
    return int(digits) if digits.isdecimal() else None
