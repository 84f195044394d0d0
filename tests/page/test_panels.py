"""The panels in a real browser: clicks that measure, annotations that come back, pictures that are saved."""

from __future__ import annotations

import io
import json
import re

import numpy as np
from PIL import Image as Pil

from stereo3d.read import bundled_scene
from stereo3d.simulate.truth_file import read_truth

STEPS_PX = 90


def clicked(opened, stop, count, minimum_apart=STEPS_PX):
    """Whole pixels of the window whose own rays meet sure ground, and their true places (n, 3), m, ENU.

    The page first stands where the left camera stood, so the truth of a click is the truth of the frame's pixel on the
    same ray, between its four neighbours.
    """
    camera = stop.pair.left.camera
    truth = read_truth(bundled_scene() / "truth.tif", camera)
    enu_camera = camera.moved(stop.enu_from_rover)
    box = opened.box()
    rng = np.random.default_rng(3)
    found, places = [], []
    for _ in range(400):
        x, y = np.rint(
            [box["x"] + rng.uniform(0.1, 0.9) * box["width"], box["y"] + rng.uniform(0.35, 0.9) * box["height"]]
        ).tolist()
        if any(np.hypot(x - a, y - b) < minimum_apart for a, b in found):
            continue
        on_top = opened.js("document.elementFromPoint(argument[0], argument[1]) === viewer.canvas", [x, y])
        ray = opened.js("viewer.skyRay(argument[0], argument[1])", [x, y])
        if not on_top or ray is None:
            continue
        assert np.linalg.norm(np.subtract(ray["origin"], enu_camera.C)) < 1e-6
        pixel = enu_camera.project(np.add(ray["origin"], 10.0 * np.array(ray["direction"])))
        column, row = np.floor(pixel).astype(int)
        if not (1 <= column < camera.width - 2 and 1 <= row < camera.height - 2):
            continue
        part = (slice(row, row + 2), slice(column, column + 2))
        if (
            not np.isfinite(truth.range_m[part]).all()
            or truth.near_step[row - 1 : row + 3, column - 1 : column + 3].any()
        ):
            continue
        fx, fy = pixel - [column, row]
        weights = np.array([[(1 - fx) * (1 - fy), fx * (1 - fy)], [(1 - fx) * fy, fx * fy]])
        range_m = 1.0 / (weights / truth.range_m[part]).sum()
        found.append((x, y))
        places.append(np.array(ray["origin"]) + range_m * np.array(ray["direction"]))
        if len(found) == count:
            return found, np.array(places)
    raise AssertionError(f"only {len(found)} places to click")


def test_distances_by_clicks_equal_the_truth_within_their_sigma(fresh, stop):
    """Twelve pairs of clicks with the tool; what the panel says is read as a person reads it."""
    clicks, places = clicked(fresh, stop, 16, 40)
    truths = []
    fresh.page.keyboard.press("l")
    clicks, places = clicked(fresh, stop, 24, 40)  # the panel has made the view narrower
    for k in range(0, 24, 2):
        for x, y in clicks[k : k + 2]:
            fresh.page.mouse.click(x, y)
            fresh.page.wait_for_timeout(400)  # two clicks are no double click
        truths.append(np.linalg.norm(places[k + 1] - places[k]))
    results = fresh.page.get_by_test_id("result-headline").all_inner_texts()[::-1]
    assert len(results) == 12
    off = []
    for text, truth in zip(results, truths, strict=True):
        value, sigma = map(float, re.match(r"([\d.]+) ?± ?([\d.]+) ?m\b", text).groups())
        off.append((value - truth) / sigma)
        assert abs(value - truth) < 3.0 * sigma, text
        assert sigma < 0.05 * truth + 0.05, text
    assert np.abs(off).max() > 0.01
    fresh.page.keyboard.press("Escape")
    fresh.page.keyboard.press("Escape")
    assert fresh.said == []


