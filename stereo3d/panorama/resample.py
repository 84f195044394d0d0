"""Frames onto the canvas: canvas pixel -> ray -> place on the surface -> pixel of the frame -> :class:`Layer`.

Rays, surface and camera are worked out at the nodes of a coarse grid, about 0.3 degrees apart, and interpolated
between: that is exact to some 0.01 px of a frame, but for a cell's width about the edge of a near rock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel, pixel_grid
from stereo3d.frames import locked
from stereo3d.observation import Eye, Observation
from stereo3d.panorama.layer import Layer
from stereo3d.panorama.projection import Projection, Vertical
from stereo3d.panorama.surface import FAR_M, Surface
from stereo3d.stereo.masks import rover, vignette

Box = tuple[slice, slice]
"""A rectangle of a canvas's nodes: rows and columns."""
F32 = NDArray[np.float32]
Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

_NODE_DEG = 0.3
_MAP_STEP_PX = 4
_SCOUT_PX = 64
_BAND_ROWS = 512
_RIM_PX = 3
"""The outermost pixels of a frame, and those beside what is masked, are not used: the resampling reaches over them."""
_CORNER_SHARE = 0.015
"""Of the frame's width."""
_DEPTH_PX, _LEAST_DEPTHS = 8, 40
_HIDDEN_SHARE = 0.05
"""What lies further than what the frame sees there, by this share, stands behind it."""
_HIDDEN_WEIGHT = 0.05
_DOUBT_DEG = 6.0
"""The weight is halved where the canvas and the frame look at a place from directions that differ by so much."""


