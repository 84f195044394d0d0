"""Tiles of one shot and eye put together: Mars 2020's cameras deliver a large frame as overlapping parts.

Subframes say where the tiles lie on the sensor.  The raw feed may stretch each on its own, so gain and offset of each
are solved from the overlaps (16 sensor pixels wide or more), against the largest tile, and the overlaps are blended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel
from stereo3d.errors import ImageFileError
from stereo3d.image import Image
from stereo3d.observation import Observation
from stereo3d.read.pixels import MAX_SIDE_PX

Box = tuple[int, int, int, int]
"""(first column, first row, width, height) on the sensor, px, counted from 1."""
Float = NDArray[np.float64]

_MODELS_AGREE_PX = 0.1
_FEWEST_PX = 200
"""Pixels of an overlap that a match of brightness needs at least."""
_PRIOR_GAIN, _PRIOR_OFFSET = 0.3, 30.0
"""How far a stretch is from none, when no overlap tells: standard deviations, the offset in DN of 255."""


@dataclass(frozen=True, eq=False)
class Matched:
    """What :func:`match_stretch` found: ``gain * value + offset`` is a tile's value in the stretch of the first."""

    gain: Float
    """(tiles, channels)."""
    offset: Float
    """(tiles, channels), DN."""


def touching(boxes: Sequence[Box]) -> list[list[int]]:
    """Indices of the boxes in groups that hang together by overlaps, in order of their first members."""
    groups: list[list[int]] = []
    for index in range(len(boxes)):
        meeting = [group for group in groups if any(_overlap(boxes[index], boxes[i]) is not None for i in group)]
        merged = sorted([index, *(i for group in meeting for i in group)])
        groups = [group for group in groups if group not in meeting] + [merged]
    return sorted(groups)


