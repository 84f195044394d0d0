"""Multi-band blending (Burt and Adelson 1983): fine detail changes sharply at a seam, brightness slowly.

OpenCV's MultiBandBlender is not used: it holds a canvas of 20,000 columns in 16-bit steps and in three more copies,
takes colour alone, and draws the black beyond a frame's rim into the picture.  Here a frame is continued smoothly
beyond its valid pixels before it is split into bands, and each band is divided by the weights gathered in it, so the
rim of the seen shows each frame's own values.  A canvas of 20,000 x 6000 pixels in colour takes 1.5 GB.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

HALO = 3
"""What lies farther off than so many pixels of the coarsest band does not matter to a pixel."""
STRIP_ROWS = 512
PART_COLUMNS = 1024


class MultiBand:
    """A canvas that frames are fed to one after the other.

    ``shape`` is the canvas's (rows, columns), ``channels`` 1 or 3.  ``bands`` is how many times the size is halved; a
    difference of brightness is spread over about 2 ** bands pixels on each side of a seam.
    """

    def __init__(self, shape: tuple[int, int], channels: int = 1, bands: int | None = None) -> None:
        self.shape = shape
        self.channels = channels
        self.bands = default_bands(shape) if bands is None else bands
        grid = 2**self.bands
        rows, columns = (-(-size // grid) * grid for size in shape)
        self._padded = rows, columns
        # The finest band has weight 1 in one frame alone, so it is placed, not summed: half precision is enough.
        self._finest = np.zeros((rows, columns, channels), dtype=np.float16)
        sizes = [(rows >> level, columns >> level) for level in range(1, self.bands + 1)]
        self._sums = [np.zeros((*size, channels), dtype=np.float32) for size in sizes]
        self._weights = [np.zeros(size, dtype=np.float32) for size in sizes]
        self._seen = np.zeros((rows, columns), dtype=np.bool_)
        self._coarse: Array | None = None

    def feed(self, pixels: Array, valid: Mask, own: Mask, column: int, row: int) -> None:
        """Add one frame.

        ``pixels`` (rows, columns[, channels]) on the common scale, ``valid`` where they hold data, ``own`` where the
        picture is to be taken from this frame, ``column`` and ``row`` of the first pixel on the canvas.  Pixels that
        are not valid, or that an earlier frame has taken, are not taken.  Raises ValueError when the frame does not
        lie on the canvas.
        """
        rows, columns = valid.shape
        if self._coarse is not None:
            raise ValueError("the picture is made: no frame can be added")
        if column < 0 or row < 0 or row + rows > self.shape[0] or column + columns > self.shape[1]:
            raise ValueError(f"a frame of {columns} x {rows} px at ({column}, {row}) does not lie on the canvas")
        own = own & valid & ~self._seen[row : row + rows, column : column + columns]
        # A part at a time: what a part's bands take of memory does not grow with the frame.
        for first in range(0, columns, PART_COLUMNS):
            part = own[:, first : first + PART_COLUMNS]
            if part.any():
                self._feed_part(pixels, valid, part, first, (column, row))

    def _feed_part(self, pixels: Array, valid: Mask, own: Mask, first: int, corner: tuple[int, int]) -> None:
        """As ``feed``, with the columns of ``own`` from column ``first`` of the frame on."""
        column, row = corner
        top, bottom, left, right = self._about(own, column + first, row)
        picture, known = self._cut(pixels, valid, (top, bottom, left, right), column, row)
        mask = np.zeros(known.shape, dtype=np.bool_)
        _paste(mask, own, column + first - left, row - top)
        self._seen[top:bottom, left:right] |= mask
        picture = continued(picture, known)
        weight: Array = mask.astype(np.float32)
        for level in range(self.bands + 1):
            place = slice(top >> level, bottom >> level), slice(left >> level, right >> level)
            coarser, band = None, picture
            if level < self.bands:
                coarser = _down(picture)
                band = _up(coarser, weight.shape[:2])
                np.subtract(picture, band, out=band)
            if level == 0:
                limit = float(np.finfo(np.float16).max)
                np.clip(band, -limit, limit, out=band)
                np.copyto(self._finest[place], band, where=mask[..., None], casting="same_kind")
            else:
                self._sums[level - 1][place] += band * weight[..., None]
                self._weights[level - 1][place] += weight
            if coarser is not None:
                picture, weight = coarser, cv2.pyrDown(weight)

    @property
    def seen(self) -> Mask:
        """(rows, columns): where the picture shows something."""
        return self._seen[: self.shape[0], : self.shape[1]]

    def strips(self) -> Iterator[tuple[int, Array]]:
        """The picture from the top: (first row, strip (rows, columns[, channels]) float32, 0 where unseen).

        No frame can be fed afterwards.
        """
        coarse = self._collapsed()
        rows = self._padded[0]
        for first in range(0, self.shape[0], STRIP_ROWS):
            last = min(first + STRIP_ROWS, rows)
            # Two coarse rows more on each side, so that the strip's own border does not matter.
            above, below = max(first // 2 - 2, 0), min(-(-last // 2) + 2, coarse.shape[0])
            base = _up(coarse[above:below], (2 * (below - above), self._padded[1]))
            base = base[first - 2 * above :][: last - first]
            strip = (base + self._finest[first:last])[: self.shape[0] - first, : self.shape[1]]
            strip[~self.seen[first:last]] = 0
            yield first, strip[..., 0] if self.channels == 1 else strip

    def result(self) -> tuple[Array, Mask]:
        """The picture (rows, columns[, channels]) float32, 0 where unseen, and the mask of the seen."""
        size = self.shape if self.channels == 1 else (*self.shape, self.channels)
        out = np.zeros(size, dtype=np.float32)
        for first, strip in self.strips():
            out[first : first + len(strip)] = strip
        return out, self.seen.copy()

    def _collapsed(self) -> Array:
        """Second finest level of the picture: all bands but the finest, put together, in the memory of their sums."""
        while self._sums:
            sums, weights = self._sums.pop(), self._weights.pop()
            for first in range(0, len(sums), STRIP_ROWS):
                part, weight = sums[first : first + STRIP_ROWS], weights[first : first + STRIP_ROWS, :, None]
                part /= np.where(weight > 0, weight, 1)
                part *= weight > 0
            if self._coarse is not None:
                sums += _up(self._coarse, weights.shape)
            self._coarse = sums
        assert self._coarse is not None
        return self._coarse

    def _about(self, own: Mask, column: int, row: int) -> tuple[int, int, int, int]:
        """(top, bottom, left, right) of what ``own`` can matter to, on the grid of the coarsest band."""
        grid = 2**self.bands
        out = []
        for axis, start, size in ((1, row, self._padded[0]), (0, column, self._padded[1])):
            at = np.flatnonzero(own.any(axis=axis))
            first, last = start + int(at[0]), start + int(at[-1]) + 1
            out += [max((first // grid - HALO) * grid, 0), min((-(-last // grid) + HALO) * grid, size)]
        return out[0], out[1], out[2], out[3]

    def _cut(
        self, pixels: Array, valid: Mask, place: tuple[int, int, int, int], column: int, row: int
    ) -> tuple[Array, Mask]:
        """The frame on the rectangle ``place`` of the canvas: its pixels and where they are valid."""
        top, bottom, left, right = place
        known = np.zeros((bottom - top, right - left), dtype=np.bool_)
        _paste(known, valid, column - left, row - top)
        part = np.zeros((*known.shape, self.channels), dtype=np.float32)
        colour = pixels if pixels.ndim == 3 else pixels[..., None]
        _paste(part, np.broadcast_to(colour, (*colour.shape[:2], self.channels)), column - left, row - top)
        return part, known


def default_bands(shape: tuple[int, int]) -> int:
    """So many that a step is spread over some two degrees of a full circle, at most 128 px."""
    return int(np.clip(round(np.log2(max(shape[1], 2) / 80)), 2, 7))


def continued(pixels: Array, known: Mask) -> Array:
    """The pixels (rows, columns, channels), those that are not known replaced, in place, by a smooth continuation.

    By halves: each coarser level is the mean of what is known in the finer one, and fills its holes.
    """
    if known.all():
        return pixels
    pixels[~known] = 0
    weight = known.astype(np.float32)
    behind = _up(_filled(_down(pixels), cv2.pyrDown(weight)), weight.shape)
    np.copyto(pixels, behind, where=~known[..., None])
    return pixels


def _filled(picture: Array, weight: Array) -> Array:
    """``picture`` holds values times ``weight`` 0 to 1; returns the values, with those of weight 0 continued."""
    if min(weight.shape) < 2 or not (weight <= 0).any():
        behind: Array | np.floating = picture.sum(axis=(0, 1)) / max(float(weight.sum()), 1e-20)
    else:
        behind = _up(_filled(_down(picture), cv2.pyrDown(weight)), weight.shape)
    some = weight[..., None] > 0
    return np.where(some, picture / np.where(some, weight[..., None], 1), behind)


def _down(fine: Array) -> Array:
    """Half the size; (rows, columns, channels) as they are, where OpenCV drops a single channel."""
    small = cv2.pyrDown(np.ascontiguousarray(fine))
    return np.asarray(small.reshape(*small.shape[:2], fine.shape[2]))


def _up(coarse: Array, shape: tuple[int, int]) -> Array:
    """Twice the size: ``shape`` (rows, columns)."""
    large = cv2.pyrUp(np.ascontiguousarray(coarse), dstsize=(shape[1], shape[0]))
    return np.asarray(large.reshape(*shape, coarse.shape[2]))


def _paste(canvas: NDArray[np.generic], patch: NDArray[np.generic], column: int, row: int) -> None:
    """Copy the patch to (column, row) of the canvas, as far as it lies on it."""
    rows, columns = canvas.shape[:2]
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + patch.shape[0], rows), min(column + patch.shape[1], columns)
    if top < bottom and left < right:
        canvas[top:bottom, left:right] = patch[top - row : bottom - row, left - column : right - column]
