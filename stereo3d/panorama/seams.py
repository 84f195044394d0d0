"""Seams: which frame each pixel of the canvas is taken from, and how far the frames differ along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.panorama.blend import continued
from stereo3d.panorama.cells import overlap, rectangle
from stereo3d.panorama.layer import Layer

Array = NDArray[np.float32]
Labels = NDArray[np.int16]

UNSEEN = -1
WORTH = 0.4
"""A frame may give a pixel only where its weight is at least this share of the best frame's weight there."""
SLOPE_PX = 4.0
"""Sigma of the blur over which slopes of brightness are taken."""
_REACH = 4
"""Small pixels that smoothing the seams reaches."""
_STRIP_ROWS = 512
STEP_WINDOW_PX = 9
"""Steps are means over windows of this side about each pixel of the seam: noise is no step."""


@dataclass(frozen=True)
class SeamStep:
    """The step along the seam of two frames."""

    first: int
    second: int
    """Numbers of the layers."""
    length_px: int
    """Pixels of the seam at which it could be measured."""
    step: float
    """Mean absolute step, as a share of the range."""


@dataclass(frozen=True)
class SeamSteps:
    """The steps along all seams."""

    seams: tuple[SeamStep, ...]

    @property
    def mean(self) -> float:
        """Mean over all pixels of seams, as a share of the range; NaN without a seam."""
        length = sum(s.length_px for s in self.seams)
        return sum(s.step * s.length_px for s in self.seams) / length if length else float("nan")


def choose(layers: Sequence[Layer], corrected: Sequence[Array], shape: tuple[int, int]) -> Labels:
    """(rows, columns) int16: number of the layer that each pixel is taken from, UNSEEN where no layer is valid.

    ``corrected`` are the layers' pixels on one scale of brightness, ``shape`` the (rows, columns) of the canvas.  The
    seam of two frames is a minimal cut where their brightness differs least, so it goes around what parallax or time
    has moved (OpenCV's GraphCutSeamFinder).  Rims of a frame are used only where no other frame is much better.
    """
    best, covered = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.uint8)
    inner = [cv2.erode(_bytes(layer.valid), np.ones((3, 3)), borderValue=0) > 0 for layer in layers]
    for layer, core in zip(layers, inner, strict=True):
        at = _at(layer)
        best[at] = np.maximum(best[at], np.where(layer.valid, layer.weight, 0))
        covered[at] |= core
    # The outermost pixel of a frame may hold nothing at the full size: it is used where nothing else is.
    masks = [
        _bytes(np.where(covered[_at(layer)] > 0, core, layer.valid) & (layer.weight >= WORTH * best[_at(layer)]))
        for layer, core in zip(layers, inner, strict=True)
    ]
    if len(layers) > 1:
        finder = cv2.detail.GraphCutSeamFinder("COST_COLOR")
        corners = [(layer.column, layer.row) for layer in layers]
        # The stubs ask for UMat; arrays are as good.
        found = finder.find(_pictures(layers, corrected), corners, masks)  # type: ignore[arg-type]
        masks = [_plain(mask) for mask in found]
    labels = np.full(shape, UNSEEN, dtype=np.int16)
    chosen = np.full(shape, -1.0, dtype=np.float32)
    for number, (layer, mask) in enumerate(zip(layers, masks, strict=True)):
        # What no mask holds any more goes to the best frame that has it.
        rank = np.where(mask > 0, 2.0 + layer.weight, layer.weight)
        better = layer.valid & (rank > chosen[_at(layer)])
        labels[_at(layer)][better] = number
        chosen[_at(layer)][better] = rank[better]
    return labels


def region(labels: Labels, number: int, place: tuple[int, int, int, int], scale: float) -> NDArray[np.bool_]:
    """Which pixels of a rectangle of a larger canvas are taken from layer ``number``.

    ``place`` is (column, row, rows, columns) on a canvas that is ``scale`` times the one of ``labels``.  The seams are
    smoothed, and each pixel belongs to one layer alone; unseen pixels go with the nearest layer, so that the valid
    pixels of the larger canvas decide what is seen.
    """
    column, row, rows, columns = place
    extended = _extended(labels)
    out = np.empty((rows, columns), dtype=np.bool_)
    for first in range(0, rows, _STRIP_ROWS):
        strip = column, row + first, min(_STRIP_ROWS, rows - first), columns
        out[first : first + strip[2]] = _strip(extended, number, strip, scale)
    return out


def _strip(extended: Labels, number: int, place: tuple[int, int, int, int], scale: float) -> NDArray[np.bool_]:
    """As :func:`region`, of labels without unseen pixels."""
    column, row, rows, columns = place
    down, across = (_between_centres(start, size, scale) for start, size in ((row, rows), (column, columns)))
    # All that is interpolated, and what the blur reaches beyond it.
    top, left = (max(int(first[0]) - _REACH, 0) for first, _ in (down, across))
    small = extended[top : int(down[0][-1]) + _REACH + 2, left : int(across[0][-1]) + _REACH + 2]

    def share(other: int) -> Array:
        # Whole numbers: the same pixel of the canvas must come out alike in every rectangle, or it belongs to none.
        sharp = cv2.GaussianBlur((small == other) * np.float32(4096), (0, 0), 0.7, borderType=cv2.BORDER_REPLICATE)
        return _interpolated(_interpolated(np.rint(sharp), down, top).T, across, left).T

    own = share(number)
    out = own > 0
    for other in np.unique(small):
        if other not in (number, UNSEEN):
            theirs = share(int(other))
            out &= (own > theirs) if other < number else (own >= theirs)
    return np.asarray(out)


