"""Matching: OpenCV's semi-global matcher in its full 8-path mode, one search range for each strip of rows.

The range of each strip comes from a match of the reduced images, so that the horizon and the ground at the wheels are
both reached while memory stays bounded: the matcher's memory grows with rows x columns x disparities.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.stereo.disparity import Disparity, Reason, RectifiedPair, flag
from stereo3d.stereo.rectify import focal_px, principal_column

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

_BLOCK_PX = 5
_COARSE_WIDTH_PX = 560
_STRIP_ROWS = 128
_STRIP_OVERLAP_ROWS = 24
_MARGIN_PX = 6
_LEFT_RIGHT_PX = 1
_SPECKLE_PX = 250
_SPECKLE_STEP_PX = 1.5
_MIN_CONTRAST = 1.2
"""Standard deviation in a 9 x 9 window, in multiples of the noise, below which a window holds nothing to match."""


@dataclass(frozen=True)
class _Canvas:
    """Both images on one grid of columns counted from the cameras' axes, so that disparity needs no offset."""

    left: U8
    right: U8


def contrast_normalised(image: F32, valid: Bool, window_px: int = 31) -> U8:
    """Local mean removed and local contrast evened out, so that each eye's own stretch and vignetting cancel.

    (rows, columns) uint8 with 128 as the local mean and about 40 DN as the local standard deviation.
    """
    size = (window_px, window_px)
    weight = cv2.blur(valid.astype(np.float32), size)
    np.maximum(weight, 1e-3, out=weight)
    data = np.where(valid, image, np.float32(0))
    mean = cv2.blur(data, size) / weight
    spread = cv2.blur(data * data, size) / weight - mean * mean
    # The floor keeps noise in empty windows from being blown up to texture.
    scale = 40.0 / np.sqrt(np.maximum(spread, 0.0) + (4.0 * noise_dn(image, valid)) ** 2)
    out = 128.0 + (data - mean) * scale
    out[~valid] = 128.0
    normalised: U8 = np.clip(np.rint(out), 0, 255).astype(np.uint8)
    return normalised


def noise_dn(image: F32, valid: Bool) -> float:
    """Standard deviation of the noise, DN, at least 0.1: that of the second difference in the frame's smoothest part.

    The kernel is blind to planes (Immerkaer 1996, "Fast noise variance estimation"); the hundredth of the frame with
    the least response stands for windows without texture.
    """
    second = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32) / 6.0
    response = cv2.filter2D(image, -1, second)
    mean_square = cv2.blur(response * response, (31, 31))[::4, ::4][valid[::4, ::4]]
    return max(float(np.sqrt(np.percentile(mean_square, 1))), 0.1) if mean_square.size else 0.1


def contrast(image: F32, window_px: int = 9) -> F32:
    """Standard deviation of the image in a square window, DN, (rows, columns) float32."""
    size = (window_px, window_px)
    # Centred first, so that squares of large numbers do not cancel.
    data = image - cv2.blur(image, (4 * window_px + 1, 4 * window_px + 1))
    mean = cv2.blur(data, size)
    spread: F32 = cv2.blur(data * data, size) - mean * mean
    return np.sqrt(np.maximum(spread, np.float32(0)))


def _sgbm(left: U8, right: U8, low: int, count: int) -> F32:
    """Disparity of ``left``, px; NaN where left and right do not agree.  ``low`` to ``low + count`` are searched.

    The check compares with the right image's best disparity in the same summed costs.  A second run with the images'
    parts exchanged was tried: it costs as much again and removes hardly another false match.
    """
    # The penalties and the cap were chosen on simulated ground and real pairs together: a heavier second penalty and
    # a lower cap leave fewer holes in dim corners; uniqueness is left to the left-right check.
    matcher = cv2.StereoSGBM.create(
        minDisparity=low,
        numDisparities=count,
        blockSize=_BLOCK_PX,
        P1=12 * _BLOCK_PX**2,
        P2=64 * _BLOCK_PX**2,
        disp12MaxDiff=_LEFT_RIGHT_PX,
        preFilterCap=21,
        uniquenessRatio=0,
        speckleWindowSize=0,
        mode=cv2.STEREO_SGBM_MODE_HH,
    )
    # The matcher gives up the columns that a full range would leave the image by: pad both sides instead.
    before, after = max(low + count, 0), max(-low, 0)
    pads = (0, 0, before, after, cv2.BORDER_REPLICATE)
    fixed = matcher.compute(cv2.copyMakeBorder(left, *pads), cv2.copyMakeBorder(right, *pads))
    fixed = fixed[:, before : before + left.shape[1]]
    out: F32 = fixed.astype(np.float32) / 16.0
    out[fixed < low * 16] = np.nan
    return out


def _on_canvas(pair: RectifiedPair) -> tuple[_Canvas, _Canvas, int]:
    """Normalised images and masks (as 0/1) on one column grid; and the left image's first column in it."""
    offsets = [-round(principal_column(c)) for c in (pair.left_camera, pair.right_camera)]
    first = min(offsets)
    last = max(o + i.shape[1] for o, i in zip(offsets, (pair.left, pair.right), strict=True))

    def place(image: U8, offset: int, fill: int) -> U8:
        before, after = offset - first, last - offset - image.shape[1]
        placed: U8 = cv2.copyMakeBorder(image, 0, 0, before, after, cv2.BORDER_CONSTANT, value=fill)
        return placed

    images = [
        place(contrast_normalised(i, v), o, 128)
        for i, v, o in zip((pair.left, pair.right), (pair.left_valid, pair.right_valid), offsets, strict=True)
    ]
    masks = [place(v.astype(np.uint8), o, 0) for v, o in zip((pair.left_valid, pair.right_valid), offsets, strict=True)]
    return _Canvas(*images), _Canvas(*masks), offsets[0] - first


