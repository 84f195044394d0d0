"""What colour a point of the simulated world has: albedo, sun and sky light, haze, and the sky itself.

Radiance is linear, per channel (red, green, blue), scaled so that a well lit scene lies within 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stereo3d.simulate.noise import Float, Float32, NoiseTile
from stereo3d.simulate.rover import PAINT
from stereo3d.simulate.surface import GROUND, ROVER

# Wavelength (m), contrast (relative standard deviation), slope of the micro-relief (standard deviation, rad).
_OCTAVES = (
    (0.0035, 0.10, 0.20),
    (0.007, 0.09, 0.18),
    (0.014, 0.065, 0.14),
    (0.03, 0.045, 0.08),
    (0.065, 0.035, 0.03),
    (0.14, 0.04, 0.0),
    (0.3, 0.035, 0.0),
    (0.7, 0.035, 0.0),
    (1.7, 0.04, 0.0),
    (4.3, 0.05, 0.0),
    (11.0, 0.06, 0.0),
    (37.0, 0.06, 0.0),
    (140.0, 0.07, 0.0),
)
_DUST = np.array([0.325, 0.275, 0.134], dtype=np.float32)
_ROCK = np.array([0.235, 0.213, 0.125], dtype=np.float32)
_SKY = np.array([0.60, 0.62, 0.40], dtype=np.float32)
_SKY_LIGHT = np.array([0.27, 0.25, 0.19], dtype=np.float32)
_SUN_LIGHT = np.array([1.06, 1.04, 1.0], dtype=np.float32)
_HAZE_M = 7000.0


@dataclass(frozen=True, eq=False)
class Material:
    """How the world looks: the noise of its albedo, and the tone of each rock."""

    tile: NoiseTile
    shift: Float
    """(octaves, 2) wavelengths, and the turn of each octave follows from its number."""
    tone: Float32
    """(rocks + 1,) relative albedo of each rock; the last is the ground's, which body number -1 finds."""
    dust: Float32
    """(rocks + 1,) share of dust on each rock, 0 to 1; 1 for the ground."""
    relief: float = 1.0
    """Factor on the slopes of the micro-relief; 0 leaves albedo alone."""

    @staticmethod
    def from_seed(rng: np.random.Generator, rocks: int, relief: float = 1.0) -> Material:
        """Draw the looks of a world with so many rocks."""
        tone = np.append(np.exp(rng.normal(0.0, 0.16, rocks)), 1.0).astype(np.float32)
        dust = np.append(rng.beta(1.3, 1.6, rocks), 1.0).astype(np.float32)
        tile = NoiseTile.from_seed(rng)
        return Material(tile, rng.uniform(0.0, 1000.0, (len(_OCTAVES), 2)), tone, dust, relief)


@dataclass(frozen=True, eq=False)
class Light:
    """The sun and the air."""

    sun: Float = field(default_factory=lambda: sun_direction(215.0, 42.0))
    """(3,) unit, LOCAL_LEVEL, toward the sun."""

    def sky(self, directions: Float) -> Float32:
        """Radiance (n, 3) of the sky along unit directions (n, 3): brightest at the horizon and about the sun."""
        up = np.clip(-directions[:, 2], 0.0, 1.0).astype(np.float32)
        glow = np.clip(directions @ self.sun, 0.0, 1.0).astype(np.float32)
        level = 1.05 - 0.75 * up + 0.45 * glow**3
        return level[:, None] * _SKY

    def haze(self, radiance: Float32, directions: Float, distance_m: Float) -> Float32:
        """Radiance (n, 3) of something at (n,) m seen through the dusty air."""
        clear = np.exp(-distance_m / _HAZE_M).astype(np.float32)[:, None]
        flat = directions * np.array([1.0, 1.0, 0.0])
        flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
        return radiance * clear + 0.8 * self.sky(flat) * (1.0 - clear)


def sun_direction(azimuth_deg: float, elevation_deg: float) -> Float:
    """Unit vector (3,) toward a sun at an azimuth (clockwise from north) and elevation, in LOCAL_LEVEL."""
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), -np.sin(e)])


def sun_angles(direction: Float) -> tuple[float, float]:
    """Azimuth (0 to 360, clockwise from north) and elevation, degrees: the inverse of :func:`sun_direction`."""
    north, east, down = (float(v) for v in direction)
    return float(np.degrees(np.arctan2(east, north))) % 360.0, float(-np.degrees(np.arcsin(down)))


