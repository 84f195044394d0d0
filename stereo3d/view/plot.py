"""Plain plots for pictures in files: a sheet, axes, lines.  Drawn at double size, then reduced: lines are smooth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, px."""

PAPER: Colour = (17, 20, 24)
PANEL: Colour = (26, 30, 36)
INK: Colour = (232, 234, 237)
FAINT: Colour = (150, 156, 165)
GRID: Colour = (48, 54, 62)
ACCENT: Colour = (255, 176, 59)
GOOD: Colour = (98, 200, 130)
BAD: Colour = (240, 110, 90)

SERIES: tuple[Colour, ...] = ((255, 205, 86), (240, 132, 80), (214, 82, 128), (142, 102, 214), (92, 156, 230))
"""Colours of up to five lines in one plot, near to far."""

_OVER = 2


class Sheet:
    """What is drawn on; all measures in px of the finished picture."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Pil.new("RGB", (width * _OVER, height * _OVER), PAPER)
        self._pen = ImageDraw.Draw(self._image, "RGBA")
        self._fonts: dict[float, ImageFont.FreeTypeFont | ImageFont.ImageFont] = {}

    def _font(self, size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        if size not in self._fonts:
            self._fonts[size] = ImageFont.load_default(size * _OVER)
        return self._fonts[size]

    def text(
        self, x: float, y: float, text: str, size: float = 16.0, fill: Colour = INK, anchor: str = "ls"
    ) -> None:  # fmt: skip
        """One line; ``anchor`` as in PIL (l, m, r for across; a, m, s for down)."""
        self._pen.text((x * _OVER, y * _OVER), text, fill=fill, font=self._font(size), anchor=anchor)

    def length(self, text: str, size: float = 16.0) -> float:
        """Width of a line of text."""
        return self._font(size).getlength(text) / _OVER

    def wrapped(self, text: str, size: float, room: float) -> list[str]:
        """The text in lines no wider than ``room``; a single word may be."""
        lines: list[str] = []
        for word in text.split(" "):
            if lines and self.length(f"{lines[-1]} {word}", size) <= room:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines

    def rectangle(
        self, box: Box, fill: Colour | tuple[int, int, int, int] | None = None, outline: Colour | None = None,
        width: float = 1.0,
    ) -> None:  # fmt: skip
        """A filled or outlined box."""
        corners = [v * _OVER for v in box]
        self._pen.rectangle(corners, fill=fill, outline=outline, width=max(1, round(width * _OVER)))

    def line(
        self, points: ArrayLike, fill: Colour | tuple[int, int, int, int] = INK, width: float = 1.5
    ) -> None:  # fmt: skip
        """A line through points (n, 2)."""
        xy = [(float(x) * _OVER, float(y) * _OVER) for x, y in np.asarray(points, dtype=np.float64)]
        self._pen.line(xy, fill=fill, width=max(1, round(width * _OVER)), joint="curve")

    def polygon(self, points: ArrayLike, fill: Colour | tuple[int, int, int, int]) -> None:
        """A filled polygon of points (n, 2)."""
        self._pen.polygon([(float(x) * _OVER, float(y) * _OVER) for x, y in np.asarray(points)], fill=fill)

    def dot(self, x: float, y: float, radius: float, fill: Colour) -> None:
        """A filled circle."""
        box = [(x - radius) * _OVER, (y - radius) * _OVER, (x + radius) * _OVER, (y + radius) * _OVER]
        self._pen.ellipse(box, fill=fill)

    def image(self, rgb: NDArray[np.uint8], box: Box, smooth: bool = True) -> None:
        """Pixels (rows, columns, 3) uint8 stretched over ``box``; as squares when not ``smooth``."""
        left, top, right, bottom = (round(v * _OVER) for v in box)
        how = Pil.Resampling.LANCZOS if smooth else Pil.Resampling.NEAREST
        part = Pil.fromarray(np.ascontiguousarray(rgb)).resize((right - left, bottom - top), how)
        self._image.paste(part, (left, top))

    def finished(self) -> Pil.Image:
        """The picture."""
        return self._image.resize((self.width, self.height), Pil.Resampling.LANCZOS)


@dataclass(frozen=True)
class Axes:
    """A box of the sheet that numbers are drawn into; ``x[0]`` lies at its left edge, whichever is larger."""

    box: Box
    x: tuple[float, float]
    y: tuple[float, float]

    def place(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Numbers (n,), (n,) to px (n, 2)."""
        left, top, right, bottom = self.box
        across = (np.asarray(x, dtype=np.float64) - self.x[0]) / (self.x[1] - self.x[0])
        up = (np.asarray(y, dtype=np.float64) - self.y[0]) / (self.y[1] - self.y[0])
        return np.stack(np.broadcast_arrays(left + across * (right - left), bottom - up * (bottom - top)), axis=-1)

    def frame(
        self, sheet: Sheet, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]],
        x_label: str = "", y_label: str = "", size: float = 14.0,
    ) -> None:  # fmt: skip
        """Background, grid, ticks (value, text) and the names of the axes: x below, y above the upper left corner."""
        left, top, right, bottom = self.box
        sheet.rectangle(self.box, fill=PANEL)
        for value, text in x_ticks:
            x = float(self.place(value, self.y[0])[0])
            sheet.line([(x, top), (x, bottom)], GRID, 1.0)
            sheet.text(x, bottom + 0.45 * size, text, size, FAINT, "ma")
        for value, text in y_ticks:
            y = float(self.place(self.x[0], value)[1])
            sheet.line([(left, y), (right, y)], GRID, 1.0)
            sheet.text(left - 0.5 * size, y, text, size, FAINT, "rm")
        if x_label:
            sheet.text((left + right) / 2, bottom + 1.85 * size, x_label, size, INK, "ma")
        if y_label:
            sheet.text(left, top - 0.6 * size, y_label, size, INK, "ls")

    def curve(self, sheet: Sheet, x: ArrayLike, y: ArrayLike, fill: Colour, width: float = 2.0) -> None:
        """A line through numbers (n,), (n,), kept within the box, interrupted where either is NaN."""
        points = self.place(x, y)
        left, top, right, bottom = self.box
        clipped = np.clip(points, [left, top], [right, bottom])
        good = np.isfinite(points).all(axis=1)
        ends = np.flatnonzero(np.diff(np.concatenate([[0], good.astype(np.int8), [0]])))
        for a, b in zip(ends[::2], ends[1::2], strict=True):
            if b - a > 1:
                sheet.line(clipped[a:b], fill, width)
            else:
                sheet.dot(float(clipped[a, 0]), float(clipped[a, 1]), width / 2, fill)


def credit(mission: str) -> str:
    """Whom to thank for the images of ``mission``, in the corner of a picture (:func:`credit_of` in its metadata)."""
    if mission == "simulated":
        return "simulated, not a photograph  \u00b7  stereo3d"
    return "images: NASA/JPL-Caltech  \u00b7  3-D: stereo3d"


def ticks(low: float, high: float, about: int = 6) -> list[tuple[float, str]]:
    """Round values from ``low`` to ``high`` with their texts: 1, 2 or 5 steps, some ``about`` of them."""
    rough = (high - low) / about
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(m for m in (1.0, 2.0, 5.0, 10.0) if m * power >= rough * (1 - 1e-9)) * power
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [(float(i * step), f"{i * step:.6g}") for i in range(first, last + 1)]
