"""Frames as the atlas asks them: which of their pixels show ground, how far it is there, and where vertices lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel, pixel_grid
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.observation import Eye, Observation
from stereo3d.stereo.disparity import Reason
from stereo3d.stereo.masks import known_reasons
from stereo3d.terrain.mesh import TerrainMesh
from stereo3d.terrain.surface import Surface

Bool = NDArray[np.bool_]
F32 = NDArray[np.float32]

STEP_PX = 2
"""The depth of a frame is known at every so-manieth pixel."""
_RIM_PX = 3
"""What is nearer to a masked pixel, or to the frame's edge, shows something of what is masked."""
_CORNER_SHARE = 0.015
"""Of the frame's width: beside the black corners the lens's fall-off is steeper than any correction."""
_EDGE_SHARE, _STEP_SHARE = 0.03, 0.05
"""A step in depth bends the nearness by the one, and the nearer side is nearer by the other."""


@dataclass(frozen=True, eq=False)
class View:
    """A frame over a mesh."""

    name: str
    eye: Eye
    camera: CameraModel
    """In the frame of the mesh."""
    source: NDArray[np.generic]
    """(rows, columns[, 3]), DN; a mosaic is filtered."""
    usable: Bool
    """(rows, columns): data, neither dark corner nor sky nor the rover."""
    seen: F32
    """(rows / 2, columns / 2), 1 / m: of every second pixel, what the mesh shows there; 0 for none."""

    @property
    def colour(self) -> bool:
        """Whether it has three channels."""
        return self.source.ndim == 3

    @property
    def px_per_rad(self) -> float:
        """In the middle of the frame."""
        middle = 0.5 * np.array([self.camera.width - 1, self.camera.height - 1])
        rays = self.camera.ray(middle + np.array([[0.0, 0.0], [1.0, 0.0]]))[1]
        return 1.0 / float(np.linalg.norm(rays[1] - rays[0]))


@dataclass(frozen=True, eq=False)
class Sight:
    """Where the vertices of a mesh lie in a frame."""

    pixels: F32
    """(n, 2) px, NaN where the frame has none."""
    depth: F32
    """(n,) m, along the camera's axis."""
    offset: F32
    """(n, 3) m, from the camera."""


def make_views(
    mesh: TerrainMesh, observations: Sequence[Observation], masked: Mapping[str, Bool], look_for_sky: bool
) -> list[View]:
    """The frames over an ENU mesh.  Raises FrameMismatchError for frames of another stop than the mesh's."""
    target = Surface(mesh)
    views = []
    for o in observations:
        level = o.level_from_rover
        if mesh.frame != Frame.enu(o.site, o.drive):
            raise FrameMismatchError(f"the mesh is in {mesh.frame}, {o.product_id} in {o.frame}", file=o.path)
        camera = o.camera.moved(RigidTransform(mesh.frame, level.to, ENU_FROM_NED) @ level)
        image = o.image
        reason = known_reasons(o, look_for_sky)
        hidden = reason > 0
        if o.product_id in masked:
            # What was measured past the rover's envelope is ground: stereo knows the rover better than its envelope.
            hidden = (reason & ~np.uint16(Reason.ROVER) > 0) | masked[o.product_id]
        corners = (reason & np.uint16(Reason.VIGNETTE)) > 0
        usable = image.valid & ~_grown(hidden, _RIM_PX) & ~_grown(corners, round(_CORNER_SHARE * image.width))
        source: NDArray[np.generic] = image.luminance if image.is_mosaic else image.pixels
        if source.dtype == np.float32:
            known = np.isfinite(source.reshape(*usable.shape, -1)).all(axis=2)
            usable = usable & ~_grown(~known, _RIM_PX)
            source = np.nan_to_num(np.asarray(source, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        usable[:_RIM_PX], usable[-_RIM_PX:], usable[:, :_RIM_PX], usable[:, -_RIM_PX:] = False, False, False, False
        views.append(View(o.product_id, o.eye, camera, source, usable, _seen(target, camera)))
    return views


def sight(view: View, vertices: NDArray[np.float64]) -> Sight:
    """Where vertices (n, 3) lie in the frame; those far outside are not asked for."""
    camera = view.camera
    offset = (vertices - camera.C).astype(np.float32)
    axis = camera.A / np.linalg.norm(camera.A)
    depth = offset @ axis.astype(np.float32)
    distance = np.sqrt(np.einsum("ij,ij->i", offset, offset))
    corners = pixel_grid(2, 2).reshape(-1, 2) * np.array([camera.width - 1, camera.height - 1])
    widest = float(np.nanmin(camera.ray(corners)[1] @ axis))
    asked = depth > math.cos(math.acos(np.clip(widest, -1.0, 1.0)) + 0.02) * distance
    pixels = np.full((len(vertices), 2), np.nan, dtype=np.float32)
    pixels[asked] = camera.project(vertices[asked])
    reach = 0.5 * camera.width
    with np.errstate(invalid="ignore"):
        far = (np.abs(pixels - np.array([camera.width, camera.height], np.float32) / 2) > reach + camera.width / 2).any(
            1
        )
    pixels[far] = np.nan
    return Sight(pixels, depth, offset)


def _seen(target: Surface, camera: CameraModel) -> F32:
    """Nearness at every second pixel; beside a step in depth that of the nearer side's rim, for a pixel or two."""
    grid = pixel_grid(camera.width, camera.height)[::STEP_PX, ::STEP_PX]
    origins, directions = camera.ray(grid.reshape(-1, 2))
    directions = np.nan_to_num(directions, nan=0.0)
    rows, columns = grid.shape[:2]
    near: F32 = target.nearness(np.nan_to_num(origins, nan=0.0), directions).reshape(rows, columns)
    # The nearness of a plane is linear over a picture, however slanted it is: its Laplacian tells steps only.
    largest = cv2.dilate(near, np.ones((3, 3), np.uint8))
    edge = np.abs(cv2.Laplacian(near, cv2.CV_32F, ksize=1)) > _EDGE_SHARE * largest
    wide: F32 = np.pad(near, ((1, 1), (1, 1)))
    rim = np.full(near.shape, np.inf, dtype=np.float32)
    for down in range(3):
        for across in range(3):
            beside = wide[down : down + rows, across : across + columns]
            rim = np.where(beside > near * (1.0 + _STEP_SHARE), np.minimum(rim, beside), rim)
    return np.where(edge & np.isfinite(rim), rim, near).astype(np.float32)


def _grown(mask: Bool, px: int) -> Bool:
    """(rows, columns): True where any is True within ``px``."""
    grown: Bool = cv2.dilate(mask.astype(np.uint8), np.ones((2 * px + 1, 2 * px + 1), np.uint8)) > 0
    return grown
