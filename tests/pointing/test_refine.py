"""The refinement as a whole: on a simulated ring with the mast's errors, and where there is nothing to hold on to."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from stereo3d.camera.mast import head_from_joints
from stereo3d.errors import FrameMismatchError
from stereo3d.image import Image
from stereo3d.observation import Observation
from stereo3d.pointing import Pointing, refine_pointing
from stereo3d.simulate.navcam import boresight_deg
from stereo3d.simulate.ring import Ring


def relative_error_deg(ring: Ring, pointing: Pointing, shots: list[int]) -> np.ndarray:
    """(shots, 2): found minus true against the mean of these shots."""
    found = np.array([[f.pan_deg, f.tilt_deg] for f in pointing.frames[::2]])
    error = (found - (ring.true_joints_deg - ring.told_joints_deg))[shots]
    return error - error.mean(axis=0)


def test_the_masts_errors_are_found(ring: Ring, refined_ring: Pointing) -> None:
    assert np.abs(relative_error_deg(ring, refined_ring, [0, 1, 2])).max() < 0.01
    assert all(f.applied for f in refined_ring.frames)
    assert refined_ring.before_px > 0.7
    assert refined_ring.after_px < 0.3
    assert [o.after_px < 0.3 for o in refined_ring.overlaps] == [True, True]
    assert refined_ring.groups == 1
    assert refined_ring.notes == ()
    for f in refined_ring.frames:
        assert 0.0 < f.pan_relative_sigma_deg < 0.01 < f.pan_sigma_deg < 0.12


def test_the_eyes_of_a_shot_turn_together_and_as_the_mast_does(ring: Ring, refined_ring: Pointing) -> None:
    turned = refined_ring.applied(ring.observations)
    for k, (left, right) in enumerate(zip(turned[::2], turned[1::2], strict=True)):
        f = refined_ring.frames[2 * k]
        assert (f.pan_deg, f.tilt_deg, f.shot) == tuple(
            getattr(refined_ring.frames[2 * k + 1], n) for n in ("pan_deg", "tilt_deg", "shot")
        )
        pan, tilt = ring.told_joints_deg[k]
        mast = head_from_joints(pan + f.pan_deg, tilt + f.tilt_deg, left.frame) @ (
            head_from_joints(pan, tilt, left.frame).inverse()
        )
        for told, o in zip(ring.observations[2 * k : 2 * k + 2], (left, right), strict=True):
            expected = told.camera.moved(mast)
            np.testing.assert_allclose(o.camera.C, expected.C, atol=1e-5)
            np.testing.assert_allclose(o.camera.A, expected.A, atol=1e-6)
            assert o.mast_azimuth_deg == pytest.approx(boresight_deg(o.camera)[0], abs=1e-3)
            assert o.mast_elevation_deg == pytest.approx(boresight_deg(o.camera)[1], abs=1e-3)


def test_the_ground_of_the_ties_is_the_true_ground(ring: Ring, refined_ring: Pointing) -> None:
    assert len(refined_ring.points) > 300
    # From another eye than found them, occlusions allowed.
    eye = ring.true_cameras[2].C
    towards = refined_ring.points - eye
    range_m = np.linalg.norm(towards, axis=1)
    true_m, _ = ring.cast(np.broadcast_to(eye, towards.shape), towards / range_m[:, None])
    near = range_m < 8.0
    assert near.sum() > 100
    assert np.median(np.abs(range_m / true_m - 1.0)[near]) < 0.02


def test_json_holds_what_was_found(ring: Ring, refined_ring: Pointing) -> None:
    data = json.loads(json.dumps(refined_ring.as_json(), allow_nan=False))
    assert [f["product_id"] for f in data["frames"]] == [o.product_id for o in ring.observations]
    assert data["frames"][2]["pan_deg"] == pytest.approx(refined_ring.frames[2].pan_deg, abs=1e-5)
    assert data["overlaps"][0]["after_px"] == pytest.approx(refined_ring.overlaps[0].after_px, abs=1e-3)
    assert len(data["rig_deg"]) == 3


def spoilt(observation: Observation) -> Observation:
    """The frame with no more than noise in it."""
    noise = np.random.default_rng(5).normal(120.0, 3.0, observation.image.pixels.shape)
    return replace(observation, image=Image(noise.astype(np.uint8), observation.image.valid))


def test_a_frame_that_cannot_be_tied_keeps_its_telemetry(ring: Ring) -> None:
    frames = [*ring.observations[:4], *(spoilt(o) for o in ring.observations[4:])]
    found = refine_pointing(frames)
    assert [f.applied for f in found.frames] == [True] * 4 + [False] * 2
    refused = found.frames[4]
    assert "ties" in refused.why_not
    assert (refused.pan_deg, refused.tilt_deg, refused.group) == (0.0, 0.0, -1)
    assert refused.pan_sigma_deg == pytest.approx(0.12)
    assert any(refused.product_id in note for note in found.notes)
    turned = found.applied(frames)
    assert turned[4] is frames[4]
    assert turned[0] is not frames[0]
    assert np.abs(relative_error_deg(ring, found, [0, 1])).max() < 0.01


def test_a_turn_beyond_belief_is_refused(ring: Ring) -> None:
    """One shot is told 0.75 degrees lower than it is: the others are not dragged after it."""
    far = []
    for o in ring.observations[4:]:
        pan, tilt = ring.true_joints_deg[2]
        moved = (
            head_from_joints(pan, tilt - 0.75, o.frame) @ head_from_joints(*ring.told_joints_deg[2], o.frame).inverse()
        )
        far.append(replace(o, camera=o.camera.moved(moved)))
    found = refine_pointing([*ring.observations[:4], *far])
    assert [f.applied for f in found.frames] == [True] * 4 + [False] * 2
    assert "sigma" in found.frames[4].why_not or "agree" in found.frames[4].why_not
    assert np.abs(relative_error_deg(ring, found, [0, 1])).max() < 0.01


def test_groups_that_no_tie_joins(ring: Ring) -> None:
    """The middle shot taken out: the outer two do not meet."""
    found = refine_pointing([*ring.observations[:2], *ring.observations[4:]])
    assert not any(f.applied for f in found.frames)
    assert len(found.notes) == 2
    assert np.isnan(found.before_px)


def test_one_shot_and_no_frame(ring: Ring) -> None:
    alone = refine_pointing(ring.observations[:2])
    assert not any(f.applied for f in alone.frames)
    assert refine_pointing([]).frames == ()


def test_two_stops_are_refused(ring: Ring) -> None:
    with pytest.raises(FrameMismatchError, match="stops"):
        refine_pointing([ring.observations[0], replace(ring.observations[1], mission="MSL")])


def test_progress_is_told(ring: Ring) -> None:
    told: list[tuple[str, float]] = []
    refine_pointing(ring.observations[:2], lambda name, share: told.append((name, share)))
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert told[-1] == ("done", 1.0)
