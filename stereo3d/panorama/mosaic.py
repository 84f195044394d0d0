"""Frames into one picture: corrected to one brightness, cut along seams, blended over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import locked
from stereo3d.panorama.blend import MultiBand
from stereo3d.panorama.layer import Layer
from stereo3d.panorama.projection import Projection
from stereo3d.panorama.radiometry import Radiometry, brightness_range
from stereo3d.panorama.resample import Box, Canvas, Source
from stereo3d.panorama.seams import UNSEEN, choose, region, seam_steps
from stereo3d.panorama.surface import Surface

REDUCED_COLUMNS = 1500
"""Brightness and seams are settled on a canvas of at most so many columns."""
_REDUCED_NODE_DEG = 0.6
_TONE = (2.0, 98.0)


@dataclass(frozen=True, eq=False)
class Taken:
    """What a picture took from one frame."""

    name: str
    share: float
    """Of the seen pixels of the canvas."""
    outlines: tuple[NDArray[np.int32], ...]
    """Polygons (n, 2), canvas pixels (column, row), of what the frame covers, also where another was taken."""


@dataclass(frozen=True, eq=False)
class Mosaic:
    """The picture of one eye."""

    pixels: NDArray[np.generic]
    """(rows, columns[, 3]) uint8 or uint16, DN; 0 where unseen."""
    seen: NDArray[np.bool_]
    """(rows, columns)."""
    taken: tuple[Taken, ...]
    """In the order of the frames; those that the canvas does not show are left out."""
    seam_step_before: float
    """Mean step across the seams of the frames as delivered, as a share of the range of brightness; NaN without."""
    seam_step_after: float
    """The same in the picture."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", locked(self.pixels, self.pixels.dtype.type))
        object.__setattr__(self, "seen", locked(self.seen, np.bool_))

    def rolled(self, columns: int) -> Mosaic:
        """The picture of a full circle with its columns moved to the right, those that fall out coming in at the left.

        Outlines move along and may reach beyond the right edge, where the circle goes on.
        """
        if columns == 0:
            return self
        move = np.array([columns, 0], dtype=np.int32)
        moved = [Taken(t.name, t.share, tuple(o + move for o in t.outlines)) for t in self.taken]
        pixels, seen = np.roll(self.pixels, columns, axis=1), np.roll(self.seen, columns, axis=1)
        return Mosaic(pixels, seen, tuple(moved), self.seam_step_before, self.seam_step_after)


