"""The mast: the head's pose by hand, the inverse, and against the camera models of real image records."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from stereo3d.camera import CAHVORE
from stereo3d.camera.mast import head_from_joints, joints, rover_from_rsm
from stereo3d.camera.published import RSM_HEAD, published_camera
from stereo3d.frames import Frame, RigidTransform

ROVER = Frame.rover(37, 2562)
SENSOR_CENTRE = (2559.5, 1919.5)


def _angles_deg(d: np.ndarray) -> tuple[float, float]:
    return float(np.degrees(np.arctan2(d[1], d[0]))), float(-np.degrees(np.arcsin(d[2])))


def _apart_deg(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


def test_directions_are_right_handed_and_signed_as_documented() -> None:
    ahead = rover_from_rsm(0.0, 0.0, ROVER)
    assert (ahead.to, ahead.source) == (ROVER, RSM_HEAD)
    np.testing.assert_allclose(ahead.rotation, np.eye(3), atol=0.003)
    assert 1.8 < -ahead.translation[2] < 2.0  # the head is 1.9 m above the ground, Z is down
    right, up = rover_from_rsm(90.0, 0.0, ROVER), rover_from_rsm(0.0, 30.0, ROVER)
    np.testing.assert_allclose(right.rotate([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(up.rotate([1.0, 0.0, 0.0]), [np.cos(np.pi / 6), 0.0, -0.5], atol=1e-12)
    assert right.rotate([0.0, 1.0, 0.0])[0] < -0.99  # the head's own right hand then points backwards
    left = published_camera("NAVL").moved(ahead)
    assert left.frame == ROVER
    assert left.C[1] < ahead.translation[1]


@pytest.mark.parametrize("azimuth", [-170.0, -90.0, -8.5, 0.0, 16.0, 90.0, 179.0])
@pytest.mark.parametrize("elevation", [-80.0, -34.6, 0.0, 60.0])
def test_the_boresight_points_where_it_is_told(azimuth: float, elevation: float) -> None:
    for boresight in ([1.0, 0.0, 0.0], published_camera("NAVL").ray(SENSOR_CENTRE)[1], [2.0, -0.1, 0.2]):
        b = np.asarray(boresight) / np.linalg.norm(boresight)
        pose = rover_from_rsm(azimuth, elevation, ROVER, boresight)
        np.testing.assert_allclose(_angles_deg(pose.rotate(b)), (azimuth, elevation), atol=1e-9)
        pan, tilt = joints(azimuth, elevation, boresight)
        assert -180.0 <= pan < 180.0
        # The fitted tilts are small, so the joints are close to the direction of the head's X.
        straight = _angles_deg(rover_from_rsm(azimuth, elevation, ROVER, boresight).rotate([1.0, 0.0, 0.0]))
        assert abs(tilt - straight[1]) < 0.2


def test_the_joints_move_the_head_about_two_fixed_axes() -> None:
    """Panning keeps one direction of space fixed, and tilting one of the head."""
    a, b = head_from_joints(10.0, -20.0, ROVER), head_from_joints(50.0, -20.0, ROVER)
    turn = b.rotation @ a.rotation.T
    assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) == pytest.approx(40.0)
    axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    assert _apart_deg(axis, np.array([0.0, 0.0, 1.0])) < 0.1
    c = head_from_joints(10.0, 25.0, ROVER)
    turn = a.rotation.T @ c.rotation
    assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) == pytest.approx(45.0)
    axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    assert _apart_deg(axis, np.array([0.0, 1.0, 0.0])) < 1.0


@pytest.mark.parametrize("angles", [(0.0, 90.0), (0.0, -89.5), (np.nan, 0.0), (0.0, np.inf)])
def test_directions_out_of_reach_are_refused(angles: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="the mast cannot point at"):
        rover_from_rsm(*angles, ROVER)
    with pytest.raises(ValueError, match="no tilt of the mast points"):
        rover_from_rsm(0.0, 60.0, ROVER, boresight=[0.1, 1.0, 0.0])
    with pytest.raises(ValueError, match="must be finite"):
        head_from_joints(np.nan, 0.0, ROVER)


def _eye(image_id: str) -> str:
    return "NAVL" if image_id.startswith("NL") else "NAVR"


def _head_of(camera: CAHVORE, eye: str) -> np.ndarray:
    """The head's rotation (3, 3) in ROVER_NAV by which the published axes A and V fit a record's best."""
    models = published_camera(eye), camera
    a = [np.stack([m.A, np.cross(m.A, np.cross(m.V, m.A)) / np.linalg.norm(np.cross(m.V, m.A))]) for m in models]
    u, _, vt = np.linalg.svd(a[1].T @ a[0])
    return np.asarray(u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt)


def test_real_records_lie_on_the_mast(real_records: list[tuple[str, dict[str, Any], CAHVORE]]) -> None:
    """Given the azimuth and elevation of a record's own head, its roll and place follow: 0.004 degrees, 0.6 mm."""
    for image_id, _, camera in real_records:
        rotation = _head_of(camera, _eye(image_id))
        pose = rover_from_rsm(*_angles_deg(rotation[:, 0]), ROVER)
        turn = pose.rotation.T @ rotation
        roll = np.degrees(np.arctan2(turn[2, 1] - turn[1, 2], turn[1, 1] + turn[2, 2]))
        assert abs(roll) < 0.005, image_id
        moved = published_camera(_eye(image_id)).moved(pose)
        assert np.linalg.norm(moved.C - camera.C) < 0.6e-3, image_id
        assert _apart_deg(moved.A, camera.A) < 0.004, image_id


def test_mast_angles_of_real_records_give_their_cameras(
    real_records: list[tuple[str, dict[str, Any], CAHVORE]],
) -> None:
    """Only mastAz and mastEl of a record in, its camera out: 0.04 degrees for one eye, 0.003 with both eyes' mean."""
    shots: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for image_id, record, camera in real_records:
        eye = _eye(image_id)
        azimuth, elevation = (float(record["extended"][k]) for k in ("mastAz", "mastEl"))
        boresight = published_camera(eye).ray(SENSOR_CENTRE)[1]
        shots[image_id[4:19]].append(joints(azimuth, elevation, boresight))
        moved = published_camera(eye).moved(rover_from_rsm(azimuth, elevation, ROVER, boresight))
        assert np.linalg.norm(moved.C - camera.C) < 1e-3, image_id
        assert _apart_deg(moved.A, camera.A) < (0.0015 if record["sol"] < 400 else 0.04), image_id
    for image_id, _, camera in real_records:
        pan, tilt = np.mean(shots[image_id[4:19]], axis=0)
        moved = published_camera(_eye(image_id)).moved(head_from_joints(pan, tilt, ROVER))
        assert np.linalg.norm(moved.C - camera.C) < 0.6e-3, image_id
        assert _apart_deg(moved.A, camera.A) < 0.003, image_id


def test_a_label_that_states_the_heads_own_pose() -> None:
    """Sol 629, from its PDS4 label (RSM_HEAD_FRAME in ROVER_NAV): quaternion and origin."""
    stated = RigidTransform.from_quaternion(
        ROVER, RSM_HEAD, (0.563254, 0.071888, -0.0507901, 0.821582), (0.804941, 0.559508, -1.91903)
    )
    pose = rover_from_rsm(*_angles_deg(stated.rotate([1.0, 0.0, 0.0])), ROVER)
    turn = pose.rotation.T @ stated.rotation
    assert np.degrees(np.arccos(min(1.0, (np.trace(turn) - 1) / 2))) < 0.004
    assert np.linalg.norm(pose.translation - stated.translation) < 0.8e-3
