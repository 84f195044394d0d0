"""Least squares of sub-pixel matches: both images on their way to a solution, see :mod:`stereo3d.stereo.refine`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.image import Image
from stereo3d.observation import StereoPair
from stereo3d.stereo.compression import damage

F32 = NDArray[np.float32]

_BLUR_PX = (0.4, 0.7)
"""Both images are smoothed by this much: finer detail is noise and aliasing, and tells of no shift.  Of these two
numbers the first is for images as the camera saw them, the second for those that JPEG has damaged."""
WINDOW = (5, 2.0)
"""Radius and standard deviation of the window, px."""
_SOFT = (2, 2.0)
"""Radius and standard deviation of the smoothing of the ground's shape, px."""
_WIDE_WINDOW, _WIDE_SOFT = (5, 2.25), (3, 1.75)
"""The same for blocks of 2 x 2 pixels."""
_BLOCK_PX = 1.0
"""A block is of one surface when its disparities lie within this of their mean, px; noise may reach half of it."""
_DETAIL_PX = 0.1
"""Detail of the ground that a window does not follow, px: steep pixels are trusted so much less."""
_LEAN_PX = (0.07, 0.03)
"""Windows of a noise sigma of so many px of the raw image lean half on the wide window, noisier ones soon fully; two
numbers as above."""
_SAME_PX, _GROW, _GROW_WINDOW = 0.25, 0.15, 0.1
"""Neighbours belong to one surface when their disparities differ by less, px, and so much more per px of distance: for
the shape and for the windows."""
MOST_MOVE_PX = 0.5
_WALK_PX = 1.0
_OUTLIER = 2.0
_TONE_PX, _TONE_WIDE_PX, _TONE_BLOCK = 4.0, 12.0, 4
"""Gain and offset are of windows of this standard deviation, px, wider beside depth steps, summed in blocks of pixels.
Told from the shift's own window they would cost a tenth of what it knows."""
_EDGE_REACH, _EDGE_JUMP_PX = 4, 1.0
_EDGE_WINDOW = (3, 2.0)
_LIKENESS_DN, _MOST_UNLIKE_DN = 12.0, 5.0
_APART_PX, _BETTER = 0.35, 0.95
GRID_STEP = 4
_PAD = 10
_BAND_ROWS = 64
_MOST_SIGMA_PX = 1.0
_SIGMA_NOISE, _SIGMA_FLOOR_PX = 0.8, 0.01
_SIGMA_MOVE_PX, _MOVE_PX, _MOVE_POWER, _MOVE_REACH_PX = 0.125, 0.03, 2.3, 2.0
"""What sigma is made of, px of the raw image: a share of the noise that the residual shows, what is always there, and
what the last step still moved (``_SIGMA_MOVE_PX`` for a root mean square of ``_MOVE_PX`` about the pixel), a sign of
ground rougher than a window can follow.  Fitted to simulated ground (seeds 2, 5, 8); the benchmark shows how it holds
on others."""


@dataclass(frozen=True, eq=False)
class Search:
    """Where the partner of each left raw pixel lies: rectified pixel (u - disparity, v), and from there ``grid``."""

    u: F32
    """(rows, columns) float32, column of the rectified right image at disparity 0; -1e4 = none."""
    v: F32
    stretch: F32
    """(rows, columns) float32, px of the rectified image for each px of the left raw image, along the rows."""
    at: F32
    """(rows, columns, 2) float32, the left pixel itself in the rectified left image; -1e4 = none."""
    grid: F32
    """(n, m, 2) float32, right raw pixel of every ``GRID_STEP``-th rectified right pixel."""
    focal_px: float
    """Of the rectified cameras along the rows: disparity / focal_px is baseline / distance along the axis."""


def _bell(radius: int, sigma: float) -> F32:
    """Gaussian weights (2 radius + 1, 2 radius + 1), 1 in the middle."""
    o = np.arange(-radius, radius + 1)
    return np.exp(-(o[:, None] ** 2 + o[None] ** 2) / (2.0 * sigma * sigma)).astype(np.float32)


