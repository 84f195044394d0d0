"""Where the view can stand: pixels fit places in every mode, a walker stays on the ground, frames lie on the mesh."""

from __future__ import annotations

import base64
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

ROUND_TRIP = """(() => {
  const box = viewer.canvas.getBoundingClientRect();
  const away = [];
  for (let k = 0; k < 40; k++) {
    const x = box.left + box.width * (0.05 + 0.9 * ((k * 0.618) % 1));
    const y = box.top + box.height * (0.3 + 0.65 * (k / 40));
    const point = viewer.pick(x, y);
    if (!point) continue;
    const there = viewer.toScreen(point.enu);
    away.push(there.visible ? Math.hypot(there.x - x, there.y - y) : 1e9);
  }
  return away;
})()"""
"""px between pixels and the places picked there, brought back to the screen."""


@pytest.mark.parametrize("mode", ["orbit", "walk", "fly", "top"])
@pytest.mark.parametrize("exaggeration", [1, 3])
def test_a_picked_place_is_shown_where_it_was_picked(fresh, mode, exaggeration):
    """The picture, the search for the ground and the marks know of the same exaggeration."""
    fresh.js(
        "(viewer.mode = argument[0], viewer.set({exaggeration: argument[1]}), viewer.render())", [mode, exaggeration]
    )
    away = fresh.js(ROUND_TRIP)
    fresh.js("viewer.set({exaggeration: 1})")
    assert len(away) > 10
    assert max(away) < 1e-6


def test_a_picked_place_is_shown_where_it_was_picked_in_a_frame(fresh):
    """Through the frame's own camera, and in its picture magnified."""
    fresh.js("viewer.showFrame(1, {mix: 0.5})")
    fresh.js("(viewer.frameView.zoom(300, 200, 3), viewer.render())")
    away = fresh.js(ROUND_TRIP)
    fresh.js("viewer.showFrame(null)")
    assert len(away) > 10
    assert max(away) < 1e-3


def test_the_map_has_north_up_and_one_scale(fresh):
    fresh.js("(viewer.mode = 'top', viewer.render())")
    at = fresh.js("[[5, 0, 0], [5, 2, 0], [7, 0, 0], [5, 0, 1]].map((enu) => viewer.toScreen(enu))")
    here, north, east, above = np.array([[p["x"], p["y"]] for p in at])
    state = fresh.js("({m: viewer.viewState().height_m, px: viewer.canvas.clientHeight})")
    px = 2.0 * state["px"] / state["m"]
    np.testing.assert_allclose(north - here, [0.0, -px], atol=1e-6)
    np.testing.assert_allclose(east - here, [px, 0.0], atol=1e-6)
    np.testing.assert_allclose(above, here, atol=1e-6)


def test_a_walker_stays_on_the_ground_and_over_holes_at_their_height(fresh):
    """Eyes 1.7 m above the ground; where there is none, at the last height, for as long as it takes."""
    heights = """(() => {
      viewer.mode = 'walk';
      const found = [];
      for (let k = 0; k < 300; k++) {
        const p = viewer.pose;
        const turn = k * Math.PI / 150;  // a circle 4 m wide, which leaves the arc that was seen
        viewer.go({...p, eye: [p.eye[0] + 0.085 * Math.sin(turn), p.eye[1] + 0.085 * Math.cos(turn), p.eye[2]]});
        const [e, n, u] = viewer.viewState().eye;
        found.push([u, viewer.groundHeight(e, n)]);
      }
      return found;
    })()"""
    found = fresh.js(heights)
    on_ground = [(u, g) for u, g in found if g is not None]
    assert len(on_ground) > 100
    np.testing.assert_allclose([u - g for u, g in on_ground], 1.7, atol=1e-9)
    over_hole = [(before, now) for (before, _), (now, g) in pairwise(found) if g is None]
    assert over_hole
    assert all(before == now for before, now in over_hole)


