"""Ground that two stops of the rover both measured: samples of the one, looked up on the other along the vertical."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import Float, RigidTransform, locked
from stereo3d.terrain.mesh import FaceKind, TerrainMesh
from stereo3d.terrain.surface import Surface

REACH_M = 25.0
"""Ground is compared that lies nearer than this to both eyes: beyond, sigma grows and errors go together."""
BLOCK_PX = 20.0
"""Errors of places in one square of this side, as the eye sees them, are taken to go together (stereo compares windows
of about so many pixels), those of two squares not."""
LEAST_PLACES, LEAST_BLOCKS = 300, 20
"""An overlap of fewer tells too little to be believed."""
_SPACING_M = 0.12
_MOST_PLACES = 8000
_LEAST_NOISE = 0.2
"""Of sigma: the share of it that differs from place to place at least."""
_FLOOR_M = 0.004
"""One sigma of what two meshes of one surface differ by because each is made of triangles."""
_TALL_M = 1.0
"""What lies further apart along the vertical is not the same surface."""
CAUCHY = 2.4
"""Residuals of so many sigma count half (Holland & Welsch 1977: 95 % efficient for normal errors)."""


@dataclass(frozen=True, eq=False)
class StopGround:
    """The ground of one stop, and where it is told to be."""

    mesh: TerrainMesh
    """In the ENU frame of its own stop (levelled by the told attitude, origin of its ROVER_NAV)."""
    eye: Float
    """(3,) m, in the frame of the mesh: where it was measured from."""
    told: RigidTransform
    """The common frame (ENU of the first stop) from that of the mesh, as telemetry has it."""
    pair: NDArray[np.int32]
    """(n,) number of the pair that measured each vertex (best, where several did)."""
    doubt: Float
    """(pairs,) 1/m: one sigma of what each pair does not know of its vergence: it errs by this times the range squared,
    and all its places alike."""
    pixel_rad: float
    """The angle of a pixel of the frames."""
    bias: float
    """1/m: one sigma of the bias of matching that all pairs of the stop share, as ``doubt`` counts."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "pair", locked(self.pair, np.int32))
        object.__setattr__(self, "doubt", locked(self.doubt))
        if self.pair.shape != (len(self.mesh.vertices),):
            raise ValueError("pair must be (n,), one for each vertex")

    @cached_property
    def sight(self) -> Float:
        """(n, 3) m: from the eye to each vertex."""
        return np.asarray(self.mesh.vertices - self.eye, dtype=np.float64)

    @cached_property
    def noise_m(self) -> Float:
        """(n,) m: one sigma of the range without the doubt about vergence."""
        sigma = self.mesh.sigma_m.astype(np.float64)
        common = self.doubt[self.pair] * np.sum(self.sight**2, axis=1)
        return np.asarray(np.sqrt(np.maximum(sigma**2 - common**2, (_LEAST_NOISE * sigma) ** 2)), dtype=np.float64)


class Places(NamedTuple):
    """Samples of one ground that may lie on another; (n, ...) each, in the frame of their own mesh."""

    points: Float
    noise_m: Float
    """Of the range."""
    sight: Float
    """(n, 3) m, from the eye."""
    pair: NDArray[np.int32]
    block: NDArray[np.intp]
    """Number of the square that a place lies in."""

    def every(self, step: int) -> Places:
        """One of ``step`` places."""
        return Places(
            self.points[::step], self.noise_m[::step], self.sight[::step], self.pair[::step], self.block[::step]
        )


class Pairing(NamedTuple):
    """Places of one ground and where the vertical through each meets the other; m rows, frames as told."""

    chosen: NDArray[np.intp]
    """Which places found ground."""
    on: Float
    """(m, 3) the point on the other ground, in its own frame."""
    normal: Float
    """(m, 3) unit, of the other ground there, in its own frame."""
    off_m: Float
    """(m,) signed distance of the place from the other ground, across it."""
    noise_m: Float
    """(m,) what the noise of both makes likely for it."""
    bend: Float
    """(m, 2) m2: what a doubt of one about vergence moves this distance by: of the pair of the own ground, and of that
    of the places."""
    own_pair: NDArray[np.int32]
    """(m,) the pair that measured the own ground there."""


