"""One pair: from two images to XYZ with sigma, and on to the textured ground."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import PairError, StereoError
from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.observation import Observation, StereoPair
from stereo3d.pipeline.floors import CAMERAS, STEREO, nameless
from stereo3d.pipeline.report import Report, pair_report
from stereo3d.pipeline.settings import Settings
from stereo3d.pipeline.stages import Progress, Stages
from stereo3d.scene import Scene
from stereo3d.stereo.disparity import Disparity, Matches, Reason, RectifiedPair, XyzMap
from stereo3d.stereo.epipolar import EpipolarCalibration, aligned, self_calibrate
from stereo3d.stereo.levels import enlarged, enlarged_reasons, reduction, sizes, with_right_camera
from stereo3d.stereo.masks import known_reasons
from stereo3d.stereo.match import match
from stereo3d.stereo.rectify import rectify
from stereo3d.stereo.refine import refine, refine_finer
from stereo3d.stereo.triangulate import triangulate
from stereo3d.store import Store, recall
from stereo3d.terrain.mesh import MeshSettings, build_mesh
from stereo3d.terrain.texture import TexturedMesh, texture_mesh


@dataclass(frozen=True, eq=False)
class MeasuredPair:
    """What the two eyes measured: XYZ, and the steps that led there."""

    pair: StereoPair
    """With the right camera as the self-calibration left it; the left one is the record's."""
    rectified: RectifiedPair
    disparity: Disparity
    matches: Matches
    xyz: XyzMap
    calibration: EpipolarCalibration


@dataclass(frozen=True, eq=False)
class _Measurement:
    """What of a :class:`MeasuredPair` follows from the pair."""

    rectified: RectifiedPair
    disparity: Disparity
    matches: Matches
    xyz: XyzMap
    calibration: EpipolarCalibration


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Everything measured from one pair; a :class:`stereo3d.pipeline.result.Result`."""

    pair: StereoPair
    """With the right camera as the self-calibration left it; the left one is the record's."""
    rectified: RectifiedPair
    """Both images on one row-aligned grid, with its camera models."""
    disparity: Disparity
    """px, of the rectified left image."""
    matches: Matches
    """Where each pixel of the left image was found in the right one, with its sigma."""
    xyz: XyzMap
    """On the left raw image's own pixel grid: X, Y, Z in the ROVER_NAV frame, m, sigma, and why there is a hole."""
    terrain: TexturedMesh
    """In the ENU frame of the stop (X east, Y north, Z up, m; origin of ROVER_NAV)."""
    report: Report
    """What was done and how good it is."""
    calibration: EpipolarCalibration
    """How the rows of the two eyes were brought together."""

    @property
    def enu_from_rover(self) -> RigidTransform:
        """ROVER_NAV to the frame of the terrain."""
        return enu_from_rover(self.pair.left)

    @property
    def name(self) -> str:
        """The left image's product id."""
        return self.pair.left.product_id

    @property
    def pairs(self) -> tuple[MeasuredPair, ...]:
        """The one."""
        return (MeasuredPair(self.pair, self.rectified, self.disparity, self.matches, self.xyz, self.calibration),)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The left and the right one."""
        return self.pair.left, self.pair.right

    @property
    def eye_enu(self) -> NDArray[np.float64]:
        """(3,) m: where the left camera stood, in ENU."""
        return self.enu_from_rover.apply(self.pair.left.camera.C)

    @property
    def pointing(self) -> None:
        """One pair is not tied to others: its pointing is the records'."""
        return None

    @property
    def report_values(self) -> dict[str, Any]:
        """The report as plain values."""
        return self.report.as_json()


def enu_from_rover(observation: Observation) -> RigidTransform:
    """ROVER_NAV to ENU (X east, Y north, Z up, m) of the same origin, through the rover's attitude."""
    level = observation.level_from_rover
    to = Frame.enu(observation.site, observation.drive)
    return RigidTransform(to, level.to, ENU_FROM_NED) @ level


