"""The bare ground of the simulated world: its height, and a mesh that is fine near the camera and coarse far away.

The frame is LOCAL_LEVEL (X north, Y east, Z down, m); heights count upward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.simulate.noise import Float, GradientNoise

# Wavelength (m) and height (standard deviation, m) of each octave: slopes of a few degrees that shrink with scale,
# as on the floor of Jezero (slopes under 5 degrees over tens of metres).
_SWELL = ((2.6, 0.012), (6.0, 0.03), (14.0, 0.08), (33.0, 0.22), (80.0, 0.6), (190.0, 1.5), (450.0, 3.0))
_ROUGH = ((0.07, 0.0012), (0.15, 0.0025), (0.33, 0.004), (0.75, 0.006), (1.4, 0.009))
_HILLS = ((900.0, 1.0), (420.0, 0.35), (200.0, 0.14), (90.0, 0.05))
_HILL_HEIGHT_M = 45.0


def _smoothstep(x: Float) -> Float:
    t = np.clip(x, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def _carried(wave_m: float, cell_m: Float) -> Float:
    """How much of a wave a grid may carry: all of it from six cells to the wave, nothing below two."""
    return _smoothstep(wave_m / np.maximum(cell_m, 1e-9) / 4.0 - 0.5)


@dataclass(frozen=True, eq=False)
class Ground:
    """A height field: the plane that the rover stands on, swells, sand ripples in patches, roughness, far hills."""

    noise: GradientNoise
    down: Float
    """(3,) unit vector of the rover's Z axis in LOCAL_LEVEL: near the origin the ground is square to it."""

    def height(self, north: Float, east: Float, cell_m: Float | float = 0.0) -> Float:
        """Height above the origin (m) at north, east (m), without what a grid of ``cell_m`` cannot carry."""
        cell = np.asarray(cell_m, dtype=np.float64)
        r2 = north * north + east * east
        h: Float = (self.down[0] * north + self.down[1] * east) / self.down[2] / (1.0 + r2 / 60.0**2)
        for k, (wave, sigma) in enumerate(_SWELL):
            # Swells grow with the distance from the rover, which stands level on its six wheels.
            h = h + sigma * r2 / (r2 + wave * wave) * self._octave(north, east, wave, k)
        for k, (wave, sigma) in enumerate(_ROUGH):
            h = h + sigma * _carried(wave, cell) * self._octave(north, east, wave, 10 + k)
        h = h + self._ripples(north, east, cell)
        far = _smoothstep((np.sqrt(r2) - 350.0) / 2600.0)
        hills = np.sum([w * self._octave(north, east, wave, 20 + k) for k, (wave, w) in enumerate(_HILLS)], axis=0)
        return np.asarray(h + _HILL_HEIGHT_M * far * (1.1 + hills))

    def _octave(self, north: Float, east: Float, wave_m: float, number: int) -> Float:
        # Each octave is turned and shifted, so that the lattices of the octaves do not line up.
        turn = 0.7 + 2.4 * number
        c, s = np.cos(turn), np.sin(turn)
        scale = 2.0 / wave_m
        u, v = (c * north - s * east) * scale, (s * north + c * east) * scale
        return self.noise(np.stack([u + 31.7 * number, v + 17.3 * number], axis=-1))

    def _ripples(self, north: Float, east: Float, cell: Float) -> Float:
        wave, height = 0.19, 0.009
        patch = _smoothstep(self._octave(north, east, 5.0, 30) * 0.9 - 0.1)
        bend = 0.16 * self._octave(north, east, 1.7, 31) + 0.5 * self._octave(north, east, 6.0, 32)
        phase = 2.0 * np.pi * (0.8 * north + 0.6 * east + bend) / wave
        # Sharp crests, round troughs.
        return np.asarray(height * _carried(wave, cell) * patch * (1.0 - np.abs(np.sin(phase / 2.0)) - 0.36))


def polar_grid(
    centre: Float, azimuth_rad: float, half_width_rad: float, pixel_rad: float, far_m: float = 4500.0
) -> tuple[Float, Float, Float]:
    """North, east and cell size (m), each (rings, spokes), of a grid about ``centre`` (2,) that the camera sees evenly.

    A cell spans about 2.5 pixels across; rings are as close as the spokes near the camera, wider far away where the
    ground is seen at a slant.  From a half width of pi on, the spokes stand all around, the last beside the first.
    """
    step = 2.5 * pixel_rad
    if half_width_rad >= np.pi:
        count = int(np.ceil(2.0 * np.pi / step))
        spokes = azimuth_rad + np.arange(count) * (2.0 * np.pi / count)
    else:
        spokes = azimuth_rad + np.arange(-half_width_rad, half_width_rad + step, step)
    rings = [0.5]
    while rings[-1] < far_m:
        wider = 1.0 + min(max((rings[-1] - 15.0) / 40.0, 0.0), 2.0)
        rings.append(rings[-1] * (1.0 + step * wider))
    r = np.array(rings)[:, None]
    north, east = centre[0] + r * np.cos(spokes), centre[1] + r * np.sin(spokes)
    return north, east, np.broadcast_to(r * step, north.shape)


def grid_faces(rows: int, columns: int, closed: bool = False) -> NDArray[np.int32]:
    """Triangles (2 (rows - 1) (columns - 1), 3) of a grid whose vertices run along the columns first.

    ``closed`` joins the last column to the first (2 (rows - 1) columns triangles).
    """
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    if closed:
        index = np.concatenate([index, index[:, :1]], axis=1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    return np.concatenate([np.stack([a, b, c], axis=-1).reshape(-1, 3), np.stack([b, d, c], axis=-1).reshape(-1, 3)])


def vertex_normals(vertices: Float, faces: NDArray[np.int32]) -> Float:
    """Unit normals (n, 3) at the vertices: the mean of the adjoining triangles weighted by area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    total = np.stack(
        [
            sum(np.bincount(faces[:, k], weights=face[:, axis], minlength=len(vertices)) for k in range(3))
            for axis in range(3)
        ],
        axis=1,
    )
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-300))
