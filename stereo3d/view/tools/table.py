"""The tools by name, for a window or a command that lets one choose: how many places each takes, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from stereo3d.pipeline import Result
from stereo3d.terrain.surface import Surface
from stereo3d.view.tools.areas import area
from stereo3d.view.tools.ground import ground_within
from stereo3d.view.tools.lines import angle, distance, polyline_length
from stereo3d.view.tools.planes import height_above_plane, plane_fit
from stereo3d.view.tools.point import Measurement
from stereo3d.view.tools.profile import profile


class Found(Protocol):
    """What a tool gives."""

    def lines(self) -> list[str]:
        """What a person reads; two spaces part columns."""


@dataclass(frozen=True)
class Tool:
    """A way to measure with places of the ground."""

    title: str
    least: int
    """Places that it needs."""
    most: int | None
    """Places that it takes; None for any number."""
    shape: str
    """What the places make, as in an annotation: point, line or area."""
    hint: str
    """What to click, in a few words."""
    measure: Callable[[Result, Surface, Sequence[Measurement]], Found]


def _plane(result: Result, surface: Surface, places: Sequence[Measurement]) -> Found:
    return plane_fit(ground_within(result, surface, [p.xyz_enu for p in places]))


TOOLS: Mapping[str, Tool] = MappingProxyType({
    "point": Tool("point", 1, 1, "point", "a place", lambda r, s, p: p[0]),
    "distance": Tool("distance", 2, 2, "line", "two places", lambda r, s, p: distance(p[0], p[1])),
    "polyline": Tool("polyline", 2, None, "line", "places along the way", lambda r, s, p: polyline_length(p)),
    "height": Tool(
        "height above plane", 4, 4, "area", "three places of the plane, then the one above it",
        lambda r, s, p: height_above_plane(p[3], p[0], p[1], p[2]),
    ),
    "area": Tool("area", 3, None, "area", "the corners", lambda r, s, p: area(p)),
    "angle": Tool("angle", 3, 3, "line", "a place, the corner, a place", lambda r, s, p: angle(p[0], p[1], p[2])),
    "plane": Tool("dip and strike", 2, None, "area", "the middle and the rim of a circle, or an outline", _plane),
    "profile": Tool(
        "profile", 2, 2, "line", "the two ends", lambda r, s, p: profile(r, s, p[0].xyz_enu, p[1].xyz_enu)
    ),
})  # fmt: skip
"""Name to tool, in the order of a menu."""
