"""Coarse to fine: a large frame is matched at a reduced size, then refined level by level up to its own.

The matcher's time and memory grow with pixels times disparities, so it works at no more than about 1300 columns; each
finer level starts from the sub-pixel matches of the coarser one and costs what its pixels cost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel
from stereo3d.camera.cahv import LinearPart
from stereo3d.image import Image
from stereo3d.observation import Observation, StereoPair

U16 = NDArray[np.uint16]
Linear = TypeVar("Linear", bound=LinearPart)

_MATCHED_COLUMNS = 1600


def reduction(pair: StereoPair) -> int:
    """By how much, a power of two, the pair is reduced for the matcher: 1 up to 1600 columns, 4 for a whole sensor."""
    return reduction_of(max(pair.left.camera.width, pair.right.camera.width))


def reduction_of(columns: int) -> int:
    """The same for a frame of so many columns."""
    factor = 1
    while columns > _MATCHED_COLUMNS * factor:
        factor *= 2
    return factor


def reduced(pair: StereoPair, factor: int) -> StereoPair:
    """The pair with blocks of ``factor`` x ``factor`` pixels averaged; the same pair for 1."""
    if factor == 1:
        return pair
    return StereoPair(reduced_observation(pair.left, factor), reduced_observation(pair.right, factor))


def sizes(pair: StereoPair, factor: int) -> dict[int, StereoPair]:
    """The pair reduced by each power of two from 1 to ``factor``; each from the pair itself, so it is rounded once."""
    return {size: reduced(pair, size) for size in (1 << k for k in range(factor.bit_length()))}


def with_right_camera(pairs: dict[int, StereoPair], camera: CameraModel) -> dict[int, StereoPair]:
    """The pairs of :func:`sizes` with another right camera, given for the full size; pixels stay as they are."""
    return {
        size: StereoPair(p.left, replace(p.right, camera=camera if size == 1 else camera.binned(size)))
        for size, p in pairs.items()
    }


def reduced_observation(observation: Observation, factor: int) -> Observation:
    """The frame with blocks of ``factor`` x ``factor`` pixels averaged; the same frame for 1."""
    if factor == 1:
        return observation
    camera = observation.camera.binned(factor)
    rows, columns = camera.height * factor, camera.width * factor
    size = (camera.width, camera.height)
    pixels = cv2.resize(observation.image.pixels[:rows, :columns], size, interpolation=cv2.INTER_AREA)
    holes = (~observation.image.valid[:rows, :columns]).astype(np.float32)
    valid = cv2.resize(holes, size, interpolation=cv2.INTER_AREA) == 0
    scale = observation.scale_factor * factor
    return replace(observation, camera=camera, image=Image(pixels, valid), scale_factor=scale)


def enlarged(camera: Linear, factor: int) -> Linear:
    """The camera of the same field with ``factor`` times the pixels along each side: undoes ``binned``."""
    shift = (factor - 1) / 2.0
    return replace(
        camera,
        width=camera.width * factor,
        height=camera.height * factor,
        H=camera.H * factor + shift * camera.A,
        V=camera.V * factor + shift * camera.A,
    )


def enlarged_reasons(reasons: U16, shape: tuple[int, int]) -> U16:
    """Reasons (rows, columns) of the reduced image in the grid of a larger one of ``shape``."""
    factor = round(shape[0] / reasons.shape[0])
    out: U16 = np.repeat(np.repeat(reasons, factor, axis=0), factor, axis=1)
    # Rows and columns that the reduction dropped are like their neighbours.
    rows, columns = max(shape[0] - out.shape[0], 0), max(shape[1] - out.shape[1], 0)
    return np.pad(out, ((0, rows), (0, columns)), mode="edge")[: shape[0], : shape[1]]
