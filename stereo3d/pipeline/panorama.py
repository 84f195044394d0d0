"""Frames of one stop into one picture: pointing, ground, brightness, seams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d import __version__
from stereo3d.camera import pixel_grid
from stereo3d.errors import PanoramaError, StereoError
from stereo3d.observation import Eye, Observation, credit_of
from stereo3d.panorama.eye_path import EyePath, fit_eye_paths
from stereo3d.panorama.mosaic import Mosaic, Tone, make_mosaic, reduced_canvas, usual_tone
from stereo3d.panorama.plan import CanvasWish, cut_open, for_eye, plan
from stereo3d.panorama.projection import Projection
from stereo3d.panorama.radiometry import Radiometry, solve
from stereo3d.panorama.resample import Source, make_source
from stereo3d.panorama.surface import MeasuredGround, Plane, Samples, Surface
from stereo3d.panorama.tied import LEAST_POINTS, TiedGround
from stereo3d.pipeline.pair import MeasuredPair, measure_pair
from stereo3d.pipeline.settings import Settings
from stereo3d.pipeline.stages import Progress, Stages
from stereo3d.pipeline.stored import kept_pointing
from stereo3d.pointing import Pointing
from stereo3d.scene import Scene
from stereo3d.stereo.disparity import Reason
from stereo3d.stereo.levels import reduced
from stereo3d.store import Store

EYES = ("left", "right", "anaglyph")
_STEREO_COLUMNS = 400
"""The ground needs no more: it only says where each eye's rays meet it."""
_GROUNDS: dict[type, str] = {
    MeasuredGround: "measured",
    TiedGround: "plane of the wheels, bent to points of the overlaps",
    Plane: "plane of the wheels",
}


@dataclass(frozen=True)
class PanoramaSettings:
    """What the user may choose."""

    canvas: CanvasWish = field(default_factory=CanvasWish)
    eye: str | None = None
    """One of :data:`EYES`; None is the left eye, or the one there is."""
    refine: bool = True
    """Whether the pointing is refined over the overlaps, or taken as told."""
    stereo: bool = True
    """Whether pairs are measured for the ground, or the plane of the wheels is taken for it."""
    hide_rover: bool = False

    def __post_init__(self) -> None:
        if self.eye is not None and self.eye not in EYES:
            raise PanoramaError(f"there is no eye '{self.eye}'", expected=f"one of {', '.join(EYES)}")


@dataclass(frozen=True, eq=False)
class Panorama:
    """The picture, what its pixels stand for, and how it was made."""

    name: str
    pixels: NDArray[np.generic]
    """(rows, columns) grey or (rows, columns, 3) RGB, uint8 or uint16, DN; 0 where unseen."""
    seen: NDArray[np.bool_]
    """(rows, columns); of an anaglyph: by either eye."""
    projection: Projection
    """Of the picture; of an anaglyph: of its left eye."""
    right_projection: Projection | None
    """Of the right eye of an anaglyph."""
    report: dict[str, Any]
    """Plain values: frames, pointing, brightness, seams, seconds, notes."""


