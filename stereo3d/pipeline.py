"""The main job as one pure function: a scene in, measured ground out.  No files, no window."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d import __version__
from stereo3d.errors import PairError, StereoError
from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.observation import Observation, StereoPair
from stereo3d.scene import Scene
from stereo3d.stereo.disparity import REASON_TEXT, Disparity, Matches, Reason, RectifiedPair, XyzMap
from stereo3d.stereo.epipolar import EpipolarCalibration, aligned, self_calibrate
from stereo3d.stereo.levels import enlarged, enlarged_reasons, reduced, reduction
from stereo3d.stereo.masks import known_reasons
from stereo3d.stereo.match import match
from stereo3d.stereo.rectify import rectify
from stereo3d.stereo.refine import refine, refine_finer
from stereo3d.stereo.triangulate import triangulate
from stereo3d.terrain.mesh import MeshSettings, build_mesh
from stereo3d.terrain.texture import TexturedMesh, texture_mesh

Progress = Callable[[str, float], None]
"""Called with the name of the stage that begins and the share of the work done so far (0 to 1)."""


@dataclass(frozen=True)
class Settings:
    """What the user may choose.  Every number with its unit in its name."""

    min_range_m: float = 1.0
    """Nearest ground that is searched for, m along the viewing axis."""
    max_sigma_share: float = 0.1
    """Pixels whose range noise (sigma less what moves all alike) exceeds this share of the range are beyond range."""
    mesh: MeshSettings = field(default_factory=MeshSettings)


@dataclass(frozen=True)
class Report:
    """What was done and how good it is; ``report.json`` is this."""

    version: str
    inputs: dict[str, Any]
    """Ids of the two products, and where and when they were taken."""
    simulated: bool
    settings: dict[str, Any]
    frame: str
    """The frame of xyz.tif."""
    valid_share: float
    """Share of all pixels of the left image that have XYZ."""
    overlap_share: float
    """Share with XYZ of the pixels that are neither sky, vignette, rover nor outside the overlap."""
    reason_legend: dict[str, dict[str, Any]]
    """Name of each flag of reason.tif: its bit, its meaning, and the share of the pixels that carry it."""
    epipolar_residual: dict[str, Any]
    """Row difference of sparse matches before and after the self-calibration (median, MAD, trend, px), the turn of the
    right camera (degrees, with sigma), whether it was applied and why not, and the doubt about vergence."""
    range_percentiles_m: dict[str, float | None]
    sigma_percentiles_m: dict[str, float | None]
    matching_sigma_percentiles_px: dict[str, float | None]
    """One sigma of the disparity, px of the rectified images, over all matches."""
    triangles: int
    vertices: int
    seconds: dict[str, float]
    """Wall seconds of each stage."""
    peak_memory_mb: float | None = None
    """Peak resident memory of the process, MB; filled in by the command that writes the report."""
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values for json.dump."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Everything measured from one pair."""

    pair: StereoPair
    """With the right camera as the self-calibration left it; the left one is the record's."""
    rectified: RectifiedPair
    disparity: Disparity
    matches: Matches
    xyz: XyzMap
    terrain: TexturedMesh
    """In the ENU frame of the stop (X east, Y north, Z up, m; origin of ROVER_NAV)."""
    report: Report
    calibration: EpipolarCalibration

    @property
    def enu_from_rover(self) -> RigidTransform:
        """ROVER_NAV to the frame of the terrain."""
        return enu_from_rover(self.pair.left)


def enu_from_rover(observation: Observation) -> RigidTransform:
    """ROVER_NAV to ENU (X east, Y north, Z up, m) of the same origin, through the rover's attitude."""
    level = observation.level_from_rover
    to = Frame.enu(observation.site, observation.drive)
    return RigidTransform(to, level.to, ENU_FROM_NED) @ level


