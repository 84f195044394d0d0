"""Charts for the faces that the mast's own picture cannot show: each piece as one frame sees it, packed in rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stereo3d.terrain.atlas_kernels import visible
from stereo3d.terrain.atlas_views import STEP_PX, Sight, View

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
Bool = NDArray[np.bool_]

UNSEEN = -1
PAD_PX = 2
"""Texels about each chart."""
_ROUNDS = 4
_AGREE = 0.4
"""What a neighbour of the same frame is worth to a face, as a share of its best view's resolution."""
_OTHER_EYE = 0.7
_UNSEEN_SHARE, _UNSEEN_PX = 0.25, (3.0, 64.0)
"""Texels per pixel, and shortest and longest side, of a chart that no frame sees: it is smooth."""
_ACROSS = np.array([[1, 2], [0, 2], [0, 1]])
"""The axes that remain in a view along each."""


@dataclass(frozen=True, eq=False)
class Charts:
    """Pieces of the mesh with a place each."""

    view: I32
    """(faces,) number of the frame that each face is taken from, UNSEEN for none."""
    chart: I32
    """(faces,) number of its chart."""
    at: F32
    """(faces, 3, 2) texels of the corners, from the first of the block."""
    rows: dict[int, tuple[int, int]]
    """First and last but one row of each frame's charts."""
    shape: tuple[int, int]
    """(rows, columns) of the block."""


def best_views(
    faces: I32, views: Sequence[View], sights: Sequence[Sight], slack: F32, preferred: Sequence[bool]
) -> I32:
    """(faces,) the number of the frame that shows each face (m, 3) best, UNSEEN where none shows it whole.

    Best is the most pixels; a face takes its neighbours' frame where that is not much worse (iterated conditional
    modes), so that charts are large.  ``slack`` is by vertex (see :func:`stereo3d.terrain.atlas_kernels.visible`).
    """
    quality = np.zeros((len(faces), len(views)), dtype=np.float32)
    corners, number = np.unique(faces, return_inverse=True)
    number = number.reshape(faces.shape)
    for k, (view, sight) in enumerate(zip(views, sights, strict=True)):
        pixels = np.ascontiguousarray(sight.pixels[corners])
        shown = np.zeros(len(corners), dtype=np.bool_)
        visible(pixels, np.ascontiguousarray(sight.offset[corners]), slack[corners], view.usable, view.seen, STEP_PX,
                shown)  # fmt: skip
        p = pixels[number]
        across, down = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
        area = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
        # Outward faces turn counter-clockwise in the world, and so clockwise in rows that count down.
        good = shown[number].all(axis=1) & (np.abs(area) > 0.0)
        quality[good, k] = np.abs(area[good]) * (1.0 if preferred[k] else _OTHER_EYE)
    best = quality.max(axis=1, initial=0.0)
    quality /= np.maximum(best, 1e-12)[:, None]
    label = np.where(best > 0.0, quality.argmax(axis=1), UNSEEN).astype(np.int32)
    first, second = neighbours(faces)
    for _ in range(_ROUNDS):
        votes = quality.copy()
        for one, other in ((first, second), (second, first)):
            told = label[other] >= 0
            np.add.at(votes, (one[told], label[other][told]), np.float32(_AGREE))
        votes[quality <= 0.25] = -1.0
        changed = np.where(best > 0.0, votes.argmax(axis=1), UNSEEN).astype(np.int32)
        if (changed == label).all():
            break
        label = changed
    return label


