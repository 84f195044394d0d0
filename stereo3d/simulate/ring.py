"""A ring of stereo pairs all around a stop, as a panorama is taken, with a pointing that is told a little wrong.

The mast turns to each pointing but does not stop exactly where its telemetry says: the records tell the pointing that
was asked for, the images are taken from where the head truly was.  The rig of the two eyes is rigid, so both eyes of a
shot share the error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CAHVORE
from stereo3d.camera.mast import head_from_joints, joints
from stereo3d.frames import Float, Frame, RigidTransform, locked
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation, StereoPair
from stereo3d.simulate.navcam import (
    ATTITUDE,
    BINNING,
    DRIVE,
    MAST_AZIMUTH_DEG,
    MAST_ELEVATION_DEG,
    POSITION_M,
    SITE,
    boresight_deg,
    navcam_pair,
)
from stereo3d.simulate.pair import LEFT_SENSOR, RIGHT_SENSOR
from stereo3d.simulate.render import render, true_geometry
from stereo3d.simulate.sensor import Sensor, expose
from stereo3d.simulate.shading import sun_angles
from stereo3d.simulate.surface import GROUND, ROVER
from stereo3d.simulate.world import World, WorldSettings, jezero_floor
from stereo3d.stereo.truth import Truth

POINTING_SIGMA_DEG = 0.12
"""Standard deviation of the mast's error in pan and in tilt, each."""
AZIMUTHS_DEG = tuple(MAST_AZIMUTH_DEG + 60.0 * k for k in range(6))
_FULL_WELL_E = 250_000.0
"""As :attr:`Sensor.full_well_e`: the noise of the sky is then the 0.3 DN of whole-frame images of sols 718 and 1280."""
_FIRST_SCLK_S, _SHOT_S, _EYES_S = 1000.0, 11.7, 0.3


@dataclass(frozen=True, eq=False)
class Ring:
    """The observations as they are told, and what is true."""

    observations: tuple[Observation, ...]
    """Left and right eye of each shot in turn; their cameras, and their mast angles, are those of the telemetry."""
    true_cameras: tuple[CAHVORE, ...]
    """The cameras that the images were truly taken with, in the order of the observations, in ROVER_NAV."""
    true_joints_deg: Float
    """(shots, 2) pan and tilt at which each shot was truly taken."""
    told_joints_deg: Float
    """(shots, 2) pan and tilt that the telemetry tells."""
    world: World
    """In LOCAL_LEVEL of the stop."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "true_joints_deg", locked(self.true_joints_deg))
        object.__setattr__(self, "told_joints_deg", locked(self.told_joints_deg))

    @property
    def pairs(self) -> tuple[StereoPair, ...]:
        """The two eyes of each shot, with the told cameras."""
        return tuple(
            StereoPair(left, right) for left, right in zip(self.observations[::2], self.observations[1::2], strict=True)
        )

    @property
    def true_observations(self) -> tuple[Observation, ...]:
        """The observations with their true cameras in the place of the told ones (mast angles too)."""
        out = []
        for observation, camera in zip(self.observations, self.true_cameras, strict=True):
            azimuth, elevation = boresight_deg(camera)
            out.append(replace(observation, camera=camera, mast_azimuth_deg=azimuth, mast_elevation_deg=elevation))
        return tuple(out)

    def truth(self, shot: int, told: bool = False) -> Truth:
        """What the pixels of the left image of a shot show.

        XYZ is in ROVER_NAV as it is, or, with ``told``, where the told camera puts it: a map that is measured with the
        told cameras is compared with the latter.  The ranges along the pixels' rays are the same.
        """
        observation = self.observations[2 * shot]
        level = observation.level_from_rover
        left, right = self.true_cameras[2 * shot : 2 * shot + 2]
        truth = true_geometry(self.world, left.moved(level), right.moved(level), level.inverse())
        if told:
            truth = replace(truth, xyz=_turn(left, cast(CAHVORE, observation.camera)).apply(truth.xyz))
        return truth

    def cast(self, origins: Float, directions: Float) -> tuple[Float, NDArray[np.int32]]:
        """What rays in ROVER_NAV (the true one) meet first: range (...), m, NaN = sky, and the body (...).

        Origins and unit directions are (..., 3).  Bodies are GROUND, ROVER and less, or the rock's number from 0.
        """
        level = self.observations[0].level_from_rover
        origins, directions = np.broadcast_arrays(np.asarray(origins), np.asarray(directions))
        shape = directions.shape[:-1]
        range_m, body = np.full(shape, np.nan), np.full(shape, GROUND, dtype=np.int32)
        mapped = np.isfinite(directions[..., 0])  # where a camera has no ray there is none to cast
        hits = self.world.surface.intersect(level.apply(origins[mapped]), level.rotate(directions[mapped]))
        range_m[mapped] = np.where(np.isfinite(hits.distance_m), hits.distance_m, np.nan)
        body[mapped] = hits.body
        return range_m, body

    def ground_range(self, origins: Float, directions: Float) -> Float:
        """Range (...), m, of the ground or rock that rays in ROVER_NAV meet first; NaN = sky, or the rover itself."""
        range_m, body = self.cast(origins, directions)
        return np.where(body > ROVER, range_m, np.nan)

    def sees_rover(self, number: int) -> NDArray[np.bool_]:
        """(rows, columns): where an observation shows the rover's own body."""
        camera = self.true_cameras[number]
        columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
        return self.cast(*camera.ray(np.stack([columns, rows], axis=-1)))[1] <= ROVER


