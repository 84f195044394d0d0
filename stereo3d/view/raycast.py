"""The picture of the textured ground by casting a ray through each pixel: no display, no OpenGL, always the same."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import pixel_grid
from stereo3d.terrain.sampling import sample_texture
from stereo3d.terrain.surface import Surface
from stereo3d.terrain.texture import TexturedMesh
from stereo3d.view.layers import ColourMap, displayed, shade
from stereo3d.view.sunlight import lit
from stereo3d.view.viewpoint import Viewpoint

BACKGROUND = ((22, 25, 30), (74, 78, 84))
"""RGB above and below, where nothing was measured: plainly no sky and no ground."""

_BAND = 1 << 20
"""Rays per pass; bounds the memory of a large picture."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What was drawn, and where on the ground each pixel lies."""

    rgb: NDArray[np.uint8]
    """(height, width, 3) uint8."""
    ground: NDArray[np.float32]
    """(height, width, 3) float32, ENU, m; NaN where the ray meets nothing."""


def background(size: tuple[int, int]) -> NDArray[np.uint8]:
    """(height, width, 3) uint8: what lies behind the ground."""
    top, bottom = (np.array(c, dtype=np.float32) for c in BACKGROUND)
    share = np.linspace(0.0, 1.0, size[1], dtype=np.float32)[:, None, None]
    column = top + share * (bottom - top)
    return np.broadcast_to(column + 0.5, (size[1], size[0], 3)).astype(np.uint8)


class Painter:
    """What draws pictures of one ground in one colouring; made once for many pictures."""

    def __init__(self, terrain: TexturedMesh, surface: Surface, colours: ColourMap | None = None) -> None:
        """``surface`` is the mesh of ``terrain``.  With its photograph, brightened, or ``colours``, which may be named
        values of the faces, or light of a sun with its shadows, pixel by pixel."""
        self._surface, self._colours = surface, colours
        self._shape = terrain.image.shape
        self._values = _vertex_values(terrain, colours)
        self._pyramid = _pyramid(displayed(terrain) if colours is None else terrain.image)

    def draw(self, view: Viewpoint, size: tuple[int, int]) -> Picture:
        """A picture of (width, height).

        The silhouettes, where a pixel's neighbour lies at quite another depth, are cast again with four rays each.
        """
        width, height = size
        rgb = background(size)
        ground = np.empty((height, width, 3), dtype=np.float32)
        uv = np.empty((height, width, 2), dtype=np.float32)
        value = np.empty((height, width), dtype=np.float32)
        grid = pixel_grid(width, height)
        rows = max(1, _BAND // width)
        for top in range(0, height, rows):
            band = slice(top, min(top + rows, height))
            found = _cast(self._surface, view, size, grid[band], self._values, self._colours)
            ground[band], uv[band], value[band] = found[..., :3], found[..., 3:5], found[..., 5]
        seen = np.isfinite(uv[..., 0])
        rgb[seen] = _colour(uv[seen], _level(uv, self._shape)[seen], value[seen], self._pyramid, self._colours)

        edges = _silhouettes(ground, view, seen)
        spots = np.argwhere(edges)[:, ::-1].astype(np.float64)
        total = np.zeros((len(spots), 3), dtype=np.float32)
        behind = background(size)[edges]
        for x, y in ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)):
            found = _cast(self._surface, view, size, spots + np.array([x, y]), self._values, self._colours)
            hit = np.isfinite(found[:, 0])
            sample = behind.copy()
            finest = np.zeros(int(hit.sum()), np.int8)
            sample[hit] = _colour(found[hit, 3:5], finest, found[hit, 5], self._pyramid, self._colours)
            total += sample
        rgb[edges] = (total / 4.0 + 0.5).astype(np.uint8)
        return Picture(rgb, ground)


def draw(
    terrain: TexturedMesh, surface: Surface, view: Viewpoint, size: tuple[int, int], colours: ColourMap | None = None
) -> Picture:
    """One picture of (width, height); see :class:`Painter`."""
    return Painter(terrain, surface, colours).draw(view, size)


