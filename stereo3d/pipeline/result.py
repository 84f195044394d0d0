"""What pictures, exports and maps take of measured ground, be it of one pair or of all pairs of a stop."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import RigidTransform
from stereo3d.observation import Observation
from stereo3d.pipeline.pair import MeasuredPair
from stereo3d.pointing import Pointing
from stereo3d.terrain.texture import TexturedMesh


class Result(Protocol):
    """Textured ground, and what it was measured from."""

    @property
    def name(self) -> str:
        """For titles and captions."""

    @property
    def terrain(self) -> TexturedMesh:
        """In the ENU frame of the stop (X east, Y north, Z up, m; origin of ROVER_NAV)."""

    @property
    def pairs(self) -> tuple[MeasuredPair, ...]:
        """At least one; a view "from the camera" is that of the first one's left camera."""

    @property
    def observations(self) -> tuple[Observation, ...]:
        """All frames, with their cameras as they were used."""

    @property
    def enu_from_rover(self) -> RigidTransform:
        """ROVER_NAV to the frame of the terrain."""

    @property
    def eye_enu(self) -> NDArray[np.float64]:
        """(3,) m: where the ground was measured from, which ranges are counted from."""

    @property
    def pointing(self) -> Pointing | None:
        """The refined pointing of the frames; None where it is the records' own, as of a single pair."""

    @property
    def report_values(self) -> dict[str, Any]:
        """What was done and how good it is, as plain values for a JSON file: inputs, simulated, notes, ..."""
