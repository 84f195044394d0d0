"""Marks in front of the ground: dots, lines and areas of tools and annotations, in groups that come and go together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.libraries import import_library
from stereo3d.view.window.stage import Stage

POINT, LINE, OTHER = "#ff5a36", "#ffe14d", "#36c5ff"
"""Colours of places that were picked, of lines between them, of the pointer's other place."""

_DOT_PX, _LINE_PX = 11, 3
_AREA_OPACITY = 0.25


class Marks:
    """Groups of marks, by name."""

    def __init__(self, stage: Stage) -> None:
        self._pv = import_library("pyvista")
        self._stage = stage
        self._groups: dict[str, list[Any]] = {}

    def clear(self, group: str) -> None:
        """Take a group away."""
        for actor in self._groups.pop(group, []):
            self._stage.remove(actor)

    def dots(self, group: str, points: ArrayLike, colour: str = POINT, size_px: int = _DOT_PX) -> None:
        """Dots at places (n, 3), m, ENU, added to a group."""
        places = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        if len(places):
            actor = self._actor(self._pv.PolyData(places), colour)
            actor.prop.point_size = size_px
            actor.prop.render_points_as_spheres = True
            self._add(group, actor)

    def line(self, group: str, points: ArrayLike, colour: str = LINE, closed: bool = False) -> None:
        """A line through places (n, 3), m, ENU; ``closed``: back to the first one, and the area within tinted."""
        places = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        if len(places) < 2:
            return
        ring = np.concatenate([places, places[:1]]) if closed and len(places) > 2 else places
        line = self._actor(self._pv.lines_from_points(ring), colour)
        line.prop.line_width = _LINE_PX
        self._add(group, line)
        if closed and len(places) > 2:
            face = np.concatenate([[len(places)], np.arange(len(places))])
            area = self._actor(self._pv.PolyData(places, faces=face).triangulate(), colour)
            area.prop.opacity = _AREA_OPACITY
            self._add(group, area)

    def _actor(self, data: Any, colour: str) -> Any:
        actor = self._pv.Actor(mapper=self._pv.DataSetMapper(data))
        actor.mapper.scalar_visibility = False
        actor.prop.color, actor.prop.lighting = colour, False
        return actor

    def _add(self, group: str, actor: Any) -> None:
        self._groups.setdefault(group, []).append(actor)
        self._stage.add(actor, in_front=True)
