"""What the models share: the distortion polynomial and its inverse, pixel grids, and what is no camera at all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

from stereo3d.camera import CAHV, CAHVORE, CameraModel, inside, pixel_grid
from stereo3d.camera.model import field_limit, fold, undistorted
from stereo3d.frames import Frame

Maker = Callable[..., CameraModel]


def _distorted(s: np.ndarray, r: np.ndarray) -> np.ndarray:
    return np.asarray(s * (1.0 + r[0] + r[1] * s + r[2] * s * s) ** 2)


@pytest.mark.parametrize(
    ("r", "expected"),
    [
        ((0.0, 0.0, 0.0), math.inf),
        ((0.1, 0.2, 0.3), math.inf),
        ((0.0, 1.0, 0.0), math.inf),
        ((0.0, -1.0, 0.0), 1.0 / 3.0),  # 1 - 3 s
        ((-0.5, -1.0, 0.0), 1.0 / 6.0),
        ((0.0, 0.0, -0.2), 1.0),  # 1 - s^2
        ((0.0, -2.0, 1.0), 0.2),  # (1 - s) (1 - 5 s): the first of two
        ((0.0, -0.5, 1.0), math.inf),  # falls more slowly for a while, but grows throughout
        ((0.0, -1.0, 1e-18), 1.0 / 3.0),  # a quadratic that all but is none
    ],
)
def test_fold(r: tuple[float, float, float], expected: float) -> None:
    assert fold(np.array(r)) == pytest.approx(expected, rel=1e-12)


def test_field_limit_is_the_nearest_of_three_limits() -> None:
    none = np.zeros(3)
    assert field_limit(none) == pytest.approx(1e10, rel=1e-12)  # chi' = 1e5
    assert field_limit(none, 2.25) == 2.25
    assert field_limit(np.array([0.0, -1.0, 0.0]), 2.25) == pytest.approx(1.0 / 3.0)
    assert field_limit(np.array([0.0, 0.0, 1.0])) == pytest.approx(100.0, rel=0.01)  # s (s^2)^2 = 1e10


@pytest.mark.parametrize("seed", range(30))
def test_undistorted_inverts_the_polynomial_up_to_its_limit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    r = rng.normal(size=3) * [0.3, 3.0, 3.0]
    r[0] = max(r[0], -0.9)
    limit = field_limit(r)
    s = np.concatenate([[0.0], limit * rng.uniform(0, 1, 300) ** 4 * (1 - 1e-9)])
    t = _distorted(s, r)
    found = undistorted(t.copy(), r, limit)
    assert np.isfinite(found).all()
    assert (np.abs(_distorted(found, r) - t) <= 2e-14 * (1.0 + t)).all()
    assert ((found >= 0) & (found <= limit)).all()
    beyond = _distorted(np.array([limit]), r) * np.array([1.0 + 1e-12, 1.0 + 1e-9, 2.0, 1e10])
    assert np.isnan(undistorted(beyond, r, limit)).all()


def test_undistorted_where_newtons_method_alone_wanders() -> None:
    """Nearly flat in the middle (slope 0.016 of its first): Newton's steps overshoot to and fro."""
    r = np.array([0.0, -0.9, 0.494])
    assert math.isinf(fold(r))
    s = np.linspace(0.0, 5.0, 2001)
    assert np.abs(undistorted(_distorted(s, r), r, field_limit(r)) - s).max() < 1e-10


def test_pixel_grid_and_inside() -> None:
    grid = pixel_grid(5, 3)
    assert grid.shape == (3, 5, 2)
    np.testing.assert_array_equal(grid[2, 4], [4.0, 2.0])
    camera = CAHV(Frame("X"), 5, 3, np.zeros(3), [0, 0, 1], [9.0, 0, 2], [0, 9.0, 1])  # type: ignore[arg-type]
    assert inside(camera, grid).all()
    assert not inside(camera, grid - [0.01, 0.0])[:, 0].any()
    assert inside(camera, grid, margin=1.0).sum() == 3
    np.testing.assert_array_equal(
        inside(camera, np.array([[np.nan, 1], [1, np.nan], [4.0, 2.0], [4.1, 2.0]])), [0, 0, 1, 0]
    )


GOOD: dict[str, Any] = {
    "C": [1.0, 2.0, 3.0],
    "A": [0.0, 0.0, 1.0],
    "H": [500.0, 0.0, 320.0],
    "V": [0.0, 500.0, 240.0],
    "O": [0.0, 0.0, 1.0],
    "R": [0.0, 0.1, 0.0],
    "E": [0.0, 0.0, 0.0],
}