class _Stages:
    """Tells progress and keeps the time of each stage."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._name: str | None = None
        self._began = 0.0
        self.seconds: dict[str, float] = {}

    def begin(self, name: str, share: float) -> None:
        now = time.perf_counter()
        if self._name is not None:
            self.seconds[self._name] = round(self.seconds.get(self._name, 0.0) + now - self._began, 4)
        self._name, self._began = name, now
        self.tell(share)

    def tell(self, share: float) -> None:
        if self._progress is not None and self._name is not None:
            self._progress(self._name, share)


def reconstruct(scene: Scene, settings: Settings = Settings(), progress: Progress | None = None) -> Reconstruction:
    """Measure the ground that the scene's pair sees.

    Raises PairError when the scene has not exactly one pair, StereoError when nothing can be measured.
    """
    if len(scene.pairs) != 1:
        names = ", ".join(p.name for p in scene.pairs) or "none"
        raise PairError(f"{scene.name} has {len(scene.pairs)} pairs ({names})", expected="one", todo="name two images")
    pair = scene.pairs[0]
    stages = _Stages(progress)

    stages.begin("masking", 0.02)
    factor = reduction(pair)
    small = reduced(pair, factor)
    with ThreadPoolExecutor(max_workers=2) as pool:
        reasons = list(pool.map(known_reasons, (small.left, small.right)))
    _require_ground(pair, *reasons)
    stages.begin("aligning the eyes", 0.06)
    usable = [
        enlarged_reasons(r, o.image.valid.shape) == 0 for r, o in zip(reasons, (pair.left, pair.right), strict=True)
    ]
    calibration = self_calibrate(pair, usable[0], usable[1], settings.min_range_m)
    del usable
    pair = aligned(pair, calibration)
    small = reduced(pair, factor)
    stages.begin("rectifying", 0.12)
    rectified = rectify(small, reasons[0] == 0, reasons[1] == 0, settings.min_range_m)
    stages.begin("matching", 0.18)
    disparity = match(rectified, settings.min_range_m, lambda share: stages.tell(0.18 + 0.36 * share))
    stages.begin("refining", 0.55)
    matches = _refined(pair, factor, rectified, disparity, reasons[0], lambda share: stages.tell(0.55 + 0.14 * share))
    stages.begin("triangulating", 0.7)
    xyz = triangulate(pair, matches, settings.max_sigma_share, calibration.vergence_sigma_rad)
    if not xyz.measured.any():
        raise StereoError(
            "no ground could be measured", file=pair.left.path, expected="textured ground that both eyes see"
        )
    stages.begin("meshing", 0.8)
    to_enu = enu_from_rover(pair.left)
    mesh = build_mesh(xyz, pair.left.camera.C, settings.mesh).moved(to_enu)
    terrain = texture_mesh(mesh, pair.left.image)
    stages.begin("reporting", 0.95)
    report = _report(scene, pair, settings, matches, xyz, terrain, calibration, stages.seconds)
    stages.begin("done", 1.0)
    return Reconstruction(pair, rectified, disparity, matches, xyz, terrain, report, calibration)


def _refined(
    pair: StereoPair,
    factor: int,
    rectified: RectifiedPair,
    disparity: Disparity,
    reason: NDArray[np.uint16],
    tell: Callable[[float], None],
) -> Matches:
    """Sub-pixel matches at the pair's own size, by way of the sizes from the matcher's, ``factor`` times smaller."""
    matches = refine(reduced(pair, factor), rectified, disparity, reason)
    size = 1
    while size < factor:
        size *= 2
        tell(size**2 / factor**2 / 2)
        level = reduced(pair, factor // size)
        cameras = enlarged(rectified.left_camera, size), enlarged(rectified.right_camera, size)
        masks = enlarged_reasons(reason, level.left.image.valid.shape)
        matches = refine_finer(level, cameras, matches, masks)
    return matches


def _require_ground(pair: StereoPair, *reasons: NDArray[np.uint16]) -> None:
    for observation, reason in zip((pair.left, pair.right), reasons, strict=True):
        if not (reason == 0).mean() > 1e-3:
            raise StereoError(
                "nothing in the image is ground: it is all sky, black, or the rover itself",
                file=observation.path,
                expected="an image with ground in view",
            )


def _percentiles(values: NDArray[np.float32]) -> dict[str, float | None]:
    found = values[np.isfinite(values)]
    keys = (0, 5, 25, 50, 75, 95, 100)
    numbers = np.percentile(found, keys).tolist() if found.size else [None] * len(keys)
    return {f"p{k}": None if v is None else round(float(v), 4) for k, v in zip(keys, numbers, strict=True)}


def _inputs(pair: StereoPair) -> dict[str, Any]:
    left, right = pair.left, pair.right
    return {
        "left": left.product_id,
        "right": right.product_id,
        "mission": left.mission,
        "sol": left.sol,
        "site": left.site,
        "drive": left.drive,
        "taken_utc": left.taken_utc,
    }


def _report(
    scene: Scene,
    pair: StereoPair,
    settings: Settings,
    matches: Matches,
    xyz: XyzMap,
    terrain: TexturedMesh,
    calibration: EpipolarCalibration,
    seconds: dict[str, float],
) -> Report:
    no_ground = Reason.SKY | Reason.VIGNETTE | Reason.ROVER | Reason.OUTSIDE_OVERLAP
    ground = (xyz.reason & np.uint16(no_ground)) == 0
    legend = {
        str(r.name): {
            "bit": int(r),
            "meaning": text,
            "share": round(float(((xyz.reason & np.uint16(r)) > 0).mean()), 5),
        }
        for r, text in REASON_TEXT.items()
    }
    notes = []
    if pair.left.site_from_rover is None:
        notes.append("The record has no attitude: the rover was taken as level and facing north.")
    notes.extend(calibration.notes())
    if scene.simulated:
        notes.append("The images are simulated, not taken on Mars.")
    return Report(
        version=__version__,
        inputs=_inputs(pair),
        simulated=scene.simulated,
        settings=asdict(settings) | {"opencv": cv2.__version__},
        frame=str(xyz.frame),
        valid_share=round(float(xyz.measured.mean()), 5),
        overlap_share=round(float(xyz.measured[ground].mean()), 5) if ground.any() else 0.0,
        reason_legend=legend,
        epipolar_residual=calibration.as_json(),
        range_percentiles_m=_percentiles(xyz.range_m),
        sigma_percentiles_m=_percentiles(xyz.sigma_range_m),
        matching_sigma_percentiles_px=_percentiles(matches.sigma_px),
        triangles=len(terrain.mesh.faces),
        vertices=len(terrain.mesh.vertices),
        seconds=seconds,
        notes=tuple(notes),
    )
