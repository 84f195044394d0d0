"""A reconstruction of a made-up ground, exact to rounding, so that pictures and clicks can be checked to the pixel."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from stereo3d.camera import CAHV, pixel_grid
from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation, StereoPair
from stereo3d.pipeline import Reconstruction, Report
from stereo3d.stereo.disparity import Disparity, Matches, Reason, RectifiedPair, XyzMap
from stereo3d.stereo.epipolar import EpipolarCalibration
from stereo3d.terrain.mesh import TerrainMesh
from stereo3d.terrain.texture import TexturedMesh

SITE, DRIVE = 3, 14
ROVER, ENU = Frame.rover(SITE, DRIVE), Frame.enu(SITE, DRIVE)
WIDTH, HEIGHT, STEP = 320, 240, 2
ROCK = np.array([5.0, 4.5])
"""East, north (m) of the rock's middle; it stands 0.5 m high."""


def ground_up(east, north):
    """Height of the made-up ground (m): waves, a slope and a rock."""
    waves = 0.05 * np.sin(0.7 * east) * np.cos(0.9 * north) + 0.01 * east
    square = ((east - ROCK[0]) ** 2 + (north - ROCK[1]) ** 2) / 0.5**2
    return waves + 0.5 * np.exp(-(square**2))


def paint(east, north):
    """RGB of the made-up ground: squares of 1 m, redder to the north, bluer to the east."""
    dark = ((np.floor(east) + np.floor(north)) % 2)[..., None]
    colour = np.stack([120 + 8 * north, np.full_like(east, 120.0), 100 + 9 * east], axis=-1)
    return np.clip(colour * (1 - 0.45 * dark), 0, 255).astype(np.uint8)


def camera(right_m: float) -> CAHV:
    """A pinhole 2 m above the rover's ground, 20 degrees down, looking forward; ``right_m`` beside the middle."""
    focal, down = 190.0, np.radians(20.0)
    a = np.array([np.cos(down), 0.0, np.sin(down)])
    h = np.array([0.0, 1.0, 0.0])
    v = np.array([-np.sin(down), 0.0, np.cos(down)])
    return CAHV(
        ROVER,
        WIDTH,
        HEIGHT,
        np.array([0.8, right_m, -2.0]),
        a,
        focal * h + (WIDTH - 1) / 2 * a,
        focal * v + (HEIGHT - 1) / 2 * a,
    )


def attitude() -> RigidTransform:
    """The rover heads 40 degrees east of north, nose 3 degrees up, not rolled."""
    yaw, nose = np.radians(40.0), np.radians(3.0)
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(nose), np.sin(nose)
    turn = np.array([[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]])
    tip = np.array([[cp, 0.0, sp], [0.0, 1.0, 0.0], [-sp, 0.0, cp]])
    return RigidTransform(Frame.site(SITE), ROVER, turn @ tip, np.array([100.0, -50.0, 2.0]))


def trace(origin, directions):
    """Where rays from (3,) along (..., 3), ENU, meet the ground: (..., 3), NaN beyond 40 m (marching, then halving)."""
    flat = directions.reshape(-1, 3)
    near, far = np.full(len(flat), np.nan), np.full(len(flat), np.nan)
    for t in np.geomspace(1.0, 40.0, 260):
        p = origin + t * flat
        under = np.isnan(far) & (p[:, 2] < ground_up(p[:, 0], p[:, 1]))
        far[under] = t
        near[np.isnan(far)] = t
    for _ in range(30):
        middle = (near + far) / 2
        p = origin + middle[:, None] * flat
        under = p[:, 2] < ground_up(p[:, 0], p[:, 1])
        far, near = np.where(under, middle, far), np.where(under, near, middle)
    return (origin + far[:, None] * flat).reshape(directions.shape)


