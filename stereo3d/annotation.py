"""An annotation: a point, a line, an area or a text that a person has put on the ground."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Frame, RigidTransform, locked

KINDS = ("point", "line", "area", "text")
LEAST_PLACES: Mapping[str, int] = MappingProxyType({"point": 1, "text": 1, "line": 2, "area": 3})
DEFAULT_COLOUR = "#f0b35a"
_ONE_PLACE = ("point", "text")

Plain = float | bool | str


@dataclass(frozen=True, eq=False)
class Annotation:
    """What a person has marked, and what was measured by it."""

    kind: str
    """One of :data:`KINDS`."""
    frame: Frame
    """The ENU frame of the stop."""
    points: NDArray[np.float64]
    """(n, 3) m, in ``frame``; one of a point and a text, at least two of a line, three of an area (which is not
    closed: its last point is joined to the first)."""
    sigma_m: NDArray[np.float64]
    """(n,) m, one sigma of the range of each point; NaN where it is not known."""
    name: str = ""
    note: str = ""
    colour: str = DEFAULT_COLOUR
    """"#rrggbb", lower case."""
    measure: Mapping[str, Plain] = field(default_factory=dict)
    """What was measured, by name: numbers with their units in the names, words."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", locked(self.points))
        object.__setattr__(self, "sigma_m", locked(self.sigma_m))
        object.__setattr__(self, "measure", MappingProxyType(dict(self.measure)))
        if self.kind not in KINDS:
            raise ValueError(f"an annotation is one of {', '.join(KINDS)}, not {self.kind!r}")
        count = len(self.points)
        if self.points.shape != (count, 3) or self.sigma_m.shape != (count,):
            raise ValueError(f"points must be (n, 3) and sigma_m (n,), got {self.points.shape}, {self.sigma_m.shape}")
        if count < LEAST_PLACES[self.kind] or (self.kind in _ONE_PLACE and count != 1):
            raise ValueError(f"a {self.kind} of {count} places is not possible")
        if not np.isfinite(self.points).all():
            raise ValueError("places must be finite")
        if not re.fullmatch("#[0-9a-f]{6}", self.colour):
            raise ValueError(f"a colour is #rrggbb, not {self.colour!r}")

    def points_in(self, to_from_enu: RigidTransform) -> NDArray[np.float64]:
        """(n, 3) m: the points in another frame."""
        if to_from_enu.source != self.frame:
            raise FrameMismatchError(f"the annotation is in {self.frame}, the transform starts in {to_from_enu.source}")
        return to_from_enu.apply(self.points)
