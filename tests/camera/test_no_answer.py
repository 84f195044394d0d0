"""Where a model has no answer it says NaN, and never a wrong number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stereo3d.camera import CAHVORE, CameraModel, inside
from stereo3d.camera.published import published_camera, published_names

Maker = Callable[..., CameraModel]
ALL = pytest.mark.parametrize("name", published_names())


def _unit(camera: Any) -> Any:
    """The camera with an O of length one, so that its two directions agree to rounding."""
    return replace(camera, O=camera.O / np.linalg.norm(camera.O)) if hasattr(camera, "O") else camera


def _sphere(seed: int, n: int = 2000) -> np.ndarray:
    d = np.random.default_rng(seed).normal(size=(n, 3))
    return np.asarray(d / np.linalg.norm(d, axis=1)[:, None])


def _angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1))


@ALL
def test_points_behind_beside_and_at_the_camera_have_no_pixel(name: str) -> None:
    camera = published_camera(name)
    d = _sphere(1)
    for r in (0.5, 10.0, 1000.0):
        behind = d[d @ camera.A < -0.02 - 0.1 / r]  # at a right angle NAVL's pupil stands 0.07 m behind C
        assert np.isnan(camera.project(camera.C + r * behind)).all()
        assert np.isnan(camera.project(camera.C - r * camera.A)).all()
    across = np.cross(camera.A, d)
    if not isinstance(camera, CAHVORE):
        across -= np.outer(across @ camera.A, camera.A) / (camera.A @ camera.A)  # in the image plane to the last bit
        across -= 1e-12 * camera.A
        assert np.isnan(camera.project(camera.C + across)).all()
    assert np.isnan(camera.project(camera.C)).all()


@ALL
def test_points_far_outside_the_field_never_land_in_the_frame(name: str) -> None:
    """The distortion polynomial would fold them back into it."""
    camera = _unit(published_camera(name))
    corners = np.array([[x, y] for x in (-0.5, camera.width - 0.5) for y in (-0.5, camera.height - 0.5)])
    axis = getattr(camera, "O", camera.A)
    widest = _angle(camera.ray(corners)[1], axis).max()
    d = _sphere(2, 20_000)
    outside = d[_angle(d, axis) > widest + 0.02]  # the pupil's shift turns a ray by less than that at 10 m
    assert len(outside) > 5000
    pixels = camera.project(camera.C + 10.0 * outside)
    assert not inside(camera, pixels).any()
    # Nor do the pixels far outside the frame give rays that enter it.
    far = corners.mean(axis=0) + np.outer(np.linspace(1.0, 200.0, 50), [1.0, 0.7]) * camera.width
    directions = camera.ray(far)[1]
    assert not (_angle(directions, axis) < widest - 0.2).any()


@pytest.mark.parametrize("kind", ["CAHV", "CAHVOR", "CAHVORE"])
def test_nan_and_infinity_in_are_nan_out(random_camera: Maker, kind: str) -> None:
    camera = random_camera(5, kind)
    good = camera.C + 3.0 * camera.A
    for bad in (np.nan, np.inf, -np.inf):
        for axis in range(3):
            points = np.stack([good, good])
            points[1, axis] = bad
            pixels = camera.project(points)
            assert np.isfinite(pixels[0]).all()
            assert np.isnan(pixels[1]).all()
        for axis in range(2):
            pixels = np.full((2, 2), 100.0)
            pixels[1, axis] = bad
            origins, directions = camera.ray(pixels)
            assert np.isfinite(origins[0]).all()
            assert np.isfinite(directions[0]).all()
            assert np.isnan(origins[1]).all()
            assert np.isnan(directions[1]).all()
    for huge in (1e160, 1e300):
        assert not np.isinf(camera.project(camera.C + huge * camera.A)).any()
        assert not np.isinf(camera.ray([huge, -huge])[1]).any()


def test_one_bad_point_spoils_no_other(random_camera: Maker) -> None:
    """Newton's method stops for a whole chunk at once: its neighbours must not decide about a point."""
    for pupil in (1, 2, 3):
        camera = random_camera(11, "CAHVORE", pupil, hard=True)
        rng = np.random.default_rng(pupil)
        pixels = rng.uniform(0, 1, (500, 2)) * [camera.width, camera.height]
        alone = [np.array([camera.ray(p)[i] for p in pixels]) for i in (0, 1)]
        spoiled = pixels.copy()
        spoiled[::3] = [[1e9, np.nan], [np.inf, 0.0], [1e30, -1e30]][pupil - 1]
        keep = np.arange(500) % 3 != 0
        for together, single in zip(camera.ray(spoiled), alone, strict=True):
            np.testing.assert_allclose(together[keep], single[keep], rtol=0, atol=1e-12)
        points = alone[0] + 2.0 * alone[1]
        single_pixels = np.array([camera.project(p) for p in points])
        near = points.copy()
        near[::3] = camera.C + 1e-3 * _sphere(pupil, len(near[::3]))
        np.testing.assert_allclose(camera.project(near)[keep], single_pixels[keep], rtol=0, atol=1e-8)


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["CAHVOR", "CAHVORE", "CAHVORE"]),
    pupil=st.sampled_from([1, 2, 3]),
    range_m=st.sampled_from([1e-4, 1e-3, 5e-3, 0.02, 0.1, 1.0, 30.0, 1000.0]),
)
@example(seed=54, kind="CAHVORE", pupil=1, range_m=30.0)  # found: next to a right angle a growing polynomial leaves
@example(seed=326, kind="CAHVOR", pupil=1, range_m=30.0)  # no digits in the pixel
def test_a_pixel_that_is_given_is_right(random_camera: Maker, seed: int, kind: str, pupil: int, range_m: float) -> None:
    """Wherever project is finite, the ray of that pixel passes through the point, and points at it.

    Distortions and pupils here are wilder than any lens's, and points lie as near as 0.1 mm.
    """
    camera = random_camera(seed, kind, pupil, hard=True)
    points = camera.C + range_m * _sphere(seed, 300)
    pixels = camera.project(points)
    seen = np.isfinite(pixels).all(axis=1)
    np.testing.assert_array_equal(seen, np.isfinite(pixels).any(axis=1))
    points, pixels = points[seen], pixels[seen]
    origins, directions = camera.ray(pixels)
    to_point = points - origins
    along = np.einsum("ij,ij->i", to_point, directions)
    miss = np.linalg.norm(to_point - along[:, None] * directions, axis=1)
    assert (miss < 1e-6 * (np.linalg.norm(to_point, axis=1) + 0.1)).all()
    assert (along > -1e-7).all()


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["CAHVOR", "CAHVORE", "CAHVORE"]),
    pupil=st.sampled_from([1, 2, 3]),
)
def test_a_ray_that_is_given_is_right(random_camera: Maker, seed: int, kind: str, pupil: int) -> None:
    """Wherever ray is finite, project of the points along it gives the pixel back, from 1 m on."""
    camera = random_camera(seed, kind, pupil, hard=True)
    rng = np.random.default_rng(seed)
    pixels = rng.normal(size=(300, 2)) * [camera.width, camera.height] + [camera.width / 2, camera.height / 2]
    origins, directions = camera.ray(pixels)
    seen = np.isfinite(directions[:, 0])
    np.testing.assert_array_equal(seen, np.isfinite(origins).all(axis=1))
    for range_m in (1.0, 30.0, 1000.0):
        back = camera.project(origins[seen] + range_m * directions[seen])
        known = np.isfinite(back[:, 0])
        error = np.abs(back[known] - pixels[seen][known]).max(axis=1)
        assert (error < 1e-6 * (1.0 + np.abs(pixels[seen][known]).max(axis=1) / camera.width)).all()
        assert known.mean() > 0.99