def make_reconstruction() -> Reconstruction:
    """The left frame traced onto the ground, its grid as a mesh, the traced colours as texture."""
    site_from_rover = attitude()
    enu = RigidTransform(ENU, ROVER, ENU_FROM_NED @ site_from_rover.rotation)
    cameras = [camera(-0.2), camera(0.2)]
    centre = enu.apply(cameras[0].C)
    grid = pixel_grid(WIDTH, HEIGHT)
    xyz_enu = trace(centre, enu.rotate(cameras[0].ray(grid)[1]))
    seen = np.isfinite(xyz_enu[..., 0])
    image = np.where(seen[..., None], paint(*np.nan_to_num(xyz_enu[..., :2]).transpose(2, 0, 1)), 230).astype(np.uint8)
    range_m = np.linalg.norm(xyz_enu - centre, axis=-1)
    sigma_m = 0.001 * range_m**2
    observations = [
        Observation(
            f"MADE_UP_{eye.value.upper()}",
            "simulated",
            f"NAVCAM_{eye.value.upper()}",
            eye,
            Image(image, np.ones((HEIGHT, WIDTH), bool)),
            one,
            7,
            SITE,
            DRIVE,
            1.0,
            site_from_rover,
        )
        for eye, one in zip((Eye.LEFT, Eye.RIGHT), cameras, strict=True)
    ]

    rows, columns = np.arange(0, HEIGHT, STEP), np.arange(0, WIDTH, STEP)
    coarse = np.ix_(rows, columns)
    index = np.cumsum(seen[coarse]).reshape(seen[coarse].shape) - 1
    corner = [slice(None, -1), slice(1, None)]
    a, b, c, d = (
        np.where(seen[coarse], index, -1)[corner[i], corner[j]].ravel() for i, j in ((0, 0), (0, 1), (1, 1), (1, 0))
    )
    faces = np.concatenate([np.stack([a, d, b], 1), np.stack([b, d, c], 1)])
    faces = faces[(faces >= 0).all(axis=1)]
    vertices = xyz_enu[coarse][seen[coarse]]
    depth = range_m[coarse][seen[coarse]]
    faces = faces[np.ptp(depth[faces], axis=1) < 0.25 * depth[faces].min(axis=1)]
    pixels = grid[coarse][seen[coarse]]
    mesh = TerrainMesh(
        ENU,
        vertices,
        faces.astype(np.int32),
        np.tile([0.0, 0.0, 1.0], (len(vertices), 1)),
        pixels,
        sigma_m[coarse][seen[coarse]],
        np.zeros(len(faces), np.uint8),
    )
    uv = np.stack([(pixels[:, 0] + 0.5) / WIDTH, 1.0 - (pixels[:, 1] + 0.5) / HEIGHT], axis=1)
    reason = np.where(seen, 0, int(Reason.SKY)).astype(np.uint16)
    grey = image[..., 1]
    valid = np.ones_like(grey, dtype=bool)
    return Reconstruction(
        StereoPair(*observations),
        RectifiedPair(grey, grey, valid, valid, *cameras),
        Disparity(np.where(seen, 190.0 * 0.4 / range_m, np.nan), reason),
        cast(Matches, None),  # nor the matches
        XyzMap(ROVER, enu.inverse().apply(xyz_enu), range_m, sigma_m, np.zeros_like(range_m), reason),
        TexturedMesh(mesh, uv.astype(np.float32), image),
        cast(Report, None),  # the viewer reads no report,
        cast(EpipolarCalibration, None),  # nor how the eyes were aligned
    )


@pytest.fixture(scope="session")
def made_up() -> Reconstruction:
    return make_reconstruction()


@pytest.fixture(scope="session")
def truth():
    """The made-up ground itself: height (m) and colour at east, north (m)."""
    return ground_up, paint


@pytest.fixture(scope="session")
def true_place(made_up):
    """The point (3,), ENU, m, of the made-up ground that a ray from the left camera along (3,), ENU, meets."""
    centre = made_up.enu_from_rover.apply(made_up.pair.left.camera.C)
    return lambda direction: trace(centre, (direction / np.linalg.norm(direction))[None])[0]
