"""Edges that collapse onto one of their ends, compiled: every vertex that is left is one that was there."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from stereo3d.stereo.refine_kernels import compiled

Float = NDArray[np.float64]
Index = NDArray[np.int64]
Bool = NDArray[np.bool_]

FREE, FIXED, APART = 0, 1, 2
"""A vertex may go; must stay, though others may collapse onto it; must stay and nothing may collapse onto it."""

_LEAST_COS = 0.3
"""A face that would turn by more than this says is not made."""
_LEAST_SHAPE = 0.08
"""Nor one of less area than this share of an equilateral one on its longest edge, unless it replaces a worse one."""
_RIM_WEIGHT = 4.0


@compiled
def _cross(a: Float, b: Float, c: Float) -> tuple[float, float, float]:
    """Of the edges from ``a`` to ``b`` and to ``c``: twice the area, along the normal."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx


@compiled
def _add_plane(q: Float, x: float, y: float, z: float, d: float, weight: float) -> None:
    """Add weight * (x px + y py + z pz + d)^2 to the quadric ``q`` (10,)."""
    q[0] += weight * x * x
    q[1] += weight * x * y
    q[2] += weight * x * z
    q[3] += weight * x * d
    q[4] += weight * y * y
    q[5] += weight * y * z
    q[6] += weight * y * d
    q[7] += weight * z * z
    q[8] += weight * z * d
    q[9] += weight * d * d


@compiled
def _value(q: Float, p: Float) -> float:
    x, y, z = p[0], p[1], p[2]
    out: float = (
        q[0] * x * x
        + q[4] * y * y
        + q[7] * z * z
        + q[9]
        + 2.0 * (q[1] * x * y + q[2] * x * z + q[5] * y * z + q[3] * x + q[6] * y + q[8] * z)
    )
    return out


