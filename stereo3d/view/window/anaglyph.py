"""Red-cyan pictures: the views of two eyes side by side, one in red, the other in green and blue.  Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stereo3d.view.viewpoint import Viewpoint

PERSON_EYES_M = 0.065
"""Distance between a person's eyes."""

EYE_BASES_M = (0.016, 0.032, 0.065, 0.13, 0.21, 0.4244, 0.85, 1.7, 3.4, 6.8)
"""To choose from: a person's eyes and the rover's two cameras are among them."""


@dataclass(frozen=True, eq=False)
class Eyes:
    """The view of one eye, which looks straight ahead through a frame that lies aside."""

    view: Viewpoint
    shift: float = 0.0
    """How far the middle of the frame lies to the right of straight ahead, in halves of the picture's height."""
    centre: Viewpoint | None = None
    """The view between the eyes, if it is another."""

    @property
    def middle(self) -> Viewpoint:
        """The view between the eyes."""
        return self.centre or self.view


def eyes_of(view: Viewpoint, focus_m: float, base_m: float) -> tuple[Eyes, Eyes]:
    """The left and the right eye, ``base_m`` apart; what lies ``focus_m`` ahead has the same place in both pictures.

    The eyes look in parallel and the frames are shifted: turned eyes would give vertical differences.
    """
    shift = 0.5 * base_m / max(focus_m, 1e-6) / view.half_height
    left, right = (
        Eyes(replace(view, eye=view.eye + side * 0.5 * base_m * view.right), -side * shift, view)
        for side in (-1.0, 1.0)
    )
    return left, right


def red_cyan(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(height, width, 3): the left eye's brightness in red, the right eye's in green and blue."""
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    grey = [np.asarray(eye @ weights + np.float32(0.5), dtype=np.uint8) for eye in (left, right)]
    return np.stack([grey[0], grey[1], grey[1]], axis=-1)


def told_scale(base_m: float) -> str:
    """What an eye base does to the eye's sense of size."""
    ratio = base_m / PERSON_EYES_M
    if 0.97 < ratio < 1.03:
        return "a person's eyes: true size"
    like = f"1 : {ratio:.2g}" if ratio > 1 else f"{1 / ratio:.2g} : 1"
    return f"looks like a model {like}" + (" (the rover's two cameras)" if abs(base_m - 0.4244) < 1e-6 else "")


def next_base(base_m: float, steps: int) -> float:
    """The base ``steps`` further on in :data:`EYE_BASES_M`, which ends at both ends."""
    nearest = int(np.argmin([abs(np.log(b / base_m)) for b in EYE_BASES_M]))
    return EYE_BASES_M[int(np.clip(nearest + steps, 0, len(EYE_BASES_M) - 1))]