def _vertex_values(terrain: TexturedMesh, colours: ColourMap | None) -> NDArray[np.float32]:
    """(n, 6): place, texture coordinates and layer value of each vertex, so that one pass interpolates all; and its
    normal, (n, 9), where it is lit."""
    values = colours.values if colours else np.zeros(len(terrain.uv), dtype=np.float32)
    columns: list[NDArray[np.floating]] = [terrain.mesh.vertices, terrain.uv, values[:, None]]
    if colours and colours.sun:
        columns.append(terrain.mesh.normals)
    return np.concatenate(columns, axis=1, dtype=np.float32)


def _cast(
    surface: Surface,
    view: Viewpoint,
    size: tuple[int, int],
    pixels: NDArray[np.float64],
    values: NDArray[np.float32],
    colours: ColourMap | None,
) -> NDArray[np.float32]:
    """Place, texture coordinates and layer value (..., 6) at pixels (..., 2); NaN where there is no ground."""
    origins, directions = view.rays(pixels.reshape(-1, 2), size)
    hits = surface.hits(origins, directions)
    found = surface.interpolate(hits, values).astype(np.float32, copy=False)
    on = hits.face >= 0
    if colours and colours.of_faces is not None:
        found[on, 5] = colours.of_faces[hits.face[on]]
    if colours and colours.sun:
        normals = found[on, 6:]
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.float32(1e-9))
        found[on, 5] = lit(surface, found[on, :3], normals, colours.sun, view.eye)
    return found[:, :6].reshape(*pixels.shape[:-1], 6)


def _pyramid(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The texture, and it averaged over 2, 4, 8 px."""
    levels = [np.ascontiguousarray(image)]
    while len(levels) < 4 and min(levels[-1].shape[:2]) >= 4:
        half = (levels[-1].shape[1] // 2, levels[-1].shape[0] // 2)
        levels.append(np.asarray(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA), dtype=np.uint8))
    return levels


def _level(uv: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.int8]:
    """(height, width): the pyramid level whose pixels are about as large as the picture's; 0 beside a gap."""
    texels = uv * np.array([shape[1], shape[0]], dtype=np.float32)
    step = np.zeros(uv.shape[:2], dtype=np.float32)
    for axis in (0, 1):
        move = np.linalg.norm(np.diff(texels, axis=axis), axis=-1)
        step = np.maximum(step, np.pad(move, [(0, axis == 0), (0, axis == 1)]))
    step[~(step < 64.0)] = 1.0
    return np.clip(np.floor(np.log2(np.maximum(step, 1.0)) + 0.3), 0, 3).astype(np.int8)


def _colour(
    uv: NDArray[np.float32],
    level: NDArray[np.int8],
    value: NDArray[np.float32],
    pyramid: list[NDArray[np.uint8]],
    colours: ColourMap | None,
) -> NDArray[np.uint8]:
    """(n, 3) uint8 RGB of n places on the ground."""
    photo = np.empty((len(uv), 3), dtype=np.uint8)
    for number in np.unique(level):
        image = pyramid[min(int(number), len(pyramid) - 1)]
        here = level == number
        photo[here] = sample_texture(image, uv[here])
    if colours is None:
        return photo
    if colours.bare:
        return colours.colours(value)
    return (colours.colours(value) * shade(photo)[:, None]).astype(np.uint8)


def _silhouettes(ground: NDArray[np.float32], view: Viewpoint, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(height, width): pixels beside a step in depth of more than some 3 %, or beside nothing.

    The inverse depth of a plane is linear over the picture, however slanted it is: its Laplacian tells steps only.
    """
    depth = (ground - view.eye.astype(np.float32)) @ view.forward.astype(np.float32)
    inverse = np.where(seen, 1.0 / np.where(seen, depth, 1.0), 0.0).astype(np.float32)
    bend = np.abs(cv2.Laplacian(inverse, cv2.CV_32F, ksize=1))
    return np.asarray(bend > 0.03 * cv2.dilate(inverse, np.ones((3, 3), np.uint8)))
