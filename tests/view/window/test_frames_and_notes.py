"""Frames, the panorama, annotations and the film, in the real window."""

from __future__ import annotations

import csv
import json
import time

import cv2
import numpy as np
import pytest

from stereo3d.view.layers import brightness
from stereo3d.view.viewpoint import camera_centre

MIDDLE = (slice(260, 460), slice(60, 580))
PLACES = [(250, 300), (420, 300), (430, 420)]


def test_a_frame_fills_the_window_and_is_compared(made_up, driven, correlation, size):
    """The frame is half as large as the window: as it is, the mesh through its camera, the wipe, what differs."""
    real = np.clip(made_up.pair.left.image.rgb8 * brightness(made_up.terrain) + 0.5, 0, 255).astype(np.uint8)
    real = cv2.resize(real, size).astype(int)
    driven.keys("f", "f")
    shown = driven.picture()
    assert np.mean(np.abs(shown[MIDDLE] - real[MIDDLE])) < 1.5
    mesh = driven.picture("f", "2")
    assert correlation(mesh[MIDDLE], real[MIDDLE]) > 0.97
    assert np.mean(np.abs(mesh[MIDDLE] - shown[MIDDLE])) > 0.02
    wiped = driven.picture("f", "4")
    np.testing.assert_array_equal(wiped[300:460, 60:310], shown[300:460, 60:310])
    np.testing.assert_array_equal(wiped[300:460, 330:580], mesh[300:460, 330:580])
    further = driven.picture("bracketright", "bracketright")
    np.testing.assert_array_equal(further[300:460, 60:370], shown[300:460, 60:370])
    residual = driven.picture("f", "3")
    assert correlation(residual[MIDDLE], real[MIDDLE]) < 0.8
    holes = driven.picture("f", "5")
    assert np.mean(np.abs(holes[60:110, 300:600] - shown[60:110, 300:600])) > 20
    np.testing.assert_array_equal(driven.picture("f", "1")[MIDDLE], shown[MIDDLE])
    # Both eyes of the made-up pair have one picture: the line above tells which it is.
    assert np.mean(np.abs(driven.picture("period")[:40] - shown[:40])) > 1
    np.testing.assert_array_equal(driven.picture("comma")[MIDDLE], shown[MIDDLE])


def test_blinking_shows_frame_and_mesh_in_turn(driven):
    driven.keys("f", "f")
    seen = {driven.picture("f", what)[MIDDLE].tobytes() for what in ("1", "2")}
    driven.keys("space")
    found, end = set(), time.monotonic() + 30
    while len(found) < 2 and time.monotonic() < end:
        found.add(driven.picture()[MIDDLE].tobytes())
    assert found == seen


def test_a_click_in_a_frame_measures_along_its_ray(made_up, driven, true_place, numbers):
    driven.keys("f", "f")
    driven.click(320, 360)
    pixel = (np.array([320.0, 360.0]) + 0.5) / 2 - 0.5
    ray = made_up.enu_from_rover.rotate(made_up.pair.left.camera.ray(pixel)[1])
    told = numbers(driven.line("point 1: .*")[0], "east", "north", "up")
    np.testing.assert_allclose(told, true_place(ray), atol=0.02)


def test_leaving_a_frame_stands_at_its_camera(made_up, driven):
    driven.keys("f", "f", "period", "Escape", "b", "a", "b", "s")
    path = driven.folder / driven.line(r"saved (\S+\.json)")[1]
    eye = json.loads(path.read_text(encoding="utf-8"))["bookmarks"][-1]["view"]["eye"]
    np.testing.assert_allclose(eye, made_up.enu_from_rover.apply(made_up.pair.right.camera.C), atol=1e-6)