def test_annotations_come_back_and_python_reads_them(fresh, stop, tmp_path, opening, served):
    """A point, a line and an area by clicks, named with letters that could do harm; saved, loaded by another browser,
    and read by the Python package at the same places."""
    from stereo3d.read.annotations import read_annotations

    fresh.page.get_by_test_id("panel-mark").click()
    name = '<img src=x onerror=alert(1)> & "co"'
    clicks, _ = clicked(fresh, stop, 6, 60)
    for kind, count in (("point", 1), ("line", 2), ("area", 3)):
        fresh.page.get_by_test_id(f"mark-{kind}").click()
        for x, y in clicks[:count]:
            fresh.page.mouse.click(x, y)
            fresh.page.wait_for_timeout(400)
        if kind != "point":
            fresh.page.get_by_test_id("mark-done").click()
        fresh.page.get_by_test_id("mark-name").fill(f"{kind} {name}")
        fresh.page.wait_for_timeout(350)
        clicks = clicks[count:]
    with fresh.page.expect_download() as waiting:
        fresh.page.get_by_test_id("annotations-save").click()
    path = tmp_path / waiting.value.suggested_filename
    assert path.suffix == ".geojson"
    waiting.value.save_as(path)
    assert fresh.page.locator("img").count() == 0
    content = json.loads(path.read_text(encoding="utf-8"))
    left = stop.pair.left
    about = {"format": 1, "frame": "SITE", "mission": "simulated", "site": left.site, "drive": left.drive}
    assert content["stereo3d"] == about
    there = fresh.js("window.stereo3d.ui.annotations.list.map((a) => [a.kind, a.name, a.points.map((p) => p.enu)])")
    read = read_annotations(path, stop)
    assert [a.kind for a in read] == ["point", "line", "area"]
    for annotation, (kind, title, enus) in zip(read, there, strict=True):
        assert (annotation.kind, annotation.name) == (kind, title)
        assert np.abs(annotation.points - np.array(enus)).max() < 1e-3
        assert (annotation.sigma_m > 0).all()
    with opening(served) as other:
        assert other.js("window.stereo3d.ui.annotations.list.length") == 0
        other.page.get_by_test_id("panel-mark").click()
        other.page.get_by_test_id("annotations-file").set_input_files(path)
        other.page.wait_for_function("window.stereo3d.ui.annotations.list.length === 3")
        again = other.js("window.stereo3d.ui.annotations.list.map((a) => [a.kind, a.name, a.points.map((p) => p.enu)])")
        assert [a[:2] for a in again] == [a[:2] for a in there]
        for one, same in zip(again, there, strict=True):
            assert np.abs(np.array(one[2]) - np.array(same[2])).max() < 1e-3
        hostile = tmp_path / "hostile.geojson"
        hostile.write_text(json.dumps({**content, "features": [{"type": "Feature", "geometry": {"type": "Point"}}]}))
        other.page.get_by_test_id("annotations-file").set_input_files(hostile)
        other.page.wait_for_function("document.querySelector('#message').innerText.includes('was not loaded')")
        assert other.js("window.stereo3d.ui.annotations.list.length") == 3
        assert other.said == []
    with fresh.page.expect_download() as waiting:
        fresh.page.get_by_test_id("annotations-csv").click()
    rows = waiting.value.path().read_text(encoding="utf-8").splitlines()
    assert rows[0].lstrip("\ufeff") == (
        "name,kind,vertex,site_x_north_m,site_y_east_m,site_z_down_m,east_m,north_m,up_m,sigma_m,note"
    )
    assert len(rows) == 1 + 1 + 2 + 3
    fresh.js("window.stereo3d.ui.annotations.clear()")
    assert fresh.said == []


def test_every_panel_opens_by_its_key_and_shows_something(fresh):
    buttons = "[...document.querySelectorAll('#bar [aria-keyshortcuts]')]"
    keys = fresh.js(f"{buttons}.map((b) => [b.dataset.testid, b.getAttribute('aria-keyshortcuts')])")
    panels = {name.removeprefix("panel-"): key for name, key in keys if name.startswith("panel-")}
    assert len(panels) >= 6
    texts = set()
    fresh.page.locator("#view").focus()
    for key in panels.values():
        fresh.page.keyboard.press(key)
        assert fresh.page.locator("#panel").is_visible()
        texts.add(fresh.page.locator("#panel").inner_text())
        focusable = fresh.page.locator("#panel button, #panel input, #panel select").count()
        assert focusable > 1
        fresh.page.keyboard.press(key)
        assert not fresh.page.locator("#panel").is_visible()
    assert len(texts) == len(panels)
    fresh.page.keyboard.press("h")
    assert fresh.page.locator("dialog[open]").count() == 1
    fresh.page.keyboard.press("Escape")
    assert fresh.page.locator("dialog[open]").count() == 0
    assert fresh.said == []


def test_the_frame_and_the_mesh_through_its_camera_agree(fresh):
    """Standing where the camera stood: the residual's correlation, told by the page."""
    fresh.js("viewer.showFrame(0, {mix: 0.5, wipe: null, residual: true})")
    fresh.settle()
    fresh.page.wait_for_function("window.stereo3d.viewer.framing?.fit", timeout=20_000)
    fit = fresh.js("viewer.framing.fit")
    assert fit["correlation"] > 0.9
    fresh.js("viewer.showFrame(0, {mix: 1, wipe: null, residual: false})")
    fresh.settle()
    frame = fresh.picture().astype(int)
    fresh.js("viewer.showFrame(0, {mix: 0, wipe: null, residual: false})")
    fresh.settle()
    mesh = fresh.picture().astype(int)
    both = (frame.sum(axis=2) > 90) & (mesh.sum(axis=2) > 90)
    assert both.mean() > 0.3
    assert np.corrcoef(frame[both].mean(axis=1), mesh[both].mean(axis=1))[0, 1] > 0.85
    fresh.js("viewer.showFrame(null)")


def test_a_screenshot_is_saved_with_its_size(fresh):
    fresh.page.keyboard.press("u")
    with fresh.page.expect_download(timeout=20_000) as waiting:
        fresh.page.locator("#panel button", has_text=re.compile("save", re.IGNORECASE)).first.click()
    path = waiting.value.path()
    with Pil.open(io.BytesIO(path.read_bytes())) as picture:
        assert min(picture.size) > 300
        assert np.asarray(picture.convert("L")).std() > 15.0
    fresh.page.keyboard.press("u")
