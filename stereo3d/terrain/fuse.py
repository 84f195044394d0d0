"""Several pairs of one stop become one surface, as it looks from the middle of their eyes.

The eyes of a mast move by some decimetres when it turns, so nearly all that they see can be seen from the point in
their middle.  There the maps of all pairs meet on one grid of directions.  In each direction the pairs that agree are
averaged, each by its sigma and by how far from the rim of its picture it looks; what does not agree is voted on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import StereoError
from stereo3d.frames import Float, RigidTransform, locked
from stereo3d.stereo.disparity import Reason, XyzMap
from stereo3d.terrain.mesh import MeshSettings
from stereo3d.terrain.resample import Layer, map_angle, resample
from stereo3d.terrain.sphere import SphereGrid, grid_about

AGREE_SIGMA = 4.0
"""Two ranges agree when they differ by less than this many sigma of the difference."""


@dataclass(frozen=True, eq=False)
class View:
    """What one pair measured, and from where."""

    xyz: XyzMap
    centre: Float
    """(3,) float64, m: the left camera's centre in the frame of ``xyz``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", locked(self.centre))


@dataclass(frozen=True, eq=False)
class FusedMap:
    """One range image about one centre, from all pairs."""

    grid: SphereGrid
    xyz: XyzMap
    """On the pixels of ``grid``, in its frame."""
    layers: tuple[Layer | None, ...]
    """Of each view in turn, as it looks from the centre of the grid; None for one without a surface."""
    count: NDArray[np.uint8]
    """(rows, columns) uint8: how many views agree on the surface."""
    outvoted: NDArray[np.uint8]
    """(rows, columns) uint8: how many views saw another surface there, which lost."""

    def __post_init__(self) -> None:
        for name in ("count", "outvoted"):
            object.__setattr__(self, name, locked(getattr(self, name), np.uint8))


def fuse(
    views: Sequence[View],
    enu_from_map: RigidTransform,
    settings: MeshSettings = MeshSettings(),
    tell: Callable[[float], None] = lambda share: None,
) -> FusedMap:
    """One surface from the maps of all ``views``, which share a frame, on a grid in ENU (``enu_from_map``).

    The step of the grid is that of the maps' pixels, or coarser so that it has no more than ``settings.most_pixels``
    for each view.  ``tell`` hears the share of the work done.  Raises StereoError when no view has a surface.
    """
    if not views:
        raise StereoError("there is no pair to make ground of", expected="one pair or more")
    grid = _grid(views, enu_from_map, settings)
    done: list[int] = []

    def one(view: View) -> Layer | None:
        layer = resample(view.xyz, view.centre, enu_from_map, grid, settings)
        done.append(1)
        tell(0.8 * len(done) / len(views))
        return layer

    with ThreadPoolExecutor(max_workers=2) as pool:
        layers = tuple(pool.map(one, views))
    present = [layer for layer in layers if layer is not None]
    if not present:
        raise StereoError(
            "no surface to build a mesh from: no piece of the measured ground is large enough",
            expected=f"{settings.min_island_px} neighbouring measured pixels",
        )
    rho, sigma, noise, count, outvoted = merged(present, (grid.rows, grid.columns))
    return FusedMap(grid, _as_map(grid, rho, sigma, noise), layers, count, outvoted)


def _grid(views: Sequence[View], enu_from_map: RigidTransform, settings: MeshSettings) -> SphereGrid:
    centre = np.mean([enu_from_map.apply(view.centre) for view in views], axis=0)
    angles = [angle for view in views if (angle := map_angle(view.xyz, view.centre)) > 0]
    if not angles:
        raise StereoError("no two neighbouring pixels were measured", expected="measured ground")
    directions = []
    for view in views:
        offsets = enu_from_map.apply(view.xyz.xyz[::4, ::4][view.xyz.measured[::4, ::4]]) - centre
        directions.append(offsets.astype(np.float32))
    step, most = float(np.median(angles)), settings.most_pixels * len(views)
    while True:
        grid = grid_about(enu_from_map.to, centre, directions, step, settings.block_px)
        if grid.rows * grid.columns <= most:
            return grid
        step *= 1.01 * float(np.sqrt(grid.rows * grid.columns / most))


