"""The shaded relief as a picture for people: with a scale bar, a north arrow, ticks, and where the sun stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont

from stereo3d.export.credit import signed
from stereo3d.terrain.contours import Contour
from stereo3d.terrain.maps import Grid, step_from

_LONGEST_PX = 1400
_SHORTEST_PX = 500
_PAPER, _INK, _NOTHING, _LINE = (255, 255, 255), (25, 25, 25), (224, 229, 236), (168, 92, 36)
_LEFT, _TOP, _RIGHT, _BOTTOM = 90, 60, 150, 130
_FONT_PX = 20
_Font: TypeAlias = ImageFont.ImageFont | ImageFont.FreeTypeFont


def write_hillshade(
    path: Path,
    shade: NDArray[np.float32],
    grid: Grid,
    contours: Sequence[Contour],
    title: str,
    caption: str,
    sun_deg: tuple[float, float],
    credit: str = "",
) -> None:
    """Write ``shade`` (rows, columns), 1 to 255, NaN = none, as a PNG; ``contours`` are drawn over it.

    ``title`` stands above; ``caption`` (what the lines are) below; ``sun_deg`` is the azimuth and elevation;
    ``credit`` goes into the file's text.
    """
    scale = _scale(grid)
    size = (max(round(grid.width * scale), 1), max(round(grid.height * scale), 1))
    page = Pil.new("RGB", (max(size[0], _SHORTEST_PX) + _LEFT + _RIGHT, size[1] + _TOP + _BOTTOM), _PAPER)
    page.paste(Pil.fromarray(_picture(shade, size)), (_LEFT, _TOP))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(_FONT_PX)
    small = ImageFont.load_default(15)
    per_m = size[0] / (grid.width * grid.resolution_m)
    corner = np.array([_LEFT, _TOP])

    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        """East, north (n, 2), m, to pixels of the page."""
        return np.asarray(corner + (points - [grid.west_m, grid.north_m]) * [per_m, -per_m])

    for line in contours:
        draw.line([(float(x), float(y)) for x, y in place(line.points)], fill=_LINE, width=1)
    for line in _longest(contours):
        x, y = place(line.points)[len(line.points) // 2]
        draw.text(
            (x, y), f"{line.elevation_m:g}", fill=_LINE, font=small, anchor="mm", stroke_width=3, stroke_fill=_PAPER
        )
    draw.rectangle((_LEFT - 1, _TOP - 1, _LEFT + size[0], _TOP + size[1]), outline=_INK)
    west, south, east, north = grid.bounds
    if west <= 0.0 <= east and south <= 0.0 <= north:
        x, y = place(np.zeros((1, 2)))[0]
        draw.line((x - 9, y, x + 9, y), fill=(190, 0, 0), width=2)
        draw.line((x, y - 9, x, y + 9), fill=(190, 0, 0), width=2)
    _ticks(draw, font, grid, per_m, size)
    draw.text((_LEFT, 14), title, fill=_INK, font=font)
    _scale_bar(draw, font, per_m, size)
    draw.text((_LEFT, _TOP + size[1] + 98), caption, fill=_INK, font=small)
    _arrows(draw, font, _LEFT + max(size[0], _SHORTEST_PX) + 85, sun_deg)
    page.save(path, **signed(credit, "PNG"))


def _longest(contours: Sequence[Contour]) -> list[Contour]:
    """The longest line of each height."""
    best: dict[float, tuple[float, Contour]] = {}
    for line in contours:
        length = float(np.linalg.norm(np.diff(line.points, axis=0), axis=1).sum())
        if length > best.get(line.elevation_m, (0.0, line))[0]:
            best[line.elevation_m] = (length, line)
    return [line for _, line in best.values()]


def _scale(grid: Grid) -> float:
    """Pixels of the picture per pixel of the map; whole where the map is small."""
    longest = max(grid.width, grid.height)
    return float(max(_LONGEST_PX // longest, 1)) if longest <= _LONGEST_PX else _LONGEST_PX / longest


def _picture(shade: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(height, width, 3) RGB; where a smaller pixel has any ground it has the mean of it."""
    known = np.isfinite(shade)
    how = cv2.INTER_NEAREST if size[0] >= shade.shape[1] else cv2.INTER_AREA
    weight = cv2.resize(known.astype(np.float32), size, interpolation=how)
    total = cv2.resize(np.where(known, shade, np.float32(0.0)), size, interpolation=how)
    grey = total / np.maximum(weight, np.float32(1e-6))
    rgb = np.where((weight > 0.25)[..., None], grey[..., None], np.array(_NOTHING, dtype=np.float32))
    return np.asarray(np.clip(rgb + 0.5, 0, 255), dtype=np.uint8)


