"""The rover's own body: a volume in its own frame, seen by rays and filled by points."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.camera.published import calib_file
from stereo3d.frames import locked

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Volume:
    """A union of axis-aligned boxes in ROVER_NAV."""

    low: Float
    """(boxes, 3) float64, m."""
    high: Float
    """(boxes, 3) float64, m."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", locked(self.low))
        object.__setattr__(self, "high", locked(self.high))
        if self.low.shape != self.high.shape or self.low.shape[1:] != (3,) or not (self.low < self.high).all():
            raise ValueError("low and high must be (boxes, 3) with low < high")

    def holds(self, points: ArrayLike) -> Bool:
        """Which points (..., 3), m, lie inside: (...) bool; NaN does not."""
        p = np.asarray(points, dtype=np.float64)
        out = np.zeros(p.shape[:-1], dtype=bool)
        for low, high in zip(self.low, self.high, strict=True):
            out |= ((p >= low) & (p <= high)).all(axis=-1)
        return out

    def hit(self, origins: ArrayLike, directions: ArrayLike) -> Bool:
        """Which rays, origins and directions (..., 3), meet the volume: (...) bool.  The slab method."""
        o, d = np.asarray(origins, dtype=np.float64), np.asarray(directions, dtype=np.float64)
        out = np.zeros(d.shape[:-1], dtype=bool)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1.0 / d
            for low, high in zip(self.low, self.high, strict=True):
                a, b = (low - o) * inverse, (high - o) * inverse
                near = np.minimum(a, b).max(axis=-1)
                far = np.maximum(a, b).min(axis=-1)
                out |= far >= np.maximum(near, 0.0)
        return out

    def grown(self, by_m: float) -> Volume:
        """The volume with each box larger by ``by_m`` on all sides."""
        return Volume(self.low - by_m, self.high + by_m)


_NEAR_M = 0.3
_ABOVE_GROUND_M = 0.3


def body_in_picture(volume: Volume, xyz: NDArray[np.float32], body: Bool) -> Bool:
    """Which measured pixels (rows, columns) belong to the rover though they stand out of its published envelope.

    An arm that is not stowed, a cable, an antenna: what is within 0.3 m of the envelope, more than 0.3 m above the
    plane of the wheels, and hangs together in the picture with ``body``, the pixels known to be the rover's.
    ``xyz``: (rows, columns, 3), m, ROVER_NAV, NaN = none; ``body``: (rows, columns) bool.
    """
    with np.errstate(invalid="ignore"):
        high = xyz[..., 2] < -_ABOVE_GROUND_M
    near = np.zeros(body.shape, dtype=bool)
    near[high] = volume.grown(_NEAR_M).holds(xyz[high])
    if not (near.any() and body.any()):
        return np.zeros(body.shape, dtype=bool)
    # Two pixels wide, so that the thin dark line about a part does not cut it off.
    joined = cv2.dilate((near | body).astype(np.uint8), np.ones((5, 5), np.uint8))
    _, labels = cv2.connectedComponents(joined, connectivity=8)
    of_body = np.zeros(int(labels.max()) + 1, dtype=bool)
    of_body[np.unique(labels[body])] = True
    found: Bool = near & of_body[labels] & ~body
    return found


_CLEAR_M = 0.1
_CLEAR_SHARE = 6.0 / 1280.0
_LEAST_SHARE = 0.004


def seen_past(volume: Volume, xyz: NDArray[np.float32], body: Bool) -> Bool:
    """Which pixels (rows, columns) of ``body``, whose rays meet the envelope, show the ground that lies past it.

    The envelope is larger than the rover: some of what it hides was seen and measured by both eyes.  That is ground
    when it lies 0.1 m outside of the envelope, not higher than 0.3 m above the plane of the wheels, and hangs together
    in the picture with much that is measured; within six pixels (of 1280) of the rest of ``body`` it is not believed,
    as matching smears the edge of the rover over some pixels.  ``xyz``: (rows, columns, 3), m, ROVER_NAV, NaN = none.
    """
    measured = np.isfinite(xyz[..., 0])
    with np.errstate(invalid="ignore"):
        low = body & measured & (xyz[..., 2] >= -_ABOVE_GROUND_M)
    past = np.zeros(body.shape, dtype=bool)
    past[low] = ~volume.grown(_CLEAR_M).holds(xyz[low])
    if not past.any():
        return past
    by = max(2, round(_CLEAR_SHARE * body.shape[1]))
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    past &= cv2.dilate((body & ~past).astype(np.uint8), round_) == 0
    _, labels, stats, _ = cv2.connectedComponentsWithStats((past | measured & ~body).astype(np.uint8), connectivity=4)
    much = stats[:, cv2.CC_STAT_AREA] >= _LEAST_SHARE * body.size
    much[0] = False
    return past & much[labels]  # type: ignore[no-any-return]


@cache
def rover_volume(mission: str) -> Volume | None:
    """The published envelope of a mission's rover, with its margin; None for missions without one.

    Simulated scenes show the rover of Mars 2020.
    """
    if mission not in ("Mars 2020", "simulated"):
        return None
    data = json.loads(calib_file("m2020_rover_volume.json").read_text(encoding="utf-8"))
    margin = float(data["margin_m"])
    low = np.array([box["min"] for box in data["boxes"]]) - margin
    high = np.array([box["max"] for box in data["boxes"]]) + margin
    return Volume(low, high)