Maps = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]


def merged(layers: Sequence[Layer], shape: tuple[int, int]) -> Maps:
    """Inverse range, its sigma, its noise, how many layers agree, and how many were outvoted, (rows, columns) each.

    In each direction the layer with the largest weight leads (its place in the picture over its noise squared);
    those that agree with it are averaged with it.
    """
    lead = np.full((*shape, 3), np.nan, dtype=np.float32)
    score = np.zeros(shape, dtype=np.float32)
    for layer in layers:
        own = _score(layer)
        part = layer.part()
        better = own > score[part]
        score[part] = np.where(better, own, score[part])
        lead[part] = np.where(better[..., None], layer.values[..., :3], lead[part])

    total, rho, sigma2, noise2 = (np.zeros(shape, dtype=np.float32) for _ in range(4))
    count, outvoted = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.uint8)
    for layer in layers:
        part, weight = layer.part(), _score(layer)
        leading = lead[part]
        away = layer.values[..., 0] - leading[..., 0]
        with np.errstate(invalid="ignore"):
            agrees = np.abs(away) <= AGREE_SIGMA * np.hypot(layer.values[..., 1], leading[..., 1])
        weight = np.where(agrees, weight, np.float32(0.0))
        away = np.where(agrees, away, np.float32(0.0))
        total[part] += weight
        rho[part] += weight * away
        sigma2[part] += np.where(agrees, weight * weight * layer.values[..., 1] ** 2, np.float32(0.0))
        noise2[part] += np.where(agrees, weight * weight * layer.values[..., 2] ** 2, np.float32(0.0))
        count[part] += agrees
        outvoted[part] += np.isfinite(layer.values[..., 0]) & ~agrees
    with np.errstate(invalid="ignore", divide="ignore"):
        return lead[..., 0] + rho / total, np.sqrt(sigma2) / total, np.sqrt(noise2) / total, count, outvoted


def _score(layer: Layer) -> NDArray[np.float32]:
    """(rows, columns) float32: what a layer counts in each direction; 0 where it has nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        score = layer.values[..., 3] / layer.values[..., 2] ** 2
    out: NDArray[np.float32] = np.where(np.isfinite(score), score, np.float32(0.0))
    return out


def _as_map(
    grid: SphereGrid, rho: NDArray[np.float32], sigma: NDArray[np.float32], noise: NDArray[np.float32]
) -> XyzMap:
    with np.errstate(divide="ignore", invalid="ignore"):
        range_m = 1.0 / rho
        scale = range_m * range_m
        xyz = grid.directions()
        xyz *= range_m[..., None]
        xyz += grid.centre.astype(np.float32)
        found = np.isfinite(range_m)
        reason = np.where(found, 0, int(Reason.NO_MATCH)).astype(np.uint16)
        miss = np.where(found, np.float32(0.0), np.float32(np.nan))
        return XyzMap(grid.frame, xyz, range_m, sigma * scale, miss, reason, noise * scale)


def without(fused: FusedMap, where: NDArray[np.bool_]) -> FusedMap:
    """The same without the surface ``where`` (rows, columns) says."""
    m, nan = fused.xyz, np.float32(np.nan)
    noise = None if m.noise_range_m is None else np.where(where, nan, m.noise_range_m)
    reason = np.where(where, m.reason | np.uint16(Reason.LEFT_RIGHT), m.reason)
    xyz = XyzMap(
        m.frame,
        np.where(where[..., None], nan, m.xyz),
        np.where(where, nan, m.range_m),
        np.where(where, nan, m.sigma_range_m),
        np.where(where, nan, m.miss_m),
        reason,
        noise,
    )
    return replace(fused, xyz=xyz)