def reconstruct(
    scene: Scene, settings: Settings = Settings(), progress: Progress | None = None, store: Store | None = None
) -> Reconstruction:
    """Measure the ground that the scene's pair sees: XYZ with sigma of every pixel, and the textured mesh.

    ``settings`` choose what is searched and kept; ``progress(stage, share)`` is told of the work as it goes; what
    ``store`` has of it is not computed again, without one nothing is kept.  No file is written.

    Raises PairError when the scene has not exactly one pair, StereoError when nothing can be measured.
    """
    if len(scene.pairs) != 1:
        names = ", ".join(p.name for p in scene.pairs) or "none"
        raise PairError(f"{scene.name} has {len(scene.pairs)} pairs ({names})", expected="one", todo="name two images")
    pair = scene.pairs[0]
    stages = Stages(progress)

    settings = replace(settings, sky=settings.sky and scene.sky)
    measured = measure_pair(pair, settings, stages, store)
    pair, xyz, calibration = measured.pair, measured.xyz, measured.calibration
    stages.begin("meshing", 0.8)
    to_enu = enu_from_rover(pair.left)
    mesh = build_mesh(xyz, pair.left.camera.C, settings.mesh).moved(to_enu)
    terrain = texture_mesh(mesh, pair.left.image)
    stages.begin("reporting", 0.95)
    report = pair_report(scene, pair, settings, measured.matches, xyz, terrain, calibration, stages.seconds)
    report = replace(report, from_cache=() if store is None else tuple(store.taken))
    stages.begin("done", 1.0)
    m = measured
    return Reconstruction(pair, m.rectified, m.disparity, m.matches, xyz, terrain, report, calibration)


def measure_pair(
    pair: StereoPair, settings: Settings = Settings(), stages: Stages | None = None, store: Store | None = None
) -> MeasuredPair:
    """XYZ of every pixel of the left image that both eyes see well enough; from ``store`` when it was measured before.

    Progress and times go to ``stages``, of which this takes the shares 0.02 to 0.8.  Raises StereoError when nothing
    can be measured.
    """
    size = pair.left.image.valid.shape
    m = recall(
        store,
        "pair",
        STEREO,
        _Measurement,
        lambda: _measured(pair, settings, stages or Stages(None)),
        nameless(pair.left),
        nameless(pair.right),
        replace(settings, mesh=MeshSettings(), faces=None, fill=False),  # what the mesh will be like is not asked here
        choices=CAMERAS,
        fits=lambda found: found.xyz.reason.shape == found.matches.reason.shape == size,
    )
    return MeasuredPair(aligned(pair, m.calibration), m.rectified, m.disparity, m.matches, m.xyz, m.calibration)


def _measured(pair: StereoPair, settings: Settings, stages: Stages) -> _Measurement:
    stages.begin("masking", 0.02)
    factor = reduction(pair)
    pairs = sizes(pair, factor)
    small = pairs[factor]
    with ThreadPoolExecutor(max_workers=2) as pool:
        reasons = list(pool.map(lambda eye: known_reasons(eye, settings.sky), (small.left, small.right)))
    _require_ground(pair, *reasons)
    stages.begin("aligning the eyes", 0.06)
    usable = [
        enlarged_reasons(r, o.image.valid.shape) == 0 for r, o in zip(reasons, (pair.left, pair.right), strict=True)
    ]
    calibration = self_calibrate(pair, usable[0], usable[1], settings.min_range_m)
    # The envelope is larger than the rover.  What a ray that meets it shows, is told from where it was measured.
    body = enlarged_reasons(reasons[0] & np.uint16(Reason.ROVER), usable[0].shape) > 0
    reasons = [reason & ~np.uint16(Reason.ROVER) for reason in reasons]
    del usable
    pair = aligned(pair, calibration)
    pairs = with_right_camera(pairs, pair.right.camera)
    stages.begin("rectifying", 0.12)
    rectified = rectify(pairs[factor], reasons[0] == 0, reasons[1] == 0, settings.min_range_m)
    stages.begin("matching", 0.18)
    disparity = match(rectified, settings.min_range_m, lambda share: stages.tell(0.18 + 0.36 * share))
    stages.begin("refining", 0.55)
    matches = _refined(pairs, rectified, disparity, reasons[0], lambda share: stages.tell(0.55 + 0.14 * share))
    stages.begin("triangulating", 0.7)
    xyz = triangulate(pair, matches, settings.max_sigma_share, calibration.vergence_sigma_rad, body)
    if not xyz.measured.any():
        raise StereoError(
            "no ground could be measured", file=pair.left.path, expected="textured ground that both eyes see"
        )
    return _Measurement(rectified, disparity, matches, xyz, calibration)


def _refined(
    pairs: dict[int, StereoPair],
    rectified: RectifiedPair,
    disparity: Disparity,
    reason: NDArray[np.uint16],
    tell: Callable[[float], None],
) -> Matches:
    """Sub-pixel matches at the pair's own size, by way of the sizes of ``pairs``, the most reduced one first."""
    factor = max(pairs)
    matches = refine(pairs[factor], rectified, disparity, reason)
    size = 1
    while size < factor:
        size *= 2
        tell(size**2 / factor**2 / 2)
        level = pairs[factor // size]
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
