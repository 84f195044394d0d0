"""``stereo3d evaluate`` end to end on a small simulated scene, with maps of known error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from stereo3d.cli import evaluate
from stereo3d.cli.main import main
from stereo3d.frames import Float
from stereo3d.read import read_scene
from stereo3d.read.planes import read_planes
from stereo3d.scene import Scene
from stereo3d.simulate.scene_writer import write_scene
from stereo3d.simulate.truth_file import read_truth
from stereo3d.stereo.truth import Truth


@dataclass(frozen=True)
class Bench:
    folder: Path
    scene: Scene
    truth: Truth


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("evaluate") / "bench"
    write_scene(folder, 5, samples=1, binning=32)
    scene = read_scene([folder])
    assert scene.truth is not None
    return Bench(folder, scene, read_truth(scene.truth, scene.pairs[0].left.camera))


def _write_xyz(path: Path, xyz: Float) -> Path:
    tifffile.imwrite(path, np.moveaxis(xyz, -1, 0).astype(np.float32), photometric="minisblack")
    return path


def _write_product(path: Path, xyz: Float, frame: str, index: str) -> Path:
    """An XYZ product with a VICAR label: big-endian floats, band by band, 0 = missing."""
    rows, columns, _ = xyz.shape
    text = (
        f"FORMAT='REAL'  RECSIZE={4 * columns}  ORG='BSQ'  NL={rows}  NS={columns}  NB=3  REALFMT='IEEE'  "
        f"PROPERTY='DERIVED_IMAGE_PARMS'  DERIVED_IMAGE_TYPE='XYZ_MAP'  REFERENCE_COORD_SYSTEM_NAME='{frame}'  "
        f"REFERENCE_COORD_SYSTEM_INDEX={index}"
    )
    label = f"LBLSIZE={4 * columns * 2:<8}  {text}".encode().ljust(4 * columns * 2, b"\0")
    path.write_bytes(label + np.moveaxis(np.nan_to_num(xyz), -1, 0).astype(">f4").tobytes())
    return path


def _scaled(bench: Bench, factor: Float | float) -> Float:
    """The truth with all ranges multiplied."""
    centre = bench.scene.pairs[0].left.camera.C
    return centre + (bench.truth.xyz - centre) * np.asarray(factor)[..., None]


def test_perfect_map_scores_perfectly(bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    xyz, out = _write_xyz(tmp_path / "xyz.tif", bench.truth.xyz), tmp_path / "score.json"
    assert main(["evaluate", "--xyz", str(xyz), "--json", str(out), str(bench.folder)]) == 0
    text = capsys.readouterr().out
    assert "simulated" in text
    assert "10 to 20 m" in text
    scores = json.loads(out.read_text())
    assert scores["overall"]["filled"] == 1.0
    assert scores["overall"]["median_px"] < 1e-3
    assert scores["sky_filled"] == 0.0
    assert scores["overall"]["sigma_spread"] is None  # no sigmas were given


def test_known_error_of_range_is_reported(bench: Bench, tmp_path: Path) -> None:
    out = tmp_path / "score.json"
    noise = np.random.default_rng(1).normal(0.0, 0.01, bench.truth.range_m.shape)
    xyz = _write_xyz(tmp_path / "xyz.tif", _scaled(bench, 1.05 + noise))
    sigma = tmp_path / "sigma.tif"
    tifffile.imwrite(sigma, (0.01 * bench.truth.range_m).astype(np.float32))
    arguments = ["evaluate", "--xyz", str(xyz), "--sigma", str(sigma), "--json", str(out), str(bench.folder)]
    assert main(arguments) == 0
    near = json.loads(out.read_text())["by_range"][1]
    ranges = bench.truth.range_m[bench.truth.both_eyes & (bench.truth.range_m >= 5) & (bench.truth.range_m < 10)]
    assert near["pixels"] == len(ranges)
    assert near["bias_m"] == pytest.approx(0.05 * np.median(ranges), rel=0.1)
    assert near["bias_px"] < -0.05  # too far
    assert near["sigma_spread"] == pytest.approx(1.0, rel=0.2)


def test_interleaved_xyz_is_taken_too(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "xyz.tif"
    tifffile.imwrite(path, bench.truth.xyz.astype(np.float32), photometric="rgb")
    assert np.array_equal(
        read_planes(path, 3, bench.truth.range_m.shape), bench.truth.xyz.astype(np.float32), equal_nan=True
    )


def test_reconstruction_is_scored_without_xyz(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Measured:
        xyz = bench.truth.xyz.astype(np.float32)
        sigma_range_m = np.full(bench.truth.range_m.shape, 0.1, np.float32)

    class Result:
        xyz = Measured

    asked: list[Scene] = []

    def fake(scene: Scene, *_: object) -> type[Result]:
        asked.append(scene)
        return Result

    monkeypatch.setattr(evaluate, "reconstruct", fake)
    out = tmp_path / "score.json"
    assert main(["evaluate", str(bench.folder), "--json", str(out)]) == 0
    assert [scene.name for scene in asked] == ["bench"]
    assert json.loads(out.read_text())["overall"]["filled"] == 1.0


def test_against_another_map_the_difference_is_told(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, other = _scaled(bench, 1.05), bench.truth.xyz.copy()
    other[100:110, 40:60] = 0.0  # as other programs mark what they lack
    ours[60:70, 40:50] = np.nan
    files = _write_xyz(tmp_path / "ours.tif", ours), _write_xyz(tmp_path / "[red]other.tif", other)
    out = tmp_path / "score.json"
    arguments = ["--xyz", str(files[0]), "--against", str(files[1]), "--json", str(out), str(bench.folder)]
    assert main(["evaluate", *arguments]) == 0
    text = capsys.readouterr().out
    assert "errors against [red]other.tif" in text
    assert "only the reference" in text
    assert "sky filled" not in text
    assert "note" not in text
    scores = json.loads(out.read_text())
    assert scores["against"] == "[red]other.tif"
    assert (scores["footprint"]["only_map"], scores["footprint"]["only_reference"]) == (200, 100)
    assert scores["sky_filled"] is None
    near = scores["by_range"][0]
    assert 0.1 < near["bias_m"] < 0.25
    assert scores["notes"] == []


def test_map_of_another_image_is_warned_of(bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _write_xyz(tmp_path / "flipped.tif", bench.truth.xyz[:, ::-1])
    assert main(["evaluate", "--xyz", str(file), str(bench.folder)]) == 0
    assert "off the rays of their pixels" in capsys.readouterr().out
    good = _write_xyz(tmp_path / "good.tif", bench.truth.xyz)
    out = tmp_path / "score.json"
    assert main(["evaluate", "--xyz", str(good), "--against", str(file), "--json", str(out), str(bench.folder)]) == 0
    (note,) = json.loads(out.read_text())["notes"]
    assert note.startswith("flipped.tif: ")


def test_picture_and_json_are_written_together(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _write_xyz(tmp_path / "xyz.tif", _scaled(bench, 1.02))
    picture, out = tmp_path / "errors.png", tmp_path / "new" / "score.json"
    arguments = ["--xyz", str(file), "--picture", str(picture), "--json", str(out), str(bench.folder)]
    assert main(["evaluate", *arguments]) == 0
    told = capsys.readouterr().out
    assert f"wrote {picture}" in told
    assert f"wrote {out}" in told
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert min(image.size) > 1000
    assert json.loads(out.read_text())["overall"]["filled"] == 1.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["errors.png", "new", "xyz.tif"]


def test_products_in_other_frames_are_brought_into_the_rovers(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A map in SITE against one in LOCAL_LEVEL, 2 % farther; an unknown stop is one line."""
    left, out = bench.scene.pairs[0].left, tmp_path / "score.json"
    site, drive = left.frame.number
    assert left.site_from_rover is not None
    level = left.level_from_rover.apply(bench.truth.xyz)
    ours = _write_product(tmp_path / "ours.VIC", level, "LOCAL_LEVEL_FRAME", f"({site},{drive})")
    farther = left.site_from_rover.apply(_scaled(bench, 1.02))
    theirs = _write_product(tmp_path / "theirs.VIC", farther, "SITE_FRAME", f"{site}")
    assert main(["evaluate", str(bench.folder), "--xyz", str(ours), "--against", str(theirs), "--json", str(out)]) == 0
    assert "off the rays" not in capsys.readouterr().out
    scores = json.loads(out.read_text())
    at_10_m = next(row for row in scores["by_range"] if row["label"] == "10 to 20 m")
    assert -0.4 < at_10_m["bias_m"] < -0.2
    assert at_10_m["nmad_m"] < 0.1
    assert scores["footprint"]["only_map"] == scores["footprint"]["only_reference"] == 0
    other = _write_product(tmp_path / "other.VIC", level, "LOCAL_LEVEL_FRAME", f"({site},{drive + 1})")
    assert "LOCAL_LEVEL" in _fails([str(bench.folder), "--xyz", str(other), "--against", str(theirs)], capsys)


