"""Bookmarks in their file, and the way along them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stereo3d.errors import MissingFileError, RecordError
from stereo3d.view.bookmarks import Bookmark, along, load_bookmarks, save_bookmarks
from stereo3d.view.navigation import aimed, angles
from stereo3d.view.viewpoint import UP, Viewpoint

FREE = Viewpoint("free", np.zeros(3), np.array([0.0, 1.0, 0.0]), UP, 0.6)
MAP = Viewpoint("top", np.array([1.0, 2.0, 30.0]), -UP, np.array([0.0, 1.0, 0.0]), 7.5, parallel=True)


def looking(eye, azimuth_deg, elevation_deg, half=0.6):
    view = Viewpoint("free", np.array(eye, dtype=float), np.array([0.0, 1.0, 0.0]), UP, half)
    return aimed(view, view.eye, np.radians(azimuth_deg), np.radians(elevation_deg))


def test_a_file_gives_back_what_was_saved(tmp_path):
    marks = [
        Bookmark(
            "rock \u00e9", "walk", looking([1.0, -2.0, 1.7], 350.0, -20.0, 0.4), np.array([1.0, 2.0, 0.1]), "slope"
        ),
        Bookmark("map", "top", MAP, np.array([1.0, 2.0, 0.0])),
    ]
    loaded = load_bookmarks(save_bookmarks(tmp_path / "b.json", marks))
    for old, new in zip(marks, loaded, strict=True):
        assert (new.name, new.mode, new.layer, new.view.parallel) == (old.name, old.mode, old.layer, old.view.parallel)
        for name in ("eye", "forward", "up", "half_height"):
            np.testing.assert_allclose(getattr(new.view, name), getattr(old.view, name), atol=1e-12)
        np.testing.assert_allclose(new.focus, old.focus)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda b: b["view"].update(mode="teleport"), "no mode"),
        (lambda b: b["view"].update(eye=[1, 2]), "three coordinates"),
        (lambda b: b["view"].update(eye=[1, 2, 1e9]), "no number"),
        (lambda b: b["view"].update(eye=[1, 2, True]), "no number"),
        (lambda b: b["view"].update(fov_deg=180), "no number"),
        (lambda b: b["view"].update(fov_deg=float("nan")), "no number"),
        (lambda b: b["view"].pop("focus"), "focus"),
        (lambda b: b.pop("name"), "name"),
    ],
)
def test_strangers_files_are_refused(tmp_path, change, match):
    path = save_bookmarks(tmp_path / "b.json", [Bookmark("a", "orbit", FREE, np.ones(3))])
    values = json.loads(path.read_text())
    change(values["bookmarks"][0])
    path.write_text(json.dumps(values))
    with pytest.raises(RecordError, match=match):
        load_bookmarks(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"stereo3d": {"format": 2}, "bookmarks": []}', "[" * 100_000])
def test_what_is_no_such_file_is_refused(tmp_path, text):
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(RecordError, match="no bookmarks"):
        load_bookmarks(path)
    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(RecordError, match="too large"):
        load_bookmarks(path)
    with pytest.raises(MissingFileError):
        load_bookmarks(tmp_path / "none.json")


def test_a_file_that_may_not_be_read_is_one_line(tmp_path, monkeypatch):
    path = save_bookmarks(tmp_path / "b.json", [Bookmark("a", "orbit", FREE, np.ones(3))])

    def refused(self, mode="r"):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refused)
    with pytest.raises(RecordError, match=r"b\.json: cannot be read: Permission denied"):
        load_bookmarks(path)


def test_names_are_cut_and_unknown_layers_are_the_image(tmp_path):
    path = save_bookmarks(tmp_path / "b.json", [Bookmark("a\x1b[31m" + "b" * 300, "orbit", FREE, np.ones(3), "lava")])
    mark = load_bookmarks(path)[0]
    assert "\x1b" not in mark.name
    assert len(mark.name) == 200
    assert mark.layer == "image"


def test_the_way_goes_through_each_bookmark_by_the_shorter_turn():
    views = [
        looking([0.0, 0.0, 2.0], 350.0, 0.0),
        looking([4.0, 0.0, 2.0], 10.0, -10.0),
        looking([4.0, 4.0, 3.0], 40.0, 0.0),
    ]
    marks = [Bookmark(str(n), "orbit", view, np.ones(3)) for n, view in enumerate(views)]
    marks.insert(1, Bookmark("map", "top", MAP, np.ones(3)))
    for share, view in zip((0.0, 0.5, 1.0), views, strict=True):
        found = along(marks, share)
        np.testing.assert_allclose(found.eye, view.eye, atol=1e-12)
        np.testing.assert_allclose(found.forward, view.forward, atol=1e-12)
    azimuths = [np.degrees(angles(along(marks, s))[0]) % 360.0 for s in np.linspace(0.0, 0.5, 20)]
    assert all(a > 345.0 or a < 12.0 for a in azimuths)
    path = np.array([along(marks, s).eye for s in np.linspace(0.0, 1.0, 400)])
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert steps.max() < 3 * np.median(steps)
    turn = np.diff(path, axis=0) / steps[:, None]
    assert np.degrees(np.arccos(np.clip((turn[:-1] * turn[1:]).sum(axis=1), -1, 1))).max() < 5.0


def test_a_way_needs_two_bookmarks():
    with pytest.raises(ValueError, match="two bookmarks"):
        along([Bookmark("a", "orbit", FREE, np.ones(3)), Bookmark("map", "top", MAP, np.ones(3))], 0.5)
