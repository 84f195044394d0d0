"""Two sheets of ground side by side: cut where they are seen alike, nothing doubled, holes filled from the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.terrain.join import Placed, brightened, join
from stereo3d.terrain.surface import Surface
from stereo3d.terrain.texture import TexturedMesh

LEFT, RIGHT = np.array([-5.0, 0.0, 2.0]), np.array([5.0, 0.0, 2.0])


def seen(terrain, eye, unit=1e-3):
    """The terrain with a sigma that grows with the square of the range from ``eye``."""
    mesh = terrain.mesh
    sigma = unit * np.sum((mesh.vertices - eye) ** 2, axis=1)
    return Placed(replace(terrain, mesh=replace(mesh, sigma_m=sigma.astype(np.float32))), eye)


@pytest.fixture
def two(sheet):
    """A west and an east part that share 6 m; the east one is 2 cm too high and darker."""
    west = sheet(east=(-8.0, 3.0), north=(-4.0, 4.0), step_m=0.2, paint=lambda e, n: np.full_like(e, 160.0))
    east = sheet(lambda e, n: 0.02 + 0 * e, east=(-3.0, 8.0), north=(-4.0, 4.0), step_m=0.2)
    return seen(west, LEFT), seen(east, RIGHT)


def crossings(mesh, points):
    """How many faces the vertical through each place (n, 2) meets, within 10 cm of the plane."""
    surface = Surface(mesh)
    count = np.zeros(len(points), dtype=int)
    for top in np.arange(0.5, -0.5, -0.0025):
        start = np.column_stack([points, np.full(len(points), top)])
        hits = surface.hits(start, np.broadcast_to([0.0, 0.0, -1.0], start.shape))
        high = surface.interpolate(hits, mesh.vertices)[:, 2]
        count += (hits.face >= 0) & (high > top - 0.0025) & (high <= top)
    return count


def test_each_place_is_covered_once_and_the_border_lies_in_the_middle(two):
    made = join(two)
    rng = np.random.default_rng(1)
    points = rng.uniform([-7.5, -3.5], [7.5, 3.5], (1500, 2))
    count = crossings(made.terrain.mesh, points)
    assert (count <= 1).mean() > 0.998
    assert (count == 1).mean() > 0.99
    vertices = made.terrain.mesh.vertices
    within = np.abs(vertices[:, 1]) < 3.5
    for k, side in ((0, -1.0), (1, 1.0)):
        assert (side * vertices[within & (made.stop == k), 0]).min() > -1e-3


def test_the_grounds_meet_at_the_border_and_are_as_measured_further_off(two):
    made = join(two)
    mesh = made.terrain.mesh
    at = (np.abs(mesh.vertices[:, 0]) < 1e-6) & (np.abs(mesh.vertices[:, 1]) < 3.5)
    assert at.sum() > 20
    assert np.abs(mesh.vertices[at, 2] - 0.01).max() < 0.002
    far = np.abs(mesh.vertices[:, 0]) > 4.0
    assert np.allclose(mesh.vertices[far, 2], np.where(made.stop[far] == 1, 0.02, 0.0), atol=1e-6)
    before, after = made.step_mm
    assert before == pytest.approx(20.0, abs=0.5)
    assert after < 4.0


def test_colours_are_levelled_to_the_first_and_each_face_keeps_its_own(two):
    made = join(two)
    assert np.allclose(made.gains[1], 1.6, atol=0.01)
    uv, image = made.terrain.uv, made.terrain.image
    column = np.clip(np.floor(uv[:, 0] * image.shape[1]), 0, image.shape[1] - 1).astype(int)
    row = np.clip(np.floor((1 - uv[:, 1]) * image.shape[0]), 0, image.shape[0] - 1).astype(int)
    assert np.abs(image[row, column].astype(int) - 160).max() <= 1


def test_a_hole_of_the_better_stop_is_filled_from_the_other(two):
    west, east = two
    mesh = west.terrain.mesh
    middle = mesh.vertices[mesh.faces].mean(axis=1)
    hole = np.hypot(middle[:, 0] + 2.0, middle[:, 1]) < 0.7
    holed = replace(mesh, faces=mesh.faces[~hole], kind=mesh.kind[~hole])
    made = join([replace(west, terrain=TexturedMesh(holed, west.terrain.uv, west.terrain.image)), east])
    angle = np.linspace(0.07, 6.2, 40)
    inner = np.column_stack([-2.0 + 0.45 * np.cos(angle), 0.45 * np.sin(angle)])
    assert (crossings(made.terrain.mesh, inner) == 1).all()
    there = np.hypot(made.terrain.mesh.vertices[:, 0] + 2.0, made.terrain.mesh.vertices[:, 1]) < 0.5
    assert (made.stop[there] == 1).all()


def test_grounds_apart_are_left_alone(sheet):
    one = seen(sheet(east=(-8.0, -6.0), north=(-1.0, 1.0)), LEFT)
    other = seen(sheet(east=(6.0, 8.0), north=(-1.0, 1.0)), RIGHT)
    made = join([one, other])
    assert len(made.terrain.mesh.faces) == len(one.terrain.mesh.faces) + len(other.terrain.mesh.faces)
    assert np.isnan(made.step_mm[0])
    assert made.gains == ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0))


def test_nothing_to_join_is_refused():
    with pytest.raises(ValueError, match="no ground"):
        join([])


def test_brightened_clips():
    assert brightened(np.array([[200, 10, 0]], np.uint8), (2.0, 1.5, 1.0)).tolist() == [[255, 15, 0]]
