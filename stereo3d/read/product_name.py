"""Product names of the cameras of Perseverance, Curiosity, Opportunity and Spirit, and InSight: what a name alone says.

Layouts: "Mars 2020 Camera Instrument Data Products SIS", table of the file naming convention (names of 50 to 54
characters); "MSL Camera & LIBS EDR/RDR Data Product SIS" for Curiosity's engineering cameras (36 characters); "MER
Camera EDR/RDR SIS" (27 characters); "InSight Camera EDR/RDR SIS" (35 characters).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

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
_MER = re.compile(
    r"(?P<host>[12])(?P<instrument>[A-Z])(?P<sclk>\d{9})"
    r"(?P<type>[A-Z]{3})"
    r"(?P<site>[A-Z0-9#]{2})(?P<drive>[A-Z0-9#]{2})(?P<sequence>[A-Z0-9]{5})"
    r"(?P<eye>[LRBMN])(?P<variant>[A-Z0-9])(?P<producer>[A-Z])(?P<version>[A-Z0-9_])",
    re.ASCII,
)
_INSIGHT = re.compile(
    r"(?P<instrument>[CD])(?P<match>[A-Z0-9_]{3})(?P<variant>[A-Z_])(?P<sol>\d{4})_(?P<sclk>\d{9})"
    r"(?P<type>[A-Z0-9]{3})(?P<geometry>[A-Z_])(?P<sample>[A-Z])"
    r"(?P<mosaic>[A-Z0-9_]{4})_(?P<sequence>[A-Z0-9]{4})(?P<producer>[A-Z])(?P<version>[A-Z0-9_])",
    re.ASCII,
)
_BROWSE = re.compile(r"_(320|800|1200)$")


@dataclass(frozen=True)
class ProductName:
    """What a product name says.  A part that the name leaves open (or writes in letters) is None."""

    mission: str
    """"Mars 2020", "MSL", "MER-A" (Spirit), "MER-B" (Opportunity) or "InSight"."""
    instrument: str
    """Two letters, for example NL: Navcam, left; IDC and ICC for InSight."""
    eye: Eye
    variant: str
    """Mars 2020: colour or filter (F full colour, E raw Bayer, ...); MSL: computer side, A or B; MER: the filter."""
    sol: int | None
    """Names of MSL and MER have none."""
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


@lru_cache(maxsize=4096)
def parse_product_name(name: str) -> ProductName | None:
    """Parse a product name: a file name without suffix, or the ``imageid`` of a record.

    The width of a browse copy at the end (``_800``) is ignored.  None for other names.
    """
    name = without_browse_width(name)
    for pattern, build in ((_M2020, _m2020), (_MSL, _msl), (_MER, _mer), (_INSIGHT, _insight)):
        match = pattern.fullmatch(name)
        if match is not None:
            return build(name, match)
    return None


def _m2020(name: str, match: re.Match[str]) -> ProductName:
    part = match.groupdict()
    shot = ("sclk", "geometry", "sample", "site", "drive", "sequence", "sol", "ms", "tile", "downsample")
    return ProductName(
        mission="Mars 2020",
        instrument=part["instrument"],
        eye=_eye(part["instrument"], "NFRZ"),
        variant=part["variant"],
        sol=int(part["sol"]),
        sclk_s=float(part["sclk"]) + int(part["ms"]) / 1000.0,
        product_type=part["type"],
        sample=part["sample"],
        site=_number(part["site"]),
        drive=_number(part["drive"]),
        sequence=part["sequence"],
        tile=_number(part["tile"]),
        downsample=1 << int(part["downsample"]),
        stem=name[: match.start("version")] if part["version"] else name,
        shot=("Mars 2020", part["instrument"][0], *(part[key] for key in shot)),
    )


def _msl(name: str, match: re.Match[str]) -> ProductName:
    part = match.groupdict()
    shot = ("sclk", "geometry", "sample", "site", "drive", "sequence", "variant")
    return ProductName(
        mission="MSL",
        instrument=part["instrument"],
        eye=_eye(part["instrument"], "NFR"),
        variant=part["variant"],
        sol=None,
        sclk_s=float(part["sclk"]),
        product_type=part["type"],
        sample=part["sample"],
        site=_number(part["site"]),
        drive=_number(part["drive"]),
        sequence=part["sequence"],
        tile=None,
        downsample=None,
        stem=name,
        shot=("MSL", part["instrument"][0], *(part[key] for key in shot)),
    )


def _mer(name: str, match: re.Match[str]) -> ProductName:
    part = match.groupdict()
    shot = ("sclk", "site", "drive", "sequence")
    mission = {"1": "MER-B", "2": "MER-A"}[part["host"]]
    instrument = part["instrument"] + part["eye"]
    return ProductName(
        mission=mission,
        instrument=instrument,
        eye=_eye(instrument, "NFRP"),
        variant=part["variant"],
        sol=None,
        sclk_s=float(part["sclk"]),
        product_type=part["type"],
        sample=part["type"][2],
        site=_base_36(part["site"]),
        drive=_base_36(part["drive"]),
        sequence=part["sequence"],
        tile=None,
        downsample=None,
        stem=name,
        shot=(mission, instrument[0], *(part[key] for key in shot)),
    )


def _insight(name: str, match: re.Match[str]) -> ProductName:
    part = match.groupdict()
    return ProductName(
        mission="InSight",
        instrument={"D": "IDC", "C": "ICC"}[part["instrument"]],
        eye=Eye.NONE,
        variant=part["variant"],
        sol=int(part["sol"]),
        sclk_s=float(part["sclk"]),
        product_type=part["type"],
        sample=part["sample"],
        site=None,
        drive=None,
        sequence=part["sequence"],
        tile=None,
        downsample=None,
        stem=name,
        shot=("InSight", part["instrument"], part["sclk"], part["geometry"], part["sample"]),
    )


def _eye(instrument: str, stereo: str) -> Eye:
    """The eye that a two-letter instrument's second letter says, for those that come as a left and a right camera."""
    return {"L": Eye.LEFT, "R": Eye.RIGHT}.get(instrument[1], Eye.NONE) if instrument[0] in stereo else Eye.NONE


def _base_36(code: str) -> int | None:
    """A counter of MER: 00 to 99, then A0 = 100, A1, ... AZ, B0 and so on."""
    if code.isdecimal():
        return int(code)
    return 100 + int(code, 36) - 360 if code.isalnum() and code[0].isalpha() else None


def without_browse_width(name: str) -> str:
    """The name without the width (``_320``, ``_800``, ``_1200``) that the feed's reduced copies end with."""
    return _BROWSE.sub("", name)


def same_product(first: str, second: str) -> bool:
    """Whether two names (of files or records) are of one product; versions and browse widths do not count."""
    a, b = parse_product_name(first), parse_product_name(second)
    return a.stem == b.stem if a is not None and b is not None else first == second


def _number(digits: str) -> int | None:
    return int(digits) if digits.isdecimal() else None
