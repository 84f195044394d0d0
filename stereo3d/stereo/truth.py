"""The true geometry of a left image, known only for simulated scenes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel, inside, pixel_grid
from stereo3d.frames import Float, Frame, locked

STEP_PX = 5
"""How near to a depth step a pixel must be to count as near it."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What the ray through the centre of each pixel of the left raw image meets."""

    frame: Frame
    range_m: Float
    """(rows, columns) float64, m along the ray from its origin; NaN = sky, the rover itself, or no ray."""
    xyz: Float
    """(rows, columns, 3) float64, m, in ``frame``; NaN = sky, the rover itself, or no ray."""
    both_eyes: NDArray[np.bool_]
    """(rows, columns): the point lies within the right image and is not hidden there."""
    near_step: NDArray[np.bool_]
    """(rows, columns): within ``STEP_PX`` pixels of a depth step, see :func:`depth_steps`."""

    def __post_init__(self) -> None:
        shape = self.range_m.shape
        if self.xyz.shape != (*shape, 3) or self.both_eyes.shape != shape or self.near_step.shape != shape:
            raise ValueError("all arrays must have one (rows, columns)")
        for name, dtype in (("range_m", np.float64), ("xyz", np.float64), ("both_eyes", np.bool_)):
            object.__setattr__(self, name, locked(getattr(self, name), dtype))
        object.__setattr__(self, "near_step", locked(self.near_step, np.bool_))

    @property
    def ground(self) -> NDArray[np.bool_]:
        """(rows, columns): where the ray meets ground or rock."""
        return np.isfinite(self.range_m)


def disparity_scale(left: CameraModel, right: CameraModel) -> float:
    """Baseline times focal length (m px): disparity in px is about this over the range in m."""
    middle = np.array([left.width / 2.0, left.height / 2.0])
    _, rays = left.ray(middle + np.array([[0.0, 0.0], [1.0, 0.0]]))
    angle = float(np.arccos(np.clip(rays[0] @ rays[1], -1.0, 1.0)))
    return float(np.linalg.norm(right.C - left.C)) / angle


def map_as_truth(xyz: NDArray[np.floating], left: CameraModel, right: CameraModel) -> Truth:
    """Another map ``xyz`` (rows, columns, 3), m, NaN = none, of the left image, in the place of the truth.

    What the right eye cannot see for something in front of it is not known; only its frame counts.  A hole of the map
    is no depth step.  Raises ValueError when the map is not of the camera's size.
    """
    if xyz.shape != (left.height, left.width, 3):
        raise ValueError(f"the map is {xyz.shape}, the left image {(left.height, left.width)}")
    points = np.where(np.isfinite(xyz).all(axis=-1, keepdims=True), xyz, np.nan).astype(np.float64)
    range_m = np.linalg.norm(points - left.ray(pixel_grid(left.width, left.height))[0], axis=-1)
    both_eyes = np.zeros(range_m.shape, dtype=bool)
    known = np.isfinite(range_m)
    both_eyes[known] = inside(right, right.project(points[known]))
    points[~known] = np.nan
    return Truth(left.frame, range_m, points, both_eyes, depth_steps(range_m, left, right, holes_are_far=False))


def depth_steps(range_m: Float, left: CameraModel, right: CameraModel, holes_are_far: bool = True) -> NDArray[np.bool_]:
    """(rows, columns) bool: within ``STEP_PX`` pixels (square) of two neighbours whose disparities differ by over 1 px.

    Level ground seen by a Navcam changes its disparity by baseline / camera height = 0.2 px from row to row, however
    far away and however fine the image, so 1 px is a step and not a slope.  NaN is sky and counts as infinitely far,
    or, where not ``holes_are_far``, as nothing known.
    """
    missing = np.inf if holes_are_far else np.nan
    disparity = disparity_scale(left, right) / np.where(np.isfinite(range_m), range_m, missing)
    steps = np.zeros(range_m.shape, dtype=bool)
    across, down = np.abs(np.diff(disparity, axis=1)) > 1.0, np.abs(np.diff(disparity, axis=0)) > 1.0
    steps[:, 1:] |= across
    steps[:, :-1] |= across
    steps[1:] |= down
    steps[:-1] |= down
    grown = steps.copy()
    for axis in (0, 1):
        source, whole = grown.copy(), (slice(None),) * axis
        for shift in range(1, STEP_PX + 1):
            ahead, behind = (*whole, slice(shift, None)), (*whole, slice(None, -shift))
            grown[ahead] |= source[behind]
            grown[behind] |= source[ahead]
    return grown