@dataclass(frozen=True, eq=False)
class Source:
    """A frame ready to be resampled."""

    name: str
    eye: Eye
    camera: CameraModel
    """In LOCAL_LEVEL."""
    pixels: NDArray[np.generic]
    """(rows, columns[, 3]) uint8, uint16 or float32, DN; grey, and a mosaic filtered, where the frame has no colour."""
    usable: Bool
    """(rows, columns): data, neither black with vignetting nor (where that is asked) the rover."""
    nearness: F32
    """(rows / about 8, columns / about 8) 1/m: 1 / distance of what a grid of pixels sees, its corners those of the
    frame; 0 for infinitely far."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "usable", locked(self.usable, np.bool_))
        object.__setattr__(self, "nearness", locked(self.nearness, np.float32))

    @cached_property
    def px_per_deg(self) -> float:
        """In the middle of the frame."""
        middle = 0.5 * np.array([self.camera.width - 1, self.camera.height - 1])
        rays = self.camera.ray(middle + np.array([[0.0, 0.0], [1.0, 0.0]]))[1]
        return 1.0 / math.degrees(math.acos(float(np.clip(rays[0] @ rays[1], -1.0, 1.0))))


def make_source(observation: Observation, surface: Surface, hide_rover: bool = False) -> Source:
    """The frame in LOCAL_LEVEL with the mask of its usable pixels, looking at ``surface``.

    NaN of float images counts as missing.  ``hide_rover`` leaves out the rover's envelope, where it is published.
    """
    image = observation.image
    # Beside the black corners the lens's fall-off is steeper than any correction.
    usable = image.valid & _eroded(~vignette(observation), round(_CORNER_SHARE * image.width), border=True)
    pixels: NDArray[np.generic] = image.luminance if image.is_mosaic else image.pixels
    if pixels.dtype == np.float32:
        known = np.isfinite(pixels.reshape(*usable.shape, -1)).all(axis=2)
        usable = usable & known
        pixels = np.where(known.reshape(*usable.shape, *(1,) * (pixels.ndim - 2)), pixels, np.float32(0.0))
    if hide_rover:
        usable &= ~rover(observation)
    camera = observation.camera.moved(observation.level_from_rover)
    shape = (max(_LEAST_DEPTHS, camera.height // _DEPTH_PX), max(_LEAST_DEPTHS, camera.width // _DEPTH_PX))
    nearness = surface.nearness(*camera.ray(_spread(camera, shape)))
    return Source(observation.product_id, observation.eye, camera, pixels, _eroded(usable, _RIM_PX), nearness)


def _spread(camera: CameraModel, shape: tuple[int, int]) -> Float:
    """Pixels (rows, columns, 2) of a grid of ``shape`` over the whole frame, from corner to corner."""
    share = np.array([(camera.width - 1) / (shape[1] - 1), (camera.height - 1) / (shape[0] - 1)])
    return np.asarray(pixel_grid(shape[1], shape[0]) * share)


def _eroded(mask: Bool, px: int, border: bool = False) -> Bool:
    """(rows, columns): True only where all is True within ``px``; what is beyond the border is ``border``."""
    kernel = np.ones((2 * px + 1, 2 * px + 1), np.uint8)
    out: Bool = cv2.erode(mask.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=int(border)) > 0
    return out


class Canvas:
    """A projection with the surface that its rays meet."""

    def __init__(self, projection: Projection, surface: Surface, node_deg: float = _NODE_DEG) -> None:
        """``node_deg``: how far apart the nodes may be."""
        self.projection = projection
        self.step = _node_step(projection, node_deg)
        """Canvas pixels between nodes."""
        columns = -(-(projection.width - 1) // self.step) + 1
        rows = -(-(projection.height - 1) // self.step) + 1
        self._nearness = np.empty((rows, columns), dtype=np.float32)
        self._curtain = np.zeros((rows, columns), dtype=bool)
        band = max(1, (1 << 18) // columns)
        for top in range(0, rows, band):
            part = slice(top, min(top + band, rows))
            rays = projection.rays(self._nodes(part, slice(0, columns)))
            self._nearness[part] = surface.nearness(*rays)
            if isinstance(projection, Vertical):
                self._curtain[part] = surface.curtain(*rays)

    def _nodes(self, rows: slice, columns: slice, stride: int = 1) -> Float:
        """Canvas pixels (..., 2) of nodes."""
        x = np.arange(columns.start, columns.stop, stride, dtype=np.float64) * self.step
        y = np.arange(rows.start, rows.stop, stride, dtype=np.float64) * self.step
        return np.stack(np.meshgrid(x, y), axis=-1)

    def _points(self, rows: slice, columns: slice, stride: int = 1) -> tuple[Float, Float, F32]:
        """Places (..., 3), m, ray directions and nearness at nodes; what is infinitely far stands at ``FAR_M``."""
        origins, directions = self.projection.rays(self._nodes(rows, columns, stride))
        near = self._nearness[rows.start : rows.stop : stride, columns.start : columns.stop : stride]
        return origins + directions / np.maximum(near, 1.0 / FAR_M)[..., None], directions, near

    def layers(self, source: Source) -> list[Layer]:
        """The frame on this canvas: none where it does not meet it, two where it crosses the cut of a full circle."""
        return [layer for box in self.boxes(source) if (layer := self.layer(source, box)) is not None]

    def bands(self, box: Box) -> list[Box]:
        """The box in parts of some hundred rows: what it takes to resample them does not grow with the canvas."""
        rows, columns = box
        count = max(1, _BAND_ROWS // self.step)
        starts = range(rows.start, rows.stop - 1, count) if rows.stop - rows.start > 1 else [rows.start]
        return [(slice(start, min(start + count + 1, rows.stop)), columns) for start in starts]

    def rectangle(self, box: Box) -> tuple[int, int, int, int]:
        """(column, row, rows, columns) of a box in canvas pixels."""
        rows, columns = box
        left, top = columns.start * self.step, rows.start * self.step
        height = min((rows.stop - 1 - rows.start) * self.step + 1, self.projection.height - top)
        return left, top, height, min((columns.stop - 1 - columns.start) * self.step + 1, self.projection.width - left)

    def boxes(self, source: Source) -> list[Box]:
        """Rectangles of nodes (rows, columns) that hold what the frame may cover."""
        rows, columns = self._nearness.shape
        stride = max(1, _SCOUT_PX // self.step)
        points, _, _ = self._points(slice(0, rows), slice(0, columns), stride)
        pixels = source.camera.project(points)
        reach = 0.05 * max(source.camera.width, source.camera.height)
        size = np.array([source.camera.width, source.camera.height])
        with np.errstate(invalid="ignore"):
            near = ((pixels > -reach) & (pixels < size + reach)).all(axis=-1)
        near = cv2.dilate(near.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        runs = np.flatnonzero(np.diff(np.concatenate([[0], near.any(axis=0).astype(np.int8), [0]])))
        boxes = []
        for first, end in zip(runs[::2].tolist(), runs[1::2].tolist(), strict=True):
            used = np.flatnonzero(near[:, first:end].any(axis=1))
            boxes.append(
                (
                    slice(int(used[0]) * stride, min(int(used[-1]) * stride + stride + 1, rows)),
                    slice(first * stride, min(end * stride + 1, columns)),
                )
            )
        return boxes

    def layer(self, source: Source, box: Box) -> Layer | None:
        """The frame within a box; None where it does not meet it."""
        rows, columns = box
        points, directions, near = self._points(rows, columns)
        camera, p, step = source.camera, self.projection, self.step
        away = points - camera.C
        distance = np.linalg.norm(away, axis=-1)
        doubt = np.degrees(np.arccos(np.clip(np.einsum("...i,...i", away, directions) / distance, -1.0, 1.0)))
        goodness = 1.0 / (1.0 + (doubt / _DOUBT_DEG) ** 2)
        found = camera.project(points).astype(np.float32)
        hidden = _hidden(source, found, distance) & (near > 0.0)
        goodness[hidden] *= _HIDDEN_WEIGHT
        left, top, *size = self.rectangle(box)
        shape = (size[0], size[1])
        x, y = (_between(found[..., k], step, shape) for k in (0, 1))
        with np.errstate(invalid="ignore"):
            inside = (x >= 0.0) & (y >= 0.0) & (x <= camera.width - 1.0) & (y <= camera.height - 1.0)
        used_rows, used_columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if not used_rows.size:
            return None
        tight = slice(used_rows[0], used_rows[-1] + 1), slice(used_columns[0], used_columns[-1] + 1)
        x, y, inside = x[tight], y[tight], inside[tight]
        x[~inside], y[~inside] = -1.0, -1.0
        usable = source.usable.astype(np.uint8) * np.uint8(255)
        valid = inside & (cv2.remap(usable, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT) == 255)
        if isinstance(p, Vertical):
            # On a map, what stands before a place is no picture of it; elsewhere a sliver of it beats a hole.
            hidden |= self._curtain[rows, columns]
            valid &= _between(hidden.astype(np.float32), step, shape)[tight] < 0.5
        if not valid.any():
            return None
        pixels = sampled(source.pixels, x, y, self._reduction(source))
        pixels[~valid] = 0.0
        w, h = camera.width - 1.0, camera.height - 1.0
        edge = np.minimum(np.minimum(x, w - x), np.minimum(y, h - y)) / np.float32(0.5 * min(w, h))
        weight = np.clip(edge, 0.0, 1.0) * _between(goodness.astype(np.float32), step, shape)[tight]
        position = np.stack([x - np.float32(0.5 * w), y - np.float32(0.5 * h)], axis=-1)
        position /= np.float32(0.5 * math.hypot(w, h))
        position[~valid], weight[~valid] = 0.0, 0.0
        return Layer(
            name=source.name,
            eye=source.eye,
            column=left + int(used_columns[0]),
            row=top + int(used_rows[0]),
            pixels=pixels,
            valid=valid,
            position=position,
            weight=weight,
        )

    def _reduction(self, source: Source) -> int:
        """By how much, a power of two, the frame is averaged so that the canvas's coarser pixels do not flicker."""
        canvas = px_per_deg(self.projection)
        if canvas is None:
            return 1
        return int(2 ** max(0, math.floor(math.log2(source.px_per_deg / canvas) + 0.5)))


