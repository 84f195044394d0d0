"""All pairs of the bundled scene, at a quarter of its size, become one ground that lies on the truth."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from stereo3d.camera import pixel_grid
from stereo3d.errors import PairError, StereoError
from stereo3d.frames import Frame
from stereo3d.image import Image
from stereo3d.pipeline import Settings, enu_from_rover, measure_ground
from stereo3d.read import bundled_scene, read_frames
from stereo3d.scene import Scene
from stereo3d.simulate.ring_truth import RANGE_STEP, read_pointing_truth, read_ranges
from stereo3d.stereo.levels import reduced_observation
from stereo3d.terrain.mesh import FaceKind

SHOTS = (0, 1, 5)
"""Three neighbours of the ring, the first in their middle."""


@pytest.fixture(scope="module")
def scene() -> Scene:
    whole = read_frames([])
    frames = [whole.observations[2 * shot + eye] for shot in SHOTS for eye in (0, 1)]
    return replace(whole, observations=tuple(reduced_observation(frame, RANGE_STEP) for frame in frames))


@pytest.fixture(scope="module")
def truth(scene):
    """True points in ENU that the left eyes see, with their true ranges, in turn."""
    folder = bundled_scene()
    cameras = read_pointing_truth(folder / "truth.json").cameras
    lefts = [o.product_id for o in read_frames([]).observations[::2]]
    ranges = read_ranges(folder / "ranges.tif", [cameras[name] for name in lefts])
    to_enu = enu_from_rover(scene.observations[0])
    out = []
    for shot in SHOTS:
        camera = cameras[lefts[shot]]
        origin, ray = camera.ray(pixel_grid(camera.width, camera.height)[::RANGE_STEP, ::RANGE_STEP])
        points = to_enu.apply(origin + ray * ranges[shot][..., None])
        out.append((to_enu.apply(camera.C), points, ranges[shot]))
    return out


@pytest.fixture(scope="module")
def ground(scene):
    told: list[tuple[str, float]] = []
    return measure_ground(scene, progress=lambda name, share: told.append((name, share))), told


def off_truth(mesh, truth):
    """Along the rays of the true eyes: range of the mesh less the true one, m; NaN where either has none."""
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    target = EmbreeScene()
    keep = TriangleMesh(target, mesh.vertices.astype(np.float32), np.array(mesh.faces))
    out = []
    for centre, points, range_m in truth:
        rays = points - centre
        rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
        known = np.isfinite(range_m)
        origins = np.broadcast_to(centre, rays[known].shape).astype(np.float32)
        hits = target.run(np.ascontiguousarray(origins), rays[known].astype(np.float32), output=True)
        off = np.full(range_m.shape, np.nan)
        off[known] = np.where(hits["primID"] >= 0, hits["tfar"] - range_m[known], np.nan)
        out.append(off)
    del keep
    return out


def test_the_one_ground_lies_on_the_true_one(ground, truth):
    result, _ = ground
    for off, (_, _, range_m) in zip(off_truth(result.mesh, truth), truth, strict=True):
        near = (range_m < 12.0) & np.isfinite(off)
        # Ground is met at about this angle: from the error along the ray to that across the surface.
        across = np.abs(off) * 1.9 / range_m
        assert near.sum() > 10_000
        assert np.median(across[near & (range_m < 5)]) < 0.012
        assert np.median(across[near]) < 0.025
        assert np.percentile(across[near], 95) < 0.15
        assert (off[near] < -0.5).mean() < 0.0015, "surface in front of the true one"


def test_what_the_pairs_measured_is_covered(ground, truth):
    result, _ = ground
    for off, measured, (_, _, range_m) in zip(off_truth(result.mesh, truth), result.pairs, truth, strict=True):
        seen = measured.xyz.measured & (range_m < 20.0)
        # The rest is within a pixel or two of a step, which is cut wide so that no surface bridges it.
        assert np.isfinite(off[seen]).mean() > 0.965


def test_the_told_pointing_is_corrected_first(ground, scene):
    result, _ = ground
    true = read_pointing_truth(bundled_scene() / "truth.json").cameras
    names = [o.product_id for o in scene.observations]

    def aims(cameras) -> np.ndarray:
        """Differences of the azimuth of neighbouring shots, which do not depend on the common turn."""
        axes = [camera.A / np.linalg.norm(camera.A) for camera in cameras]
        return np.degrees(np.diff([np.arctan2(axis[1], axis[0]) for axis in axes][::2]))

    told, refined, right = (
        aims(c)
        for c in (
            [o.camera for o in scene.observations],
            [o.camera for o in result.observations],
            [true[n] for n in names],
        )
    )
    assert np.abs(refined - right).max() < 0.3 * np.abs(told - right).max()


def test_overlaps_fit_to_millimetres_and_are_reported(ground):
    result, _ = ground
    assert {(m.first, m.second) for m in result.misfits} == {(0, 1), (0, 2)}
    for misfit in result.misfits:
        nearest = misfit.ranges[0]
        assert nearest.to_m == 5.0
        assert abs(nearest.median_mm) < 8.0
        assert nearest.spread_mm < 1.5 * nearest.expected_mm
    json.dumps(result.report, allow_nan=False)
    assert len(result.report["overlaps"]) == 2
    assert result.report["fused"]["seen_by_several_share"] > 0.2
    assert result.report["triangles"] == len(result.mesh.faces)


def test_the_mesh_is_in_enu_and_its_progress_is_told_in_order(ground, scene):
    result, told = ground
    first = scene.observations[0]
    assert result.mesh.frame == Frame.enu(first.site, first.drive)
    assert (result.mesh.kind == FaceKind.MEASURED).all()
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    names = [name for name, _ in told]
    assert "pair 3 of 3: matching" in names
    assert names.index("refining the pointing") < names.index("pair 1 of 3: matching") < names.index("fusing")


def test_one_pair_is_the_mesh_of_its_own_pixels(scene):
    one = measure_ground(replace(scene, observations=scene.observations[:2]))
    few = measure_ground(replace(scene, observations=scene.observations[:2]), Settings(faces=5000))
    assert one.fused is None
    assert np.isfinite(one.mesh.pixels).all()
    assert "fused" not in one.report
    assert len(few.mesh.faces) <= 5000 < len(one.mesh.faces)
    closed = measure_ground(replace(scene, observations=scene.observations[:2]), Settings(fill=True))
    assert closed.report["filled_triangles"] == (closed.mesh.kind == FaceKind.FILLED).sum() > 100
    assert one.report["filled_triangles"] == 0
    assert few.report["detail"]["triangles"] == len(few.mesh.faces)
    assert np.isnan(few.mesh.pixels).all()


def test_a_pair_without_ground_is_left_out_with_a_note(scene):
    frames = list(scene.observations[:4])
    for k in (2, 3):
        image = frames[k].image
        frames[k] = replace(frames[k], image=Image(np.zeros_like(image.pixels), image.valid))
    found = measure_ground(replace(scene, observations=tuple(frames)))
    assert len(found.pairs) == 1
    assert any(frames[2].product_id in note for note in found.report["notes"])
    with pytest.raises(StereoError):
        measure_ground(replace(scene, observations=tuple(frames[2:])))


def test_no_pair_is_one_clear_line(scene):
    with pytest.raises(PairError, match="no pair"):
        measure_ground(replace(scene, observations=scene.observations[::2]))
