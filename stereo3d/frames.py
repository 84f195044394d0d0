"""Coordinate frames, and rigid transforms that know which frames they join.

Conventions: a transform is named ``to_from_source``, so that ``site_from_rover @ rover_from_camera`` reads well
and a mismatch is refused.  Lengths are metres; quaternions are (w, x, y, z), scalar first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.errors import FrameMismatchError

Float = NDArray[np.float64]


def locked(array: ArrayLike, dtype: type = np.float64) -> NDArray[Any]:
    """A C-ordered read-only array: ``array`` itself seen read-only where it has the dtype, else a copy.

    Large arrays are handed over, not copied: who gives one away must not write to it any more.
    """
    out: NDArray[Any] = np.ascontiguousarray(np.asarray(array, dtype=dtype))
    if out.flags.writeable:
        if out is array or np.shares_memory(out, np.asarray(array)):
            out = out.view()
        out.flags.writeable = False
    return out


@dataclass(frozen=True)
class Frame:
    """A coordinate frame: its kind, and the numbers that tell two frames of one kind apart.

    ``ROVER_NAV`` (X forward, Y right, Z down, origin on the ground between the middle wheels) is another frame at
    every stop of the rover, so it carries (site, drive).
    """

    kind: str
    number: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.kind + (f"({', '.join(map(str, self.number))})" if self.number else "")

    @staticmethod
    def rover(site: int, drive: int) -> Frame:
        """ROVER_NAV at one stop: X forward, Y right, Z down (m)."""
        return Frame("ROVER_NAV", (site, drive))

    @staticmethod
    def site(site: int) -> Frame:
        """SITE: X north, Y east, Z down (m), origin where the site index was declared."""
        return Frame("SITE", (site,))

    @staticmethod
    def local_level(site: int, drive: int) -> Frame:
        """LOCAL_LEVEL: X north, Y east, Z down (m), origin of the ROVER_NAV frame of that stop."""
        return Frame("LOCAL_LEVEL", (site, drive))

    @staticmethod
    def enu(site: int, drive: int) -> Frame:
        """ENU: X east, Y north, Z up (m), origin of the ROVER_NAV frame of that stop; used for export."""
        return Frame("ENU", (site, drive))


ENU_FROM_NED = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
"""Rotation from (north, east, down) to (east, north, up); it is its own inverse."""


@dataclass(frozen=True, eq=False)
class RigidTransform:
    """``x_to = rotation @ x_source + translation``.  Refuses to join frames that do not match."""

    to: Frame
    source: Frame
    rotation: Float = field(default_factory=lambda: np.eye(3))
    """(3, 3) float64, orthonormal, determinant +1."""
    translation: Float = field(default_factory=lambda: np.zeros(3))
    """(3,) float64, m, in ``to``."""

    def __post_init__(self) -> None:
        rotation, translation = locked(self.rotation), locked(self.translation)
        if rotation.shape != (3, 3) or translation.shape != (3,):
            raise ValueError(f"rotation must be (3, 3) and translation (3,), got {rotation.shape}, {translation.shape}")
        if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-9) or np.linalg.det(rotation) < 0:
            raise ValueError("rotation is not a proper orthonormal matrix")
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "translation", translation)

    @staticmethod
    def from_quaternion(
        to: Frame, source: Frame, quaternion_wxyz: ArrayLike, translation: ArrayLike = (0.0, 0.0, 0.0)
    ) -> RigidTransform:
        """From a quaternion (w, x, y, z); it is normalised, as labels round it to six digits.

        Raises ValueError when the quaternion is not finite or its norm is further than 1 % from one.
        """
        q = np.asarray(quaternion_wxyz, dtype=np.float64)
        norm = float(np.linalg.norm(q))
        if q.shape != (4,) or not np.isfinite(norm) or abs(norm - 1.0) > 0.01:
            raise ValueError(f"not a unit quaternion (w, x, y, z): {tuple(q.ravel().tolist())}")
        w, x, y, z = q / norm
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
        return RigidTransform(to, source, rotation, np.asarray(translation, dtype=np.float64))

    def __matmul__(self, other: RigidTransform) -> RigidTransform:
        if self.source != other.to:
            raise FrameMismatchError(
                f"cannot join a transform from {self.source} with one to {other.to}", expected="the same frame twice"
            )
        return RigidTransform(
            self.to, other.source, self.rotation @ other.rotation, self.rotation @ other.translation + self.translation
        )

    @property
    def quaternion(self) -> Float:
        """(4,) unit (w, x, y, z) with w >= 0 of the rotation."""
        r = self.rotation
        # The largest of the four first: its square root is far from zero (Shepperd 1978).
        squares = np.array([1.0 + np.trace(r), *(1.0 - np.trace(r) + 2.0 * np.diag(r))]) / 4.0
        products = np.empty((4, 4))
        products[np.diag_indices(4)] = squares
        for a, b, value in (
            (0, 1, r[2, 1] - r[1, 2]),
            (0, 2, r[0, 2] - r[2, 0]),
            (0, 3, r[1, 0] - r[0, 1]),
            (1, 2, r[0, 1] + r[1, 0]),
            (1, 3, r[0, 2] + r[2, 0]),
            (2, 3, r[1, 2] + r[2, 1]),
        ):
            products[a, b] = products[b, a] = value / 4.0
        row = products[int(np.argmax(squares))]
        q = row / np.linalg.norm(row)
        return np.asarray(q if q[0] >= 0 else -q)

    def inverse(self) -> RigidTransform:
        """The transform in the other direction."""
        return RigidTransform(self.source, self.to, self.rotation.T, -self.rotation.T @ self.translation)

    def apply(self, points: ArrayLike) -> Float:
        """Points (..., 3) in ``source``, m, to the same shape in ``to``; NaN stays NaN."""
        return np.asarray(points, dtype=np.float64) @ self.rotation.T + self.translation

    def rotate(self, vectors: ArrayLike) -> Float:
        """Directions (..., 3) in ``source`` to the same shape in ``to`` (no translation)."""
        return np.asarray(vectors, dtype=np.float64) @ self.rotation.T
