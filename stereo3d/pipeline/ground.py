"""All pairs of one stop: from the frames of a panorama to one ground around the rover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from stereo3d import __version__
from stereo3d.errors import PairError, StereoError
from stereo3d.observation import Observation, StereoPair
from stereo3d.pipeline.pair import MeasuredPair, enu_from_rover, measure_pair
from stereo3d.pipeline.settings import Settings
from stereo3d.pipeline.stages import Progress, Stages
from stereo3d.pipeline.stored import kept_detail, kept_fusion, kept_mesh, kept_pair_mesh, kept_pointing
from stereo3d.pointing import Pointing
from stereo3d.scene import Scene
from stereo3d.store import Store
from stereo3d.terrain.align import OverlapMisfit
from stereo3d.terrain.detail import Detail
from stereo3d.terrain.fuse import FusedMap, View
from stereo3d.terrain.mesh import FaceKind, TerrainMesh

_POINTED, _MEASURED, _FUSED, _MESHED = 0.08, 0.85, 0.93, 0.97
"""Shares of the work done: the pointing is refined, all pairs are measured, the maps are one, the mesh is made."""


@dataclass(frozen=True, eq=False)
class Ground:
    """One terrain from all pairs of a scene."""

    observations: tuple[Observation, ...]
    """All frames of the scene, with their cameras as the refined pointing has them."""
    pairs: tuple[MeasuredPair, ...]
    """What each pair measured; without the pairs in which nothing could be measured (see the report's notes)."""
    pointing: Pointing
    fused: FusedMap | None
    """The range image about the middle of the eyes; None when only one pair was measured and nothing is filled."""
    misfits: tuple[OverlapMisfit, ...]
    """How the pairs fit each other over their overlaps; the numbers are those of ``pairs``."""
    mesh: TerrainMesh
    """In the ENU frame of the stop.  ``pixels`` are NaN when it comes from more than one pair, or was thinned out
    to ``settings.faces``."""
    report: dict[str, Any]
    """What was done and how good it is, as plain values."""


def measure_ground(
    scene: Scene, settings: Settings = Settings(), progress: Progress | None = None, store: Store | None = None
) -> Ground:
    """One surface of the ground that all pairs of the scene see.

    The pointing of all frames is refined first; each pair is then measured on its own, and the maps are fused.  What
    ``store`` has of it is not computed again.
    Raises PairError when the scene has no pair, StereoError when no pair can be measured.
    """
    if not scene.pairs:
        raise PairError(f"{scene.name} has no pair", expected="a left and a right image of one shot")
    stages = Stages(progress)
    settings = replace(settings, sky=settings.sky and scene.sky)
    stages.begin("refining the pointing", 0.0)
    pointing = kept_pointing(
        store, scene.observations, lambda share: stages.tell(_POINTED * share) if share < 1 else None
    )
    observations = pointing.applied(scene.observations)
    stages.begin("measuring", _POINTED)
    pairs, notes = _measured(replace(scene, observations=observations).pairs, settings, progress, store)
    stages.begin("fusing", _MEASURED)
    to_enu = enu_from_rover(pairs[0].pair.left)
    fused: FusedMap | None = None
    found: tuple[OverlapMisfit, ...] = ()
    if len(pairs) == 1 and not settings.fill:
        stages.begin("meshing", _FUSED)
        mesh = kept_pair_mesh(store, pairs[0], settings.mesh).moved(to_enu)
    else:
        views = [View(m.xyz, m.pair.left.camera) for m in pairs]
        made = kept_fusion(
            store, views, to_enu, settings.mesh, lambda share: stages.tell(_MEASURED + (_FUSED - _MEASURED) * share)
        )
        fused, found = made.map, made.misfits
        stages.begin("meshing", _FUSED)
        mesh = kept_mesh(store, fused, settings.mesh, settings.fill)
    detail = None
    if settings.faces is not None:
        stages.begin("thinning out", _MESHED)
        centre = to_enu.apply(pairs[0].pair.left.camera.C) if fused is None else fused.grid.centre
        detail = kept_detail(store, mesh, centre, settings.faces)
        mesh = detail.mesh
    stages.begin("done", 1.0)
    report = _report(scene, settings, pairs, pointing, fused, found, mesh, detail, stages.seconds, notes)
    return Ground(observations, pairs, pointing, fused, found, mesh, report)


def _measured(
    pairs: Sequence[StereoPair], settings: Settings, progress: Progress | None, store: Store | None
) -> tuple[tuple[MeasuredPair, ...], list[str]]:
    """What each pair measured, and a note for each in which nothing could be."""
    found, notes = [], []
    failure: StereoError | None = None
    span = (_MEASURED - _POINTED) / len(pairs)
    for number, pair in enumerate(pairs):
        part = Stages(_of_pair(progress, number, len(pairs), _POINTED + span * number, span))
        try:
            found.append(measure_pair(pair, settings, part, store))
        except StereoError as error:
            failure = failure or error
            notes.append(f"{pair.name} is left out: {error}")
    if not found:
        assert failure is not None
        raise failure
    return tuple(found), notes


def _of_pair(progress: Progress | None, number: int, count: int, start: float, span: float) -> Progress | None:
    """Progress of one pair as a part of the whole."""
    if progress is None:
        return None
    prefix = f"pair {number + 1} of {count}: " if count > 1 else ""
    return lambda name, share: progress(prefix + name, start + span * min(1.0, share / 0.8))


def _report(
    scene: Scene,
    settings: Settings,
    pairs: Sequence[MeasuredPair],
    pointing: Pointing,
    fused: FusedMap | None,
    found: Sequence[OverlapMisfit],
    mesh: TerrainMesh,
    detail: Detail | None,
    seconds: dict[str, float],
    notes: Sequence[str],
) -> dict[str, Any]:
    names = [m.pair.name for m in pairs]
    left = pairs[0].pair.left
    out: dict[str, Any] = {
        "version": __version__,
        "inputs": {
            "pairs": [{"left": m.pair.left.product_id, "right": m.pair.right.product_id} for m in pairs],
            "mission": left.mission,
            "sol": left.sol,
            "site": left.site,
            "drive": left.drive,
        },
        "simulated": scene.simulated,
        "settings": asdict(settings),
        "frame": str(mesh.frame),
        "pointing": pointing.as_json(),
        "valid_share": [round(float(m.xyz.measured.mean()), 5) for m in pairs],
        "epipolar_residual": [m.calibration.as_json() for m in pairs],
        "overlaps": [{"first": names[o.first], "second": names[o.second]} | o.as_json() for o in found],
        "triangles": len(mesh.faces),
        "vertices": len(mesh.vertices),
        "filled_triangles": int((mesh.kind == FaceKind.FILLED).sum()),
        "detail": None if detail is None else detail.as_json(),
        "seconds": seconds,
        "notes": [*scene.notes, *notes, *pointing.notes, *(n for m in pairs for n in m.calibration.notes())],
    }
    if fused is not None:
        seen = fused.count > 0
        out["fused"] = {
            "centre_m": [round(float(v), 4) for v in fused.grid.centre],
            "step_deg": round(float(np.degrees(fused.grid.step_rad)), 5),
            "columns": fused.grid.columns,
            "rows": fused.grid.rows,
            "all_around": fused.grid.closed,
            "seen_by_several_share": round(float((fused.count > 1).sum() / max(1, seen.sum())), 5),
            "outvoted_share": round(float((fused.outvoted > 0).sum() / max(1, seen.sum())), 6),
        }
    return out
