"""The folder of a simulated ring reads back, with the truth of its pointing; the bundled one is that of the README."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from stereo3d.errors import ImageFileError, MissingFileError, RecordError
from stereo3d.read import bundled_scene, read_observation, read_scene
from stereo3d.simulate.ring import Ring
from stereo3d.simulate.ring_truth import RANGE_STEP, read_pointing_truth, read_ranges
from stereo3d.simulate.scene_writer import write_ring
from stereo3d.simulate.truth_file import UNIT_PER_M, read_truth


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ring]:
    folder = tmp_path_factory.mktemp("scenes") / "around"
    return folder, write_ring(folder, 3, samples=1, binning=40)


def test_images_and_records_read_back(written: tuple[Path, Ring]) -> None:
    folder, ring = written
    for made in ring.observations:
        read = read_observation(folder / f"{made.product_id}.webp")
        assert np.array_equal(read.image.pixels, made.image.pixels)
        for name in "CAHVORE":
            assert np.array_equal(getattr(read.camera, name), getattr(made.camera, name))
        for name in ("sol", "site", "drive", "sclk_s", "subframe", "scale_factor", "eye", "mission"):
            assert getattr(read, name) == getattr(made, name)
        assert read.mast_azimuth_deg == pytest.approx(made.mast_azimuth_deg, abs=1e-3)
        assert read.mast_elevation_deg == pytest.approx(made.mast_elevation_deg, abs=1e-3)
        assert read.site_from_rover is not None
        assert made.site_from_rover is not None
        np.testing.assert_allclose(read.site_from_rover.translation, made.site_from_rover.translation)


def test_the_scene_is_its_first_pair_and_its_truth(written: tuple[Path, Ring]) -> None:
    folder, ring = written
    scene = read_scene([folder])
    assert scene.pairs[0].left.product_id == ring.observations[0].product_id
    assert scene.truth is not None
    truth, made = read_truth(scene.truth, scene.pairs[0].left.camera), ring.truth(0, told=True)
    assert np.array_equal(truth.ground, made.ground)
    near = made.ground & (made.range_m < 20)
    assert np.abs(truth.xyz - made.xyz)[near].max() < 1e-3


def test_true_pointing_reads_back_exactly(written: tuple[Path, Ring]) -> None:
    folder, ring = written
    truth = read_pointing_truth(folder / "truth.json")
    assert np.array_equal(truth.told_joints_deg, ring.told_joints_deg)
    assert np.array_equal(truth.true_joints_deg, ring.true_joints_deg)
    assert list(truth.cameras) == [o.product_id for o in ring.observations]
    for read, made in zip(truth.cameras.values(), ring.true_cameras, strict=True):
        assert (read.width, read.height, read.frame) == (made.width, made.height, made.frame)
        for name in "CAHVORE":
            assert np.array_equal(getattr(read, name), getattr(made, name))


def test_reduced_ranges_are_those_of_the_pairs(written: tuple[Path, Ring]) -> None:
    folder, ring = written
    found = read_ranges(folder / "ranges.tif", ring.true_cameras[::2])
    assert len(found) == 6
    for shot, range_m in enumerate(found):
        expected = ring.truth(shot).range_m[::RANGE_STEP, ::RANGE_STEP]
        assert np.array_equal(np.isfinite(range_m), np.isfinite(expected))
        assert np.nanmax(np.abs(1 / range_m - 1 / expected)) <= UNIT_PER_M / 2 * 1.001


def test_what_is_no_truth_is_refused(written: tuple[Path, Ring], tmp_path: Path) -> None:
    folder, ring = written
    lefts = ring.true_cameras[::2]
    with pytest.raises(MissingFileError):
        read_pointing_truth(tmp_path / "none.json")
    with pytest.raises(MissingFileError):
        read_ranges(tmp_path / "none.tif", lefts)
    with pytest.raises(ImageFileError, match="not the truth"):
        read_ranges(folder / "ranges.tif", lefts[:5])
    with pytest.raises(ImageFileError):
        read_ranges(folder / "truth.json", lefts)
    values = json.loads((folder / "truth.json").read_text())
    for spoil in (lambda v: v.pop("shots"), lambda v: v["shots"][0]["images"][0].update(A=[1, 2]), lambda v: v.clear()):
        spoilt = json.loads(json.dumps(values))
        spoil(spoilt)
        (tmp_path / "bad.json").write_text(json.dumps(spoilt))
        with pytest.raises(RecordError, match="not understood"):
            read_pointing_truth(tmp_path / "bad.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(RecordError):
        read_pointing_truth(tmp_path / "bad.json")


def test_bundled_ring_is_whole_and_small() -> None:
    folder = bundled_scene()
    assert sum(path.stat().st_size for path in folder.parent.rglob("*") if path.is_file()) < 16e6
    truth = read_pointing_truth(folder / "truth.json")
    assert len(truth.cameras) == 12
    observations = [read_observation(folder / f"{name}.webp") for name in list(truth.cameras)[::5]]
    for observation in observations:
        assert observation.image.rgb8.shape == (960, 1280, 3)
        told, true = observation.camera, truth.cameras[observation.product_id]
        offset = np.degrees(np.arccos(told.ray((640, 480))[1] @ true.ray((640, 480))[1]))
        assert 0.01 < offset < 0.6
    error = truth.true_joints_deg - truth.told_joints_deg
    assert 0.06 < np.std(error) < 0.2
    with PIL.Image.open(folder / "preview.png") as preview:
        assert preview.size == (720, 360)


def test_bundled_ranges_fit_the_first_pairs_truth() -> None:
    folder = bundled_scene()
    cameras = read_pointing_truth(folder / "truth.json").cameras
    ranges = read_ranges(folder / "ranges.tif", list(cameras.values())[::2])
    scene = read_scene([])
    assert scene.truth is not None
    first = read_truth(scene.truth, scene.pairs[0].left.camera).range_m[::RANGE_STEP, ::RANGE_STEP]
    np.testing.assert_array_equal(ranges[0], first)
    assert all(0.3 < np.isfinite(one).mean() < 0.97 for one in ranges)
