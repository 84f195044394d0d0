"""Several stops of one site: each measured on its own, placed beside the first, and joined to one ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d import __version__
from stereo3d.camera import inside
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import ENU_FROM_NED, Float, RigidTransform
from stereo3d.observation import Observation, StereoPair
from stereo3d.pipeline.pair import MeasuredPair
from stereo3d.pipeline.places import pixel_angle_rad
from stereo3d.pipeline.result import Result
from stereo3d.pipeline.settings import Settings
from stereo3d.pipeline.stages import Progress, Stages
from stereo3d.pipeline.whole import GroundReconstruction, reconstruct_scene
from stereo3d.pointing import Pointing
from stereo3d.scene import Scene
from stereo3d.store import Store
from stereo3d.terrain.detail import LEAST_FACES
from stereo3d.terrain.join import Joined, Owners, Placed, join
from stereo3d.terrain.overlap import StopGround
from stereo3d.terrain.placement import Placement, Telemetry, place_stops
from stereo3d.terrain.texture import TexturedMesh

BIAS_PX = 0.1
"""px of disparity: one sigma of what matching errs by alike over the ground of a stop (bench_drives.py)."""
_MEASURED, _PLACED = 0.9, 0.95
_BEFORE_CUT = 0.8


@dataclass(frozen=True, eq=False)
class DrivesReconstruction:
    """Several stops as one ground around the first; a :class:`stereo3d.pipeline.result.Result`.

    Frames and pairs of all stops stand in ROVER_NAV of the first, moved there by the placement: their site, drive and
    pose are those of the first, their products, sols and times their own.
    """

    stops: tuple[GroundReconstruction, ...]
    """Each on its own, in its own frames."""
    placement: Placement
    """In the ENU frame of the first stop."""
    joined: Joined
    """Sigma of its vertices includes that of the placement relative to the first stop, along the line of sight."""
    report_values: dict[str, Any]

    @property
    def name(self) -> str:
        """Of the first stop, and how many there are."""
        return f"{len(self.stops)} stops, the first {self.stops[0].name}"

    @property
    def terrain(self) -> TexturedMesh:
        """In the ENU frame of the first stop."""
        return self.joined.terrain

    @cached_property
    def pairs(self) -> tuple[MeasuredPair, ...]:
        """Of all stops, in ROVER_NAV of the first."""
        out = []
        for k, stop in enumerate(self.stops):
            move = self._rover_from(k)
            for m in stop.pairs:
                pair = StereoPair(self._seen(m.pair.left, k), self._seen(m.pair.right, k))
                xyz = replace(m.xyz, frame=move.to, xyz=move.apply(m.xyz.xyz).astype(np.float32))
                out.append(replace(m, pair=pair, xyz=xyz))
        return tuple(out)

    @cached_property
    def observations(self) -> tuple[Observation, ...]:
        """Of all stops, in ROVER_NAV of the first."""
        return tuple(self._seen(o, k) for k, stop in enumerate(self.stops) for o in stop.observations)

    @property
    def pointing(self) -> Pointing:
        """Of the first stop."""
        return self.stops[0].pointing

    @property
    def enu_from_rover(self) -> RigidTransform:
        """ROVER_NAV of the first stop to the frame of the terrain."""
        return self.stops[0].enu_from_rover

    @property
    def eye_enu(self) -> Float:
        """(3,) m: of the first stop."""
        return self.stops[0].eye_enu

    @property
    def vertex_eyes(self) -> Float:
        """(n, 3) m: where each vertex of the terrain was measured from."""
        eyes = np.stack([_eye(s, m) for s, m in zip(self.stops, self.placement.moved, strict=True)])
        return np.asarray(eyes[self.joined.stop], dtype=np.float64)

    def seen_best(self, points: Float, stop: int) -> NDArray[np.bool_]:
        """(n,) which of ``points`` (n, 3), m, of a stop, in the frame of the terrain, no other stop saw better."""
        found: NDArray[np.bool_] = self._owners.seen_better(points, stop)[0] > 0
        return found

    def placement_sigma(self, points: Float, stop: int) -> Float:
        """(n,) m: one sigma of ``points`` (n, 3) of a stop by its placement beside the first, along the sight."""
        return _placement_sigma(points, self.placement, stop, _eye(self.stops[stop], self.placement.moved[stop]))

    @cached_property
    def _owners(self) -> Owners:
        return Owners(_placed(self.stops, self.placement))

    def _rover_from(self, stop: int) -> RigidTransform:
        """ROVER_NAV of the first stop from that of another."""
        own = self.stops[stop].enu_from_rover
        return self.stops[0].enu_from_rover.inverse() @ self.placement.moved[stop] @ own

    def _seen(self, frame: Observation, stop: int) -> Observation:
        if stop == 0:
            return frame
        first = self.stops[0].observations[0]
        return replace(
            frame,
            camera=frame.camera.moved(self._rover_from(stop)),
            site=first.site,
            drive=first.drive,
            site_from_rover=first.site_from_rover,
            mast_azimuth_deg=None,
            mast_elevation_deg=None,
        )


def reconstruct_stops(
    scenes: Sequence[Scene],
    settings: Settings = Settings(),
    progress: Progress | None = None,
    store: Store | None = None,
    telemetry: Telemetry = Telemetry(),
) -> DrivesReconstruction:
    """One ground from several stops of one site, in ENU about the rover of the first.

    Each stop is measured as :func:`stereo3d.pipeline.reconstruct_scene` does, placed by its records and by what ground
    it shares with others (:mod:`stereo3d.terrain.placement`), and all are joined (:mod:`stereo3d.terrain.join`).
    ``settings.faces`` is shared out evenly.  Raises FrameMismatchError for stops that cannot be placed: of several
    missions or sites, one stop twice, or a record without attitude or position; else as reconstruct_scene does.
    """
    check_stops(scenes)
    if settings.faces is not None:
        # The cut adds some along the borders.
        settings = replace(settings, faces=max(LEAST_FACES, int(_BEFORE_CUT * settings.faces / len(scenes))))
    stages = Stages(progress)
    stages.begin("measuring the stops", 0.0)
    stops = []
    for number, scene in enumerate(scenes):
        part = _of_stop(progress, number, len(scenes))
        stops.append(reconstruct_scene(scene, settings, part, store))
    stages.begin("placing the stops", _MEASURED)
    first = stops[0].observations[0]
    grounds = []
    for stop in stops:
        own = stop.observations[0]
        assert first.site_from_rover is not None
        assert own.site_from_rover is not None
        # Subtracted in double precision before anything is rounded: site coordinates may be hundreds of metres.
        offset = ENU_FROM_NED @ (own.site_from_rover.translation - first.site_from_rover.translation)
        told = RigidTransform(stops[0].terrain.mesh.frame, stop.terrain.mesh.frame, np.eye(3), offset)
        grounds.append(ground_of(stop, told))
    placement = place_stops(grounds, [stop.observations[0].sclk_s for stop in stops], telemetry)
    stages.begin("joining the stops", _PLACED)
    joined = join(_placed(stops, placement))
    mesh = joined.terrain.mesh
    sigma = mesh.sigma_m.copy()
    for k, stop in enumerate(stops):
        at = joined.stop == k
        more = _placement_sigma(mesh.vertices[at], placement, k, _eye(stop, placement.moved[k]))
        sigma[at] = np.hypot(sigma[at], more)
    joined = replace(joined, terrain=replace(joined.terrain, mesh=replace(mesh, sigma_m=sigma)))
    stages.begin("done", 1.0)
    report = _report(scenes, stops, placement, joined, stages.seconds)
    report["from_cache"] = [] if store is None else list(store.taken)
    return DrivesReconstruction(tuple(stops), placement, joined, report)


def check_stops(scenes: Sequence[Scene]) -> None:
    """Raise FrameMismatchError where telemetry cannot place the stops beside each other."""
    firsts = [scene.observations[0] for scene in scenes]
    missions = sorted({o.mission for o in firsts})
    if len(missions) > 1:
        raise FrameMismatchError(
            f"the stops are of {len(missions)} missions: {', '.join(missions)}",
            expected="stops of one rover",
        )
    if len({o.site for o in firsts}) > 1:
        sites = ", ".join(f"{scene.name}: site {o.site}" for scene, o in zip(scenes, firsts, strict=True))
        raise FrameMismatchError(
            f"the stops are of several sites: {sites}",
            expected="stops of one site: the records tell no site's place in another's frame",
            todo="give the stops of each site on their own",
        )
    drives = [o.drive for o in firsts]
    if len(set(drives)) < len(drives):
        raise FrameMismatchError("two of the stops are one", expected="stops of different drives")
    for scene, o in zip(scenes, firsts, strict=True):
        if o.site_from_rover is None or not np.isfinite(o.site_from_rover.translation).all():
            raise FrameMismatchError(
                f"{scene.name}: its records do not tell the rover's attitude and position in the site frame",
                expected='the fields "attitude" and "xyz"',
                todo="leave the stop out, or give its full records with --metadata",
            )


def ground_of(result: Result, told: RigidTransform) -> StopGround:
    """What the placement takes of one stop; telemetry puts it at ``told`` (common frame from its ENU)."""
    vertices = result.terrain.mesh.vertices
    rover = result.enu_from_rover.inverse().apply(vertices)
    pair, best = np.zeros(len(vertices), dtype=np.int32), np.full(len(vertices), np.inf)
    for number, measured in enumerate(result.pairs):
        camera = measured.pair.left.camera
        ahead = np.flatnonzero((rover - camera.C) @ camera.A > 0.0)
        pixels = camera.project(rover[ahead])
        seen = inside(camera, pixels)
        half = 0.5 * np.array([camera.width - 1, camera.height - 1])
        off, at = np.abs((pixels[seen] - half) / half).max(axis=1), ahead[seen]
        nearer = off < best[at]
        best[at[nearer]], pair[at[nearer]] = off[nearer], number
    pixel = max(pixel_angle_rad(m.pair.left.camera) for m in result.pairs)
    base = float(np.median([np.linalg.norm(m.pair.right.camera.C - m.pair.left.camera.C) for m in result.pairs]))
    doubts = np.array([_doubt(m) for m in result.pairs])
    return StopGround(result.terrain.mesh, result.eye_enu, told, pair, doubts, pixel, BIAS_PX * pixel / base)


def _doubt(measured: MeasuredPair) -> float:
    """1/m: the part of sigma that a whole picture shares, over the range squared."""
    xyz = measured.xyz
    if xyz.noise_range_m is None:
        return 0.0
    there = xyz.measured
    square = xyz.sigma_range_m[there].astype(np.float64) ** 2 - xyz.noise_range_m[there].astype(np.float64) ** 2
    return float(np.median(np.sqrt(np.maximum(square, 0.0)) / xyz.range_m[there] ** 2)) if square.size else 0.0


def _placed(stops: Sequence[GroundReconstruction], placement: Placement) -> list[Placed]:
    out = []
    for stop, moved in zip(stops, placement.moved, strict=True):
        terrain = replace(stop.terrain, mesh=stop.terrain.mesh.moved(moved))
        out.append(Placed(terrain, _eye(stop, moved)))
    return out


def _eye(stop: GroundReconstruction, moved: RigidTransform) -> Float:
    return moved.apply(stop.eye_enu)


def _placement_sigma(points: Float, placement: Placement, stop: int, eye: Float) -> Float:
    sight = points - eye
    sight = sight / np.maximum(np.linalg.norm(sight, axis=1, keepdims=True), 1e-9)
    arm = points - placement.moved[stop].translation
    # Along the sight u a turn w moves a place at arm a by u . (w x a) = w . (a x u).
    rows = np.concatenate([np.cross(arm, sight), sight], axis=1)
    square = np.einsum("ij,jk,ik->i", rows, placement.covariance[stop], rows)
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def _of_stop(progress: Progress | None, number: int, count: int) -> Progress | None:
    """Progress of one stop as a part of the whole."""
    if progress is None:
        return None

    def tell(name: str, share: float) -> None:
        if share < 1.0:
            progress(f"stop {number + 1} of {count}: {name}", _MEASURED * (number + share) / count)

    return tell


def _report(
    scenes: Sequence[Scene],
    stops: Sequence[GroundReconstruction],
    placement: Placement,
    joined: Joined,
    seconds: dict[str, float],
) -> dict[str, Any]:
    first = stops[0].report_values
    notes = [
        f"{scene.name}: {note}" for scene, s in zip(scenes, stops, strict=True) for note in s.report_values["notes"]
    ]
    suns = [o.sun_deg for s in stops for o in s.observations[:1] if o.sun_deg is not None]
    if len(suns) > 1 and max(np.hypot(*(np.subtract(s, suns[0]))) for s in suns) > 10.0:
        notes.append("The Sun stood elsewhere at the other stops: shadows change at the borders between them.")
    return {
        "version": __version__,
        "inputs": {
            "pairs": [pair for s in stops for pair in s.report_values["inputs"]["pairs"]],
            **{key: first["inputs"][key] for key in ("mission", "sol", "site", "drive")},
        },
        "simulated": any(scene.simulated for scene in scenes),
        "settings": first["settings"],
        "frame": str(joined.terrain.mesh.frame),
        "stops": [stop_values(scenes, stops, placement, k) for k in range(len(stops))],
        "overlaps": [o.as_json() for o in placement.overlaps],
        "border_step_mm": {"before": joined.step_mm[0], "after": joined.step_mm[1]},
        "gains": [list(g) for g in joined.gains],
        "triangles": len(joined.terrain.mesh.faces),
        "vertices": len(joined.terrain.mesh.vertices),
        "each": [s.report_values for s in stops],
        "seconds": seconds,
        "notes": [*notes, *placement.notes],
    }


def stop_values(
    scenes: Sequence[Scene], stops: Sequence[GroundReconstruction], placement: Placement, number: int
) -> dict[str, Any]:
    """Where one stop is told to be and where it was placed, as plain values: m in SITE (north, east, down), degrees."""
    from scipy.spatial.transform import Rotation

    frame, moved = stops[number].observations[0], placement.moved[number]
    first = stops[0].observations[0]
    assert frame.site_from_rover is not None
    assert first.site_from_rover is not None
    told = frame.site_from_rover
    ned = ENU_FROM_NED @ moved.translation + first.site_from_rover.translation
    # About north, east and down, as positions are told.
    turn = ENU_FROM_NED @ np.degrees(Rotation.from_matrix(moved.rotation).as_rotvec())
    order = [1, 0, 2]
    return {
        "name": scenes[number].name,
        "sol": frame.sol,
        "site": frame.site,
        "drive": frame.drive,
        "told_m": told.translation.tolist(),
        "position_m": ned.round(4).tolist(),
        "heading_deg": round(
            float(np.degrees(np.arctan2(told.rotation[1, 0], told.rotation[0, 0])) + turn[2]) % 360, 3
        ),
        "shift_m": (ned - told.translation).round(4).tolist(),
        "turn_deg": turn.round(4).tolist(),
        "sigma_m": placement.sigma_m(number)[order].round(4).tolist(),
        "sigma_deg": placement.sigma_deg(number)[order].round(4).tolist(),
        "aligned": placement.aligned[number],
    }
