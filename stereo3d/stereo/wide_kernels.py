"""The inner loops of what the refinement does over wide windows; as in :mod:`stereo3d.stereo.refine_kernels`."""

from __future__ import annotations

import math

import numpy as np

from stereo3d.stereo.refine_kernels import F32, compiled, f32


@compiled
def tone_sums(left: F32, warped: F32, trust: F32, side: int, sums: F32, first: int, end: int) -> None:
    """Sums over blocks of ``side`` x ``side`` pixels, for the regression of the left image on the warped one.

    ``sums`` (6, rows of blocks, columns of blocks): of trust, and of trust times left, warped, their product, warped
    squared, and left squared.  ``first`` and ``end`` count rows of blocks; what does not fill a block is left out.
    """
    columns = sums.shape[2]
    sums[:, first:end] = f32(0)
    for j in range(first, end):
        for y in range(j * side, j * side + side):
            for i in range(columns):
                for x in range(i * side, i * side + side):
                    a, b = left[y, x], warped[y, x]
                    known = b == b
                    w = trust[y, x] if known else f32(0)
                    b = b if known else f32(0)
                    sums[0, j, i] += w
                    sums[1, j, i] += w * a
                    sums[2, j, i] += w * b
                    sums[3, j, i] += w * a * b
                    sums[4, j, i] += w * b * b
                    sums[5, j, i] += w * a * a


@compiled
def halve(
    disparity: F32,
    weight: F32,
    pull: F32,
    hold: F32,
    power: F32,
    same: float,
    d: F32,
    w: F32,
    p: F32,
    h: F32,
    q: F32,
    first: int,
    end: int,
) -> None:
    """Blocks of 2 x 2 pixels as one: the mean disparity ``d``, NaN beside a step, and the sums of the products."""
    for j in range(first, end):
        y = 2 * j
        for i in range(d.shape[1]):
            x = 2 * i
            a, b, e, f = disparity[y, x], disparity[y, x + 1], disparity[y + 1, x], disparity[y + 1, x + 1]
            mean = (a + b + e + f) * f32(0.25)
            most = max(max(abs(a - mean), abs(b - mean)), max(abs(e - mean), abs(f - mean)))
            d[j, i] = mean if most < same else f32(np.nan)
            w[j, i] = weight[y, x] + weight[y, x + 1] + weight[y + 1, x] + weight[y + 1, x + 1]
            p[j, i] = pull[y, x] + pull[y, x + 1] + pull[y + 1, x] + pull[y + 1, x + 1]
            h[j, i] = hold[y, x] + hold[y, x + 1] + hold[y + 1, x] + hold[y + 1, x + 1]
            q[j, i] = power[y, x] + power[y, x + 1] + power[y + 1, x] + power[y + 1, x + 1]


@compiled
def lean(
    height: F32,
    across: F32,
    down: F32,
    wide_move: F32,
    wide_sigma: F32,
    stretch: F32,
    half_way: float,
    smooth: F32,
    move: F32,
    sigma: F32,
    first: int,
    end: int,
) -> None:
    """Let ``smooth``, ``move`` and ``sigma`` lean on the wide windows' where their own sigma is large: half at
    ``half_way`` px of the raw image, fully where there is none.  The first five are of blocks of 2 x 2 pixels, and
    ``wide_sigma`` counts each as one, though four make it half as large."""
    for y in range(first, end):
        j = min(y // 2, height.shape[0] - 1)
        oy = f32(0.5) * f32(y - 2 * j) - f32(0.25)
        for x in range(smooth.shape[1]):
            i = min(x // 2, height.shape[1] - 1)
            m = wide_move[j, i]
            if m != m:
                continue
            s = height[j, i] + across[j, i] * (f32(0.5) * f32(x - 2 * i) - f32(0.25)) + down[j, i] * oy
            square = (sigma[y, x] / stretch[y, x]) ** 2
            if square == square and move[y, x] == move[y, x]:
                square = square * square
                a = square / (square + half_way**4)
                smooth[y, x] += a * (s - smooth[y, x])
                move[y, x] += a * (m - move[y, x])
                sigma[y, x] = math.sqrt(((f32(1) - a) * sigma[y, x]) ** 2 + (a * f32(0.5) * wide_sigma[j, i]) ** 2)
            else:
                smooth[y, x], move[y, x], sigma[y, x] = s, m, f32(0.5) * wide_sigma[j, i]
