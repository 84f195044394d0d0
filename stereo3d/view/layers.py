"""Layers: what colours the ground, and how.  Pure arrays; the window and the ray-cast picture share them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.pipeline import Result
from stereo3d.terrain.texture import TexturedMesh
from stereo3d.view.viewpoint import camera_centre

LAYERS = ("image", "elevation", "range", "sigma")
"""Names of the layers; ``image`` is the photograph itself."""


@dataclass(frozen=True, eq=False)
class ColourMap:
    """A number for each vertex, and how numbers become colours."""

    title: str
    """With the unit, for the scale bar."""
    values: NDArray[np.float32]
    """(n,) float32, one for each vertex, in the title's unit."""
    limits: tuple[float, float]
    """Values of the first and the last colour; what lies outside takes those."""
    logarithmic: bool
    table: NDArray[np.uint8]
    """(256, 3) uint8 RGB."""

    def colours(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """(..., 3) uint8 RGB of values (...)."""
        low, high = self.limits
        if self.logarithmic:
            share = np.log(np.maximum(values, low) / low) / np.log(high / low)
        else:
            share = (values - low) / (high - low)
        return np.asarray(self.table[np.clip(np.nan_to_num(share) * 255.0 + 0.5, 0, 255).astype(np.uint8)])

    def ticks(self) -> list[float]:
        """Round values within the limits for the scale bar: 1, 2, 5 steps, or decades and their 2 and 5."""
        low, high = self.limits
        if self.logarithmic:
            decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
            ticks = [m * 10.0**e for e in decades for m in (1, 2, 5)]
            found = [t for t in ticks if low * 0.999 <= t <= high * 1.001]
            return found if len(found) <= 8 else [t for t in found if np.isclose(np.log10(t) % 1.0, 0.0)]
        step = round_length((high - low) / 5.0)
        first = int(np.ceil(low / step - 1e-6))
        return [i * step for i in range(first, int(np.floor(high / step + 1e-6)) + 1)]


def round_length(about: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is no more than ``about`` (> 0)."""
    power = 10.0 ** np.floor(np.log10(about))
    return float(next(m for m in (5.0, 2.0, 1.0) if m * power <= about * (1 + 1e-9)) * power)


def colour_map(result: Result, layer: str) -> ColourMap:
    """The colour map of ``elevation``, ``range`` or ``sigma``; KeyError for another name.

    Elevation is above the origin of ROVER_NAV, the ground below the rover; range is from the left camera.  Limits are
    the 2nd and 98th percentile of the vertices (of the nearer 85 % for the elevation), so that neither a few
    stray points nor a far hill take all colours.
    """
    mesh = result.terrain.mesh
    reach = np.linalg.norm(mesh.vertices - camera_centre(result), axis=1)
    everywhere = np.ones(len(reach), dtype=bool)
    if layer == "elevation":
        near = reach <= np.percentile(reach, 85.0)
        return _map("elevation above the rover's ground (m)", mesh.vertices[:, 2], near, False, cv2.COLORMAP_VIRIDIS)
    if layer == "range":
        return _map("range from the camera (m)", reach, everywhere, True, cv2.COLORMAP_CIVIDIS)
    if layer == "sigma":
        return _map("sigma of the range (m)", mesh.sigma_m, everywhere, True, cv2.COLORMAP_PLASMA)
    raise KeyError(layer)


def _map(
    title: str, values: NDArray[np.floating], used: NDArray[np.bool_], logarithmic: bool, palette: int
) -> ColourMap:
    """Limits are taken from the ``used`` (n,) vertices."""
    numbers = np.asarray(values, dtype=np.float32)
    good = np.isfinite(numbers) & used & ((numbers > 0) | (not logarithmic))
    finite = numbers[good]
    low, high = (float(v) for v in np.percentile(finite, [2.0, 98.0])) if finite.size else (1.0, 2.0)
    if logarithmic:
        high = max(high, low * 1.5)
    elif high - low < 0.1:
        low, high = (low + high) / 2 - 0.05, (low + high) / 2 + 0.05
    table = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], palette)[:, 0, ::-1]
    return ColourMap(title, numbers, (low, high), logarithmic, np.ascontiguousarray(table))


def brightness(terrain: TexturedMesh) -> float:
    """The factor (1 to 2) that brings the photograph's lightest ground to full brightness, for display only."""
    light = float(np.percentile(photo_at_vertices(terrain).max(axis=1), 99.0)) if len(terrain.uv) else 255.0
    return float(np.clip(235.0 / max(light, 1.0), 1.0, 2.0))


def displayed(terrain: TexturedMesh) -> NDArray[np.uint8]:
    """(rows, columns, 3) uint8: the photograph as it is shown, brightened by :func:`brightness`."""
    table = np.clip(np.arange(256) * brightness(terrain) + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(table[terrain.image])


def photo_at_vertices(terrain: TexturedMesh) -> NDArray[np.uint8]:
    """(n, 3) uint8 RGB: the photograph's pixel at each vertex."""
    image, uv = terrain.image, terrain.uv
    rows = np.clip(((1.0 - uv[:, 1]) * image.shape[0]).astype(int), 0, image.shape[0] - 1)
    columns = np.clip((uv[:, 0] * image.shape[1]).astype(int), 0, image.shape[1] - 1)
    return np.asarray(image[rows, columns])


def shade(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(...) float32, 0.55 to 1: how much a colour is dimmed so that the ground's texture shows through it.

    ``image`` is (..., 3) uint8 RGB of the photograph at the same places.
    """
    grey = np.asarray(image @ np.array([0.25, 0.5, 0.25], dtype=np.float32), dtype=np.float32)
    return np.asarray(np.clip(0.55 + 0.45 * grey / 180.0, 0.55, 1.0), dtype=np.float32)
