"""Things that tell the scale: rings, a metre grid, a person, the rover's outline; and contour lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import RigidTransform
from stereo3d.libraries import import_library
from stereo3d.stereo.rover import rover_volume
from stereo3d.view.annotate import RINGS_M
from stereo3d.view.window.stage import Stage
from stereo3d.view.window.world import World

Float = NDArray[np.float64]

PERSON_M = 1.8
"""How tall the person is."""
GRID_REACH_M = 15.0
"""The metre grid lies on the ground out to here, level, from the eye."""
INTERVALS_M = (0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Contour intervals to choose from."""
_CONTOUR_REACH_M = 120.0
_MOST_LEVELS = 400


class Things:
    """What stands or lies on the ground, by name, each shown or not."""

    def __init__(self, stage: Stage, world: World) -> None:
        self._pv = import_library("pyvista")
        self._stage, self._world = stage, world
        self._actors: dict[str, list[Any]] = {}
        self._edges: Any = None
        self.interval_m = 0.25

    def shown(self, name: str) -> bool:
        """Whether the thing is shown."""
        return name in self._actors

    def toggle(self, name: str, at: Float | None = None) -> None:
        """Show the thing, or take it away: rings, grid, contours, rover, person (who stands at the place ``at``)."""
        if name in self._actors:
            self.remove(name)
            return
        make = {"rings": self._rings, "grid": self._grid, "contours": self._contours, "rover": self._rover}
        self._show(name, self._person(at) if name == "person" else make[name]())

    def remove(self, name: str) -> None:
        """Take it away, if it is there."""
        for actor in self._actors.pop(name, []):
            self._stage.remove(actor)

    def set_interval(self, interval_m: float) -> None:
        """Contour lines every so many metres."""
        self.interval_m = interval_m
        if self.shown("contours"):
            self.remove("contours")
            self.toggle("contours")

    def next_interval(self, steps: int) -> None:
        """The next wider (or narrower) interval of :data:`INTERVALS_M`."""
        nearest = int(np.argmin(np.abs(np.array(INTERVALS_M) - self.interval_m)))
        self.set_interval(INTERVALS_M[int(np.clip(nearest + steps, 0, len(INTERVALS_M) - 1))])

    def _show(self, name: str, actors: list[Any]) -> None:
        self._actors[name] = actors
        for actor in actors:
            self._stage.add(actor)

    def _near(self, reach_m: float) -> Any:
        """The ground (pyvista PolyData) whose faces begin within ``reach_m``, level, of the eye."""
        mesh = self._world.surface.mesh
        away = np.hypot(*(mesh.vertices[mesh.faces[:, 0], :2] - self._world.eye[:2]).T)
        used, number = np.unique(mesh.faces[away < reach_m], return_inverse=True)
        corners = number.reshape(-1, 3)
        cells = np.concatenate([np.full((len(corners), 1), 3), corners], axis=1)
        return self._pv.PolyData(np.asarray(mesh.vertices[used]), cells.astype(np.int64).ravel())

    def _lines(self, mesh: Any, values: Float, levels: list[float]) -> Any | None:
        """Where vertex values (n,) of a mesh take the levels: lines a little above it, or None."""
        inside = [v for v in levels if mesh.n_points and values.min() < v < values.max()]
        if not inside:
            return None
        mesh["value"] = values
        lines = mesh.contour(isosurfaces=inside, scalars="value")
        if not lines.n_points:
            return None
        # So that the ground does not hide half of each line.
        away = np.linalg.norm(np.asarray(lines.points) - self._world.eye, axis=1)
        lines.points[:, 2] += 0.003 + 0.0008 * away
        return lines

    def _actor(self, data: Any, colour: str, opacity: float = 1.0, line_px: float = 1.5, lit: bool = False) -> Any:
        actor = self._pv.Actor(mapper=self._pv.DataSetMapper(data))
        actor.mapper.scalar_visibility = False
        actor.prop.color, actor.prop.opacity = colour, opacity
        actor.prop.line_width, actor.prop.lighting = line_px, lit
        return actor

    def _rings(self) -> list[Any]:
        mesh = self._near(2.0 * max(RINGS_M))
        away = np.hypot(*(np.asarray(mesh.points)[:, :2] - self._world.eye[:2]).T)
        lines = self._lines(mesh, away, list(RINGS_M))
        return [] if lines is None else [self._actor(lines, "white", 0.6)]

    def _grid(self) -> list[Any]:
        mesh = self._near(GRID_REACH_M)
        actors = []
        for axis in (0, 1):
            values = np.asarray(mesh.points)[:, axis].astype(np.float64)
            first, last = np.ceil(values.min()), np.floor(values.max())
            for levels, opacity, wide in (
                ([v for v in np.arange(first, last + 1) if v % 5], 0.35, 1.0),
                ([v for v in np.arange(first, last + 1) if not v % 5], 0.8, 2.0),
            ):
                lines = self._lines(mesh, values, [float(v) for v in levels])
                if lines is not None:
                    actors.append(self._actor(lines, "#bfe3ff", opacity, wide))
        return actors

    def _contours(self) -> list[Any]:
        mesh = self._near(_CONTOUR_REACH_M)
        up = np.asarray(mesh.points)[:, 2].astype(np.float64)
        low, high = np.percentile(up, [0.5, 99.5]) if len(up) else (0.0, 0.0)
        step = self.interval_m
        first, last = int(np.ceil(low / step)), int(np.floor(high / step))
        first, last = max(first, -_MOST_LEVELS // 2), min(last, _MOST_LEVELS // 2)
        actors = []
        for fifth, opacity, wide in ((False, 0.55, 1.0), (True, 0.9, 2.0)):
            lines = self._lines(mesh, up, [n * step for n in range(first, last + 1) if (n % 5 == 0) == fifth])
            if lines is not None:
                actors.append(self._actor(lines, "#ffd27a", opacity, wide))
        return actors

    def _person(self, at: Float | None) -> list[Any]:
        """A figure of 1.8 m that stands at ``at`` (3,), m, ENU."""
        if at is None:
            return []
        pv, feet = self._pv, np.asarray(at, dtype=np.float64)
        up = np.array([0.0, 0.0, 1.0])

        def limb(side: float, low: float, high: float, radius: float) -> Any:
            middle = feet + np.array([side, 0.0, (low + high) / 2.0])
            return pv.Cylinder(center=middle, direction=up, radius=radius, height=high - low, resolution=16)

        suit = [limb(-0.1, 0.0, 0.85, 0.075), limb(0.1, 0.0, 0.85, 0.075), limb(0.0, 0.8, 1.48, 0.19)]
        suit += [limb(-0.25, 0.72, 1.42, 0.055), limb(0.25, 0.72, 1.42, 0.055)]
        head = pv.Sphere(radius=0.13, center=feet + np.array([0.0, 0.0, PERSON_M - 0.13]))
        return [*(self._actor(part, "#e8e4da", lit=True) for part in suit), self._actor(head, "#d9a066", lit=True)]

    def _rover(self) -> list[Any]:
        """The published envelope of the rover, as edges; nothing where none is published."""
        result = self._world.result
        volume = rover_volume(result.observations[0].mission)
        if volume is None:
            return []
        actors = []
        corners = self.footprint()
        if corners is not None:
            outline = self._pv.lines_from_points(np.concatenate([corners, corners[:1]]))
            actors.append(self._actor(outline, "#7fd0ff", 1.0, 3.0))
        for low, high in zip(volume.low, volume.high, strict=True):
            box = self._pv.Box(bounds=[v for pair in zip(low, high, strict=True) for v in pair])
            box.points = result.enu_from_rover.apply(np.asarray(box.points, dtype=np.float64))
            actors.append(self._actor(box, "#7fd0ff", 0.12))
            actors.append(self._actor(box.extract_all_edges(), "#7fd0ff", 0.9))
        return actors

    def footprint(self) -> Float | None:
        """(4, 3) m, ENU: corners of the rover's envelope on its own ground plane; None where none is published."""
        result = self._world.result
        volume = rover_volume(result.observations[0].mission)
        if volume is None:
            return None
        low, high = volume.low.min(axis=0), volume.high.max(axis=0)
        corners = [[x, y, 0.0] for x, y in ((low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1]))]
        to_enu: RigidTransform = result.enu_from_rover
        return to_enu.apply(np.array(corners))