def test_keys_walk_ahead(fresh):
    fresh.js("(viewer.mode = 'walk', viewer.canvas.focus())")
    before = fresh.js("viewer.viewState()")
    fresh.page.keyboard.down("w")
    fresh.page.wait_for_timeout(900)
    fresh.page.keyboard.up("w")
    after = fresh.js("viewer.viewState()")
    moved = np.subtract(after["eye"], before["eye"])[:2]
    azimuth = np.radians(before["azimuth_deg"])
    assert moved @ [np.sin(azimuth), np.cos(azimuth)] > 0.3
    assert abs(moved @ [np.cos(azimuth), -np.sin(azimuth)]) < 1e-6


def test_a_view_comes_back(fresh):
    first = fresh.js("viewer.viewState()")
    other = {**first, "azimuth_deg": 10.0, "eye": [2.0, 3.0, 4.0], "fov_deg": 40.0}
    fresh.page.evaluate("(state) => window.stereo3d.viewer.setView(state, {seconds: 0.3})", other)
    there = fresh.js("viewer.viewState()")
    assert there["azimuth_deg"] == pytest.approx(10.0)
    assert there["eye"] == pytest.approx([2.0, 3.0, 4.0])
    assert there["fov_deg"] == pytest.approx(40.0)
    fresh.page.evaluate("(state) => window.stereo3d.viewer.setView(state, {seconds: 0.3})", first)
    back = fresh.js("viewer.viewState()")
    assert back["eye"] == pytest.approx(first["eye"])
    assert back["azimuth_deg"] == pytest.approx(first["azimuth_deg"])


