"""The stages of a whole set whose results are kept from run to run, and what each depends on; see also
:func:`stereo3d.pipeline.pair.measure_pair`.

A stage is found by the content of all that it is given, not by names or dates of files, and by the sources of the
floors that it stands on.  ``store`` is None where nothing is to be kept: then these are the stages themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import RigidTransform
from stereo3d.observation import Observation
from stereo3d.pipeline.floors import POINTING, TERRAIN, nameless
from stereo3d.pipeline.pair import MeasuredPair
from stereo3d.pointing import Pointing, refine_pointing
from stereo3d.store import Store, recall
from stereo3d.terrain.align import OverlapMisfit, misfits
from stereo3d.terrain.around import mesh_around
from stereo3d.terrain.atlas import Atlas, texture_ground
from stereo3d.terrain.detail import Detail, decimated
from stereo3d.terrain.fuse import FusedMap, View, fuse
from stereo3d.terrain.mesh import MeshSettings, TerrainMesh, build_mesh

Tell = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Fused:
    """The one map of several pairs, and how they fit each other."""

    map: FusedMap
    misfits: tuple[OverlapMisfit, ...]


def kept_pointing(store: Store | None, observations: Sequence[Observation], tell: Tell) -> Pointing:
    """:func:`stereo3d.pointing.refine_pointing`."""
    names = [o.product_id for o in observations]
    return recall(
        store,
        "pointing",
        POINTING,
        Pointing,
        lambda: refine_pointing(observations, lambda _, share: tell(share)),
        [nameless(o) for o in observations],
        fits=lambda found: [f.product_id for f in found.frames] == names,
    )


def kept_fusion(
    store: Store | None, views: Sequence[View], to_enu: RigidTransform, settings: MeshSettings, tell: Tell
) -> Fused:
    """:func:`stereo3d.terrain.fuse.fuse` and :func:`stereo3d.terrain.align.misfits`."""

    def fused() -> Fused:
        found = fuse(views, to_enu, settings, tell)
        return Fused(found, misfits(found))

    return recall(
        store,
        "fusion",
        TERRAIN,
        Fused,
        fused,
        views,
        to_enu,
        settings,
        fits=lambda found: (
            found.map.xyz.frame == found.map.grid.frame == to_enu.to
            and (found.map.grid.rows, found.map.grid.columns) == found.map.xyz.reason.shape == found.map.count.shape
        ),
    )


def kept_mesh(store: Store | None, fused: FusedMap, settings: MeshSettings, fill: bool) -> TerrainMesh:
    """:func:`stereo3d.terrain.around.mesh_around`."""
    return recall(
        store,
        "mesh",
        TERRAIN,
        TerrainMesh,
        lambda: mesh_around(fused, settings, fill),
        fused.grid,
        fused.xyz,
        settings,
        fill,
        fits=lambda found: found.frame == fused.grid.frame,
    )


def kept_pair_mesh(store: Store | None, pair: MeasuredPair, settings: MeshSettings) -> TerrainMesh:
    """:func:`stereo3d.terrain.mesh.build_mesh`."""
    centre = pair.pair.left.camera.C
    return recall(
        store,
        "mesh",
        TERRAIN,
        TerrainMesh,
        lambda: build_mesh(pair.xyz, centre, settings),
        pair.xyz,
        centre,
        settings,
        fits=lambda found: found.frame == pair.xyz.frame,
    )


def kept_detail(store: Store | None, mesh: TerrainMesh, centre: NDArray[np.float64], faces: int) -> Detail:
    """:func:`stereo3d.terrain.detail.decimated`."""
    return recall(
        store,
        "thinning",
        TERRAIN,
        Detail,
        lambda: decimated(mesh, centre, faces),
        mesh,
        centre,
        faces,
        fits=lambda found: found.mesh.frame == mesh.frame and len(found.mesh.faces) <= faces,
    )


def kept_atlas(
    store: Store | None,
    mesh: TerrainMesh,
    observations: Sequence[Observation],
    masked: Mapping[str, NDArray[np.bool_]],
    look_for_sky: bool,
    tell: Tell,
) -> Atlas:
    """:func:`stereo3d.terrain.atlas.texture_ground`."""
    return recall(
        store,
        "texture",
        TERRAIN,
        Atlas,
        lambda: texture_ground(mesh, observations, masked=masked, look_for_sky=look_for_sky, tell=tell),
        mesh,
        [nameless(o) for o in observations],
        masked,
        look_for_sky,
        fits=lambda found: (
            found.terrain.mesh.frame == mesh.frame and found.label.shape == found.terrain.image.shape[:2]
        ),
    )
