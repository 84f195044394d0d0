"""Scene folders: what is written reads back; and the committed one is true to itself."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from stereo3d.errors import ImageFileError, MissingFileError, OutputError
from stereo3d.read import bundled_scene, read_scene
from stereo3d.simulate.__main__ import main
from stereo3d.simulate.scene_writer import navcam_pair, write_scene
from stereo3d.simulate.truth_file import UNIT_PER_M, read_truth, write_truth
from stereo3d.stereo.truth import Truth, disparity_scale


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenes") / "small"
    write_scene(path, 3, samples=1, binning=32)
    return path


def test_folder_reads_back_as_a_pair_with_truth(folder: Path) -> None:
    scene = read_scene([folder])
    assert scene.simulated
    assert scene.name == "small"
    pair = scene.pairs[0]
    left, right = navcam_pair(32)
    for read, made in ((pair.left, left), (pair.right, right)):
        assert read.mission == "simulated"
        assert read.scale_factor == 32
        for name in "CAHVORE":
            assert np.array_equal(getattr(read.camera, name), getattr(made, name))
        # As in the feed, the pointing is that of the eye's own boresight.
        assert read.mast_elevation_deg == pytest.approx(-22.0, abs=1.0)
    assert pair.left.level_from_rover.rotation[2, 2] < 0.9999  # the rover is tilted
    assert scene.truth is not None
    truth = read_truth(scene.truth, pair.left.camera)
    assert truth.both_eyes.mean() > 0.6


def test_same_seed_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_scene(tmp_path / "small", 3, samples=1, binning=32)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "small").iterdir())
    assert len(names) == 7
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "small" / name).read_bytes(), name


def test_truth_file_keeps_a_thousandth_of_a_pixel(small, tmp_path: Path) -> None:
    write_truth(tmp_path / "truth.tif", small.truth)
    read = read_truth(tmp_path / "truth.tif", small.left)
    assert read.frame == small.truth.frame
    for name in ("ground", "both_eyes", "near_step"):
        assert np.array_equal(getattr(read, name), getattr(small.truth, name))
    error = np.abs(1 / read.range_m - 1 / small.truth.range_m)
    assert np.nanmax(error) <= UNIT_PER_M / 2 * 1.001
    assert np.nanmax(error) * disparity_scale(*navcam_pair(4)) < 1e-3
    near = small.truth.range_m < 10
    assert np.abs(read.xyz - small.truth.xyz)[near].max() < 3e-4


def test_truth_of_another_size_or_no_truth_at_all_is_refused(small, tmp_path: Path) -> None:
    path = tmp_path / "truth.tif"
    with pytest.raises(MissingFileError):
        read_truth(path, small.left)
    write_truth(path, small.truth)
    with pytest.raises(ImageFileError, match="80 x 60"):
        read_truth(path, navcam_pair(64)[0])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])
    with pytest.raises(ImageFileError):
        read_truth(path, small.left)
    tifffile.imwrite(path, np.zeros((120, 160), np.float32))
    with pytest.raises(ImageFileError, match="not the truth"):
        read_truth(path, small.left)
    with tifffile.TiffWriter(path) as file:  # ranges without the flag that there is ground
        file.write(np.ones((120, 160), np.uint32))
        file.write(np.zeros((120, 160), np.uint8))
    with pytest.raises(ImageFileError, match="contradict"):
        read_truth(path, small.left)


def test_scene_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        write_scene(tmp_path / "file", 1, samples=1, binning=64)
    assert main(["-o", str(tmp_path / "file"), "--samples", "1", "--binning", "64"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_bundled_scene_says_what_it_is() -> None:
    folder = bundled_scene()
    names = {path.name for path in folder.iterdir()}
    assert {"README.md", "preview.png", "scene.toml", "truth.tif", "truth.json", "ranges.tif"} <= names
    assert "simulated" in (folder / "README.md").read_text(encoding="utf-8").lower().splitlines()[0]
    assert all("SIM" in name for name in names if name.endswith((".json", ".webp")) and name != "truth.json")


def _bundled() -> tuple[np.ndarray, np.ndarray, Truth, np.ndarray]:
    scene = read_scene([])
    pair = scene.pairs[0]
    assert scene.truth is not None
    truth = read_truth(scene.truth, pair.left.camera)
    pixels = pair.right.camera.project(truth.xyz).astype(np.float32)
    return pair.left.image.luminance, pair.right.image.luminance, truth, pixels


def test_bundled_images_agree_with_their_truth() -> None:
    left, right, truth, pixels = _bundled()
    pixels = np.where(np.isfinite(pixels), pixels, -9.0).astype(np.float32)
    both = (truth.both_eyes & (truth.range_m < 60)).astype(np.float32)
    inner = cv2.erode(both, np.ones((9, 9))) > 0
    weight = np.maximum(cv2.GaussianBlur(both, (0, 0), 4.0), 1e-6)

    def fine(image: np.ndarray) -> np.ndarray:
        """Without what is smooth: vignetting and shading agree wherever one looks."""
        return (image - cv2.GaussianBlur(image * both, (0, 0), 4.0) / weight)[inner]

    def agreement(shift: float) -> float:
        seen = cv2.remap(right, pixels[..., 0] + np.float32(shift), pixels[..., 1], cv2.INTER_CUBIC)
        return float(np.corrcoef(fine(left), fine(seen))[0, 1])

    true = agreement(0.0)
    assert true > 0.9
    # The truth is at the peak: a quarter of a pixel to either side is worse, by about the same.
    less, more = agreement(-0.25), agreement(0.25)
    assert true > max(less, more)
    peak = 0.25 * (less - more) / (2 * (less - 2 * true + more))
    assert abs(peak) < 0.02


def test_bundled_pair_holds_near_ground_horizon_and_sky() -> None:
    _, _, truth, _ = _bundled()
    assert np.nanmin(truth.range_m) < 2.7
    assert np.nanmax(truth.range_m) > 1000
    assert 0.05 < 1 - truth.ground.mean() < 0.3
    assert truth.both_eyes.mean() > 0.75
    assert 0.02 < truth.near_step.mean() < 0.3
