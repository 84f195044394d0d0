"""Coarse to fine: reducing and enlarging are exact, and a large frame comes out as well as a small one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.image import Image
from stereo3d.pipeline import reconstruct
from stereo3d.scene import Scene
from stereo3d.stereo import levels
from stereo3d.stereo.disparity import Reason
from stereo3d.stereo.levels import enlarged, enlarged_reasons, reduced, reduction, sizes, with_right_camera
from stereo3d.stereo.score import evaluate_xyz


def test_only_large_frames_are_reduced(floor):
    assert reduction(floor.pair) == 1
    assert reduced(floor.pair, 1) is floor.pair


@pytest.mark.parametrize(("columns", "factor"), [(1288, 1), (1600, 1), (2560, 2), (5120, 4)])
def test_the_matcher_sees_at_most_1600_columns(floor, columns, factor):
    left = floor.pair.left
    camera = left.camera.crop(0, 0, columns, 64)
    wide = replace(left, camera=camera, image=Image(np.zeros((64, columns), np.uint8), np.ones((64, columns), bool)))
    right = replace(floor.pair.right, camera=camera, image=wide.image)
    assert reduction(type(floor.pair)(wide, right)) == factor


def test_a_reduced_pair_keeps_directions_and_means(floor):
    small = reduced(floor.pair, 2).left
    camera = floor.pair.left.camera
    assert np.allclose(small.camera.ray([10.0, 20.0])[1], camera.ray([20.5, 40.5])[1], atol=1e-12)
    block = np.asarray(floor.pair.left.image.pixels[40:42, 20:22], dtype=float).mean(axis=(0, 1))
    assert np.abs(small.image.pixels[20, 10] - block).max() <= 0.51


def test_each_size_is_that_of_the_pair_itself_and_keeps_its_pixels_when_the_right_camera_changes(floor):
    pairs = sizes(floor.pair, 4)
    assert sorted(pairs) == [1, 2, 4]
    assert pairs[1] is floor.pair
    assert np.array_equal(pairs[4].left.image.pixels, reduced(floor.pair, 4).left.image.pixels)
    camera = floor.pair.right.camera.row_scaled(1.01)
    turned = with_right_camera(pairs, camera)
    for size, pair in turned.items():
        assert pair.left is pairs[size].left
        assert pair.right.image is pairs[size].right.image
        at = np.array([7.0, 9.0])
        full = (at + 0.5) * size - 0.5
        assert np.allclose(pair.right.camera.ray(at)[1], camera.ray(full)[1], atol=1e-12)


def test_a_hole_stays_a_hole_when_reduced(floor):
    valid = np.ones(floor.pair.left.image.valid.shape, dtype=bool)
    valid[41, 21] = False
    left = replace(floor.pair.left, image=Image(floor.pair.left.image.pixels, valid))
    small = reduced(type(floor.pair)(left, floor.pair.right), 2).left.image.valid
    assert not small[20, 10]
    assert small.sum() == small.size - 1


def test_enlarging_undoes_binning(floor):
    camera = floor.result.rectified.left_camera
    even = camera.crop(0, 0, camera.width // 4 * 4, camera.height // 4 * 4)
    again = enlarged(even.binned(4), 4)
    assert (again.width, again.height) == (even.width, even.height)
    assert np.allclose(again.H, even.H, rtol=1e-12)
    assert np.allclose(again.V, even.V, rtol=1e-12)


def test_reasons_grow_with_the_image():
    reasons = np.zeros((3, 4), dtype=np.uint16)
    reasons[1, 2] = Reason.SKY
    large = enlarged_reasons(reasons, (7, 9))
    assert large.shape == (7, 9)
    assert (large[2:4, 4:6] == Reason.SKY).all()
    assert (large != 0).sum() == 4


def test_a_frame_matched_at_half_size_is_as_good(floor, monkeypatch):
    """The same pair by way of its half size: refinement at full size must make up for it."""
    monkeypatch.setattr(levels, "_MATCHED_COLUMNS", 300)
    result = reconstruct(Scene("by half", (floor.pair.left, floor.pair.right), simulated=True))
    assert result.rectified.left.shape[1] < 0.6 * floor.result.rectified.left.shape[1]
    cameras = floor.pair.left.camera, floor.pair.right.camera
    whole = evaluate_xyz(floor.result.xyz.xyz, floor.truth, *cameras).overall
    by_half = evaluate_xyz(result.xyz.xyz, floor.truth, *cameras).overall
    assert by_half.median_px < 1.15 * whole.median_px
    assert by_half.filled > whole.filled - 0.03
    assert by_half.bad_1 < 0.02


def test_a_large_map_gives_a_mesh_in_its_own_pixels(floor):
    from stereo3d.terrain.mesh import MeshSettings, build_mesh

    xyz = floor.result.xyz
    mesh = build_mesh(xyz, floor.pair.left.camera.C, MeshSettings(most_pixels=xyz.reason.size // 4))
    assert mesh.pixels.max() > 0.9 * xyz.reason.shape[1]
    column, row = np.rint(mesh.pixels).astype(int).T
    assert ((column - 1) % 2 == 0).all()
    near = xyz.range_m[row, column] < 6
    distance = np.linalg.norm(mesh.vertices - xyz.xyz[row, column], axis=1)[near]
    assert np.median(distance) < 0.02
