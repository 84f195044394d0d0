"""Frames of a camera whose flat field is known, made once."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.observation import Observation
from stereo3d.radiometry.cells import Cells, cells_of
from stereo3d.simulate.flat_frames import SIZE, flat_frames, known_flat


@pytest.fixture(scope="session")
def flat() -> np.ndarray:
    """The true transmission, (rows, columns), with a fixed pattern of 4 %."""
    return known_flat(1, 0.04)


@pytest.fixture(scope="session")
def frames(flat: np.ndarray) -> list[Observation]:
    """30 frames."""
    return flat_frames(30, 4, flat)


@pytest.fixture(scope="session")
def cells(frames: list[Observation]) -> list[Cells]:
    """The cells of the frames."""
    return [cells_of(frame, SIZE) for frame in frames]
