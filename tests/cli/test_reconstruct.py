"""`stereo3d reconstruct`: all products or none, and what they say agrees."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import trimesh
from PIL import Image

from stereo3d.cli.main import main
from stereo3d.export.products import PRODUCTS
from stereo3d.read import read_scene


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All products of the bundled scene."""
    folder = tmp_path_factory.mktemp("products") / "out"
    assert main(["reconstruct", "-o", str(folder)]) == 0
    return folder


def test_exactly_the_promised_names_are_there(products: Path) -> None:
    assert {p.name for p in products.iterdir()} == set(PRODUCTS)
    assert not [p for p in products.parent.iterdir() if p != products]


def test_rasters_have_the_left_images_grid_and_agree(products: Path) -> None:
    left = read_scene([]).pairs[0].left
    xyz, sigma, reason = (tifffile.imread(products / f"{n}.tif") for n in ("xyz", "sigma_range", "reason"))
    shape = (left.image.height, left.image.width)
    assert xyz.shape == (*shape, 3)
    assert xyz.dtype == np.float32
    assert sigma.shape == reason.shape == shape
    assert sigma.dtype == np.float32
    assert reason.dtype == np.uint16
    measured = reason == 0
    assert np.array_equal(np.isfinite(xyz).all(axis=2), measured)
    assert np.array_equal(np.isfinite(sigma), measured)
    assert measured.mean() > 0.6
    # ROVER_NAV: ground ahead of the rover, near Z = 0, in front of the camera.
    assert abs(np.median(xyz[measured][:, 2])) < 1.0
    back = left.camera.project(xyz[measured][::997])
    grid = np.argwhere(measured)[::997, ::-1]
    assert np.abs(back - grid).max() < 0.1


def test_the_report_describes_the_files(products: Path) -> None:
    report = json.loads((products / "report.json").read_text(encoding="utf-8"))
    reason = tifffile.imread(products / "reason.tif")
    assert report["valid_share"] == pytest.approx((reason == 0).mean(), abs=1e-4)
    known = sum(entry["bit"] for entry in report["reason_legend"].values())
    assert (reason & ~np.uint16(known) == 0).all()
    assert {"left", "right", "sol"} <= set(report["inputs"])
    assert {"settings", "epipolar_residual", "range_percentiles_m", "version"} <= set(report)
    assert report["seconds"]["matching"] > 0
    assert report["peak_memory_mb"] > 50
    assert report["simulated"] is True


def test_cloud_and_mesh_are_the_same_ground(products: Path) -> None:
    xyz = tifffile.imread(products / "xyz.tif")
    pair = read_scene([]).pairs[0]
    cloud = trimesh.load(products / "cloud.ply")
    assert len(cloud.vertices) == np.isfinite(xyz[..., 0]).sum()
    level = pair.left.level_from_rover.apply(xyz[np.isfinite(xyz[..., 0])])
    # East, north, up of north, east, down.
    assert np.abs(np.asarray(cloud.vertices) - level[:, [1, 0, 2]] * [1, 1, -1]).max() < 1e-3
    mesh = trimesh.load(products / "mesh.glb", force="mesh")
    # glTF is Y up: its Y is our up.  Further off single points stand out of the ground, which the mesh leaves out.
    points, corners = np.asarray(cloud.vertices), np.asarray(mesh.vertices)
    lowest = points[np.hypot(points[:, 0], points[:, 1]) < 15.0, 2].min()
    assert corners[np.hypot(corners[:, 0], corners[:, 2]) < 15.0, 1].min() == pytest.approx(lowest, abs=0.1)
    assert len(mesh.faces) > 50_000


def test_the_preview_shows_something(products: Path) -> None:
    with Image.open(products / "preview.png") as picture:
        assert picture.size == (1280, 800)
        assert np.asarray(picture.convert("L")).std() > 20


def test_a_second_run_replaces_the_first(products: Path) -> None:
    old = (products / "report.json").stat().st_ino
    assert main(["reconstruct", "--pair", "1", "-o", str(products)]) == 0
    assert {p.name for p in products.iterdir()} == set(PRODUCTS)
    assert (products / "report.json").stat().st_ino != old


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    assert main(["reconstruct", "-o", str(tmp_path)]) == 2
    assert "thesis.doc" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_failure_in_the_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stereo3d.export.products.write_cloud", full)
    assert main(["reconstruct", "-o", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "No space left" in error
    assert len(error.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