def _hidden(source: Source, pixels: F32, distance: Float) -> Bool:
    """Which places, at pixels (..., 2) and distances (...), m, stand behind what the frame sees there."""
    rows, columns = source.nearness.shape
    scale = np.array([columns - 1, rows - 1]) / np.array([source.camera.width - 1, source.camera.height - 1])
    x, y = np.moveaxis(np.nan_to_num(pixels * scale.astype(np.float32), nan=-1.0), -1, 0)
    seen = cv2.remap(
        source.nearness,
        np.ascontiguousarray(x),
        np.ascontiguousarray(y),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    out: Bool = seen * distance > 1.0 + _HIDDEN_SHARE
    return out


def px_per_deg(projection: Projection) -> float | None:
    """In the middle of the canvas; None where all rays are parallel."""
    middle = 0.5 * np.array([projection.width - 1, projection.height - 1])
    d = projection.rays(middle + np.array([[0.0, 0.25], [0.0, 1.25]]))[1]
    angle = math.degrees(2.0 * math.asin(min(0.5 * float(np.linalg.norm(d[1] - d[0])), 1.0)))
    return 1.0 / angle if angle > 1e-9 else None


def _node_step(projection: Projection, node_deg: float) -> int:
    scale = px_per_deg(projection)
    if scale is None:
        return _MAP_STEP_PX
    return int(max(1, min(32, 2 ** math.floor(math.log2(max(node_deg * scale, 1.0)) + 0.25))))


def _between(nodes: F32, step: int, shape: tuple[int, int]) -> F32:
    """Values (rows, columns) at nodes ``step`` px apart, interpolated at every pixel of ``shape``; NaN spreads."""
    out = nodes
    for axis in (0, 1):
        t: F32 = (np.arange(shape[axis]) % step / np.float32(step)).astype(np.float32)
        index = np.arange(shape[axis]) // step
        above = np.minimum(index + 1, out.shape[axis] - 1)
        # At a node itself the next one, which may be NaN, has no say.
        above = np.where(t > 0, above, index)
        t = t[:, None] if axis == 0 else t
        low = np.take(out, index, axis=axis)
        out = low + t * (np.take(out, above, axis=axis) - low)
    return out.astype(np.float32, copy=False)


def sampled(pixels: NDArray[np.generic], x: F32, y: F32, factor: int) -> F32:
    """The image (rows, columns[, 3]) at places (x, y), float32; first averaged over ``factor`` x ``factor`` px."""
    image = pixels.astype(np.float32)
    if factor > 1:
        size = (-(-image.shape[1] // factor), -(-image.shape[0] // factor))
        rest = size[1] * factor - image.shape[0], size[0] * factor - image.shape[1]
        wide = cv2.copyMakeBorder(image, 0, rest[0], 0, rest[1], cv2.BORDER_REPLICATE)
        image = cv2.resize(wide, size, interpolation=cv2.INTER_AREA)
        shift, scale = np.float32((factor - 1) / 2.0), np.float32(1.0 / factor)
        x, y = (x - shift) * scale, (y - shift) * scale
    out = np.empty((*x.shape, *image.shape[2:]), dtype=np.float32)
    # cv2.remap takes no more than 32767 columns or rows of map at once.
    for top in range(0, x.shape[0], 8192):
        for left in range(0, x.shape[1], 8192):
            part = slice(top, top + 8192), slice(left, left + 8192)
            maps = np.ascontiguousarray(x[part]), np.ascontiguousarray(y[part])
            out[part] = cv2.remap(image, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return out


def footprint(source: Source) -> Float:
    """Places (n, 3), m, LOCAL_LEVEL, that a grid of the frame's usable pixels sees; far ones at ``FAR_M``."""
    camera = source.camera
    grid = _spread(camera, source.nearness.shape)
    # The rim is not usable, but what is beside it is.
    last = np.array([camera.width, camera.height]) - 1 - 2 * _RIM_PX
    near = np.clip(np.rint(grid).astype(np.int64), 2 * _RIM_PX, np.maximum(last, 2 * _RIM_PX))
    kept = source.usable[near[..., 1], near[..., 0]]
    origins, directions = camera.ray(grid[kept])
    far = np.maximum(source.nearness[kept], 1.0 / FAR_M)
    points: Float = origins + directions / far[:, None]
    return points[np.isfinite(points[:, 0])]
