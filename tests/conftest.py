"""Shared by all tests: the data beside the project, and a loud count of the tests that went without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from stereo3d.camera import CameraModel, pixel_grid
from stereo3d.frames import Frame, RigidTransform
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation
from stereo3d.scene import Scene
from stereo3d.simulate.navcam import ATTITUDE, DRIVE, SITE, navcam_pair

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real products beside the project (../shared/data); the test is skipped without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no shared data: ../shared/data is not beside the project")
    return SHARED_DATA


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in capitals how many tests did not run for want of the shared data: a silent skip looks like a pass."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    count = sum("shared data" in reason or "shared/data" in reason for reason in reasons)
    if count:
        terminalreporter.write_sep("!", red=True)
        terminalreporter.write_line(
            f"{count} {'TEST' if count == 1 else 'TESTS'} SKIPPED: NO SHARED DATA (../shared/data) BESIDE THE PROJECT",
            red=True,
            bold=True,
        )
        terminalreporter.write_sep("!", red=True)


@dataclass(frozen=True, eq=False)
class PaintedWorld:
    """A plane with a painted pattern under a plain sky, in LOCAL_LEVEL: what any ray shows is known exactly."""

    frame: Frame
    normal: np.ndarray
    """(3,) unit, downwards."""
    texture: np.ndarray
    """(n, n) float32, repeated every ``texture_m``."""
    texture_m: float = 16.0

    def shown(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """(...) float32: brightness, DN, along rays (..., 3)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = -(origins @ self.normal) / (directions @ self.normal)
            points = origins + distance[..., None] * directions
        far = ~((distance > 0) & (distance < 2000.0))
        n = len(self.texture)
        u, v = ((np.where(far, 0.0, points[..., k]) % self.texture_m) * (n / self.texture_m) for k in (0, 1))
        pattern = cv2.remap(
            np.pad(self.texture, ((0, 2), (0, 2)), mode="wrap"),
            u.reshape(len(u), -1).astype(np.float32),
            v.reshape(len(v), -1).astype(np.float32),
            cv2.INTER_LINEAR,
        ).reshape(u.shape)
        fade = 1.0 / (1.0 + np.where(far, 1e9, (points[..., :2] ** 2).sum(axis=-1)) / 100.0)
        return np.where(far, 190.0 + 40.0 * directions[..., 2], 110.0 + 70.0 * fade * pattern).astype(np.float32)

    def observed(self, name: str, eye: Eye, camera: CameraModel, pose: RigidTransform, gain: float, sclk_s: float):
        """What a camera in ROVER_NAV takes; ``pose`` is SITE from ROVER_NAV."""
        level = RigidTransform(self.frame, camera.frame, pose.rotation)
        moved = camera.moved(level)
        total = np.zeros((camera.height, camera.width), dtype=np.float32)
        for dx, dy in ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)):
            total += self.shown(*moved.ray(pixel_grid(camera.width, camera.height) + np.array([dx, dy]))) / 4.0
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
            site_from_rover=pose,
        )


@pytest.fixture(scope="session")
def painted_world() -> PaintedWorld:
    """A plane that falls 6 % to the north and rises 3 % to the east: neither level nor that of the wheels."""
    rng = np.random.default_rng(5)
    texture = np.zeros((512, 512), dtype=np.float32)
    for sigma, share in ((1.5, 0.5), (5.0, 0.7), (16.0, 0.8)):
        layer = cv2.GaussianBlur(np.tile(rng.normal(size=(512, 512)), (3, 3)), (0, 0), sigma)[512:1024, 512:1024]
        texture += (share * layer / layer.std()).astype(np.float32)
    normal = np.array([-0.06, 0.03, 1.0])
    frame = Frame.local_level(SITE, DRIVE)
    return PaintedWorld(frame, normal / np.linalg.norm(normal), np.clip(texture / 2.0, -1.2, 1.2))


def painted_frames(world: PaintedWorld, azimuths_deg: Sequence[float], eyes: Sequence[Eye]) -> tuple[Observation, ...]:
    """Frames of 320 x 240 px, all around the mast, each with a gain of its own."""
    pose = RigidTransform.from_quaternion(Frame.site(SITE), Frame.rover(SITE, DRIVE), ATTITUDE, (3.0, -4.0, 0.5))
    out = []
    for number, azimuth in enumerate(azimuths_deg):
        cameras = dict(zip((Eye.LEFT, Eye.RIGHT), navcam_pair(16, azimuth, -18.0), strict=True))
        for eye in eyes:
            name, gain = f"PAINTED_{eye.name}_{number}", 1.0 - 0.06 * ((number + (eye is Eye.RIGHT)) % 3)
            out.append(world.observed(name, eye, cameras[eye], pose, gain, 100.0 + 20.0 * number))
    return tuple(out)


@pytest.fixture(scope="session")
def painted_ring(painted_world: PaintedWorld) -> Scene:
    """Six pointings of the left eye, all around."""
    return Scene("painted ring", painted_frames(painted_world, range(10, 370, 60), [Eye.LEFT]))


@pytest.fixture(scope="session")
def painted_pairs(painted_world: PaintedWorld) -> Scene:
    """Three pointings of both eyes."""
    return Scene("painted pairs", painted_frames(painted_world, (20, 70, 120), [Eye.LEFT, Eye.RIGHT]))
