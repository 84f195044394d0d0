"""What stands over the window's 3-D picture: small drawings (the same as in picture files) and panels of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkActor2D, vtkImageMapper

from stereo3d.view.annotate import Font, colour_bar, north, outlined, scale_bar
from stereo3d.view.layers import ColourMap
from stereo3d.view.plot import ACCENT, INK
from stereo3d.view.viewpoint import Viewpoint

UNIT = 15.0
"""Size of the letters, px."""

EDGE = 0.6 * UNIT
"""Between panels and the window's edges, px."""

HEAD = "\u2550 "
"""Part of a line that begins so is a heading; the mark itself is not shown."""

_PANEL = (10, 12, 15, 225)
_NO_GLYPH = {0xB2: "^2"}
"""What the font that comes with Pillow has no letter for."""


class Sprite:
    """A small RGBA picture at a place of the window."""

    def __init__(self, renderer: Any) -> None:
        self._mapper = vtkImageMapper()
        self._mapper.SetColorWindow(255.0)
        self._mapper.SetColorLevel(127.5)
        self._actor = vtkActor2D()
        self._actor.SetMapper(self._mapper)
        self._actor.PickableOff()
        self._actor.VisibilityOff()
        self._data: vtkImageData | None = None
        renderer.AddViewProp(self._actor)

    def show(self, image: Pil.Image, left: float, bottom: float) -> None:
        """Put ``image`` with its lower left corner there, px from the window's lower left corner."""
        mode = "RGB" if image.mode == "RGB" else "RGBA"
        pixels = np.ascontiguousarray(np.asarray(image.convert(mode))[::-1])
        data = vtkImageData()
        data.SetDimensions(pixels.shape[1], pixels.shape[0], 1)
        data.GetPointData().SetScalars(numpy_to_vtk(pixels.reshape(-1, len(mode)), deep=True))
        self._mapper.SetInputData(data)
        self._data = data
        self.move(left, bottom)
        self._actor.VisibilityOn()

    def move(self, left: float, bottom: float) -> None:
        """Put it elsewhere."""
        self._actor.SetPosition(float(int(left)), float(int(bottom)))

    def hide(self) -> None:
        """Take it away."""
        self._actor.VisibilityOff()

    def unhide(self) -> None:
        """Show it again, if it ever was."""
        self._actor.SetVisibility(self._data is not None)

    @property
    def visible(self) -> bool:
        """Whether it is shown."""
        return bool(self._actor.GetVisibility())


