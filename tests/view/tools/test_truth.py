"""Distances on the bundled scene's first pair against its truth: sigma tells what errors there are."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.pipeline import reconstruct
from stereo3d.pipeline.places import lateral_rad
from stereo3d.read import read_scene
from stereo3d.simulate.truth_file import read_truth
from stereo3d.terrain.surface import Surface
from stereo3d.view.tools import distance, measure_point


@pytest.fixture(scope="module")
def picked():
    """Places picked at random on the frame, and where they truly are."""
    scene = read_scene([])
    made = reconstruct(scene)
    camera, enu, surface = made.pair.left.camera, made.enu_from_rover, Surface(made.terrain.mesh)
    truth = read_truth(scene.truth, camera)
    rng = np.random.default_rng(5)
    usable = truth.both_eyes & ~truth.near_step & made.xyz.measured & (truth.range_m < 40.0)
    rows, columns = np.nonzero(usable[4:-4, 4:-4])
    chosen = rng.permutation(len(rows))[:6000]
    pixels = np.stack([columns[chosen], rows[chosen]], axis=1) + 4
    origins, rays = camera.ray(pixels + rng.uniform(-0.5, 0.5, pixels.shape))
    hits = surface.hits(enu.apply(origins), enu.rotate(rays))
    places = surface.interpolate(hits, surface.mesh.vertices)
    sigma = surface.interpolate(hits, surface.mesh.sigma_m)
    on = hits.face >= 0
    lateral = lateral_rad(made)
    found = [measure_point(p, float(s), made.eye_enu, enu, lateral) for p, s in zip(places[on], sigma[on], strict=True)]
    return found, enu.apply(truth.xyz[pixels[:, 1], pixels[:, 0]])[on]


def test_errors_of_distances_are_of_the_size_of_their_sigma(picked):
    """The range's sigma holds doubt about vergence that near places share, so the spread may be below 1."""
    found, true = picked
    rng = np.random.default_rng(6)
    pairs = rng.integers(0, len(found), (10000, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    exact = np.linalg.norm(true[pairs[:, 0]] - true[pairs[:, 1]], axis=1)
    told = [distance(found[a], found[b]) for a, b in pairs]
    over = (np.array([t.value for t in told]) - exact) / np.array([t.sigma for t in told])
    near = exact < 3.0
    for part in (over, over[near]):
        assert len(part) > 200
        assert 0.5 < 1.4826 * np.median(np.abs(part)) < 1.3
        assert (np.abs(part) > 3.0).mean() < 0.08
