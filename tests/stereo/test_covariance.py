"""Covariance of XYZ: what scattering the match really does to the point."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.stereo.covariance import xyz_covariance
from stereo3d.stereo.triangulate import intersect

PIXELS = np.array([[120, 250], [256, 300], [400, 200], [300, 360]])


def test_it_is_the_scatter_of_scattered_matches(floor):
    result = floor.result
    covariance = xyz_covariance(result.pair, result.matches, result.xyz, PIXELS)
    rng = np.random.default_rng(3)
    for (column, row), found in zip(PIXELS, covariance, strict=True):
        assert result.xyz.measured[row, column]
        left, right = result.pair.left.camera, result.pair.right.camera
        start, towards = left.ray([column, row])
        match = result.matches.right[row, column].astype(float)
        ahead = match + np.array([[-0.5, 0.0], [0.5, 0.0]])
        near, far = (np.linalg.norm(intersect(start, towards, *right.ray(m))[0] - left.C) for m in ahead)
        sigma_px = float(result.xyz.noise_range_m[row, column]) / abs(far - near)
        scattered = match + rng.normal(0, sigma_px, (20_000, 2))
        points = intersect(start, towards, *right.ray(scattered))[0]
        steady = result.xyz.sigma_range_m[row, column] ** 2 - result.xyz.noise_range_m[row, column] ** 2
        expected = np.cov(points.T) + steady * np.outer(towards, towards)
        assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


def test_along_the_ray_it_is_the_range_sigma(floor):
    result = floor.result
    covariance = xyz_covariance(result.pair, result.matches, result.xyz, PIXELS)
    _, directions = result.pair.left.camera.ray(PIXELS)
    along = np.sqrt(np.einsum("ni,nij,nj->n", directions, covariance, directions))
    assert along == pytest.approx(result.xyz.sigma_range_m[PIXELS[:, 1], PIXELS[:, 0]], rel=0.03)
    assert (np.linalg.eigvalsh(covariance) > -1e-12).all()


def test_holes_have_none_and_any_shape_goes(floor):
    result = floor.result
    grid = np.stack(np.meshgrid(np.arange(0, 512, 64), np.arange(0, 384, 64)), axis=-1)
    covariance = xyz_covariance(result.pair, result.matches, result.xyz, grid)
    assert covariance.shape == (6, 8, 3, 3)
    measured = result.xyz.measured[grid[..., 1], grid[..., 0]]
    assert np.array_equal(np.isfinite(covariance).all(axis=(-1, -2)), measured)
    assert not measured.all()


def test_outside_is_refused_and_a_lone_sigma_is_all_noise(floor):
    result = floor.result
    with pytest.raises(IndexError):
        xyz_covariance(result.pair, result.matches, result.xyz, [512, 0])
    alone = replace(result.xyz, noise_range_m=None)
    wide = xyz_covariance(result.pair, result.matches, alone, PIXELS[1])
    narrow = xyz_covariance(result.pair, result.matches, result.xyz, PIXELS[1])
    assert np.trace(wide) >= np.trace(narrow)
