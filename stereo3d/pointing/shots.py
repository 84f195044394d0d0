"""Shots: frames that were taken at one standing of the mast, and the axes about which it turns them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel
from stereo3d.camera.mast import joint_axes, joints
from stereo3d.camera.published import published_camera
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Float, Frame, RigidTransform
from stereo3d.observation import Eye, Observation

_SAME_SHOT_S = 1.5
_SAME_SHOT_RAD = np.radians(3.0)
"""The eyes of a rig and the tiles of a frame share an axis to within their toe-in."""
_NOT_ON_MAST = ("HAZ", "IDC", "ICC", "DEPLOYMENT", "CONTEXT", "WATSON", "SHERLOC", "MAHLI")
_KNOWN_MAST = ("Mars 2020", "simulated")
_KNOWN_MAST_M = 0.5
_OFFSET_SIGMA_M, _CENTRE_SIGMA_M = 0.3, 0.005
PRIOR_SIGMA_DEG = 0.12
"""How well the mast knows where it looks: one sigma of pan and of tilt (Maki et al. 2020, the pointing of the RSM)."""
OTHER_PRIOR_SIGMA_DEG = 0.3
"""The same for the masts of other missions, of which less is known."""


@dataclass(frozen=True, eq=False)
class Shot:
    """The frames of one standing of the mast: both eyes, and all tiles of each.  They turn as one rigid body."""

    members: tuple[int, ...]
    """Indices of the observations."""
    pan_point: Float
    pan_axis: Float
    tilt_point: Float
    tilt_axis: Float
    """(3,) each, ROVER_NAV: points in m, axes unit and right-handed: pan to the right, tilt upwards."""
    azimuth_deg: float
    """As the record tells the mast's, else that of the cameras' axis; in ROVER_NAV, from X forward to Y right."""
    on_mast: bool

    def turn(self, pan_rad: float, tilt_rad: float) -> tuple[Float, Float]:
        """Rotation (3, 3) and translation (3,), m, in ROVER_NAV, of more pan and tilt: tilt first, as the pan axis
        carries the tilt axis."""
        tilt, pan = rotation_about(self.tilt_axis, tilt_rad), rotation_about(self.pan_axis, pan_rad)
        after_tilt = self.tilt_point - tilt @ self.tilt_point
        return pan @ tilt, pan @ (after_tilt - self.pan_point) + self.pan_point

    def turned(self, frame: Frame, pan_deg: float, tilt_deg: float) -> RigidTransform:
        """The same turn as a transform of ``frame``, ROVER_NAV, onto itself, for ``camera.moved``."""
        return RigidTransform(frame, frame, *self.turn(float(np.radians(pan_deg)), float(np.radians(tilt_deg))))


def rotation_about(axis: Float, angle_rad: float) -> Float:
    """The (3, 3) right-handed rotation about a unit axis (3,): Rodrigues' formula."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    out: Float = np.eye(3) + np.sin(angle_rad) * cross + (1.0 - np.cos(angle_rad)) * (cross @ cross)
    return out


def rotation_vector(vector_rad: Float) -> Float:
    """The (3, 3) right-handed rotation about a vector (3,) by its length, rad."""
    angle = float(np.linalg.norm(vector_rad))
    return rotation_about(vector_rad / angle, angle) if angle > 0.0 else np.eye(3)


def shot_of(shots: Sequence[Shot]) -> NDArray[np.int64]:
    """(frames,) the index of the shot that each frame is of."""
    out = np.empty(sum(len(s.members) for s in shots), dtype=np.int64)
    for k, shot in enumerate(shots):
        out[list(shot.members)] = k
    return out


def prior_sigma_deg(observation: Observation) -> float:
    """One sigma of what the telemetry says of pan and of tilt, degrees."""
    return PRIOR_SIGMA_DEG if observation.mission in _KNOWN_MAST else OTHER_PRIOR_SIGMA_DEG


def model_error_px(observation: Observation) -> float:
    """One sigma of what all ties of an overlap have in common, px.

    Real lenses keep to their models to a tenth of a pixel.  Simulated ones are their models: what is left there is
    the matching (arcs of shots, where it does not cancel as in a circle, are bent by 0.01 to 0.02 px at each shot).
    """
    return 0.01 if observation.mission == "simulated" else 0.1


