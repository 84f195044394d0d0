"""Several stops of one rover on one simulated floor, each told a little wrong, as odometry tells a drive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stereo3d.camera import CAHVORE
from stereo3d.frames import Float, Frame, RigidTransform
from stereo3d.observation import Observation
from stereo3d.simulate.navcam import ATTITUDE, BINNING, DRIVE, MAST_ELEVATION_DEG, POSITION_M, SITE
from stereo3d.simulate.ring import POINTING_SIGMA_DEG, point, shoot
from stereo3d.simulate.shading import sun_direction
from stereo3d.simulate.world import World, WorldSettings, jezero_floors

_WHEELS_M = 1.1
"""Half the length and half the width of the rover, from wheel to wheel."""


@dataclass(frozen=True)
class Parking:
    """Where the rover stands, and what of its surroundings it looks at."""

    north_m: float
    """From the first stop."""
    east_m: float
    heading_deg: float
    """Clockwise from north."""
    azimuths_deg: tuple[float, ...]
    """Of the shots, clockwise from north."""


@dataclass(frozen=True)
class DriveError:
    """One sigma of what is told wrong of each stop after the first."""

    position_m: float = 0.2
    """In each of north, east and down."""
    heading_deg: float = 0.4
    tilt_deg: float = 0.1
    """Of roll and of pitch."""


@dataclass(frozen=True, eq=False)
class Stop:
    """The frames of one stop as they are told, and where it truly is."""

    observations: tuple[Observation, ...]
    true_pose: RigidTransform
    """SITE from ROVER_NAV; the told one is that of the observations."""
    true_cameras: tuple[CAHVORE, ...]
    """The cameras that the images were truly taken with, in ROVER_NAV."""
    world: World
    """With the rover's body where it stands now, in LOCAL_LEVEL of the first stop."""


def simulate_stops(
    seed: int,
    parkings: Sequence[Parking],
    *,
    error: DriveError = DriveError(),
    binning: int = BINNING,
    samples: int = 3,
    elevation_deg: float = MAST_ELEVATION_DEG,
    sigma_deg: float = POINTING_SIGMA_DEG,
    stretch: float = 0.2,
    sun_turn_deg: float = 0.0,
    finer: float = 1.0,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[Stop, ...]:
    """Both Navcams at some azimuths of each of ``parkings``, over one floor.  The first stop is told exactly.

    ``sun_turn_deg``: how far the Sun moves from stop to stop; ``finer``: the floor is so many times finer than a camera
    in the middle of the stops can tell.  The other arguments are those of
    :func:`stereo3d.simulate.ring.simulate_ring`; the first parking has its pose and its place is (0, 0).  Drives are
    numbered in steps of 100.
    """
    base = RigidTransform.from_quaternion(Frame.site(SITE), Frame.rover(SITE, DRIVE), ATTITUDE, POSITION_M)
    level = Frame.local_level(SITE, DRIVE)
    first = RigidTransform(level, base.source, base.rotation)
    down = first.rotate(np.array([0.0, 0.0, 1.0]))
    places = np.array([[p.north_m, p.east_m] for p in parkings])
    settings = WorldSettings(half_width_deg=180.0)
    heads = [
        point(
            seed + 1000 * k,
            Frame.rover(SITE, DRIVE + 100 * k),
            [azimuth - p.heading_deg for azimuth in p.azimuths_deg],
            elevation_deg,
            binning,
            sigma_deg,
        )
        for k, p in enumerate(parkings)
    ]
    camera = heads[0].true_cameras[0].moved(first)
    middle = places.mean(axis=0)
    bare = jezero_floors(seed, camera, down, (), settings, centre=middle)[0]
    poses = [first] + [_parked(bare, level, h.rover, p) for h, p in zip(heads[1:], parkings[1:], strict=True)]
    worlds = jezero_floors(seed, camera, down, poses, settings, centre=middle, finer=finer)

    rng = np.random.default_rng([seed, 14])
    stops: list[Stop] = []
    shots = 0
    for k, (pose, head, world) in enumerate(zip(poses, heads, worlds, strict=True)):
        true = RigidTransform(base.to, pose.source, pose.rotation, pose.translation + base.translation)
        told = true if k == 0 else _told(true, error, rng)
        azimuth, elevation = settings.sun_azimuth_deg + sun_turn_deg * k, settings.sun_elevation_deg
        axis = camera.ray(np.array([camera.width / 2.0, camera.height / 2.0]))[1]
        sun = sun_direction(float(np.degrees(np.arctan2(axis[1], axis[0]))) + azimuth, elevation)
        lit = replace(world, light=replace(world.light, sun=sun))
        frames = shoot(
            seed, head, lit, pose, told, samples=samples, stretch=stretch, first_shot=shots, progress=progress
        )
        shots += len(frames) // 2
        stops.append(Stop(frames, true, head.true_cameras, lit))
    return tuple(stops)


def _parked(bare: World, level: Frame, rover: Frame, parking: Parking) -> RigidTransform:
    """The rover on the ground as it is there: square to the plane of four wheels, standing on their middle."""
    heading = np.radians(parking.heading_deg)
    ahead, right = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])
    wheels = np.array([[x * _WHEELS_M, y * _WHEELS_M] for x in (-1.0, 1.0) for y in (-1.0, 1.0)])
    plan = np.array([parking.north_m, parking.east_m]) + wheels @ np.stack([ahead, right])
    origins = np.column_stack([plan, np.full(4, -50.0)])
    depth = bare.surface.intersect(origins, np.tile([0.0, 0.0, 1.0], (4, 1))).distance_m - 50.0
    fit = np.linalg.lstsq(np.column_stack([plan, np.ones(4)]), depth, rcond=None)[0]
    z = np.array([-fit[0], -fit[1], 1.0])
    z /= np.linalg.norm(z)
    x = np.array([*ahead, 0.0]) - (np.array([*ahead, 0.0]) @ z) * z
    x /= np.linalg.norm(x)
    origin = np.array([parking.north_m, parking.east_m, fit @ [parking.north_m, parking.east_m, 1.0]])
    return RigidTransform(level, rover, np.stack([x, np.cross(z, x), z], axis=1), origin)


def _told(true: RigidTransform, error: DriveError, rng: np.random.Generator) -> RigidTransform:
    """What odometry and gyroscopes make of a pose, rounded to six digits as a record is."""
    from scipy.spatial.transform import Rotation

    turn: Float = np.radians(rng.normal(0.0, [error.tilt_deg, error.tilt_deg, error.heading_deg]))
    wrong = RigidTransform(true.to, true.source, Rotation.from_rotvec(turn).as_matrix() @ true.rotation)
    quaternion = [float(f"{v:.6g}") for v in wrong.quaternion]
    place = true.translation + rng.normal(0.0, error.position_m, 3)
    return RigidTransform.from_quaternion(true.to, true.source, quaternion, [float(f"{v:.6g}") for v in place])
