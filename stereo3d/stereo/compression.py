"""What JPEG has done to a pair, told from the pictures alone: most reach the public compressed on board, whatever file
they are delivered in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stereo3d.image import Image
from stereo3d.observation import StereoPair

F32 = NDArray[np.float32]

_BLOCK = 8
_MOST_PIXELS = 1 << 20
_NONE, _FULL = 0.05, 0.40
"""Blocking of pictures that were never compressed (0.00 to 0.02), and of those at about quality 85."""


def damage(pair: StereoPair) -> float:
    """0 for a pair that shows no blocks of JPEG's, rising to 1 at about quality 85 and staying there below it."""
    seen = float(np.mean([blocking(eye.image) for eye in (pair.left, pair.right)]))
    return float(np.clip((seen - _NONE) / (_FULL - _NONE), 0.0, 1.0))


def blocking(image: Image) -> float:
    """By what share steps between blocks of 8 x 8 pixels are larger than other steps between neighbours; 0 = none.

    The mean over both directions, at whatever phase the blocks lie.  About 0.2 at quality 92, 0.6 at quality 80.
    """
    return float(np.mean([_along(lines) for lines in (image.luminance, image.luminance.T)]))


def _along(lines: F32) -> float:
    lines = lines[:: max(1, lines.size // _MOST_PIXELS)]
    if lines.shape[1] < 8 * _BLOCK:
        return 0.0
    # The third difference is blind to slopes and curves; the step that it tells lies in its middle.
    step = np.abs(lines[:, :-3] - 3.0 * lines[:, 1:-2] + 3.0 * lines[:, 2:-1] - lines[:, 3:])
    # A few strong edges must not decide.
    step = np.minimum(step, 3.0 * step.mean()).mean(axis=0)
    phases = step[: len(step) // _BLOCK * _BLOCK].reshape(-1, _BLOCK).mean(axis=0)
    usual = float(np.median(phases))
    return float(phases.max()) / usual - 1.0 if usual > 0 else 0.0
