"""The nearest pinhole of a camera, as picture programs have it."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.camera import CAHV, CAHVORE, pixel_grid
from stereo3d.camera.linearize import FIELD_LIMIT_DEG, raw_pixels, square_pinholes
from stereo3d.frames import Frame
from stereo3d.simulate.navcam import navcam_pair

ROVER = Frame.rover(1, 2)
FORWARD, RIGHT, DOWN = np.eye(3)


def simple(focal=500.0, center=(319.5, 239.5), size=(640, 480)):
    return CAHV(
        ROVER, *size, np.ones(3), FORWARD, focal * RIGHT + center[0] * FORWARD, focal * DOWN + center[1] * FORWARD
    )


def parts(camera):
    """Focal lengths along rows and columns, and the principal point, px."""
    column, row = camera.H @ camera.A, camera.V @ camera.A
    return np.linalg.norm(camera.H - column * camera.A), np.linalg.norm(camera.V - row * camera.A), column, row


def test_a_pinhole_stays_itself():
    (pinhole,) = square_pinholes([simple()])
    assert parts(pinhole) == pytest.approx((500.0, 500.0, (pinhole.width - 1) / 2, (pinhole.height - 1) / 2), rel=1e-5)
    assert (pinhole.width, pinhole.height) == pytest.approx((640, 480), abs=2)
    assert pytest.approx([1, 1, 1]) == pinhole.C
    assert (pinhole.width % 2, pinhole.height % 2) == (0, 0)
    points = np.random.default_rng(1).uniform([3, -2, -2], [9, 2, 2], (50, 3))
    shift = pinhole.project(points) - simple().project(points)
    assert shift == pytest.approx(np.broadcast_to(shift[0], shift.shape), abs=0.01)


def test_navcams_share_one_size_and_hold_their_frames():
    cameras = navcam_pair(8)
    pinholes = square_pinholes(cameras)
    assert len({(p.width, p.height, round(parts(p)[0], 6)) for p in pinholes}) == 1
    for camera, pinhole in zip(cameras, pinholes, strict=True):
        along, down, column, row = parts(pinhole)
        assert along == pytest.approx(down)
        assert (column, row) == pytest.approx(((pinhole.width - 1) / 2, (pinhole.height - 1) / 2), abs=16)
        assert np.array([pinhole.H - column * pinhole.A, pinhole.V - row * pinhole.A]) @ pinhole.A == pytest.approx(
            0, abs=1e-9
        )
        origins, rays = camera.ray(pixel_grid(camera.width, camera.height))
        seen = pinhole.project(origins + 50.0 * rays)
        assert (seen > -0.5).all()
        assert (seen < [pinhole.width - 0.5, pinhole.height - 0.5]).all()
        # Its own middle row lies level in the pinhole too, and a pixel is a pixel there.
        middle = camera.project(pinhole.C + 50.0 * pinhole.A) + np.array([[-1.0, 0.0], [1.0, 0.0]])
        left, right = pinhole.project(camera.C + 50.0 * camera.ray(middle)[1])
        assert right - left == pytest.approx([2.0, 0.0], abs=0.02)


def test_a_tile_from_a_corner_fills_its_picture():
    whole = navcam_pair(8)[0]
    tile = whole.crop(whole.width // 2, 0, whole.width // 2, whole.height // 2)
    (pinhole,) = square_pinholes([tile])
    (all_of_it,) = square_pinholes([whole])
    assert pinhole.width == pytest.approx(all_of_it.width / 2, abs=8)
    assert pinhole.height == pytest.approx(all_of_it.height / 2, abs=8)
    assert parts(pinhole)[:2] == pytest.approx(parts(all_of_it)[:2])
    _, rays = tile.ray(pixel_grid(tile.width, tile.height))
    seen = pinhole.project(pinhole.C + 50.0 * rays)
    assert seen.min(axis=(0, 1)) == pytest.approx([0, 0], abs=3)
    assert seen.max(axis=(0, 1)) == pytest.approx([pinhole.width, pinhole.height], abs=3)


def test_raw_pixels_lead_back():
    camera = navcam_pair(16)[0]
    (pinhole,) = square_pinholes([camera])
    pixels = raw_pixels(pinhole, camera, distance_m=7.0)
    inside = np.isfinite(pixels[..., 0])
    origin, ray = camera.ray(pixels[inside])
    point = pinhole.C + 7.0 * pinhole.ray(pixel_grid(pinhole.width, pinhole.height)[inside])[1]
    miss = np.linalg.norm(np.cross(point - origin, ray), axis=1)
    assert inside.mean() > 0.9
    assert miss.max() < 1e-6


def test_a_fish_eye_is_cut_and_a_large_picture_made_smaller():
    eye = CAHVORE(
        ROVER,
        640,
        480,
        np.zeros(3),
        FORWARD,
        200.0 * RIGHT + 319.5 * FORWARD,
        200.0 * DOWN + 239.5 * FORWARD,
        FORWARD,
        np.zeros(3),
        np.zeros(3),
        pupil_type=2,
    )
    (pinhole,) = square_pinholes([eye])
    assert pinhole.width / 2 == pytest.approx(200.0 * np.tan(np.radians(FIELD_LIMIT_DEG)), abs=2)
    (small,) = square_pinholes([eye], most_px=300)
    assert 290 < max(small.width, small.height) <= 300
    assert parts(small)[0] < 200.0
