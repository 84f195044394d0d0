"""Colours for the vertices that no frame shows: as smooth over the mesh as those around them allow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import LinearOperator, cg

F32 = NDArray[np.float32]

_TOLERANCE = 1e-7
_MOST_ROUNDS = 1000


def smooth_between(values: F32, fixed: NDArray[np.bool_], faces: NDArray[np.int32]) -> F32:
    """The values (n, channels) with those of the vertices that are not ``fixed`` (n,) replaced.

    Each is the mean of its neighbours (Laplace's equation over the mesh, by conjugate gradients); pieces of the mesh
    (``faces``, (m, 3)) without a fixed vertex take the mean of all fixed ones.
    """
    out = values.copy()
    if fixed.all() or not fixed.any():
        return out
    out[~fixed] = values[fixed].mean(axis=0)
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1).astype(np.int64)
    edges = edges[~(fixed[edges[:, 0]] & fixed[edges[:, 1]])]
    keys = np.unique(edges[:, 0] * len(values) + edges[:, 1])
    first, second = keys // len(values), keys % len(values)
    ones = np.ones(len(first))
    count, piece = connected_components(coo_array((ones, (first, second)), (len(values),) * 2), directed=False)
    tied = np.zeros(count, dtype=bool)
    tied[piece[fixed]] = True
    free = np.flatnonzero(~fixed & tied[piece])
    if not free.size:
        return out
    number = np.full(len(values), -1, dtype=np.int64)
    number[free] = np.arange(len(free))
    degree = np.bincount(np.concatenate([first, second]), minlength=len(values))[free].astype(np.float64)
    right = np.zeros((len(free), values.shape[1]))
    rows, columns = [], []
    for one, other in ((first, second), (second, first)):
        asked = number[one] >= 0
        told = asked & fixed[other]
        np.add.at(right, number[one[told]], values[other[told]])
        inner = asked & (number[other] >= 0)
        rows.append(number[one[inner]])
        columns.append(number[other[inner]])
    at = np.concatenate(rows), np.concatenate(columns)
    links = coo_array((np.ones(len(at[0])), at), (len(free),) * 2).tocsr()
    laplace = LinearOperator(links.shape, matvec=lambda x: degree * x.ravel() - links @ x.ravel(), dtype=np.float64)
    jacobi = LinearOperator(links.shape, matvec=lambda x: x.ravel() / degree, dtype=np.float64)
    for c in range(values.shape[1]):
        start = out[free, c].astype(np.float64)
        found, _ = cg(laplace, right[:, c], x0=start, rtol=_TOLERANCE, maxiter=_MOST_ROUNDS, M=jacobi)
        out[free, c] = found
    return out
