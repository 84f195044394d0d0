"""Rigid transforms: quaternions by hand, composition, inverse, and frames that do not match."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stereo3d.errors import FrameMismatchError
from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform, locked

A, B, C = Frame("A"), Frame("B"), Frame("C")
HALF = math.sqrt(0.5)


def _random(to: Frame, source: Frame, seed: int) -> RigidTransform:
    rng = np.random.default_rng(seed)
    q = rng.normal(size=4)
    return RigidTransform.from_quaternion(to, source, q / np.linalg.norm(q), rng.normal(size=3) * 100.0)


@pytest.mark.parametrize(
    ("quaternion", "vector", "expected"),
    [
        ((1.0, 0.0, 0.0, 0.0), (1.0, 2.0, 3.0), (1.0, 2.0, 3.0)),
        ((HALF, HALF, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),  # 90 degrees about X: Y to Z
        ((HALF, 0.0, HALF, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),  # about Y: Z to X
        ((HALF, 0.0, 0.0, HALF), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),  # about Z: X to Y
        ((0.0, 0.0, 0.0, 1.0), (1.0, 2.0, 3.0), (-1.0, -2.0, 3.0)),  # 180 degrees about Z
        ((0.5, 0.5, 0.5, 0.5), (1.0, 2.0, 3.0), (3.0, 1.0, 2.0)),  # 120 degrees about (1, 1, 1)
    ],
)
def test_quaternions_are_scalar_first_and_turn_right_handed(
    quaternion: tuple[float, ...], vector: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    for sign in (1.0, -1.0):
        turn = RigidTransform.from_quaternion(A, B, sign * np.array(quaternion))
        np.testing.assert_allclose(turn.apply(vector), expected, atol=1e-15)


def test_a_rover_facing_east_has_its_forward_axis_east() -> None:
    """Z is down, so a positive turn about it is clockwise seen from above: north to east."""
    east = (HALF, 0.0, 0.0, HALF)
    site_from_rover = RigidTransform.from_quaternion(Frame.site(3), Frame.rover(3, 40), east, (10.0, 20.0, -1.0))
    np.testing.assert_allclose(site_from_rover.apply([5.0, 0.0, 0.0]), [10.0, 25.0, -1.0])  # north, east, down
    np.testing.assert_allclose(site_from_rover.apply([0.0, 2.0, 0.0]), [8.0, 20.0, -1.0])  # right is south
    np.testing.assert_allclose(site_from_rover.rotate([5.0, 0.0, 0.0]), [0.0, 5.0, 0.0], atol=1e-14)


def test_published_quaternions_are_rounded_and_are_normalised() -> None:
    turn = RigidTransform.from_quaternion(A, B, (0.720617, -0.0291038, 0.0743468, -0.688721))
    np.testing.assert_allclose(turn.rotation @ turn.rotation.T, np.eye(3), atol=1e-15)


@pytest.mark.parametrize(
    "bad",
    [(1.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0), (1.02, 0.0, 0.0, 0.0), (np.nan, 0.0, 0.0, 1.0), (np.inf, 0.0, 0.0, 0.0)],
)
def test_what_is_no_unit_quaternion_is_refused(bad: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="not a unit quaternion"):
        RigidTransform.from_quaternion(A, B, bad)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_composition_and_inverse(seed: int) -> None:
    a_from_b, b_from_c = _random(A, B, seed), _random(B, C, seed + 1)
    points = np.random.default_rng(seed).normal(size=(4, 5, 3)) * 10.0
    a_from_c = a_from_b @ b_from_c
    assert (a_from_c.to, a_from_c.source) == (A, C)
    np.testing.assert_allclose(a_from_c.apply(points), a_from_b.apply(b_from_c.apply(points)), atol=1e-11)
    back = a_from_b.inverse()
    assert (back.to, back.source) == (B, A)
    np.testing.assert_allclose(back.apply(a_from_b.apply(points)), points, atol=1e-11)
    np.testing.assert_allclose((a_from_b @ back).rotation, np.eye(3), atol=1e-14)
    np.testing.assert_allclose((a_from_b @ back).translation, 0.0, atol=1e-12)
    differences = a_from_b.apply(points) - a_from_b.apply(np.zeros(3))
    np.testing.assert_allclose(a_from_b.rotate(points), differences, atol=1e-11)
    np.testing.assert_allclose(np.linalg.norm(differences, axis=-1), np.linalg.norm(points, axis=-1))


def test_frames_that_do_not_match_are_refused() -> None:
    with pytest.raises(FrameMismatchError, match=r"cannot join a transform from B with one to C"):
        RigidTransform(A, B) @ RigidTransform(C, B)
    with pytest.raises(FrameMismatchError, match=r"ROVER_NAV\(3, 40\) with one to ROVER_NAV\(3, 41\)"):
        RigidTransform(Frame.site(3), Frame.rover(3, 40)) @ RigidTransform(Frame.rover(3, 41), A)
    assert Frame.rover(3, 40) == Frame.rover(3, 40)
    assert len({Frame.rover(3, 40), Frame.site(3), Frame.local_level(3, 40), Frame.enu(3, 40)}) == 4


def test_nan_stays_nan_and_touches_no_other_point() -> None:
    points = np.array([[1.0, 2.0, 3.0], [np.nan, 0.0, 0.0]])
    moved = _random(A, B, 5).apply(points)
    assert np.isfinite(moved[0]).all()
    assert np.isnan(moved[1]).all()


@pytest.mark.parametrize(
    "rotation", [np.eye(3) * 1.001, np.diag([1.0, 1.0, -1.0]), np.eye(4), np.full((3, 3), np.nan), np.zeros((3, 3))]
)
def test_what_is_no_rotation_is_refused(rotation: np.ndarray) -> None:
    with pytest.raises(ValueError, match="rotation"):
        RigidTransform(A, B, rotation)


def test_enu_is_ned_with_axes_exchanged() -> None:
    np.testing.assert_array_equal(ENU_FROM_NED @ [1.0, 2.0, 3.0], [2.0, 1.0, -3.0])
    assert np.linalg.det(ENU_FROM_NED) == pytest.approx(1.0)
    np.testing.assert_array_equal(ENU_FROM_NED @ ENU_FROM_NED, np.eye(3))


def test_values_are_locked() -> None:
    transform = RigidTransform(A, B)
    with pytest.raises(ValueError, match="read-only"):
        transform.rotation[0, 0] = 2.0
    with pytest.raises(ValueError, match="read-only"):
        transform.translation[0] = 2.0
    mine = np.arange(6.0)
    view, copy = locked(mine), locked(mine, np.float32)
    assert mine.flags.writeable  # the caller's own name for it is not locked behind his back
    assert not view.flags.writeable
    assert not copy.flags.writeable
    assert np.shares_memory(view, mine)
    assert not np.shares_memory(copy, mine)
    assert locked(mine.reshape(2, 3).T).flags.c_contiguous
    assert locked(view) is view


def test_quaternion_of_a_rotation_gives_it_back():
    rng = np.random.default_rng(4)
    asked = [*rng.normal(size=(50, 4)), [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [1e-9, 0.6, 0.8, 0]]
    for q in asked:
        q = np.asarray(q, dtype=float) / np.linalg.norm(q)
        turned = RigidTransform.from_quaternion(Frame.site(1), Frame.rover(1, 2), q)
        assert np.abs(turned.quaternion @ q) == pytest.approx(1.0, abs=1e-12)
        assert turned.quaternion[0] >= 0.0
