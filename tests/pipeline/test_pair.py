"""The main job: simulated ground against truth, real pairs against what is known of them."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from stereo3d.errors import PairError, StereoError
from stereo3d.image import Image
from stereo3d.observation import Observation
from stereo3d.pipeline import Settings, reconstruct
from stereo3d.read import read_observation, read_scene
from stereo3d.scene import Scene
from stereo3d.simulate.pair import level_pose, simulate_pair
from stereo3d.simulate.scene_writer import ATTITUDE, DRIVE, SITE, navcam_pair
from stereo3d.simulate.truth_file import read_truth
from stereo3d.stereo.disparity import Reason
from stereo3d.stereo.score import disparity_error


@pytest.fixture(scope="module")
def bundled():
    """The bundled scene, its truth and its reconstruction."""
    scene = read_scene([])
    stages: list[tuple[str, float]] = []
    result = reconstruct(scene, progress=lambda stage, share: stages.append((stage, share)))
    return scene, read_truth(scene.truth, result.pair.left.camera), result, stages


def test_the_bundled_ground_is_measured(bundled):
    _, truth, result, _ = bundled
    pair, xyz = result.pair, result.xyz
    error = disparity_error(xyz.xyz.astype(float), truth.xyz, pair.left.camera, pair.right.camera)
    ground = truth.both_eyes & (truth.range_m < 60)
    found = ground & xyz.measured
    assert found.sum() / ground.sum() > 0.98
    assert np.median(np.abs(error[found])) < 0.055
    assert (np.abs(error[found]) > 0.25).mean() < 0.055
    assert (np.abs(error[found]) > 1).mean() < 0.004
    assert (np.abs(error[found]) < 0.5).sum() / ground.sum() > 0.975
    assert xyz.measured[~truth.ground].mean() < 0.005


def test_sigma_is_of_the_size_of_the_error(bundled):
    _, truth, result, _ = bundled
    ratio = (result.xyz.range_m - truth.range_m)[result.xyz.measured & truth.both_eyes]
    ratio = ratio / result.xyz.sigma_range_m[result.xyz.measured & truth.both_eyes]
    spread = 1.4826 * np.median(np.abs(ratio - np.median(ratio)))
    assert 0.8 < spread < 1.25


def test_the_mesh_lies_on_the_true_ground_in_level_axes(bundled):
    """Vertices in east-north-up: the true point of each vertex's pixel, through the attitude, is there."""
    _, truth, result, _ = bundled
    mesh = result.terrain.mesh
    column, row = np.rint(mesh.pixels).astype(int).T
    true = result.enu_from_rover.apply(truth.xyz[row, column])
    near = truth.range_m[row, column] < 8
    distance = np.linalg.norm(mesh.vertices - true, axis=1)[near]
    assert near.sum() > 10000
    assert np.median(distance) < 0.02
    up = mesh.normals[near][:, 2]
    assert np.median(up) > 0.8


def test_progress_names_the_stages_and_never_goes_back(bundled):
    *_, stages = bundled
    shares = [share for _, share in stages]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {"masking", "aligning the eyes", "rectifying", "matching", "refining", "triangulating", "meshing"} <= {
        name for name, _ in stages
    }


def test_the_report_is_plain_json_and_tells_the_truth(bundled):
    scene, _, result, _ = bundled
    report = json.loads(json.dumps(result.report.as_json()))
    assert report["simulated"] is True
    assert report["inputs"]["left"] == scene.pairs[0].left.product_id
    assert report["valid_share"] == pytest.approx(result.xyz.measured.mean(), abs=1e-4)
    assert report["triangles"] == len(result.terrain.mesh.faces)
    assert report["range_percentiles_m"]["p50"] == pytest.approx(np.nanmedian(result.xyz.range_m), rel=1e-3)
    rows = report["epipolar_residual"]
    # The simulated cameras are exact: nothing to correct, and it says so.
    assert rows["applied"] is False
    assert "agree" in rows["why_not"]
    assert abs(rows["before"]["median_px"]) < 0.02
    sky = report["reason_legend"]["SKY"]
    assert sky["bit"] == 1
    assert sky["share"] == pytest.approx((result.xyz.reason & 1).astype(bool).mean(), abs=1e-4)


