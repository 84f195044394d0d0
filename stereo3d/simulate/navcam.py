"""The Navcams of Perseverance at the stop where the simulated scenes stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stereo3d.camera import CAHVORE, CameraModel
from stereo3d.camera.mast import head_from_joints, joints
from stereo3d.camera.published import published_camera
from stereo3d.frames import Float, Frame

SITE, DRIVE = 1, 20
ATTITUDE = (0.823211, 0.0221306, -0.0285013, 0.566579)
"""(w, x, y, z) rover to site: heading 69 degrees, tilted by 4 degrees."""
POSITION_M = (12.4071, -31.6625, -1.18342)
MAST_AZIMUTH_DEG, MAST_ELEVATION_DEG = 8.0, -22.0
BINNING = 4


def navcam_pair(
    binning: int = BINNING, azimuth_deg: float = MAST_AZIMUTH_DEG, elevation_deg: float = MAST_ELEVATION_DEG
) -> tuple[CAHVORE, CAHVORE]:
    """The left and right Navcam with the mast pointing there: whole sensor, binned, in ROVER_NAV.

    Their numbers are rounded to six digits as in a record of the raw feed.
    """
    head = head_from_joints(*joints(azimuth_deg, elevation_deg), Frame.rover(SITE, DRIVE))
    left, right = (_rounded(published_camera(name).moved(head).binned(binning)) for name in ("NAVL", "NAVR"))
    return left, right


def boresight_deg(camera: CameraModel) -> tuple[float, float]:
    """Azimuth and elevation (degrees, in the camera's frame) of the ray through the middle of the image.

    For a camera in ROVER_NAV these are the ``mastAz`` and ``mastEl`` that the raw feed gives for its eye.
    """
    _, axis = camera.ray(middle(camera))
    return float(np.degrees(np.arctan2(axis[1], axis[0]))), float(np.degrees(-np.arcsin(axis[2])))


def middle(camera: CameraModel) -> Float:
    """The pixel (2,) in the middle of the image."""
    return np.array([(camera.width - 1) / 2.0, (camera.height - 1) / 2.0])


def _rounded(camera: CameraModel) -> CAHVORE:
    assert isinstance(camera, CAHVORE)
    C, A, H, V, O, R, E = (np.array([float(f"{v:.6g}") for v in getattr(camera, name)]) for name in "CAHVORE")  # noqa: E741
    return replace(camera, C=C, A=A, H=H, V=V, O=O, R=R, E=E)
