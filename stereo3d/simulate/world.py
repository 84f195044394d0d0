"""A whole simulated world: surface, looks and light, all from one seed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stereo3d.camera import CameraModel
from stereo3d.frames import Frame
from stereo3d.simulate.ground import Ground, grid_faces, polar_grid, vertex_normals
from stereo3d.simulate.noise import Float, GradientNoise
from stereo3d.simulate.rocks import build_rocks, scatter_rocks
from stereo3d.simulate.shading import Light, Material, sun_direction
from stereo3d.simulate.surface import GROUND, AnalyticSurface, MeshSurface, Surface


@dataclass(frozen=True)
class WorldSettings:
    """What the ground is like."""

    rock_share: float = 0.065
    """Share of the ground that rocks cover: k of Golombek & Rapp 1997; 0.05 to 0.08 on the floor of Jezero."""
    rocks_to_m: float = 400.0
    half_width_deg: float = 75.0
    """Half of the wedge that is built, about the azimuth that the cameras look along."""
    sun_azimuth_deg: float = -115.0
    """Relative to the azimuth that the cameras look along, clockwise."""
    sun_elevation_deg: float = 38.0


@dataclass(frozen=True, eq=False)
class World:
    """What a camera can look at."""

    frame: Frame
    """The LOCAL_LEVEL frame that all of it is in."""
    surface: Surface
    material: Material
    light: Light = field(default_factory=Light)


def pixel_angle(camera: CameraModel) -> float:
    """The angle (rad) between the rays of neighbouring pixels in the middle of the image."""
    middle = np.array([camera.width / 2.0, camera.height / 2.0])
    _, rays = camera.ray(middle + np.array([[0.0, 0.0], [1.0, 0.0]]))
    return float(np.arccos(np.clip(rays[0] @ rays[1], -1.0, 1.0)))


def jezero_floor(seed: int, camera: CameraModel, down: Float, settings: WorldSettings = WorldSettings()) -> World:
    """A floor of undulating ground, sand and rocks, as fine as ``camera`` (in LOCAL_LEVEL) can tell.

    ``down`` (3,) is the rover's Z axis in LOCAL_LEVEL: the ground at the origin is square to it.
    """
    rng = np.random.default_rng([seed, 2020])
    ground = Ground(GradientNoise.from_seed(rng), np.asarray(down, dtype=np.float64))
    eye = camera.C[:2]
    axis = camera.ray(np.array([camera.width / 2.0, camera.height / 2.0]))[1]
    azimuth = float(np.arctan2(axis[1], axis[0]))
    half_width, pixel = float(np.radians(settings.half_width_deg)), pixel_angle(camera)

    north, east, cell = polar_grid(eye, azimuth, half_width, pixel)
    floor = np.stack([north, east, -ground.height(north, east, cell)], axis=-1)
    rows, columns = north.shape
    vertices, faces = floor.reshape(-1, 3), grid_faces(rows, columns)
    normals = vertex_normals(vertices, faces)
    normals *= -np.sign(normals[:, 2:])

    field_of_rocks = scatter_rocks(rng, eye, azimuth, half_width, pixel, settings.rocks_to_m, settings.rock_share)
    rocks = build_rocks(rng, field_of_rocks, ground, eye, pixel)
    surface = MeshSurface(
        np.concatenate([vertices, rocks.vertices]).astype(np.float32),
        np.concatenate([normals, rocks.normals]).astype(np.float32),
        np.concatenate([faces, rocks.faces + len(vertices)]),
        np.concatenate([np.full(len(faces), GROUND, dtype=np.int32), rocks.rock]),
    )
    sun = sun_direction(np.degrees(azimuth) + settings.sun_azimuth_deg, settings.sun_elevation_deg)
    return World(camera.frame, surface, Material.from_seed(rng, len(field_of_rocks.diameter_m)), Light(sun))


def analytic_world(seed: int, frame: Frame, surface: AnalyticSurface) -> World:
    """A plane and spheres with the albedo of the Jezero floor but no relief: exact, and quick to make."""
    rng = np.random.default_rng([seed, 2021])
    return World(frame, surface, Material.from_seed(rng, len(surface.spheres), relief=0.0))
