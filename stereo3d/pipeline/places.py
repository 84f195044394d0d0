"""What is known of places on measured ground beside their coordinates: how well, by how many pairs, in which frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.camera import CameraModel, inside
from stereo3d.frames import RigidTransform
from stereo3d.observation import Eye, Observation
from stereo3d.pipeline.pair import MeasuredPair, enu_from_rover
from stereo3d.pipeline.result import Result
from stereo3d.stereo.disparity import Reason
from stereo3d.terrain.fuse import AGREE_SIGMA
from stereo3d.terrain.surface import Surface

Float = NDArray[np.float64]

_PIXEL_SIGMA = 1.0 / math.sqrt(12.0)
"""px: one sigma of a place that is known to lie within one pixel."""
_BEHIND_SHARE = 0.01
"""Ground that lies in front of a place by less than this share of its distance does not hide it."""


@dataclass(frozen=True)
class FramePlace:
    """Where a frame shows a place."""

    index: int
    """Of the frame in ``result.observations``."""
    product_id: str
    pixel: tuple[float, float]
    """(column, row), by the frame's exact camera model."""


def pixel_angle_rad(camera: CameraModel) -> float:
    """The angle between the rays of neighbouring pixels in the middle of the frame, rad."""
    middle = 0.5 * np.array([camera.width - 1, camera.height - 1])
    rays = camera.ray(middle + np.array([[-0.5, 0.0], [0.5, 0.0]]))[1]
    return float(np.linalg.norm(rays[1] - rays[0]))


def lateral_rad(result: Result) -> float:
    """One sigma of a picked place across its line of sight, as an angle (rad) at the eye.

    A place is told to within a pixel of the left camera, 1 / sqrt(12) of its pitch (the coarsest of all pairs), and as
    well as the refined pointing holds the frames against each other.  A turn of all frames together, which the
    telemetry leaves open by 0.05 degrees or so, moves no two places against each other and is left out.
    """
    pixel = _PIXEL_SIGMA * max(pixel_angle_rad(m.pair.left.camera) for m in result.pairs)
    pointing = result.pointing
    if pointing is None or len({f.shot for f in pointing.frames}) < 2:
        return pixel
    turns = [
        relative if math.isfinite(relative) else absolute
        for f in pointing.frames
        for relative, absolute in (
            (f.pan_relative_sigma_deg, f.pan_sigma_deg),
            (f.tilt_relative_sigma_deg, f.tilt_sigma_deg),
        )
    ]
    known = np.radians([t for t in turns if math.isfinite(t)])
    return float(np.hypot(pixel, np.sqrt(np.mean(known**2)))) if known.size else pixel


class Stop(Protocol):
    """Where frames were taken: of a scene before it is measured, or of a :class:`Result`."""

    @property
    def observations(self) -> tuple[Observation, ...]:
        """All frames."""

    @property
    def enu_from_rover(self) -> RigidTransform:
        """ROVER_NAV to ENU (X east, Y north, Z up, m) of the stop."""


@dataclass(frozen=True, eq=False)
class SceneStop:
    """A :class:`Stop` that nothing was measured at yet."""

    observations: tuple[Observation, ...]

    @property
    def enu_from_rover(self) -> RigidTransform:
        """Through the rover's attitude."""
        return enu_from_rover(self.observations[0])


def site_from_enu(result: Stop) -> RigidTransform | None:
    """ENU of the stop to SITE (X north, Y east, Z down, m); None where no record tells the rover's place."""
    for observation in result.observations:
        if observation.site_from_rover is not None:
            return observation.site_from_rover @ result.enu_from_rover.inverse()
    return None


def measured_by(result: Result, places_enu: ArrayLike) -> NDArray[np.uint8]:
    """(n,) uint8: how many pairs measured places (n, 3), m, ENU.

    A pair measured a place when, within a pixel of where its left camera sees it, it measured a range that differs by
    less than ``AGREE_SIGMA`` sigma from the place's.  What was filled, or comes from no pair, counts 0.
    """
    places = np.asarray(places_enu, dtype=np.float64).reshape(-1, 3)
    rover = result.enu_from_rover.inverse().apply(places)
    count = np.zeros(len(places), dtype=np.uint8)
    for measured in result.pairs:
        count += _measured(measured, rover)
    return count


def _measured(measured: MeasuredPair, rover: Float) -> NDArray[np.bool_]:
    """(n,) whether the pair measured places (n, 3), m, ROVER_NAV."""
    camera, xyz = measured.pair.left.camera, measured.xyz
    out = np.zeros(len(rover), dtype=np.bool_)
    offset = rover - camera.C
    ahead = np.flatnonzero(offset @ camera.A > 0.0)
    pixels = camera.project(rover[ahead])
    seen = inside(camera, pixels)
    at, pixel = ahead[seen], np.rint(pixels[seen]).astype(np.intp)
    column, row = pixel[:, 0], pixel[:, 1]
    range_m = np.linalg.norm(offset[at], axis=1)
    near, far = np.full(len(at), np.inf), np.full(len(at), -np.inf)
    # Between two neighbours that agree with each other any range is measured: slanted ground lies in between.
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            there = np.clip(row + down, 0, camera.height - 1), np.clip(column + right, 0, camera.width - 1)
            tolerance = AGREE_SIGMA * xyz.sigma_range_m[there]
            near = np.fmin(near, xyz.range_m[there] - tolerance)
            far = np.fmax(far, xyz.range_m[there] + tolerance)
    out[at] = (range_m >= near) & (range_m <= far)
    return out


def frame_showing(result: Result, surface: Surface, place_enu: ArrayLike) -> FramePlace | None:
    """The frame that shows a place (3,), m, ENU, best: nearest to the middle of its picture, nothing in front of it.

    A left frame comes before a right one: what it shows was measured pixel by pixel.  ``surface`` is the ground of the
    result.  None where no frame shows the place.
    """
    place = np.asarray(place_enu, dtype=np.float64)
    rover = result.enu_from_rover.inverse().apply(place)
    masks = {m.pair.left.product_id: m.xyz.reason for m in result.pairs}
    found: list[tuple[bool, float, FramePlace]] = []
    for index, frame in enumerate(result.observations):
        camera = frame.camera
        if not float((rover - camera.C) @ camera.A) > 0.0:
            continue
        pixel = camera.project(rover)
        if not inside(camera, pixel) or _on_rover(masks.get(frame.product_id), pixel):
            continue
        half = 0.5 * np.array([camera.width - 1, camera.height - 1])
        off = float(np.linalg.norm((pixel - half) / half))
        shown = FramePlace(index, frame.product_id, (float(pixel[0]), float(pixel[1])))
        found.append((frame.eye is not Eye.LEFT, off, shown))
    for _, _, best in sorted(found, key=lambda f: f[:2]):
        if in_view(result, surface, result.observations[best.index], place):
            return best
    return None


def in_view(result: Result, surface: Surface, frame: Observation, place_enu: Float) -> bool:
    """Whether no ground stands between the camera of ``frame`` and a place (3,), m, ENU."""
    eye = result.enu_from_rover.apply(frame.camera.C)
    away = place_enu - eye
    distance = float(np.linalg.norm(away))
    nearness = float(surface.nearness(eye[None], away[None] / distance)[0])
    return nearness * distance * (1.0 - _BEHIND_SHARE) <= 1.0


def _on_rover(reason: NDArray[np.uint16] | None, pixel: Float) -> bool:
    column, row = np.rint(pixel).astype(int)
    return reason is not None and bool(reason[row, column] & np.uint16(Reason.ROVER))
