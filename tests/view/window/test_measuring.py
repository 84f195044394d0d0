"""Every tool of the window, by mouse and by keys, against the made-up ground."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
from PIL import Image as Pil

from stereo3d.terrain.surface import Surface
from stereo3d.view.layers import colour_map
from stereo3d.view.raycast import draw
from stereo3d.view.viewpoint import camera_centre, camera_viewpoint

PLACES = [(250, 300), (420, 300), (430, 420), (240, 410)]
PANEL = (slice(200, 470), slice(10, 420))


@pytest.fixture
def view(made_up, size):
    return camera_viewpoint(made_up, size[0] / size[1])


@pytest.fixture
def truths(view, size, true_place):
    return np.array([true_place(view.rays(np.array([float(x), float(y)]), size)[1]) for x, y in PLACES])


def test_window_draws_what_the_ray_caster_draws(made_up, driven, view, size, correlation):
    surface = Surface(made_up.terrain.mesh)
    # Away from the panels at the edges.
    part = (slice(230, 420), slice(150, 600))
    shown = driven.picture()
    assert shown.shape == (size[1], size[0], 3)
    assert correlation(shown[part], draw(made_up.terrain, surface, view, size).rgb[part]) > 0.97
    sigma = driven.picture("5")
    assert np.mean(np.abs(sigma[part] - shown[part])) > 10
    cast = draw(made_up.terrain, surface, view, size, colour_map(made_up, "sigma")).rgb
    assert correlation(sigma[part], cast[part]) > 0.97


def test_clicks_measure_the_made_up_ground(made_up, driven, truths, numbers):
    for number, ((x, y), truth) in enumerate(zip(PLACES[:2], truths, strict=False), start=1):
        driven.click(x, y)
        line = driven.line(rf"point {number}: .*")[0]
        np.testing.assert_allclose(numbers(line, "east", "north", "up"), truth, atol=0.02)
        rover = made_up.enu_from_rover.inverse().apply(truth)
        np.testing.assert_allclose(numbers(line, "forward", "right", "down"), rover, atol=0.02)
        reach = np.linalg.norm(truth - camera_centre(made_up))
        np.testing.assert_allclose(numbers(line, "range"), [reach], atol=0.02)
    told = driven.line("distance.*")[0]
    np.testing.assert_allclose(numbers(told, "distance"), [np.linalg.norm(truths[1] - truths[0])], atol=0.02)
    marked = driven.picture()
    assert np.mean(np.abs(driven.picture("Delete")[PANEL] - marked[PANEL])) > 5
    driven.click(320, 20)
    driven.line("no measured ground there")


def test_a_pick_tells_its_frame_and_pixel(made_up, driven):
    driven.click(*PLACES[0])
    found = re.search(r"frame  (\S+)  pixel ([\d.]+), ([\d.]+)", driven.line("point 1: .*")[0])
    # The view is twice as large as the frame, about the same middle.
    assert found[1] == made_up.pair.left.product_id
    np.testing.assert_allclose([float(found[2]), float(found[3])], (np.array(PLACES[0]) + 0.5) / 2 - 0.5, atol=1.0)


@pytest.mark.parametrize(
    ("key", "count", "word", "tolerance"),
    [("k", 4, "polyline", 0.02), ("r", 4, "area", 0.01), ("g", 3, "angle", 0.3), ("i", 4, "plane", 0.01)],
)
def test_tools_of_several_places(driven, truths, numbers, key, count, word, tolerance):
    driven.keys(key)
    for x, y in PLACES[:count]:
        driven.click(x, y)
    for number in range(1, count + 1):
        driven.line(f"point {number}: ")
    a, b, c, d = truths
    if word == "polyline":
        true = sum(np.linalg.norm(q - p) for p, q in ((a, b), (b, c), (c, d)))
    elif word == "area":
        true = 0.5 * np.linalg.norm(np.cross(c - a, d - b))
    elif word == "angle":
        u, v = a - b, c - b
        true = np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))
    else:
        normal = np.cross(b - a, c - a)
        true = normal @ (d - a) / np.linalg.norm(normal) * np.sign(normal[2])
    np.testing.assert_allclose(numbers(driven.line(word)[0] + driven_rest(driven), word), [true], atol=tolerance)


def driven_rest(driven) -> str:
    """The whole of the line that was read last."""
    return driven.logs[0].read_text(encoding="utf-8").splitlines()[driven.seen - 1]


def test_dip_of_the_made_up_slope(driven, truth, truths, numbers):
    """A circle of the ground: its plane is that of the true heights there, within some sigma."""
    driven.keys("n")
    driven.click(*PLACES[0])
    driven.click(*PLACES[1])
    line = driven.line(r"^dip  .*")[0]
    dip, strike = numbers(line, "dip")[0], numbers(line, "strike")[0]
    ground_up, _ = truth
    middle, radius = truths[0], np.hypot(*(truths[1] - truths[0])[:2])
    grid = np.stack(np.meshgrid(*[np.linspace(-radius, radius, 41)] * 2), axis=-1).reshape(-1, 2)
    grid = middle[:2] + grid[np.hypot(*grid.T) <= radius]
    slope = np.linalg.lstsq(np.column_stack([grid, np.ones(len(grid))]), ground_up(grid[:, 0], grid[:, 1]), rcond=None)[
        0
    ][:2]
    assert dip == pytest.approx(np.degrees(np.arctan(np.hypot(*slope))), abs=1.0)
    down = np.degrees(np.arctan2(-slope[0], -slope[1]))
    assert abs((strike + 90.0 - down + 180.0) % 360.0 - 180.0) < 25.0
    assert float(re.search(r"\u00b1 ([\d.]+)", line)[1]) > 0.0


def test_profile_is_shown_and_saved(driven, truth):
    before = driven.picture("j")
    driven.click(*PLACES[0])
    driven.click(*PLACES[2])
    driven.line("profile  ")
    shown = driven.picture()
    corner = (slice(220, 450), slice(320, 620))
    assert np.mean(np.abs(shown[corner] - before[corner])) > 20
    driven.keys("m", "s")
    picture, table = (driven.folder / driven.line(rf"saved (\S+\.{suffix})")[1] for suffix in ("png", "csv"))
    with Pil.open(picture) as image:
        assert min(image.size) > 300
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ground_up, _ = truth
    got = np.array([[float(r[k]) for k in ("east_m", "north_m", "up_m")] for r in rows if r["up_m"]])
    assert len(got) > 300
    np.testing.assert_allclose(got[:, 2], ground_up(got[:, 0], got[:, 1]), atol=0.03)


def test_measuring_by_keys_alone(made_up, driven, size, true_place, numbers):
    """Enter picks under the crosshair; arrows turn the view about the first place, PageUp nears it."""
    view = camera_viewpoint(made_up, size[0] / size[1])
    centre = np.array([size[0] // 2, size[1] - 1 - size[1] // 2], dtype=float)
    driven.keys("Return")
    line = driven.line("point 1: .*")[0]
    place = true_place(view.rays(centre, size)[1])
    np.testing.assert_allclose(numbers(line, "east", "north", "up"), place, atol=0.02)
    driven.keys("Up", "Right", "Prior", "Return")
    moved = numbers(driven.line("point 2: .*")[0], "east", "north", "up")
    np.testing.assert_allclose(moved, place, atol=0.05)
    driven.keys("Delete", "Left", "Left", "t", "Return")
    first = np.array(numbers(driven.line("point 1: .*")[0], "east", "north", "up"))
    driven.keys("Right", "Return")
    second = np.array(numbers(driven.line("point 2: .*")[0], "east", "north", "up"))
    assert second[0] - first[0] > 0.3
    assert abs(second[1] - first[1]) < 0.02
    told = numbers(driven.line("distance.*")[0], "distance")
    np.testing.assert_allclose(told, [np.linalg.norm(second - first)], atol=0.01)


def test_take_back_and_clear(driven):
    driven.keys("k")
    for x, y in PLACES[:3]:
        driven.click(x, y)
    driven.line("in 2 pieces")
    driven.keys("BackSpace")
    driven.click(*PLACES[3])
    driven.line("point 3: ")
    driven.keys("Escape")
    driven.click(*PLACES[0])
    driven.line("point 1: ")


def test_a_hole_and_a_place_are_explained(made_up, driven, view, size):
    """The pixel under the pointer, from the camera's own place; elsewhere a hole asks for that place."""
    enu = made_up.enu_from_rover.inverse()

    def pixel(x, y):
        direction = enu.rotate(view.rays(np.array([float(x), float(y)]), size)[1])
        camera = made_up.pair.left.camera
        return np.rint(camera.project(camera.C + 1e4 * direction)).astype(int)

    before = driven.picture()
    driven.point(320, 300)
    driven.keys("e")
    column, row = pixel(320, 300)
    driven.line(rf"pixel {column},{row}: measured")
    driven.line("match  right image")
    assert np.mean(np.abs(driven.picture()[PANEL] - before[PANEL])) > 5
    driven.click(200, 20)
    driven.line("no measured ground there")
    column, row = pixel(200, 20)
    driven.line(rf"pixel {column},{row}: no XYZ: sky")
    np.testing.assert_array_equal(driven.picture("Delete"), before)
    driven.point(320, 300)
    driven.hand("click", "4")
    driven.point(200, 20)
    driven.keys("e")
    driven.line("press 0")