def test_a_frame_lies_on_the_mesh_to_a_fraction_of_a_pixel(fresh):
    """The mesh drawn through the frame's camera against the frame, both band-passed: no shift makes them fit better.

    Other shifts of half a pixel fit worse in every quarter of the picture.
    """
    fresh.js("viewer.showFrame(0, {mix: 0.5})")
    code = """(() => {
      const {width, height, ground, picture} = viewer.frameView.luma(viewer.frames[0], 1280);
      const text = (values) => {
        const bytes = new Uint8Array(new Float32Array(values).buffer);
        let all = '';
        for (let i = 0; i < bytes.length; i += 8192) all += String.fromCharCode(...bytes.subarray(i, i + 8192));
        return btoa(all);
      };
      return [width, height, text(ground), text(picture)];
    })()"""
    width, height, *texts = fresh.js(code)
    fresh.js("viewer.showFrame(null)")
    ground, picture = (np.frombuffer(base64.b64decode(t), np.float32).reshape(height, width) for t in texts)
    on = np.isfinite(ground)
    assert on.mean() > 0.4
    ground = np.where(on, ground, picture)
    bands = [gaussian_filter(image, 1.0) - gaussian_filter(image, 10.0) for image in (ground, picture)]
    near_gap = gaussian_filter(on.astype(np.float32), 4.0) < 0.999

    def fit(part: tuple[slice, slice], move: tuple[float, float]) -> float:
        moved = shift(bands[0][part], move, order=1, mode="nearest")[4:-4, 4:-4]
        used = ~near_gap[part][4:-4, 4:-4]
        return float(np.corrcoef(moved[used], bands[1][part][4:-4, 4:-4][used])[0, 1])

    half = (slice(0, height // 2), slice(height // 2, height))
    wide = (slice(0, width // 2), slice(width // 2, width))
    for rows in half:
        for columns in wide:
            part = (rows, columns)
            if (~near_gap[part]).mean() < 0.3:
                continue
            still = fit(part, (0.0, 0.0))
            assert still > 0.9
            for move in ((0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5)):
                assert fit(part, move) < still


def test_the_strip_and_the_ground_share_the_cursor(fresh, scene_page):
    """A place of the strip is a direction from the eye; a click on it measures the ground there."""
    about = scene_page.manifest["panorama"]
    fresh.page.evaluate("window.stereo3d.viewer.strip.image || new Promise((done) => setTimeout(done, 1500))")
    fresh.js(
        "(window.heard = [], viewer.addEventListener('hover', (e) => heard.push(e.detail)),"
        " viewer.addEventListener('click', (e) => heard.push(e.detail)))"
    )
    box = fresh.box("#strip canvas")
    x, y = box["x"] + 0.5 * box["width"], box["y"] + 0.6 * box["height"]
    fresh.page.mouse.move(x, y)
    fresh.page.wait_for_timeout(200)
    hover = fresh.js("heard.at(-1)")
    span = about["width"] * about["deg_per_px"]
    assert hover["azimuth_deg"] == pytest.approx((about["azimuth_left_deg"] + 0.5 * span) % 360.0, abs=0.2)
    assert fresh.js("viewer.pointing.ring.visible")
    ray = np.subtract(hover["point"]["enu"], scene_page.manifest["eye"])
    azimuth = np.degrees(np.arctan2(ray[0], ray[1])) % 360.0
    elevation = np.degrees(np.arctan2(ray[2], np.hypot(ray[0], ray[1])))
    assert azimuth == pytest.approx(hover["azimuth_deg"], abs=1e-6)
    assert elevation == pytest.approx(hover["elevation_deg"], abs=1e-6)
    fresh.page.mouse.click(x, y)
    fresh.page.wait_for_timeout(200)
    click = fresh.js("heard.filter((one) => 'ray' in one).at(-1)")
    assert click["strip"] is True
    assert click["point"]["enu"] == pytest.approx(hover["point"]["enu"], abs=1e-6)
    # And back: the cursor over the ground shows in the strip.
    view = fresh.box()
    fresh.page.mouse.move(view["x"] + 0.5 * view["width"], view["y"] + 0.7 * view["height"])
    fresh.page.wait_for_timeout(300)
    assert not fresh.js("viewer.pointing.ring.visible")
    mark, last = fresh.js("[viewer.strip.mark, heard.at(-1)]")
    assert mark["azimuth_deg"] == last["azimuth_deg"]
    assert last["point"] is not None


def test_the_anaglyph_shows_each_eye_its_own_picture(fresh):
    """Red is the left eye's, green and blue the right one's: alike with the eyes together, moved when they part."""
    fresh.js("viewer.set({anaglyph: true, eyeBase_m: 0.001, dome: false, strip: false})")
    fresh.settle()
    together = fresh.picture().astype(int)
    fresh.js("viewer.set({eyeBase_m: 0.26})")
    fresh.settle()
    apart = fresh.picture().astype(int)
    scale = fresh.js("viewer.options().worldScale")
    fresh.js("viewer.set({anaglyph: false, eyeBase_m: 0.2, dome: true, strip: true})")
    ground = slice(together.shape[0] // 3, -80)
    assert np.abs(together[ground, :, 0] - together[ground, :, 1]).mean() < 2.0
    assert np.abs(apart[ground, :, 0] - apart[ground, :, 1]).mean() > 6.0
    assert np.abs(apart[ground, :, 1] - apart[ground, :, 2]).mean() < 2.0
    assert scale == pytest.approx(4.0)


def test_shadows_darken_and_a_low_sun_more(fresh):
    fresh.js("(viewer.layer = 'hillshade', viewer.set({sunAzimuth_deg: 90, sunElevation_deg: 15, shadows: false}))")
    fresh.settle()
    bare = fresh.picture().astype(int)
    fresh.js("viewer.set({shadows: true})")
    fresh.settle()
    cast = fresh.picture().astype(int)
    fresh.js("viewer.set({sunElevation_deg: 80})")
    fresh.settle()
    high = fresh.picture().astype(int)
    darker = (bare - cast).max(axis=2) > 20
    assert 0.002 < darker.mean() < 0.5
    assert (cast - bare).max() < 30  # nothing grows lighter but where a mark of the page moved
    assert high.mean() > cast.mean() + 10.0