def texture(material: Material, points: Float, normals: Float, footprint_m: Float) -> tuple[Float32, Float32]:
    """Relative albedo (n,) and bumped unit normals (n, 3) at points (n, 3) with normals (n, 3).

    An octave fades where its wave is shorter than what a sample covers, ``footprint_m`` (n,), so that nothing
    aliases.  The noise lives on the three planes of the axes, mixed by the normal: it is a function of the point
    alone, the same for every camera.
    """
    log_albedo = np.zeros(len(points), dtype=np.float32)
    slope = np.zeros((len(points), 3), dtype=np.float32)
    mix = (normals**4).astype(np.float32)
    mix /= np.maximum(mix.sum(axis=1, keepdims=True), 1e-9)
    for k, (wave, contrast, relief) in enumerate(_OCTAVES):
        fade = np.clip((wave / footprint_m - 2.0) / 3.0, 0.0, 1.0).astype(np.float32)
        seen = np.flatnonzero(fade > 0)
        if not seen.size:
            continue
        turn = 0.4 + 2.4 * k
        c, s = np.cos(turn), np.sin(turn)
        for axis in range(3):
            use = seen[mix[seen, axis] > 0.02]
            if not use.size:
                continue
            i, j = (axis + 1) % 3, (axis + 2) % 3
            p, q = points[use, i] / wave, points[use, j] / wave
            u = (c * p - s * q + material.shift[k, 0] + 37.0 * axis).astype(np.float32)
            v = (s * p + c * q + material.shift[k, 1]).astype(np.float32)
            found = _look_up(material.tile, u, v)
            weight = fade[use] * mix[use, axis]
            log_albedo[use] += contrast * weight * found[:, 0]
            if relief and material.relief:
                # The slope of a wave of unit height is about 2 pi / sqrt(2) per wavelength along each axis.
                scale = material.relief * relief / 4.44 * weight
                slope[use, i] += scale * (c * found[:, 1] + s * found[:, 2])
                slope[use, j] += scale * (-s * found[:, 1] + c * found[:, 2])
    bumped = normals.astype(np.float32) - slope
    bumped /= np.linalg.norm(bumped, axis=1, keepdims=True)
    return np.exp(log_albedo), bumped


def _look_up(tile: NoiseTile, u: Float32, v: Float32) -> Float32:
    # OpenCV takes at most 32767 columns: lay the list out as rows of a picture.
    width = 4096
    rows = -(-len(u) // width)
    grid = np.zeros((2, rows * width), dtype=np.float32)
    grid[0, : len(u)], grid[1, : len(v)] = u, v
    return tile.look_up(grid[0].reshape(rows, width), grid[1].reshape(rows, width)).reshape(-1, 3)[: len(u)]


def reflected(
    material: Material,
    light: Light,
    points: Float,
    normals: Float,
    body: NDArray[np.int32],
    directions: Float,
    footprint_m: Float,
    shadowed: NDArray[np.bool_],
) -> Float32:
    """Radiance (n, 3) of lit points: half Lambert, half Lommel-Seeliger under the sun, Lambert under the sky."""
    albedo, normal = texture(material, points, normals, footprint_m)
    rover = np.flatnonzero(body <= ROVER)
    # Metal has neither grains nor relief, but a thin uneven dust.
    albedo[rover] **= 0.4
    normal[rover] = normals[rover]
    stone = np.maximum(body, GROUND)
    up = np.clip(-normal[:, 2], 0.0, 1.0)
    # Dust settles on what faces up.
    dust = np.where(body == GROUND, 1.0, np.clip(material.dust[stone] * (0.35 + 1.1 * up * up), 0.0, 1.0))
    colour = _ROCK + dust[:, None].astype(np.float32) * (_DUST - _ROCK)
    share = (0.1 + 0.3 * up[rover] ** 2)[:, None].astype(np.float32)
    colour[rover] = PAINT[ROVER - body[rover]] * (1.0 - share) + _DUST * share
    sun = light.sun.astype(np.float32)
    mu0 = np.clip(normal @ sun, 0.0, 1.0)
    # Painted relief has no parallax, so it must look the same from both eyes: the angle of view is the mesh's.
    mu = np.clip(-np.einsum("ij,ij->i", normals, directions), 0.02, 1.0).astype(np.float32)
    direct = np.where(shadowed, 0.0, mu0 * (0.5 + 0.75 / (mu0 + mu + 0.1))).astype(np.float32)
    ambient = (0.35 + 0.65 * (0.5 + 0.5 * np.clip(-normal[:, 2], -1.0, 1.0))).astype(np.float32)
    lit = direct[:, None] * _SUN_LIGHT + ambient[:, None] * _SKY_LIGHT
    return (material.tone[stone] * albedo)[:, None] * colour * lit
