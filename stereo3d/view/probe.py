"""What the window tells about the place under the pointer, hole or ground: what explain says of the left pixel."""

from __future__ import annotations

import textwrap

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import inside
from stereo3d.pipeline import Reconstruction
from stereo3d.stereo.explain import explain
from stereo3d.terrain.surface import Surface
from stereo3d.view.tools import pick
from stereo3d.view.viewpoint import camera_centre

Float = NDArray[np.float64]

_FAR_M = 1e4
_LETTERS = 76


def pixel_under(
    reconstruction: Reconstruction, surface: Surface, origin: Float, direction: Float
) -> tuple[int, int] | str:
    """The pixel (column, row) of the left image that shows what a ray ((3,), (3,), ENU) meets; or why none is known.

    Through a hole the ray meets nothing.  Then only its direction is known, which is that of one pixel only where the
    ray starts at the left camera's own place.
    """
    camera, enu = reconstruction.pair.left.camera, reconstruction.enu_from_rover
    point = pick(reconstruction, surface, origin, direction)
    if point is not None:
        place = point.xyz_rover
    elif np.linalg.norm(origin - camera_centre(reconstruction)) < 1e-6:
        place = camera.C + _FAR_M * enu.inverse().rotate(direction / np.linalg.norm(direction))
    else:
        return "no ground there; what is missing can be told from the rover's camera only: press r, then ask again"
    pixel = camera.project(place)
    # A hit at the mesh's outermost vertices may round to just outside.
    rounded = np.rint(pixel)
    if not inside(camera, rounded):
        return "outside the left image"
    return int(rounded[0]), int(rounded[1])


def explain_ray(reconstruction: Reconstruction, surface: Surface, origin: Float, direction: Float) -> list[str]:
    """What a person reads about what a ray ((3,), (3,), ENU) meets, in lines of some 80 letters."""
    pixel = pixel_under(reconstruction, surface, origin, direction)
    if isinstance(pixel, str):
        lines = [pixel]
    else:
        made = reconstruction
        lines = explain(made.pair, made.rectified, made.disparity, made.matches, made.xyz, pixel).lines()
    # Two spaces part columns: only sentences are wrapped.
    return [part for line in lines for part in ([line] if "  " in line else textwrap.wrap(line, _LETTERS))]
