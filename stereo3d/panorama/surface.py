"""What the rays of a panorama meet: the measured ground where there is stereo, the plane of the wheels elsewhere.

The pairs of one stop see the world from the mast, so their points are kept as one image of inverse range over azimuth
and elevation about it: noise, many pairs and holes are simple there, and the sky is zero.  As a mesh it is cast with
rays, so that the eye's circle, which is not where the frames were taken, sees what it would see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.errors import MissingLibraryError
from stereo3d.frames import RigidTransform, locked

Float = NDArray[np.float64]
F32 = NDArray[np.float32]

FAR_M = 20_000.0
"""What is further counts as infinitely far: 0.4 m between two eyes are then 0.001 degrees."""
STEP_DEG = 0.25
"""Between the cells of the range image."""
_SIGMA_SHARE = 0.05
"""A point whose range is doubtful by this share counts half as much as a sure one."""
_RAYS = 1 << 18
_CURTAIN, _CURTAIN_REACH_M = 0.06, 50.0
"""A triangle over which the distance changes by this share more than on the plane stands along the line of sight, as
near as that; noise of far ground is no jump."""


class Surface(Protocol):
    """What the rest of the panorama asks of the ground, in LOCAL_LEVEL."""

    def nearness(self, origins: ArrayLike, directions: ArrayLike) -> F32:
        """1 / distance (1/m) along rays (..., 3), unit directions, to what they first meet; 0 for infinitely far."""
        ...

    def curtain(self, origins: ArrayLike, directions: ArrayLike) -> NDArray[np.bool_]:
        """Whether such rays meet what only closes a gap, behind a rock's edge, that nobody looked into."""
        ...


@dataclass(frozen=True, eq=False)
class Plane:
    """The plane of the wheels, in LOCAL_LEVEL: through the rover's origin, square to its Z axis."""

    down: Float
    """(3,) unit, the rover's Z axis."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "down", locked(self.down))

    @staticmethod
    def of_wheels(level_from_rover: RigidTransform) -> Plane:
        """The plane below a rover of this attitude."""
        return Plane(level_from_rover.rotation[:, 2])

    def nearness(self, origins: ArrayLike, directions: ArrayLike) -> F32:
        """See :class:`Surface`; 0 too for rays that leave the plane behind them."""
        o, d = np.asarray(origins, dtype=np.float64), np.asarray(directions, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            out = (d @ self.down) / -(o @ self.down)
        return np.where(out > 1.0 / FAR_M, out, 0.0).astype(np.float32)

    def curtain(self, origins: ArrayLike, directions: ArrayLike) -> NDArray[np.bool_]:
        """See :class:`Surface`: there is none."""
        return np.zeros(np.broadcast_shapes(np.shape(origins), np.shape(directions))[:-1], dtype=bool)


@dataclass(frozen=True, eq=False)
class Samples:
    """Where rays from near the mast's axis meet the ground, or go to the sky.  LOCAL_LEVEL."""

    directions: Float
    """(n, 3) from the axis's centre, any length."""
    nearness: F32
    """(n,) 1/m; 0 for the sky."""
    weight: F32
    """(n,) above 0."""

    @staticmethod
    def of_ground(xyz: ArrayLike, sigma_m: ArrayLike, centre: ArrayLike) -> Samples:
        """Measured points (n, 3), m, with one sigma of their range (n,), m, seen from ``centre`` (3,)."""
        away = np.asarray(xyz, dtype=np.float64) - np.asarray(centre, dtype=np.float64)
        distance = np.linalg.norm(away, axis=-1)
        doubt = np.asarray(sigma_m, dtype=np.float64) / distance / _SIGMA_SHARE
        return Samples(away, (1.0 / distance).astype(np.float32), (1.0 / (1.0 + doubt * doubt)).astype(np.float32))

    @staticmethod
    def of_sky(directions: ArrayLike) -> Samples:
        """Directions (n, 3) of sky."""
        d = np.asarray(directions, dtype=np.float64)
        return Samples(d, np.zeros(len(d), np.float32), np.ones(len(d), np.float32))