@pytest.mark.parametrize("sol", [755, 1280])
def test_real_ground_lies_on_the_rovers_ground_plane(shared_data, sol):
    folder = shared_data / "perseverance"
    scene = read_scene(sorted(folder.glob(f"N?F_{sol:04d}_*.png")))
    xyz = reconstruct(scene).xyz
    near = xyz.measured & (xyz.range_m < 25)
    assert abs(float(np.median(xyz.xyz[near][:, 2]))) < 0.15
    both = (xyz.reason & np.uint16(Reason.SKY | Reason.VIGNETTE | Reason.ROVER | Reason.OUTSIDE_OVERLAP)) == 0
    filled = _nearest_range(xyz)
    assert xyz.measured[both & (filled < 30)].mean() > 0.9


def test_the_eyes_of_a_real_pair_are_aligned_before_matching(shared_data):
    scene = read_scene(sorted((shared_data / "perseverance").glob("N?F_0903_*.png")))
    result = reconstruct(scene)
    rows = result.report.epipolar_residual
    assert rows["applied"]
    assert abs(rows["before"]["median_px"]) > 0.15 > 0.03 > abs(rows["after"]["median_px"])
    given = scene.pairs[0]
    assert result.pair.left is given.left
    assert not np.allclose(result.pair.right.camera.A, given.right.camera.A, atol=1e-6)
    np.testing.assert_allclose(result.pair.right.camera.C, given.right.camera.C, atol=1e-9)
    # The doubt about vergence is in sigma: range^2 / (baseline focal) times the root sum of squares, near the middle.
    middle = result.xyz.measured[480:490, 640:650]
    ratio = (result.xyz.sigma_range_m / result.xyz.range_m**2)[480:490, 640:650][middle]
    focal = result.calibration.focal_px
    expected = np.hypot(0.15, rows["vergence_sigma_px"]) / (0.4244 * focal)
    assert middle.any()
    assert np.median(ratio) == pytest.approx(expected, rel=0.35)


def _nearest_range(xyz):
    """The range of the nearest measured pixel, for every pixel."""
    holes = (~xyz.measured).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(holes, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    lookup = np.zeros(labels.max() + 1, dtype=np.float32)
    lookup[labels[xyz.measured]] = xyz.range_m[xyz.measured]
    return lookup[labels]


@pytest.fixture(scope="module")
def small() -> Scene:
    """A simulated scene of 426 x 320 px, with sky."""
    pose = level_pose(SITE, DRIVE, ATTITUDE)
    pair, _ = simulate_pair(5, *navcam_pair(12), level_from_rover=pose, samples=1)
    return Scene("small", (pair.left, pair.right), simulated=True)


@pytest.mark.parametrize("sky", [(True, True), (True, False), (False, True)])
def test_a_scene_or_a_user_may_say_that_there_is_no_sky(small, sky):
    result = reconstruct(replace(small, sky=sky[0]), Settings(sky=sky[1]))
    flagged = (result.xyz.reason & np.uint16(Reason.SKY)) > 0
    assert flagged.any() == all(sky)
    assert result.report.settings["sky"] is all(sky)


def test_a_scene_needs_one_pair():
    scene = read_scene([])
    with pytest.raises(PairError, match="0 pairs"):
        reconstruct(Scene("half", scene.observations[:1]))


@pytest.mark.parametrize("dn", [0, 255])
def test_empty_frames_are_refused_in_one_line(dn):
    scene = read_scene([])
    blank = []
    for o in scene.observations:
        pixels = np.full_like(np.asarray(o.image.pixels), dn)
        blank.append(_with_image(o, pixels))
    with pytest.raises(StereoError) as caught:
        reconstruct(Scene("blank", tuple(blank)))
    assert "\n" not in str(caught.value)


def _with_image(o: Observation, pixels) -> Observation:
    return replace(o, image=Image(pixels, np.ones(pixels.shape[:2], dtype=bool)))


def test_a_pair_given_the_other_way_round_is_the_same_pair(shared_data):
    folder = shared_data / "perseverance"
    files = sorted(folder.glob("N?F_0340_*.png"))
    one, two = read_scene(files), read_scene(files[::-1])
    assert one.pairs[0].left.product_id == two.pairs[0].left.product_id == read_observation(files[0]).product_id
