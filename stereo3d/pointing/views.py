"""A frame made ready for finding ties, and where a point that it sees at some inverse range lies in another frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel, inside, pixel_grid
from stereo3d.frames import Float
from stereo3d.observation import Eye, Observation
from stereo3d.stereo.levels import reduced_observation, reduction_of
from stereo3d.stereo.masks import known_reasons
from stereo3d.stereo.sparse import binomial

F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

GRID_PX = 16
_NEAREST_M = 0.7
_FARTHEST_M = 1e3
"""Beyond it the place on the entrance pupil does not matter, and a point may lie at infinity or past it."""
_EDGE_PX = 8
_LEVEL_SIGMA_PX = 4.0
_SATURATED_SHARE = 1e-4


@dataclass(frozen=True, eq=False)
class View:
    """One frame at the size at which ties are sought, at most 1600 columns."""

    camera: CameraModel
    image: F32
    """(rows, columns), through the 3 x 3 binomial filter, in hundredths of the local mean; 0 where nothing is known."""
    usable: Bool
    """(rows, columns): ground that ties may lie on: no sky, dark corner, rover, hole, or saturated area."""
    factor: int
    """Pixels of the frame as delivered per pixel of the view."""
    right: bool
    """Whether it is of the rig's right eye."""

    @property
    def pixel_rad(self) -> float:
        """The angle of a pixel in the middle of the view."""
        middle = np.array([(self.camera.width - 1) / 2.0, (self.camera.height - 1) / 2.0])
        _, d = self.camera.ray(middle + np.array([[-0.5, 0.0], [0.5, 0.0]]))
        return float(np.linalg.norm(d[1] - d[0]))


def prepared(observation: Observation) -> View:
    """The view of a frame; large frames are reduced by whole factors."""
    factor = reduction_of(observation.camera.width)
    small = reduced_observation(observation, factor)
    bad = (known_reasons(small) > 0) | _saturated(small)
    usable = cv2.erode((~bad).astype(np.uint8), np.ones((2 * _EDGE_PX + 1,) * 2, np.uint8), borderValue=0) > 0
    return View(small.camera, _levelled(small, bad), usable, factor, observation.eye is Eye.RIGHT)


def _levelled(observation: Observation, bad: Bool) -> F32:
    """(rows, columns): the filtered image in hundredths of its local mean.

    Towards the edges of a frame the lens loses light, in one frame to the right and in its neighbour to the left.  Left
    in, these slopes shift matches apart by a tenth of a pixel.
    """
    image, known = binomial(observation.image.luminance), (~bad).astype(np.float32)
    weight = cv2.GaussianBlur(known, (0, 0), _LEVEL_SIGMA_PX)
    mean = cv2.GaussianBlur(image * known, (0, 0), _LEVEL_SIGMA_PX) / np.maximum(weight, 1e-3)
    return np.asarray(np.where(bad, 0.0, 100.0 * image / np.maximum(mean, 1e-3)), dtype=np.float32)


def _saturated(observation: Observation) -> Bool:
    """(rows, columns) bool: pixels at the top of the scale, when there are more of them than a brightest point."""
    grey = observation.image.grey
    top = grey >= grey.max()
    return top if float(top.mean()) > _SATURATED_SHARE else np.zeros(top.shape, dtype=bool)


def plane_inverse_range(origins: Float, directions: Float) -> Float:
    """1 / range (...), 1/m, at which rays (..., 3) of ROVER_NAV meet the plane of the wheels; 0 where they do not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = -directions[..., 2] / origins[..., 2]
    return np.where(origins[..., 2] < 0.0, np.clip(inverse, 0.0, 1.0 / _NEAREST_M), 0.0)


def seen_at(origins: Float, directions: Float, inverse_range: Float, centre: Float) -> Float:
    """Points (..., 3) that stand for o + d / inverse_range as seen from near ``centre`` (3,), m.

    The inverse range (...), 1/m, may be zero or less: the point is then put 1 km away in the direction in which it is
    seen, d + inverse_range (o - centre), which is all that a camera asks of it.
    """
    rho = inverse_range[..., None]
    towards = directions + rho * (origins - centre)
    out: Float = centre + towards / np.maximum(np.abs(rho), 1.0 / _FARTHEST_M)
    return out


def predicted(reference: CameraModel, target: CameraModel, pixels: Float, inverse_range: Float | None = None) -> Float:
    """Where pixels (..., 2) of one camera lie in another, (..., 2), NaN outside its model.

    ``inverse_range`` (...), 1/m; the plane of the wheels without it.  Both cameras are in ROVER_NAV.
    """
    origins, directions = reference.ray(pixels)
    if inverse_range is None:
        inverse_range = plane_inverse_range(origins, directions)
    return target.project(seen_at(origins, directions, inverse_range, target.C))


def overlap(reference: CameraModel, target: CameraModel) -> Bool:
    """(rows / 16, columns / 16) bool: which parts of the reference frame the other one sees as well.

    On the plane of the wheels, and at 0.7 and 1.4 times its inverse range: where all of that is in the picture.
    """
    grid = pixel_grid(reference.width, reference.height)[GRID_PX // 2 :: GRID_PX, GRID_PX // 2 :: GRID_PX]
    origins, directions = reference.ray(grid)
    rho = plane_inverse_range(origins, directions)
    seen = np.ones(grid.shape[:2], dtype=bool)
    for share in (0.7, 1.0, 1.4):
        seen &= inside(target, target.project(seen_at(origins, directions, share * rho, target.C)), _EDGE_PX)
    return seen


def warped(reference: CameraModel, target: View) -> tuple[F32, Bool, Float]:
    """The target's image in the pixels of the reference camera, as if all were on the plane of the wheels.

    Returns pixels (rows, columns) float32, the mask of those that are usable, and the map (rows, columns, 2): where in
    the target each comes from.
    """
    rows, columns = reference.height, reference.width
    coarse_rows, coarse_columns = rows // GRID_PX + 2, columns // GRID_PX + 2
    grid = pixel_grid(coarse_columns, coarse_rows) * GRID_PX
    coarse = predicted(reference, target.camera, grid)
    # NaN spreads to every pixel that a corner of its cell is missing for.
    x, y = (axis.astype(np.float32) / GRID_PX for axis in (np.arange(columns), np.arange(rows)))
    across, down = np.meshgrid(x, y)
    full = cv2.remap(coarse.astype(np.float32), across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    full = np.where(np.isfinite(full), full, np.float32(-1e4))
    pixels = cv2.remap(target.image, full[..., 0], full[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    usable = cv2.remap(
        target.usable.astype(np.uint8), full[..., 0], full[..., 1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT
    )
    return pixels, usable > 0, full.astype(np.float64)