class Comparer:
    """A ground that others are compared with."""

    def __init__(self, ground: StopGround) -> None:
        self.ground = ground
        self.surface = Surface(ground.mesh)

    def pair(self, places: Places, own_from_other: RigidTransform) -> Pairing:
        """Look up ``places`` (of another stop) on this ground where ``own_from_other`` puts them."""
        mesh = self.ground.mesh
        points = own_from_other.apply(places.points)
        above = points + np.array([0.0, 0.0, _TALL_M])
        hits = self.surface.hits(above, np.broadcast_to([0.0, 0.0, -1.0], above.shape))
        on = self.surface.interpolate(hits, mesh.vertices).astype(np.float64)
        normal = self.surface.interpolate(hits, mesh.normals).astype(np.float64)
        noise = self.surface.interpolate(hits, self.ground.noise_m)
        chosen = np.flatnonzero((hits.face >= 0) & (np.abs(points[:, 2] - on[:, 2]) < _TALL_M))
        on, normal, points = on[chosen], normal[chosen], points[chosen]
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        corner = mesh.faces[hits.face[chosen], np.argmax(hits.weights[chosen], axis=1)]
        sights = on - self.ground.eye, own_from_other.rotate(places.sight[chosen])
        ranges = [np.linalg.norm(sight, axis=1) for sight in sights]
        along = [np.einsum("ij,ij->i", sight, normal) / r for sight, r in zip(sights, ranges, strict=True)]
        off = np.einsum("ij,ij->i", points - on, normal)
        square = (noise[chosen] * along[0]) ** 2 + (places.noise_m[chosen] * along[1]) ** 2 + _FLOOR_M**2
        bend = np.stack([-along[0] * ranges[0] ** 2, along[1] * ranges[1] ** 2], axis=1)
        return Pairing(chosen, on, normal, off, np.sqrt(square), bend, self.ground.pair[corner])


def shared_places(one: StopGround, other: StopGround, slack_m: float) -> Places | None:
    """Measured vertices of ``other``, evenly thinned, that ``one`` may have measured too if both lie within ``slack_m``
    of where they are told to; None where there are too few to compare."""
    mesh = other.mesh
    measured = np.zeros(len(mesh.vertices), dtype=np.bool_)
    measured[mesh.faces[mesh.kind == FaceKind.MEASURED].ravel()] = True
    one_from_other = one.told.inverse() @ other.told
    there = one_from_other.apply(mesh.vertices)
    near = measured & (np.linalg.norm(mesh.vertices - other.eye, axis=1) < REACH_M)
    near &= np.linalg.norm(there - one.eye, axis=1) < REACH_M
    low, high = one.mesh.vertices.min(axis=0) - slack_m, one.mesh.vertices.max(axis=0) + slack_m
    near &= ((there >= low) & (there <= high))[:, :2].all(axis=1)
    index = np.flatnonzero(near)
    cells = np.floor(mesh.vertices[index, :2] / _SPACING_M).astype(np.int64)
    # The best measured vertex of each cell.
    order = np.argsort(mesh.sigma_m[index], kind="stable")
    _, first = np.unique(cells[order], axis=0, return_index=True)
    index = index[order[np.sort(first)]]
    if len(index) < LEAST_PLACES:
        return None
    if len(index) > _MOST_PLACES:
        index = np.random.default_rng(0).choice(index, _MOST_PLACES, replace=False)
    points = mesh.vertices[index]
    east, north, up = other.sight[index].T
    angles = np.stack([np.arctan2(east, north), np.arctan2(up, np.hypot(east, north))], axis=1)
    squares = np.floor(angles / (BLOCK_PX * other.pixel_rad)).astype(np.int64)
    block = np.unique(squares, axis=0, return_inverse=True)[1].reshape(-1)
    return Places(points, other.noise_m[index], other.sight[index], other.pair[index], block)


def robust_cost(e: Float) -> Float:
    """Cauchy's cost of residuals in sigmas; half the square for small ones."""
    return 0.5 * CAUCHY**2 * np.log1p((e / CAUCHY) ** 2)


def spread(values: Float) -> float:
    """1.4826 times the median distance from zero: one sigma of normal errors without bias."""
    return 1.4826 * float(np.median(np.abs(values))) if len(values) else float("nan")
