"""Layers, modes, what stands on the ground, bookmarks, red-cyan, and the ways out, in the real window."""

from __future__ import annotations

import json
import time

import cv2
import numpy as np
import pytest

from stereo3d.terrain.surface import Surface
from stereo3d.view.bookmarks import load_bookmarks
from stereo3d.view.layers import LAYERS, colour_map
from stereo3d.view.raycast import draw
from stereo3d.view.viewpoint import camera_viewpoint, viewpoint
from stereo3d.view.window.anaglyph import eyes_of

PART = (slice(290, 420), slice(150, 600))
"""Ground, below the panels."""
WIDE = (slice(230, 430), slice(100, 600))


def change(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean(np.abs(a - b)))


def test_layers_colour_the_ground_as_pictures_do(made_up, driven, size, correlation):
    view, surface = camera_viewpoint(made_up, size[0] / size[1]), Surface(made_up.terrain.mesh)
    shown = {layer: driven.picture(str(key)) for key, layer in enumerate(LAYERS, start=1)}
    assert list(shown) == ["image", "elevation", "slope", "range", "sigma", "seen", "hillshade", "kind"]
    for layer, picture in shown.items():
        for other, another in shown.items():
            assert layer == other or change(picture[PART], another[PART]) > 3, (layer, other)
    for layer in ("elevation", "range"):
        cast = draw(made_up.terrain, surface, view, size, colour_map(made_up, layer)).rgb
        assert correlation(shown[layer][PART], cast[PART]) > 0.97, layer


def test_the_sun_of_the_hillshade_moves(driven):
    """Its shadows turn with it, and the level ground grows darker as it sinks."""
    driven.keys("7")
    low = driven.picture(*["minus"] * 4)
    turned = driven.picture(*["period"] * 6)
    assert change(low[230:420, 150:600], turned[230:420, 150:600]) > 0.5
    assert abs(low[PART].mean() - turned[PART].mean()) < 5
    assert driven.picture(*["plus"] * 8)[PART].mean() > turned[PART].mean() + 10


@pytest.mark.parametrize("keys", [("v", "r"), ("v", "g"), ("v", "p"), ("v", "w"), ("c", "l"), ("v", "b")])
def test_things_come_and_go(driven, keys):
    """Rings, metre grid, person, edges, contour lines, clip box."""
    before = driven.picture()
    shown = driven.picture(*keys, "Escape")
    assert change(shown, before) > 0.2
    np.testing.assert_array_equal(driven.picture(*keys, "Escape", "0")[PART], before[PART])


def test_the_rovers_outline_is_shown(driven):
    """From above: the rover's boxes are beside the made-up ground."""
    before = driven.picture("t")
    assert change(driven.picture("v", "o", "Escape"), before) > 0.3
    np.testing.assert_array_equal(driven.picture("v", "o", "Escape"), before)


def test_a_clip_box_hides_and_cannot_be_picked(driven, numbers):
    driven.click(320, 300)
    place = np.array(numbers(driven.line("point 1: .*")[0], "east", "north", "up"))
    driven.click(400, 380)
    driven.line("distance")
    driven.keys("v", "b", "Escape")
    driven.click(320, 300)
    np.testing.assert_allclose(numbers(driven.line("point 1: .*")[0], "east", "north", "up"), place, atol=1e-3)
    driven.click(250, 200)
    driven.line("no measured ground there")
    driven.keys("plus", "plus", "plus", "plus", "plus", "plus", "plus", "plus", "plus", "plus")
    driven.click(250, 200)
    driven.line("point 2: ")
    driven.keys("v", "b", "Escape")


def test_exaggeration_shows_but_does_not_measure(driven, numbers):
    driven.keys("t")
    driven.click(330, 230)
    flat = np.array(numbers(driven.line("point 1: .*")[0], "east", "north", "up"))
    driven.keys("v", "z", "Escape")
    driven.click(330, 230)
    np.testing.assert_allclose(numbers(driven.line("point 2: .*")[0], "east", "north", "up"), flat, atol=2e-3)
    driven.keys("Delete", "0")
    high = driven.picture()
    driven.keys("v", "z", "Escape", "0")
    assert change(driven.picture()[PART], high[PART]) > 5


def test_help_map_orbit_and_wheel(driven):
    start = driven.picture()
    with_help = driven.picture("h")
    middle = (slice(100, 380), slice(40, 600))
    assert change(with_help[middle], start[middle]) > 40
    assert change(driven.picture("h")[middle], with_help[middle]) > 5
    np.testing.assert_array_equal(driven.picture("h"), start)
    assert change(driven.picture("t"), start) > 10
    np.testing.assert_array_equal(driven.picture("0"), start)
    driven.hand("mousedown", "1")
    driven.point(420, 320)
    driven.hand("mouseup", "1")
    assert change(driven.picture(), start) > 5
    driven.keys("0")
    driven.hand("click", "4")
    assert change(driven.picture(), start) > 3
    np.testing.assert_array_equal(driven.picture("0"), start)