def range_image(samples: Sequence[Samples], step_deg: float) -> tuple[F32, NDArray[np.bool_]]:
    """Inverse range (rows, columns), 1/m, 0 where unknown, and which cells hold samples.

    Row 0 lies at elevation +90 degrees, column 0 at north; cells are ``step_deg`` wide and hold the weighted median of
    their samples.
    """
    columns, rows = round(360.0 / step_deg), round(180.0 / step_deg)
    d = np.concatenate([s.directions for s in samples])
    value = np.concatenate([s.nearness for s in samples])
    weight = np.concatenate([s.weight for s in samples])
    azimuth = np.degrees(np.arctan2(d[:, 1], d[:, 0]))
    elevation = np.degrees(np.arctan2(-d[:, 2], np.hypot(d[:, 0], d[:, 1])))
    x = np.floor(azimuth / step_deg).astype(np.int64) % columns
    y = np.clip(np.floor((90.0 - elevation) / step_deg).astype(np.int64), 0, rows - 1)
    cell = y * columns + x
    order = np.lexsort((value, cell))
    cell, value, weight = cell[order], value[order], weight[order]
    starts = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]])) if len(cell) else np.zeros(0, np.int64)
    total = np.cumsum(weight, dtype=np.float64)
    before = np.concatenate([[0.0], total])[starts]
    ends = np.append(starts[1:], len(cell))
    half = before + 0.5 * (total[ends - 1] - before) if len(cell) else before
    middle = np.minimum(np.searchsorted(total, half), ends - 1)
    out = np.zeros(rows * columns, dtype=np.float32)
    known = np.zeros(rows * columns, dtype=bool)
    out[cell[starts]], known[cell[starts]] = value[middle], True
    return out.reshape(rows, columns), known.reshape(rows, columns)


class StarGround:
    """Ground as a star about the mast's axis, for casting rays (embree)."""

    def __init__(self, centre: ArrayLike, nearness: F32, plane: Plane) -> None:
        """``centre`` (3,), m, LOCAL_LEVEL: of the mast's axis at the height of the eyes; ``nearness`` (rows, columns),
        1/m, as of :func:`range_image`, without holes; ``plane``: roughly where the ground is.

        Raises MissingLibraryError without embree.
        """
        try:
            from embreex import rtcore_scene
            from embreex.mesh_construction import TriangleMesh
        except ImportError as error:
            raise MissingLibraryError(
                f"embreex cannot be imported: {error}", todo="install it with 'pip install embreex'"
            ) from error
        self._centre = np.asarray(centre, dtype=np.float64)
        self.nearness_image: F32 = locked(nearness, np.float32)
        # The sky needs no triangles but for its first row: rays that meet nothing go there.
        ground = np.flatnonzero((nearness > 1.0 / FAR_M).any(axis=1))
        top = max(int(ground[0]) - 2, 0) if ground.size else 0
        directions = cell_directions(*nearness.shape)[top:]
        distance = 1.0 / np.maximum(nearness[top:], 1.0 / FAR_M)
        # Embree computes in float32, finest about its origin, which is the centre.
        vertices = (directions * distance[..., None]).reshape(-1, 3).astype(np.float32)
        self._scene: Any = rtcore_scene.EmbreeScene()
        faces = _faces(*distance.shape)
        self._mesh = TriangleMesh(self._scene, vertices, faces)
        flat = plane.nearness(self._centre, directions)
        self._curtain = _jumps(faces, distance, flat)

    def nearness(self, origins: ArrayLike, directions: ArrayLike) -> F32:
        """See :class:`Surface`."""
        o, d = np.asarray(origins, dtype=np.float64), np.asarray(directions, dtype=np.float64)
        o, d = np.broadcast_arrays(o, d)
        distance = self._cast((o - self._centre).reshape(-1, 3), d.reshape(-1, 3))[0].reshape(d.shape[:-1])
        # A margin: the far cells' triangles are chords of the sphere.
        return np.where(distance < 0.5 * FAR_M, 1.0 / distance, 0.0).astype(np.float32)

    def curtain(self, origins: ArrayLike, directions: ArrayLike) -> NDArray[np.bool_]:
        """See :class:`Surface`."""
        o, d = np.asarray(origins, dtype=np.float64), np.asarray(directions, dtype=np.float64)
        o, d = np.broadcast_arrays(o, d)
        met = self._cast((o - self._centre).reshape(-1, 3), d.reshape(-1, 3))[1].reshape(d.shape[:-1])
        return (met >= 0) & self._curtain[met]

    def _cast(self, origins: Float, directions: Float) -> tuple[F32, NDArray[np.int64]]:
        """Distances (n,), m, to the first hits, infinity where there is none; the triangles met (n,), or -1."""
        out, met = np.empty(len(origins), dtype=np.float32), np.empty(len(origins), dtype=np.int64)
        for start in range(0, len(origins), _RAYS):
            part = slice(start, start + _RAYS)
            o = np.ascontiguousarray(origins[part], dtype=np.float32)
            d = np.ascontiguousarray(directions[part], dtype=np.float32)
            found = self._scene.run(o, d, output=1)
            met[part] = np.asarray(found["primID"]).astype(np.int32)
            out[part] = np.where(met[part] >= 0, found["tfar"], np.inf)
        return out, met


