"""Every projection maps pixels to rays and back exactly, level and with azimuth from north to east."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from stereo3d.errors import RecordError
from stereo3d.frames import Frame
from stereo3d.panorama.eye_path import EyePath
from stereo3d.panorama.projection import (
    Cylindrical,
    Equirectangular,
    Perspective,
    Polar,
    Projection,
    Vertical,
    projection_from_json,
)

FRAME = Frame.local_level(3, 14)
PATH = EyePath(np.array([0.8, 0.5, -2.0]), 0.13, -0.21, (0.05, -0.02))
AROUND = Cylindrical(FRAME, 3600, 1200, PATH, -42.0, 10.0, 399.5)
SPHERE = Equirectangular(FRAME, 3600, 1800, PATH, 0.0, 10.0, 899.5)
ALL: list[Projection] = [
    AROUND,
    replace(AROUND, width=2000),
    SPHERE,
    Polar(FRAME, 1801, 1801, PATH, 9.0),
    Perspective(FRAME, 800, 600, PATH, 77.0, -20.0, 700.0),
    Vertical(FRAME, 1000, 900, PATH, 0.02, 1.0, 2.0, 0.1),
]
NAMES = [f"{p.kind}-{p.width}" for p in ALL]


def pixels_within(p: Projection) -> np.ndarray:
    return np.random.default_rng(1).uniform([-0.49, -0.49], [p.width - 0.51, p.height - 0.51], (4000, 2))


@pytest.mark.parametrize("p", ALL, ids=NAMES)
def test_a_pixel_s_ray_comes_back_to_the_pixel(p: Projection) -> None:
    pixels = pixels_within(p)
    origins, directions = p.rays(pixels)
    assert np.abs(np.linalg.norm(directions, axis=-1) - 1.0).max() < 1e-14
    for distance in (0.5, 3.0, 1000.0):
        assert np.abs(p.pixels_of(origins + distance * directions) - pixels).max() < 1e-9
    if p.kind == "vertical":
        assert np.isnan(p.pixels_towards(directions)).all()
    else:
        assert np.abs(p.pixels_towards(directions) - pixels).max() < 1e-9


@pytest.mark.parametrize("p", ALL, ids=NAMES)
def test_json_gives_the_same_mapping_back(p: Projection) -> None:
    again = projection_from_json(json.loads(json.dumps(p.as_json())))
    assert type(again) is type(p)
    assert (again.width, again.height, again.frame) == (p.width, p.height, p.frame)
    for a, b in zip(p.rays(pixels_within(p)), again.rays(pixels_within(p)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("p", ALL, ids=NAMES)
def test_a_smaller_canvas_shows_the_same(p: Projection) -> None:
    small = p.scaled(p.width // 4)
    pixels = pixels_within(p)
    origins, directions = p.rays(pixels)
    found = small.pixels_of(origins + 5.0 * directions)
    # The edges of both canvases are the same lines.
    expected = (pixels + 0.5) * (small.width / p.width) - 0.5
    assert np.abs(found - expected).max() < (0.51 if p.kind in ("perspective", "vertical") else 1e-9)


def test_north_east_and_up_are_where_they_belong() -> None:
    north, east, up = np.eye(3) * np.array([1.0, 1.0, -1.0])
    left = SPHERE.pixels_towards(north)
    assert left == pytest.approx([-0.5, 899.5])  # the left edge, at the horizon
    assert SPHERE.pixels_towards(east) == pytest.approx([899.5, 899.5])
    assert SPHERE.pixels_towards(0.5 * north + 0.5 * up)[1] == pytest.approx(449.5)
    polar = ALL[3]
    assert polar.pixels_towards(north) == pytest.approx([900.0, 900.0 - 9.0 * 90.0])
    assert polar.pixels_towards(east) == pytest.approx([900.0 + 9.0 * 90.0, 900.0])
    view = Perspective(FRAME, 101, 101, PATH, 90.0, 0.0, 100.0)
    assert view.pixels_towards(east) == pytest.approx([50.0, 50.0])
    assert view.pixels_towards(east + 0.1 * up)[1] == pytest.approx(40.0)
    assert view.pixels_towards(east - 0.1 * north)[0] == pytest.approx(60.0)  # south is to the right of east
    plan = Vertical(FRAME, 101, 101, PATH, 0.1, 0.0, 0.0)
    assert plan.pixels_of(np.array([1.0, 2.0, 0.3])) == pytest.approx([70.0, 40.0])


def test_the_horizon_is_level() -> None:
    around = np.stack([np.cos(np.arange(0, 6, 0.1)), np.sin(np.arange(0, 6, 0.1)), np.zeros(60)], axis=-1)
    assert AROUND.pixels_towards(around)[:, 1] == pytest.approx(399.5)
    assert SPHERE.pixels_towards(around)[:, 1] == pytest.approx(899.5)


def test_rows_of_a_cylinder_go_with_the_tangent() -> None:
    d = AROUND.rays(np.array([[100.0, 399.5 - 10.0 * np.degrees(np.tan(np.radians(30.0)))]]))[1]
    assert -d[0, 2] == pytest.approx(0.5)


def test_only_a_whole_turn_is_a_full_circle() -> None:
    assert AROUND.full_circle
    assert SPHERE.full_circle
    assert not any(p.full_circle for p in (ALL[1], *ALL[3:]))
    # A little left of the left edge of a part of the circle is left of it, not a turn to the right.
    assert ALL[1].pixels_towards(np.array([np.cos(np.radians(-43)), np.sin(np.radians(-43)), 0.0]))[0] < 0


def test_rays_begin_where_the_mast_holds_the_eye() -> None:
    origins, _ = AROUND.rays(np.array([[420.0 - 0.5, 10.0], [1320.0 - 0.5, 10.0]]))  # north, east
    centre = PATH.centre
    assert origins[0, :2] - centre[:2] == pytest.approx([0.13, -0.21])
    assert origins[1, :2] - centre[:2] == pytest.approx([0.21, 0.13])
    assert origins[0, 2] - centre[2] == pytest.approx(0.05 * 0.13 + 0.02 * 0.21)
    assert np.linalg.norm((origins - centre)[:, :2], axis=1) == pytest.approx(PATH.radius_m)
    eye = Perspective(FRAME, 80, 60, PATH, 90.0, 30.0, 70.0).rays(np.array([[0.0, 0.0], [79.0, 59.0]]))[0]
    assert eye == pytest.approx(np.stack([origins[1], origins[1]]))


def test_points_that_no_ray_meets_have_no_pixel() -> None:
    assert np.isnan(AROUND.pixels_of(PATH.centre + np.array([0.05, 0.05, 1.0]))).all()
    assert np.isnan(ALL[4].pixels_of(PATH.centre - np.array([0.0, 10.0, 0.0]))).all()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "mercator"},
        {"width": 0},
        {"height": 10**9},
        {"frame": {"kind": "SITE"}},
        {"eye_path": {"centre_m": [0, 0], "forward_m": 0, "right_m": 0, "slope": [0, 0]}},
        {"eye_path": {"centre_m": [0, 0, float("inf")], "forward_m": 0, "right_m": 0, "slope": [0, 0]}},
        {"eye_path": {"centre_m": [0, 0, 1], "forward_m": 0, "right_m": 0, "slope": []}},
        {"parameters": {}},
        {"parameters": {"start_azimuth_deg": 0, "px_per_deg": 1e-9, "horizon_row": 0}},
        {"parameters": {"start_azimuth_deg": float("nan"), "px_per_deg": 10, "horizon_row": 0}},
    ],
)
def test_a_broken_description_is_one_clear_line(change: dict) -> None:
    with pytest.raises(RecordError, match="projection"):
        projection_from_json({**AROUND.as_json(), **change})
    with pytest.raises(RecordError, match="projection"):
        projection_from_json([])
