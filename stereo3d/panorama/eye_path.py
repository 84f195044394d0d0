"""Where the mast holds an eye when it looks at an azimuth: the origins of a panorama's rays.

The mast turns about an axis square to the rover's deck, so an eye runs on a circle about it; ``forward`` is its place
along the look, ``right`` across it.  The published models of Mars 2020 and its mast lie on such circles to 0.1 mm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.frames import locked
from stereo3d.observation import Eye, Observation

Float = NDArray[np.float64]

_FORWARD_M, _FORWARD_SIGMA_M = 0.13, 0.05
"""What is known of a mast before any frame: the eyes of Mars 2020 stand 0.127 to 0.144 m before the axis."""
_HALF_BASELINE_M = {"MER": 0.10, "MER-A": 0.10, "MER-B": 0.10}
_USUAL_HALF_BASELINE_M, _SIDE_SIGMA_M = 0.212, 0.05
_PAIR_SIGMA_M, _FRAME_SIGMA_M = 0.002, 0.005
_SIDE = {Eye.LEFT: -1.0, Eye.RIGHT: 1.0, Eye.NONE: 0.0}


@dataclass(frozen=True, eq=False)
class EyePath:
    """The circle of one eye, in LOCAL_LEVEL (X north, Y east, Z down).  Azimuth counts from north to east."""

    centre: Float
    """(3,) m: a point of the mast's axis, at the height of the circle there."""
    forward_m: float = 0.0
    right_m: float = 0.0
    slope: tuple[float, float] = (0.0, 0.0)
    """How far down the circle's plane goes per metre north and per metre east: the rover's deck is not level."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", locked(self.centre))
        numbers = [*self.centre.ravel(), self.forward_m, self.right_m, *self.slope]
        if self.centre.shape != (3,) or len(self.slope) != 2 or not all(abs(v) < 1e6 for v in numbers):
            raise ValueError("an eye's path is a centre (3,), two offsets and two slopes, all finite")

    def at(self, azimuth_rad: ArrayLike) -> Float:
        """The eye's place (..., 3), m, when the mast looks at azimuths (...), rad."""
        a = np.asarray(azimuth_rad, dtype=np.float64)
        sin, cos = np.sin(a), np.cos(a)
        out = np.empty((*a.shape, 3))
        north = self.forward_m * cos - self.right_m * sin
        east = self.forward_m * sin + self.right_m * cos
        out[..., 0], out[..., 1] = self.centre[0] + north, self.centre[1] + east
        out[..., 2] = self.centre[2] + self.slope[0] * north + self.slope[1] * east
        return out

    def sight(self, points: ArrayLike) -> tuple[Float, Float, Float]:
        """Azimuth (rad) at which the eye looks along the vertical plane through points (..., 3), the level distance
        (m) and the drop (m, downwards) from the eye to them; each (...).  NaN inside the circle."""
        p = np.asarray(points, dtype=np.float64)
        north, east = p[..., 0] - self.centre[0], p[..., 1] - self.centre[1]
        with np.errstate(invalid="ignore"):
            along = np.sqrt(north * north + east * east - self.right_m**2)
            azimuth = np.arctan2(east, north) - np.arctan2(self.right_m, along)
            level = np.where(along - self.forward_m >= 0.0, along - self.forward_m, np.nan)
        drop = p[..., 2] - self.at(azimuth)[..., 2]
        return np.where(np.isnan(level), np.nan, azimuth), level, drop

    @property
    def radius_m(self) -> float:
        """Of the circle."""
        return math.hypot(self.forward_m, self.right_m)


def azimuth_of(observation: Observation) -> float:
    """The azimuth (rad, from north to east) of the camera's axis in LOCAL_LEVEL."""
    camera = observation.camera
    middle = np.array([0.5 * (camera.width - 1), 0.5 * (camera.height - 1)])
    ray = observation.level_from_rover.rotate(camera.ray(middle)[1])
    return math.atan2(ray[1], ray[0])


def fit_eye_paths(observations: Sequence[Observation]) -> dict[Eye, EyePath]:
    """The circle of each eye that took any of the frames: one axis, by least squares over the cameras' centres.

    The plane of the circle is the deck's.  What too few frames leave open (one frame does not tell where the axis is)
    is taken from a mast as usual.  Raises ValueError without observations.
    """
    if not observations:
        raise ValueError("an eye's path needs at least one frame")
    eyes = sorted({o.eye for o in observations}, key=lambda e: e.value)
    columns = {eye: 2 + 2 * i for i, eye in enumerate(eyes)}
    rows: list[tuple[dict[int, float], float, float]] = []  # coefficients by unknown, value, sigma
    for o in observations:
        c = o.level_from_rover.apply(o.camera.C)
        a, k = azimuth_of(o), columns[o.eye]
        rows.append(({0: 1.0, k: math.cos(a), k + 1: -math.sin(a)}, float(c[0]), _FRAME_SIGMA_M))
        rows.append(({1: 1.0, k: math.sin(a), k + 1: math.cos(a)}, float(c[1]), _FRAME_SIGMA_M))
    for eye in eyes:
        half = _HALF_BASELINE_M.get(observations[0].mission, _USUAL_HALF_BASELINE_M)
        rows.append(({columns[eye]: 1.0}, _FORWARD_M, _FORWARD_SIGMA_M))
        rows.append(({columns[eye] + 1: 1.0}, _SIDE[eye] * half, _SIDE_SIGMA_M))
    if Eye.LEFT in columns and Eye.RIGHT in columns:
        # Both eyes stand alike about the axis.
        left, right = columns[Eye.LEFT], columns[Eye.RIGHT]
        rows.append(({left + 1: 1.0, right + 1: 1.0}, 0.0, _PAIR_SIGMA_M))
        rows.append(({left: 1.0, right: -1.0}, 0.0, _FRAME_SIGMA_M))
    matrix, values = np.zeros((len(rows), 2 + 2 * len(eyes))), np.zeros(len(rows))
    for i, (coefficients, value, sigma) in enumerate(rows):
        for j, v in coefficients.items():
            matrix[i, j] = v / sigma
        values[i] = value / sigma
    found = np.linalg.lstsq(matrix, values, rcond=None)[0]

    up = np.mean([o.level_from_rover.rotation[:, 2] for o in observations], axis=0)
    slope = (float(-up[0] / up[2]), float(-up[1] / up[2]))
    heights = []
    for o in observations:
        c = o.level_from_rover.apply(o.camera.C)
        heights.append(float(c[2]) - slope[0] * (c[0] - found[0]) - slope[1] * (c[1] - found[1]))
    centre = np.array([found[0], found[1], float(np.median(heights))])
    return {e: EyePath(centre, float(found[k]), float(found[k + 1]), slope) for e, k in columns.items()}
