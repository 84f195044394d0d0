"""A stereo pair of a simulated world, with its truth."""

from __future__ import annotations

import numpy as np

from stereo3d.camera import CameraModel
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Frame, RigidTransform
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation, StereoPair
from stereo3d.simulate.render import render, true_geometry
from stereo3d.simulate.sensor import Sensor, expose
from stereo3d.simulate.world import World, WorldSettings, jezero_floor
from stereo3d.stereo.truth import Truth

LEFT_SENSOR = Sensor()
RIGHT_SENSOR = Sensor(gamma=0.68, top_dn=236.0, dark_dn=11.0, centre=(0.5, 0.43))
"""The right eye is stretched on its own, as in the raw feed."""


def level_pose(site: int, drive: int, quaternion_wxyz: tuple[float, float, float, float]) -> RigidTransform:
    """LOCAL_LEVEL from ROVER_NAV of a rover with this attitude."""
    return RigidTransform.from_quaternion(Frame.local_level(site, drive), Frame.rover(site, drive), quaternion_wxyz)


def simulate_pair(
    seed: int,
    camera_left: CameraModel,
    camera_right: CameraModel,
    *,
    level_from_rover: RigidTransform | None = None,
    world: World | None = None,
    settings: WorldSettings = WorldSettings(),
    samples: int = 3,
    sensors: tuple[Sensor, Sensor] = (LEFT_SENSOR, RIGHT_SENSOR),
) -> tuple[StereoPair, Truth]:
    """Images and truth of a left and a right camera, both in the ROVER_NAV of one stop.

    The world is the Jezero floor of ``seed`` unless one is given (in LOCAL_LEVEL of the stop); ``level_from_rover`` is
    the rover's attitude (level and facing north without it); ``samples`` squared rays are cast for each pixel.
    Everything follows from the arguments: the same ones give the same bytes on one machine.

    Raises FrameMismatchError when the cameras are not in one ROVER_NAV frame.
    """
    frame = camera_left.frame
    if frame.kind != "ROVER_NAV" or len(frame.number) != 2 or camera_right.frame != frame:
        raise FrameMismatchError(
            f"the cameras are in {camera_left.frame} and {camera_right.frame}", expected="one ROVER_NAV(site, drive)"
        )
    site, drive = frame.number
    pose = level_from_rover or RigidTransform(Frame.local_level(site, drive), frame)
    left, right = camera_left.moved(pose), camera_right.moved(pose)
    if world is None:
        world = jezero_floor(seed, left, pose.rotate(np.array([0.0, 0.0, 1.0])), settings)

    def observe(eye: Eye, level_camera: CameraModel, camera: CameraModel, sensor: Sensor) -> Observation:
        number = 1 if eye is Eye.LEFT else 2
        radiance = render(world, level_camera, samples, seed=2 * seed + number)
        pixels = expose(sensor, radiance, np.random.default_rng([seed, number, 11]))
        return Observation(
            product_id=f"SIM_NAVCAM_{eye.name}_{seed:04d}",
            mission="simulated",
            instrument=f"NAVCAM_{eye.name}",
            eye=eye,
            image=Image(pixels, np.ones(pixels.shape[:2], dtype=bool)),
            camera=camera,
            sol=0,
            site=site,
            drive=drive,
            sclk_s=0.0,
            site_from_rover=RigidTransform(Frame.site(site), frame, pose.rotation),
        )

    pair = StereoPair(
        observe(Eye.LEFT, left, camera_left, sensors[0]), observe(Eye.RIGHT, right, camera_right, sensors[1])
    )
    return pair, true_geometry(world, left, right, pose.inverse())
