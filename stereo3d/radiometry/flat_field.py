"""The flat field of a camera: how much of the light of an even scene reaches each pixel; and images divided by it.

    ln T(x, y) = a x + b y + k2 r^2 + k4 r^4 + k6 r^6 + p(x, y)

with (x, y) the place on the sensor from the optical centre, in half diagonals of the sensor, r its length, and p the
fixed pattern, where there is one: a coarse grid over the sensor, between whose points it is linear.  T is 1 at the
centre.  A polynomial tells nothing beyond the places that it was fitted at: farther out T is that of the rim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import locked
from stereo3d.image import Image
from stereo3d.observation import Observation

Float = NDArray[np.float64]
F32 = NDArray[np.float32]

LINEAR, DELIVERED = "linear", "8 bits as delivered"
"""What the numbers are: proportional to light, or as a feed's PNG has them, whose transfer is not told."""
_LEAST_TRANSMISSION = 0.25
"""Less light than that is not made up for: there is more noise than picture."""


@dataclass(frozen=True)
class Provenance:
    """Where a flat field comes from; all of it follows from the inputs, so that the same inputs give the same file."""

    products: tuple[str, ...]
    """Product ids of the frames, in order of time."""
    shots: int
    """Pointings among them: both tiles of one shot show one scene."""
    first_utc: str | None
    last_utc: str | None
    program: str
    """stereo3d and its version."""
    residual: float
    """Robust spread of ln DN of the frames' cells about the fit: mostly the scenes' own."""


@dataclass(frozen=True, eq=False)
class FlatField:
    """The flat field of one camera.  ``at`` gives it at places, ``transmission`` for the pixels of an image."""

    mission: str
    instrument: str
    domain: str
    """LINEAR or DELIVERED: it is of images with such numbers alone."""
    sensor_px: tuple[int, int]
    """(columns, rows) of the sensor at full resolution."""
    centre_px: tuple[float, float]
    """The optical centre on the sensor (column, row), px."""
    coefficients: tuple[float, float, float, float, float]
    """a, b, k2, k4, k6."""
    reach: float
    """The largest r that the fit had data at."""
    sigma: float
    """One standard deviation of ln T, over the field (root mean square), from leaving out shots."""
    provenance: Provenance
    pattern: Float | None = None
    """(rows, columns) p at the middles of equal cells that tile the sensor."""
    pattern_sigma: float | None = None
    """One standard deviation of ``pattern``."""

    def __post_init__(self) -> None:
        if self.pattern is not None:
            object.__setattr__(self, "pattern", locked(self.pattern, np.float64))

    @property
    def half_diagonal_px(self) -> float:
        """The unit of r, sensor px."""
        return float(np.hypot(*self.sensor_px)) / 2

    def at(self, columns: Float, rows: Float) -> Float:
        """T at places on the sensor, px (columns and rows of one shape)."""
        x, y = ((v - c) / self.half_diagonal_px for v, c in zip((columns, rows), self.centre_px, strict=True))
        squeeze = np.minimum(1.0, self.reach / np.maximum(np.hypot(x, y), 1e-9))
        log = shading_terms(x * squeeze, y * squeeze) @ np.array(self.coefficients)
        if self.pattern is not None:
            log = log + _between(self.pattern, columns, rows, self.sensor_px)
        return np.asarray(np.exp(log), dtype=np.float64)

    def transmission(self, observation: Observation) -> F32:
        """(rows, columns) float32, T of each pixel of the image: of its subframe, at its scale."""
        columns, rows = sensor_places(observation)
        return self.at(*np.broadcast_arrays(columns[None, :], rows[:, None])).astype(np.float32)


def domain_of(observation: Observation) -> str:
    """LINEAR for numbers of more than 8 bits, DELIVERED for those of a feed's pictures."""
    return DELIVERED if observation.image.pixels.dtype == np.uint8 else LINEAR


def shading_terms(x: Float, y: Float) -> Float:
    """(..., 5) the smooth terms x, y, r^2, r^4, r^6."""
    square = x * x + y * y
    return np.stack([x, y, square, square**2, square**3], axis=-1)


def sensor_places(observation: Observation) -> tuple[Float, Float]:
    """(columns,), (rows,) the places of the image's pixels on the sensor, px at full resolution."""
    first = (1, 1) if observation.subframe is None else observation.subframe[:2]
    scale = observation.scale_factor
    image = observation.image
    return tuple(  # type: ignore[return-value]
        start - 1 + (np.arange(count) + 0.5) * scale - 0.5
        for start, count in zip(first, (image.width, image.height), strict=True)
    )


def flattened(observation: Observation, fields: Sequence[FlatField]) -> Observation:
    """The observation divided by the flat field of its camera, and a note of it in ``processing``.

    Without a field of this camera and these numbers it comes back as it is.  Clipped pixels stay clipped, and where
    less than a quarter of the light arrives a quarter is taken.
    """
    field = next(
        (
            f
            for f in fields
            if (f.mission, f.instrument, f.domain)
            == (observation.mission, observation.instrument, domain_of(observation))
        ),
        None,
    )
    if field is None:
        return observation
    image = observation.image
    light = np.maximum(field.transmission(observation), np.float32(_LEAST_TRANSMISSION))
    data = image.pixels.astype(np.float32)
    made = data / (light if data.ndim == 2 else light[..., None])
    kind = image.pixels.dtype
    if kind.kind == "u":
        made = np.clip(np.rint(made), 0, np.iinfo(str(kind)).max)
    note = f"divided by the flat field of {len(field.provenance.products)} frames, sigma {field.sigma:.1%}"
    pixels = Image(made.astype(kind), image.valid)
    return replace(observation, image=pixels, processing=(*observation.processing, note))


def _between(grid: Float, columns: Float, rows: Float, sensor_px: tuple[int, int]) -> Float:
    """The values between the middles of a grid's cells, linear; beyond the outermost middles the nearest."""
    place = []
    for position, cells, size in ((rows, grid.shape[0], sensor_px[1]), (columns, grid.shape[1], sensor_px[0])):
        index = np.clip((position + 0.5) * cells / size - 0.5, 0, cells - 1)
        low = np.minimum(index.astype(np.intp), max(cells - 2, 0))
        place.append((low, np.minimum(low + 1, cells - 1), index - low))
    (r0, r1, fr), (c0, c1, fc) = place
    above = grid[r0, c0] * (1 - fc) + grid[r0, c1] * fc
    below = grid[r1, c0] * (1 - fc) + grid[r1, c1] * fc
    return np.asarray(above * (1 - fr) + below * fr, dtype=np.float64)