def test_the_panorama_is_linked_both_ways(made_up, driven, size, numbers, truth):
    """Around, it fills what no ground fills; as a strip, a click on it measures, and the pointer shows in the other."""
    before = driven.picture()
    around = driven.picture("v", "d", "Escape")
    sky = (slice(60, 110), slice(300, 560))
    assert np.mean(np.abs(around[sky] - before[sky])) > 30
    driven.keys("v", "d", "s", "Escape")
    strip = driven.picture()
    low = (slice(400, 478), slice(250, 390))
    assert np.mean(np.abs(strip[low] - before[low])) > 5
    driven.point(320, 300)
    shown = driven.picture()
    driven.point(330, 450)
    other = driven.picture()
    assert np.mean(np.abs(other[:380] - shown[:380])) > 0.005
    assert np.mean(np.abs(other[385:] - shown[385:])) > 0.05
    driven.click(320, 470)
    place = np.array(numbers(driven.line("point 1: .*")[0], "east", "north", "up"))
    ground_up, _ = truth
    assert place[2] == pytest.approx(ground_up(place[0], place[1]), abs=0.02)
    # The strip's middle looks as the middle of the panorama does, which is where the camera looked.
    away = place - camera_centre(made_up)
    assert abs(np.degrees(np.arctan2(away[0], away[1])) - 40.0) < 3.0
    driven.keys("v", "s", "Escape")


def test_annotations_are_kept_saved_loaded_and_exported(made_up, driven, open_window, truth):
    driven.keys("r")
    for x, y in PLACES:
        driven.click(x, y)
    driven.line("^area  ")
    before = driven.picture("Delete")
    for x, y in PLACES:
        driven.click(x, y)
    driven.line("^area  ")
    driven.keys("x", "k")
    driven.hand("type", "flat (a)")
    driven.keys("Return")
    driven.line(r"kept: flat \(a\)")
    driven.click(320, 250)
    driven.line("point 4: ")
    driven.keys("x", "t")
    driven.hand("type", "=rock")
    driven.keys("Return", "Delete")
    kept = driven.picture()
    assert np.mean(np.abs(kept - before)) > 0.3
    driven.keys("x", "s")
    path = driven.folder / driven.line(r"saved (\S+\.geojson)")[1]
    driven.keys("x", "c")
    table = driven.folder / driven.line(r"saved (\S+\.csv)")[1]
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    assert [(f["properties"]["kind"], f["properties"]["name"]) for f in features] == [
        ("area", "flat (a)"), ("text", "=rock")]  # fmt: skip
    site = np.array(features[0]["geometry"]["coordinates"][0])[:3]
    rover = made_up.pair.left.site_from_rover.inverse().apply(site)
    enu = made_up.enu_from_rover.apply(rover)
    ground_up, _ = truth
    np.testing.assert_allclose(enu[:, 2], ground_up(enu[:, 0], enu[:, 1]), atol=0.02)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["name"] for r in rows] == ["flat (a)"] * 3 + ["'=rock"]

    again = open_window(annotations=str(path))
    again.point(320, 300)
    # Below the line that tells the tool in hand.
    np.testing.assert_allclose(again.picture("1")[60:], kept[60:], atol=2)
    text = path.read_text(encoding="utf-8")
    again.keys("x", "s")
    again.line("saved ")
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(text)
    again.stop()
    driven.point(320, 300)
    driven.keys("x", "d", "x", "d")
    driven.line("dropped: =rock")
    driven.line(r"dropped: flat \(a\)")


def test_a_film_along_bookmarks(driven):
    driven.keys("b", "d", "d", "d", "d", "d", "Escape", "b", "a", "Left", "Left", "b", "a", "b", "f")
    driven.line("filming 101 pictures")
    path = driven.folder / driven.line(r"saved (\S+\.mp4)", 200.0)[1]
    film = cv2.VideoCapture(str(path))
    pictures = []
    while (read := film.read())[0]:
        pictures.append(read[1].astype(int))
    film.release()
    assert len(pictures) == 101
    assert pictures[0].shape == (480, 640, 3)
    assert np.mean(np.abs(pictures[0] - pictures[-1])) > 5
    assert np.mean(np.abs(pictures[50] - pictures[51])) < 5
    driven.keys("b", "f")
    driven.line("filming")
    driven.keys("Escape")
    driven.line("left off")
    driven.picture()
    assert len(list(driven.folder.glob("*.mp4"))) == 1
    assert not list(driven.folder.glob(".*"))