def test_truth_and_another_map_exclude_each_other(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", "--truth", "a.tif", "--against", "b.tif", str(bench.folder)])
    assert caught.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def _fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["evaluate", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line for line in captured.err.splitlines() if line.strip()]
    assert len(lines) == 1, captured.err
    return lines[0]


def test_scene_without_truth_is_one_line(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    images = [str(path) for path in sorted(bench.folder.glob("SIM*.png"))]
    assert "no truth" in _fails(images, capsys)
    # The same images with the truth named by hand are scored.
    xyz = _write_xyz(bench.folder.parent / "xyz.tif", bench.truth.xyz)
    assert main(["evaluate", *images, "--truth", str(bench.folder / "truth.tif"), "--xyz", str(xyz)]) == 0


def test_bad_files_are_one_line_and_nothing_is_written(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, out = str(bench.folder), tmp_path / "score.json"
    good = _write_xyz(tmp_path / "good.tif", bench.truth.xyz)
    broken, small = tmp_path / "broken.tif", _write_xyz(tmp_path / "small.tif", bench.truth.xyz[:-1])
    broken.write_bytes(good.read_bytes()[:100])
    json_option = ["--json", str(out)]
    assert "no such file" in _fails(["--xyz", str(tmp_path / "none.tif"), scene, *json_option], capsys)
    assert "160 x 120" in _fails(["--xyz", str(small), scene, *json_option], capsys)
    assert "TIFF" in _fails(["--xyz", str(broken), scene, *json_option], capsys)
    assert "--xyz" in _fails(["--sigma", str(good), scene, *json_option], capsys)
    assert "truth" in _fails(["--truth", str(good), "--xyz", str(good), scene, *json_option], capsys)
    assert "160 x 120" in _fails(["--xyz", str(good), "--against", str(small), scene, *json_option], capsys)
    assert ".png or .jpg" in _fails(["--xyz", str(good), "--picture", str(tmp_path / "x.bmp"), scene], capsys)
    both = ["--picture", str(tmp_path / "x.png"), *json_option]
    assert "160 x 120" in _fails(["--xyz", str(small), scene, *both], capsys)
    assert not out.exists()
    assert "folder" in _fails(["--xyz", str(good), scene, "--json", str(tmp_path)], capsys)
    assert "cannot write" in _fails(["--xyz", str(good), scene, "--json", str(good / "score.json")], capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.tif", "good.tif", "small.tif"]