def _between_centres(start: int, size: int, scale: float) -> tuple[NDArray[np.intp], Array]:
    """For pixels of the large canvas along an axis: the small pixel before each, and the share of the one after it."""
    at = (np.arange(start, start + size) + 0.5) / scale - 0.5
    before = np.floor(at)
    return before.astype(np.intp), (at - before).astype(np.float32)


def _interpolated(values: Array, between: tuple[NDArray[np.intp], Array], first: int) -> Array:
    """The values (small, ...), which begin at ``first``, at places along their first axis (large, ...)."""
    before, after = between
    low, high = (np.clip(before + k - first, 0, len(values) - 1) for k in (0, 1))
    share = after[:, None]
    out: Array = values[low] * (1 - share) + values[high] * share
    return out


def seam_steps(
    layers: Sequence[Layer], pixels: Sequence[Array], labels: Labels, value_range: float, picture: Array | None = None
) -> SeamSteps:
    """The steps along the seams of ``labels``, as shares of ``value_range`` (DN).

    ``pixels`` are the layers' as delivered or corrected; ``picture`` (rows, columns[, channels]) is what was made of
    them, without it the layers are taken as laid side by side.  The step at a pixel of a seam between A and B is the
    mean of picture - (A + B) / 2 on A's side less that on B's side, within a window where both frames see: for layers
    laid side by side that is the mean of A - B, and for a picture without a step it is 0 whatever it shows.
    """
    seams = []
    for i, j in combinations(range(len(layers)), 2):
        at = overlap(rectangle(layers[i]), rectangle(layers[j]))
        if at is None:
            continue
        a, b = (_brightness(pixels[k][s]) for k, s in zip((i, j), at, strict=True))
        both = layers[i].valid[at[0]] & layers[j].valid[at[1]]
        top, left = layers[i].row + at[0][0].start, layers[i].column + at[0][1].start
        place = slice(top, top + a.shape[0]), slice(left, left + a.shape[1])
        here = labels[place]
        shown = np.where(here == i, a, b) if picture is None else _brightness(picture[place])
        along = _between(here, i, j) & both
        excess = np.where(both, shown - 0.5 * (a + b), 0).astype(np.float32)
        sides = [_window_mean(excess, both & (here == k)) for k in (i, j)]
        known = along & np.isfinite(sides[0]) & np.isfinite(sides[1])
        if known.any():
            step = float(np.abs(sides[0][known] - sides[1][known]).mean()) / value_range
            seams.append(SeamStep(i, j, int(known.sum()), step))
    return SeamSteps(tuple(seams))


def _between(labels: Labels, i: int, j: int) -> NDArray[np.bool_]:
    """Pixels of ``i`` that have a neighbour of ``j``."""
    theirs = cv2.dilate(_bytes(labels == j), np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.uint8))
    return np.asarray((labels == i) & (theirs > 0))


def _window_mean(values: Array, mask: NDArray[np.bool_]) -> Array:
    """Mean of the masked values in the window about each pixel, NaN where there are none."""
    size = (STEP_WINDOW_PX, STEP_WINDOW_PX)
    weight = mask.astype(np.float32)
    count = cv2.boxFilter(weight, -1, size, borderType=cv2.BORDER_CONSTANT)
    total = cv2.boxFilter(values * weight, -1, size, borderType=cv2.BORDER_CONSTANT)
    return np.where(count > 0.5 / STEP_WINDOW_PX**2, total / np.maximum(count, 1e-6), np.nan).astype(np.float32)


def _pictures(layers: Sequence[Layer], corrected: Sequence[Array]) -> list[Array]:
    """(rows, columns, 3) of each layer: brightness 0 to 255, as the costs of OpenCV's seam finder want it, and slopes.

    Where a rock stands at two places that overlap, both frames are as dark between its two edges: there the brightness
    alone would let the seam through, and show a rock too long.  The slopes over some pixels have opposite signs there.
    """
    bright = [_brightness(c) for c in corrected]
    inside = np.concatenate([b[layer.valid][::7] for layer, b in zip(layers, bright, strict=True)])
    low, high = np.percentile(inside, [0.5, 99.5]) if inside.size else (0.0, 1.0)
    out = []
    for layer, b in zip(layers, bright, strict=True):
        scaled = np.clip((b - low) * (255 / max(high - low, 1e-6)), 0, 255).astype(np.float32)
        known = continued(scaled[..., None], layer.valid)[..., 0]
        smooth = cv2.GaussianBlur(known, (0, 0), SLOPE_PX)
        # The slope of a blurred edge times this is the edge's height.
        height = SLOPE_PX * np.sqrt(2 * np.pi)
        slopes = [height * np.gradient(smooth, axis=axis) if min(b.shape) > 1 else smooth for axis in (0, 1)]
        out.append(np.stack([known, *slopes], axis=-1).astype(np.float32))
    return out


def _extended(labels: Labels) -> Labels:
    """The labels with every unseen pixel given the label nearest to it."""
    unseen = labels == UNSEEN
    if not unseen.any() or unseen.all():
        return labels
    _, nearest = cv2.distanceTransformWithLabels(_bytes(unseen), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    of_number = np.zeros(int(nearest.max()) + 1, dtype=np.int16)
    of_number[nearest[~unseen]] = labels[~unseen]
    return np.asarray(of_number[nearest])


def _brightness(pixels: Array) -> Array:
    return pixels if pixels.ndim == 2 else np.asarray(pixels.mean(axis=2), dtype=np.float32)


def _at(layer: Layer) -> tuple[slice, slice]:
    return slice(layer.row, layer.row + layer.height), slice(layer.column, layer.column + layer.width)


def _bytes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(mask).astype(np.uint8) * np.uint8(255)


def _plain(mask: NDArray[np.uint8] | cv2.UMat) -> NDArray[np.uint8]:
    return np.asarray(mask.get() if isinstance(mask, cv2.UMat) else mask)
