"""Samples of the ground within a polygon or a circle, so far apart that their errors are their own."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.pipeline import Result
from stereo3d.pipeline.places import lateral_rad, pixel_angle_rad
from stereo3d.terrain.surface import Surface
from stereo3d.view.tools.point import WINDOW_PX, Measurement, measure_point
from stereo3d.view.viewpoint import camera_centre

Float = NDArray[np.float64]

_MOST = 4000
_BELOW_M = 0.5


def ground_within(
    result: Result, surface: Surface, outline_enu: ArrayLike, spacing_m: float | None = None
) -> list[Measurement]:
    """The ground on a level grid within an outline (n, 3), m, ENU, seen from above.

    Two places make a circle: its middle, and a place of its rim.  The grid's step is the width of the matcher's window
    at the outline's range, as it lies on the ground, unless ``spacing_m`` says another; it is widened so that no more
    than a few thousand places remain.  Ground more than the outline's own height (and half a metre) above or below the
    outline belongs to something else.
    """
    outline = np.asarray(outline_enu, dtype=np.float64).reshape(-1, 3)
    if len(outline) < 2:
        raise ValueError("an outline needs two places (a circle) or more")
    eye = camera_centre(result)
    if len(outline) == 2:
        radius = float(np.hypot(*(outline[1] - outline[0])[:2]))
        turn = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
        rim = outline[0, :2] + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    else:
        rim = outline[:, :2]
    if spacing_m is None:
        away = outline.mean(axis=0) - eye
        angle = WINDOW_PX * max(pixel_angle_rad(m.pair.left.camera) for m in result.pairs)
        spacing_m = angle * float(np.linalg.norm(away))
    low, high = rim.min(axis=0), rim.max(axis=0)
    spacing_m = max(spacing_m, float(np.sqrt(max(np.prod(high - low), 1e-12) / _MOST)))
    counts = np.maximum(np.floor((high - low) / spacing_m).astype(int), 0)
    starts = (low + high - counts * spacing_m) / 2.0
    east, north = (start + spacing_m * np.arange(count + 1) for start, count in zip(starts, counts, strict=True))
    level = np.stack(np.meshgrid(east, north), axis=-1).reshape(-1, 2)
    ring = ((rim - low) / max(float((high - low).max()), 1e-9)).astype(np.float32)
    at = (level - low) / max(float((high - low).max()), 1e-9)
    inside = np.array([cv2.pointPolygonTest(ring, (float(x), float(y)), False) >= 0 for x, y in at], dtype=bool)
    level = level[inside]
    span = float(np.ptp(outline[:, 2])) + _BELOW_M
    top = float(outline[:, 2].max()) + span
    starts3 = np.concatenate([level, np.full((len(level), 1), top)], axis=1)
    hits = surface.hits(starts3, np.broadcast_to([0.0, 0.0, -1.0], starts3.shape))
    places = surface.interpolate(hits, surface.mesh.vertices)
    sigma = surface.interpolate(hits, surface.mesh.sigma_m)
    with np.errstate(invalid="ignore"):
        good = places[:, 2] > float(outline[:, 2].min()) - span
    lateral = lateral_rad(result)
    return [
        measure_point(place, float(s), eye, result.enu_from_rover, lateral)
        for place, s in zip(places[good], sigma[good], strict=True)
    ]
