"""The inner loops of the atlas: triangles into a picture, and the pixels of a frame that lie under its texels.

Texels and pixels are (column x, row y) with the centre of the first at (0, 0).  All arrays are C-ordered.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stereo3d.stereo.refine_kernels import compiled

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

POOR_SHARE = 0.15
"""A face that has less than this share of the pixels that it would have face on is seen poorly."""
POOR_WEIGHT = 1e-3
FIRST = 100.0
"""Added to the weight of the frame whose chart a face lies in."""


@compiled
def rasterise(at: F32, nearness: F32, faces: I32, chosen: NDArray[np.bool_], owner: I32, front: F32) -> None:
    """Draw the ``chosen`` faces: ``owner`` (rows, columns) is the face whose texel is nearest, ``front`` its nearness.

    ``at`` (n, 2) texels of the vertices and ``nearness`` (n,), 1 / m, which is linear over a flat face.  ``owner`` and
    ``front`` come in as -1 and 0, or with faces drawn before.
    """
    rows, columns = owner.shape
    for f in range(faces.shape[0]):
        if not chosen[f]:
            continue
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by, cx, cy = at[i, 0], at[i, 1], at[j, 0], at[j, 1], at[k, 0], at[k, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0 or not math.isfinite(area):
            continue
        x0, x1 = max(math.ceil(min(ax, bx, cx)), 0), min(math.floor(max(ax, bx, cx)), columns - 1)
        y0, y1 = max(math.ceil(min(ay, by, cy)), 0), min(math.floor(max(ay, by, cy)), rows - 1)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                v = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                w = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                u = 1.0 - v - w
                if u < -1e-5 or v < -1e-5 or w < -1e-5:
                    continue
                near = u * nearness[i] + v * nearness[j] + w * nearness[k]
                if near > front[y, x]:
                    front[y, x] = near
                    owner[y, x] = f


@compiled
def spread(at: F32, faces: I32, reach: float, owner: I32) -> None:
    """Give texels of no face, in place, to a face within ``reach`` texels: pictures are interpolated over the rim."""
    rows, columns = owner.shape
    free = owner < 0
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by, cx, cy = at[i, 0], at[i, 1], at[j, 0], at[j, 1], at[k, 0], at[k, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0 or not math.isfinite(area):
            continue
        # Barycentric weights fall by one over the face's height.
        over_a = reach * math.hypot(cx - bx, cy - by) / abs(area)
        over_b = reach * math.hypot(cx - ax, cy - ay) / abs(area)
        over_c = reach * math.hypot(bx - ax, by - ay) / abs(area)
        x0, x1 = max(math.ceil(min(ax, bx, cx) - reach), 0), min(math.floor(max(ax, bx, cx) + reach), columns - 1)
        y0, y1 = max(math.ceil(min(ay, by, cy) - reach), 0), min(math.floor(max(ay, by, cy) + reach), rows - 1)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                if not free[y, x]:
                    continue
                v = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                w = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                if 1.0 - v - w >= -over_a and v >= -over_b and w >= -over_c:
                    owner[y, x] = f


@compiled
def behind(at: F32, nearness: F32, faces: I32, front: F32, slack: F32, out: NDArray[np.bool_]) -> None:
    """``out`` (faces,): whether at one of its texels a face lies behind what is drawn, by the share ``slack`` (faces,).

    A face that covers no texel's centre is looked up at the texel nearest to its own centre.
    """
    rows, columns = front.shape
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by, cx, cy = at[i, 0], at[i, 1], at[j, 0], at[j, 1], at[k, 0], at[k, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if not math.isfinite(area):
            continue
        x0, x1 = max(math.ceil(min(ax, bx, cx)), 0), min(math.floor(max(ax, bx, cx)), columns - 1)
        y0, y1 = max(math.ceil(min(ay, by, cy)), 0), min(math.floor(max(ay, by, cy)), rows - 1)
        seen = False
        if area != 0.0:
            for y in range(y0, y1 + 1):
                for x in range(x0, x1 + 1):
                    v = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                    w = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                    u = 1.0 - v - w
                    if u < -1e-5 or v < -1e-5 or w < -1e-5:
                        continue
                    seen = True
                    near = u * nearness[i] + v * nearness[j] + w * nearness[k]
                    if front[y, x] > near * (1.0 + slack[f]):
                        out[f] = True
        if not seen:
            x = min(max(round((ax + bx + cx) / 3.0), 0), columns - 1)
            y = min(max(round((ay + by + cy) / 3.0), 0), rows - 1)
            near = (nearness[i] + nearness[j] + nearness[k]) / 3.0
            # Up to half a texel off, where the ground rises towards the eye, something of it is nearer.
            if front[y, x] > near * (1.0 + 2.0 * slack[f]):
                out[f] = True


@compiled
def at_pixel(image: F32, x: float, y: float) -> float:
    """Bilinear value of ``image`` (rows, columns) at a place, that of its rim beyond it."""
    rows, columns = image.shape
    x, y = min(max(x, 0.0), columns - 1.0), min(max(y, 0.0), rows - 1.0)
    x0, y0 = int(x), int(y)
    x1, y1 = min(x0 + 1, columns - 1), min(y0 + 1, rows - 1)
    s, t = x - x0, y - y0
    above = image[y0, x0] * (1.0 - s) + image[y0, x1] * s
    below = image[y1, x0] * (1.0 - s) + image[y1, x1] * s
    return float(above * (1.0 - t) + below * t)


@compiled
def visible(
    pixels: F32, offset: F32, slack: F32, usable: NDArray[np.bool_], seen: F32, step: int, out: NDArray[np.bool_]
) -> None:
    """``out`` (n,): which places, at ``pixels`` (n, 2) of a frame and ``offset`` (n, 3) m from it, it shows.

    ``slack`` (n,): by what share a place may lie behind what the frame sees there.  The rest as in :func:`look`.
    """
    high, wide = usable.shape
    for n in range(pixels.shape[0]):
        x, y = pixels[n, 0], pixels[n, 1]
        if not (x >= 0.0 and y >= 0.0 and x <= wide - 1.0 and y <= high - 1.0):
            continue
        if usable[int(y + 0.5), int(x + 0.5)]:
            away = math.sqrt(offset[n, 0] ** 2 + offset[n, 1] ** 2 + offset[n, 2] ** 2)
            out[n] = away * at_pixel(seen, x / step, y / step) <= 1.0 + slack[n]


@compiled
def look(
    owner: I32,
    corner: tuple[int, int],
    at: F32,
    faces: I32,
    origin: I32,
    pixels: F32,
    depth: F32,
    offset: F32,
    slack: F32,
    usable: NDArray[np.bool_],
    seen: F32,
    step: int,
    worth: tuple[float, float],
    chart: I32,
    number: int,
    out: F32,
) -> None:
    """What one frame shows of the texels of a rectangle of the picture; ``corner`` is its first (column, row).

    ``owner`` (rows, columns) face of each texel, -1 = none.  ``at`` (n, 2) texels by vertex, ``origin`` (n,) their
    numbers in ``pixels`` (k, 2) of the frame, NaN where it has none, ``depth`` (k,) m along its axis, and ``offset``
    (k, 3) m from it.  ``slack`` (faces,): by what share a place may lie behind what the frame sees there.  ``usable``
    (rows, columns) of the frame, ``seen`` 1 / m of every ``step``-th pixel.  ``worth`` is the frame's own worth, and
    the pixels per texel, as areas, of a place that faces it; ``number`` its number, and in faces that lie in its own
    ``chart`` (faces,) it comes first.  ``out`` (rows, columns, 3): pixel x, y, and the weight, 0 where the frame shows
    nothing.
    """
    rows, columns = owner.shape
    high, wide = usable.shape
    half = 0.5 * min(high - 1, wide - 1)
    for r in range(rows):
        for q in range(columns):
            out[r, q, 0] = -1.0
            out[r, q, 1] = -1.0
            out[r, q, 2] = 0.0
            f = owner[r, q]
            if f < 0:
                continue
            i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
            ax, ay = at[i, 0], at[i, 1]
            bx, by, cx, cy = at[j, 0] - ax, at[j, 1] - ay, at[k, 0] - ax, at[k, 1] - ay
            area = bx * cy - by * cx
            i, j, k = origin[i], origin[j], origin[k]
            if not (math.isfinite(pixels[i, 0]) and math.isfinite(pixels[j, 0]) and math.isfinite(pixels[k, 0])):
                continue
            px, py = q + corner[0] - ax, r + corner[1] - ay
            v, w = (px * cy - py * cx) / area, (bx * py - by * px) / area
            u = 1.0 - v - w
            # A place goes linearly over the face; so do its pixel times its depth, and its depth.
            gi, gj, gk = u * depth[i], v * depth[j], w * depth[k]
            total = gi + gj + gk
            x = (gi * pixels[i, 0] + gj * pixels[j, 0] + gk * pixels[k, 0]) / total
            y = (gi * pixels[i, 1] + gj * pixels[j, 1] + gk * pixels[k, 1]) / total
            if not (x >= 0.0 and y >= 0.0 and x <= wide - 1.0 and y <= high - 1.0):
                continue
            x0, y0 = int(x), int(y)
            x1, y1 = min(x0 + 1, wide - 1), min(y0 + 1, high - 1)
            if not (usable[y0, x0] and usable[y0, x1] and usable[y1, x0] and usable[y1, x1]):
                continue
            square = 0.0
            for c in range(3):
                square += (u * offset[i, c] + v * offset[j, c] + w * offset[k, c]) ** 2
            if math.sqrt(square) * at_pixel(seen, x / step, y / step) > 1.0 + slack[f]:
                continue
            weight = worth[0] * max(min(x, y, wide - 1.0 - x, high - 1.0 - y) / half, 1e-3)
            # Seen edge-on, a face has hardly any pixels: they would be smeared over it.
            ex, ey = pixels[j, 0] - pixels[i, 0], pixels[j, 1] - pixels[i, 1]
            gx, gy = pixels[k, 0] - pixels[i, 0], pixels[k, 1] - pixels[i, 1]
            share = (ex * gy - ey * gx) / area / worth[1]
            if share < POOR_SHARE:
                weight *= POOR_WEIGHT * max(share, 1e-3)
            if chart[f] == number:
                weight += FIRST
            out[r, q, 0] = x
            out[r, q, 1] = y
            out[r, q, 2] = weight


@compiled
def paint(owner: I32, at: F32, faces: I32, colours: F32, where: NDArray[np.bool_], out: F32) -> None:
    """``out`` (rows, columns, channels): the vertices' ``colours`` (n, channels) interpolated ``where`` it is asked."""
    rows, columns = owner.shape
    for y in range(rows):
        for x in range(columns):
            f = owner[y, x]
            if f < 0 or not where[y, x]:
                continue
            i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
            ax, ay = at[i, 0], at[i, 1]
            bx, by, cx, cy = at[j, 0] - ax, at[j, 1] - ay, at[k, 0] - ax, at[k, 1] - ay
            area = bx * cy - by * cx
            v, w = ((x - ax) * cy - (y - ay) * cx) / area, (bx * (y - ay) - by * (x - ax)) / area
            for c in range(out.shape[2]):
                p, q, r = colours[i, c], colours[j, c], colours[k, c]
                value = (1.0 - v - w) * p + v * q + w * r
                out[y, x, c] = min(max(value, min(p, q, r)), max(p, q, r))