def _coarse(canvas: _Canvas, masks: _Canvas, most_px: float) -> tuple[F32, int]:
    """Disparity of the reduced images in full-size px, NaN where the eyes do not agree; and the reduction."""
    rows, columns = canvas.left.shape
    reduction = max(1, int(np.ceil(columns / _COARSE_WIDTH_PX)))
    size = (columns // reduction, rows // reduction)
    left, right = (cv2.resize(i, size, interpolation=cv2.INTER_AREA) for i in (canvas.left, canvas.right))
    count = int(np.ceil((most_px / reduction + 4) / 16)) * 16
    of_left = _sgbm(left, right, -4, count)
    of_left[cv2.resize(masks.left, size, interpolation=cv2.INTER_NEAREST) == 0] = np.nan
    kept, _ = cv2.filterSpeckles(np.nan_to_num(of_left * 16, nan=-160).astype(np.int16), -160, 40, 16)[:2]
    of_left[kept == -160] = np.nan
    return of_left * reduction, reduction


def _strips(coarse: F32, reduction: int, rows: int) -> list[tuple[int, int, int, int]]:
    """(first row, end row, lowest disparity, disparities) of each strip; strips without ground are left out."""
    strips = []
    for start in range(0, rows, _STRIP_ROWS):
        end = min(start + _STRIP_ROWS, rows)
        inside = coarse[start // reduction : end // reduction + 1]
        found = inside[np.isfinite(inside)]
        if found.size < 12:
            continue
        # A dozen pixels that agree are a rock; fewer are chance.
        ordered = np.sort(found)
        low = int(np.floor(ordered[min(5, ordered.size - 1)])) - _MARGIN_PX
        high = int(np.ceil(ordered[-min(6, ordered.size)])) + _MARGIN_PX
        strips.append((start, end, low, int(np.ceil((high - low) / 16)) * 16))
    return strips


def match(
    pair: RectifiedPair,
    min_range_m: float = 1.0,
    progress: Callable[[float], None] | None = None,
    threads: int = 2,
) -> Disparity:
    """Disparity of the rectified left image with a reason for each pixel that has none.

    ``min_range_m`` bounds the search; ``progress`` is called with the share done.
    """
    baseline = float(np.linalg.norm(pair.right_camera.C - pair.left_camera.C))
    most = baseline * focal_px(pair.left_camera) / min_range_m
    canvas, masks, shift = _on_canvas(pair)
    rows, columns = canvas.left.shape
    coarse, reduction = _coarse(canvas, masks, most)
    strips = _strips(coarse, reduction, rows)
    values = np.full((rows, columns), np.nan, dtype=np.float32)
    searched = np.zeros(rows, dtype=bool)

    def one(strip: tuple[int, int, int, int]) -> None:
        start, end, low, count = strip
        top, bottom = max(start - _STRIP_OVERLAP_ROWS, 0), min(end + _STRIP_OVERLAP_ROWS, rows)
        values[start:end] = _sgbm(canvas.left[top:bottom], canvas.right[top:bottom], low, count)[
            start - top : end - top
        ]
        searched[start:end] = True

    with ThreadPoolExecutor(max_workers=threads) as pool:
        for done, _ in enumerate(pool.map(one, strips), start=1):
            if progress is not None:
                progress(done / len(strips))
    window = slice(shift, shift + pair.left.shape[1])
    return _judged(pair, values[:, window], searched)


def _judged(pair: RectifiedPair, values: F32, searched: Bool) -> Disparity:
    """Apply masks and speckle filter; give each missing pixel its reason.  ``searched``: (rows,) bool."""
    reason = np.zeros(values.shape, dtype=np.uint16)
    flag(reason, np.isnan(values) & searched[:, None], Reason.LEFT_RIGHT)
    flag(reason, np.isnan(values) & ~searched[:, None], Reason.NO_MATCH)
    low = contrast(pair.left) < _MIN_CONTRAST * noise_dn(pair.left, pair.left_valid)
    flag(reason, low, Reason.LOW_TEXTURE)
    flag(reason, ~pair.left_valid | outside_right(pair, values), Reason.OUTSIDE_OVERLAP)
    fixed = np.where(reason == 0, values * 16.0, -1600).astype(np.int16)
    cv2.filterSpeckles(fixed, -1600, _SPECKLE_PX, int(16 * _SPECKLE_STEP_PX))
    flag(reason, (reason == 0) & (fixed == -1600), Reason.SPECKLE)
    return Disparity(np.where(reason == 0, values, np.nan).astype(np.float32), reason)


def outside_right(pair: RectifiedPair, values: F32) -> Bool:
    """Where the partner of a left pixel at disparity ``values`` falls outside the right image or on its mask."""
    columns = values.shape[1]
    shift = principal_column(pair.left_camera) - principal_column(pair.right_camera)
    x = np.rint(np.arange(columns, dtype=np.float32) - values - shift)
    known: Bool = np.isfinite(x)
    column = np.where(known, x, 0).astype(np.int64)
    inside: Bool = (column >= 0) & (column < pair.right.shape[1])
    partner: Bool = np.take_along_axis(pair.right_valid, np.clip(column, 0, pair.right.shape[1] - 1), axis=1)
    return known & ~(inside & partner)