def make_panorama(
    scene: Scene,
    settings: PanoramaSettings = PanoramaSettings(),
    progress: Progress | None = None,
    store: Store | None = None,
) -> Panorama:
    """The panorama of all frames of the scene (:func:`stereo3d.read_frames`): levelled, north known, brightness even.

    ``settings`` choose projection, width, eye and ground; ``progress`` and ``store`` are those of
    :func:`stereo3d.reconstruct`.

    Raises PanoramaError for an eye of which there is no frame, and for a view that shows none of the frames.
    """
    stages = Stages(progress)
    eyes = _eyes(scene, settings.eye)
    notes = list(scene.notes)
    stages.begin("pointing", 0.0)
    pointing: Pointing | None = None
    observations = scene.observations
    if settings.refine and len(observations) > 1:
        pointing = kept_pointing(store, observations, lambda share: stages.tell(0.3 * share))
        observations = pointing.applied(observations)
        notes.extend(pointing.notes)
    if all(o.site_from_rover is None for o in observations):
        notes.append("The frames have no attitude: the rover was taken as level and facing north.")

    paths = fit_eye_paths(observations)
    tied = np.empty((0, 3)) if pointing is None else scene.observations[0].level_from_rover.apply(pointing.points)
    surface = _surface(replace(scene, observations=observations), paths[eyes[0]], tied, settings, stages, notes, store)
    stages.begin("planning", 0.55)
    sources = [make_source(o, surface, settings.hide_rover) for o in observations]
    of_eye = {eye: [s for s in sources if s.eye is eye] for eye in eyes}
    frame = observations[0].level_from_rover.to
    first = [s for eye in eyes for s in of_eye[eye]]
    planned = plan(settings.canvas, first, frame, paths[eyes[0]])
    opened, shift = cut_open(planned, first)
    dtype, sources, of_eye = depth(sources, of_eye)

    stages.begin("balancing brightness", 0.58)
    radiometry, tone = balanced(sources, eyes, planned, paths[eyes[0]], surface)
    notes.extend(radiometry.notes)
    mosaics: dict[Eye, Mosaic] = {}
    projections: dict[Eye, Projection] = {}
    for number, eye in enumerate(eyes):
        start, share = 0.64 + 0.34 * number / len(eyes), 0.34 / len(eyes)
        stages.begin(f"mosaicking the {eye.value} eye" if eye is not Eye.NONE else "mosaicking", start)
        projection = opened if len(eyes) == 1 else for_eye(opened, paths[eye], eye)

        def tell(done: float, start: float = start, share: float = share) -> None:
            stages.tell(start + share * done)

        made = make_mosaic(projection, surface, of_eye[eye], radiometry, tone, dtype, tell)
        if made is None:
            raise PanoramaError(
                f"no {eye.value} frame lies in this {settings.canvas.kind} view",
                expected="a view at the frames' azimuths and elevations",
                todo="leave the aim out, or see 'stereo3d info' for where the frames look",
            )
        mosaics[eye] = made.rolled(shift)
        projections[eye] = planned if len(eyes) == 1 else for_eye(planned, paths[eye], eye)
    stages.begin("composing", 0.98)
    pixels, seen = _composed([mosaics[eye] for eye in eyes])
    stages.begin("done", 1.0)
    report = _report(scene, settings, observations, mosaics, pointing, radiometry, surface, notes, stages)
    return Panorama(
        name=scene.name,
        pixels=pixels,
        seen=seen,
        projection=projections[eyes[0]],
        right_projection=projections[eyes[1]] if len(eyes) == 2 else None,
        report=report,
    )


def _eyes(scene: Scene, wanted: str | None) -> tuple[Eye, ...]:
    there = {o.eye for o in scene.observations}
    if wanted is None:
        return (next(e for e in (Eye.LEFT, Eye.RIGHT, Eye.NONE) if e in there),)
    eyes = (Eye.LEFT, Eye.RIGHT) if wanted == "anaglyph" else (Eye(wanted),)
    missing = [e.value for e in eyes if e not in there]
    if missing:
        raise PanoramaError(
            f"{scene.name} has no frame of the {' and the '.join(missing)} eye",
            expected=f"frames of {'both eyes' if len(eyes) == 2 else f'the {wanted} eye'}",
            todo="give that eye's frames too, or ask for the eye there is",
        )
    return eyes


def _surface(
    scene: Scene,
    path: EyePath,
    tied: NDArray[np.float64],
    settings: PanoramaSettings,
    stages: Stages,
    notes: list[str],
    store: Store | None,
) -> Surface:
    """The measured ground of all pairs; without stereo the plane of the wheels, bent to the points ``tied`` (n, 3)."""
    plane = Plane.of_wheels(scene.observations[0].level_from_rover)
    pairs = scene.pairs if settings.stereo else ()
    samples: list[Samples] = []
    for number, pair in enumerate(pairs):
        stages.begin("measuring the ground", 0.3 + 0.25 * number / len(pairs))
        factor = 1
        while pair.left.camera.width > _STEREO_COLUMNS * factor:
            factor *= 2
        try:
            samples.extend(samples_of(measure_pair(reduced(pair, factor), Settings(), store=store), path.centre))
        except StereoError as error:
            notes.append(f"{pair.name}: no ground measured ({error.what})")
    if not any(s.nearness.any() for s in samples):
        if settings.stereo and len(tied) >= LEAST_POINTS:
            notes.append(
                f"No stereo at hand: the ground was taken as the plane of the wheels, bent to {len(tied)} points that "
                "two frames see."
            )
            return TiedGround(path.centre, tied, plane)
        if settings.stereo:
            notes.append("No stereo at hand: the ground was taken as the plane of the wheels.")
        return plane
    return MeasuredGround(path.centre, samples, plane)


