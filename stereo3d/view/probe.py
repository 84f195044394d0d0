"""What the window tells about the place under the pointer, hole or ground: what explain says of the left pixel."""

from __future__ import annotations

import textwrap

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import inside
from stereo3d.pipeline import MeasuredPair, Result
from stereo3d.stereo.explain import explain
from stereo3d.terrain.surface import Surface
from stereo3d.view.tools import pick
from stereo3d.view.viewpoint import camera_centre

Float = NDArray[np.float64]

_FAR_M = 1e4
_LETTERS = 76


def pixel_under(
    result: Result, surface: Surface, origin: Float, direction: Float
) -> tuple[MeasuredPair, tuple[int, int]] | str:
    """The pixel (column, row) of the left image that shows what a ray ((3,), (3,), ENU) meets, and the pair of that
    image; or why none is known.

    Of several pairs it is that which shows the place nearest to the middle of its image, one that measured it before
    one that did not.  Through a hole the ray meets nothing.  Then only its direction is known, which is that of one
    pixel only where there is one pair and the ray starts at the left camera's own place.
    """
    point = pick(result, surface, origin, direction)
    if point is not None:
        place = point.xyz_rover
    elif len(result.pairs) > 1:
        return "no ground there; why is known of one pair at a time: view it with --pair N"
    elif np.linalg.norm(origin - camera_centre(result)) < 1e-6:
        away = result.enu_from_rover.inverse().rotate(direction / np.linalg.norm(direction))
        place = result.pairs[0].pair.left.camera.C + _FAR_M * away
    else:
        return "no ground there; what is missing can be told from the rover's camera only: press 0, then ask again"
    found = []
    for number, measured in enumerate(result.pairs):
        camera = measured.pair.left.camera
        # A hit at the mesh's outermost vertices may round to just outside.
        pixel = np.rint(camera.project(place))
        if inside(camera, pixel):
            column, row = int(pixel[0]), int(pixel[1])
            off = float(np.hypot(column - camera.width / 2, row - camera.height / 2))
            found.append((not measured.xyz.measured[row, column], off, number, (column, row)))
    if not found:
        return "outside the left image" if len(result.pairs) == 1 else "outside all left images"
    _, _, number, at = min(found)
    return result.pairs[number], at


def explain_ray(result: Result, surface: Surface, origin: Float, direction: Float) -> list[str]:
    """What a person reads about what a ray ((3,), (3,), ENU) meets, in lines of some 80 letters."""
    found = pixel_under(result, surface, origin, direction)
    if isinstance(found, str):
        lines = [found]
    else:
        made, pixel = found
        lines = explain(made.pair, made.rectified, made.disparity, made.matches, made.xyz, pixel).lines()
        if len(result.pairs) > 1:
            lines.insert(0, f"pair {result.pairs.index(made) + 1}: {made.pair.left.product_id}")
    # Two spaces part columns: only sentences are wrapped.
    return [part for line in lines for part in ([line] if "  " in line else textwrap.wrap(line, _LETTERS))]
