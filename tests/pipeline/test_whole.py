"""Six small pairs become one textured ground all around the rover."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stereo3d.errors import PairError
from stereo3d.export.products import plain_values
from stereo3d.pipeline import reconstruct_scene
from stereo3d.read import read_frames
from stereo3d.scene import Scene


def test_the_ground_lies_all_around_and_has_one_texture(ring_result):
    terrain = ring_result.terrain
    away = terrain.mesh.vertices - ring_result.eye_enu
    near = np.hypot(away[:, 0], away[:, 1]) < 12.0
    azimuth = np.degrees(np.arctan2(away[near, 0], away[near, 1])) % 360.0
    # The deck hides one direction as far as so small pictures can measure.
    assert np.sort(np.histogram(azimuth, 24, (0.0, 360.0))[0])[1] > 50
    assert len(ring_result.pairs) == 6
    assert len(ring_result.observations) == 12
    assert terrain.uv.min() >= 0.0
    assert terrain.uv.max() <= 1.0
    # The texels that vertices of each side carry are ground: yellowish, neither black nor white.
    rows, columns = terrain.image.shape[:2]
    at = (((1.0 - terrain.uv[:, 1]) * rows).astype(int), (terrain.uv[:, 0] * columns).astype(int))
    colours = terrain.image[np.minimum(at[0], rows - 1), np.minimum(at[1], columns - 1)].astype(float)[near]
    for low in range(0, 360, 60):
        side = np.median(colours[(azimuth >= low) & (azimuth < low + 60)], axis=0)
        assert side[0] > side[2] + 15
        assert 50 < side[1] < 220


def test_the_eye_is_among_the_cameras(ring_result):
    places = np.array([ring_result.enu_from_rover.apply(m.pair.left.camera.C) for m in ring_result.pairs])
    assert (ring_result.eye_enu > places.min(axis=0) - 1e-9).all()
    assert (ring_result.eye_enu < places.max(axis=0) + 1e-9).all()
    assert 0.1 < np.linalg.norm(places - ring_result.eye_enu, axis=1).max() < 1.0


def test_progress_goes_on_to_the_end(ring_result, ring_told):
    shares = [share for _, share in ring_told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    stages = [stage for stage, _ in ring_told]
    order = [stages.index(s) for s in ("refining the pointing", "pair 2 of 6: matching", "fusing", "meshing")]
    assert order == sorted(order)
    assert sum(stage == "texturing" for stage in stages) > 4


def test_the_report_tells_of_every_pair_and_the_texture(ring_result):
    report = json.loads(json.dumps(plain_values(ring_result.report_values), allow_nan=False))
    assert [p["left"] for p in report["pairs"]] == [m.pair.left.product_id for m in ring_result.pairs]
    for told, measured in zip(report["pairs"], ring_result.pairs, strict=True):
        assert told["valid_share"] == pytest.approx((measured.xyz.reason == 0).mean(), abs=1e-4)
        assert told["overlap_share"] > told["valid_share"]
        bits = sum(entry["bit"] for entry in told["reason_legend"].values())
        assert (measured.xyz.reason & ~np.uint16(bits) == 0).all()
    assert report["texture"]["width"] == ring_result.terrain.image.shape[1]
    assert report["texture"]["seam_step"]["after"] < 0.5 * report["texture"]["seam_step"]["before"]
    assert {"texturing", "measuring", "fusing"} <= set(report["seconds"])
    assert "The images are simulated, not taken on Mars." in report["notes"]


def test_a_scene_without_a_pair_is_refused(ring_folder):
    lefts = read_frames(sorted(ring_folder.glob("*LEFT*.webp"))[:2]).observations
    with pytest.raises(PairError, match="no pair"):
        reconstruct_scene(Scene("lefts", lefts))
