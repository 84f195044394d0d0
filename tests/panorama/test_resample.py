"""Frames land on the canvas where their rays meet the world."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from stereo3d.image import Image
from stereo3d.observation import Eye
from stereo3d.panorama.eye_path import EyePath, fit_eye_paths
from stereo3d.panorama.layer import Layer
from stereo3d.panorama.projection import Cylindrical, Perspective, Vertical
from stereo3d.panorama.resample import Canvas, footprint, make_source
from stereo3d.panorama.surface import Plane
from stereo3d.scene import Scene


@pytest.fixture(scope="module")
def path(painted_ring: Scene) -> EyePath:
    return fit_eye_paths(painted_ring.observations)[Eye.LEFT]


@pytest.fixture(scope="module")
def plane(painted_world) -> Plane:
    return Plane(painted_world.normal)


def shift_px(picture: np.ndarray, truth: np.ndarray, valid: np.ndarray, size: int = 48) -> np.ndarray:
    """(n, 2) shifts between windows of two pictures that differ in gain only."""
    window = cv2.createHanningWindow((size, size), cv2.CV_64F)
    out = []
    for top in range(0, picture.shape[0] - size, size // 2):
        for left in range(0, picture.shape[1] - size, size // 2):
            part = slice(top, top + size), slice(left, left + size)
            if valid[part].all() and truth[part].std() > 6.0:
                a, b = (p[part].astype(np.float64) for p in (picture, truth))
                out.append(cv2.phaseCorrelate(a - a.mean(), b - b.mean(), window)[0])
    return np.array(out)


@pytest.mark.parametrize("kind", ["cylindrical", "perspective", "vertical"])
def test_a_frame_shows_what_the_canvas_rays_see(kind: str, painted_ring: Scene, painted_world, path, plane) -> None:
    observation = painted_ring.observations[1]
    canvas = {
        "cylindrical": Cylindrical(painted_world.frame, 600, 400, path, 90.0, 4.0, 60.0),
        "perspective": Perspective(painted_world.frame, 500, 400, path, 140.0, -25.0, 240.0),
        "vertical": Vertical(painted_world.frame, 500, 500, path, 0.016, -3.0, 3.0),
    }[kind]
    (layer,) = Canvas(canvas, plane).layers(make_source(observation, plane))
    x, y = np.meshgrid(layer.column + np.arange(layer.width), layer.row + np.arange(layer.height))
    truth = painted_world.shown(*canvas.rays(np.stack([x, y], axis=-1)))
    shifts = shift_px(layer.pixels, truth, layer.valid)
    assert len(shifts) > 10
    assert np.abs(np.median(shifts, axis=0)).max() < 0.1
    assert np.percentile(np.linalg.norm(shifts, axis=1), 75) < 0.3


def test_a_wrong_plane_would_show(painted_ring: Scene, painted_world, path) -> None:
    level = painted_ring.observations[0].level_from_rover
    canvas = Cylindrical(painted_world.frame, 600, 400, path, 90.0, 4.0, 60.0)
    wheels = Plane.of_wheels(level)
    (layer,) = Canvas(canvas, wheels).layers(make_source(painted_ring.observations[1], wheels))
    x, y = np.meshgrid(layer.column + np.arange(layer.width), layer.row + np.arange(layer.height))
    truth = painted_world.shown(*canvas.rays(np.stack([x, y], axis=-1)))
    shifts = shift_px(layer.pixels, truth, layer.valid)
    assert np.percentile(np.linalg.norm(shifts, axis=1), 75) > 0.6


def test_a_frame_across_the_cut_makes_two_layers_of_one_whole(painted_ring: Scene, painted_world, path, plane) -> None:
    source = make_source(painted_ring.observations[2], plane)
    whole = Cylindrical(painted_world.frame, 1440, 400, path, 0.0, 4.0, 60.0)
    (middle,) = Canvas(whole, plane).layers(source)
    cut = middle.column + middle.width // 2
    left, right = sorted(
        Canvas(replace(whole, start_azimuth_deg=cut / 4.0), plane).layers(source), key=lambda layer: layer.column
    )
    assert left.column == 0
    assert right.column + right.width == 1440
    joined = np.concatenate([right.valid.sum(axis=0), left.valid.sum(axis=0)])
    assert abs(int(joined.sum()) - int(middle.valid.sum())) < 0.002 * middle.valid.sum()
    row = 100
    here = middle.pixels[row - middle.row, cut - middle.column : cut - middle.column + 50]
    assert np.abs(left.pixels[row - left.row, :50] - here).mean() < 2.0


def test_planes_of_a_layer_say_what_they_should(painted_ring: Scene, painted_world, path, plane) -> None:
    canvas = Cylindrical(painted_world.frame, 1440, 400, path, 0.0, 4.0, 60.0)
    (layer,) = Canvas(canvas, plane).layers(make_source(painted_ring.observations[2], plane))
    assert (layer.pixels[~layer.valid] == 0).all()
    assert (layer.weight[~layer.valid] == 0).all()
    radius = np.linalg.norm(layer.position, axis=2)
    assert radius[layer.valid].min() < 0.02
    assert 0.9 < radius[layer.valid].max() <= 1.0
    right, low = layer.position[layer.valid].T
    assert (right.min(), right.max(), low.min(), low.max()) == pytest.approx((-0.8, 0.8, -0.6, 0.6), abs=0.06)
    best = np.unravel_index(np.argmax(layer.weight), layer.weight.shape)
    assert radius[best] < 0.3
    assert layer.weight.max() > 0.8
    edge = layer.valid & (cv2.erode(layer.valid.astype(np.uint8), np.ones((3, 3)), borderValue=0) == 0)
    assert layer.weight[edge].mean() < 0.12


def test_what_is_masked_is_not_used(painted_ring: Scene, painted_world, path, plane) -> None:
    observation = painted_ring.observations[2]
    valid = np.ones((240, 320), dtype=bool)
    valid[100:140, 150:170] = False
    pixels = observation.image.pixels.copy()
    pixels[~valid] = 255
    gap = replace(observation, image=Image(pixels, valid))
    canvas = Cylindrical(painted_world.frame, 1440, 400, path, 0.0, 4.0, 60.0)
    (whole,), (layer,) = (Canvas(canvas, plane).layers(make_source(o, plane)) for o in (observation, gap))
    missing = whole.valid & ~layer.valid
    assert 0.005 < missing.sum() / whole.valid.sum() < 0.04
    # Nothing of what lay under the mask leaks out of it.
    assert np.abs(whole.pixels - layer.pixels)[layer.valid].max() < 1e-3


def test_black_corners_are_left_out_with_their_fall_off(painted_ring: Scene, plane) -> None:
    observation = painted_ring.observations[2]
    pixels = observation.image.pixels.copy()
    x, y = np.meshgrid(np.arange(320), np.arange(240))
    corner = np.hypot(x, y) < 40
    pixels[corner] = 2
    usable = make_source(replace(observation, image=Image(pixels, np.ones_like(corner))), plane).usable
    assert not usable[corner].any()
    assert not usable[np.hypot(x, y) < 42].any()
    assert usable[120:200, 100:300].all()


def test_float_frames_may_hold_nan(painted_ring: Scene, plane) -> None:
    observation = painted_ring.observations[2]
    pixels = observation.image.pixels.astype(np.float32) / 1000.0
    pixels[50:60, 60:70] = np.nan
    source = make_source(replace(observation, image=Image(pixels, np.ones(pixels.shape, dtype=bool))), plane)
    assert not source.usable[48:62, 58:72].any()
    assert np.isfinite(source.pixels).all()


def test_a_coarse_canvas_is_averaged_not_sampled(painted_ring: Scene, painted_world, path, plane) -> None:
    observation = painted_ring.observations[2]
    checker = (np.indices((240, 320)).sum(axis=0) % 2 * 200).astype(np.uint8)
    source = make_source(replace(observation, image=Image(checker, np.ones(checker.shape, dtype=bool))), plane)
    canvas = Cylindrical(painted_world.frame, 360, 100, path, 0.0, 1.0, 20.0)
    (layer,) = Canvas(canvas, plane).layers(source)
    inner = cv2.erode(layer.valid.astype(np.uint8), np.ones((5, 5)), borderValue=0) > 0
    assert np.abs(layer.pixels[inner] - 100.0).max() < 12.0


def test_the_footprint_reaches_to_the_border_of_the_frame(painted_ring: Scene, plane) -> None:
    source = make_source(painted_ring.observations[2], plane)
    pixels = source.camera.project(footprint(source))
    assert pixels.min(axis=0) == pytest.approx([0.0, 0.0], abs=0.1)
    assert pixels.max(axis=0) == pytest.approx([319.0, 239.0], abs=0.1)


def test_a_frame_that_looks_elsewhere_gives_no_layer(painted_ring: Scene, painted_world, path, plane) -> None:
    canvas = Perspective(painted_world.frame, 100, 80, path, 20.0, 10.0, 200.0)
    assert Canvas(canvas, plane).layers(make_source(painted_ring.observations[2], plane)) == []


def test_layers_refuse_planes_of_other_sizes() -> None:
    plane, mask = np.zeros((4, 5), np.float32), np.ones((4, 5), bool)
    Layer("a", Eye.LEFT, 0, 0, plane, mask, plane, plane)
    for bad in ((-1, 0, plane), (0, 0, plane[:3]), (0, 0, np.zeros((4, 5, 2), np.float32))):
        with pytest.raises(ValueError, match=r"layer|pixels"):
            Layer("a", Eye.LEFT, bad[0], bad[1], bad[2], mask, plane, plane)
