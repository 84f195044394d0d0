"""Flights along bookmarks."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from stereo3d.errors import OutputError, RecordError
from stereo3d.terrain.surface import Surface
from stereo3d.view.bookmarks import Bookmark
from stereo3d.view.flythrough import default_bookmarks, eased, flight_views, write_flythrough, write_video
from stereo3d.view.raycast import draw
from stereo3d.view.viewpoint import camera_viewpoint, viewpoint


def read_video(path):
    """(rate, frames (n, height, width, 3) RGB)."""
    video = cv2.VideoCapture(str(path))
    rate, frames = video.get(cv2.CAP_PROP_FPS), []
    while True:
        good, frame = video.read()
        if not good:
            break
        frames.append(frame[..., ::-1])
    code = int(video.get(cv2.CAP_PROP_FOURCC))
    video.release()
    return rate, np.array(frames), code.to_bytes(4, "little").decode()


def test_a_video_holds_its_pictures(tmp_path):
    pictures = [np.full((96, 128, 3), (10 * n, 200 - 10 * n, 40), np.uint8) for n in range(12)]
    path = write_video(tmp_path / "a.mp4", iter(pictures), (128, 96), 10)
    rate, frames, code = read_video(path)
    assert rate == 10
    assert code in ("vp09", "VP90")
    assert frames.shape == (12, 96, 128, 3)
    assert np.abs(frames.mean(axis=(1, 2)) - [p[0, 0] for p in pictures]).max() < 7
    assert path.read_bytes()[4:8] == b"ftyp"  # MP4, whatever the name says


@pytest.mark.parametrize("size", [(127, 96), (128, 5000), (32, 32)])
def test_impossible_sizes(tmp_path, size):
    with pytest.raises(OutputError, match="not possible"):
        write_video(tmp_path / "a.mp4", [], size)


def test_a_failure_leaves_nothing(tmp_path):
    def pictures():
        yield np.zeros((96, 128, 3), np.uint8)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "a.mp4", pictures(), (128, 96))
    with pytest.raises(OutputError, match="no picture"):
        write_video(tmp_path / "a.mp4", [], (128, 96))
    with pytest.raises(OutputError, match=r"expected \.mp4"):
        write_video(tmp_path / "a.webm", [], (128, 96))
    with pytest.raises(ValueError, match="a picture is"):
        write_video(tmp_path / "a.mp4", [np.zeros((10, 10, 3), np.uint8)], (128, 96))
    assert list(tmp_path.iterdir()) == []


def test_the_way_is_even_with_a_soft_start_and_stop():
    way = np.array([eased(s) for s in np.linspace(0.0, 1.0, 201)])
    assert way[0] == 0.0
    assert way[-1] == pytest.approx(1.0)
    pace = np.diff(way) * 200
    assert pace[0] < 0.1
    assert pace[-1] < 0.1
    np.testing.assert_allclose(pace[40:160], 1.0 / 0.85, rtol=1e-6)
    assert np.abs(np.diff(pace)).max() < 0.1


def test_views_pass_the_bookmarks(made_up):
    start, end = camera_viewpoint(made_up, 1.5), viewpoint(made_up, "oblique", 1.5)
    top = viewpoint(made_up, "top", 1.5)
    stops = [
        Bookmark("a", "fly", start, start.eye, "slope"), Bookmark("map", "top", top, top.eye),
        Bookmark("b", "fly", end, end.eye, "image"),
    ]  # fmt: skip
    views = list(flight_views(stops, 21))
    assert len(views) == 21
    np.testing.assert_allclose(views[0][0].eye, start.eye)
    np.testing.assert_allclose(views[-1][0].eye, end.eye)
    np.testing.assert_allclose(views[-1][0].forward, end.forward, atol=1e-9)
    assert {layer for _, layer in views} == {"slope"}


@pytest.mark.parametrize("name", ["made_up", "ring_result"])
def test_the_usual_flight_keeps_ground_in_view(request, name):
    """All around where the ground is; above the ground, which fills much of the picture."""
    result = request.getfixturevalue(name)
    surface = Surface(result.terrain.mesh)
    headings = []
    for view, _ in flight_views(default_bookmarks(result), 9):
        picture = draw(result.terrain, surface, view, (96, 54))
        assert np.isfinite(picture.ground[..., 0]).mean() > 0.25
        headings.append(view.heading_deg)
        below = surface.ground_height(*view.eye[:2])
        assert not view.eye[2] < below + 0.3
    turned = np.ptp(np.unwrap(headings, period=360.0))
    assert turned == pytest.approx(360.0, abs=1.0) if name == "ring_result" else turned < 90.0


def test_a_flight_is_written(made_up, tmp_path):
    shares = []
    path = write_flythrough(made_up, tmp_path / "f.mp4", None, (129, 97), 0.5, 8, shares.append)
    rate, frames, _ = read_video(path)
    assert rate == 8
    assert frames.shape == (4, 96, 128, 3)
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert np.abs(frames[0].astype(int) - frames[2]).mean() > 3
    start = default_bookmarks(made_up)[0]
    with pytest.raises(RecordError, match="two bookmarks"):
        write_flythrough(made_up, tmp_path / "g.mp4", [start])
    coloured = [replace(start, layer="sigma"), start]
    write_flythrough(made_up, tmp_path / "g.mp4", coloured, (128, 96), 0.25, 8)
    other = read_video(tmp_path / "g.mp4")[1]
    assert np.abs(other[0].astype(int) - frames[0]).mean() > 10