def bounding(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all of them."""
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    return left, top, max(b[0] + b[2] for b in boxes) - left, max(b[1] + b[3] for b in boxes) - top


def assemble(tiles: Sequence[Observation], box: Box | None = None) -> Observation:
    """One observation from the tiles of one shot, eye and scale, on the canvas ``box`` (else as large as needed).

    What no tile covers is not valid.  8-bit tiles stay 8-bit: where their matched values leave 0 to 255 they are
    brought into it together, and only if that would cost half of a tile's contrast the result is float32.

    Raises ImageFileError when the tiles are no parts of one picture: without subframe, of different kinds or scales,
    between whole pixels, with camera models that differ by more than a tenth of a pixel, or larger than 8192 px in all.
    """
    boxes = [_box(tile) for tile in tiles]
    box = bounding(boxes) if box is None else box
    first = max(range(len(tiles)), key=lambda i: boxes[i][2] * boxes[i][3])
    scale = tiles[first].scale_factor
    if len(tiles) == 1 and boxes[0] == box:
        return tiles[0]
    corners = [_corner(tile, box, scale) for tile in tiles]
    width, height = -(-box[2] // scale), -(-box[3] // scale)
    if max(width, height) > MAX_SIDE_PX:
        raise _apart(tiles, f"they are {width} x {height} px in all", f"at most {MAX_SIDE_PX}")
    if len({(tile.image.pixels.dtype, tile.image.pixels.ndim) for tile in tiles}) > 1:
        raise _apart(tiles, "they are of different kinds", "all grey or all colour, of one number type")
    camera = tiles[first].camera.crop(-corners[first][0], -corners[first][1], width, height)
    for tile, (column, row) in zip(tiles, corners, strict=True):
        error = models_differ_px(tile.camera, camera.crop(column, row, tile.camera.width, tile.camera.height))
        if not error <= _MODELS_AGREE_PX:
            raise _apart(tiles, f"their camera models differ by {error:.2f} px", f"at most {_MODELS_AGREE_PX} px")
    image = _blended(tiles, corners, (height, width), match_stretch(tiles, corners, first))
    names = [Path(tile.path).name if tile.path is not None else tile.product_id for tile in tiles]
    more = f" + {len(names) - 2} more" if len(names) > 2 else ""
    return replace(
        tiles[first],
        product_id=_common_id([tile.product_id for tile in tiles]),
        image=image,
        camera=camera,
        subframe=box,
        path=" + ".join([str(tiles[0].path or names[0]), *names[1:2]]) + more,
    )


def models_differ_px(first: CameraModel, second: CameraModel) -> float:
    """How far apart two models of one image map the same points, px: the largest on a grid; NaN when none maps."""
    columns, rows = np.linspace(0, first.width - 1, 9), np.linspace(0, first.height - 1, 7)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    origin, direction = first.ray(grid)
    seen = second.project(np.concatenate([origin + 2.0 * direction, origin + 1000.0 * direction]))
    distance = np.linalg.norm(seen - np.concatenate([grid, grid]), axis=-1)
    return float(np.nanmax(distance)) if np.isfinite(distance).any() else float("nan")


def match_stretch(tiles: Sequence[Observation], corners: Sequence[tuple[int, int]], first: int) -> Matched:
    """Gain and offset of each tile and channel that make all overlaps alike; those of tile ``first`` are 1 and 0.

    Each overlap gives a straight line between the values of its two tiles, fitted robustly; the lines are joined by
    least squares over all tiles.  A stretch that would change no value by half a step is none.
    """
    channels = 1 if tiles[0].image.pixels.ndim == 2 else 3
    gain, offset = np.ones((len(tiles), channels)), np.zeros((len(tiles), channels))
    top = _top(tiles)
    for channel in range(channels):
        rows: list[Float] = []
        right: list[float] = []
        for i in range(len(tiles)):
            for j in range(i):
                values = _shared(tiles[i], corners[i], tiles[j], corners[j], channel, top)
                line = _line(*values) if values is not None else None
                if line is None:
                    continue
                # Both tiles' corrected values are equal at two points of the line.
                for x, y, sigma in line:
                    row = np.zeros(2 * len(tiles))
                    row[[2 * i, 2 * i + 1]], row[[2 * j, 2 * j + 1]] = (x, 1.0), (-y, -1.0)
                    rows.append(row / sigma)
                    right.append(0.0)
        for i in range(len(tiles)):
            tight = 1e-6 if i == first else 1.0
            for part, (value, sigma) in enumerate(((1.0, _PRIOR_GAIN), (0.0, _PRIOR_OFFSET * top / 255.0))):
                row = np.zeros(2 * len(tiles))
                row[2 * i + part] = 1.0 / (sigma * tight)
                rows.append(row)
                right.append(value / (sigma * tight))
        solution = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0].reshape(-1, 2)
        gain[:, channel], offset[:, channel] = solution[:, 0], solution[:, 1]
    step = 1.0 if tiles[0].image.pixels.dtype.kind == "u" else top * 1e-3
    for i, tile in enumerate(tiles):
        low, high = float(tile.image.pixels.min()), float(tile.image.pixels.max())
        change = [np.abs((gain[i] - 1.0) * value + offset[i]) for value in (low, high)]
        if i == first or max(float(c.max()) for c in change) < 0.5 * step or not (gain[i] > 0.05).all():
            gain[i], offset[i] = 1.0, 0.0
    return Matched(gain, offset)


def _blended(
    tiles: Sequence[Observation], corners: Sequence[tuple[int, int]], shape: tuple[int, int], matched: Matched
) -> Image:
    """The canvas (rows, columns): every tile in the stretch of the first; weights fall linearly over the overlaps."""
    channels = matched.gain.shape[1]
    total = np.zeros((*shape, channels), dtype=np.float32)
    weights = np.zeros(shape, dtype=np.float32)
    for k, (tile, (column, row)) in enumerate(zip(tiles, corners, strict=True)):
        values = tile.image.pixels.reshape(*tile.image.pixels.shape[:2], channels).astype(np.float32)
        values = values * matched.gain[k].astype(np.float32) + matched.offset[k].astype(np.float32)
        weight = _ramp(k, tiles, corners) * tile.image.valid
        part = (slice(row, row + tile.image.height), slice(column, column + tile.image.width))
        total[part] += values * weight[..., None]
        weights[part] += weight
    seen = weights > 0
    np.divide(total, weights[..., None], out=total, where=seen[..., None])
    pixels = _like(tiles, total, seen, float(matched.gain.min()))
    return Image(pixels[..., 0] if tiles[0].image.pixels.ndim == 2 else pixels, seen)


def _like(
    tiles: Sequence[Observation], total: NDArray[np.float32], seen: NDArray[np.bool_], least_gain: float
) -> NDArray[np.generic]:
    """The matched values in the tiles' own number type, without clipping; float32 where that would lose contrast."""
    kind = tiles[0].image.pixels.dtype
    if kind.kind != "u":
        return total
    top = float(np.iinfo(str(kind)).max)
    low, high = min(float(total[seen].min()), 0.0), max(float(total[seen].max()), top)
    squeeze = top / (high - low)
    if squeeze * least_gain < 0.5:
        return total
    total -= np.float32(low)
    total *= np.float32(squeeze)
    total[~seen] = 0.0
    return np.rint(total).astype(kind)


def _ramp(k: int, tiles: Sequence[Observation], corners: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """(rows, columns) weights of tile ``k``: 1 inside, falling linearly over the overlap towards each neighbour."""
    height, width = tiles[k].image.height, tiles[k].image.width
    depth = {"left": 0, "right": 0, "top": 0, "bottom": 0}
    for other, (column, row) in zip(tiles, corners, strict=True):
        left, top = column - corners[k][0], row - corners[k][1]
        right, bottom = left + other.image.width, top + other.image.height
        if other is tiles[k] or right <= 0 or bottom <= 0 or left >= width or top >= height:
            continue
        # A neighbour is beside, or above or below, by where it overlaps least; one at a corner is both.
        if left <= 0 < right < width:
            depth["left"] = max(depth["left"], right)
        if 0 < left < width <= right:
            depth["right"] = max(depth["right"], width - left)
        if top <= 0 < bottom < height:
            depth["top"] = max(depth["top"], bottom)
        if 0 < top < height <= bottom:
            depth["bottom"] = max(depth["bottom"], height - top)
    across = _edge(width, depth["left"], depth["right"])
    return (_edge(height, depth["top"], depth["bottom"])[:, None] * across[None, :]).astype(np.float32)


def _edge(count: int, before: int, after: int) -> Float:
    at = np.arange(count) + 0.5
    weight = np.ones(count)
    if before:
        weight = np.minimum(weight, at / before)
    if after:
        weight = np.minimum(weight, (count - at) / after)
    return weight


def _shared(
    a: Observation, at: tuple[int, int], b: Observation, bt: tuple[int, int], channel: int, top: float
) -> tuple[Float, Float] | None:
    """The values (n,) of both tiles where they overlap, neither missing nor saturated; None when they are too few."""
    left, upper = max(at[0], bt[0]), max(at[1], bt[1])
    right = min(at[0] + a.image.width, bt[0] + b.image.width)
    lower = min(at[1] + a.image.height, bt[1] + b.image.height)
    if right <= left or lower <= upper:
        return None
    values = []
    good = np.ones((lower - upper, right - left), dtype=np.bool_)
    for tile, (column, row) in ((a, at), (b, bt)):
        part = (slice(upper - row, lower - row), slice(left - column, right - column))
        pixels = tile.image.pixels[part].reshape(*good.shape, -1)[..., channel].astype(np.float64)
        good &= tile.image.valid[part] & (pixels > 0) & (pixels < top)
        values.append(pixels)
    if good.sum() < _FEWEST_PX:
        return None
    return values[0][good], values[1][good]


def _line(x: Float, y: Float) -> list[tuple[float, float, float]] | None:
    """Two points (x, y) of the line between two tiles' values, with the standard deviation of a corrected value there.

    It begins with the line through two pixels, of 500 pairs tried, off which the median pixel lies least: two pixels in
    five may be wrong.  Then what lies far off is left out, and the slope is the ratio of the spreads, which treats
    both tiles alike.  None when the values do not follow each other.
    """
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, x.size, (2, 500))
    some = rng.integers(0, x.size, 2000)
    run, rise = x[second] - x[first], y[second] - y[first]
    usable = (np.abs(run) > 0) & (rise * run > 0)
    if not usable.any():
        return None
    slopes = rise[usable] / run[usable]
    shifts = y[first[usable]] - slopes * x[first[usable]]
    # Distances off a line are compared in both tiles' values, so that a flat line is no better than a steep one.
    off = np.abs(y[some] - shifts[:, None] - slopes[:, None] * x[some]) / np.sqrt(slopes)[:, None]
    best = int(np.argmin(np.median(off, axis=1)))
    slope, shift = float(slopes[best]), float(shifts[best])
    points: list[tuple[float, float, float]] = []
    for _ in range(4):
        residual = np.abs(y - shift - slope * x)
        noise = 1.4826 * float(np.median(residual)) + 0.3
        good = residual < 3.0 * noise
        middle = float(x[good].mean()), float(y[good].mean())
        spread = float(x[good].std()), float(y[good].std())
        together = float(((x[good] - middle[0]) * (y[good] - middle[1])).mean())
        if good.sum() < _FEWEST_PX or min(spread) < 1e-6 or together < 0.5 * spread[0] * spread[1]:
            return None
        slope = spread[1] / spread[0]
        shift = middle[1] - slope * middle[0]
        sigma = noise / float(np.sqrt(good.sum()))
        points = [(middle[0] + s * spread[0], middle[1] + s * spread[1], sigma) for s in (-1.0, 1.0)]
    return points


def _overlap(a: Box, b: Box) -> Box | None:
    left, top = max(a[0], b[0]), max(a[1], b[1])
    width, height = min(a[0] + a[2], b[0] + b[2]) - left, min(a[1] + a[3], b[1] + b[3]) - top
    return (left, top, width, height) if min(width, height) > 0 else None


def _box(tile: Observation) -> Box:
    if tile.subframe is None:
        raise _apart([tile], "there is no subframe", "the place on the sensor of each")
    return tile.subframe


def _corner(tile: Observation, box: Box, scale: int) -> tuple[int, int]:
    """The tile's first pixel on the canvas (column, row)."""
    own = _box(tile)
    column, row = own[0] - box[0], own[1] - box[1]
    size = tile.image.width * scale, tile.image.height * scale
    if tile.scale_factor != scale or column % scale or row % scale:
        raise _apart([tile], "it is of another scale, or between whole pixels", f"steps of {scale} sensor pixels")
    if column < 0 or row < 0 or column + size[0] > box[2] + scale - 1 or row + size[1] > box[3] + scale - 1:
        raise _apart([tile], f"its subframe {own} is not of its size {size}", "a subframe of the image's size")
    return column // scale, row // scale


def _top(tiles: Sequence[Observation]) -> float:
    kind = tiles[0].image.pixels.dtype
    return float(np.iinfo(str(kind)).max) if kind.kind == "u" else max(float(t.image.pixels.max()) for t in tiles)


def _common_id(ids: Sequence[str]) -> str:
    """The product ids in one: the parts in which they differ joined by "-"."""
    if len({len(name) for name in ids}) > 1:
        return f"{ids[0]}-and-{len(ids) - 1}-more"[:100]
    differ = [i for i in range(len(ids[0])) if len({name[i] for name in ids}) > 1]
    if not differ:
        return ids[0]
    start, end = differ[0], differ[-1] + 1
    while start > 0 and ids[0][start - 1].isdigit():
        start -= 1
    part = f"{ids[0][start:end]}-{ids[-1][start:end]}"
    return (ids[0][:start] + part + ids[0][end:])[:100]


def _apart(tiles: Sequence[Observation], what: str, expected: str) -> ImageFileError:
    return ImageFileError(
        f"the tiles cannot be put together: {what}",
        file=" and ".join(str(tile.path or tile.product_id) for tile in tiles[:2]),
        expected=expected,
    )
