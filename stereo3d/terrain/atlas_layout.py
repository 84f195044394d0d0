"""Where each face lies in the atlas: most in one picture as seen from the mast, the rest in charts below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import pixel_grid
from stereo3d.panorama.plan import covered_arc, quietest_azimuth
from stereo3d.terrain.atlas_charts import UNSEEN, best_views, make_charts
from stereo3d.terrain.atlas_kernels import behind, rasterise
from stereo3d.terrain.atlas_views import Sight, View
from stereo3d.terrain.mesh import TerrainMesh

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
Float = NDArray[np.float64]

MAX_SIDE = 16_384
"""What every graphics card takes."""
SLACK = 0.01
"""A place that lies behind another by a smaller share of its distance is no other place."""
SLACK_SIGMA = 2.0
_MARGIN_PX = 2
_LOWEST_DEG = -75.0
"""Below the mast azimuths mean little: what lies there gets a chart."""
_CROSSING_SHARE = 0.03
_SMALLEST_WIDTH = 512


@dataclass(frozen=True, eq=False)
class Layout:
    """A mesh that is cut open for its atlas."""

    mesh: TerrainMesh
    """With the vertices at cuts doubled."""
    origin: I32
    """(n,) the vertex of the mesh as it was that each vertex is."""
    at: F32
    """(n, 2) texels (column, row)."""
    nearness: F32
    """(n,) 1 / m from the mast."""
    slack: F32
    """(faces,) by what share a place on a face may lie behind what is seen there."""
    in_picture: NDArray[np.bool_]
    """(faces,) whether a face lies in the mast's picture."""
    view: I32
    """(faces,) number of the frame whose chart a face lies in, UNSEEN for none."""
    picture_rows: int
    """The picture's; charts lie in the rows below."""
    chart_rows: dict[int, tuple[int, int]]
    """First row, and the row after the last, of each frame's charts."""
    shape: tuple[int, int]
    """(rows, columns) of the atlas."""
    texels_per_rad: float
    """Of the picture."""

    @property
    def uv(self) -> F32:
        """(n, 2) as OpenGL has them: from 0 to 1 over the whole image, v up."""
        rows, columns = self.shape
        u, v = (self.at[:, 0] + 0.5) / columns, 1.0 - (self.at[:, 1] + 0.5) / rows
        return np.stack([u, v], axis=1).astype(np.float32)


def lay_out(mesh: TerrainMesh, views: Sequence[View], sights: Sequence[Sight], preferred: Sequence[bool]) -> Layout:
    """A place in the atlas for every face.  ``preferred`` tells the frames of the eye that gives the colour."""
    away = mesh.vertices - np.mean([v.camera.C for v in views], axis=0)
    level = np.hypot(away[:, 0], away[:, 1])
    azimuth, elevation = np.arctan2(away[:, 0], away[:, 1]), np.arctan2(away[:, 2], level)
    distance = np.maximum(np.hypot(level, away[:, 2]), 1e-6)
    slack = (SLACK + SLACK_SIGMA * np.nan_to_num(mesh.sigma_m) / distance).astype(np.float32)
    face_slack = slack[mesh.faces].max(axis=1)
    nearness = (1.0 / distance).astype(np.float32)

    steep = (elevation[mesh.faces] < math.radians(_LOWEST_DEG)).any(axis=1)
    shown = np.zeros(len(distance), dtype=bool)
    shown[mesh.faces[~steep]] = True
    start, arc = _arc(azimuth[shown], [v for v, p in zip(views, preferred, strict=True) if p])
    top, bottom = (float(f(elevation[shown])) if shown.any() else 0.0 for f in (np.max, np.min))
    scale = max(v.px_per_rad for v in views)
    spare = 4 * _MARGIN_PX
    scale = min(scale, (MAX_SIDE - spare) / (arc * (1.0 + _CROSSING_SHARE)), 0.75 * MAX_SIDE / max(top - bottom, 1e-3))
    at = np.stack([np.mod(azimuth - start, 2.0 * math.pi) * scale, (top - elevation) * scale], axis=1) + _MARGIN_PX
    crossing, beyond = _crossing(at[:, 0], mesh.faces, 2.0 * math.pi * scale, arc * scale * _CROSSING_SHARE)
    crossing, beyond = crossing & ~steep, beyond & ~steep
    turned = at + np.array([2.0 * math.pi * scale, 0.0])
    right = at[:, 0] > (math.pi * scale)
    ends = [float(at[shown, 0].max())] if shown.any() else [0.0]
    if crossing.any():
        ends.append(float(np.where(right[mesh.faces[crossing]], 0.0, turned[mesh.faces[crossing], 0]).max()))
    columns = max(math.ceil(max(ends)) + 1 + _MARGIN_PX, _SMALLEST_WIDTH)
    rows = math.ceil((top - bottom) * scale) + 1 + 2 * _MARGIN_PX

    cut = _Cut(mesh, at.astype(np.float32))
    stays = right[mesh.faces[crossing]]
    moved = np.where(stays[..., None], at[mesh.faces[crossing]], turned[mesh.faces[crossing]])
    cut.move(crossing, moved, stays.astype(np.int64))
    in_picture = ~(steep | beyond)
    owner, front = np.full((rows, columns), -1, dtype=np.int32), np.zeros((rows, columns), dtype=np.float32)
    near = nearness[cut.origin]
    rasterise(cut.at, near, cut.faces, in_picture, owner, front)
    hidden = np.zeros(len(mesh.faces), dtype=np.bool_)
    behind(cut.at, near, cut.faces, front, face_slack, hidden)
    in_picture &= ~hidden

    view = np.full(len(mesh.faces), UNSEEN, dtype=np.int32)
    shape = rows, columns
    chart_rows: dict[int, tuple[int, int]] = {}
    rest = np.flatnonzero(~in_picture)
    if rest.size:
        faces = mesh.faces[rest]
        label = best_views(faces, views, sights, slack, preferred)
        density = [min(scale / v.px_per_rad, 1.0) for v in views]
        most = MAX_SIDE - rows
        charts = make_charts(faces, label, mesh.vertices, sights, density, nearness * np.float32(scale), columns, most)
        chart_rows = {k: (rows + first, rows + end) for k, (first, end) in charts.rows.items()}
        view[rest] = charts.view
        places = charts.at + np.array([0.0, rows], dtype=np.float32)
        cut.move(~in_picture, places, np.repeat(charts.chart.astype(np.int64) + 2, 3).reshape(-1, 3))
        shape = rows + charts.shape[0], columns
    opened, origin, places_at = cut.opened()
    return Layout(
        mesh=opened,
        origin=origin,
        at=places_at,
        nearness=nearness[origin],
        slack=face_slack,
        in_picture=in_picture,
        view=view,
        picture_rows=rows,
        chart_rows=chart_rows,
        shape=shape,
        texels_per_rad=scale,
    )


