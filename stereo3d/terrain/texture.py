"""Texture: the original image on the mesh, with the exact coordinates of each vertex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import locked
from stereo3d.image import Image
from stereo3d.terrain.mesh import TerrainMesh


@dataclass(frozen=True, eq=False)
class TexturedMesh:
    """A mesh with an image on it."""

    mesh: TerrainMesh
    uv: NDArray[np.float32]
    """(n, 2) float32, texture coordinates as OpenGL has them: u right, v UP, (0, 0) the lower left image corner."""
    image: NDArray[np.uint8]
    """(rows, columns, 3) uint8 RGB."""

    def __post_init__(self) -> None:
        if self.uv.shape != (len(self.mesh.vertices), 2):
            raise ValueError("uv must be (n, 2), one row for each vertex")
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError("image must be (rows, columns, 3) uint8")
        object.__setattr__(self, "uv", locked(self.uv, np.float32))
        object.__setattr__(self, "image", locked(self.image, np.uint8))


def texture_mesh(mesh: TerrainMesh, image: Image) -> TexturedMesh:
    """Lay the left raw image, as it is, on a mesh that was built in its pixel grid.

    The centre of pixel (x, y) lies at u = (x + 0.5) / width, v = 1 - (y + 0.5) / height.  Raises ValueError when a
    vertex lies outside of the image.
    """
    x, y = mesh.pixels[:, 0], mesh.pixels[:, 1]
    size = (image.width, image.height)
    if len(x) and not (x.min() >= 0 and y.min() >= 0 and x.max() <= size[0] - 1 and y.max() <= size[1] - 1):
        raise ValueError(f"the mesh was not measured in this image of {size[0]} x {size[1]} px")
    uv = np.stack([(x + 0.5) / image.width, 1.0 - (y + 0.5) / image.height], axis=1).astype(np.float32)
    return TexturedMesh(mesh, uv, image.rgb8)


def colours_at(textured: TexturedMesh, uv: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(n, 3) uint8: the texel that each of ``uv`` (n, 2) lies in; the nearest one for what lies outside."""
    rows, columns = textured.image.shape[:2]
    column = np.clip(np.floor(uv[:, 0].astype(np.float64) * columns), 0, columns - 1).astype(np.intp)
    row = np.clip(np.floor((1.0 - uv[:, 1].astype(np.float64)) * rows), 0, rows - 1).astype(np.intp)
    return textured.image[row, column]  # type: ignore[no-any-return]
