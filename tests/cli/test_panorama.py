"""``stereo3d panorama``: one command from frames to a picture, and one clear line where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pil

from stereo3d.cli.main import main
from stereo3d.export.panorama import read_panorama

QUICK = ["--no-stereo", "--no-refine", "--width", "300"]


def test_the_bundled_scene_makes_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pano.png"
    assert main(["panorama", "-o", str(path), "--grid", "--mask", str(tmp_path / "mask.png"), *QUICK]) == 0
    said = capsys.readouterr().out
    assert "300 x " in said
    assert "plane of the wheels" in said
    for name in ("pano.png", "pano.json", "mask.png"):
        assert f"wrote {tmp_path / name}" in said
    assert "done in" in said
    file = read_panorama(path)
    with Pil.open(path) as picture, Pil.open(tmp_path / "mask.png") as mask:
        assert picture.size == mask.size == (file.projection.width, file.projection.height)
        assert 0.3 < (np.asarray(mask) == 255).mean() <= 1.0


def test_an_aim_is_looked_at(tmp_path: Path) -> None:
    args = ["panorama", "-o", str(tmp_path / "a.jpg"), "--projection", "perspective", "--eye", "right"]
    assert main([*args, "--fov", "40", "--azimuth", "77", "--elevation", "-20", *QUICK]) == 0
    parameters = json.loads((tmp_path / "a.json").read_text())["projection"]["parameters"]
    assert (parameters["azimuth_deg"], parameters["elevation_deg"]) == (77.0, -20.0)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["-o", "pano.bmp"], "suffix '.bmp' is not known"),
        (["-o", "pano.png", "--width", "50000"], "width of 50000"),
        (["-o", "pano.png", "--fov", "30"], "no field of view"),
        (["-o", "pano.png", "missing.png"], "missing.png"),
        (
            ["-o", "pano.png", "--projection", "perspective", "--elevation", "80", "--fov", "20", *QUICK],
            "no left frame",
        ),
    ],
)
def test_what_cannot_be_is_one_line(
    args: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["panorama", *args]) == 2
    error = capsys.readouterr().err
    assert why in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_frames_of_different_stops_are_one_line(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [str(p) for p in sorted((shared_data / "perseverance").glob("NLF_0[37]*png"))]
    assert len(frames) > 1
    assert main(["panorama", *frames, "-o", str(tmp_path / "pano.png")]) == 2
    error = capsys.readouterr().err
    assert "site" in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_opportunity_keeps_its_gap(shared_data: Path, tmp_path: Path) -> None:
    frames = [str(p) for p in sorted((shared_data / "opportunity").glob("1N*.IMG"))]
    assert len(frames) == 5
    assert main(["panorama", *frames, "-o", str(tmp_path / "pano.tif"), "--width", "1500"]) == 0
    report = json.loads((tmp_path / "pano.json").read_text())
    assert report["pointing"]["after_px"] < 1.0
    picture = tifffile.imread(tmp_path / "pano.tif")
    assert (picture.shape[1:], picture.dtype) == ((1500, 2), np.uint16)
    assert all(f["share"] > 0.1 for f in report["frames"])
    # Between azimuths 15 and 85 of the rover no frame looks: no outline covers those columns.
    p = read_panorama(tmp_path / "pano.tif").projection
    columns = np.zeros(p.width, dtype=bool)
    for f in report["frames"]:
        for outline in f["outlines_px"]:
            x = np.array(outline)[:, 0]
            columns[max(x.min(), 0) : x.max() + 1] = True
    gap = np.diff(np.flatnonzero(columns)).max() / p.px_per_deg  # type: ignore[attr-defined]
    assert 15.0 < gap < 30.0
