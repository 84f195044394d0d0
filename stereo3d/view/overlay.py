"""What stands over the window's 3-D picture: small drawings (the same as in picture files), panels of text, markers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkActor2D, vtkImageMapper

from stereo3d.view.annotate import Font, colour_bar, north, outlined, scale_bar
from stereo3d.view.layers import ColourMap
from stereo3d.view.viewpoint import Viewpoint

UNIT = 18.0
"""Size of the letters, px."""

HELP = """\
mouse
  left drag          turn (walking: look around; map: shift)
  right drag         shift
  wheel              nearer, farther
  left click, or p   point: XYZ, range, sigma; the next one also distance
  e                  explain the place: why a hole, how well it matches
views
  r  the rover's camera      o  orbit
  t  map, north up           w  walk (1.7 m above the ground)
  walking: W A S D or arrows (left, right turn), with Shift faster
layers
  1 image   2 elevation   3 range   4 sigma   l  next
more
  g  rings on the ground at round distances from the camera
  c  clear the points        s  save a picture (x while walking)
  h  this help               q  quit"""


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
        rgba = np.ascontiguousarray(np.asarray(image.convert("RGBA"))[::-1])
        data = vtkImageData()
        data.SetDimensions(rgba.shape[1], rgba.shape[0], 1)
        data.GetPointData().SetScalars(numpy_to_vtk(rgba.reshape(-1, 4), deep=True))
        self._mapper.SetInputData(data)
        self._data = data
        self._actor.SetPosition(float(int(left)), float(int(bottom)))
        self._actor.VisibilityOn()

    def hide(self) -> None:
        """Take it away."""
        self._actor.VisibilityOff()

    @property
    def visible(self) -> bool:
        """Whether it is shown."""
        return bool(self._actor.GetVisibility())


class Overlay:
    """All sprites of the window."""

    def __init__(self, renderer: Any) -> None:
        self._font = ImageFont.load_default(UNIT)
        self._small = ImageFont.load_default(0.8 * UNIT)
        names = ("compass", "scale", "colours", "status", "points", "help")
        self._sprites = {name: Sprite(renderer) for name in names}
        self._texts: dict[str, tuple[object, ...]] = {}

    def compass(self, view: Viewpoint, size: tuple[int, int]) -> None:
        """North, upper right."""
        side = int(7.0 * UNIT)
        image, pen = _sheet(side, side)
        north(pen, view, (side / 2, side / 2 + 0.4 * UNIT), 1.9 * UNIT, self._font)
        self._sprites["compass"].show(image, size[0] - side, size[1] - side)

    def scale(self, view: Viewpoint, focus_m: float, size: tuple[int, int]) -> None:
        """A scale bar, lower right: exact in a parallel view, else true ``focus_m`` in front of the eye, as it says."""
        unit = 2.0 * view.half_height / size[1] * (1.0 if view.parallel else focus_m)
        note = "" if view.parallel else f" at {focus_m:.1f} m from the eye"
        wide, high = int(0.2 * size[0] + 4.0 * UNIT + self._font.getlength(note)), int(2.2 * UNIT)
        image, pen = _sheet(wide, high)
        scale_bar(pen, unit, (0.6 * UNIT, high - 0.4 * UNIT), 0.18 * size[0], UNIT, self._font, note)
        self._sprites["scale"].show(image, max(0, size[0] - wide), 0.4 * UNIT)

    def colours(self, colours: ColourMap | None, size: tuple[int, int]) -> None:
        """The colour scale, upper left."""
        if colours is None:
            self._sprites["colours"].hide()
            return
        length = min(0.45 * size[1], 18.0 * UNIT)
        image, pen = _sheet(int(22 * UNIT), int(length + 3.0 * UNIT))
        colour_bar(pen, colours, (0.4 * UNIT, 1.9 * UNIT), length, UNIT, self._font, self._small)
        self._sprites["colours"].show(image, 0.6 * UNIT, size[1] - image.height - 3.4 * UNIT)

    def status(self, text: str, size: tuple[int, int]) -> None:
        """One line, upper left."""
        self._panel("status", [text], lambda w, h: (0.6 * UNIT, size[1] - h - 0.6 * UNIT))

    def points(self, lines: Sequence[str]) -> None:
        """What was measured, lower left; nothing hides it."""
        self._panel("points", lines, lambda w, h: (0.6 * UNIT, 0.6 * UNIT))

    def help(self, on: bool, size: tuple[int, int]) -> None:
        """The keys, in the middle."""
        lines = HELP.splitlines() if on else []
        self._panel("help", lines, lambda w, h: ((size[0] - w) / 2, (size[1] - h) / 2))

    def shown(self, name: str) -> bool:
        """Whether the sprite ``name`` is shown."""
        return self._sprites[name].visible

    def _panel(self, name: str, lines: Sequence[str], place: Callable[[int, int], tuple[float, float]]) -> None:
        """Text on a dark sheet; drawn anew only when it or its place has changed."""
        sprite = self._sprites[name]
        if not lines:
            sprite.hide()
            self._texts.pop(name, None)
            return
        font = self._font
        line = 1.35 * UNIT
        parts = [_columns(text, font) for text in lines]
        wide = int(max(x + font.getlength(t) for row in parts for x, t in row) + 1.6 * UNIT)
        high = int(line * len(lines) + 0.8 * UNIT)
        key = (tuple(lines), place(wide, high))
        if self._texts.get(name) == key:
            return
        self._texts[name] = key
        image, pen = _sheet(wide, high)
        pen.rounded_rectangle([0, 0, wide - 1, high - 1], radius=0.4 * UNIT, fill=(10, 12, 15, 215))
        for i, row in enumerate(parts):
            for x, text in row:
                outlined(pen, (0.8 * UNIT + x, 0.4 * UNIT + (i + 0.5) * line), text, font, "lm")
        sprite.show(image, *place(wide, high))


def _columns(text: str, font: Font) -> list[tuple[float, str]]:
    """Parts of a line divided by two or more spaces, and where (px) each begins: in columns, as in a fixed pitch."""
    pitch = 0.47 * UNIT
    out, end = [], 0.0
    for match in re.finditer(r"\S+(?: \S+)*", text):
        left = max(match.start() * pitch, end)
        out.append((left, match[0]))
        end = left + font.getlength(match[0]) + 0.8 * UNIT
    return out or [(0.0, "")]


def _sheet(width: int, height: int) -> tuple[Pil.Image, ImageDraw.ImageDraw]:
    image = Pil.new("RGBA", (width, height), (0, 0, 0, 0))
    return image, ImageDraw.Draw(image)


def ring_lines(mesh: Any, camera: NDArray[np.float64], distances_m: Sequence[float]) -> Any:
    """Lines (pyvista PolyData) on ``mesh`` (PolyData) at level distances (m) from ``camera`` (3,)."""
    offset = np.asarray(mesh.points)[:, :2] - camera[:2]
    bare = mesh.copy(deep=False)
    bare.clear_data()
    bare["distance"] = np.hypot(offset[:, 0], offset[:, 1])
    lines = bare.contour(isosurfaces=list(distances_m), scalars="distance")
    if lines.n_points:
        # A little above the ground, so that the ground does not hide half of each line.
        lines.points[:, 2] += 0.004 + 0.001 * np.asarray(lines["distance"])
    return lines
