"""Noise: the randomness of the simulated ground, a pure function of position and seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]

_PERIOD = 4096


@dataclass(frozen=True, eq=False)
class GradientNoise:
    """Gradient noise (Perlin 1985, with the fifth-degree blend of Perlin 2002) in two or three dimensions.

    The wavelength is about 2 units of the argument; the standard deviation is about one; period 4096 units.
    """

    permutation: NDArray[np.int64]
    """(4096,) a permutation."""
    gradients: Float
    """(4096, 3) unit vectors."""

    @staticmethod
    def from_seed(rng: np.random.Generator) -> GradientNoise:
        """A noise of its own, drawn from ``rng``."""
        gradients = rng.normal(size=(_PERIOD, 3))
        gradients /= np.linalg.norm(gradients, axis=1, keepdims=True)
        return GradientNoise(rng.permutation(_PERIOD), gradients)

    def __call__(self, points: Float) -> Float:
        """Points (..., 2 or 3), in half wavelengths, to values (...), mean 0, standard deviation about 1."""
        points = np.asarray(points, dtype=np.float64)
        dimension = points.shape[-1]
        cell = np.floor(points).astype(np.int64)
        offset = points - np.floor(points)
        blend = offset**3 * (offset * (offset * 6.0 - 15.0) + 10.0)
        total = np.zeros(points.shape[:-1])
        for corner in np.ndindex(*(2,) * dimension):
            hashed = np.zeros(points.shape[:-1], dtype=np.int64)
            weight = np.ones(points.shape[:-1])
            for axis, step in enumerate(corner):
                hashed = self.permutation[(hashed + cell[..., axis] + step) & (_PERIOD - 1)]
                weight *= blend[..., axis] if step else 1.0 - blend[..., axis]
            slope = np.zeros(points.shape[:-1])
            for axis, step in enumerate(corner):
                slope += self.gradients[hashed, axis] * (offset[..., axis] - step)
            total += weight * slope
        # The standard deviation of this sum with gradients uniform on the sphere, measured once per dimension.
        return total / (0.1763 if dimension == 2 else 0.1910)


TILE = 1024
_TEXELS_PER_WAVE = 6.0


@dataclass(frozen=True, eq=False)
class NoiseTile:
    """One octave of noise as a periodic table, for the millions of look-ups that shading needs.

    The table holds the value (standard deviation 1) and its two slopes per wavelength, so that a bump map agrees
    with the value.  OpenCV looks positions up to 1/32 of a texel: a fixed function of position, the same for both
    eyes, but too coarse for a height (:class:`GradientNoise` makes those).
    """

    table: Float32
    """(1024, 1024, 3) float32: value, d/du, d/dv per wavelength."""

    @staticmethod
    def from_seed(rng: np.random.Generator) -> NoiseTile:
        """White noise through a ring of the spectrum about 1/6 cycles per texel."""
        frequency = np.fft.fftfreq(TILE)
        fy, fx = frequency[:, None], frequency[None, : TILE // 2 + 1]
        fx = np.abs(fx)
        ring = np.exp(-0.5 * (np.log2(np.maximum(np.hypot(fx, fy), 1e-9) * _TEXELS_PER_WAVE) / 0.4) ** 2)
        spectrum = np.fft.rfft2(rng.normal(size=(TILE, TILE))) * ring
        value = np.fft.irfft2(spectrum, s=(TILE, TILE))
        turn = 2j * np.pi * _TEXELS_PER_WAVE
        du = np.fft.irfft2(spectrum * fx * turn, s=(TILE, TILE))
        dv = np.fft.irfft2(spectrum * fy * turn, s=(TILE, TILE))
        return NoiseTile((np.stack([value, du, dv], axis=-1) / value.std()).astype(np.float32))

    def look_up(self, u: Float32, v: Float32) -> Float32:
        """Value and slopes (rows, columns, 3) at (u, v), each (rows, columns) float32, in wavelengths."""
        import cv2

        x = np.mod(u * np.float32(_TEXELS_PER_WAVE), np.float32(TILE))
        y = np.mod(v * np.float32(_TEXELS_PER_WAVE), np.float32(TILE))
        return np.asarray(cv2.remap(self.table, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), dtype=np.float32)