@dataclass(frozen=True, eq=False)
class Tone:
    """From the frames' common scale of brightness to the DN of the picture, per channel."""

    gain: NDArray[np.float64]
    """(channels,)"""
    offset: NDArray[np.float64]
    """(channels,), DN."""

    def dn(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values (rows, columns[, channels]) in DN."""
        if values.ndim == 2:
            return values * np.float32(self.gain[0]) + np.float32(self.offset[0])
        return values * self.gain.astype(np.float32) + self.offset.astype(np.float32)

    def values(self, dn: NDArray[np.float32]) -> NDArray[np.float32]:
        """The reverse."""
        if dn.ndim == 2:
            return (dn - np.float32(self.offset[0])) / np.float32(self.gain[0])
        return np.asarray((dn - self.offset) / self.gain, dtype=np.float32)


def usual_tone(layers: Sequence[Layer], radiometry: Radiometry) -> Tone:
    """The tone that gives the picture the brightness and contrast of its frames as delivered.

    The overlaps tell how frames differ; they hardly tell what is common to all of them.
    """
    raw, balanced = [], []
    for layer in layers:
        corrected = radiometry.corrected(layer)[layer.valid][::5]
        corrected = corrected.reshape(len(corrected), -1)
        delivered = layer.pixels[layer.valid][::5].reshape(len(corrected), -1)
        raw.append(np.broadcast_to(delivered, corrected.shape))
        balanced.append(corrected)
    channels = max(b.shape[1] for b in balanced)
    gain, offset = np.ones(channels), np.zeros(channels)
    for c in range(channels):
        low, high = np.percentile(np.concatenate([b[:, min(c, b.shape[1] - 1)] for b in balanced]), _TONE)
        wanted = np.percentile(np.concatenate([r[:, min(c, r.shape[1] - 1)] for r in raw]), _TONE)
        gain[c] = (wanted[1] - wanted[0]) / (high - low) if high > low and wanted[1] > wanted[0] else 1.0
        offset[c] = wanted[0] - gain[c] * low
    return Tone(gain, offset)


def reduced_canvas(projection: Projection, surface: Surface) -> Canvas:
    """The same view with at most :data:`REDUCED_COLUMNS` columns."""
    return Canvas(projection.scaled(min(projection.width, REDUCED_COLUMNS)), surface, _REDUCED_NODE_DEG)


def make_mosaic(
    projection: Projection,
    surface: Surface,
    sources: Sequence[Source],
    radiometry: Radiometry,
    tone: Tone,
    dtype: type[np.uint8] | type[np.uint16],
    tell: Callable[[float], None] = lambda share: None,
) -> Mosaic | None:
    """The picture of the frames of one eye; None where none of them is on the canvas.

    ``radiometry`` must know all the frames; ``tell`` is called with the share that is done.
    """
    small = reduced_canvas(projection, surface)
    owners, layers = [], []
    for number, source in enumerate(sources):
        found = small.layers(source)
        owners += [number] * len(found)
        layers += found
        tell(0.2 * (number + 1) / len(sources))
    if not layers:
        return None
    shape = small.projection.height, small.projection.width
    corrected = [radiometry.corrected(layer) for layer in layers]
    labels = choose(layers, corrected, shape)
    before = seam_steps(
        layers, [layer.pixels for layer in layers], labels, brightness_range([la.pixels[la.valid] for la in layers])
    ).mean
    tell(0.25)

    scale = projection.width / small.projection.width
    colour = any(layer.pixels.ndim == 3 for layer in layers)
    blender = MultiBand((projection.height, projection.width), 3 if colour else 1)
    canvas = Canvas(projection, surface)
    for number, source in enumerate(sources):
        numbers = [k for k, owner in enumerate(owners) if owner == number and (labels == k).any()]
        for box in canvas.boxes(source) if numbers else []:
            place = canvas.rectangle(box)
            common = [_common_columns(layers[n], place, scale) for n in numbers]
            own = region(labels, numbers[int(np.argmax(common))], place, scale)
            balanced, valid = _balanced(canvas, source, box, radiometry, blender.channels)
            blender.feed(balanced, valid, own, *place[:2])
            del balanced, valid, own  # before the next ones are made
        tell(0.25 + 0.65 * (number + 1) / len(sources))
    pixels = _in_dn(blender, tone, colour, dtype)
    seen = blender.seen.copy()
    del blender
    shrunk = tone.values(cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32))
    after = seam_steps(layers, corrected, labels, radiometry.value_range, shrunk).mean
    total = max(int((labels != UNSEEN).sum()), 1)
    taken = []
    for number, source in enumerate(sources):
        numbers = [k for k, owner in enumerate(owners) if owner == number]
        if numbers:
            share = sum(int((labels == k).sum()) for k in numbers) / total
            taken.append(Taken(source.name, share, tuple(o for k in numbers for o in _outlines(layers[k], scale))))
    tell(1.0)
    return Mosaic(pixels, seen, tuple(taken), before, after)


def _balanced(
    canvas: Canvas, source: Source, box: Box, radiometry: Radiometry, channels: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The frame within a box on the common scale of brightness, and where it is valid; made some rows at a time."""
    left, top, height, width = canvas.rectangle(box)
    pixels = np.zeros((height, width, channels), dtype=np.float32)
    valid = np.zeros((height, width), dtype=bool)
    for band in canvas.bands(box):
        layer = canvas.layer(source, band)
        if layer is not None:
            at = (
                slice(layer.row - top, layer.row - top + layer.height),
                slice(layer.column - left, layer.column - left + layer.width),
            )
            pixels[at] = radiometry.corrected(layer).reshape(layer.height, layer.width, -1)
            valid[at] = layer.valid
    return pixels, valid


def _common_columns(small: Layer, place: tuple[int, int, int, int], scale: float) -> float:
    """How many columns of the large canvas a small layer and a (column, row, rows, columns) both have."""
    return min((small.column + small.width) * scale, place[0] + place[3]) - max(small.column * scale, place[0])


def _in_dn(blender: MultiBand, tone: Tone, colour: bool, dtype: type[np.uint8] | type[np.uint16]) -> NDArray[Any]:
    rows, columns = blender.shape
    out = np.empty((rows, columns, 3) if colour else (rows, columns), dtype=dtype)
    for first, strip in blender.strips():
        seen = blender.seen[first : first + len(strip)]
        dn = np.clip(np.rint(tone.dn(strip)), 0, np.iinfo(dtype).max)
        out[first : first + len(strip)] = np.where(seen[..., None] if colour else seen, dn, np.float32(0.0))
    return out


def _outlines(layer: Layer, scale: float) -> list[NDArray[np.int32]]:
    """Where the layer is valid, as polygons (n, 2) on the large canvas, exact to about a pixel of the small one."""
    found, _ = cv2.findContours(layer.valid.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    out = []
    for contour in found:
        if cv2.contourArea(contour) < 16:
            continue
        polygon = cv2.approxPolyDP(contour, 1.0, True)[:, 0, :] + np.array([layer.column, layer.row])
        out.append(np.rint((polygon + 0.5) * scale - 0.5).astype(np.int32))
    return out