class Overlay:
    """All sprites of the window, each drawn anew only when what it shows has changed.

    ``floor`` px at the window's lower edge are left free (for the panorama's strip).
    """

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer
        self._font = ImageFont.load_default(UNIT)
        self._small = ImageFont.load_default(0.85 * UNIT)
        self._sprites: dict[str, Sprite] = {}
        self._drawn: dict[str, Hashable] = {}
        self.floor = 0

    def _sprite(self, name: str) -> Sprite:
        if name not in self._sprites:
            self._sprites[name] = Sprite(self._renderer)
        return self._sprites[name]

    def hide(self, name: str) -> None:
        """Take a sprite away."""
        if name in self._sprites:
            self._sprites[name].hide()
        self._drawn.pop(name, None)

    def shown(self, name: str) -> bool:
        """Whether a sprite is shown."""
        return name in self._sprites and self._sprites[name].visible

    def picture(self, name: str, image: Pil.Image, left: float, bottom: float) -> None:
        """Any picture with its lower left corner there."""
        self._sprite(name).show(image, left, bottom)

    def _once(self, name: str, what: Hashable, draw: Callable[[], tuple[Pil.Image, float, float]]) -> None:
        if self._drawn.get(name) == what and self.shown(name):
            return
        self._drawn[name] = what
        self._sprite(name).show(*draw())

    def compass(self, view: Viewpoint, size: tuple[int, int]) -> None:
        """North, upper right."""

        def draw() -> tuple[Pil.Image, float, float]:
            side = int(7.0 * UNIT)
            image, pen = _sheet(side, side)
            north(pen, view, (side / 2, side / 2 + 0.4 * UNIT), 1.9 * UNIT, self._font)
            return image, size[0] - side, size[1] - side

        self._once("compass", (round(view.heading_deg, 1), round(float(view.forward[2]), 3), size), draw)

    def scale(self, view: Viewpoint, focus_m: float, size: tuple[int, int]) -> None:
        """A scale bar, lower right: exact in a parallel view, else true ``focus_m`` in front of the eye, as it says."""
        unit = 2.0 * view.half_height / size[1] * (1.0 if view.parallel else focus_m)

        def draw() -> tuple[Pil.Image, float, float]:
            note = "" if view.parallel else f" at {focus_m:.1f} m from the eye"
            wide, high = int(0.2 * size[0] + 4.0 * UNIT + self._font.getlength(note)), int(2.2 * UNIT)
            image, pen = _sheet(wide, high)
            scale_bar(pen, unit, (0.6 * UNIT, high - 0.4 * UNIT), 0.18 * size[0], UNIT, self._font, note)
            return image, max(0, size[0] - wide), 0.4 * UNIT + self.floor

        self._once("scale", (f"{unit:.4g}", f"{focus_m:.1f}", view.parallel, size, self.floor), draw)

    def colours(self, colours: ColourMap | None, size: tuple[int, int]) -> None:
        """The colour scale, upper left."""
        if colours is None:
            self.hide("colours")
            return

        def draw() -> tuple[Pil.Image, float, float]:
            length = min(0.35 * size[1], 18.0 * UNIT)
            words = max((self._small.getlength(word) for word in colours.words), default=0.0) + 2.6 * UNIT
            wide = max(self._font.getlength(colours.title) + 1.6 * UNIT, words)
            image, pen = _sheet(int(wide), int(length + 3.2 * UNIT))
            pen.rounded_rectangle([0, 0, image.width - 1, image.height - 1], radius=0.4 * UNIT, fill=_PANEL)
            colour_bar(pen, colours, (0.8 * UNIT, 2.3 * UNIT), length, UNIT, self._font, self._small)
            return image, EDGE, size[1] - image.height - 3.2 * UNIT

        self._once("colours", (colours.title, colours.limits, size), draw)

    def status(self, text: str, size: tuple[int, int]) -> None:
        """One line, upper left."""
        self.panel("status", [text], lambda w, h: (EDGE, size[1] - h - EDGE))

    def told(self, lines: Sequence[str]) -> None:
        """What was measured, lower left; nothing hides it."""
        self.panel("told", lines, lambda w, h: (EDGE, EDGE + self.floor), small=True)

    def menu(self, lines: Sequence[str], size: tuple[int, int]) -> None:
        """A list to choose from, on the right."""
        self.panel("menu", lines, lambda w, h: (size[0] - w - EDGE, (size[1] + self.floor - h) / 2))

    def middle(self, name: str, lines: Sequence[str], size: tuple[int, int]) -> None:
        """A panel in the middle, in smaller letters where there is little room."""
        small = len(lines) * 1.35 * UNIT > 0.95 * size[1]
        self.panel(name, lines, lambda w, h: ((size[0] - w) / 2, (size[1] - h) / 2), small)

    def note(self, lines: Sequence[str], size: tuple[int, int]) -> None:
        """A word to the user, above the middle."""
        self.panel("note", lines, lambda w, h: ((size[0] - w) / 2, 0.84 * size[1] - h))

    def crosshair(self, on: bool, size: tuple[int, int]) -> None:
        """The place in the middle that Enter picks."""
        if not on:
            self.hide("crosshair")
            return

        def draw() -> tuple[Pil.Image, float, float]:
            image, pen = _sheet(31, 31)
            for width, colour in ((3, (0, 0, 0, 150)), (1, (255, 255, 255, 235))):
                for a, b in (((15, 2), (15, 11)), ((15, 19), (15, 28)), ((2, 15), (11, 15)), ((19, 15), (28, 15))):
                    pen.line([*a, *b], fill=colour, width=width)
            x, y = crosshair_at(size)
            return image, x - 15, y - 15

        self._once("crosshair", size, draw)

    def legend(self, entries: Sequence[tuple[tuple[int, int, int], str]], size: tuple[int, int]) -> None:
        """Colours and what they mean, upper left; none hide it."""
        if not entries:
            self.hide("legend")
            return

        def draw() -> tuple[Pil.Image, float, float]:
            line = 1.4 * UNIT
            wide = int(max(self._font.getlength(text) for _, text in entries) + 3.2 * UNIT)
            image, pen = _sheet(wide, int(line * len(entries) + 0.8 * UNIT))
            pen.rounded_rectangle([0, 0, image.width - 1, image.height - 1], radius=0.4 * UNIT, fill=_PANEL)
            for i, (colour, text) in enumerate(entries):
                y = 0.4 * UNIT + (i + 0.5) * line
                pen.rectangle([0.7 * UNIT, y - 0.4 * UNIT, 1.5 * UNIT, y + 0.4 * UNIT], fill=colour)
                pen.text((2.1 * UNIT, y), text, fill=INK, font=self._font, anchor="lm")
            return image, EDGE, size[1] - image.height - 3.2 * UNIT

        self._once("legend", (tuple(entries), size), draw)

    def label(self, name: str, text: str, at: tuple[float, float]) -> None:
        """A word beside a place of the window; drawn once, then only moved."""
        if self._drawn.get(name) != text or not self.shown(name):
            self._drawn[name] = text
            wide, high = int(self._small.getlength(text) + 10), int(1.6 * UNIT)
            image, pen = _sheet(wide, high)
            outlined(pen, (5, high / 2), text, self._small, "lm")
            self._sprite(name).show(image, 0, 0)
        self._sprite(name).move(at[0] + 6, at[1])

    def panel(
        self, name: str, lines: Sequence[str], place: Callable[[int, int], tuple[float, float]], small: bool = False
    ) -> None:
        """Text on a dark sheet; no line hides it."""
        if not lines:
            self.hide(name)
            return
        font, line = (self._small, 1.15 * UNIT) if small else (self._font, 1.35 * UNIT)
        parts = [_columns(text.translate(_NO_GLYPH), font) for text in lines]
        wide = int(max(x + font.getlength(t) for row in parts for x, t in row) + 1.6 * UNIT)
        high = int(line * len(lines) + 0.8 * UNIT)

        def draw() -> tuple[Pil.Image, float, float]:
            image, pen = _sheet(wide, high)
            pen.rounded_rectangle([0, 0, wide - 1, high - 1], radius=0.4 * UNIT, fill=_PANEL)
            for i, row in enumerate(parts):
                for x, text in row:
                    head = text.startswith(HEAD)
                    pen.text(
                        (0.8 * UNIT + x, 0.4 * UNIT + (i + 0.5) * line), text.removeprefix(HEAD),
                        fill=ACCENT if head else INK, font=font, anchor="lm",
                    )  # fmt: skip
            left, bottom = place(wide, high)
            return image, max(left, 0), max(bottom, 0)

        self._once(name, (tuple(lines), place(wide, high)), draw)


def crosshair_at(size: tuple[int, int]) -> tuple[int, int]:
    """The pixel that the crosshair points at, from the window's lower left corner."""
    return size[0] // 2, size[1] // 2


def _columns(text: str, font: Font) -> list[tuple[float, str]]:
    """Parts of a line divided by two or more spaces, and where (px) each begins: in columns, as in a fixed pitch."""
    pitch = 0.5 * UNIT
    out, end = [], 0.0
    for match in re.finditer(r"\S+(?: \S+)*", text):
        left = max(match.start() * pitch, end)
        out.append((left, match[0]))
        end = left + font.getlength(match[0]) + 0.8 * UNIT
    return out or [(0.0, "")]


def _sheet(width: int, height: int) -> tuple[Pil.Image, ImageDraw.ImageDraw]:
    image = Pil.new("RGBA", (width, height), (0, 0, 0, 0))
    return image, ImageDraw.Draw(image)
