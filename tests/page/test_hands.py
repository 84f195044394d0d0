"""What hands do beyond pointing: keys alone, thumbs on a phone, links that carry views, films."""

from __future__ import annotations

import base64
import json
import re

import cv2
import numpy as np
import pytest

TOOLS = {
    "point": ("p", 1), "distance": ("l", 2), "polyline": ("k", 3), "height": ("i", 4), "area": ("r", 3),
    "angle": ("g", 3), "plane": ("n", 2), "profile": ("j", 2),
}  # fmt: skip
"""Key of each tool, and how many places it takes."""

THUMB_PX = 44

NAMELESS = """[...document.querySelectorAll('button, input, select, textarea, [role=img]')].filter((e) => {
    const beside = e.labels?.[0]?.textContent || e.closest('label')?.textContent;
    const label = e.getAttribute('aria-label') || e.textContent || beside;
    return e.getClientRects().length > 0 && !label?.trim();
}).map((e) => e.outerHTML)"""

SMALL = """[...document.querySelectorAll('button, input, select')].filter((e) => {
    const target = ['checkbox', 'radio'].includes(e.type) ? e.closest('label') : e;
    const box = target.getBoundingClientRect();
    return box.width > 0 && (box.width < argument || box.height < argument);
}).map((e) => e.outerHTML)"""


def turned(opened, azimuth_deg, elevation_deg):
    """Look elsewhere from the same place."""
    view = {**opened.first, "mode": "walk", "azimuth_deg": azimuth_deg, "elevation_deg": elevation_deg}
    opened.js("viewer.setView(argument, {seconds: 0})", view)
    opened.settle()


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_by_keys_alone(fresh, tool):
    """The cross in the middle of the view picks; each result tells its sigma."""
    key, count = TOOLS[tool]
    middle = fresh.first["azimuth_deg"]
    fresh.page.locator("#view").focus()
    fresh.page.keyboard.press(key)
    before = fresh.js("window.stereo3d.ui.measure.results.length")
    for i in range(count):
        angle = 2.0 * np.pi * i / count
        turned(fresh, middle + 3.0 * np.sin(angle), -34.0 + 3.0 * np.cos(angle))
        assert fresh.page.evaluate("document.activeElement.id") == "view"
        fresh.page.keyboard.press("Enter")
        fresh.page.wait_for_timeout(60)
    if tool in ("polyline", "area"):
        fresh.page.keyboard.press("Shift+Enter")
    found = fresh.js("window.stereo3d.ui.measure.results.map((r) => [r.tool, r.headline])")
    assert len(found) == before + 1
    assert found[0][0] == tool
    assert re.search(r"\d\S* ± \d", found[0][1]), found[0][1]
    assert fresh.js("document.querySelector('#message').getAttribute('aria-live')") == "polite"
    assert fresh.said == []


def test_a_place_taken_back_counts_no_more(fresh):
    fresh.page.locator("#view").focus()
    fresh.page.keyboard.press("k")
    for turn in (0.0, 2.0, 4.0):
        turned(fresh, fresh.first["azimuth_deg"] + turn, -33.0)
        fresh.page.keyboard.press("Enter")
        fresh.page.wait_for_timeout(60)
    fresh.page.keyboard.press("Backspace")
    fresh.page.keyboard.press("Shift+Enter")
    assert fresh.js("window.stereo3d.ui.measure.results[0].points.length") == 2


def test_a_hole_tells_its_reason(fresh):
    """The sky is no ground, and the page says that it is sky, in the frame's own pixel."""
    turned(fresh, fresh.first["azimuth_deg"], 1.5)
    box = fresh.box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 0.45 * box["height"]
    assert fresh.js("viewer.pick(argument[0], argument[1])", [x, y]) is None
    fresh.page.mouse.click(x, y)
    fresh.page.wait_for_function("() => document.querySelector('#message').textContent.includes('No ground there')")
    said = fresh.words("message")
    column, row = map(int, re.search(r"column (\d+), row (\d+)", said).groups())
    reason = fresh.js("viewer.frames[0].reasonAt(argument)", [column, row])
    assert reason is not None
    assert f"No ground there: {reason}" in said


