"""A painted plane under a plain sky: a world so simple that what any ray shows is known exactly, and quickly drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.camera import CameraModel, pixel_grid
from stereo3d.frames import Float, Frame, RigidTransform, locked
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation
from stereo3d.scene import Scene
from stereo3d.simulate.navcam import ATTITUDE, DRIVE, SITE, navcam_pair

_FAR_M = 2000.0
_FADE_M = 10.0
"""The pattern fades with the distance, so that no pixel holds more than one of its grains."""


@dataclass(frozen=True, eq=False)
class PaintedWorld:
    """A plane through the origin of LOCAL_LEVEL with a pattern on it."""

    frame: Frame
    normal: Float
    """(3,) unit, downwards."""
    texture: NDArray[np.float32]
    """(n, n), about -1.2 to 1.2, repeated every ``texture_m``."""
    texture_m: float = 16.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "normal", locked(self.normal))
        object.__setattr__(self, "texture", locked(self.texture, np.float32))

    def shown(self, origins: Float, directions: Float) -> NDArray[np.float32]:
        """(rows, columns) float32: brightness, DN, along rays (rows, columns, 3) in LOCAL_LEVEL."""
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = -(origins @ self.normal) / (directions @ self.normal)
            points = origins + distance[..., None] * directions
        far = ~((distance > 0) & (distance < _FAR_M))
        n = len(self.texture)
        u, v = (
            ((np.where(far, 0.0, points[..., k]) % self.texture_m) * (n / self.texture_m)).astype(np.float32)
            for k in (0, 1)
        )
        pattern = cv2.remap(np.pad(self.texture, ((0, 2), (0, 2)), mode="wrap"), u, v, cv2.INTER_LINEAR)
        fade = 1.0 / (1.0 + np.where(far, 1e9, (points[..., :2] ** 2).sum(axis=-1)) / _FADE_M**2)
        sky = 190.0 + 40.0 * directions[..., 2]
        return np.where(far, sky, 110.0 + 70.0 * fade * pattern).astype(np.float32)

    def observed(
        self, name: str, eye: Eye, camera: CameraModel, site_from_rover: RigidTransform, gain: float, sclk_s: float
    ) -> Observation:
        """What a camera in ROVER_NAV takes, 8-bit grey: four rays per pixel, times ``gain``, with noise of 0.5 DN."""
        moved = camera.moved(RigidTransform(self.frame, camera.frame, site_from_rover.rotation))
        grid = pixel_grid(camera.width, camera.height)
        total = np.zeros((camera.height, camera.width), dtype=np.float32)
        for dx, dy in ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)):
            total += self.shown(*moved.ray(grid + np.array([dx, dy]))) / np.float32(4.0)
        noise = np.random.default_rng([7, *name.encode()]).normal(0.0, 0.5, total.shape)
        pixels = np.clip(np.rint(gain * total + noise), 0, 255).astype(np.uint8)
        site, drive = self.frame.number
        return Observation(
            product_id=name,
            mission="simulated",
            instrument=f"NAVCAM_{eye.name}",
            eye=eye,
            image=Image(pixels, np.ones(pixels.shape, dtype=bool)),
            camera=camera,
            sol=0,
            site=site,
            drive=drive,
            sclk_s=sclk_s,
            site_from_rover=site_from_rover,
        )


def painted_plane(seed: int, normal: ArrayLike) -> PaintedWorld:
    """A plane with ``normal`` (3,), downwards, and a pattern of three sizes of grain."""
    rng = np.random.default_rng(seed)
    texture = np.zeros((512, 512), dtype=np.float32)
    for sigma, share in ((1.5, 0.5), (5.0, 0.7), (16.0, 0.8)):
        grain = cv2.GaussianBlur(np.tile(rng.normal(size=(512, 512)), (3, 3)), (0, 0), sigma)[512:1024, 512:1024]
        texture += (share * grain / grain.std()).astype(np.float32)
    down = np.asarray(normal, dtype=np.float64)
    return PaintedWorld(Frame.local_level(SITE, DRIVE), down / np.linalg.norm(down), np.clip(texture / 2.0, -1.2, 1.2))


def painted_scene(world: PaintedWorld, azimuths_deg: Sequence[float], eyes: Sequence[Eye], binning: int = 16) -> Scene:
    """Navcam frames (320 x 240 px at binning 16) at azimuths of the rover, each with a gain of its own, 0.88 to 1."""
    pose = RigidTransform.from_quaternion(Frame.site(SITE), Frame.rover(SITE, DRIVE), ATTITUDE, (3.0, -4.0, 0.5))
    out = []
    for number, azimuth in enumerate(azimuths_deg):
        cameras = dict(zip((Eye.LEFT, Eye.RIGHT), navcam_pair(binning, azimuth, -18.0), strict=True))
        for eye in eyes:
            name, gain = f"PAINTED_{eye.name}_{number}", 1.0 - 0.06 * ((number + (eye is Eye.RIGHT)) % 3)
            out.append(world.observed(name, eye, cameras[eye], pose, gain, 100.0 + 20.0 * number))
    return Scene("painted", tuple(out), simulated=True)
