"""What is left between pairs that see the same ground: measured over their overlaps, in millimetres by range."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import Float
from stereo3d.terrain.fuse import FusedMap
from stereo3d.terrain.resample import Layer

RANGES_M = (0.0, 5.0, 10.0, 20.0, 40.0)
"""Where one class of ranges ends and the next begins."""
NEAR_M = 10.0
"""The rigid motion between two pairs is taken from ground nearer than this."""
_LEAST = 200
_SAMPLE = 100_000


@dataclass(frozen=True)
class RangeMisfit:
    """The distance between two surfaces, across them, in one class of ranges."""

    from_m: float
    to_m: float
    places: int
    median_mm: float
    """Signed: positive where the second surface lies nearer to the eye."""
    spread_mm: float
    """1.4826 times the median distance from the median: one sigma of a normal distribution."""
    expected_mm: float
    """The median of what the sigmas of the two maps make likely for one place, across the surface."""


@dataclass(frozen=True)
class OverlapMisfit:
    """How two pairs fit each other where both measured the same ground."""

    first: int
    second: int
    """Numbers of the two views."""
    ranges: tuple[RangeMisfit, ...]
    turn_deg: tuple[float, float, float] | None
    """The rotation vector (axes of ENU, about the centre of the grid) that would lay the near ground of the second onto
    that of the first, point to plane; None where too little near ground is shared."""
    shift_mm: tuple[float, float, float] | None
    """And the translation with it, in ENU."""
    after_mm: float | None
    """Spread of the near ground, across it, after that motion; to be compared with that before."""
    before_mm: float | None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "ranges": [
                {
                    "from_m": r.from_m,
                    "to_m": r.to_m,
                    "places": r.places,
                    "median_mm": round(r.median_mm, 2),
                    "spread_mm": round(r.spread_mm, 2),
                    "expected_mm": round(r.expected_mm, 2),
                }
                for r in self.ranges
            ],
            "turn_deg": None if self.turn_deg is None else [round(v, 5) for v in self.turn_deg],
            "shift_mm": None if self.shift_mm is None else [round(v, 2) for v in self.shift_mm],
            "before_mm": None if self.before_mm is None else round(self.before_mm, 2),
            "after_mm": None if self.after_mm is None else round(self.after_mm, 2),
        }


def misfits(fused: FusedMap) -> tuple[OverlapMisfit, ...]:
    """How each two views fit that share at least 200 places; nothing is corrected."""
    normals = surface_normals(fused.xyz.xyz)
    out = []
    for first, one in enumerate(fused.layers):
        for second, other in enumerate(fused.layers[first + 1 :], start=first + 1):
            if one is not None and other is not None:
                found = _misfit(fused, normals, first, one, second, other)
                if found is not None:
                    out.append(found)
    return tuple(out)


def surface_normals(xyz: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, columns, 3) float32, unit: across the plane through a pixel's neighbours, two to each side; NaN at rims.

    ``xyz`` (rows, columns, 3), m.
    """
    out = np.full(xyz.shape, np.nan, dtype=np.float32)
    right, down = xyz[2:-2, 4:] - xyz[2:-2, :-4], xyz[4:, 2:-2] - xyz[:-4, 2:-2]
    across = np.cross(down, right)
    with np.errstate(invalid="ignore", divide="ignore"):
        out[2:-2, 2:-2] = across / np.linalg.norm(across, axis=-1, keepdims=True)
    return out


def _misfit(
    fused: FusedMap, normals: NDArray[np.float32], first: int, one: Layer, second: int, other: Layer
) -> OverlapMisfit | None:
    shape = fused.xyz.reason.shape
    maps = np.full((2, *shape, 2), np.nan, dtype=np.float32)
    maps[0][one.part()] = one.values[..., :2]
    maps[1][other.part()] = other.values[..., :2]
    common = np.isfinite(maps[0, ..., 0]) & np.isfinite(maps[1, ..., 0]) & np.isfinite(normals[..., 0])
    places = np.flatnonzero(common)
    if len(places) < _LEAST:
        return None
    places = places[:: max(1, len(places) // _SAMPLE)]
    rho, sigma = np.moveaxis(maps.reshape(2, -1, 2)[:, places].astype(np.float64), -1, 0)
    offsets = fused.xyz.xyz.reshape(-1, 3)[places] - fused.grid.centre
    fused_range = np.linalg.norm(offsets, axis=1)
    directions, normal = offsets / fused_range[:, None], normals.reshape(-1, 3)[places].astype(np.float64)
    facing = np.abs(np.einsum("ij,ij->i", directions, normal))
    range_m = 1.0 / rho
    off = (range_m[0] - range_m[1]) * facing
    likely = np.hypot(*(sigma * range_m**2)) * facing

    ranges = []
    for low, high in pairwise(RANGES_M):
        here = (fused_range >= low) & (fused_range < high)
        if here.sum() >= _LEAST:
            mm, expected = 1e3 * off[here], 1e3 * float(np.median(likely[here]))
            ranges.append(RangeMisfit(low, high, int(here.sum()), float(np.median(mm)), _spread(mm), expected))
    near = fused_range < NEAR_M
    turn = shift = after = before = None
    if near.sum() >= _LEAST:
        outward = normal[near] * -np.sign(np.einsum("ij,ij->i", directions[near], normal[near]))[:, None]
        points = directions[near] * range_m[1][near, None]
        motion, left = _point_to_plane(points, outward, off[near])
        turn = _three(np.degrees(motion[:3]))
        shift = _three(1e3 * motion[3:])
        after, before = _spread(1e3 * left), _spread(1e3 * off[near])
    return OverlapMisfit(first, second, tuple(ranges), turn, shift, after, before)


def _point_to_plane(points: Float, normals: Float, off: Float) -> tuple[Float, Float]:
    """The small motion (rotation vector, rad; translation) of ``points`` (n, 3) by which they lose ``off`` (n,) along
    ``normals`` (n, 3), and what is left (n,): Chen & Medioni 1992, weighted down beyond two spreads (Huber)."""
    design = np.concatenate([np.cross(points, normals), normals], axis=1)
    motion = np.zeros(6)
    for _ in range(8):
        left = off + design @ motion
        scale = 2.0 * max(_spread(left), 1e-9)
        weight = np.sqrt(np.minimum(1.0, scale / np.maximum(np.abs(left), 1e-12)))
        motion = np.linalg.lstsq(design * weight[:, None], -off * weight, rcond=None)[0]
    return motion, off + design @ motion


def _spread(values: Float) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _three(values: Float) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
