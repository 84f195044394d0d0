"""Many frames of made-up places through one camera whose flat field is known: truth for its calibration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CAHV
from stereo3d.frames import Frame, RigidTransform
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation

Float = NDArray[np.float64]

SIZE = (320, 240)
"""(columns, rows) of the frames and of the sensor, px."""
_FOCAL_PX = 185.0


def known_flat(seed: int, pattern: float = 0.01) -> Float:
    """(rows, columns) transmission: fall-off about an optical centre off the middle, and a smooth fixed pattern.

    ``pattern`` is the standard deviation of the logarithm of the latter.
    """
    import cv2

    rng = np.random.default_rng(seed)
    columns, rows = SIZE
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    square = ((x - _centre()[0]) ** 2 + (y - _centre()[1]) ** 2) / _FOCAL_PX**2
    spots = cv2.GaussianBlur(rng.normal(size=(rows, columns)), (0, 0), 9.0)
    return np.asarray((1.0 + square) ** -1.5 * np.exp(pattern * spots / spots.std()), dtype=np.float64)


def flat_frames(count: int, seed: int, flat: Float) -> list[Observation]:
    """``count`` frames, uint16 of 12 bits and linear, each of a place and direction of its own.

    Each has its exposure, slope of light, undulations, rocks and noise; some look over the horizon into a bright sky.
    """
    import cv2

    rng = np.random.default_rng(seed)
    columns, rows = SIZE
    x, y = np.meshgrid((np.arange(columns) - columns / 2) / columns, (np.arange(rows) - rows / 2) / columns)
    made = []
    for number in range(count):
        scene = rng.normal(0, 0.3) + rng.normal(0, 0.15) * x + rng.normal(0, 0.15) * y
        for blur, sigma in ((40, 0.06), (12, 0.06), (3, 0.08)):
            noise = cv2.GaussianBlur(rng.normal(size=x.shape), (0, 0), blur)
            scene += sigma * noise / noise.std()
        rocks = cv2.GaussianBlur(rng.normal(size=x.shape), (0, 0), 5)
        scene -= 0.5 * (rocks > 1.8 * rocks.std())
        tilt = rng.uniform(2, 50)
        camera, pose = _camera(rng.uniform(0, 360), tilt, number)
        horizon = _centre()[1] - np.tan(np.radians(tilt)) * _FOCAL_PX
        light = 1100.0 * np.exp(np.where(np.arange(rows)[:, None] < horizon, 0.7 - 0.5 * y, scene)) * flat
        light += rng.normal(size=light.shape) * np.sqrt(0.5 * light + 9.0)
        pixels = np.clip(np.rint(light), 0, 4095).astype(np.uint16)
        image = Image(pixels, np.ones(pixels.shape, dtype=np.bool_))
        made.append(
            Observation(
                product_id=f"FLAT_{number:04d}",
                mission="simulated",
                instrument="NAVCAM_LEFT",
                eye=Eye.LEFT,
                image=image,
                camera=camera,
                sol=number,
                site=1,
                drive=number,
                sclk_s=1000.0 * number,
                site_from_rover=pose,
                subframe=(1, 1, columns, rows),
                taken_utc=f"2030-01-01T{number // 60:02d}:{number % 60:02d}:00",
            )
        )
    return made


def _centre() -> tuple[float, float]:
    return SIZE[0] / 2 + 7.0, SIZE[1] / 2 - 5.0


def _camera(azimuth_deg: float, tilt_deg: float, drive: int) -> tuple[CAHV, RigidTransform]:
    """A camera that looks ``tilt_deg`` down at an azimuth, and the level pose of its rover."""
    az, down = np.radians([azimuth_deg, tilt_deg])
    axis = np.array([np.cos(down) * np.cos(az), np.cos(down) * np.sin(az), np.sin(down)])
    right = np.array([-np.sin(az), np.cos(az), 0.0])
    below = np.cross(axis, right)
    centre = _centre()
    rover = Frame.rover(1, drive)
    camera = CAHV(
        rover, *SIZE, np.array([0.0, 0.0, -2.0]), axis, _FOCAL_PX * right + centre[0] * axis,
        _FOCAL_PX * below + centre[1] * axis,
    )  # fmt: skip
    return camera, RigidTransform(Frame.site(1), rover)
