"""The values that stereo passes on: rectified pair, disparity, XYZ; and the reasons for missing pixels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CAHV
from stereo3d.frames import Frame, locked


class Reason(IntFlag):
    """Why a pixel has no XYZ; several may hold at once.  Zero for a measured pixel."""

    SKY = 1
    VIGNETTE = 2
    ROVER = 4
    OUTSIDE_OVERLAP = 8
    LOW_TEXTURE = 16
    LEFT_RIGHT = 32
    SPECKLE = 64
    BEYOND_RANGE = 128
    NO_MATCH = 256
    MISS_DISTANCE = 512
    SATURATED = 1024
    NOT_CONVERGED = 2048


REASON_TEXT: dict[Reason, str] = {
    Reason.SKY: "sky",
    Reason.VIGNETTE: "dark corner of the lens, or no data there",
    Reason.ROVER: "the rover's own body",
    Reason.OUTSIDE_OVERLAP: "seen by one eye only",
    Reason.LOW_TEXTURE: "too little texture to match",
    Reason.LEFT_RIGHT: "left and right do not agree (hidden from one eye, or a false match)",
    Reason.SPECKLE: "a small island unlike its surroundings",
    Reason.BEYOND_RANGE: "too far for the baseline to measure",
    Reason.NO_MATCH: "no match found in the search range",
    Reason.MISS_DISTANCE: "the two rays do not meet",
    Reason.SATURATED: "too bright: the picture is clipped there",
    Reason.NOT_CONVERGED: "the sub-pixel match wanders away from the whole-pixel one",
}


def flag(reason: NDArray[np.uint16], where: NDArray[np.bool_], why: Reason) -> None:
    """Set ``why`` in ``reason`` (rows, columns) ``where`` it holds, in place."""
    reason[where] |= np.uint16(why)


@dataclass(frozen=True, eq=False)
class RectifiedPair:
    """Both eyes resampled to row-aligned linear cameras: a point lies in the same row of both.

    Both cameras have one focal length and orientation; column difference x_left - x_right = disparity >= 0.
    """

    left: NDArray[np.float32]
    """(rows, columns) float32, luminance in DN of the raw image."""
    right: NDArray[np.float32]
    """(rows, right columns) float32; the columns may differ from the left's, the rows may not."""
    left_valid: NDArray[np.bool_]
    """(rows, columns): inside the left frame and not masked."""
    right_valid: NDArray[np.bool_]
    """(rows, right columns)."""
    left_camera: CAHV
    right_camera: CAHV

    def __post_init__(self) -> None:
        for name in ("left", "right"):
            image, valid = getattr(self, name), getattr(self, f"{name}_valid")
            camera = getattr(self, f"{name}_camera")
            if image.shape != valid.shape or image.shape != (camera.height, camera.width):
                raise ValueError(f"{name}: image, mask and camera differ in size")
            object.__setattr__(self, name, locked(image, np.float32))
            object.__setattr__(self, f"{name}_valid", locked(valid, np.bool_))
        if self.left.shape[0] != self.right.shape[0]:
            raise ValueError("the two images must have the same rows")


@dataclass(frozen=True, eq=False)
class Disparity:
    """Disparity of the rectified left image."""

    values: NDArray[np.float32]
    """(rows, columns) float32, px, x_left - x_right, each column counted from its camera's axis; NaN = none."""
    reason: NDArray[np.uint16]
    """(rows, columns) uint16, flags of :class:`Reason`; 0 where there is a value."""

    def __post_init__(self) -> None:
        if self.values.shape != self.reason.shape or self.values.ndim != 2:
            raise ValueError("values and reason must be (rows, columns) of one shape")
        object.__setattr__(self, "values", locked(self.values, np.float32))
        object.__setattr__(self, "reason", locked(self.reason, np.uint16))


@dataclass(frozen=True, eq=False)
class Matches:
    """Where the right eye sees what each pixel of the left raw image sees."""

    right: NDArray[np.float32]
    """(rows, columns, 2) float32, pixel (column, row) of the right raw image; NaN = none."""
    disparity_px: NDArray[np.float32]
    """(rows, columns) float32, px of the rectified images, counted as in :class:`Disparity`; NaN = none."""
    sigma_px: NDArray[np.float32]
    """(rows, columns) float32, one sigma of ``disparity_px``; NaN = none."""
    reason: NDArray[np.uint16]
    """(rows, columns) uint16, flags of :class:`Reason`; 0 where there is a match."""

    def __post_init__(self) -> None:
        shape = self.reason.shape
        if (
            len(shape) != 2
            or self.right.shape != (*shape, 2)
            or not self.disparity_px.shape == self.sigma_px.shape == shape
        ):
            raise ValueError("all arrays must have one (rows, columns)")
        for name in ("right", "disparity_px", "sigma_px"):
            object.__setattr__(self, name, locked(getattr(self, name), np.float32))
        object.__setattr__(self, "reason", locked(self.reason, np.uint16))


@dataclass(frozen=True, eq=False)
class XyzMap:
    """Measured ground in the pixel grid of the left raw image."""

    frame: Frame
    """ROVER_NAV of the stop."""
    xyz: NDArray[np.float32]
    """(rows, columns, 3) float32, m, in ``frame``; NaN = none."""
    range_m: NDArray[np.float32]
    """(rows, columns) float32, m from the left camera; NaN = none."""
    sigma_range_m: NDArray[np.float32]
    """(rows, columns) float32, m, one sigma along the ray; NaN = none."""
    miss_m: NDArray[np.float32]
    """(rows, columns) float32, m, the gap between the two rays where they pass closest; NaN = none."""
    reason: NDArray[np.uint16]
    """(rows, columns) uint16, flags of :class:`Reason`; 0 where there is XYZ."""
    noise_range_m: NDArray[np.float32] | None = None
    """(rows, columns) float32, m: the part of ``sigma_range_m`` that differs from pixel to pixel.  The rest (the doubt
    about vergence) moves the whole picture alike and says nothing of steps between neighbours.  None: all of it."""
    contrast: NDArray[np.float32] | None = None
    """(rows, columns) float32: the picture's contrast about the pixel over what is usual in it; NaN = none.  Where it
    is low, matches are noisy for want of light or texture and not for a step.  None: not known, as good as 1."""

    def __post_init__(self) -> None:
        shape = self.reason.shape
        names = ["range_m", "sigma_range_m", "miss_m"]
        names += [name for name in ("noise_range_m", "contrast") if getattr(self, name) is not None]
        if self.xyz.shape != (*shape, 3) or any(getattr(self, n).shape != shape for n in names):
            raise ValueError("all arrays must have one (rows, columns)")
        for name in ("xyz", *names):
            object.__setattr__(self, name, locked(getattr(self, name), np.float32))
        object.__setattr__(self, "reason", locked(self.reason, np.uint16))

    @property
    def measured(self) -> NDArray[np.bool_]:
        """(rows, columns): where there is XYZ."""
        out: NDArray[np.bool_] = self.reason == 0
        return out
