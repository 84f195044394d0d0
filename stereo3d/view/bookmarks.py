"""Bookmarks: views to come back to, and the way along them.  No window; the web page reads and writes the same file.

    {"stereo3d": {"format": 1, "kind": "bookmarks"}, "bookmarks": [{"name": "rock", "layer": "image", "view": {
      "mode": "orbit", "eye": [e, n, u], "azimuth_deg": 40, "elevation_deg": -10, "fov_deg": 60, "focus": [e, n, u]}}]}

Places are m, ENU.  A map (mode top) has ``height_m``, what the picture's height shows of the ground, for ``fov_deg``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import MissingFileError, RecordError
from stereo3d.export.atomic import atomic_files
from stereo3d.view.layers import LAYERS
from stereo3d.view.navigation import aimed, angles
from stereo3d.view.viewpoint import UP, Viewpoint

Float = NDArray[np.float64]

MODES = ("orbit", "walk", "fly", "top")
_MOST_BYTES = 1 << 20
_MOST = 1000
_LETTERS = 200
_FARTHEST_M = 1e6


@dataclass(frozen=True, eq=False)
class Bookmark:
    """A view with a name."""

    name: str
    mode: str
    """One of :data:`MODES`."""
    view: Viewpoint
    focus: Float
    """(3,) m, ENU: what is looked at."""
    layer: str = "image"

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "layer": self.layer, "view": view_state(self.mode, self.view, self.focus)}


def view_state(mode: str, view: Viewpoint, focus: Float) -> dict[str, Any]:
    """A view as plain values, as they stand in the file."""
    azimuth, elevation = angles(view)
    return {
        "mode": mode,
        "eye": [float(v) for v in view.eye],
        "azimuth_deg": math.degrees(azimuth) % 360.0,
        "elevation_deg": math.degrees(elevation),
        **(
            {"height_m": 2.0 * view.half_height}
            if view.parallel
            else {"fov_deg": math.degrees(2.0 * math.atan(view.half_height))}
        ),
        "focus": [float(v) for v in focus],
    }


def save_bookmarks(path: Path, bookmarks: Sequence[Bookmark]) -> Path:
    """Write the file, whole or not at all.  Raises OutputError."""
    values = {"stereo3d": {"format": 1, "kind": "bookmarks"}, "bookmarks": [b.as_json() for b in bookmarks]}
    with atomic_files(path) as folder:
        (folder / path.name).write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def load_bookmarks(path: Path) -> tuple[Bookmark, ...]:
    """Read the file.  Raises MissingFileError, or RecordError for what is no such file or breaks its bounds."""
    if not path.is_file():
        raise MissingFileError("no such file", file=path, expected="bookmarks that the window or the page saved")
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise RecordError(f"cannot be read: {error.strerror or error}", file=path) from error
    if len(data) > _MOST_BYTES:
        raise RecordError("the file is too large", file=path, expected=f"at most {_MOST_BYTES >> 20} MB")
    try:
        values = json.loads(data.decode("utf-8-sig"))
        entries = values["bookmarks"]
        if values["stereo3d"]["format"] != 1 or not isinstance(entries, list) or len(entries) > _MOST:
            raise ValueError("not a list of bookmarks of format 1")
        return tuple(_bookmark(entry) for entry in entries)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordError(
            f"these are no bookmarks: {type(error).__name__} {error}"[:200], file=path, expected="what the window saves"
        ) from error


def _bookmark(entry: Any) -> Bookmark:
    """Raises ValueError, KeyError or TypeError for anything else."""
    state = entry["view"]
    mode, layer = state["mode"], entry.get("layer", "image")
    if mode not in MODES:
        raise ValueError(f"no mode '{mode}'"[:80])
    eye, focus = _place(state["eye"]), _place(state["focus"])
    if mode == "top":
        half = _number(state["height_m"], 1e-3, 1e6) / 2.0
        turn = math.radians(_number(state.get("azimuth_deg", 0.0), -1e6, 1e6))
        up = np.array([math.sin(turn), math.cos(turn), 0.0])
        view = Viewpoint("top", eye, -UP, up, half, parallel=True)
    else:
        half = math.tan(math.radians(_number(state["fov_deg"], 1.0, 170.0)) / 2.0)
        azimuth, elevation = _number(state["azimuth_deg"], -1e6, 1e6), _number(state["elevation_deg"], -90.0, 90.0)
        free = Viewpoint("free", eye, np.array([0.0, 1.0, 0.0]), UP, half)
        view = aimed(free, eye, math.radians(azimuth), math.radians(elevation))
    name = "".join(c if c.isprintable() else " " for c in str(entry["name"]))[:_LETTERS]
    return Bookmark(name, mode, view, focus, layer if layer in LAYERS else "image")


def _number(value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{value!r} is no number from {low:g} to {high:g}"[:120])
    return float(value)


def _place(values: Any) -> Float:
    if not isinstance(values, list) or len(values) != 3:
        raise ValueError("a place has three coordinates")
    return np.array([_number(v, -_FARTHEST_M, _FARTHEST_M) for v in values])


def along(bookmarks: Sequence[Bookmark], share: float) -> Viewpoint:
    """The view after ``share`` (0 to 1) of the way along two or more bookmarks, each leg as long as the others.

    The eye goes on a Catmull-Rom curve through the bookmarks' eyes, slowing at none; directions turn the shorter way
    round, fields of view change evenly.  Maps are left out.  Raises ValueError for fewer than two others.
    """
    stops = [b.view for b in bookmarks if not b.view.parallel]
    if len(stops) < 2:
        raise ValueError("a way needs two bookmarks that are no maps")
    at = float(np.clip(share, 0.0, 1.0)) * (len(stops) - 1)
    leg = min(int(at), len(stops) - 2)
    t = at - leg
    turns = np.unwrap([angles(view)[0] for view in stops])
    tilts = np.array([angles(view)[1] for view in stops])
    halves = np.log([view.half_height for view in stops])
    numbers = np.column_stack([np.array([view.eye for view in stops]), turns, tilts, halves])
    mixed = _curve(numbers, leg, t)
    view = Viewpoint("free", mixed[:3], np.array([0.0, 1.0, 0.0]), UP, float(np.exp(mixed[5])))
    return aimed(view, mixed[:3], float(mixed[3]), float(mixed[4]))


def _curve(numbers: Float, leg: int, t: float) -> Float:
    """Catmull and Rom's curve through rows (n, k), between rows ``leg`` and ``leg`` + 1; ends lead straight on."""
    a, b = numbers[leg], numbers[leg + 1]
    before = numbers[leg - 1] if leg > 0 else 2.0 * a - b
    after = numbers[leg + 2] if leg + 2 < len(numbers) else 2.0 * b - a
    slope_a, slope_b = 0.5 * (b - before), 0.5 * (after - a)
    t2, t3 = t * t, t * t * t
    out: Float = (2 * t3 - 3 * t2 + 1) * a + (t3 - 2 * t2 + t) * slope_a + (3 * t2 - 2 * t3) * b + (t3 - t2) * slope_b
    return out
