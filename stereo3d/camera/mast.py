"""The rover's mast: where the camera head stands and looks, from two joint angles.

The head turns about the pan axis, nearly vertical, and then about the tilt axis, nearly horizontal:

    rotation    = Rx(a) Ry(b) Rz(pan) Rx(skew) Ry(tilt) Rz(yaw)
    translation = pan_point + Rx(a) Ry(b) Rz(pan) (tilt_from_pan + Rx(skew) Ry(tilt) head_from_tilt)

The seven constants were fitted to the camera models of public image records and stand in ``calib/mast.json``; they
reproduce those records to 0.004 degrees and 0.6 mm.  ``calib/README.md`` says which and how.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.camera.model import Float
from stereo3d.camera.published import RSM_HEAD, calib_file
from stereo3d.frames import Frame, RigidTransform


@dataclass(frozen=True, eq=False)
class _Mast:
    base: Float
    """(3, 3) rotation Rx(a) Ry(b) of the pan axis against Z of the rover."""
    skew: Float
    """(3, 3) rotation Rx of the tilt axis against the plane across the pan axis."""
    yaw: Float
    """(3, 3) rotation Rz of the head against the plane across the tilt axis."""
    pan_point: Float
    tilt_from_pan: Float
    head_from_tilt: Float
    """(3,) m each."""


@cache
def _mast() -> _Mast:
    d = json.loads(calib_file("mast.json").read_text(encoding="utf-8"))
    a, b = np.radians(d["base_tilt_deg"])
    return _Mast(
        base=_about(0, a) @ _about(1, b),
        skew=_about(0, np.radians(d["axes_skew_deg"])),
        yaw=_about(2, np.radians(d["head_yaw_deg"])),
        pan_point=np.array(d["pan_point_m"]),
        tilt_from_pan=np.array(d["tilt_from_pan_m"]),
        head_from_tilt=np.array(d["head_from_tilt_m"]),
    )


def _about(axis: int, angle_rad: float) -> Float:
    """The (3, 3) right-handed rotation about one coordinate axis."""
    sin, cos = np.sin(angle_rad), np.cos(angle_rad)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    rotation = np.eye(3)
    rotation[i, i] = rotation[j, j] = cos
    rotation[i, j], rotation[j, i] = -sin, sin
    return rotation


def head_from_joints(pan_deg: float, tilt_deg: float, rover: Frame) -> RigidTransform:
    """``rover_from_rsm`` at the given joint angles, pan positive to the right and tilt positive upwards.

    ``rover`` is the ROVER_NAV frame of the stop.  Raises ValueError for an angle that is not finite.
    """
    if not (np.isfinite(pan_deg) and np.isfinite(tilt_deg)):
        raise ValueError(f"mast angles must be finite, got {pan_deg} and {tilt_deg}")
    m = _mast()
    panned = m.base @ _about(2, np.radians(pan_deg))
    tilted = panned @ m.skew @ _about(1, np.radians(tilt_deg))
    translation = m.pan_point + panned @ m.tilt_from_pan + tilted @ m.head_from_tilt
    return RigidTransform(rover, RSM_HEAD, tilted @ m.yaw, translation)


def joint_axes(pan_deg: float) -> tuple[tuple[Float, Float], tuple[Float, Float]]:
    """The pan axis and, at that pan, the tilt axis: each a point (3,), m, and a unit direction (3,), ROVER_NAV.

    The head turns right-handed about them: pan to the right, tilt upwards.
    """
    m = _mast()
    panned = m.base @ _about(2, np.radians(pan_deg))
    return (m.pan_point, m.base[:, 2]), (m.pan_point + panned @ m.tilt_from_pan, panned @ m.skew[:, 1])


def joints(azimuth_deg: float, elevation_deg: float, boresight: ArrayLike = (1.0, 0.0, 0.0)) -> tuple[float, float]:
    """The pan and tilt, degrees, at which ``boresight`` points at an azimuth and elevation of ROVER_NAV.

    Azimuth counts from X forward to Y right, elevation upwards from the rover's deck.  ``boresight`` is a direction
    (3,) in RSM_HEAD.  Raises ValueError within 1 degree of straight up or down, and for a boresight that no tilt
    brings to the elevation.
    """
    if not (np.isfinite(azimuth_deg) and abs(elevation_deg) <= 89.0):
        raise ValueError(f"the mast cannot point at azimuth {azimuth_deg}, elevation {elevation_deg} degrees")
    m = _mast()
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    wanted = m.base.T @ np.array(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), -np.sin(elevation)]
    )
    b = m.yaw @ (np.asarray(boresight, dtype=np.float64) / np.linalg.norm(boresight))
    # The third row of Rx(skew) Ry(tilt) b = Rz(-pan) wanted holds the tilt alone: r sin(beta - tilt) = w.
    w = (wanted[2] - m.skew[2, 1] * b[1]) / m.skew[2, 2]
    r = float(np.hypot(b[0], b[2]))
    if not abs(w) <= r:
        raise ValueError(f"no tilt of the mast points {b.tolist()} at elevation {elevation_deg} degrees")
    tilt = np.arctan2(b[2], b[0]) - np.arcsin(w / r)
    level = m.skew @ _about(1, tilt) @ b
    pan = np.degrees(np.arctan2(wanted[1], wanted[0]) - np.arctan2(level[1], level[0]))
    return float((pan + 180.0) % 360.0 - 180.0), float(np.degrees(tilt))


def rover_from_rsm(
    azimuth_deg: float, elevation_deg: float, rover: Frame, boresight: ArrayLike = (1.0, 0.0, 0.0)
) -> RigidTransform:
    """The head's pose when ``boresight`` (3,), a direction in RSM_HEAD, points at a direction of ROVER_NAV.

    A raw-feed record's ``mastAz`` and ``mastEl`` are those of the ray through the centre of that eye's whole sensor,
    so each eye of a shot has its own:

        camera = published_camera("NAVL")
        boresight = camera.ray((2559.5, 1919.5))[1]
        camera.moved(rover_from_rsm(mast_az, mast_el, Frame.rover(site, drive), boresight))

    Some records (those after about sol 400) give both eyes up to 0.04 degrees too far inwards or outwards: the mean
    of the two eyes' :func:`joints` is right to 0.004 degrees.  Raises as :func:`joints` does.
    """
    return head_from_joints(*joints(azimuth_deg, elevation_deg, boresight), rover)
