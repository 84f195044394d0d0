"""A small simulated ring, and ties made from geometry alone, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from stereo3d.camera import CameraModel, inside, pixel_grid
from stereo3d.camera.mast import head_from_joints, joints
from stereo3d.camera.published import published_camera
from stereo3d.frames import Frame
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation
from stereo3d.pointing.refine import refine_pointing
from stereo3d.pointing.result import Pointing
from stereo3d.pointing.shots import Shot, find_shots
from stereo3d.pointing.ties import Ties
from stereo3d.pointing.views import View, plane_inverse_range, predicted
from stereo3d.simulate.ring import Ring, simulate_ring

ROVER = Frame.rover(3, 4)


@pytest.fixture(scope="session")
def ring() -> Ring:
    """Three pointings of both eyes, 426 x 320 px, with the mast's usual errors."""
    return simulate_ring(2, binning=12, samples=2, azimuths_deg=(-44.0, 8.0, 60.0))


@pytest.fixture(scope="session")
def refined_ring(ring: Ring) -> Pointing:
    """What the program makes of it."""
    return refine_pointing(ring.observations)


@dataclass(frozen=True, eq=False)
class Geometry:
    """Cameras, and ties between them that are exact but for the noise asked for."""

    observations: tuple[Observation, ...]
    views: tuple[View, ...]
    shots: tuple[Shot, ...]
    ties: Ties
    true_deg: np.ndarray
    """(shots, 2): what is to be added to the told pan and tilt."""


@pytest.fixture(scope="session")
def geometry() -> Callable[..., Geometry]:
    """Makes a ring of Navcam shots over ground that is rougher than a plane, with ties but without images."""
    return make_geometry


def make_geometry(
    seed: int,
    *,
    azimuths: tuple[float, ...] = (-45.0, 8.0, 60.0),
    eyes: tuple[str, ...] = ("NAVL", "NAVR"),
    sigma_deg: float = 0.12,
    noise_px: float = 0.05,
    wrong: float = 0.0,
    points: int = 120,
    bend: Callable[[CameraModel], CameraModel] | None = None,
) -> Geometry:
    """``wrong``: the share of ties that lie anywhere within 10 px; ``bend``: what the right eye's true camera is."""
    rng = np.random.default_rng([seed, 77])
    told = np.array([joints(a, -20.0) for a in azimuths])
    error = rng.normal(0.0, sigma_deg, told.shape)
    observations, truly = [], []
    for k, (angles, off) in enumerate(zip(told, error, strict=True)):
        for name in eyes:
            camera = published_camera(name).binned(8)
            observations.append(blank(camera.moved(head_from_joints(*angles, ROVER)), name, 100.0 * k))
            true = camera.moved(head_from_joints(*(angles + off), ROVER))
            truly.append(bend(true) if bend is not None and name == "NAVR" else true)
    shots = find_shots(observations)
    views = tuple(
        View(o.camera, np.zeros((o.camera.height, o.camera.width), np.float32), o.image.valid, 1, o.eye is Eye.RIGHT)
        for o in observations
    )
    parts: list[tuple[int, np.ndarray, float, list[tuple[int, np.ndarray]]]] = []
    for reference, true in enumerate(truly):
        shot = reference // len(eyes)
        partners = [t for t in range(len(truly)) if t // len(eyes) == shot and t != reference]
        later = [t for t in range(len(truly)) if (t // len(eyes) > shot) == (reference % len(eyes) == 0)]
        targets = [t for t in later if t // len(eyes) != shot]
        pixels = rng.choice(pixel_grid(true.width, true.height).reshape(-1, 2), 10 * points)
        rho = plane_inverse_range(*true.ray(pixels)) * rng.normal(1.0, 0.1, len(pixels)) + 0.002
        seen = {t: predicted(true, truly[t], pixels, rho) for t in partners + targets}
        for i in np.flatnonzero(np.any([inside(truly[t], seen[t], 2.0) for t in targets], axis=0) if targets else [])[
            :points
        ]:
            places = []
            for t in partners + targets:
                if inside(truly[t], seen[t][i], 2.0):
                    at = seen[t][i] + rng.normal(0.0, noise_px, 2)
                    if t in targets and rng.random() < wrong:
                        at = at + rng.uniform(-10.0, 10.0, 2)
                    places.append((t, at))
            parts.append((reference, pixels[i], rho[i], places))
    references = np.array([p[0] for p in parts])
    pixels = np.array([p[1] for p in parts])
    plane = np.array([plane_inverse_range(*views[p[0]].camera.ray(p[1])) for p in parts])
    ties = Ties(
        references,
        pixels,
        np.array([p[2] for p in parts]) if len(eyes) > 1 else plane,
        plane,
        np.array([k for k, p in enumerate(parts) for _ in p[3]]),
        np.array([t for p in parts for t, _ in p[3]]),
        np.array([at for p in parts for _, at in p[3]]),
    )
    return Geometry(tuple(observations), views, shots, ties, error)


def blank(camera: CameraModel, name: str, sclk_s: float, **changes: object) -> Observation:
    """A frame without a picture."""
    image = Image(np.full((camera.height, camera.width), 90, np.uint8), np.ones((camera.height, camera.width), bool))
    fields: dict[str, object] = {
        "product_id": f"{name}_{sclk_s:.0f}",
        "mission": "Mars 2020",
        "instrument": f"NAVCAM_{'RIGHT' if name == 'NAVR' else 'LEFT'}",
        "eye": Eye.RIGHT if name == "NAVR" else Eye.LEFT,
        "image": image,
        "camera": camera,
        "sol": 1,
        "site": ROVER.number[0],
        "drive": ROVER.number[1],
        "sclk_s": sclk_s,
    }
    return Observation(**{**fields, **changes})  # type: ignore[arg-type]
