"""Cells: means of a layer over small squares of the canvas, the same squares for every layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.panorama.layer import Layer

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

SATURATED_SHARE = 1e-3
"""A layer whose brightest value is held by more than this share of its pixels is taken as clipped there."""


@dataclass(frozen=True, eq=False)
class Cells:
    """A layer in squares of ``size`` pixels that are counted from the canvas's own corner."""

    column: int
    row: int
    """Of the first cell, in cells."""
    mean: Array
    """(rows, columns, channels), DN."""
    texture: Array
    """(rows, columns, channels): standard deviation within the cell, DN."""
    position: Array
    """(rows, columns, 2): mean of the layer's position."""
    valid: Mask
    """(rows, columns): every pixel of the cell is valid and none is saturated."""


def cells(layer: Layer, channels: int, size: int) -> Cells:
    """The layer's cells; a grey layer is given the same value in each of ``channels``."""
    before_column, before_row = layer.column % size, layer.row % size
    after_column, after_row = -(before_column + layer.width) % size, -(before_row + layer.height) % size
    around = ((before_row, after_row), (before_column, after_column))
    pixels = layer.pixels if layer.pixels.ndim == 3 else layer.pixels[..., None]
    usable = layer.valid & ~_saturated(pixels, layer.valid)

    def squares(plane: NDArray[np.generic]) -> NDArray[np.generic]:
        """(rows, columns, size * size[, channels]) of the plane, padded to whole cells."""
        padded = np.pad(plane, (*around, (0, 0))[: plane.ndim])
        rows, columns = padded.shape[0] // size, padded.shape[1] // size
        split = padded.reshape(rows, size, columns, size, *plane.shape[2:]).swapaxes(1, 2)
        return split.reshape(rows, columns, size * size, *plane.shape[2:])

    values = np.broadcast_to(squares(pixels), (*squares(layer.valid).shape, channels))
    return Cells(
        column=layer.column // size,
        row=layer.row // size,
        mean=values.mean(axis=2, dtype=np.float32),
        texture=values.std(axis=2, dtype=np.float32),
        position=squares(layer.position).mean(axis=2, dtype=np.float32),
        valid=np.asarray(squares(usable).all(axis=2)),
    )


def common(first: Cells, second: Cells) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """The slices of both that show the same squares of the canvas; None where they do not overlap."""
    return overlap((first.column, first.row, *first.valid.shape), (second.column, second.row, *second.valid.shape))


def overlap(
    first: tuple[int, int, int, int], second: tuple[int, int, int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """(row slice, column slice) of the common part within each of two rectangles (column, row, rows, columns)."""
    left, top = max(first[0], second[0]), max(first[1], second[1])
    right = min(first[0] + first[3], second[0] + second[3])
    bottom = min(first[1] + first[2], second[1] + second[2])
    if left >= right or top >= bottom:
        return None
    a, b = (
        (slice(top - row, bottom - row), slice(left - column, right - column)) for column, row, _, _ in (first, second)
    )
    return a, b


def rectangle(layer: Layer) -> tuple[int, int, int, int]:
    """(column, row, rows, columns) of a layer on the canvas."""
    return layer.column, layer.row, layer.height, layer.width


def _saturated(pixels: Array, valid: Mask) -> Mask:
    """(rows, columns): at the value at which the layer is clipped, if it is."""
    inside = pixels[valid]
    if not inside.size:
        return np.zeros_like(valid)
    at_top = pixels >= inside.max()
    # One pixel in ten thousand at the top is how any stretch ends; resampling lowers a clipped value by a hair.
    clipped = np.asarray(at_top[valid].mean() > SATURATED_SHARE)
    return np.asarray((pixels >= 0.995 * inside.max()).any(axis=2) & clipped)
