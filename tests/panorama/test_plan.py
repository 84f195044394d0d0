"""The canvas that the frames get: limits, size, and where a circle is cut open."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.errors import PanoramaError
from stereo3d.observation import Eye
from stereo3d.panorama.eye_path import fit_eye_paths
from stereo3d.panorama.plan import MAX_WIDTH, CanvasWish, covered_arc, cut_open, for_eye, plan, quietest_azimuth
from stereo3d.panorama.projection import Cylindrical, Equirectangular, Perspective, Polar, Vertical
from stereo3d.panorama.resample import Canvas, make_source
from stereo3d.panorama.surface import Plane
from stereo3d.scene import Scene


@pytest.fixture(scope="module")
def planned(painted_ring: Scene, painted_world):
    plane = Plane(painted_world.normal)
    sources = [make_source(o, plane) for o in painted_ring.observations]
    path = fit_eye_paths(painted_ring.observations)[Eye.LEFT]

    def make(wish: CanvasWish, count: int = 6):
        return plan(wish, sources[:count], painted_world.frame, path), sources[:count], plane

    return make


def test_arcs() -> None:
    assert covered_arc(np.arange(0.0, 360.0, 2.0)) == (0.0, 360.0)
    start, width = covered_arc(np.mod(np.arange(-40.0, 101.0, 1.0), 360.0))
    assert (start, width) == pytest.approx((320.0, 140.0))


def test_the_circle_is_cut_where_the_fewest_frames_are() -> None:
    frames = [np.arange(a - 48.0, a + 48.0, 3.0) for a in range(0, 360, 60)]
    assert abs((quietest_azimuth(frames) + 30.0) % 60.0 - 30.0) < 9.0  # near the middle of a frame


def test_frames_all_around_make_a_full_circle_from_north(planned) -> None:
    p, sources, _ = planned(CanvasWish(width=1000))
    assert isinstance(p, Cylindrical)
    assert p.full_circle
    assert (p.width, p.start_azimuth_deg) == (1000, 0.0)
    opened, shift = cut_open(p, sources)
    assert opened.full_circle
    assert opened.start_azimuth_deg == pytest.approx(shift * 360.0 / 1000)
    ray = p.rays(np.array([[300.0, 20.0]]))[1]
    assert opened.pixels_towards(ray)[0, 0] == pytest.approx((300 - shift) % 1000)


def test_a_part_of_the_circle_is_all_that_is_shown(planned) -> None:
    p, sources, plane = planned(CanvasWish(), 2)
    assert 150.0 < p.width / p.px_per_deg < 200.0
    assert p.px_per_deg == pytest.approx(max(s.px_per_deg for s in sources), rel=0.01)
    assert cut_open(p, sources)[1] == 0
    # Every frame lies on the canvas, to within what the border's sampling leaves.
    for source in sources:
        (layer,) = Canvas(p, plane).layers(source)
        large = Cylindrical(p.frame, p.width + 80, p.height + 80, p.path, p.start_azimuth_deg - 40 / p.px_per_deg,
                            p.px_per_deg, p.horizon_row + 40)  # fmt: skip
        (whole,) = Canvas(large, plane).layers(source)
        assert layer.valid.sum() > 0.998 * whole.valid.sum()
    assert planned(CanvasWish(start_azimuth_deg=30.0), 2)[0].full_circle


def test_every_kind_gets_its_canvas(planned) -> None:
    sphere = planned(CanvasWish("equirectangular", width=720))[0]
    assert isinstance(sphere, Equirectangular)
    assert sphere.px_per_deg == 2.0
    polar = planned(CanvasWish("polar", width=500))[0]
    assert isinstance(polar, Polar)
    assert (polar.width, polar.height) == (500, 500)
    above = planned(CanvasWish("vertical", extent_m=10.0, width=400))[0]
    assert isinstance(above, Vertical)
    assert above.m_per_px == pytest.approx(0.025)
    view = planned(CanvasWish("perspective", azimuth_deg=80.0, elevation_deg=-10.0, fov_deg=50.0, width=300))[0]
    assert isinstance(view, Perspective)
    edge = view.rays(np.array([[-0.5, 112.0], [299.5, 112.0]]))[1]
    assert np.degrees(np.arccos(edge[0] @ edge[1])) == pytest.approx(50.0, abs=0.01)
    # The eyes of an overhead anaglyph lean; those of others only stand elsewhere.
    assert for_eye(above, above.path, Eye.LEFT).lean == -for_eye(above, above.path, Eye.RIGHT).lean > 0  # type: ignore[attr-defined]
    assert for_eye(polar, sphere.path, Eye.RIGHT).path is sphere.path


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"kind": "mercator"}, "projection"),
        ({"width": 3}, "width"),
        ({"width": MAX_WIDTH + 1}, "width"),
        ({"azimuth_deg": 10.0}, "azimuth"),
        ({"kind": "polar", "extent_m": 5.0}, "extent"),
        ({"kind": "perspective", "fov_deg": 180.0}, "field of view"),
        ({"kind": "perspective", "elevation_deg": float("nan")}, "elevation"),
        ({"kind": "vertical", "start_azimuth_deg": 5.0}, "start"),
    ],
)
def test_impossible_wishes_are_refused(wish: dict, why: str) -> None:
    with pytest.raises(PanoramaError, match=why):
        CanvasWish(**wish)