class Work:
    """The images on their way to a solution, padded by ``_PAD`` px so that windows at the frame's border are whole."""

    def __init__(self, pair: StereoPair, search: Search, values: F32, threads: int) -> None:
        from stereo3d.stereo import edge_kernels, refine_kernels, wide_kernels

        self._kernels: Any = refine_kernels
        self._edge_kernels: Any = edge_kernels
        self._wide_kernels: Any = wide_kernels
        self._threads = threads
        harm = damage(pair)
        self._blur_px = _BLUR_PX[0] + harm * (_BLUR_PX[1] - _BLUR_PX[0])
        self._lean_px = np.float32(_LEAN_PX[0] * (_LEAN_PX[1] / _LEAN_PX[0]) ** harm)
        self._left = self._pad(self._smoothed(pair.left.image), None)
        self._spline = self._spline_of(self._smoothed(pair.right.image))
        self._u, self._v = self._pad(search.u, -1e4), self._pad(search.v, -1e4)
        self._grid = search.grid
        self.values = self._pad(values, np.nan)
        self._begin = self.values
        self._trust = np.ones_like(self.values)
        self._usual = np.full_like(self.values, 1.0)
        self._warped, self._slope, self.last, self.noise = (np.empty_like(self.values) for _ in range(4))
        self._stretch = self._pad(np.maximum(search.stretch, np.float32(1e-6)), 1.0)

    @staticmethod
    def _pad(image: F32, value: float | None) -> F32:
        kind = cv2.BORDER_REPLICATE if value is None else cv2.BORDER_CONSTANT
        out: F32 = cv2.copyMakeBorder(image, _PAD, _PAD, _PAD, _PAD, kind, value=0.0 if value is None else value)
        return out

    @staticmethod
    def cut(image: F32) -> F32:
        """``image`` without the padding."""
        return image[_PAD:-_PAD, _PAD:-_PAD]

    def _smoothed(self, image: Image) -> F32:
        out: F32 = cv2.GaussianBlur(np.ascontiguousarray(image.luminance), (0, 0), self._blur_px)
        return out

    def _spline_of(self, image: F32) -> F32:
        for _ in range(2):
            out = np.empty_like(image)
            self._run(self._kernels.spline_rows, image, out)
            image = np.ascontiguousarray(out.T)
        return image

    def _run(self, kernel: Callable[..., None], *arguments: object, rows: int = 0) -> None:
        """Run a kernel over bands of rows on all threads: ``rows``, or those of the first argument."""
        rows = rows or arguments[0].shape[0]  # type: ignore[attr-defined]
        with ThreadPoolExecutor(self._threads) as pool:
            bands = [(y, min(y + _BAND_ROWS, rows)) for y in range(0, rows, _BAND_ROWS)]
            list(pool.map(lambda band: kernel(*arguments, *band), bands))

    def _warp(self) -> None:
        # The kernel's first argument decides the rows: the left grid's.
        k, grid = self._kernels, (self._grid, np.float32(GRID_STEP))
        self._run(k.warp, self._u, self._v, self.values, self._spline, *grid, self._warped, self._slope)

    def _planes(self) -> tuple[F32, F32, F32]:
        """Height and both slopes of the plane about each pixel."""
        out = tuple(np.empty_like(self.values) for _ in range(3))
        same, grow = np.float32(_SAME_PX), np.float32(_GROW)
        self._run(self._kernels.planes, self.values, _bell(*_SOFT), same, grow, *out)
        return out[0], out[1], out[2]

    def _tone(self, sigma_px: float = _TONE_PX) -> tuple[F32, F32]:
        """Gain and offset from the right image's DN to the left one's, of windows of ``sigma_px``; how well the two
        are correlated there is kept."""
        rows, columns = (n // _TONE_BLOCK for n in self.values.shape)
        sums = np.empty((6, rows, columns), dtype=np.float32)
        self._run(self._wide_kernels.tone_sums, self._left, self._warped, self._trust, _TONE_BLOCK, sums, rows=rows)
        w, a, b, ab, bb, aa = (cv2.GaussianBlur(s, (0, 0), sigma_px / _TONE_BLOCK) for s in sums)
        w = np.maximum(w, np.float32(1e-3))
        a, b = a / w, b / w
        both, right, left = ab / w - a * b, np.maximum(bb / w - b * b, 0), np.maximum(aa / w - a * a, 0)
        self.alike = self._whole(both / np.sqrt(right * left + np.float32(1e-3)))
        gain = np.clip((both + np.float32(0.1)) / (right + np.float32(0.1)), np.float32(0.2), np.float32(5))
        return self._whole(gain), self._whole(a - gain * b)

    def _whole(self, blocks: F32) -> F32:
        """What is known of blocks, at every pixel: linear between their middles."""
        rows, columns = self.values.shape
        inner = (blocks.shape[1] * _TONE_BLOCK, blocks.shape[0] * _TONE_BLOCK)
        out = cv2.resize(blocks, inner, interpolation=cv2.INTER_LINEAR)
        out = cv2.copyMakeBorder(out, 0, rows - inner[1], 0, columns - inner[0], cv2.BORDER_REPLICATE)
        return np.asarray(out)

    def step(self, wide: bool = False) -> None:
        """Warp, solve, move; what does not fit is trusted less next time.

        With ``wide``, pixels whose window holds little texture beside the noise lean on a wider one.
        """
        k, same, grow = self._kernels, np.float32(_SAME_PX), np.float32(_GROW_WINDOW)
        self._warp()
        gain, offset = self._tone()
        bits = [np.empty_like(self.values) for _ in range(4)]
        images = (self._left, self._warped, self._slope, self._trust, self._usual, gain, offset)
        self._run(k.products, *images, np.float32(_DETAIL_PX), *bits)
        smooth = self._planes()[0]
        move, noise = (np.empty_like(self.values) for _ in range(2))
        self._run(k.solve, self.values, *bits, _bell(*WINDOW), same, grow, move, noise)
        rest = self._left - gain * self._warped - offset - np.nan_to_num(move) * gain * self._slope
        if wide:
            self._lean(bits, smooth, move, noise)
        self.last, self.noise = move, noise
        moved = smooth + np.clip(move, -MOST_MOVE_PX, MOST_MOVE_PX)
        moved = np.clip(moved, self._begin - np.float32(_WALK_PX), self._begin + np.float32(_WALK_PX))
        self.values = np.where(np.isfinite(moved), moved, self.values)
        square = np.nan_to_num(rest) ** 2
        self._usual = cv2.GaussianBlur(square, (0, 0), 4.0) + np.float32(0.25)
        self._trust = 1.0 / (1.0 + square / (np.float32(_OUTLIER**2) * self._usual))

    def _lean(self, bits: list[F32], smooth: F32, move: F32, noise: F32) -> None:
        """Solve for wide windows at half the size, which they are smooth enough for, and lean on them where needed."""
        k, same, grow = self._kernels, np.float32(_SAME_PX), np.float32(2 * _GROW)
        shape = (self.values.shape[0] // 2, self.values.shape[1] // 2)
        d, *sums, height, across, down, wide_move, wide_noise = (np.empty(shape, np.float32) for _ in range(10))
        self._run(self._wide_kernels.halve, self.values, *bits, np.float32(_BLOCK_PX), d, *sums, rows=shape[0])
        self._run(k.planes, d, _bell(*_WIDE_SOFT), same, grow, height, across, down)
        solution = (wide_move, wide_noise)
        self._run(k.solve, d, *sums, _bell(*_WIDE_WINDOW), same, grow, *solution)
        out = (smooth, move, noise)
        wide = (height, across, down, *solution)
        self._run(self._wide_kernels.lean, *wide, self._stretch, self._lean_px, *out, rows=smooth.shape[0])

    def sigma_px(self, stretch: F32) -> F32:
        """One sigma of the disparity (rows, columns), px of the rectified images; NaN where there is no solution."""
        known = np.isfinite(self.last)
        square = cv2.GaussianBlur(np.where(known, self.last, np.float32(0)) ** 2, (0, 0), _MOVE_REACH_PX)
        square /= np.maximum(cv2.GaussianBlur(known.astype(np.float32), (0, 0), _MOVE_REACH_PX), np.float32(1e-3))
        moved = self.cut(np.sqrt(square)) / (np.float32(_MOVE_PX) * np.maximum(stretch, np.float32(1e-6)))
        rough = np.float32(_SIGMA_MOVE_PX) * moved ** np.float32(_MOVE_POWER) * stretch
        noise = np.float32(_SIGMA_NOISE) * self.cut(self.noise)
        out: F32 = np.sqrt(rough**2 + noise**2 + (np.float32(_SIGMA_FLOOR_PX) * stretch) ** 2)
        limit = np.float32(_MOST_SIGMA_PX) * stretch
        return np.where(out > limit, limit, out)

    def reassign(self) -> None:
        """Let pixels beside depth steps change to the surface that they look more alike on."""
        self._warp()
        gain, offset = self._tone(_TONE_WIDE_PX)
        _, across, down = self._planes()
        edge = np.empty(self.values.shape, dtype=np.bool_)
        k = self._edge_kernels
        self._run(k.edges, self.values, across, down, _EDGE_REACH, np.float32(_EDGE_JUMP_PX), edge)
        out = self.values.copy()
        self._run(
            k.reassign,
            self._left,
            self._spline,
            self._u,
            self._v,
            self.values,
            across,
            down,
            edge,
            self._grid,
            np.float32(GRID_STEP),
            gain,
            offset,
            _bell(*_EDGE_WINDOW),
            np.float32(_LIKENESS_DN),
            np.float32(_MOST_UNLIKE_DN),
            np.float32(_APART_PX),
            np.float32(_BETTER),
            out,
        )
        self.values = out
        self._begin = np.where(np.abs(out - self._begin) > _WALK_PX, out, self._begin)

    def partners(self) -> F32:
        """(rows, columns, 2): the right raw pixel of each left one."""
        out = np.empty((*self.values.shape, 2), dtype=np.float32)
        self._run(self._kernels.partners, self._u, self._v, self.values, self._grid, np.float32(GRID_STEP), out)
        return out[_PAD:-_PAD, _PAD:-_PAD]
