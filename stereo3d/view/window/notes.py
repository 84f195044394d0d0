"""Annotations of a window: kept from what is measured, drawn, saved as GeoJSON, exported as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stereo3d.annotation import Annotation
from stereo3d.export.annotations import write_annotations
from stereo3d.read.annotations import read_annotations
from stereo3d.view.overlay import Overlay
from stereo3d.view.tools import Measurement
from stereo3d.view.viewpoint import Viewpoint
from stereo3d.view.window.files import free_path
from stereo3d.view.window.marks import Marks
from stereo3d.view.window.measuring import Measuring
from stereo3d.view.window.world import World

Float = NDArray[np.float64]

COLOURS = {"point": "#ffd23f", "line": "#7ee081", "area": "#f78fb3", "text": "#ffffff"}
"""Of new annotations, by kind."""
_STEM = "stereo3d-annotations"
_MOST_LABELS = 100


class Notes:
    """The annotations, in order."""

    def __init__(self, world: World, marks: Marks, path: Path | None = None) -> None:
        """With a ``path``, those of that file, which are saved there again; a file that is not there yet is made by
        saving.  Raises RecordError or FrameMismatchError for a file that is not of this place."""
        self._world, self._marks, self._path = world, marks, path
        self.annotations: list[Annotation] = []
        if path is not None and path.exists():
            self.annotations = list(read_annotations(path, world.result))
        self._labels = 0
        self._draw()

    def can_keep(self, measuring: Measuring) -> bool:
        """Whether what is measured makes an annotation."""
        return len(measuring.points) >= measuring.tool.least

    def keep(self, measuring: Measuring, name: str) -> None:
        """What is measured, with its numbers."""
        places, sigma = measuring.marked()
        label = name or f"{measuring.tool.title} {len(self.annotations) + 1}"
        self._add(measuring.tool.shape, label, places, sigma, measuring.numbers())

    def text(self, place: Measurement, text: str) -> None:
        """A word at a place."""
        if text:
            self._add("text", text, place.xyz_enu[None], np.array([place.sigma_m]), {})

    def _add(
        self, kind: str, name: str, points: Float, sigma_m: Float, measure: Mapping[str, float | bool | str]
    ) -> None:
        frame = self._world.result.terrain.mesh.frame
        self.annotations.append(
            Annotation(kind, frame, points, sigma_m, name=name, colour=COLOURS[kind], measure=measure)
        )
        self._draw()

    def drop(self) -> str | None:
        """Take the last one away; its name."""
        gone = self.annotations.pop().name if self.annotations else None
        self._draw()
        return gone

    def save(self, folder: Path) -> list[Path]:
        """As GeoJSON, to the file they came from or a new one in ``folder``; none without any.  Raises OutputError."""
        if not self.annotations:
            return []
        if self._path is None:
            self._path = free_path(folder, _STEM, (".geojson",))
        return self._written(self._path)

    def export(self, folder: Path) -> list[Path]:
        """As CSV, to a new file in ``folder``; none without any.  Raises OutputError."""
        return self._written(free_path(folder, _STEM, (".csv",))) if self.annotations else []

    def _written(self, path: Path) -> list[Path]:
        write_annotations(path, tuple(self.annotations), self._world.result)
        return [path]

    def _draw(self) -> None:
        self._marks.clear("notes")
        for note in self.annotations:
            if note.kind in ("line", "area"):
                self._marks.line("notes", note.points, note.colour, closed=note.kind == "area")
            self._marks.dots("notes", note.points, note.colour, 9)

    def labels(
        self, overlay: Overlay, view: Viewpoint, size: tuple[int, int], shown: Callable[[Float], Float], show: bool
    ) -> None:
        """Names beside the first places, where the view has them."""
        named = self.annotations[:_MOST_LABELS] if show else []
        for number, note in enumerate(named):
            x, y = view.project(shown(note.points[0]), size)
            if np.isfinite([x, y]).all() and 0 <= x < size[0] and 0 <= y < size[1]:
                overlay.label(f"label-{number}", note.name[:40], (float(x), float(size[1] - 1 - y)))
            else:
                overlay.hide(f"label-{number}")
        for number in range(len(named), self._labels):
            overlay.hide(f"label-{number}")
        self._labels = len(named)
