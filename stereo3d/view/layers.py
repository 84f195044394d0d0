"""Layers: what colours the ground, and how.  Pure arrays; the window and the ray-cast picture share them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.pipeline import Result
from stereo3d.pipeline.places import measured_by
from stereo3d.terrain.mesh import FaceKind, TerrainMesh
from stereo3d.terrain.texture import TexturedMesh
from stereo3d.view.sunlight import Sun, usual_sun
from stereo3d.view.viewpoint import camera_centre

LAYERS = ("image", "elevation", "slope", "range", "sigma", "seen", "hillshade", "kind")
"""Names of the layers; ``image`` is the photograph itself."""

KIND_COLOURS = ((196, 164, 132), (86, 180, 233), (213, 94, 0))
"""RGB of measured, filled and extended ground; the last two from the palette of Okabe and Ito, which the colour-blind
tell apart."""
KIND_WORDS = ("measured", "filled: a hole closed", "extended: made up beyond")
_SEEN_COLOURS = ((90, 60, 110), (68, 119, 170), (34, 160, 136), (204, 187, 68), (238, 119, 51))
"""RGB by how many pairs measured a place: none, one, ..., four or more."""
_STEEPEST_DEG = 45.0


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
    """(256, 3) uint8 RGB; of named values: one row for each."""
    words: tuple[str, ...] = ()
    """Names of the values 0, 1, 2, ..., where these are kinds rather than measures; then limits mean nothing."""
    of_faces: NDArray[np.uint8] | None = None
    """(m,) uint8: named values of the faces; pictures show these, exact to the face, and not the vertices'."""
    sun: Sun | None = None
    """Where the light comes from; pictures then shade each pixel anew."""
    bare: bool = False
    """The colours are shown as they are, not dimmed by the photograph."""

    def colours(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """(..., 3) uint8 RGB of values (...)."""
        if self.words:
            return np.asarray(self.table[np.clip(np.rint(np.nan_to_num(values)), 0, len(self.table) - 1).astype(int)])
        low, high = self.limits
        if self.logarithmic:
            share = np.log(np.maximum(values, low) / low) / np.log(high / low)
        else:
            share = (values - low) / (high - low)
        return np.asarray(self.table[np.clip(np.nan_to_num(share) * 255.0 + 0.5, 0, 255).astype(np.uint8)])

    def ticks(self) -> list[float]:
        """Round values within the limits for the scale bar: 1, 2, 5 steps, or decades and their 2 and 5."""
        low, high = self.limits
        if self.words:
            return [float(k) for k in range(len(self.words))]
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


def colour_map(result: Result, layer: str, sun: Sun | None = None) -> ColourMap:
    """The colour map of any layer but ``image``; KeyError for another name.

    Elevation is above the origin of ROVER_NAV, the ground below the rover; range is from the left camera; ``seen`` is
    how many pairs measured a place.  Limits are the 2nd and 98th percentile of the vertices (of the nearer 85 % for the
    elevation), so that neither a few stray points nor a far hill take all colours.  ``hillshade`` is lit by ``sun``, by
    the frames' own one without it; its values at the vertices have no shadows yet.
    """
    mesh = result.terrain.mesh
    if layer == "kind":
        table = np.array(KIND_COLOURS, dtype=np.uint8)
        values = vertex_kind(mesh).astype(np.float32)
        return ColourMap("where the surface comes from", values, (0, 2), False, table, KIND_WORDS, mesh.kind)
    if layer == "seen":
        return _seen_map(measured_by(result, mesh.vertices), len(result.pairs))
    if layer == "slope":
        slope = np.degrees(np.arccos(np.clip(mesh.normals[:, 2], -1.0, 1.0)))
        found = _map("slope (degrees)", slope, np.ones(len(slope), dtype=bool), False, cv2.COLORMAP_INFERNO)
        return replace(found, limits=(0.0, min(found.limits[1], _STEEPEST_DEG)))
    if layer == "hillshade":
        light = sun or usual_sun(result)
        grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
        title = f"hillshade, sun at {light.azimuth_deg:.0f}\u00b0, {light.elevation_deg:.0f}\u00b0 high"
        return ColourMap(title, light.on(mesh.normals), (0.0, 1.0), False, grey, sun=light, bare=True)
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


def vertex_kind(mesh: TerrainMesh) -> NDArray[np.uint8]:
    """(n,) uint8: the kind that is furthest from measured of the faces at each vertex."""
    out = np.zeros(len(mesh.vertices), dtype=np.uint8)
    for kind in (FaceKind.FILLED, FaceKind.EXTENDED):
        out[mesh.faces[mesh.kind == kind].ravel()] = kind
    return out


def _seen_map(count: NDArray[np.uint8], pairs: int) -> ColourMap:
    most = min(max(pairs, 1), len(_SEEN_COLOURS) - 1)
    words = ["no pair", "one pair", *(f"{n} pairs" for n in range(2, most + 1))]
    if pairs > most:
        words[-1] += " or more"
    values = np.minimum(count, most).astype(np.float32)
    table = np.array(_SEEN_COLOURS[: most + 1], dtype=np.uint8)
    return ColourMap("measured by", values, (0, most), False, table, tuple(words))


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
