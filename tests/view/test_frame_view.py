"""The mesh through a frame's own camera, beside the frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.errors import PairError
from stereo3d.image import Image
from stereo3d.stereo.disparity import Reason
from stereo3d.terrain.surface import Surface
from stereo3d.view.frame_view import (
    NOTHING,
    REASON_COLOURS,
    compare,
    frame_number,
    matched,
    measured_in,
    reason_words,
    reasons_picture,
    render_frame,
    residual_picture,
    wiped,
)
from stereo3d.view.viewpoint import frame_viewpoint


@pytest.fixture(scope="module")
def shown(made_up):
    return render_frame(made_up, Surface(made_up.terrain.mesh), made_up.pair.left)


@pytest.fixture(scope="module")
def ring_shown(ring_result):
    """A left and a right frame of small simulated ring, with what they should show."""
    surface = Surface(ring_result.terrain.mesh)
    return [(o, render_frame(ring_result, surface, o)) for o in ring_result.observations[2:4]]


def noisy(frame, change):
    """The frame with its pixels changed."""
    pixels = np.clip(change(frame.image.pixels.astype(float)), 0, 255).astype(np.uint8)
    return replace(frame, image=Image(pixels, frame.image.valid))


def test_each_pixel_shows_its_own_ground(made_up, shown):
    """The made-up texture is the left frame itself, laid on by its own camera."""
    assert 0.6 < shown.seen.mean() < 0.9
    np.testing.assert_array_equal(shown.rgb[~shown.seen][0], NOTHING)
    off = np.abs(shown.rgb.astype(int) - made_up.pair.left.image.pixels)[shown.seen]
    assert np.median(off) <= 1
    range_m = np.linalg.norm(shown.ground - made_up.eye_enu, axis=-1)
    error = np.abs(range_m - made_up.xyz.range_m)[shown.seen]
    assert np.median(error) < 1e-3


def test_mesh_and_frames_lie_on_each_other(ring_shown):
    """Of frames of 320 px; the right ones see what the left ones measured."""
    for frame, rendered in ring_shown:
        found = compare(frame, rendered)
        assert np.hypot(*found.shift_px) < 0.15
        assert found.local_shift_px < 0.4
        assert found.correlation > 0.9
        assert found.falloff[0] < -0.3


def test_a_shift_is_told(ring_shown):
    frame, rendered = ring_shown[0]
    moved = replace(frame, image=Image(np.roll(frame.image.pixels, (1, 2), (0, 1)), frame.image.valid))
    found = compare(moved, rendered)
    np.testing.assert_allclose(found.shift_px, (2.0, 1.0), atol=0.15)
    assert found.local_shift_px == pytest.approx(np.sqrt(5.0), abs=0.3)


def test_gain_offset_and_falloff_are_found(made_up, shown):
    rows, columns = np.indices(made_up.pair.left.image.valid.shape)
    square = ((rows - 119.5) ** 2 + (columns - 159.5) ** 2) / (119.5**2 + 159.5**2)
    lens = (0.7 * (1.0 - 0.4 * square))[..., None]
    frame = noisy(made_up.pair.left, lambda p: lens * p + 12.0)
    found = compare(frame, shown)
    assert found.gain == pytest.approx(0.7, rel=0.02)
    assert found.offset == pytest.approx(12.0, abs=1.5)
    assert found.falloff[0] + found.falloff[1] == pytest.approx(-0.4, abs=0.05)
    assert found.correlation > 0.98
    fitted = matched(shown, found)[shown.seen].astype(float)
    assert np.median(np.abs(fitted - frame.image.pixels[shown.seen])) < 1.5
    assert "shift" in found.lines()[0]


def test_what_changed_stands_out_of_the_residual(made_up, shown):
    def darker(pixels):
        pixels[150:170, 100:140] -= 60.0
        return pixels

    found = compare(noisy(made_up.pair.left, darker), shown)
    picture = residual_picture(found).astype(int)
    inside, beside = picture[155:165, 110:130], picture[155:165, 160:180]
    assert (inside[..., 2] - inside[..., 0]).mean() > 80
    assert np.abs(beside - 247).mean() < 25
    np.testing.assert_array_equal(picture[0, 0], NOTHING)


def test_nothing_to_compare(made_up, shown):
    none = replace(shown, ground=np.full_like(shown.ground, np.nan))
    found = compare(made_up.pair.left, none)
    assert np.isnan(found.correlation)
    assert np.isnan(found.shift_px).all()
    np.testing.assert_array_equal(matched(none, found), none.rgb)


def test_wipe(made_up, shown):
    frame = made_up.pair.left.image.rgb8
    half = wiped(frame, shown.rgb, 0.5)
    np.testing.assert_array_equal(half[:, :158], frame[:, :158])
    np.testing.assert_array_equal(half[:, 162:], shown.rgb[:, 162:])
    assert (half[:, 159:161] == 255).all()
    np.testing.assert_array_equal(wiped(frame, shown.rgb, 0.0), shown.rgb)
    np.testing.assert_array_equal(wiped(frame, shown.rgb, 1.0), frame)


def test_holes_show_their_reasons(made_up):
    frame = made_up.pair.left
    picture, found = reasons_picture(measured_in(made_up, frame), frame.image.rgb8)
    assert [reason for reason, _ in found] == [Reason.SKY]
    sky = picture[5, 100].astype(int)
    assert np.abs(sky - np.array(REASON_COLOURS[Reason.SKY])).max() < 60
    assert reason_words(found)[0].endswith("%  sky")
    assert measured_in(made_up, made_up.pair.right) is None
    assert set(REASON_COLOURS) == set(Reason)


def test_frames_by_number_and_name(made_up):
    assert frame_number(made_up.observations, "1") == 0
    assert frame_number(made_up.observations, "MADE_UP_RIGHT") == 1
    for wrong in ("0", "3", "left", "-1", "\u0661"):
        with pytest.raises(PairError, match="no frame"):
            frame_number(made_up.observations, wrong)


def test_a_frame_is_seen_from_where_its_camera_stood(made_up):
    view = frame_viewpoint(made_up, made_up.pair.right, 4 / 3)
    camera, enu = made_up.pair.right.camera, made_up.enu_from_rover
    np.testing.assert_allclose(view.eye, enu.apply(camera.C))
    corner = view.project(enu.apply(camera.C + camera.ray(np.array([0.0, 0.0]))[1]), (320, 240))
    np.testing.assert_allclose(corner, [0.0, 0.0], atol=6.0)