def _cahvore(**changes: Any) -> CAHVORE:
    return CAHVORE(**{"frame": Frame("X"), "width": 640, "height": 480, **GOOD, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"C": [1.0, 2.0]}, "C must be three finite numbers"),
        ({"A": [[1.0, 2.0, 3.0]]}, "A must be three finite numbers"),
        ({"H": [np.nan, 0.0, 1.0]}, "H must be three finite numbers"),
        ({"E": [np.inf, 0.0, 1.0]}, "E must be three finite numbers"),
        ({"V": [1e300, 0.0, 1.0]}, "V must be three finite numbers"),
        ({"H": [0.0, 0.0, 320.0]}, "do not span space"),
        ({"A": [0.0, 0.0, 0.0]}, "do not span space"),
        ({"width": 0}, "width must be a whole number of pixels, at least 1"),
        ({"height": 1.5}, "height must be a whole number of pixels"),
        ({"O": [0.0, 0.0, 0.0]}, "O must be a unit vector"),
        ({"O": [0.0, 0.0, 2.0]}, "O must be a unit vector"),
        ({"R": [-1.0, 0.0, 0.0]}, "the first element of R must be above -1"),
        ({"R": [-7.0, 1.0, 0.0]}, "the first element of R must be above -1"),
        ({"pupil_type": 4}, "pupil type must be 1, 2 or 3"),
        ({"linearity": 1.5}, "linearity must be within -1 and 1"),
        ({"linearity": math.nan}, "linearity must be within -1 and 1"),
    ],
)
def test_what_is_no_camera_is_refused(changes: dict[str, Any], message: str) -> None:
    assert _cahvore().width == 640
    with pytest.raises(ValueError, match=message):
        _cahvore(**changes)


def test_a_camera_is_a_value(random_camera: Maker) -> None:
    camera: Any = random_camera(1, "CAHVORE")
    with pytest.raises(FrozenInstanceError):
        camera.width = 5
    for name in "CAHVORE":
        with pytest.raises(ValueError, match="read-only"):
            getattr(camera, name)[0] = 1.0
    pixel = camera.project(camera.C + 3.0 * camera.A)
    shifted = replace(camera, H=camera.H + camera.A)
    np.testing.assert_allclose(shifted.project(camera.C + 3.0 * camera.A), pixel + np.array([1.0, 0.0]), atol=1e-9)


@pytest.mark.parametrize("pupil_type", [1, 2, 3])
def test_the_axis_itself(pupil_type: int) -> None:
    """Neither 0 / 0 on the axis nor a jump beside it: the principal point, and pixels down to 1e-12 px from it."""
    camera = _cahvore(R=[0.2, 0.1, 0.0], E=[0.01, 0.02, 0.03], pupil_type=pupil_type, linearity=-0.7)
    np.testing.assert_allclose(camera.project([1.0, 2.0, 3.0 + 5.0]), [320.0, 240.0], rtol=0, atol=1e-12)
    origin, direction = camera.ray([320.0, 240.0])
    np.testing.assert_array_equal(origin, [1.0, 2.0, 3.0])
    np.testing.assert_allclose(direction, [0.0, 0.0, 1.0], rtol=0, atol=1e-15)
    for off in (1e-12, 1e-9, 1e-6, 1e-3):
        origin, direction = camera.ray([320.0 + off, 240.0])
        assert direction[0] == pytest.approx((320.0 + off - 320.0) / 500.0 / 1.2, rel=1e-6)
        np.testing.assert_allclose(camera.project(origin + 5.0 * direction), [320.0 + off, 240.0], rtol=0, atol=1e-10)


def test_projection_worked_by_hand() -> None:
    """Point (1, 1, 1) from C: CAHV (500 * 0.5 + 320, ...), CAHVOR with r1 = 0.1, fish-eye by its angle."""
    point = [1.0 + 1.0, 2.0 + 0.0, 3.0 + 2.0]  # 1 right, 2 forward: tan = 0.5
    linear = _cahvore(R=[0.0, 0.0, 0.0], pupil_type=1)
    np.testing.assert_allclose(linear.project(point), [570.0, 240.0])
    radial = _cahvore(R=[0.0, 0.1, 0.0], pupil_type=1)  # 1 + 0.1 * 0.25
    np.testing.assert_allclose(radial.project(point), [320.0 + 500.0 * 0.5 * 1.025, 240.0])
    fisheye = _cahvore(R=[0.0, 0.0, 0.0], pupil_type=2)
    np.testing.assert_allclose(fisheye.project(point), [320.0 + 500.0 * math.atan(0.5), 240.0])
    general = _cahvore(R=[0.0, 0.0, 0.0], pupil_type=3, linearity=-0.5)
    np.testing.assert_allclose(general.project(point), [320.0 + 500.0 * math.sin(0.5 * math.atan(0.5)) / 0.5, 240.0])
    half = _cahvore(R=[0.0, 0.0, 0.0], pupil_type=3, linearity=0.5)
    np.testing.assert_allclose(half.project(point), [320.0 + 500.0 * math.tan(0.5 * math.atan(0.5)) / 0.5, 240.0])
    # The pupil of theta = 1 rad stands (1 / sin 1 - 1) * 0.01 m further along O.
    moving = _cahvore(R=[0.0, 0.0, 0.0], E=[0.01, 0.0, 0.0], pupil_type=2)
    origin, direction = moving.ray([320.0 + 500.0, 240.0])
    np.testing.assert_allclose(origin, [1.0, 2.0, 3.0 + 0.01 * (1.0 / math.sin(1.0) - 1.0)])
    np.testing.assert_allclose(direction, [math.sin(1.0), 0.0, math.cos(1.0)])
