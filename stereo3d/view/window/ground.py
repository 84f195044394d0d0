"""The ground on the stage: in pieces and levels of detail, with its photograph or a layer's colours, cut to a box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPlane

from stereo3d.libraries import import_library
from stereo3d.terrain.texture import TexturedMesh
from stereo3d.view.layers import displayed
from stereo3d.view.window.levels import face_levels, sectors
from stereo3d.view.window.stage import Stage
from stereo3d.view.window.world import Box

RGB = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Piece:
    """A part of the ground at one level of detail."""

    vertices: NDArray[np.integer]
    """(k,) indices into the vertices of the mesh."""
    data: Any
    actor: Any


class Ground:
    """Actors of the ground."""

    def __init__(self, stage: Stage, terrain: TexturedMesh, eye: NDArray[np.float64]) -> None:
        """``eye`` (3,), m, ENU: where the ground was measured from."""
        self._pv = import_library("pyvista")
        self._stage = stage
        self._colours: RGB | None = None
        self._texture = self._pv.Texture(displayed(terrain))
        self._texture.interpolate = True
        self._texture.mipmap = True
        self._terrain, self._eye = terrain, eye
        self._vertices = np.asarray(terrain.mesh.vertices, dtype=np.float32)
        self._box: Box | None = None
        self._wires = False
        self._levels = [self._level(terrain.mesh.faces)]
        self.faces = [len(terrain.mesh.faces)]
        """Faces of each level of detail, finest first."""
        self._coloured = [False]
        self._shown = 0
        self.show(0)

    def thin_out(self) -> None:
        """Add coarser levels of detail, for a machine that is slow to draw the whole; takes some seconds."""
        for faces in face_levels(self._terrain.mesh, self._eye)[1:]:
            self._levels.append(self._level(faces))
            self.faces.append(len(faces))
            self._coloured.append(False)
        self.clip(self._box)
        self.wireframe(self._wires)

    def _level(self, faces: NDArray[np.int32]) -> list[_Piece]:
        parts = sectors(self._terrain.mesh.vertices, faces, self._eye)
        return [self._piece(part, self._vertices, self._terrain.uv) for part in parts]

    def _piece(self, faces: NDArray[np.int32], vertices: NDArray[np.float32], uv: NDArray[np.float32]) -> _Piece:
        used, number = np.unique(faces, return_inverse=True)
        corners = np.concatenate([np.full((len(faces), 1), 3), number.reshape(-1, 3)], axis=1)
        data = self._pv.PolyData(vertices[used], corners.astype(np.int64).ravel())
        data.active_texture_coordinates = uv[used]
        actor = self._pv.Actor(mapper=self._pv.DataSetMapper(data))
        # The photograph carries the Sun's own light; a second one would be made up.
        actor.prop.lighting = False
        actor.prop.color = "white"
        actor.SetVisibility(False)
        actor.mapper.scalar_visibility = False
        actor.SetTexture(self._texture)
        self._stage.add(actor)
        return _Piece(used, data, actor)

    def show(self, level: int) -> None:
        """Show one level of detail, 0 the finest."""
        for number, pieces in enumerate(self._levels):
            for piece in pieces:
                piece.actor.SetVisibility(number == level)
        self._shown = level
        self._colour(level)

    def photograph(self) -> None:
        """Show the photograph."""
        self._colours = None
        self._coloured = [False] * len(self._levels)
        self._colour(self._shown)

    def colour(self, colours: RGB) -> None:
        """Show vertex colours (vertices, 3) uint8 instead of the photograph."""
        self._colours = colours
        self._coloured = [False] * len(self._levels)
        self._colour(self._shown)

    def _colour(self, level: int) -> None:
        if self._coloured[level]:
            return
        self._coloured[level] = True
        for piece in self._levels[level]:
            mapper = piece.actor.GetMapper()
            if self._colours is None:
                piece.actor.SetTexture(self._texture)
                mapper.ScalarVisibilityOff()
                continue
            piece.data.point_data["layer"] = self._colours[piece.vertices]
            piece.actor.SetTexture(None)
            mapper.SetScalarModeToUsePointFieldData()
            mapper.SetColorModeToDirectScalars()
            mapper.SelectColorArray("layer")
            mapper.ScalarVisibilityOn()

    def wireframe(self, on: bool) -> None:
        """Show the edges of the faces only, or the faces."""
        self._wires = on
        for pieces in self._levels:
            for piece in pieces:
                piece.actor.prop.style = "wireframe" if on else "surface"

    def clip(self, box: Box | None) -> None:
        """Show only what is within ``box``; None: everything."""
        self._box = box
        planes = []
        if box is not None:
            stretch = np.array([1.0, 1.0, self._stage.exaggeration])
            for corner, sign in ((box.low * stretch, 1.0), (box.high * stretch, -1.0)):
                for axis in range(3):
                    plane = vtkPlane()
                    plane.SetOrigin(*corner)
                    plane.SetNormal(*(sign if k == axis else 0.0 for k in range(3)))
                    planes.append(plane)
        for pieces in self._levels:
            for piece in pieces:
                mapper = piece.actor.GetMapper()
                mapper.RemoveAllClippingPlanes()
                for plane in planes:
                    mapper.AddClippingPlane(plane)
