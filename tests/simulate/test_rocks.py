"""Rocks follow the size-frequency distribution that the model prescribes, and their bodies are sound."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from stereo3d.simulate.ground import Ground
from stereo3d.simulate.noise import GradientNoise
from stereo3d.simulate.rocks import (
    RockField,
    build_rocks,
    covered_share,
    draw_diameters,
    rock_shape,
    rocks_per_m2,
    scatter_rocks,
)

K = 0.065


def test_covered_share_is_golombeks() -> None:
    # Golombek & Rapp 1997: q = 1.79 + 0.152 / k; at the Viking 2 site k = 0.176, q = 2.65 (their table).
    assert covered_share(0.0, 0.176) == pytest.approx(0.176)
    assert np.log(0.176 / covered_share(1.0, 0.176)) == pytest.approx(2.65, abs=0.01)


@pytest.mark.parametrize("smallest", [0.03, 0.2])
def test_drawn_rocks_cover_what_the_model_says(smallest: float) -> None:
    ground_m2 = 2e5
    count = round(ground_m2 * rocks_per_m2(smallest, K))
    diameter = draw_diameters(np.random.default_rng(1), count, smallest, K)
    assert diameter.min() >= smallest * 0.999
    for limit in (0.25, 0.5, 0.9):
        covered = np.sum(np.pi / 4 * diameter[diameter >= limit] ** 2) / ground_m2
        assert covered == pytest.approx(float(covered_share(limit, K)), rel=0.06)


def test_scattered_rocks_have_the_models_density_in_every_ring() -> None:
    eye, rings = np.array([3.0, -2.0]), ((3.0, 10.0), (10.0, 40.0), (40.0, 90.0))
    found = np.zeros(3)
    for seed in range(12):  # the crowding is patchy: only the mean over many places is the model's
        field = scatter_rocks(np.random.default_rng(seed), eye, 0.4, 1.2, 0.002, 90.0, K)
        north, east = (field.centre - eye).T
        assert np.abs(np.arctan2(east, north) - 0.4).max() <= 1.2
        r = np.hypot(north, east)
        # Rocks of 2 pixels at a ring's far side are kept in the whole of it.
        found += [np.sum((r >= a) & (r < b) & (field.diameter_m >= 0.004 * b)) for a, b in rings]
    expected = [rocks_per_m2(0.004 * b, K) * 1.2 * (b**2 - a**2) * 12 for a, b in rings]
    assert found == pytest.approx(expected, rel=0.12)


def test_rock_bodies_are_where_and_as_large_as_the_field_says() -> None:
    rng = np.random.default_rng(3)
    ground = Ground(GradientNoise.from_seed(rng), np.array([0.0, 0.0, 1.0]))
    field = RockField(np.array([[5.0, 0.0], [0.0, 9.0], [-7.0, 3.0]]), np.array([0.1, 0.5, 1.0]))
    mesh = build_rocks(rng, field, ground, np.zeros(2), 0.002)
    for number in range(3):
        body = mesh.vertices[np.unique(mesh.faces[mesh.rock == number])]
        middle = (body.max(axis=0) + body.min(axis=0)) / 2.0
        assert np.hypot(*(middle[:2] - field.centre[number])) < 0.35 * field.diameter_m[number]
        width = (np.ptp(body[:, 0]) + np.ptp(body[:, 1])) / 2.0
        assert 0.75 < width / field.diameter_m[number] < 1.45
        top, bottom = -body[:, 2].min(), -body[:, 2].max()
        level = float(ground.height(*(field.centre[number][:, None]))[0])
        assert bottom < level < top + 0.2 * field.diameter_m[number]  # it lies in the ground, not above it
    # All normals point out of the bodies.
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), mesh.normals[mesh.faces[:, 0]]) > 0).mean() > 0.98


def test_rock_shapes_are_convex_but_for_their_roughness() -> None:
    ball = trimesh.creation.icosphere(subdivisions=4)
    for seed in range(5):
        surface = rock_shape(np.random.default_rng(seed), np.asarray(ball.vertices))
        radius = np.linalg.norm(surface, axis=1)
        assert 1.3 < radius.max() / radius.min() < 3.5  # not a ball, not a needle
        body = trimesh.Trimesh(surface, ball.faces, process=False)
        assert 0.75 < body.volume / body.convex_hull.volume < 0.999