@compiled
def _shape(a: Float, b: Float, c: Float, area2: float) -> float:
    """1 for an equilateral triangle, 0 for a line; ``area2`` is twice the area."""
    longest = 0.0
    for p, q in ((a, b), (b, c), (c, a)):
        length = (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2
        longest = max(longest, length)
    return area2 / (0.8660254037844386 * longest) if longest > 0.0 else 0.0


@compiled
def _quadrics(points: Float, faces: Index, rim: Bool, quadrics: Float) -> None:
    """Sum the planes of the faces at each vertex, and walls along the rim.

    Areas and distances count as seen from the origin: both by the square of the range.
    """
    for f in range(len(faces)):
        a, b, c = points[faces[f, 0]], points[faces[f, 1]], points[faces[f, 2]]
        x, y, z = _cross(a, b, c)
        area2 = np.sqrt(x * x + y * y + z * z)
        if area2 <= 0.0:
            continue
        x, y, z = x / area2, y / area2, z / area2
        near = 1.0 / (a[0] * a[0] + a[1] * a[1] + a[2] * a[2] + 1e-6)
        for k in range(3):
            _add_plane(quadrics[faces[f, k]], x, y, z, -(x * a[0] + y * a[1] + z * a[2]), area2 * near * near)
        for k in range(3):
            if not rim[f, k]:
                continue
            u, v = faces[f, k], faces[f, (k + 1) % 3]
            p, q = points[u], points[v]
            ex, ey, ez = q[0] - p[0], q[1] - p[1], q[2] - p[2]
            square = ex * ex + ey * ey + ez * ez
            wx, wy, wz = ey * z - ez * y, ez * x - ex * z, ex * y - ey * x
            length = np.sqrt(wx * wx + wy * wy + wz * wz)
            if length <= 0.0:
                continue
            wx, wy, wz = wx / length, wy / length, wz / length
            d = -(wx * p[0] + wy * p[1] + wz * p[2])
            _add_plane(quadrics[u], wx, wy, wz, d, _RIM_WEIGHT * square * near * near)
            _add_plane(quadrics[v], wx, wy, wz, d, _RIM_WEIGHT * square * near * near)


@compiled
def _is_ear(u: int, v: int, faces: Index, head: Index, after: Index, alive: Bool, lock: NDArray[np.uint8]) -> bool:
    """Whether the one face at the edge from ``u`` to ``v`` hangs on the edge across from ``u`` alone, both ends of
    which must stay: it would take that edge away with it."""
    corners, third = 0, -1
    corner = head[u]
    while corner >= 0:
        f = corner // 3
        if alive[f] and (faces[f, 0] == v or faces[f, 1] == v or faces[f, 2] == v):
            third = faces[f, 0] + faces[f, 1] + faces[f, 2] - u - v
        corner = after[corner]
    corner = head[u]
    while corner >= 0:
        f = corner // 3
        if alive[f] and (faces[f, 0] == third or faces[f, 1] == third or faces[f, 2] == third):
            corners += 1
        corner = after[corner]
    return lock[third] != 0 and corners == 1


@compiled
def _allowed(
    u: int,
    v: int,
    points: Float,
    faces: Index,
    head: Index,
    after: Index,
    alive: Bool,
    on_rim: Bool,
    lock: NDArray[np.uint8],
    mark: Index,
    tag: int,
) -> bool:
    """Whether ``u`` may collapse onto ``v``: the surface stays one sheet, and no face flips or becomes a sliver."""
    if lock[u] != 0 or lock[v] == 2:
        return False
    shared = 0
    corner = head[u]
    while corner >= 0:
        f = corner // 3
        if alive[f]:
            with_v = False
            for k in range(3):
                mark[faces[f, k]] = tag
                with_v = with_v or faces[f, k] == v
            shared += with_v
        corner = after[corner]
    if shared == 0 or shared > 2 or (on_rim[u] and shared != 1):
        return False
    if shared == 1 and lock[v] != 0 and _is_ear(u, v, faces, head, after, alive, lock):
        return False
    mark[u] = tag - 1
    mark[v] = tag - 1
    common = 0
    corner = head[v]
    while corner >= 0:
        f = corner // 3
        if alive[f]:
            for k in range(3):
                w = faces[f, k]
                if mark[w] == tag:
                    common += 1
                    mark[w] = tag - 1
        corner = after[corner]
    if common != shared:
        return False
    corner = head[u]
    while corner >= 0:
        f, k = corner // 3, corner % 3
        if alive[f] and faces[f, 0] != v and faces[f, 1] != v and faces[f, 2] != v:
            b, c = points[faces[f, (k + 1) % 3]], points[faces[f, (k + 2) % 3]]
            old, new = points[u], points[v]
            ox, oy, oz = _cross(old, b, c)
            nx, ny, nz = _cross(new, b, c)
            was, now = np.sqrt(ox * ox + oy * oy + oz * oz), np.sqrt(nx * nx + ny * ny + nz * nz)
            if ox * nx + oy * ny + oz * nz <= _LEAST_COS * was * now or now <= 0.0:
                return False
            facing = ox * b[0] + oy * b[1] + oz * b[2] < 0.0
            if facing and nx * b[0] + ny * b[1] + nz * b[2] >= 0.0:
                return False
            shape = _shape(new, b, c, now)
            if shape < _LEAST_SHAPE and shape < _shape(old, b, c, was):
                return False
        corner = after[corner]
    return True


@compiled
def collapsed(
    points: Float, faces: Index, lock: NDArray[np.uint8], rim: Bool, on_rim: Bool, targets: Index
) -> NDArray[np.int32]:
    """The faces (k, m, 3) when ``targets`` (k,), from many to few, are reached; -1 for faces that are gone.

    ``points`` (n, 3) from the eye, m; ``faces`` (m, 3) is used up; ``lock`` (n,) of FREE, FIXED, APART; ``rim`` (m, 3):
    whether the edge from corner k to k + 1 has no other face; ``on_rim`` (n,).  Where nothing more may collapse the
    last faces stay.
    """
    count = len(points)
    quadrics = np.zeros((count, 10))
    _quadrics(points, faces, rim, quadrics)
    head = np.full(count, -1, dtype=np.int64)
    after = np.full(3 * len(faces), -1, dtype=np.int64)
    for f in range(len(faces)):
        for k in range(3):
            after[3 * f + k] = head[faces[f, k]]
            head[faces[f, k]] = 3 * f + k
    alive = np.ones(len(faces), dtype=np.bool_)
    gone = np.zeros(count, dtype=np.bool_)
    version = np.zeros(count, dtype=np.int64)
    mark = np.zeros(count, dtype=np.int64)
    tag = 2
    heap = [(0.0, -1, -1, 0, 0)]
    heap.clear()
    for f in range(len(faces)):
        for k in range(3):
            u, v = faces[f, k], faces[f, (k + 1) % 3]
            total = quadrics[u] + quadrics[v]
            if lock[u] == 0 and lock[v] != 2:
                heap.append((_value(total, points[v]), u, v, 0, 0))
            if rim[f, k] and lock[v] == 0 and lock[u] != 2:  # of other edges the second face brings this direction
                heap.append((_value(total, points[u]), v, u, 0, 0))
    heapify(heap)
    out = np.full((len(targets), len(faces), 3), -1, dtype=np.int32)
    left, level = len(faces), 0
    while level < len(targets):
        if left <= targets[level] or len(heap) == 0:
            for f in range(len(faces)):
                if alive[f]:
                    out[level, f] = faces[f]
            level += 1
            continue
        _, u, v, seen_u, seen_v = heappop(heap)
        if gone[u] or gone[v] or version[u] != seen_u or version[v] != seen_v:
            continue
        tag += 2
        if not _allowed(u, v, points, faces, head, after, alive, on_rim, lock, mark, tag):
            continue
        corner = head[u]
        while corner >= 0:
            following = after[corner]
            f = corner // 3
            if alive[f]:
                if faces[f, 0] == v or faces[f, 1] == v or faces[f, 2] == v:
                    alive[f] = False
                    left -= 1
                else:
                    faces[f, corner % 3] = v
                    after[corner] = head[v]
                    head[v] = corner
            corner = following
        gone[u] = True
        quadrics[v] += quadrics[u]
        version[v] += 1
        tag += 2
        mark[v] = tag
        corner = head[v]
        while corner >= 0:
            f = corner // 3
            if alive[f]:
                for k in range(3):
                    w = faces[f, k]
                    if mark[w] != tag:
                        mark[w] = tag
                        total = quadrics[w] + quadrics[v]
                        if lock[v] == 0 and lock[w] != 2:
                            heappush(heap, (_value(total, points[w]), v, w, version[v], version[w]))
                        if lock[w] == 0 and lock[v] != 2:
                            heappush(heap, (_value(total, points[v]), w, v, version[w], version[v]))
            corner = after[corner]
    return out
