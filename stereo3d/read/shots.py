"""Headers sorted into shots: which frames belong to one exposure, and which of several copies of a frame is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from stereo3d.observation import Eye
from stereo3d.read.product_name import parse_product_name

SAME_CLOCK_S = 1.5
"""The eyes, and the tiles, of one exposure share its clock to within this."""
_COVERS = 0.9
"""A finer scale is used when it shows at least this share of the sensor that the coarser one shows."""
_SUFFIX_ORDER = (".png", ".img", ".vic", ".xml", ".lbl")


class Framed(Protocol):
    """What tells which shot a frame is of: a :class:`stereo3d.read.protocol.Header`, or as much of one as a catalogue
    keeps.  The members are those of :class:`stereo3d.observation.Observation`."""

    @property
    def product_id(self) -> str: ...
    @property
    def mission(self) -> str: ...
    @property
    def instrument(self) -> str: ...
    @property
    def eye(self) -> Eye: ...
    @property
    def site(self) -> int: ...
    @property
    def drive(self) -> int: ...
    @property
    def sclk_s(self) -> float: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def subframe(self) -> tuple[int, int, int, int] | None: ...
    @property
    def scale_factor(self) -> int: ...
    @property
    def record(self) -> Path: ...
    @property
    def path(self) -> Path | None: ...


F = TypeVar("F", bound=Framed)


@dataclass(frozen=True)
class Shot(Generic[F]):
    """The frames of one exposure, of one scale: one to each eye and tile."""

    frames: tuple[F, ...]

    def of(self, eye: Eye) -> tuple[F, ...]:
        """The frames of one eye, in order of their subframes."""
        return tuple(frame for frame in self.frames if frame.eye is eye)


def rig(header: Framed) -> str:
    """The camera without its eye: "NAVCAM", "FRONT HAZCAM A", or the first letter of a product name's instrument."""
    words = [w for w in header.instrument.upper().split("_") if w not in ("LEFT", "RIGHT")]
    # Two letters with the eye as the second one, when the record names no instrument.
    if len(words) == 1 and len(words[0]) == 2 and header.eye is not Eye.NONE:
        return words[0][0]
    return " ".join(words)


def without_copies(headers: Iterable[F]) -> tuple[list[F], list[str]]:
    """One header for each product, whatever the number of files that hold it, and a note for each that is left out.

    A PNG goes before other formats, a higher version before a lower one.
    """
    kept: dict[str, F] = {}
    notes = []
    for header in sorted(headers, key=_file_rank):
        name = parse_product_name(header.product_id)
        key = name.stem if name is not None else header.product_id
        first = kept.setdefault(key, header)
        if first is not header:
            notes.append(f"{_file(header)}: left out, the same product as {_file(first)}")
    return list(kept.values()), notes


def shots_of(headers: Sequence[F]) -> tuple[list[Shot[F]], list[str]]:
    """The shots in order of time, and notes on the frames that are not used.

    Of several products of one exposure, eye and subframe one is used: of the type (EDR, RAD, ...) that most of the
    exposures have, then colour before a raw mosaic, then calibrated before raw.  Of several scales of one exposure the
    finest that shows nearly all that any of them shows.
    """
    groups: list[list[F]] = []
    for header in sorted(headers, key=lambda h: (*_where(h), h.sclk_s, h.product_id)):
        last = groups[-1] if groups else None
        if last and _where(last[0]) == _where(header) and header.sclk_s - last[0].sclk_s <= SAME_CLOCK_S:
            last.append(header)
        else:
            groups.append([header])
    types = Counter(kind for group in groups for kind in {_type(header) for header in group})
    notes: list[str] = []
    shots = []
    for group in groups:
        one_each: dict[object, F] = {}
        for header in sorted(group, key=lambda h: (-types[_type(h)], *_product_rank(h))):
            first = one_each.setdefault((header.eye, header.scale_factor, header.subframe), header)
            if first is not header:
                notes.append(f"{_file(header)}: left out, another product of the same frame is {_file(first)}")
        frames = _one_scale(list(one_each.values()), notes)
        shots.append(Shot(tuple(sorted(frames, key=lambda h: (h.eye.value, h.subframe or (), h.product_id)))))
    return sorted(shots, key=lambda shot: shot.frames[0].sclk_s), notes


def _one_scale(frames: list[F], notes: list[str]) -> list[F]:
    """The frames of one scale, for each eye on its own when the eyes were not delivered alike."""
    kept = []
    for eye in Eye:
        scales = sorted({frame.scale_factor for frame in frames if frame.eye is eye})
        area = {s: sum(_area(f) for f in frames if f.eye is eye and f.scale_factor == s) for s in scales}
        used = next((s for s in scales if area[s] >= _COVERS * max(area.values())), None)
        for frame in frames:
            if frame.eye is eye:
                if frame.scale_factor == used:
                    kept.append(frame)
                else:
                    notes.append(f"{_file(frame)}: left out, the same shot is there with 1/{used} of the sensor's size")
    return kept


def _where(header: Framed) -> tuple[object, ...]:
    return header.mission, rig(header), header.site, header.drive


def _area(header: Framed) -> int:
    if header.subframe is not None:
        return header.subframe[2] * header.subframe[3]
    return header.width * header.height * header.scale_factor**2


def _file(header: Framed) -> str:
    return header.path.name if header.path is not None else header.product_id


def _file_rank(header: Framed) -> tuple[object, ...]:
    suffix = header.path.suffix.lower() if header.path is not None else ""
    order = _SUFFIX_ORDER.index(suffix) if suffix in _SUFFIX_ORDER else len(_SUFFIX_ORDER)
    version = header.product_id[-2:]
    return order, tuple(-ord(c) for c in version), header.path or header.record


def _type(header: Framed) -> str:
    name = parse_product_name(header.product_id)
    return name.product_type if name is not None else ""


def _product_rank(header: Framed) -> tuple[object, ...]:
    name = parse_product_name(header.product_id)
    if name is None:
        return (9, 9, header.product_id)
    mosaic = name.mission == "Mars 2020" and name.variant == "E"
    calibrated = 0 if name.product_type.startswith("RA") else 1 if name.product_type.startswith("IL") else 2
    return mosaic, calibrated, header.product_id