def _ticks(
    draw: ImageDraw.ImageDraw,
    font: _Font,
    grid: Grid,
    per_m: float,
    size: tuple[int, int],
) -> None:
    west, south, east, north = grid.bounds
    step = step_from(110.0 / per_m)
    digits = max(0, -int(np.floor(np.log10(step))))
    for value in np.arange(np.ceil(west / step), np.floor(east / step + 1e-9) + 1) * step:
        x = _LEFT + (value - west) * per_m
        draw.line((x, _TOP + size[1], x, _TOP + size[1] + 7), fill=_INK)
        text = f"{abs(value):.{digits}f} {'W' if value < -step / 2 else 'E'}"
        draw.text((x, _TOP + size[1] + 10), text, fill=_INK, font=font, anchor="ma")
    for value in np.arange(np.ceil(south / step), np.floor(north / step + 1e-9) + 1) * step:
        y = _TOP + (north - value) * per_m
        draw.line((_LEFT - 8, y, _LEFT - 1, y), fill=_INK)
        text = f"{abs(value):.{digits}f} {'S' if value < -step / 2 else 'N'}"
        draw.text((_LEFT - 11, y), text, fill=_INK, font=font, anchor="rm")


def _scale_bar(draw: ImageDraw.ImageDraw, font: _Font, per_m: float, size: tuple[int, int]) -> None:
    """A bar of a round length, about a quarter of the picture, in four parts, below the ticks."""
    length = step_from(max(size[0], _SHORTEST_PX) / 6.0 / per_m)
    top = _TOP + size[1] + 52
    for part in range(4):
        left = _LEFT + part * length * per_m / 4.0
        fill = _INK if part % 2 == 0 else _PAPER
        draw.rectangle((left, top, left + length * per_m / 4.0, top + 10), fill=fill, outline=_INK)
    draw.text((_LEFT + length * per_m + 12, top + 5), f"{length:g} m", fill=_INK, font=font, anchor="lm")


def _arrows(
    draw: ImageDraw.ImageDraw,
    font: _Font,
    x: float,
    sun_deg: tuple[float, float],
) -> None:
    """North is up; below it the light comes in along an arrow from the sun."""
    draw.polygon([(x, _TOP + 30), (x - 14, _TOP + 90), (x, _TOP + 76), (x + 14, _TOP + 90)], fill=_INK)
    draw.text((x, _TOP), "N", fill=_INK, font=ImageFont.load_default(26), anchor="ma")
    y, reach = _TOP + 170, 34.0
    azimuth = np.radians(sun_deg[0])
    toward = np.array([np.sin(azimuth), -np.cos(azimuth)])
    sun, end = np.array([x, y]) + reach * toward, np.array([x, y]) - reach * toward
    side = np.array([-toward[1], toward[0]])
    draw.line((*sun.tolist(), *end.tolist()), fill=_INK, width=2)
    draw.polygon([tuple(p) for p in (end, end + 12 * toward + 6 * side, end + 12 * toward - 6 * side)], fill=_INK)
    draw.ellipse((*(sun - 8).tolist(), *(sun + 8).tolist()), fill=(245, 190, 40), outline=_INK)
    for number, text in enumerate(("sun", f"az {sun_deg[0]:g}°", f"el {sun_deg[1]:g}°")):
        draw.text((x, y + 48 + 24 * number), text, fill=_INK, font=font, anchor="ma")