@pytest.mark.parametrize(("mode", "key"), [("shift+w", "w"), ("shift+f", "Up")])
def test_walking_and_flying_go_ahead(driven, numbers, mode, key):
    driven.keys(mode)
    driven.click(320, 330)
    before = np.array(numbers(driven.line("point 1: .*")[0], "east", "north"))
    driven.hand("keydown", key)
    time.sleep(0.8)
    driven.hand("keyup", key)
    driven.click(320, 330)
    after = np.array(numbers(driven.line("point 2: .*")[0], "east", "north"))
    # The rover heads 40 degrees east of north, and so does its camera.
    gone = after - before
    assert np.hypot(*gone) > 0.3
    assert abs(np.degrees(np.arctan2(*gone)) - 40.0) < 25.0
    driven.keys("o")


def test_a_walker_stands_on_the_ground(driven, truth, numbers):
    """1.7 m above it: what lies straight ahead at the horizon's height is as far below as the eye is high."""
    driven.keys("t", "shift+w", "b", "a", "b", "s")
    path = driven.folder / driven.line(r"saved (\S+\.json)")[1]
    eye = load_bookmarks(path)[-1].view.eye
    ground_up, _ = truth
    assert eye[2] - ground_up(eye[0], eye[1]) == pytest.approx(1.7, abs=0.03)


def test_bookmarks_are_saved_visited_and_loaded(driven, open_window):
    first = driven.picture()
    driven.keys("b", "a", "t", "3", "b", "a", "b", "s")
    path = driven.folder / driven.line(r"saved (\S+\.json)")[1]
    second = driven.picture()
    kept = json.loads(path.read_text(encoding="utf-8"))["bookmarks"]
    assert [(b["layer"], b["view"]["mode"]) for b in kept[-2:]] == [("image", "orbit"), ("slope", "top")]
    driven.keys("b", "p")
    np.testing.assert_allclose(driven.picture("Escape")[PART], first[PART], atol=1)
    driven.keys("b", "n")
    np.testing.assert_allclose(driven.picture("Escape")[PART], second[PART], atol=1)
    only = path.with_name("two.json")
    only.write_text(
        json.dumps({"stereo3d": {"format": 1, "kind": "bookmarks"}, "bookmarks": kept[-2:]}), encoding="utf-8"
    )
    again = open_window(bookmarks=str(only))
    again.point(320, 300)
    again.keys("b", "p")
    again.line("bookmark: ")
    np.testing.assert_allclose(again.picture("Escape")[PART], second[PART], atol=1)
    again.stop()


def test_red_cyan_is_the_two_eyes_views(made_up, driven, size, correlation):
    """Red is the left eye's view and cyan the right one's, through frames that meet at the focus."""
    driven.keys("v", "a", "Escape")
    shown = driven.picture(*["plus"] * 2)
    view, surface = camera_viewpoint(made_up, size[0] / size[1]), Surface(made_up.terrain.mesh)
    hit = surface.hits(view.eye[None], view.forward[None])
    focus = float(np.linalg.norm(surface.interpolate(hit, made_up.terrain.mesh.vertices)[0] - view.eye))
    shifts = []
    for eyes, channel in zip(eyes_of(view, focus, 0.21), (0, 2), strict=True):
        cast = draw(made_up.terrain, surface, eyes.view, size).rgb @ np.array([0.299, 0.587, 0.114])
        # The frame is shifted by whole pictures here, by the projection there.
        move = np.float32([[1, 0, -eyes.shift * size[1] / 2], [0, 1, 0]])
        cast = cv2.warpAffine(cast, move, size)
        assert correlation(shown[WIDE][..., channel], cast[WIDE]) > 0.97
        shift, _ = cv2.phaseCorrelate(shown[WIDE][..., channel].astype(float), cast[WIDE])
        assert np.hypot(*shift) < 0.4
        shifts.append(eyes.shift)
    assert shifts[0] > 0 > shifts[1]
    np.testing.assert_array_equal(shown[PART][..., 1], shown[PART][..., 2])
    assert change(shown[PART][..., 0], shown[PART][..., 2]) > 1
    driven.keys("v", "a", "Escape")


def test_a_saved_picture_has_scale_caption_and_north(made_up, driven, size):
    bare = draw(
        made_up.terrain, Surface(made_up.terrain.mesh), viewpoint(made_up, "camera", size[0] / size[1]), size
    ).rgb.astype(int)
    driven.keys("s")
    from PIL import Image as Pil

    with Pil.open(driven.folder / driven.line(r"saved (\S+\.png)")[1]) as image:
        saved = np.asarray(image.convert("RGB")).astype(int)
    assert change(saved[-20:], bare[-20:]) > 20
    assert change(saved[10:60, -90:], bare[10:60, -90:]) > 2
    assert change(saved[-45:-22, 8:150], bare[-45:-22, 8:150]) > 10


def test_the_window_can_be_resized_and_quit(open_window):
    one = open_window()
    one.point(320, 300)
    one.hand("windowsize", "--sync", one.window, "800", "500")
    assert one.picture().shape == (500, 800, 3)
    one.keys("q")
    assert one.process.wait(timeout=30) == 0, one.errors
    assert one.errors == ""


def test_interrupt_closes_the_window(open_window):
    one = open_window()
    one.point(320, 300)
    one.picture()
    one.interrupt()
    assert one.process.wait(timeout=30) == 130, one.errors
    assert "Traceback" not in one.errors
