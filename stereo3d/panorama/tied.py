"""The ground without stereo: the plane of the wheels, bent to the points that the overlaps of the frames tell.

One eye moves as the mast turns, so what two frames see has parallax, and the refinement of the pointing finds its
distance.  On the wheels' plane the five Opportunity frames of sol 4087 miss each other by 6 to 8 px, on this ground by
a fraction of one.

The inverse range of a plane is linear in the unit direction of the ray.  Here it gets two corrections, both Gaussian
processes (Rasmussen & Williams 2006, equations 2.23 and 2.24): another plane, and a smooth relief that ends where no
points are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve

from stereo3d.panorama.surface import STEP_DEG, Plane, StarGround, cell_directions

Float = NDArray[np.float64]

LEAST_POINTS = 12
MOST_POINTS = 1500
"""More are thinned out evenly: the time grows with the cube of their number."""
_PLANE_SHARE = 0.3
"""One sigma of each component of the plane's normal, as a share of its inverse distance, which also scales these:"""
_RELIEF_SHARE, _RELIEF_RAD = 0.06, 0.17
"""One sigma of the relief, and over which angle it stays alike."""
_NOISE_SHARE = 0.01
"""Of the points: rocks, and what is left of the ties' errors."""
_CUT = 3.0
"""A point so many robust sigma off counts half as much."""
_ROUNDS = 4
_COARSE = 8
"""The relief is smooth: it is worked out at every so many cells, and interpolated."""


class TiedGround(StarGround):
    """Smooth ground through points that two frames see."""

    def __init__(self, centre: ArrayLike, points: ArrayLike, plane: Plane) -> None:
        """``centre`` (3,), m, LOCAL_LEVEL: of the mast's axis at the height of the eyes; ``points`` (n, 3), m,
        LOCAL_LEVEL.  Raises MissingLibraryError without embree.
        """
        about = np.asarray(centre, dtype=np.float64)
        away = np.asarray(points, dtype=np.float64) - about
        away = away[:: max(1, -(-len(away) // MOST_POINTS))]
        distance = np.linalg.norm(away, axis=1)
        normal = plane.down / -float(about @ plane.down)
        rows, columns = round(180.0 / STEP_DEG), round(360.0 / STEP_DEG)
        cells = cell_directions(rows, columns)
        field = _Field(away / distance[:, None], 1.0 / distance, normal)
        super().__init__(about, np.maximum(_on_cells(field, cells), 0.0).astype(np.float32), plane)


class _Field:
    """Inverse range by direction."""

    def __init__(self, directions: Float, values: Float, normal: Float) -> None:
        """``directions`` (n, 3) unit, ``values`` (n,) 1/m, ``normal`` (3,) 1/m: of the plane, at
        ``directions @ normal``."""
        self._normal, self._known = normal, directions
        scale = float(np.linalg.norm(normal))
        self._plane, self._relief = (_PLANE_SHARE * scale) ** 2, (_RELIEF_SHARE * scale) ** 2
        kernel = self._kernel(directions)
        wanted, weight = values - directions @ normal, np.ones(len(values))
        for _ in range(_ROUNDS):
            noise = (_NOISE_SHARE * scale) ** 2 / weight
            self._pull = cho_solve(cho_factor(kernel + np.diag(noise)), wanted)
            rest = wanted - kernel @ self._pull
            spread = max(1.4826 * float(np.median(np.abs(rest))), 1e-3 * scale)
            weight = 1.0 / (1.0 + (rest / (_CUT * spread)) ** 2)

    def __call__(self, directions: Float) -> Float:
        """Inverse range (n,), 1/m, negative above the horizon, along unit directions (n, 3)."""
        out: Float = directions @ self._normal + self._kernel(directions) @ self._pull
        return out

    def _kernel(self, directions: Float) -> Float:
        cosine = directions @ self._known.T
        out: Float = self._plane * cosine + self._relief * np.exp((cosine - 1.0) / _RELIEF_RAD**2)
        return out


def _on_cells(field: _Field, cells: Float) -> Float:
    """The field at directions (rows, columns, 3) of a whole sphere, (rows, columns)."""
    rows, columns = cells.shape[:2]
    at_rows = np.append(np.arange(0, rows - 1, _COARSE), rows - 1)
    coarse = np.stack([field(cells[row, ::_COARSE]) for row in at_rows])
    coarse = np.concatenate([coarse, coarse[:, :1]], axis=1)
    across = np.arange(columns) / _COARSE
    lower = across.astype(np.int64)
    wide = coarse[:, lower] + (across - lower) * (coarse[:, lower + 1] - coarse[:, lower])
    place = np.interp(np.arange(rows), at_rows, np.arange(len(at_rows)))
    upper = np.minimum(place.astype(np.int64), len(at_rows) - 2)
    out: Float = wide[upper] + (place - upper)[:, None] * (wide[upper + 1] - wide[upper])
    return out
