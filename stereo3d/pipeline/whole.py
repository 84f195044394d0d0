"""All pairs of a stop: one ground around the rover, textured from all frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import RigidTransform
from stereo3d.observation import Observation
from stereo3d.pipeline.ground import Ground, measure_ground
from stereo3d.pipeline.pair import MeasuredPair, enu_from_rover
from stereo3d.pipeline.report import overlap_share, reason_legend
from stereo3d.pipeline.settings import Settings
from stereo3d.pipeline.stages import Progress, Stages
from stereo3d.pipeline.stored import kept_atlas
from stereo3d.pointing import Pointing
from stereo3d.scene import Scene
from stereo3d.stereo.disparity import Reason
from stereo3d.store import Store
from stereo3d.terrain.atlas import Atlas
from stereo3d.terrain.texture import TexturedMesh

_TEXTURED_FROM = 0.75
"""Share of the work that is done when the ground is one mesh."""


@dataclass(frozen=True, eq=False)
class GroundReconstruction:
    """Everything measured from all pairs of a stop; a :class:`stereo3d.pipeline.result.Result`."""

    name: str
    """That of the scene, and how many pairs it holds."""
    ground: Ground
    atlas: Atlas
    report_values: dict[str, Any]
    """report.json: what was done and how good it is."""

    @property
    def terrain(self) -> TexturedMesh:
        """In the ENU frame of the stop."""
        return self.atlas.terrain

    @property
    def pairs(self) -> tuple[MeasuredPair, ...]:
        """What each pair measured, in order of time."""
        return self.ground.pairs

    @property
    def observations(self) -> tuple[Observation, ...]:
        """All frames, with the refined pointing."""
        return self.ground.observations

    @property
    def pointing(self) -> Pointing:
        """What refining it found."""
        return self.ground.pointing

    @property
    def enu_from_rover(self) -> RigidTransform:
        """ROVER_NAV to the frame of the terrain."""
        return enu_from_rover(self.observations[0])

    @property
    def eye_enu(self) -> NDArray[np.float64]:
        """(3,) m: the middle of the left cameras, which the pairs were fused about."""
        return self.enu_from_rover.apply(np.mean([m.pair.left.camera.C for m in self.pairs], axis=0))


def reconstruct_scene(
    scene: Scene, settings: Settings = Settings(), progress: Progress | None = None, store: Store | None = None
) -> GroundReconstruction:
    """One textured surface of the ground that all pairs of the scene see: pointing, pairs, fusion, texture.

    ``settings``, ``progress`` and ``store`` are those of :func:`stereo3d.reconstruct`; no file is written.  The frames
    are corrected to one pointing, so that the pairs agree over their overlaps.

    Raises PairError when the scene has no pair, StereoError when nothing can be measured.
    """
    stages = Stages(progress)
    share = _TEXTURED_FROM

    def measuring(stage: str, done: float) -> None:
        if progress is not None and done < 1.0:
            progress(stage, share * done)

    ground = measure_ground(scene, settings, measuring, store)
    stages.begin("texturing", share)
    hidden = {m.pair.left.product_id: (m.xyz.reason & np.uint16(Reason.ROVER)) > 0 for m in ground.pairs}
    atlas = kept_atlas(
        store,
        ground.mesh,
        ground.observations,
        hidden,
        settings.sky and scene.sky,
        lambda done: stages.tell(share + (1.0 - share) * done),
    )
    stages.begin("done", 1.0)
    count = len(ground.pairs)
    name = f"{scene.name}, {count} pairs" if count > 1 else f"{scene.name}, {ground.pairs[0].pair.name}"
    report = _report(ground, atlas, stages.seconds)
    report["from_cache"] = [] if store is None else list(store.taken)
    return GroundReconstruction(name, ground, atlas, report)


def _report(ground: Ground, atlas: Atlas, seconds: dict[str, float]) -> dict[str, Any]:
    """The ground's own report, with the texture and each pair's reasons."""
    report = dict(ground.report)
    report["pairs"] = [
        {
            "name": m.pair.name,
            "left": m.pair.left.product_id,
            "valid_share": round(float(m.xyz.measured.mean()), 5),
            "overlap_share": overlap_share(m.xyz),
            "reason_legend": reason_legend(m.xyz),
        }
        for m in ground.pairs
    ]
    report["texture"] = {
        "width": atlas.terrain.image.shape[1],
        "height": atlas.terrain.image.shape[0],
        "unseen_share": round(atlas.unseen_share, 6),
        "seam_step": {"before": atlas.seam_step_before, "after": atlas.seam_step_after},
        "radiometry": atlas.radiometry.as_json(),
    }
    report["seconds"] = {**ground.report["seconds"], **seconds}
    notes = [*report["notes"], *atlas.radiometry.notes]
    if report["simulated"]:
        notes.append("The images are simulated, not taken on Mars.")
    report["notes"] = notes
    return report
