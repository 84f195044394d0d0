"""What the left eyes saw all around, as it looks from the one place that the ground was measured from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.observation import Eye, Observation
from stereo3d.panorama.eye_path import EyePath
from stereo3d.panorama.mosaic import make_mosaic
from stereo3d.panorama.plan import CanvasWish, cut_open, plan
from stereo3d.panorama.projection import Equirectangular
from stereo3d.panorama.resample import make_source
from stereo3d.panorama.surface import MeasuredGround, Plane
from stereo3d.pipeline.panorama import balanced, depth, samples_of
from stereo3d.pipeline.result import Result

NEAR_M = 2.0
"""Cameras nearer than this to the eye look from the same mast: frames of other stops are not of this picture."""
_SAMPLE_COLUMNS = 400
"""Of a frame: the ground only says where its rays meet it."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """An equirectangular picture about :attr:`stereo3d.pipeline.Result.eye_enu`.

    The pixel in column x and row y looks at azimuth ``azimuth_left_deg + (x + 0.5) * deg_per_px``, from north to east,
    and elevation ``elevation_top_deg - (y + 0.5) * deg_per_px``.
    """

    pixels: NDArray[np.uint8]
    """(rows, columns, 3) uint8 RGB; 0 where unseen."""
    seen: NDArray[np.bool_]
    """(rows, columns)."""
    azimuth_left_deg: float
    elevation_top_deg: float
    deg_per_px: float

    def place(self, offsets: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Column and row (n,) of the pixels that look along ``offsets`` (n, 3), ENU, from the eye; they may lie outside
        of the picture."""
        east, north, up = np.moveaxis(np.asarray(offsets, dtype=np.float64), -1, 0)
        along = (np.degrees(np.arctan2(east, north)) - self.azimuth_left_deg) % 360.0
        elevation = np.degrees(np.arctan2(up, np.hypot(east, north)))
        column = np.floor(along / self.deg_per_px).astype(np.intp)
        return column, np.floor((self.elevation_top_deg - elevation) / self.deg_per_px).astype(np.intp)


def surroundings(
    result: Result, most_columns: int = 6144, tell: Callable[[float], None] = lambda share: None
) -> Surroundings | None:
    """The left frames of ``result`` on the ground that it measured: nothing is measured anew.

    In the frames' own resolution, or coarser for a picture of at most ``most_columns``.  None where no frame shows
    anything of it.
    """
    eye = result.enu_from_rover.inverse().apply(result.eye_enu)

    def here(frame: Observation) -> bool:
        return float(np.linalg.norm(frame.camera.C - eye)) < NEAR_M

    left = [o for o in result.observations if o.eye is Eye.LEFT and here(o)]
    level = left[0].level_from_rover
    centre = level.apply(eye)
    path = EyePath(centre)
    samples = []
    for measured in (m for m in result.pairs if here(m.pair.left)):
        samples += samples_of(measured, centre, max(1, measured.pair.left.camera.width // _SAMPLE_COLUMNS))
    surface = MeasuredGround(centre, samples, Plane.of_wheels(level))
    sources = [make_source(o, surface) for o in left]
    planned = plan(CanvasWish("equirectangular"), sources, level.to, path)
    if planned.width > most_columns:
        planned = planned.scaled(most_columns)
    assert isinstance(planned, Equirectangular)
    opened, shift = cut_open(planned, sources)
    dtype, sources, _ = depth(sources, {Eye.LEFT: sources})
    radiometry, tone = balanced(sources, (Eye.LEFT,), planned, path, surface)
    tell(0.3)
    made = make_mosaic(opened, surface, sources, radiometry, tone, dtype, lambda share: tell(0.3 + 0.7 * share))
    if made is None:
        return None
    made = made.rolled(shift)
    step = 1.0 / planned.px_per_deg
    top = (planned.horizon_row + 0.5) * step
    return Surroundings(_rgb8(made.pixels, made.seen), made.seen, planned.start_azimuth_deg % 360.0, top, step)


def _rgb8(pixels: NDArray[np.generic], seen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """8 bits of each colour; deeper pictures are stretched over their range, as a frame is for display."""
    out = pixels
    if out.dtype != np.uint8:
        data = out.astype(np.float32)
        low, high = np.percentile(data[seen], [0.1, 99.9]) if seen.any() else (0.0, 1.0)
        out = np.clip((data - low) * (255.0 / max(float(high - low), 1e-9)), 0, 255).astype(np.uint8)
        out[~seen] = 0
    return np.asarray(np.repeat(out[..., None], 3, axis=2) if out.ndim == 2 else out, dtype=np.uint8)