def neighbours(faces: I32) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs of faces that share an edge: two arrays (pairs,)."""
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1).astype(np.int64)
    key = edges[:, 0] * (int(faces.max(initial=0)) + 1) + edges[:, 1]
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order][1:] == key[order][:-1])
    return order[same] // 3, order[same + 1] // 3


def make_charts(
    faces: I32,
    label: I32,
    vertices: NDArray[np.float64],
    sights: Sequence[Sight],
    density: Sequence[float],
    texels_per_m: F32,
    width: int,
    most_rows: int,
) -> Charts:
    """Cut ``faces`` (m, 3) into connected pieces of one ``label`` and lay them side by side in ``width`` columns.

    A piece lies as in its frame, with the frame's ``density``, texels per pixel; what no frame sees as seen
    along the axis that it faces, at a part of the ``texels_per_m`` (n,) of its vertices.  All are made smaller where
    they would take more than ``most_rows``.
    """
    first, second = neighbours(faces)
    joined = label[first] == label[second]
    graph = coo_array((np.ones(int(joined.sum()), np.int8), (first[joined], second[joined])), (len(faces),) * 2)
    count, chart = connected_components(graph, directed=False)
    at = np.empty((len(faces), 3, 2), dtype=np.float32)
    for k, sight in enumerate(sights):
        mine = label == k
        at[mine] = sight.pixels[faces[mine]] * np.float32(density[k])
    none = label == UNSEEN
    at[none] = _flat(vertices[faces[none]], chart[none], count)
    low, size = _boxes(at, chart, count)
    owner = np.full(count, UNSEEN, dtype=np.int64)
    owner[chart] = label
    side = np.maximum(size.max(axis=1), 1e-6)
    usual = np.zeros(count)
    np.maximum.at(usual, chart, texels_per_m[faces].min(axis=1))
    scale = np.where(owner == UNSEEN, np.clip(_UNSEEN_SHARE * usual, _UNSEEN_PX[0] / side, _UNSEEN_PX[1] / side), 1.0)
    # No piece may be wider than the block.
    scale = np.minimum(scale, (width - 2 * PAD_PX - 2) / side)
    while True:
        corner, ends = _packed(size * scale[:, None], owner, width)
        if max(end for _, end in ends.values()) <= most_rows:
            break
        scale *= 0.7
    at = (at - low[chart][:, None]) * scale[chart][:, None, None] + corner[chart][:, None]
    total = max(end for _, end in ends.values())
    return Charts(label, chart.astype(np.int32), at.astype(np.float32), ends, (total, width))


def _flat(corners: NDArray[np.float64], chart: NDArray[np.integer], count: int) -> NDArray[np.float64]:
    """Corners (faces, 3, 3), m, of the ``count`` charts, in the plane of the two axes that each lies along."""
    across = np.abs(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    facing = np.stack([np.bincount(chart, weights=across[:, k], minlength=count) for k in range(3)], axis=1)
    axes = _ACROSS[facing.argmax(axis=1)][chart]
    return np.take_along_axis(corners, axes[:, None, :], axis=2)


def _boxes(at: F32, chart: NDArray[np.integer], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower corner and size (count, 2) of each chart."""
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    np.minimum.at(low, chart, at.min(axis=1))
    np.maximum.at(high, chart, at.max(axis=1))
    return low, high - low


def _packed(
    size: NDArray[np.float64], owner: NDArray[np.integer], width: int
) -> tuple[NDArray[np.float64], dict[int, tuple[int, int]]]:
    """Where boxes (n, 2) of (columns, rows) begin in shelves of ``width`` columns, tall ones first.

    Boxes of one ``owner`` (n,) have shelves of their own: returns the corners (n, 2) and their rows, first and end.
    """
    whole = np.ceil(size).astype(np.int64) + 1 + 2 * PAD_PX
    corner = np.zeros((len(size), 2))
    rows: dict[int, tuple[int, int]] = {}
    y = 0
    for mine in np.unique(owner).tolist():
        boxes = np.flatnonzero(owner == mine)
        first, x, shelf = y, 0, 0
        for n in boxes[np.argsort(-whole[boxes, 1], kind="stable")].tolist():
            wide, high = int(whole[n, 0]), int(whole[n, 1])
            if x + wide > width:
                x, y, shelf = 0, y + shelf, 0
            corner[n] = x + PAD_PX, y + PAD_PX
            x, shelf = x + wide, max(shelf, high)
        y += shelf
        rows[mine] = first, y
    return corner, rows
