"""All pairs of a folder as one ground: from the command line to files that other programs read."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
import tifffile
import trimesh
from PIL import Image as Pil

from stereo3d.cli import common
from stereo3d.cli.main import main
from stereo3d.export.products import GROUND, PRODUCTS, RASTERS, pair_folder


@pytest.fixture
def measured_once(ring_result, monkeypatch):
    """The six pairs are measured once for all tests; the commands still read them and say what they are."""

    def reconstruct_scene(scene, settings, progress, store):
        assert len(scene.pairs) == 6
        progress("texturing", 0.9)
        return ring_result

    monkeypatch.setattr(common, "reconstruct_scene", reconstruct_scene)


def around(vertices, within_m=12.0, bins=24):
    """How many of points (n, 3), Y up, X east, Z south, lie within so many metres, in each of so many directions."""
    east, north = vertices[:, 0], -vertices[:, 2]
    near = np.hypot(east, north) < within_m
    return np.histogram(np.degrees(np.arctan2(east[near], north[near])) % 360.0, bins, (0.0, 360.0))[0]


def test_a_folder_becomes_one_glb_all_around(ring_folder, tmp_path, capsys):
    """With nothing cached: from files to a file."""
    path = tmp_path / "around.glb"
    assert main(["export", str(ring_folder), "-o", str(path)]) == 0
    assert "wrote" in capsys.readouterr().out
    assert [p.name for p in tmp_path.iterdir()] == ["around.glb"]
    scene = trimesh.load(path, process=False)
    assert list(scene.geometry) == ["terrain"]
    body = scene.geometry["terrain"]
    # The deck hides one direction, seen from the rover's origin a part of two, as far as so small pictures can measure.
    assert np.sort(around(body.vertices))[2] > 50
    texture = body.visual.material.baseColorTexture
    assert texture.width > 4 * 320 * 0.7
    assert np.asarray(texture.convert("L")).std() > 10


def test_one_pair_of_it_stays_one_pair(ring_folder, tmp_path):
    path = tmp_path / "one.glb"
    assert main(["export", str(ring_folder), "--pair", "2", "-o", str(path)]) == 0
    body = trimesh.load(path, process=False).geometry["terrain"]
    assert (around(body.vertices) == 0).sum() > 12
    assert body.visual.material.baseColorTexture.size == (320, 240)


def test_two_folders_and_loose_images_are_one_set_too(ring_folder, tmp_path, monkeypatch, ring_result):
    seen = []

    def reconstruct_scene(scene, settings, progress, store):
        seen.append([p.name for p in scene.pairs])
        return ring_result

    monkeypatch.setattr(common, "reconstruct_scene", reconstruct_scene)
    images = [str(p) for p in sorted(ring_folder.glob("*_0[23].webp"))]
    assert len(images) == 4
    assert main(["export", *images, "-o", str(tmp_path / "x.ply")]) == 0
    assert len(seen[0]) == 2


def test_fewer_triangles_without_holes_on_request(ring_folder, tmp_path):
    bodies = []
    for number, options in enumerate(([], ["--faces", "3000"], ["--fill"])):
        path = tmp_path / f"{number}.ply"
        assert main(["export", str(ring_folder), "--pair", "2", *options, "-o", str(path)]) == 0
        bodies.append(trimesh.load(path, process=False))
    whole, thin, filled = bodies
    assert 2000 < len(thin.faces) <= 3000 < len(whole.faces)
    kinds = [body.metadata["_ply_raw"]["face"]["data"]["kind"] for body in bodies]
    assert [(kind != 0).any() for kind in kinds] == [False, False, True]
    # The same ground.
    for body in (thin, filled):
        assert np.abs(np.percentile(body.vertices, [5, 95], axis=0) - np.percentile(whole.vertices, [5, 95], axis=0)
                      ).max() < 1.5  # fmt: skip


@pytest.mark.parametrize("text", ["999", "-5", "1e6", "many", "99999999999"])
def test_absurd_numbers_of_triangles_are_one_line(text, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["export", "--faces", text, "-o", str(tmp_path / "x.glb")])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "--faces" in error


@pytest.mark.usefixtures("measured_once")
def test_reconstruct_writes_the_ground_and_a_folder_for_each_pair(ring_folder, ring_result, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["reconstruct", str(ring_folder), "-o", str(out)]) == 0
    folders = {pair_folder(n) for n in range(1, 7)}
    assert {p.name for p in out.iterdir()} == folders | set(GROUND)
    for number, measured in enumerate(ring_result.pairs, start=1):
        folder = out / pair_folder(number)
        assert {p.name for p in folder.iterdir()} == set(RASTERS)
        np.testing.assert_array_equal(tifffile.imread(folder / "reason.tif"), measured.xyz.reason)
    cloud = trimesh.load(out / "cloud.ply")
    assert len(cloud.vertices) == ring_result.ground.fused.xyz.measured.sum()
    assert len(cloud.vertices) < 0.9 * sum(m.xyz.measured.sum() for m in ring_result.pairs)
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert len(report["pairs"]) == 6
    assert report["seconds"]["total"] > 0
    with Pil.open(out / "preview.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 20
    told = capsys.readouterr().out
    assert "pair 6, " in told
    assert "small-ring, 6 pairs: " in told
    # Fewer pairs the next time: nothing of the old ones is left.
    assert main(["reconstruct", str(ring_folder), "--pair", "1", "-o", str(out)]) == 0
    assert {p.name for p in out.iterdir()} == set(PRODUCTS)


@pytest.mark.usefixtures("measured_once")
@pytest.mark.parametrize("viewpoint", ["camera", "top", "oblique"])
def test_pictures_of_a_set_show_the_ground(ring_folder, tmp_path, viewpoint):
    path = tmp_path / "view.png"
    words = ["view", str(ring_folder), "--screenshot", str(path), "--size", "480x300", "--viewpoint", viewpoint]
    assert main(words) == 0
    with Pil.open(path) as picture:
        rgb = np.asarray(picture.convert("RGB")).astype(int)[:270]
    ground = (rgb[..., 0] > rgb[..., 2] + 15) & (rgb[..., 0] < rgb[..., 1] + 60)
    assert ground.mean() > 0.3
    if viewpoint == "top":  # ground to all sides of the red spot where the cameras stood
        red = (rgb[..., 0] > 180) & (rgb[..., 1] < 120)
        red[:60] = False  # the compass
        spot = np.argwhere(red)
        assert 5 < len(spot) < 200
        row, column = np.median(spot, axis=0).astype(int)
        parts = [ground[r, c] for r in (slice(row), slice(row, None)) for c in (slice(column), slice(column, None))]
        assert min(part.mean() for part in parts) > 0.2


@pytest.mark.usefixtures("measured_once")
def test_maps_of_a_set_reach_to_all_sides(ring_folder, tmp_path):
    out = tmp_path / "maps"
    assert main(["map", str(ring_folder), "-o", str(out), "--extent", "8", "--resolution", "0.1"]) == 0
    with rasterio.open(out / "dem.tif") as dem:
        known = np.isfinite(dem.read(1))
    half = known.shape[0] // 2
    assert all(part.mean() > 0.3 for part in (known[:half], known[half:], known[:, :half], known[:, half:]))
    assert len(json.loads((out / "map.json").read_text(encoding="utf-8"))["inputs"]["pairs"]) == 6


def test_without_input_it_is_the_first_pair_and_says_so(monkeypatch, tmp_path, capsys, ring_result):
    pairs = []

    def take(scene, settings, progress, store):
        pairs.append(len(scene.pairs))
        return ring_result

    for name in ("reconstruct", "reconstruct_scene"):
        monkeypatch.setattr(common, name, take)
    assert main(["export", "-o", str(tmp_path / "x.ply")]) == 0
    assert "pair 1 of 6 of the bundled scene" in capsys.readouterr().out
    assert main(["export", "--all", "-o", str(tmp_path / "x.ply")]) == 0
    assert "bundled scene" not in capsys.readouterr().out
    assert pairs == [1, 6]


def test_frames_of_one_eye_are_one_line(ring_folder, tmp_path, capsys):
    lefts = [str(p) for p in sorted(ring_folder.glob("*LEFT*.webp"))[:3]]
    assert main(["export", *lefts, "-o", str(tmp_path / "x.glb")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "the 3 frames hold no pair" in error
    assert list(tmp_path.iterdir()) == []