def samples_of(measured: MeasuredPair, centre: NDArray[np.float64], step: int = 1) -> list[Samples]:
    """What every ``step``-th pixel of a pair says of ground and sky about ``centre`` (3,), m, LOCAL_LEVEL."""
    level, camera = measured.pair.left.level_from_rover, measured.pair.left.camera
    part = (slice(step // 2, None, step),) * 2
    xyz, reason = measured.xyz.xyz[part], measured.xyz.reason[part]
    on = measured.xyz.measured[part]
    ground = Samples.of_ground(level.apply(xyz[on]), measured.xyz.sigma_range_m[part][on], centre)
    up = (reason & np.uint16(Reason.SKY)) > 0
    up &= (reason & np.uint16(Reason.VIGNETTE | Reason.ROVER)) == 0
    rays = camera.ray(pixel_grid(camera.width, camera.height)[part][up])[1]
    return [ground, Samples.of_sky(level.rotate(rays))]


def depth(
    sources: list[Source], of_eye: dict[Eye, list[Source]]
) -> tuple[type[np.uint8] | type[np.uint16], list[Source], dict[Eye, list[Source]]]:
    """The depth of the picture: 8 bits where all frames have 8; values that are no DN are spread over 16 bits."""
    if all(s.pixels.dtype == np.uint8 for s in sources):
        return np.uint8, sources, of_eye
    if any(s.pixels.dtype == np.float32 for s in sources):
        some = np.concatenate([s.pixels[s.usable].astype(np.float32).ravel()[::101] for s in sources])
        low, high = np.percentile(some, [0.1, 99.9]) if some.size else (0.0, 1.0)
        if high <= 16.0:  # radiance or I/F, not DN
            gain = 50_000.0 / max(float(high - low), 1e-12)
            scaled = {
                id(s): replace(s, pixels=(s.pixels.astype(np.float32) - np.float32(low)) * np.float32(gain))
                for s in sources
            }
            sources = [scaled[id(s)] for s in sources]
            of_eye = {eye: [scaled[id(s)] for s in found] for eye, found in of_eye.items()}
    return np.uint16, sources, of_eye


def balanced(
    sources: Sequence[Source], eyes: Sequence[Eye], planned: Projection, path: EyePath, surface: Surface
) -> tuple[Radiometry, Tone]:
    """Solved on one canvas that shows all frames of both eyes, whatever the picture shows; the tone of ``eyes``."""
    around = plan(CanvasWish("equirectangular", width=1500), sources, planned.frame, path)
    opened, _ = cut_open(around, sources)
    canvas = reduced_canvas(opened, surface)
    layers = [layer for source in sources for layer in canvas.layers(source)]
    radiometry = solve(layers)
    return radiometry, usual_tone([layer for layer in layers if layer.eye in eyes], radiometry)


def _composed(mosaics: Sequence[Mosaic]) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """One picture as it is; two as red and cyan."""
    if len(mosaics) == 1:
        return mosaics[0].pixels, mosaics[0].seen
    left, right = (_grey(m.pixels) for m in mosaics)
    return np.stack([left, right, right], axis=-1), mosaics[0].seen | mosaics[1].seen


def _grey(pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))


def _report(
    scene: Scene,
    settings: PanoramaSettings,
    observations: Sequence[Observation],
    mosaics: dict[Eye, Mosaic],
    pointing: Pointing | None,
    radiometry: Radiometry,
    surface: Surface,
    notes: list[str],
    stages: Stages,
) -> dict[str, Any]:
    taken = {t.name: t for m in mosaics.values() for t in m.taken}
    frames = []
    for o in observations:
        entry: dict[str, Any] = {
            "frame": o.product_id,
            "file": o.path.replace("\\", "/").rsplit("/", 1)[-1] if o.path else None,
            "eye": o.eye.value,
            "instrument": o.instrument,
            "sclk_s": o.sclk_s,
            "width": o.camera.width,
            "height": o.camera.height,
        }
        if o.product_id in taken:
            entry["share"] = round(taken[o.product_id].share, 5)
            entry["outlines_px"] = [polygon.tolist() for polygon in taken[o.product_id].outlines]
        frames.append(entry)
    one = observations[0]
    return {
        "version": __version__,
        "name": scene.name,
        "simulated": scene.simulated,
        "mission": one.mission,
        "credit": credit_of(one.mission),
        "sol": one.sol,
        "site": one.site,
        "drive": one.drive,
        "settings": asdict(settings),
        "ground": _GROUNDS[type(surface)],
        "frames": frames,
        "pointing": pointing.as_json() if pointing is not None else None,
        "radiometry": radiometry.as_json(),
        "seam_step": {
            eye.value: {"before": m.seam_step_before, "after": m.seam_step_after} for eye, m in mosaics.items()
        },
        "seconds": dict(stages.seconds),
        "notes": notes,
    }
