"""Annotations drawn over a picture: dots, lines, outlines and names, fainter where the ground hides them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageColor, ImageDraw, ImageFont

from stereo3d.annotation import Annotation
from stereo3d.terrain.surface import Surface
from stereo3d.view.annotate import outlined
from stereo3d.view.viewpoint import Viewpoint

Float = NDArray[np.float64]

_STEP_SHARE = 0.02
"""A line is drawn in pieces of this share of its length, so that each may be seen or hidden."""
_BEHIND_SHARE, _BEHIND_M = 0.01, 0.02
_HIDDEN = 90
_LETTERS = 60


def draw_annotations(image: Pil.Image, notes: Sequence[Annotation], view: Viewpoint, surface: Surface) -> None:
    """Draw ``notes`` into a picture (RGB) of ``view``, in place; ``surface`` is the ground that may hide them."""
    pen = ImageDraw.Draw(image, "RGBA")
    unit = max(10.0, min(image.size) / 50.0)
    font = ImageFont.load_default(0.9 * unit)
    for note in notes:
        colour = ImageColor.getrgb(note.colour)[:3]
        if note.kind in ("line", "area"):
            ring = np.concatenate([note.points, note.points[:1]]) if note.kind == "area" else note.points
            _line(pen, _fine(ring), view, surface, image.size, colour, unit)
        seen = visible(note.points, view, surface)
        places = view.project(note.points, image.size)
        for place, clear in zip(places, seen, strict=True):
            if _on(place, image.size) and note.kind != "text":
                x, y, r = float(place[0]), float(place[1]), 0.28 * unit
                fill = (*colour, 255 if clear else _HIDDEN)
                pen.ellipse([x - r, y - r, x + r, y + r], fill=fill, outline=(0, 0, 0, 150))
        middle = view.project(note.points.mean(axis=0), image.size) if note.kind == "area" else places[-1]
        words = "".join(c if c.isprintable() else " " for c in note.name or (note.note if note.kind == "text" else ""))
        if words and _on(middle, image.size):
            anchor = "mm" if note.kind in ("area", "text") else "lm"
            shift = 0.0 if anchor == "mm" else 0.6 * unit
            outlined(pen, (float(middle[0]) + shift, float(middle[1])), words[:_LETTERS], font, anchor)


def visible(points: Float, view: Viewpoint, surface: Surface) -> NDArray[np.bool_]:
    """(n,) whether no ground stands between the eye and points (n, 3), m, ENU."""
    if view.parallel:
        depth = (points - view.eye) @ view.forward
        origins = points - depth[:, None] * view.forward
        directions = np.broadcast_to(view.forward, points.shape)
    else:
        away = points - view.eye
        depth = np.linalg.norm(away, axis=1)
        origins, directions = np.broadcast_to(view.eye, points.shape), away / np.maximum(depth, 1e-9)[:, None]
    nearness = surface.nearness(np.ascontiguousarray(origins), np.ascontiguousarray(directions))
    return np.asarray(nearness * (depth * (1.0 - _BEHIND_SHARE) - _BEHIND_M) <= 1.0)


def _fine(points: Float) -> Float:
    """(m, 3) the line through points (n, 3) in many short pieces."""
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    if along[-1] <= 0.0:
        return points
    at = np.union1d(np.arange(0.0, 1.0, _STEP_SHARE) * along[-1], along)
    return np.stack([np.interp(at, along, points[:, k]) for k in range(3)], axis=1)


def _line(
    pen: ImageDraw.ImageDraw, points: Float, view: Viewpoint, surface: Surface, size: tuple[int, int],
    colour: tuple[int, ...], unit: float,
) -> None:  # fmt: skip
    places = view.project(points, size)
    seen = visible(points, view, surface)
    width = max(2, round(0.18 * unit))
    for a, b, clear in zip(places[:-1], places[1:], seen[:-1] & seen[1:], strict=True):
        if np.isfinite([a, b]).all() and (_on(a, size, 2.0) or _on(b, size, 2.0)):
            ends = [(float(a[0]), float(a[1])), (float(b[0]), float(b[1]))]
            pen.line(ends, fill=(*colour, 255 if clear else _HIDDEN), width=width)


def _on(place: Float, size: tuple[int, int], wide: float = 1.0) -> bool:
    """Whether a pixel lies in a picture ``wide`` times as large about the same middle."""
    half = 0.5 * np.array(size)
    return bool(np.isfinite(place).all() and (np.abs(place - half) <= wide * half).all())
