"""What the refinement of pointing found: a correction with its sigma for each frame, residuals, and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stereo3d.camera import CameraModel
from stereo3d.frames import Float, RigidTransform, locked
from stereo3d.observation import Observation


@dataclass(frozen=True, eq=False)
class FramePointing:
    """The correction of one frame; all frames of a shot share it."""

    product_id: str
    shot: int
    """Which standing of the mast the frame is of, in order of time, from 0."""
    group: int
    """Frames of one group are tied to each other; between groups only the telemetry knows.  -1: tied to none."""
    pan_deg: float
    """To be added, positive to the right; 0 where the telemetry is kept."""
    tilt_deg: float
    """To be added, positive upwards."""
    pan_sigma_deg: float
    """One sigma of the pan after the correction, the doubt about the whole group's pan included; where the telemetry is
    kept, the telemetry's."""
    tilt_sigma_deg: float
    pan_relative_sigma_deg: float
    """The same against the mean of the frame's group: what seams depend on; NaN where the telemetry is kept."""
    tilt_relative_sigma_deg: float
    ties: int
    """Places tied to frames of other shots."""
    why_not: str
    """Why the telemetry is kept; empty when the correction is applied."""
    turn: RigidTransform
    """The correction as a motion of ROVER_NAV onto itself; the identity where the telemetry is kept."""

    @property
    def applied(self) -> bool:
        """Whether the frame is corrected."""
        return not self.why_not


@dataclass(frozen=True)
class OverlapResidual:
    """How far off ties between two shots are, px of the frames as delivered: the median length."""

    first: str
    """Product id of the first frame of one shot."""
    second: str
    ties: int
    before_px: float
    """With the telemetry's pointing, for the same points."""
    after_px: float


@dataclass(frozen=True, eq=False)
class Pointing:
    """Corrections of all frames, in the order in which they were given."""

    frames: tuple[FramePointing, ...]
    overlaps: tuple[OverlapResidual, ...]
    """One for each pair of shots that are tied to each other."""
    before_px: float
    """Median length of the residuals of all ties between shots, with the telemetry; NaN without ties."""
    after_px: float
    rig_deg: tuple[float, float, float]
    """Pitch (upwards), vergence (to the right) and roll (clockwise) of the right eye against its model, as the ties of
    all shots tell them; they are not applied.  NaN where only one eye, or nothing, was tied."""
    rig_sigma_deg: tuple[float, float, float]
    points: Float
    """(n, 3) float64, m, ROVER_NAV: ground nearer than 100 m that two shots see, where the corrected cameras put it.
    Without stereo it is what is known of the ground besides the plane of the wheels."""
    notes: tuple[str, ...]
    """What a user should know, one sentence each: refusals with their reason, groups."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", locked(self.points))

    @property
    def groups(self) -> int:
        """How many groups of frames are tied among themselves."""
        return len({f.group for f in self.frames if f.group >= 0})

    def applied(self, observations: Sequence[Observation]) -> tuple[Observation, ...]:
        """The observations with their cameras turned, and their mast angles with them, as far as they are corrected."""
        found = {f.product_id: f for f in self.frames if f.applied}
        return tuple(_turned(o, found[o.product_id].turn) if o.product_id in found else o for o in observations)

    def as_json(self) -> dict[str, Any]:
        """Plain values: angles in degrees, px of the frames as delivered."""

        def number(value: float, digits: int) -> float | None:
            return round(float(value), digits) if np.isfinite(value) else None

        return {
            "before_px": number(self.before_px, 3),
            "after_px": number(self.after_px, 3),
            "groups": self.groups,
            "rig_deg": [number(v, 5) for v in self.rig_deg],
            "rig_sigma_deg": [number(v, 5) for v in self.rig_sigma_deg],
            "frames": [
                {
                    "product_id": f.product_id,
                    "shot": f.shot,
                    "group": f.group,
                    "applied": f.applied,
                    "why_not": f.why_not,
                    "ties": f.ties,
                    **{
                        name: number(getattr(f, name), 5)
                        for name in (
                            "pan_deg",
                            "tilt_deg",
                            "pan_sigma_deg",
                            "tilt_sigma_deg",
                            "pan_relative_sigma_deg",
                            "tilt_relative_sigma_deg",
                        )
                    },
                }
                for f in self.frames
            ],
            "overlaps": [
                {
                    "first": o.first,
                    "second": o.second,
                    "ties": o.ties,
                    "before_px": number(o.before_px, 3),
                    "after_px": number(o.after_px, 3),
                }
                for o in self.overlaps
            ],
            "notes": list(self.notes),
        }


def _turned(observation: Observation, turn: RigidTransform) -> Observation:
    camera = observation.camera.moved(turn)
    azimuth, elevation = observation.mast_azimuth_deg, observation.mast_elevation_deg
    if azimuth is not None and elevation is not None:
        # Missions count these of different rays of the frame; all turn by the same angles, to first order.
        (was_azimuth, was_elevation), (is_azimuth, is_elevation) = _aim_deg(observation.camera), _aim_deg(camera)
        azimuth += (is_azimuth - was_azimuth + 180.0) % 360.0 - 180.0
        elevation += is_elevation - was_elevation
    return replace(observation, camera=camera, mast_azimuth_deg=azimuth, mast_elevation_deg=elevation)


def _aim_deg(camera: CameraModel) -> tuple[float, float]:
    """Azimuth and elevation of the ray through the middle of the frame, in the camera's own frame."""
    _, ray = camera.ray(np.array([(camera.width - 1) / 2.0, (camera.height - 1) / 2.0]))
    return float(np.degrees(np.arctan2(ray[1], ray[0]))), float(np.degrees(-np.arcsin(ray[2])))