class MeasuredGround(StarGround):
    """The ground of all pairs."""

    def __init__(self, centre: ArrayLike, samples: Sequence[Samples], plane: Plane, step_deg: float = STEP_DEG) -> None:
        """``centre``: see :class:`StarGround`.

        Holes take after what surrounds them, by its difference from ``plane``.  Raises MissingLibraryError without
        embree.
        """
        about = np.asarray(centre, dtype=np.float64)
        # Cells hold differences from the plane: those hardly change within a cell, while distances do.
        rest, known = range_image([_less(plane, about, s) for s in samples], step_deg)
        flat = plane.nearness(about, cell_directions(*rest.shape))
        measured = np.maximum(flat + _without_specks(rest, known), 0.0)
        nearness = np.maximum(flat + _filled(measured - flat, known), 0.0)
        # Above the highest ground that was measured, and above the plane's horizon, is sky.
        ground = np.flatnonzero((np.where(known, measured, flat) > 1.0 / FAR_M).any(axis=1))
        nearness[: max(int(ground[0]) - 1, 0) if ground.size else 0] = 0.0
        super().__init__(about, nearness, plane)
        self.known: NDArray[np.bool_] = locked(known, np.bool_)


def _jumps(faces: NDArray[np.int32], distance: Float, flat: F32) -> NDArray[np.bool_]:
    """(faces,): whether the distance (rows, columns), m, changes over a triangle by more than ground does, which on
    the plane would be ``flat`` (rows, columns), 1/m."""
    rise = np.log(np.where(flat > 0, distance * flat, 1.0)).ravel()[faces]
    below = (flat.ravel()[faces] > 1.0 / _CURTAIN_REACH_M).all(axis=1)
    out: NDArray[np.bool_] = below & (np.ptp(rise, axis=1) > _CURTAIN)
    return out


def _less(plane: Plane, centre: Float, samples: Samples) -> Samples:
    """The samples with the plane's nearness taken off theirs."""
    length = np.linalg.norm(samples.directions, axis=1, keepdims=True)
    flat = plane.nearness(centre, samples.directions / length)
    return Samples(samples.directions, samples.nearness - flat, samples.weight)


def cell_directions(rows: int, columns: int) -> Float:
    """(rows, columns, 3) unit, through the middles of the cells."""
    elevation = np.radians(90.0 - (np.arange(rows) + 0.5) * 180.0 / rows)[:, None]
    azimuth = np.radians((np.arange(columns) + 0.5) * 360.0 / columns)
    out = np.empty((rows, columns, 3))
    out[..., 0], out[..., 1] = np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth)
    out[..., 2] = -np.sin(elevation)
    return out


def _faces(rows: int, columns: int) -> NDArray[np.int32]:
    """Triangles of the grid, closed around; the poles stay open by a cell, where no frame looks through."""
    grid = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    right = np.roll(grid, -1, axis=1)
    a, b, c, d = grid[:-1], right[:-1], grid[1:], right[1:]
    faces = np.concatenate([np.stack([a, b, c], axis=-1), np.stack([b, d, c], axis=-1)], axis=0).reshape(-1, 3)
    return np.ascontiguousarray(faces)


def _without_specks(values: F32, known: NDArray[np.bool_]) -> F32:
    """The values with lone ones, unlike all of their neighbours, put into line by a median of 3 x 3."""
    wide = np.pad(np.where(known, values, 0.0), ((1, 1), (1, 1)), mode="edge")
    wide[:, 0], wide[:, -1] = wide[:, -2], wide[:, 1]
    smooth = cv2.medianBlur(wide.astype(np.float32), 3)[1:-1, 1:-1]
    full = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.where(full, smooth, values).astype(np.float32)


def _filled(values: F32, known: NDArray[np.bool_]) -> F32:
    """Holes filled from their surroundings, smoothly: pulled down a pyramid of known cells and pushed back up.

    Around, the image is a circle.  With nothing known anywhere the values stay zero.
    """
    columns = values.shape[1]
    wide = columns // 4
    start = np.where(known, values, 0.0).astype(np.float32)
    stack = [(_wrapped(start, wide), _wrapped(known.astype(np.float32), wide))]
    while min(stack[-1][0].shape) > 2 and not (stack[-1][1] > 0).all():
        v, w = stack[-1]
        size = (-(-v.shape[1] // 2), -(-v.shape[0] // 2))
        weight = cv2.resize(w, size, interpolation=cv2.INTER_AREA)
        total = cv2.resize(v * w, size, interpolation=cv2.INTER_AREA)
        stack.append((np.where(weight > 0, total / np.maximum(weight, 1e-12), 0.0), np.minimum(4.0 * weight, 1.0)))
    out = stack[-1][0]
    for v, w in reversed(stack[:-1]):
        coarse = cv2.resize(out.astype(np.float32), v.shape[::-1], interpolation=cv2.INTER_LINEAR)
        out = w * v + (1.0 - w) * coarse
    return np.where(known, values, out[:, wide : wide + columns]).astype(np.float32)


def _wrapped(image: F32, wide: int) -> F32:
    return np.pad(image, ((0, 0), (wide, wide)), mode="wrap")
