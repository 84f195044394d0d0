"""stereo3d map: from the command line to maps that fit the truth."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio

from stereo3d.cli import map as command
from stereo3d.cli.main import main
from stereo3d.export.maps import PRODUCTS
from stereo3d.pipeline import enu_from_rover
from stereo3d.read import read_scene
from stereo3d.simulate.truth_file import read_truth


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The maps of the bundled scene, of 20 m each way."""
    path = tmp_path_factory.mktemp("maps") / "new" / "floor"
    assert main(["map", "-o", str(path), "--extent", "20"]) == 0
    return path


@pytest.fixture
def no_work(monkeypatch):
    """Fail the test when the measuring starts."""
    monkeypatch.setattr(command, "measure", lambda args: pytest.fail("the work has begun"))


@pytest.fixture(scope="module")
def truth():
    """What the true ground looks like: (n, 3) ENU, m, and (n,) range, m, away from edges of rocks."""
    scene = read_scene([], [])
    left = scene.pairs[0].left
    truth = read_truth(scene.truth, left.camera)
    good = truth.both_eyes & truth.ground & ~truth.near_step
    return enu_from_rover(left).apply(truth.xyz[good]), truth.range_m[good]


def between(raster, transform, places):
    """Bilinear values, and (east, north) gradients per pixel, of a raster whose values stand at pixel centres."""
    x, y = (places[:, 0] - transform.c) / transform.a - 0.5, (places[:, 1] - transform.f) / transform.e - 0.5
    column = np.clip(np.floor(x).astype(int), 0, raster.shape[1] - 2)
    row = np.clip(np.floor(y).astype(int), 0, raster.shape[0] - 2)
    u, v = x - column, y - row
    outside = (u < 0) | (u > 1) | (v < 0) | (v > 1)
    a, b = raster[row, column], raster[row, column + 1]
    c, d = raster[row + 1, column], raster[row + 1, column + 1]
    value = (a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v
    slope = np.stack([(b - a + d - c) / 2, (a - c + b - d) / 2], axis=1)
    return np.where(outside, np.nan, value), slope


def test_the_folder_holds_the_maps(folder):
    assert sorted(p.name for p in folder.iterdir()) == sorted(PRODUCTS)
    assert [p.name for p in folder.parent.iterdir()] == ["floor"]
    report = json.loads((folder / "map.json").read_text())
    assert report["inputs"]["left"] == "SIM_NAVCAM_LEFT_0001_01"
    assert report["simulated"] is True
    assert report["grid"]["resolution_m"] in (0.02, 0.05)
    assert report["coverage_share"]["measured"] > 0.3
    assert 0.001 < report["files"]["roughness.tif"]["percentiles"]["p50"] < 0.03


def test_heights_fit_the_truth_and_no_pixel_is_shifted(folder, truth):
    """Errors as the stereo's own; the shift is what best explains them by the slope of the ground."""
    places, range_m = truth
    with rasterio.open(folder / "dem.tif") as file:
        height, slope = between(file.read(1).astype(float), file.transform, places)
    with rasterio.open(folder / "sigma.tif") as file:
        sigma, _ = between(file.read(1).astype(float), file.transform, places)
    error = height - places[:, 2]
    for low, high, least, median_m, largest_m in [(0, 5, 3e5, 0.003, 0.012), (5, 15, 1.5e5, 0.012, 0.06)]:
        known = np.isfinite(error) & (range_m >= low) & (range_m < high)
        assert known.sum() > least
        assert np.median(np.abs(error[known])) < median_m
        assert np.percentile(np.abs(error[known]), 95) < largest_m
        # Two thirds of the errors lie within about one sigma.
        assert 0.6 < np.percentile((np.abs(error) / sigma)[known], 68.3) < 2.2
    steep = np.isfinite(error) & (np.abs(error) < 0.02) & (range_m < 6.0)
    design = np.column_stack([slope[steep], np.ones(steep.sum())])
    shift_px = np.linalg.lstsq(design, error[steep], rcond=None)[0][:2]
    assert np.abs(shift_px).max() < 0.15


def test_orthophoto_has_ground_where_the_dem_has(folder):
    with rasterio.open(folder / "dem.tif") as dem, rasterio.open(folder / "orthophoto.tif") as photo:
        known = np.isfinite(dem.read(1))
        rgba = photo.read()
    np.testing.assert_array_equal(rgba[3] > 0, known)
    # The look of the bundled scene: yellowish, neither black nor white.
    middle = np.median(rgba[:3, known], axis=1)
    assert middle[0] > middle[2] + 20
    assert 60 < middle[1] < 220


def test_a_folder_with_other_files_is_told_before_the_work(tmp_path, capsys, no_work):
    (tmp_path / "holiday.jpg").write_text("")
    assert main(["map", "-o", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "holiday.jpg" in error
    assert [p.name for p in tmp_path.iterdir()] == ["holiday.jpg"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--resolution", "0"], "'0' is no length"),
        (["--resolution", "nan"], "'nan' is no length"),
        (["--extent", "fifteen"], "'fifteen' is no length"),
        (["--interval", "-1"], "'-1' is no length"),
        (["--lonlat", "77.45"], "'77.45' is no LON,LAT"),
        (["--lonlat", "18,97"], "'18,97' is no LON,LAT"),
        (["--sun", "315,-5"], "'315,-5' is no AZIMUTH,ELEVATION"),
        ([], "-o"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, words, tmp_path, capsys, no_work):
    output = ["-o", str(tmp_path / "x")] if arguments else []
    with pytest.raises(SystemExit) as stop:
        main(["map", *arguments, *output])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error
    assert list(tmp_path.iterdir()) == []


def test_bad_input_leaves_nothing(tmp_path, capsys):
    assert main(["map", str(tmp_path / "none.png"), str(tmp_path / "nil.png"), "-o", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
