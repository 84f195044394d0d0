"""What must hold for any camera: the three models agree where they overlap, and operations commute with projecting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stereo3d.camera import CAHV, CAHVOR, CAHVORE, CameraModel, pixel_grid
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Frame, RigidTransform

Maker = Callable[..., CameraModel]
SEEDS = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from(["CAHV", "CAHVOR", "CAHVORE"])
PUPILS = st.sampled_from([1, 2, 3])
quick = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _points(camera: CameraModel, seed: int, n: int = 200) -> np.ndarray:
    """Points (n, 3) all around the camera, 0.5 to 500 m off, most of them before it."""
    rng = np.random.default_rng(seed)
    d = rng.normal(size=(n, 3)) + 1.5 * camera.A
    return camera.C + d / np.linalg.norm(d, axis=1)[:, None] * np.exp(rng.uniform(np.log(0.5), np.log(500.0), (n, 1)))


def _same(a: np.ndarray, b: np.ndarray, tolerance: float) -> None:
    """Equal to a tolerance relative to 1 + |b|, and NaN in the same places."""
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    seen = np.isfinite(b)
    assert seen.any()
    assert (np.abs(a[seen] - b[seen]) / (1.0 + np.abs(b[seen]))).max() < tolerance


@quick
@given(SEEDS, KINDS, PUPILS)
def test_project_after_ray_is_identity(random_camera: Maker, seed: int, kind: str, pupil: int) -> None:
    camera = random_camera(seed, kind, pupil)
    rng = np.random.default_rng(seed)
    pixels = rng.uniform(-0.5, 0.5, (200, 2)) * [camera.width, camera.height] * 1.5
    pixels += np.array([camera.width, camera.height]) / 2
    origins, directions = camera.ray(pixels)
    # Within a pixel of the field's very edge a rounding error may push the point out of it.
    outwards = pixels - camera.project(camera.C + camera.A)
    outwards /= np.linalg.norm(outwards, axis=1)[:, None]
    seen = np.isfinite(directions[:, 0]) & np.isfinite(camera.ray(pixels + outwards)[1][:, 0])
    back = camera.project(origins[seen] + rng.uniform(1.0, 100.0, (int(seen.sum()), 1)) * directions[seen])
    assert np.abs(back - pixels[seen]).max() < 1e-6


@quick
@given(SEEDS)
def test_cahvore_with_fixed_pupil_and_perspective_is_cahvor(random_camera: Maker, seed: int) -> None:
    cahvor: Any = random_camera(seed, "CAHVOR")
    linear = [getattr(cahvor, n) for n in ("frame", "width", "height", "C", "A", "H", "V", "O", "R")]
    points = _points(cahvor, seed)
    grid = pixel_grid(cahvor.width, cahvor.height)[::97, ::97]
    for pupil, linearity in ((1, 0.3), (3, 1.0)):
        cahvore = CAHVORE(*linear, np.zeros(3), pupil, linearity)
        _same(cahvore.project(points), cahvor.project(points), 1e-9)
        for a, b in zip(cahvore.ray(grid), cahvor.ray(grid), strict=True):
            _same(a, b, 1e-12)


@quick
@given(SEEDS)
def test_cahvor_without_distortion_is_cahv(random_camera: Maker, seed: int) -> None:
    cahvor: Any = replace(random_camera(seed, "CAHVOR"), R=np.zeros(3))  # type: ignore[type-var]
    cahv = CAHV(*(getattr(cahvor, n) for n in ("frame", "width", "height", "C", "A", "H", "V")))
    # CAHVOR sees nothing at a right angle to O, CAHV nothing at a right angle to A: stay off both.
    points = _points(cahv, seed)
    points = points[((points - cahv.C) @ cahv.A > 0.05) == ((points - cahv.C) @ cahvor.O > 0.05)]
    points = points[np.abs((points - cahv.C) @ cahv.A) > 0.05]
    _same(cahvor.project(points), cahv.project(points), 1e-9)
    grid = pixel_grid(cahv.width, cahv.height)[::97, ::97]
    for a, b in zip(cahvor.ray(grid), cahv.ray(grid), strict=True):
        _same(a, b, 1e-12)


@quick
@given(SEEDS, KINDS, PUPILS)
def test_a_moved_camera_sees_moved_points_alike(random_camera: Maker, seed: int, kind: str, pupil: int) -> None:
    camera = random_camera(seed, kind, pupil)
    rng = np.random.default_rng(seed)
    q = rng.normal(size=4)
    there_from_here = RigidTransform.from_quaternion(
        Frame("THERE"), camera.frame, q / np.linalg.norm(q), rng.normal(size=3) * 50.0
    )
    points = _points(camera, seed)
    moved = camera.moved(there_from_here)
    assert moved.frame == Frame("THERE")
    _same(moved.project(there_from_here.apply(points)), camera.project(points), 1e-7)
    pixels = pixel_grid(camera.width, camera.height)[::97, ::97]
    origins, directions = camera.ray(pixels)
    moved_origins, moved_directions = moved.ray(pixels)
    _same(moved_origins, there_from_here.apply(origins), 1e-12)
    _same(moved_directions, there_from_here.rotate(directions), 1e-12)


def test_a_transform_from_another_frame_is_refused(random_camera: Maker) -> None:
    with pytest.raises(FrameMismatchError, match="the camera is in TEST, the transform starts in OTHER"):
        random_camera(1, "CAHV").moved(RigidTransform(Frame("THERE"), Frame("OTHER")))


@quick
@given(SEEDS, KINDS, PUPILS, st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 6))
def test_cropping_and_binning_shift_and_scale_the_pixels(
    random_camera: Maker, seed: int, kind: str, pupil: int, left: int, top: int, factor: int
) -> None:
    camera = random_camera(seed, kind, pupil)
    points = _points(camera, seed)
    pixels = camera.project(points)
    crop = camera.crop(left, top, 100, 64)
    assert (crop.width, crop.height) == (100, 64)
    _same(crop.project(points), pixels - [left, top], 1e-9)
    binned = camera.binned(factor)
    assert (binned.width, binned.height) == (camera.width // factor, camera.height // factor)
    _same(binned.project(points), (pixels - (factor - 1) / 2.0) / factor, 1e-9)
    # The two in a row: the crop's own pixels are binned.
    _same(crop.binned(factor).project(points), (pixels - [left, top] - (factor - 1) / 2.0) / factor, 1e-9)
    # The first binned pixel is the mean of the pixels in its block.
    block = pixel_grid(factor, factor).reshape(-1, 2)
    corner = camera.ray(block.mean(axis=0))
    for a, b in zip(binned.ray(np.zeros(2)), corner, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize("kind", ["CAHV", "CAHVOR", "CAHVORE"])
def test_scaling_the_rows_moves_rows_about_the_principal_one_and_no_column(random_camera: Maker, kind: str) -> None:
    camera = random_camera(4, kind)
    pixels = pixel_grid(camera.width, camera.height)[::40, ::40]
    origins, directions = camera.ray(pixels)
    found = camera.row_scaled(1.01).project(origins + 7.0 * directions)
    # The row that the image plane's normal meets, which no scale moves: of the linear part alone.
    principal = CAHV(camera.frame, camera.width, camera.height, camera.C, camera.A, camera.H, camera.V)
    row = principal.project(camera.C + camera.A)[1]
    _same(found[..., 0], pixels[..., 0], 1e-9)
    _same(found[..., 1], row + 1.01 * (pixels[..., 1] - row), 1e-9)


@pytest.mark.parametrize("factor", [0, -1, 10_000])
def test_impossible_binning_is_refused(random_camera: Maker, factor: int) -> None:
    with pytest.raises(ValueError, match="cannot bin"):
        random_camera(1, "CAHV").binned(factor)


@pytest.mark.parametrize("kind", ["CAHV", "CAHVOR", "CAHVORE"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 5), (3, 0, 2), (20_000,)])
def test_any_leading_shape_gives_what_single_points_give(
    random_camera: Maker, kind: str, shape: tuple[int, ...]
) -> None:
    camera = random_camera(7, kind, 3)
    rng = np.random.default_rng(7)
    pixels = rng.uniform(0, 1, (*shape, 2)) * [camera.width, camera.height]
    origins, directions = camera.ray(pixels)
    assert origins.shape == directions.shape == (*shape, 3)
    points = origins + 7.0 * directions
    projected = camera.project(points)
    assert projected.shape == (*shape, 2)
    for index in list(np.ndindex(*shape))[:: max(1, int(np.prod(shape)) // 50)]:
        np.testing.assert_allclose(camera.project(points[index]), projected[index], rtol=0, atol=1e-9)
        origin, direction = camera.ray(pixels[index])
        np.testing.assert_allclose(origin, origins[index], rtol=0, atol=1e-14)
        np.testing.assert_allclose(direction, directions[index], rtol=0, atol=1e-14)


def test_arguments_are_not_written_to_and_may_be_lists_or_views(random_camera: Maker) -> None:
    for kind in ("CAHV", "CAHVOR", "CAHVORE"):
        camera = random_camera(3, kind)
        pixels = np.asfortranarray(pixel_grid(camera.width, camera.height)[::50, ::70].astype(np.float64))
        points = camera.ray(pixels)[0] + 3.0 * camera.ray(pixels)[1]
        pixels.flags.writeable = points.flags.writeable = False
        np.testing.assert_allclose(camera.project(points[::2, ::-1]), pixels[::2, ::-1], atol=1e-6)
        np.testing.assert_array_equal(camera.ray([10, 20])[1], camera.ray(np.array([10.0, 20.0]))[1])


@pytest.mark.parametrize("kind", [CAHV, CAHVOR, CAHVORE])
def test_a_wrong_last_axis_is_refused(random_camera: Maker, kind: type) -> None:
    camera = random_camera(1, kind.__name__)
    with pytest.raises(ValueError, match="the last axis must have 3 elements"):
        camera.project(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="the last axis must have 2 elements"):
        camera.ray(5.0)
