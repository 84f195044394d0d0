"""Pictures in files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from stereo3d.errors import OutputError
from stereo3d.terrain.surface import Surface
from stereo3d.view.annotate import RINGS_M, caption, rings
from stereo3d.view.layers import LAYERS
from stereo3d.view.raycast import draw
from stereo3d.view.screenshot import check_picture_path, render_picture
from stereo3d.view.viewpoint import VIEWPOINTS, camera_centre, camera_viewpoint, viewpoint

SIZE = (480, 300)


def pixels(path):
    with Pil.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("name", VIEWPOINTS)
def test_picture_holds_the_ground_of_its_viewpoint(made_up, tmp_path, name):
    path = render_picture(made_up, tmp_path / f"{name}.png", SIZE, name)
    found = pixels(path)
    assert found.shape == (300, 480, 3)
    bare = draw(made_up.terrain, Surface(made_up.terrain.mesh), viewpoint(made_up, name, 1.6), SIZE)
    same = np.abs(found - bare.rgb).max(axis=-1) == 0
    # Caption, scale and compass lie over a part of the picture only.
    assert 0.75 < same.mean() < 0.97
    assert list(tmp_path.iterdir()) == [path]


def test_vertices_keep_their_colours_where_they_are_projected(made_up, tmp_path):
    """In the file, within 2 px of where the camera's own model puts a vertex, is the vertex's colour."""
    camera = made_up.pair.left.camera
    size = (2 * camera.width, 2 * camera.height)
    found = pixels(render_picture(made_up, tmp_path / "x.png", size))
    mesh = made_up.terrain.mesh
    chosen = np.arange(0, len(mesh.vertices), 97)
    places = 2 * camera.project(made_up.enu_from_rover.inverse().apply(mesh.vertices[chosen])) + 0.5
    keep = (places > 40).all(axis=1) & (places < np.array(size) - 60).all(axis=1)
    assert keep.sum() > 60
    good = 0
    for (x, y), pixel in zip(places[keep], mesh.pixels[chosen][keep], strict=True):
        wanted = made_up.terrain.image[int(pixel[1]), int(pixel[0])].astype(int)
        patch = found[int(y) - 2 : int(y) + 4, int(x) - 2 : int(x) + 4]
        good += np.abs(patch - wanted).max(axis=-1).min() <= 8
    # A ring or its label lies over a few.
    assert good >= 0.93 * keep.sum()


def test_layers_change_the_picture(made_up, tmp_path):
    pictures = [pixels(render_picture(made_up, tmp_path / f"{name}.png", SIZE, "camera", name)) for name in LAYERS]
    for i, first in enumerate(pictures):
        for second in pictures[i + 1 :]:
            assert np.mean(np.abs(first[140:270] - second[140:270])) > 10


def test_jpg_is_a_jpg(made_up, tmp_path):
    with Pil.open(render_picture(made_up, tmp_path / "x.JPG", SIZE)) as image:
        assert image.format == "JPEG"


def test_rings_lie_at_their_distances(made_up):
    size = (640, 400)
    picture = draw(made_up.terrain, Surface(made_up.terrain.mesh), camera_viewpoint(made_up, 1.6), size)
    rgb = picture.rgb.copy()
    labels = rings(rgb, picture.ground, camera_centre(made_up))
    assert [m for m, _, _ in labels] == [2.0, 5.0, 10.0, 20.0]
    drawn = (rgb != picture.rgb).any(axis=-1)
    distance = np.hypot(*(picture.ground[drawn] - camera_centre(made_up))[:, :2].T)
    nearest = np.min(np.abs(distance[:, None] / np.array(RINGS_M) - 1), axis=1)
    assert np.percentile(nearest, 95) < 0.06
    for metres, x, y in labels:
        there = picture.ground[y, x] - camera_centre(made_up)
        assert np.hypot(there[0], there[1]) == pytest.approx(metres, rel=0.06)


def test_scale_bar_of_the_map_is_exact(made_up, tmp_path):
    """The bar's two white quarters, counted in the file, are as long as the metres it says."""
    found = pixels(render_picture(made_up, tmp_path / "x.png", (1600, 1000), "top"))
    view = viewpoint(made_up, "top", 1.6)
    metres_per_px = 2 * view.half_height / 1000
    row = found[1000 - 42 - 24 - 3]
    white = (row[:500] > 225).all(axis=-1)
    length = (np.nonzero(white)[0].max() - np.nonzero(white)[0].min() + 1) * metres_per_px * 4 / 3
    assert min(abs(length - nice) / nice for nice in (1.0, 2.0, 5.0, 10.0)) < 0.02


def test_caption_tells_the_simulated_from_the_real(made_up):
    view = camera_viewpoint(made_up, 1.6)
    text, credit = caption(made_up, view, "image")
    assert "MADE_UP_LEFT" in text
    assert "sol 7" in text
    assert "simulated" in credit
    eyes = [replace(o, mission="Mars 2020") for o in (made_up.pair.left, made_up.pair.right)]
    real = replace(made_up, pair=type(made_up.pair)(*eyes))
    assert "NASA/JPL-Caltech" in caption(real, view, "image")[1]


@pytest.mark.parametrize(
    ("name", "message"), [("x.gif", ".png or .jpg"), ("x", ".png or .jpg"), ("none/x.png", "no such folder")]
)
def test_bad_paths_are_refused_before_the_work(tmp_path, name, message):
    with pytest.raises(OutputError, match=message):
        check_picture_path(tmp_path / name)


def test_a_folder_is_no_picture(tmp_path):
    (tmp_path / "x.png").mkdir()
    with pytest.raises(OutputError, match="folder"):
        check_picture_path(tmp_path / "x.png")


def test_a_full_disk_leaves_nothing(made_up, tmp_path, monkeypatch):
    def fail(self, name, *_args, **_options):
        Path(name).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Pil.Image, "save", fail)
    with pytest.raises(OutputError, match="No space left"):
        render_picture(made_up, tmp_path / "x.png", SIZE)
    assert list(tmp_path.iterdir()) == []


def test_the_file_appears_whole(made_up, tmp_path, monkeypatch):
    """What is written under another name is renamed at the end, which is at once only within one file system."""
    written, devices = [], []
    save = Pil.Image.save

    def watch(self, name, *args, **options):
        written.append(Path(name))
        devices.append(Path(name).parent.stat().st_dev)
        save(self, name, *args, **options)

    monkeypatch.setattr(Pil.Image, "save", watch)
    path = render_picture(made_up, tmp_path / "x.png", SIZE)
    assert path.exists()
    assert written
    assert path not in written
    assert set(devices) == {path.parent.stat().st_dev}
    assert list(tmp_path.iterdir()) == [path]
