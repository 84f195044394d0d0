"""Lines of azimuth and elevation (on a map: of azimuth and distance) over a panorama, with their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont

from stereo3d.panorama.projection import Polar, Projection, Vertical

Float = NDArray[np.float64]

_STEPS_DEG = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0)
_STEPS_M = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
_OPACITY = 0.45
_COMPASS = {0: "N", 90: "E", 180: "S", 270: "W"}


@dataclass(frozen=True, eq=False)
class _Line:
    text: str
    pixels: Float
    """(n, 2) canvas pixels, in order; NaN where the line leaves what the projection shows."""
    radial: bool
    """An azimuth; else an elevation or a distance."""


def draw_graticule(pixels: NDArray[np.generic], projection: Projection) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The picture (rows, columns, 3) uint8 with the lines, and where something was drawn (rows, columns).

    ``pixels``: (rows, columns[, 3]) uint8.  Lines are of directions infinitely far, as seen from the eye.
    """
    rgb = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
    rgb = np.ascontiguousarray(rgb, dtype=np.uint8).copy()
    unit = max(11.0, min(projection.height, projection.width / 2.0) / 36.0)
    lines = _map_lines(projection) if isinstance(projection, Vertical) else _sky_lines(projection, unit)
    ink = np.zeros(rgb.shape[:2], dtype=np.uint8)
    thick = max(1, round(unit / 12.0))
    for line in lines:
        for run in _runs(line.pixels, projection):
            cv2.polylines(ink, [np.rint(run * 16.0).astype(np.int32)], False, 255, thick, cv2.LINE_AA, 4)
    rows, columns = np.nonzero(ink)
    share = ink[rows, columns, None].astype(np.float32) * np.float32(_OPACITY / 255.0)
    rgb[rows, columns] = (rgb[rows, columns] * (1.0 - share) + 255.0 * share + 0.5).astype(np.uint8)
    drawn = ink > 0

    font = ImageFont.load_default(unit)
    for line in lines:
        place = _label_place(line, projection, unit)
        if place is not None:
            _write(rgb, drawn, line.text, place, font, unit)
    return rgb, drawn


def _sky_lines(projection: Projection, unit: float) -> list[_Line]:
    """Azimuths and elevations, as close as labels allow."""
    middle = 0.5 * np.array([projection.width - 1, projection.height - 1])
    d = projection.rays(middle + np.array([[0.0, 0.0], [0.0, 1.0]]))[1]
    px_per_deg = 1.0 / max(float(np.degrees(np.linalg.norm(d[1] - d[0]))), 1e-6)
    apart = min(max(7.0 * unit, projection.width / 24.0), projection.width / 6.0)
    step = next((s for s in _STEPS_DEG if s * px_per_deg >= apart), _STEPS_DEG[-1])
    rise = next((s for s in _STEPS_DEG if s * px_per_deg >= max(4.0 * unit, projection.height / 12.0)), 30.0)
    lines = []
    for azimuth in np.arange(0.0, 360.0, step):
        elevations = np.linspace(-89.0, 89.0, 357)
        name = _COMPASS.get(round(azimuth), "") if azimuth == round(azimuth) else ""
        lines.append(
            _Line(f"{name} {azimuth:g}°".strip(), _towards(projection, np.full(357, azimuth), elevations), True)
        )
    for elevation in np.arange(-90.0 + rise, 90.0, rise):
        around = np.linspace(0.0, 360.0, 1441)
        sign = "+" if elevation > 0 else "-" if elevation < 0 else ""
        lines.append(_Line(f"{sign}{abs(elevation):g}°", _towards(projection, around, np.full(1441, elevation)), False))
    return lines


def _towards(projection: Projection, azimuth_deg: Float, elevation_deg: Float) -> Float:
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    return projection.pixels_towards(np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), -np.sin(e)], axis=-1))


def _map_lines(projection: Vertical) -> list[_Line]:
    """Azimuths from the rover, and circles of distance about it."""
    reach = 0.5 * projection.m_per_px * float(np.hypot(projection.width, projection.height))
    step = next((s for s in _STEPS_M if s >= reach / 8.0), _STEPS_M[-1])
    lines = []
    for azimuth in range(0, 360, 30):
        a, r = np.radians(azimuth), np.linspace(step, reach, 200)
        name = _COMPASS.get(azimuth, "")
        places = np.stack([r * np.cos(a), r * np.sin(a), np.zeros(200)], axis=-1)
        lines.append(_Line(f"{name} {azimuth}°".strip(), projection.pixels_of(places), True))
    for distance in np.arange(step, reach, step):
        a = np.linspace(0.0, 2.0 * np.pi, 721)
        places = np.stack([distance * np.cos(a), distance * np.sin(a), np.zeros(721)], axis=-1)
        lines.append(_Line(f"{distance:g} m", projection.pixels_of(places), False))
    return lines


def _runs(pixels: Float, projection: Projection) -> list[Float]:
    """The parts of a line on or near the canvas that do not jump."""
    size = np.array([projection.width, projection.height])
    with np.errstate(invalid="ignore"):
        near = ((pixels > -0.5 * size) & (pixels < 1.5 * size)).all(axis=1)
    jump = np.zeros(len(pixels), dtype=bool)
    jump[1:] = ~(np.abs(np.diff(pixels, axis=0)).max(axis=1) < 0.25 * size.max())
    number = np.cumsum(jump | ~near)
    parts = (pixels[near & (number == n)] for n in np.unique(number[near]))
    return [part for part in parts if len(part) > 1]


def _label_place(line: _Line, projection: Projection, unit: float) -> Float | None:
    """The middle (column, row) of the label: at the top or the left edge; of a polar or overhead view, on the line."""
    x, y = line.pixels[:, 0], line.pixels[:, 1]
    with np.errstate(invalid="ignore"):
        inside = (x > 2.0 * unit) & (y > 1.2 * unit)
        inside &= (x < projection.width - 2.0 * unit) & (y < projection.height - 1.2 * unit)
    there = line.pixels[inside]
    if not len(there):
        return None
    middle = 0.5 * np.array([projection.width - 1, projection.height - 1])
    if isinstance(projection, Polar | Vertical):
        if line.radial:
            return np.asarray(there[np.argmax(np.linalg.norm(there - middle, axis=1))])
        # Between two azimuths, to the upper right.
        away = there - middle
        return np.asarray(there[np.argmax(away @ np.array([0.26, -0.97]) / np.linalg.norm(away, axis=1))])
    return np.asarray(there[np.argmin(there[:, 1] if line.radial else there[:, 0])])


def _write(rgb: NDArray[np.uint8], drawn: NDArray[np.bool_], text: str, place: Float, font: Any, unit: float) -> None:
    """White text with a dark rim, into a small piece of the picture."""
    half = np.array([0.35 * unit * len(text) + unit, unit])
    left, top = np.maximum(np.floor(place - half), 0).astype(int)
    right, bottom = np.minimum(np.ceil(place + half), rgb.shape[1::-1]).astype(int)
    piece = Pil.fromarray(rgb[top:bottom, left:right])
    pen = ImageDraw.Draw(piece)
    at = (float(place[0] - left), float(place[1] - top))
    rim = max(1, round(unit / 12.0))
    pen.text(at, text, font=font, fill="white", anchor="mm", stroke_width=rim, stroke_fill="black")
    after = np.asarray(piece)
    drawn[top:bottom, left:right] |= (after != rgb[top:bottom, left:right]).any(axis=2)
    rgb[top:bottom, left:right] = after
