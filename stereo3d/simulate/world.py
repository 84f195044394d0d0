"""A whole simulated world: surface, looks and light, all from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel
from stereo3d.frames import Frame, RigidTransform
from stereo3d.simulate.ground import Ground, grid_faces, polar_grid, vertex_normals
from stereo3d.simulate.noise import Float, GradientNoise
from stereo3d.simulate.rocks import build_rocks, scatter_rocks
from stereo3d.simulate.rover import beside_rover, rover_mesh
from stereo3d.simulate.shading import Light, Material, sun_direction
from stereo3d.simulate.surface import GROUND, ROVER, AnalyticSurface, MeshSurface, Surface

_VERTICES_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class WorldSettings:
    """What the ground is like."""

    rock_share: float = 0.065
    """Share of the ground that rocks cover: k of Golombek & Rapp 1997; 0.05 to 0.08 on the floor of Jezero."""
    rocks_to_m: float = 400.0
    half_width_deg: float = 75.0
    """Half of the wedge that is built, about the azimuth that the cameras look along; 180 builds all around."""
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


def jezero_floor(
    seed: int,
    camera: CameraModel,
    down: Float,
    settings: WorldSettings = WorldSettings(),
    *,
    centre: Float | None = None,
    level_from_rover: RigidTransform | None = None,
) -> World:
    """A floor of undulating ground, sand and rocks, as fine as ``camera`` (in LOCAL_LEVEL) can tell.

    ``down`` (3,) is the rover's Z axis in LOCAL_LEVEL: the ground at the origin is square to it.  The floor is finest
    about ``centre`` (2,) north, east, m: where the camera stands, unless said otherwise.  With ``level_from_rover`` the
    rover's own body stands there too.
    """
    rovers = () if level_from_rover is None else (level_from_rover,)
    return jezero_floors(seed, camera, down, rovers, settings, centre=centre)[0]


def jezero_floors(
    seed: int,
    camera: CameraModel,
    down: Float,
    rovers: Sequence[RigidTransform],
    settings: WorldSettings = WorldSettings(),
    *,
    centre: Float | None = None,
    finer: float = 1.0,
) -> tuple[World, ...]:
    """One floor as :func:`jezero_floor` makes it, as often as the rover stands somewhere on it (``rovers``, LOCAL_LEVEL
    from ROVER_NAV of each stop): each world holds the body of its own stop alone, and no rock lies where the rover ever
    stands.  Without ``rovers`` one bare floor.

    ``finer``: so many times finer than ``camera`` at ``centre`` can tell, for stops that lie away from it.
    """
    rng = np.random.default_rng([seed, 2020])
    ground = Ground(GradientNoise.from_seed(rng), np.asarray(down, dtype=np.float64))
    eye = camera.C[:2] if centre is None else np.asarray(centre, dtype=np.float64)
    axis = camera.ray(np.array([camera.width / 2.0, camera.height / 2.0]))[1]
    azimuth = float(np.arctan2(axis[1], axis[0]))
    half_width, pixel = min(float(np.radians(settings.half_width_deg)), float(np.pi)), pixel_angle(camera) / finer
    parts = [_bare_floor(ground, eye, azimuth, half_width, pixel)]
    field_of_rocks = scatter_rocks(rng, eye, azimuth, half_width, pixel, settings.rocks_to_m, settings.rock_share)
    for level_from_rover in rovers:
        field_of_rocks = beside_rover(field_of_rocks, level_from_rover)
    rocks = build_rocks(rng, field_of_rocks, ground, eye, pixel)
    parts.append(_Part(rocks.vertices, rocks.normals, rocks.faces, rocks.rock))
    sun = sun_direction(np.degrees(azimuth) + settings.sun_azimuth_deg, settings.sun_elevation_deg)
    material = Material.from_seed(rng, len(field_of_rocks.diameter_m))
    bodies = [rover_mesh(level_from_rover) for level_from_rover in rovers]
    own = [[_Part(b.vertices, b.normals, b.faces, ROVER - b.paint)] for b in bodies] or [[]]
    return tuple(World(camera.frame, _joined(parts + body), material, Light(sun)) for body in own)


@dataclass(frozen=True, eq=False)
class _Part:
    """A mesh on its way into the world; the fields are those of MeshSurface."""

    vertices: Float
    normals: Float
    faces: NDArray[np.int32]
    body: NDArray[np.int32]


def _bare_floor(ground: Ground, eye: Float, azimuth: float, half_width: float, pixel: float) -> _Part:
    north, east, cell = polar_grid(eye, azimuth, half_width, pixel)
    floor = np.stack([north, east, np.empty_like(north)], axis=-1)
    rows, columns = north.shape
    step = max(1, _VERTICES_AT_ONCE // columns)
    for start in range(0, rows, step):  # the heights of all at once would take tens of bytes for each octave
        part = slice(start, start + step)
        floor[part, :, 2] = -ground.height(north[part], east[part], cell[part])
    closed = half_width >= np.pi
    vertices, faces = floor.reshape(-1, 3), grid_faces(rows, columns, closed)
    if closed:
        # What lies under the cameras themselves: a fan about the middle.
        rim = np.arange(columns, dtype=np.int32)
        fan = np.stack([np.full(columns, len(vertices), dtype=np.int32), rim, np.roll(rim, -1)], axis=1)
        below = -ground.height(eye[:1], eye[1:], cell[0, :1])
        vertices = np.concatenate([vertices, np.array([[*eye, below[0]]])])
        faces = np.concatenate([faces, fan])
    normals = vertex_normals(vertices, faces)
    normals *= -np.sign(normals[:, 2:])
    return _Part(vertices, normals, faces, np.full(len(faces), GROUND, dtype=np.int32))


def _joined(parts: list[_Part]) -> MeshSurface:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    return MeshSurface(
        np.concatenate([part.vertices.astype(np.float32) for part in parts]),
        np.concatenate([part.normals.astype(np.float32) for part in parts]),
        np.concatenate([part.faces + np.int32(start) for part, start in zip(parts, starts, strict=False)]),
        np.concatenate([part.body for part in parts]),
    )


def analytic_world(seed: int, frame: Frame, surface: AnalyticSurface) -> World:
    """A plane and spheres with the albedo of the Jezero floor but no relief: exact, and quick to make."""
    rng = np.random.default_rng([seed, 2021])
    return World(frame, surface, Material.from_seed(rng, len(surface.spheres), relief=0.0))