def find_shots(observations: Sequence[Observation]) -> tuple[Shot, ...]:
    """The shots among frames of one stop of the rover, in order of time.

    Frames are of one shot when their clocks agree within 1.5 s and their axes within 3 degrees.  Raises
    FrameMismatchError when the frames are of different missions or stops.
    """
    stops = {f"{o.mission} {o.frame}" for o in observations}
    if len(stops) > 1:
        raise FrameMismatchError(
            f"the frames are of different stops of the rover: {', '.join(sorted(stops))}",
            expected="frames of one mission, site and drive",
            todo="give the frames of each stop on their own",
        )
    groups: list[list[int]] = []
    for i in sorted(range(len(observations)), key=lambda k: observations[k].sclk_s):
        for group in groups:
            first = observations[group[0]]
            if abs(first.sclk_s - observations[i].sclk_s) <= _SAME_SHOT_S and _angle(first, observations[i]) < (
                _SAME_SHOT_RAD
            ):
                group.append(i)
                break
        else:
            groups.append([i])
    point = _mast_point([o for o in observations if _on_mast(o)] or list(observations))
    return tuple(_shot(tuple(sorted(g)), [observations[i] for i in sorted(g)], point) for g in groups)


def _on_mast(observation: Observation) -> bool:
    return not any(word in observation.instrument.upper() for word in _NOT_ON_MAST)


def _axis(camera: CameraModel) -> Float:
    axis: Float = camera.A / np.linalg.norm(camera.A)
    return axis


def _angle(a: Observation, b: Observation) -> float:
    return float(np.arccos(np.clip(_axis(a.camera) @ _axis(b.camera), -1.0, 1.0)))


def _shot(members: tuple[int, ...], frames: list[Observation], point: Float) -> Shot:
    axis = np.mean([_axis(o.camera) for o in frames], axis=0)
    azimuth = float(np.arctan2(axis[1], axis[0]))
    pan_point, pan_axis = point, np.array([0.0, 0.0, 1.0])
    tilt_point, tilt_axis = point, np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    pan = _known_pan(frames)
    if pan is not None:
        (pan_point, pan_axis), (tilt_point, tilt_axis) = joint_axes(pan)
    return Shot(
        members,
        pan_point,
        pan_axis,
        tilt_point,
        tilt_axis,
        float(np.degrees(azimuth)) if frames[0].mast_azimuth_deg is None else frames[0].mast_azimuth_deg,
        all(_on_mast(o) for o in frames),
    )


def _known_pan(frames: list[Observation]) -> float | None:
    """The pan of Perseverance's mast, degrees; None where it is not this mast that carries the frames."""
    found = []
    for o in frames:
        if o.mission not in _KNOWN_MAST or not _on_mast(o):
            return None
        axis = _axis(o.camera)
        boresight = published_camera("NAVR" if o.eye is Eye.RIGHT else "NAVL").A
        try:
            pan, _ = joints(
                float(np.degrees(np.arctan2(axis[1], axis[0]))), float(np.degrees(-np.arcsin(axis[2]))), boresight
            )
        except ValueError:
            return None
        if np.linalg.norm(o.camera.C - joint_axes(pan)[1][0]) > _KNOWN_MAST_M:
            return None
        found.append(np.exp(1j * np.radians(pan)))
    return float(np.degrees(np.angle(np.sum(found))))


def _mast_point(frames: list[Observation]) -> Float:
    """(3,) m, ROVER_NAV: the point on a vertical pan axis about which the camera centres turn.

    Each eye stands at an offset of its own that turns with the pan: C = point + Rz(pan) offset, solved by least squares
    with offsets of zero, give or take 0.3 m.  Where all frames look one way this is the middle between the eyes.
    """
    eyes = sorted({o.eye.value for o in frames})
    rows: list[NDArray[np.float64]] = []
    wanted: list[float] = []
    for o in frames:
        axis = _axis(o.camera)
        pan = np.arctan2(axis[1], axis[0])
        for k, offset in enumerate(((np.cos(pan), -np.sin(pan)), (np.sin(pan), np.cos(pan)))):
            row = np.zeros(2 + 2 * len(eyes))
            row[k] = 1.0
            at = 2 + 2 * eyes.index(o.eye.value)
            row[at : at + 2] = offset
            rows.append(row / _CENTRE_SIGMA_M)
            wanted.append(float(o.camera.C[k]) / _CENTRE_SIGMA_M)
    for k in range(2, 2 + 2 * len(eyes)):
        row = np.zeros(2 + 2 * len(eyes))
        row[k] = 1.0 / _OFFSET_SIGMA_M
        rows.append(row)
        wanted.append(0.0)
    solution = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]
    return np.array([solution[0], solution[1], float(np.mean([o.camera.C[2] for o in frames]))])
