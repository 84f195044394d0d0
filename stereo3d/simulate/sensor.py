"""The camera behind the lens: fall-off, vignetting, blur, photon and read noise, the stretch to eight bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.simulate.noise import Float32


@dataclass(frozen=True)
class Sensor:
    """How one eye turns radiance into DN.  The defaults are fitted by eye to whole-frame Navcam images."""

    gamma: float = 0.62
    """DN goes with signal ^ gamma."""
    top_dn: float = 222.0
    """DN that the brightest thousandth of the image is stretched to."""
    dark_dn: float = 13.0
    """DN where no light falls."""
    full_well_e: float = 150_000.0
    """Electrons at radiance 1, per pixel and channel: 16 sensor pixels binned into one."""
    read_noise_e: float = 18.0
    blur_px: float = 0.45
    """Standard deviation of the lens's blur, beyond the pixel's own box."""
    centre: tuple[float, float] = (0.5, 0.425)
    """The vignetting's centre as a share of width and width: below the middle, so the upper corners go black first."""
    clear: float = 0.602
    black: float = 0.645
    """Radius as a share of the width, within which the lens is clear, and beyond which no light passes."""


def vignette(sensor: Sensor, height: int, width: int) -> Float32:
    """Transmission (rows, columns), 0 to 1, of a whole frame: natural fall-off toward the rim, then a black edge."""
    x = (np.arange(width) / width).astype(np.float32)
    y = ((np.arange(height) + 0.5 * (width * 0.75 - height)) / width).astype(np.float32)[:, None]
    # 0.578 widths is the focal length of a Navcam.
    axis = np.hypot(x - 0.5, y - 0.375) / np.float32(0.578)
    falloff = (1.0 + axis * axis) ** -1.5
    edge = (np.hypot(x - sensor.centre[0], y - sensor.centre[1]) - sensor.clear) / (sensor.black - sensor.clear)
    t = np.clip(1.0 - edge, 0.0, 1.0)
    return np.asarray(falloff * t * t * (3.0 - 2.0 * t), dtype=np.float32)


def expose(sensor: Sensor, radiance: Float32, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Radiance (rows, columns, 3) to RGB (rows, columns, 3) uint8 as a raw-feed PNG shows it."""
    import cv2

    signal = cv2.GaussianBlur(radiance, (0, 0), sensor.blur_px) if sensor.blur_px > 0 else radiance
    electrons = signal * vignette(sensor, *radiance.shape[:2])[..., None] * np.float32(sensor.full_well_e)
    noisy = rng.poisson(np.maximum(electrons, 0.0)) + rng.normal(0.0, sensor.read_noise_e, electrons.shape)
    level = np.clip(noisy / sensor.full_well_e, 0.0, None) ** sensor.gamma
    gain = (sensor.top_dn - sensor.dark_dn) / max(float(np.percentile(level, 99.9)), 1e-6)
    return np.asarray(np.clip(np.rint(sensor.dark_dn + gain * level), 0, 255), dtype=np.uint8)
