"""The page in a real browser: it opens alone, shows the ground as the camera saw it, and answers mouse and fingers."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image as Pil

from stereo3d.camera import inside

GRID = """Array.from({length: 24 * 16}, (_, k) => {
  const box = viewer.canvas.getBoundingClientRect();
  const x = Math.round(box.left + (0.5 + k % 24) / 24 * box.width);
  const y = Math.round(box.top + (0.5 + Math.floor(k / 24)) / 16 * box.height);
  const point = viewer.pick(x, y);
  const ray = viewer.skyRay(x, y);
  return {x: x - box.left, y: y - box.top, ray: ray && ray.direction, origin: ray && ray.origin,
          point: point && {enu: point.enu, range_m: point.range_m, sigma_m: point.sigma_m, seen: point.seen}};
})"""
"""What lies under places all over the view."""


@pytest.mark.parametrize("kind", ["served", "one_file"])
def test_it_opens_alone_and_shows_the_ground(kind, opening, request, stop, scene_page, kept):
    """Without a word on the console or a request to another host; and the picture is that of the camera that stood
    there: the colours of the mesh under each place are those that the frame has at the pixel of its own ray."""
    address = request.getfixturevalue(kind)
    with opening(address) as opened:
        opened.settle()
        picture = opened.picture()
        Pil.fromarray(picture).save(kept / f"{kind}.png")
        places = [p for p in opened.js(GRID) if p["ray"]]
        title = opened.page.title()
        assert opened.said == []
        own = urlsplit(address)
        asked = [urlsplit(url) for url in opened.requests]
        assert [u.geturl() for u in asked if u.scheme not in ("blob", "data") and u[:2] != own[:2]] == []
        if kind == "one_file":
            assert [u for u in opened.requests if not u.startswith(("blob:", "data:"))] == [address]
    assert title == f"{scene_page.manifest['name']} \u00b7 stereo3d"
    on_ground = [p for p in places if p["point"]]
    assert len(on_ground) > 0.4 * len(places)
    camera = stop.pair.left.camera.moved(stop.enu_from_rover)
    pixels = camera.project(np.array([p["point"]["enu"] for p in on_ground]))
    assert inside(camera, pixels).mean() > 0.98
    good = inside(camera, pixels, 2.0)
    column, row = np.rint(pixels[good]).astype(int).T
    frame = stop.pair.left.image.rgb8[row, column].astype(float) * scene_page.manifest["texture"]["brightness"]
    at = np.array([[int(p["y"]), int(p["x"])] for p in on_ground])[good]
    seen = picture[at[:, 0], at[:, 1]].astype(float)
    assert np.corrcoef(seen.mean(axis=1), frame.mean(axis=1))[0, 1] > 0.9
    assert np.median(np.abs(seen - np.minimum(frame, 255))) < 8.0
    # The colour of Mars, and texture, not one tone.
    assert (seen[:, 0] > seen[:, 2]).mean() > 0.95
    assert seen.mean(axis=1).std() > 5.0


def test_a_place_is_where_the_truth_is(fresh, stop):
    """Each pick's range against the bundled scene's truth: within its sigma as often as sigma says."""
    from stereo3d.read import bundled_scene
    from stereo3d.simulate.truth_file import read_truth

    camera = stop.pair.left.camera
    truth = read_truth(bundled_scene() / "truth.tif", camera)
    enu_camera = camera.moved(stop.enu_from_rover)
    places = [p for p in fresh.js(GRID) if p["point"]]
    pixels = enu_camera.project(np.array([p["point"]["enu"] for p in places]))
    column, row = np.rint(pixels).astype(int).T
    sure = np.isfinite(truth.range_m[row, column]) & ~truth.near_step[row, column]
    sure &= np.array([p["point"]["seen"] == 1 for p in places])
    assert sure.sum() > 80
    measured = np.array([p["point"]["range_m"] for p in places])[sure]
    sigma = np.array([p["point"]["sigma_m"] for p in places])[sure]
    # The truth is that of the pixel's own ray: along slanted ground a part of a pixel changes the range.
    around = np.stack([truth.range_m[row + dy, column + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)])[:, sure]
    slant = np.nanmax(around, axis=0) - np.nanmin(around, axis=0)
    off = np.abs(measured - truth.range_m[row, column][sure])
    assert (off < 3.0 * sigma + 0.5 * slant).mean() > 0.95
    assert np.median(off / measured) < 0.005


@pytest.mark.parametrize(("key", "layer"), [("2", "elevation"), ("4", "range"), ("5", "sigma")])
def test_a_layer_shows_its_numbers_in_its_colours(fresh, scene_page, key, layer):
    """By its key; every place has the hue that the palette has for its number."""
    before = fresh.picture().astype(int)
    places = [p for p in fresh.js(GRID) if p["point"]]
    fresh.page.locator("#view").focus()
    fresh.page.keyboard.press(key)
    assert fresh.js("viewer.layer") == layer
    fresh.settle()
    shown = fresh.picture()
    assert np.abs(shown.astype(int) - before).mean() > 10.0
    about = scene_page.manifest["layers"][layer]
    table = np.frombuffer(base64.b64decode(scene_page.manifest["palettes"][about["palette"]]), np.uint8)
    table = table.reshape(256, 3).astype(float)
    points = [p["point"] for p in places]
    values = np.array([{"elevation": q["enu"][2], "range": q["range_m"], "sigma": q["sigma_m"]}[layer] for q in points])
    low, high = about["limits"]
    if about["logarithmic"]:
        share = np.log(np.maximum(values, low) / low) / np.log(high / low)
    else:
        share = (values - low) / (high - low)
    wanted = table[np.clip(np.rint(share * 255), 0, 255).astype(int)]
    at = np.array([[int(p["y"]), int(p["x"])] for p in places])
    found = shown[at[:, 0], at[:, 1]].astype(float)
    bright = (found.sum(axis=1) > 60) & (wanted.sum(axis=1) > 60)
    cosine = (found * wanted).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(wanted, axis=1)
    assert bright.mean() > 0.8
    assert np.median(cosine[bright]) > 0.995
    assert (cosine[bright] > 0.96).mean() > 0.9


def test_every_layer_is_another_picture(fresh):
    pictures = {}
    for number, layer in enumerate(
        ("image", "elevation", "slope", "range", "sigma", "seen", "hillshade", "kind"), start=1
    ):
        fresh.page.locator("#view").focus()
        fresh.page.keyboard.press(str(number))
        assert fresh.js("viewer.layer") == layer
        fresh.settle()
        pictures[layer] = fresh.picture().astype(int)
    names = list(pictures)
    for k, one in enumerate(names):
        for other in names[k + 1 :]:
            assert np.abs(pictures[one] - pictures[other]).mean() > 3.0, (one, other)
    assert fresh.said == []


def test_the_mouse_turns_and_nears_the_view(fresh):
    box = fresh.box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = fresh.js("viewer.viewState()")
    fresh.page.mouse.move(x, y)
    fresh.page.mouse.down()
    fresh.page.mouse.move(x + 120, y + 10, steps=5)
    fresh.page.mouse.up()
    fresh.settle()
    after = fresh.js("viewer.viewState()")
    turned = (after["azimuth_deg"] - before["azimuth_deg"] + 180) % 360 - 180
    assert abs(turned) > 3.0
    fresh.page.mouse.wheel(0, -400)
    fresh.settle()
    nearer = fresh.js("viewer.viewState()")
    distance = [np.linalg.norm(np.subtract(s["eye"], s["focus"])) for s in (after, nearer)]
    assert distance[1] < 0.95 * distance[0]


def test_fingers_turn_and_pinch_the_view(opening, served):
    """One finger turns, two come nearer; a phone held upright."""
    phone = {"viewport": {"width": 390, "height": 760}, "has_touch": True, "is_mobile": True, "device_scale_factor": 1}
    with opening(served, **phone) as opened:
        opened.settle()
        before_picture = opened.picture().astype(int)
        before = opened.js("viewer.viewState()")
        session = opened.page.context.new_cdp_session(opened.page)
        box = opened.box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

        def touch(kind, *points):
            session.send(
                "Input.dispatchTouchEvent",
                {"type": kind, "touchPoints": [{"x": px, "y": py, "id": k} for k, (px, py) in enumerate(points)]},
            )

        touch("touchStart", (x, y))
        for step in range(1, 6):
            touch("touchMove", (x + 20 * step, y))
        touch("touchEnd")
        opened.settle()
        after = opened.js("viewer.viewState()")
        turned = (after["azimuth_deg"] - before["azimuth_deg"] + 180) % 360 - 180
        assert abs(turned) > 3.0
        assert np.abs(opened.picture().astype(int) - before_picture).mean() > 3.0
        touch("touchStart", (x - 30, y), (x + 30, y))
        for step in range(1, 6):
            touch("touchMove", (x - 30 - 12 * step, y), (x + 30 + 12 * step, y))
        touch("touchEnd")
        opened.settle()
        nearer = opened.js("viewer.viewState()")
        distance = [np.linalg.norm(np.subtract(s["eye"], s["focus"])) for s in (after, nearer)]
        assert distance[1] < 0.9 * distance[0]
        assert opened.said == []


def test_cameras_in_javascript_are_those_in_python(fresh, stop):
    """Random places and pixels through the exact models: to a millionth of a pixel and of a radian."""
    rng = np.random.default_rng(7)
    for number, observation in enumerate(stop.observations):
        camera = observation.camera.moved(stop.enu_from_rover)
        pixels = rng.uniform([0, 0], [camera.width - 1, camera.height - 1], (200, 2))
        origins, directions = camera.ray(pixels)
        good = np.isfinite(directions).all(axis=1)
        assert good.mean() > 0.9
        places = origins[good] + directions[good] * rng.uniform(2.0, 200.0, (good.sum(), 1))
        frame = f"viewer.frames[{number}]"
        shown = fresh.js(f"argument.map((p) => {frame}.project(p))", places.tolist())
        assert np.abs(np.array(shown) - camera.project(places)).max() < 1e-6
        rays = fresh.js(f"argument.map((p) => {frame}.ray(p))", pixels[good].tolist())
        assert np.abs(np.array([r["direction"] for r in rays]) - directions[good]).max() < 1e-9
        assert np.abs(np.array([r["origin"] for r in rays]) - origins[good]).max() < 1e-9


def test_without_webgl_it_says_so(opening, served):
    """A message that a person understands, in the page."""
    with opening("about:blank", ready=False) as opened:
        opened.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
        opened.page.goto(served)
        opened.page.wait_for_function("document.body.innerText.includes('WebGL')", timeout=10_000)
        text = opened.page.inner_text("body")
        assert "WebGL" in text
        assert [line for line in opened.said if line.startswith("failed")] == []
