"""Known worlds: a plane with a box on it, ray-cast through a linear camera two metres above."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from stereo3d.camera import CAHV, pixel_grid
from stereo3d.frames import Frame
from stereo3d.stereo.disparity import Reason, XyzMap
from stereo3d.terrain.mesh import FaceKind, TerrainMesh
from stereo3d.terrain.texture import TexturedMesh

BASELINE_M = 0.4244
ROVER = Frame.rover(3, 4)


@dataclass(frozen=True)
class World:
    """Ground z = 0 (Z down) or ``relief``, boxes on it ((x0, x1), (y0, y1), height), and the camera above."""

    width: int = 320
    height: int = 240
    focal_px: float = 185.0
    tilt_deg: float = 15.0
    height_m: float = 2.0
    noise_px: float = 0.0
    sigma_px: float = 0.2
    boxes: tuple = ()
    far_m: float = 30.0
    """Ground further ahead than this is as good as sky."""
    relief: object = None
    """A function (x, y) -> z of the ground, m, Z down."""
    seed: int = 1
    yaw_deg: float = 0.0
    """The camera's heading, clockwise from above, from X."""
    eye: tuple = (0.5, -0.2)
    """Where the camera stands (x, y), m."""

    def camera(self) -> CAHV:
        t = np.deg2rad(self.tilt_deg)
        heading, right = self.heading()
        forward = np.cos(t) * heading + np.array([0.0, 0.0, np.sin(t)])
        down = np.cross(forward, right)
        H = self.focal_px * right + (self.width - 1) / 2 * forward
        V = self.focal_px * down + (self.height - 1) / 2 * forward
        center = np.array([*self.eye, -self.height_m])
        return CAHV(ROVER, self.width, self.height, center, forward, H, V)

    def heading(self) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors ahead and to the right of the camera, level."""
        sin, cos = np.sin(np.deg2rad(self.yaw_deg)), np.cos(np.deg2rad(self.yaw_deg))
        return np.array([cos, sin, 0.0]), np.array([-sin, cos, 0.0])

    def cast(self) -> tuple[XyzMap, np.ndarray, np.ndarray]:
        """XyzMap with noise, truth labels (rows, columns): 0 sky, 1 ground, 2, 3, ... boxes, and the true range, m."""
        camera = self.camera()
        _, d = camera.ray(pixel_grid(self.width, self.height))
        c = camera.C
        with np.errstate(divide="ignore", invalid="ignore"):
            r = np.where(d[..., 2] > 0, -c[2] / d[..., 2], np.inf)
            if self.relief is not None:
                for _ in range(5):
                    p = c + d * np.where(np.isfinite(r), r, 0.0)[..., None]
                    r = np.where(np.isfinite(r), (-c[2] + self.relief(p[..., 0], p[..., 1])) / d[..., 2], np.inf)
            ahead = np.where(np.isfinite(r), r, 0.0) * (d @ self.heading()[0])
            label = np.where(np.isfinite(r) & (ahead < self.far_m), 1, 0)
            for k, ((x0, x1), (y0, y1), tall) in enumerate(self.boxes):
                low, high = np.array([x0, y0, -tall]), np.array([x1, y1, 0.0])
                a, b = (low - c) / d, (high - c) / d
                enter, leave = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
                hit = (enter < leave) & (enter > 0) & (enter < r)
                r, label = np.where(hit, enter, r), np.where(hit, 2 + k, label)
        rng = np.random.default_rng(self.seed)
        scale = BASELINE_M * self.focal_px
        seen = label > 0
        noisy = 1.0 / (1.0 / np.where(seen, r, 1.0) + rng.normal(0.0, 1.0, r.shape) * self.noise_px / scale)
        nan = np.float32(np.nan)
        xyz = np.where(seen[..., None], c + d * np.where(seen, noisy, 1.0)[..., None], nan)
        found = XyzMap(
            ROVER,
            xyz,
            np.where(seen, noisy, nan),
            np.where(seen, r * r * self.sigma_px / scale, nan),
            np.where(seen, 0.0, nan),
            np.where(seen, 0, int(Reason.SKY)).astype(np.uint16),
        )
        return found, label, r


@pytest.fixture(scope="session")
def world_class() -> type[World]:
    """As :func:`world`, for fixtures that are made once."""
    return World


@pytest.fixture
def world() -> type[World]:
    """The class: tests make the world that they need."""
    return World


def make_sheet(
    height=lambda east, north: 0.0 * east,
    *,
    east=(-2.0, 2.0),
    north=(-1.5, 1.5),
    step_m=0.1,
    texel_m=0.1,
    paint=lambda east, north: 0.0 * east + 100.0,
    sigma_m=0.01,
    kind=FaceKind.MEASURED,
    below=None,
) -> TexturedMesh:
    """``height`` (east, north) over a rectangle, in ENU, with ``paint`` (east, north) as its grey texture from above.

    ``below``: another sheet that is put into the same mesh (its own texture is not used; uv are kept).
    """
    n_east, n_north = (round((high - low) / step_m) + 1 for low, high in (east, north))
    e, n = (a.ravel() for a in np.meshgrid(np.linspace(*east, n_east), np.linspace(*north, n_north)))
    a = (np.arange(n_north - 1)[:, None] * n_east + np.arange(n_east - 1)).ravel()
    faces = np.concatenate(
        [np.stack([a, a + 1, a + n_east], 1), np.stack([a + 1, a + n_east + 1, a + n_east], 1)]
    ).astype(np.int32)
    d = 1e-4
    slope_e, slope_n = (height(e + d, n) - height(e - d, n)) / 2 / d, (height(e, n + d) - height(e, n - d)) / 2 / d
    normals = np.stack([-slope_e, -slope_n, np.ones_like(e)], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    vertices = np.stack([e, n, height(e, n)], axis=1)
    uv = np.stack([(e - east[0]) / (east[1] - east[0]), (n - north[0]) / (north[1] - north[0])], axis=1)
    sigma, kinds = np.full(len(e), sigma_m), np.full(len(faces), int(kind))
    if below is not None:
        mesh = below.mesh
        faces = np.concatenate([faces, mesh.faces + np.int32(len(vertices))])
        vertices, normals = np.concatenate([vertices, mesh.vertices]), np.concatenate([normals, mesh.normals])
        uv, sigma = np.concatenate([uv, below.uv]), np.concatenate([sigma, mesh.sigma_m])
        kinds = np.concatenate([kinds, mesh.kind])
    columns, rows = (round((high - low) / texel_m) for low, high in (east, north))
    x, y = np.meshgrid(east[0] + (np.arange(columns) + 0.5) * texel_m, north[1] - (np.arange(rows) + 0.5) * texel_m)
    image = np.repeat(np.rint(paint(x, y)).astype(np.uint8)[..., None], 3, axis=2)
    mesh = TerrainMesh(
        frame=Frame.enu(3, 4),
        vertices=vertices,
        faces=faces,
        normals=normals.astype(np.float32),
        pixels=np.zeros((len(vertices), 2), np.float32),
        sigma_m=sigma.astype(np.float32),
        kind=kinds.astype(np.uint8),
    )
    return TexturedMesh(mesh, uv.astype(np.float32), image)


@pytest.fixture
def sheet():
    """The function: tests make the ground that they need."""
    return make_sheet
