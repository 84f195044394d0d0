"""What a frame says of its camera's flat field: the brightness of the ground in cells of the sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel
from stereo3d.observation import Observation
from stereo3d.radiometry.flat_field import domain_of, sensor_places

Float = NDArray[np.float64]

GRID = (48, 64)
"""(rows, columns) of the cells that the sensor is cut into."""
_LEAST_SHARE = 0.9
"""Of a cell's pixels that are neither clipped, dark, sky nor without data."""
_GROUND_BELOW_DEG = 1.5
"""Below the horizon by that much there is ground: the sky is brighter, and has a gradient of its own."""
_DARK_SHARE, _CLIPPED_SHARE = 0.02, 0.97
"""Of the largest DN that the numbers hold."""


@dataclass(frozen=True, eq=False)
class Cells:
    """The usable cells of one frame."""

    product_id: str
    shot: tuple[int, int, int]
    """Frames with the same (site, drive, second of the clock) show one scene."""
    taken_utc: str | None
    domain: str
    centre_px: tuple[float, float]
    """The optical centre on the sensor, by the frame's own model, px."""
    elevation_deg: float | None
    """Of the optical axis above the horizon; None where the record has no attitude."""
    index: NDArray[np.intp]
    """(n,) of the cell in the grid, row by row."""
    value: Float
    """(n,) ln of the median DN."""


def cells_of(observation: Observation, sensor_px: tuple[int, int]) -> Cells:
    """The cells of a frame on a sensor of ``sensor_px`` (columns, rows); there may be none that is usable."""
    columns, rows = sensor_places(observation)
    image = observation.image
    grey = image.luminance
    top = float(
        {"uint8": 255, "uint16": 4095 if grey.max() <= 4095 else 65535}.get(str(image.pixels.dtype), grey.max())
    )
    brightest = grey if image.pixels.ndim == 2 else image.pixels.astype(np.float32).max(axis=2)
    good = image.valid & (grey > _DARK_SHARE * top) & (brightest < _CLIPPED_SHARE * top) & _ground(observation)
    cell_column = np.clip((columns + 0.5) * GRID[1] / sensor_px[0], 0, GRID[1] - 1).astype(np.intp)
    cell_row = np.clip((rows + 0.5) * GRID[0] / sensor_px[1], 0, GRID[0] - 1).astype(np.intp)
    cell = cell_row[:, None] * GRID[1] + cell_column[None, :]
    index, value = _medians(cell, grey, good)
    scale, first = observation.scale_factor, (columns[0], rows[0])
    axis = optical_centre(observation.camera)
    return Cells(
        product_id=observation.product_id,
        shot=(observation.site, observation.drive, round(observation.sclk_s)),
        taken_utc=observation.taken_utc,
        domain=domain_of(observation),
        centre_px=(first[0] + axis[0] * scale, first[1] + axis[1] * scale),
        elevation_deg=_elevation_deg(observation),
        index=index,
        value=np.log(value),
    )


def _medians(
    cell: NDArray[np.intp], grey: NDArray[np.float32], good: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], Float]:
    """The cells of which nearly all pixels are ``good``, and the medians of those pixels."""
    count = GRID[0] * GRID[1]
    everything, known = np.bincount(cell.ravel(), minlength=count), np.bincount(cell[good], minlength=count)
    index = np.flatnonzero((known > 0) & (known >= _LEAST_SHARE * everything))
    order = np.lexsort((grey[good], cell[good]))
    by_cell = grey[good][order].astype(np.float64)
    start = np.concatenate([[0], np.cumsum(known)])[index]
    low, high = start + (known[index] - 1) // 2, start + known[index] // 2
    return index, (by_cell[low] + by_cell[high]) / 2


def optical_centre(camera: CameraModel) -> tuple[float, float]:
    """(column, row) in the image that the optical axis goes through, px."""
    column, row = camera.project(camera.C + 1000.0 * _axis(camera))
    return float(column), float(row)


def _elevation_deg(observation: Observation) -> float | None:
    if observation.site_from_rover is None:
        return None
    down = float(observation.level_from_rover.rotate(_axis(observation.camera))[2])
    return float(-np.degrees(np.arcsin(np.clip(down, -1.0, 1.0))))


def _axis(camera: CameraModel) -> Float:
    """The optical axis; of a model without one (CAHV) its own axis."""
    return np.asarray(getattr(camera, "O", camera.A), dtype=np.float64)


def _ground(observation: Observation) -> NDArray[np.bool_]:
    """(rows, columns) below the horizon; all of it where the record has no attitude."""
    camera = observation.camera
    step = 8
    if observation.site_from_rover is None:
        return np.ones((camera.height, camera.width), dtype=np.bool_)
    grid = np.stack(np.meshgrid(np.arange(0, camera.width, step), np.arange(0, camera.height, step)), axis=-1)
    direction = observation.level_from_rover.rotate(camera.ray(grid)[1])
    with np.errstate(invalid="ignore"):
        below = np.degrees(np.arcsin(np.clip(direction[..., 2], -1.0, 1.0))) > _GROUND_BELOW_DEG
    return np.repeat(np.repeat(below, step, 0), step, 1)[: camera.height, : camera.width]
