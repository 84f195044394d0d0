"""Shots, and the axes about which the mast turns them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.camera import CameraModel
from stereo3d.camera.mast import head_from_joints
from stereo3d.camera.published import published_camera
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Frame, RigidTransform
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation
from stereo3d.pointing.shots import find_shots, prior_sigma_deg, rotation_about, shot_of

ROVER = Frame.rover(3, 4)


def frame(pan_deg: float, tilt_deg: float, eye: Eye = Eye.LEFT, sclk_s: float = 0.0) -> Observation:
    """A blank Navcam frame of a pan and a tilt."""
    name = "NAVR" if eye is Eye.RIGHT else "NAVL"
    camera = published_camera(name).binned(64).moved(head_from_joints(pan_deg, tilt_deg, ROVER))
    return of_camera(camera, eye, sclk_s)


def of_camera(camera: CameraModel, eye: Eye, sclk_s: float) -> Observation:
    pixels = np.zeros((camera.height, camera.width), np.uint8)
    image = Image(pixels, np.ones(pixels.shape, bool))
    return Observation("x", "Mars 2020", "NAVCAM", eye, image, camera, 1, 3, 4, sclk_s)


def test_eyes_and_tiles_are_one_shot_and_another_pan_or_time_is_not() -> None:
    left, right = frame(10, -20), frame(10, -20, Eye.RIGHT, 0.4)
    tile = of_camera(left.camera.crop(30, 10, 20, 20), Eye.LEFT, 0.0)
    frames = [frame(10, -20, sclk_s=60.0), tile, frame(30, -20), right, left]
    shots = find_shots(frames)
    assert [s.members for s in shots] == [(1, 3, 4), (2,), (0,)]
    assert shot_of(shots).tolist() == [2, 0, 1, 0, 0]


@pytest.mark.parametrize("change", [{"drive": 5}, {"mission": "MSL"}])
def test_frames_of_two_stops_are_refused(change: dict[str, object]) -> None:
    other = frame(10, -20)
    if "drive" in change:
        camera = replace(other.camera, frame=Frame.rover(3, 5))  # type: ignore[type-var]
        change = {**change, "camera": camera}
    with pytest.raises(FrameMismatchError, match="different stops"):
        find_shots([frame(0, 0), replace(other, **change)])  # type: ignore[arg-type]


@pytest.mark.parametrize("pan", [-150.0, 8.0, 95.0])
def test_a_turn_is_that_of_the_mast(pan: float) -> None:
    frames = [frame(pan, -25), frame(pan, -25, Eye.RIGHT)]
    (shot,) = find_shots(frames)
    turn = shot.turned(ROVER, 0.3, -0.2)
    for told in frames:
        name = "NAVR" if told.eye is Eye.RIGHT else "NAVL"
        true = published_camera(name).binned(64).moved(head_from_joints(pan + 0.3, -25.2, ROVER))
        moved = told.camera.moved(turn)
        np.testing.assert_allclose(moved.C, true.C, atol=2e-6)
        np.testing.assert_allclose(moved.A, true.A, atol=2e-7)
        np.testing.assert_allclose(moved.H, true.H, atol=2e-5)


def test_another_masts_axis_is_found_from_where_its_cameras_stand() -> None:
    point, frames = np.array([0.43, 0.04, -1.24]), []
    for pan in np.radians([-20.0, 15.0, 85.0, 124.0]):
        to_head = np.array([np.cos(pan), np.sin(pan), 0.0]), np.array([-np.sin(pan), np.cos(pan), 0.0])
        camera = published_camera("NAVL").binned(64)
        head = RigidTransform(ROVER, camera.frame, np.stack([*to_head, [0.0, 0.0, 1.0]], axis=1))
        turned = camera.moved(head)
        wanted = point + 0.09 * to_head[0] - 0.1 * to_head[1]
        shift = RigidTransform(ROVER, ROVER, np.eye(3), wanted - turned.C)
        frames.append(replace(of_camera(turned.moved(shift), Eye.LEFT, 100.0 * pan), mission="MER-B"))
    for shot in find_shots(frames):
        np.testing.assert_allclose(shot.pan_point, point, atol=1e-3)
        np.testing.assert_allclose(shot.pan_axis, [0.0, 0.0, 1.0])
        axis = frames[shot.members[0]].camera.A
        assert shot.tilt_axis @ axis == pytest.approx(0.0, abs=1e-9)
        # More tilt looks higher, more pan further to the right.
        assert shot.turned(ROVER, 0.0, 1.0).rotate(axis)[2] < axis[2]
        right = np.cross([0.0, 0.0, 1.0], axis)
        assert shot.turned(ROVER, 1.0, 0.0).rotate(axis) @ right > axis @ right


def test_what_is_not_on_the_mast_is_told_apart() -> None:
    assert find_shots([frame(0, 0)])[0].on_mast
    assert not find_shots([replace(frame(0, 0), instrument="FRONT_HAZCAM_LEFT_A")])[0].on_mast


def test_less_is_known_of_other_masts() -> None:
    assert prior_sigma_deg(frame(0, 0)) == 0.12
    assert prior_sigma_deg(replace(frame(0, 0), mission="MER-B")) > 0.12


def test_rotations_are_right_handed() -> None:
    np.testing.assert_allclose(
        rotation_about(np.array([0.0, 0.0, 1.0]), np.pi / 2) @ [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], atol=1e-12
    )