def test_a_link_carries_the_views_and_no_harm(opening, served):
    name = '<img src=x onerror="alert(1)">'
    with opening(served) as first:
        first.page.get_by_test_id("panel-places").click()
        first.page.get_by_test_id("bookmark-name").fill(name)
        first.page.get_by_test_id("bookmark-add").click()
        turned_view = {**first.js("viewer.viewState()"), "azimuth_deg": 200.0}
        first.js("viewer.setView(argument, {seconds: 0})", turned_view)
        first.page.get_by_test_id("bookmark-add").click()
        link = first.page.url
        kept = first.js("window.stereo3d.ui.bookmarks.list")
    assert "#views=" in link
    with opening(link) as second:
        assert second.js("window.stereo3d.ui.bookmarks.list") == kept
        second.page.get_by_test_id("panel-places").click()
        assert second.page.locator("img").count() == 0
        assert second.page.get_by_test_id("bookmark-rename").first.input_value() == name
        second.js("window.stereo3d.ui.bookmarks.go(window.stereo3d.ui.bookmarks.list[1], 0)")
        assert second.js("viewer.viewState().azimuth_deg") == pytest.approx(200.0, abs=1e-3)
        assert second.said == []
    good = {"mode": "orbit", "eye": [1, 2, 3], "azimuth_deg": 0, "elevation_deg": 0}
    wrong = (
        {"eye": [1, 2]},
        {"eye": [1, 2, 1e9]},
        {"mode": "constructor"},
        {"azimuth_deg": "0"},
        {"elevation_deg": 91},
    )
    harm = [*({"name": "a", "view": {**good, **one}} for one in wrong), {"name": "b"}, 7, None]
    bad = base64.urlsafe_b64encode(json.dumps(harm).encode()).decode().rstrip("=")
    with opening(f"{served}#views={bad}") as third:
        assert third.js("window.stereo3d.ui.bookmarks.list") == []
        assert third.said == []


def test_a_film_along_the_bookmarks_is_a_film(opening, served, tmp_path):
    """Eleven pictures of the asked size, the first and the last of which differ; the view is then what it was."""
    with opening(served) as opened:
        start = opened.js("viewer.viewState()")
        opened.js("window.stereo3d.ui.bookmarks.add('a')")
        opened.js("viewer.setView(argument, {seconds: 0})", {**start, "azimuth_deg": start["azimuth_deg"] + 25.0})
        opened.js("window.stereo3d.ui.bookmarks.add('b')")
        before = opened.js("viewer.viewState()")
        made = opened.js(
            "window.stereo3d.ui.makeFilm({width: 320, height: 180, fps: 10, secondsEach: 1}).then(async (film) =>"
            " [film.ending, film.codec, btoa(String.fromCharCode(...new Uint8Array(await film.blob.arrayBuffer())))])"
        )
        after = opened.js("viewer.viewState()")
        assert opened.said == []
    ending, codec, data = made
    assert ending == "mp4", codec
    path = tmp_path / "film.mp4"
    path.write_bytes(base64.b64decode(data))
    film = cv2.VideoCapture(str(path))
    pictures = []
    while True:
        there, picture = film.read()
        if not there:
            break
        pictures.append(picture.astype(int))
    assert len(pictures) == 11
    assert pictures[0].shape == (180, 320, 3)
    assert pictures[0].std() > 20
    assert np.abs(pictures[-1] - pictures[0]).mean() > 8
    for key in ("azimuth_deg", "elevation_deg"):
        assert after[key] == pytest.approx(before[key], abs=1e-6)


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("hand", ["mouse", "thumb"])
def test_every_control_has_a_name_and_room_for_a_thumb(opening, served, hand):
    with opening(served, **(PHONE if hand == "thumb" else {})) as opened:
        panels = opened.js("[...window.stereo3d.ui.shell.panels.keys()]")
        assert len(panels) == 7
        opened.js("window.stereo3d.ui.bookmarks.add('a')")
        for panel in panels:
            opened.js("window.stereo3d.ui.shell.show(argument)", panel)
            assert opened.js(NAMELESS) == [], panel
            if hand == "thumb":
                assert opened.js(SMALL, THUMB_PX) == [], panel
                # The panel is a sheet below the view, which stays to be touched.
                assert opened.box()["height"] > 250
                assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert opened.said == []


def test_the_help_lists_every_tool_and_panel(fresh):
    fresh.page.locator("#view").focus()
    fresh.page.keyboard.press("?")
    words = fresh.words("help")
    buttons = "[...document.querySelectorAll('#bar button')].map((b) => b.textContent)"
    for name in [*fresh.js(buttons), "Point", "Profile", "Backspace", "Two fingers"]:
        assert name in words or name == "Help"
    fresh.page.get_by_test_id("licences").click()
    fresh.page.wait_for_function("() => document.querySelector('.licences').textContent.includes('three')")
    fresh.page.keyboard.press("Escape")
    assert not fresh.page.get_by_test_id("help").is_visible()