def simulate_ring(
    seed: int,
    *,
    binning: int = BINNING,
    samples: int = 3,
    azimuths_deg: Sequence[float] = AZIMUTHS_DEG,
    elevation_deg: float = MAST_ELEVATION_DEG,
    sigma_deg: float = POINTING_SIGMA_DEG,
    stretch: float = 0.2,
    settings: WorldSettings | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Ring:
    """Both Navcams at each of ``azimuths_deg`` (rover frame) and one elevation, over one floor all around.

    ``binning``: sensor pixels per image pixel (4 gives 1280 x 960); ``samples`` squared rays per pixel;
    ``sigma_deg``: the mast's error in pan and in tilt.  Each frame has a stretch of its own, its gain and offset within
    ``stretch`` of the eye's usual ones; the first shot has the usual ones.  Everything follows from the arguments.
    """
    settings = settings or WorldSettings(half_width_deg=180.0)
    rover = Frame.rover(SITE, DRIVE)
    pose = RigidTransform.from_quaternion(Frame.site(SITE), rover, ATTITUDE, POSITION_M)
    level = RigidTransform(Frame.local_level(SITE, DRIVE), rover, pose.rotation)
    heads = point(seed, rover, azimuths_deg, elevation_deg, binning, sigma_deg)
    first = heads.true_cameras[0].moved(level)
    centre = level.apply(np.mean([camera.C for camera in heads.true_cameras], axis=0))[:2]
    down = level.rotate(np.array([0.0, 0.0, 1.0]))
    world = jezero_floor(seed, first, down, settings, centre=centre, level_from_rover=level)
    observations = shoot(seed, heads, world, level, pose, samples=samples, stretch=stretch, progress=progress)
    return Ring(observations, heads.true_cameras, heads.true_joints_deg, heads.told_joints_deg, world)


@dataclass(frozen=True, eq=False)
class Heads:
    """Where the head points for each shot; the cameras are the left and the right one of each shot in turn."""

    rover: Frame
    binning: int
    told_cameras: tuple[CAHVORE, ...]
    true_cameras: tuple[CAHVORE, ...]
    told_joints_deg: Float
    """(shots, 2) pan and tilt."""
    true_joints_deg: Float


def point(
    seed: int, rover: Frame, azimuths_deg: Sequence[float], elevation_deg: float, binning: int, sigma_deg: float
) -> Heads:
    """The head at each azimuth (degrees, in the frame ``rover``), as it is told and with its errors."""
    told = np.array([joints(azimuth, elevation_deg) for azimuth in azimuths_deg])
    rng = np.random.default_rng([seed, 12])
    true = told + rng.normal(0.0, sigma_deg, told.shape)
    told_cameras, true_cameras = [], []
    for azimuth, told_joints, true_joints in zip(azimuths_deg, told, true, strict=True):
        # One rigid motion of the whole head: the eyes of the told pair fit each other exactly.
        turn = _head(true_joints, rover) @ _head(told_joints, rover).inverse()
        for camera in navcam_pair(binning, azimuth, elevation_deg):
            here = replace(camera, frame=rover)
            told_cameras.append(here)
            true_cameras.append(here.moved(turn))
    return Heads(rover, binning, tuple(told_cameras), tuple(true_cameras), told, true)


def shoot(
    seed: int,
    heads: Heads,
    world: World,
    world_from_rover: RigidTransform,
    told_pose: RigidTransform,
    *,
    samples: int,
    stretch: float,
    first_shot: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[Observation, ...]:
    """The images of all shots of a rover that stands at ``world_from_rover`` and tells ``told_pose`` (SITE from
    ROVER_NAV).  The shots are counted, and follow in time, from ``first_shot`` on."""
    observations = []
    for number, (camera, true_camera) in enumerate(zip(heads.told_cameras, heads.true_cameras, strict=True)):
        if progress is not None:
            progress("rendering", number / len(heads.told_cameras))
        shot, eye = first_shot + number // 2, (Eye.LEFT, Eye.RIGHT)[number % 2]
        image = 2 * first_shot + number
        sensor = replace((LEFT_SENSOR, RIGHT_SENSOR)[number % 2], full_well_e=_FULL_WELL_E)
        if shot > 0:
            sensor = stretched(sensor, stretch, np.random.default_rng([seed, image, 13]))
        radiance = render(world, true_camera.moved(world_from_rover), samples, seed=100 * seed + image)
        pixels = expose(sensor, radiance, np.random.default_rng([seed, image, 11]))
        azimuth, elevation = boresight_deg(camera)
        site, drive = heads.rover.number
        observations.append(
            Observation(
                product_id=f"SIM_NAVCAM_{eye.name}_{seed:04d}_{shot + 1:02d}",
                mission="simulated",
                instrument=f"NAVCAM_{eye.name}",
                eye=eye,
                image=Image(pixels, np.ones(pixels.shape[:2], dtype=bool)),
                camera=camera,
                sol=0,
                site=site,
                drive=drive,
                sclk_s=round(_FIRST_SCLK_S + shot * _SHOT_S + (number % 2) * _EYES_S, 3),
                site_from_rover=told_pose,
                mast_azimuth_deg=azimuth,
                mast_elevation_deg=elevation,
                subframe=(1, 1, camera.width * heads.binning, camera.height * heads.binning),
                scale_factor=heads.binning,
                sun_deg=sun_angles(world.light.sun),
            )
        )
    return tuple(observations)


def stretched(sensor: Sensor, share: float, rng: np.random.Generator) -> Sensor:
    """The eye with another stretch to eight bits: its gain and offset within ``share``, its gamma within a fifth of it.

    The gain only falls, as what a brighter stretch would clip is lost.
    """
    gain, offset, gamma = rng.uniform(-share, 0.0), rng.uniform(-share, share), rng.uniform(-share, share)
    dark = sensor.dark_dn * (1.0 + 2.0 * offset)
    return replace(
        sensor,
        gamma=sensor.gamma * (1.0 + 0.2 * gamma),
        dark_dn=dark,
        top_dn=dark + (sensor.top_dn - dark) * (1 + gain),
    )


def _head(joints_deg: Float, rover: Frame) -> RigidTransform:
    pan, tilt = joints_deg
    return head_from_joints(float(pan), float(tilt), rover)


def _turn(source: CAHVORE, to: CAHVORE) -> RigidTransform:
    """The rigid motion within the rover's frame that brings one camera onto another of the same make."""
    axes = [np.linalg.qr(np.stack([c.A, c.H, c.V], axis=1)) for c in (source, to)]
    (q1, r1), (q2, r2) = axes
    rotation = (q2 * np.sign(np.diag(r2))) @ (q1 * np.sign(np.diag(r1))).T
    return RigidTransform(to.frame, source.frame, rotation, to.C - rotation @ source.C)