def _arc(azimuth: Float, views: Sequence[View]) -> tuple[float, float]:
    """Start and width, rad, of the azimuths; a full circle is cut where the fewest frames overlap."""
    thin = azimuth[:: max(1, len(azimuth) // 100_000)]
    start, width = covered_arc(np.degrees(thin)) if thin.size else (0.0, 360.0)
    if width < 357.0:
        # The thinned azimuths may miss the outermost.
        return math.radians(start - 0.5), math.radians(width + 1.0)
    looks = []
    for view in views:
        rays = view.camera.ray(pixel_grid(view.camera.width, view.camera.height)[::16, ::16])[1]
        rays = rays[view.usable[::16, ::16] & np.isfinite(rays[..., 0])]
        looks.append(np.degrees(np.arctan2(rays[:, 0], rays[:, 1])))
    return math.radians(quietest_azimuth(looks)), 2.0 * math.pi


def _crossing(column: Float, faces: I32, around: float, reach: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which faces cross the cut, ``around`` being the columns of a circle; and which reach too far beyond it."""
    corners = column[faces]
    crossing = corners.max(axis=1) - corners.min(axis=1) > 0.5 * around
    end = np.where(corners < 0.5 * around, corners, 0.0).max(axis=1)
    beyond = crossing & (end > reach)
    return crossing & ~beyond, beyond


class _Cut:
    """A mesh whose faces are moved to other texels one group after another, their vertices doubled."""

    def __init__(self, mesh: TerrainMesh, at: F32) -> None:
        self._mesh = mesh
        self.faces = np.array(mesh.faces)
        self.origin = np.arange(len(mesh.vertices), dtype=np.int32)
        self.at = at

    def move(self, which: NDArray[np.bool_], at: NDArray[np.floating], group: NDArray[np.int64]) -> None:
        """Put the corners (faces, 3) of the faces ``which`` at ``at`` (faces, 3, 2), one new vertex for each old one
        of each ``group`` (faces, 3)."""
        old = self._mesh.faces[which]
        if not old.size:
            return
        key = group * len(self._mesh.vertices) + old
        _, where, number = np.unique(key.ravel(), return_index=True, return_inverse=True)
        self.faces[which] = (len(self.origin) + number.reshape(old.shape)).astype(np.int32)
        self.origin = np.concatenate([self.origin, old.ravel()[where]])
        self.at = np.concatenate([self.at, at.reshape(-1, 2)[where].astype(np.float32)])

    def opened(self) -> tuple[TerrainMesh, I32, F32]:
        """The mesh of those vertices that are used, the old vertex of each, and their texels."""
        used = np.zeros(len(self.origin), dtype=bool)
        used[self.faces] = True
        number = np.cumsum(used, dtype=np.int32) - np.int32(1)
        origin = self.origin[used]
        m = self._mesh
        mesh = replace(
            m,
            vertices=m.vertices[origin],
            faces=number[self.faces],
            normals=m.normals[origin],
            pixels=m.pixels[origin],
            sigma_m=m.sigma_m[origin],
        )
        return mesh, origin, np.ascontiguousarray(self.at[used])
