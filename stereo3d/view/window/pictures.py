"""Pictures on a key: the view with scale, north arrow, caption and credit, or the window with all its panels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont

from stereo3d.camera import pixel_grid
from stereo3d.export.credit import signed
from stereo3d.observation import credit_of
from stereo3d.view.annotate import annotate, scale_bar
from stereo3d.view.raycast import Picture
from stereo3d.view.window.files import free_path, write_whole
from stereo3d.view.window.moves import MODES
from stereo3d.view.window.parts import Parts

_STEM = "stereo3d-view"
_ROWS = 128


def save_view(parts: Parts, folder: Path) -> Path:
    """The view as it is shown, with its marks, and what a picture needs to stand alone.  Raises OutputError.

    A perspective view has rings on the ground, and a scale bar that is true at the distance that it tells.
    """
    if parts.frames.inside:
        return save_window(parts, folder)
    moves, size = parts.moves, parts.stage.size
    rgb = parts.stage.bare(moves.view, moves.focus_m, parts.options.eye_base_m)
    view = replace(moves.view, name=_name(parts))
    image = annotate(
        Picture(rgb, _ground(parts)), view, parts.world.result, parts.colouring.layer, parts.colouring.scale
    )
    if not view.parallel:
        pen = ImageDraw.Draw(image, "RGBA")
        unit = max(10.0, min(size) / 50.0)
        metres = 2.0 * view.half_height / size[1] * moves.focus_m
        note = f" at {moves.focus_m:.1f} m from the eye"
        place = (1.2 * unit, size[1] - 3.3 * unit)
        scale_bar(pen, metres, place, 0.18 * size[0], unit, ImageFont.load_default(unit), note)
    return _saved(parts, image, folder)


def save_window(parts: Parts, folder: Path) -> Path:
    """The window as it is.  Raises OutputError."""
    return _saved(parts, Pil.fromarray(parts.stage.pixels()), folder)


def _name(parts: Parts) -> str:
    """How the view is told in the caption."""
    words = [MODES[parts.moves.mode]]
    if parts.world.exaggeration != 1.0:
        words.insert(0, f"heights x {parts.world.exaggeration:g}")
    if parts.options.eye_base_m is not None and not parts.moves.view.parallel:
        words.insert(0, f"red-cyan, eye base {100 * parts.options.eye_base_m:.4g} cm")
    return ", ".join(words)


def _ground(parts: Parts) -> NDArray[np.float32]:
    """(height, width, 3) the place of each pixel, m, ENU; NaN where there is no ground, or it is cut off."""
    world, size, view = parts.world, parts.stage.size, parts.moves.view
    out = np.full((size[1], size[0], 3), np.nan, dtype=np.float32)
    if view.parallel:
        return out
    grid = pixel_grid(*size)
    for top in range(0, size[1], _ROWS):
        origins, directions = view.rays(grid[top : top + _ROWS].reshape(-1, 2), size)
        hits = world.surface.hits(world.true(origins), world.true(directions))
        places = world.surface.interpolate(hits, world.surface.mesh.vertices)
        out[top : top + _ROWS] = places.reshape(-1, size[0], 3)
    if world.box is not None:
        with np.errstate(invalid="ignore"):
            out[~((out >= world.box.low) & (out <= world.box.high)).all(axis=-1)] = np.nan
    return out


def _saved(parts: Parts, image: Pil.Image, folder: Path) -> Path:
    sign = signed(credit_of(parts.world.result.observations[0].mission), "PNG")
    path = free_path(folder, _STEM, (".png",))
    return write_whole(path, lambda file: image.save(file, format="PNG", compress_level=1, **sign))
