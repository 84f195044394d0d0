"""The parts of the atlas on triangles whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.camera import CAHV
from stereo3d.frames import Frame
from stereo3d.observation import Eye
from stereo3d.terrain.atlas_charts import PAD_PX, UNSEEN, best_views, make_charts, neighbours
from stereo3d.terrain.atlas_fill import smooth_between
from stereo3d.terrain.atlas_kernels import FIRST, behind, look, paint, rasterise, spread
from stereo3d.terrain.atlas_views import Sight, View

ENU = Frame.enu(1, 2)


def square(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (n * n, 2) of a grid over (0, 1) and its faces, clockwise where rows count down."""
    x, y = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n))
    number = np.arange(n * n).reshape(n, n)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    return np.stack([x, y], -1).reshape(-1, 2), faces.astype(np.int32)


def drawn(at: np.ndarray, nearness: np.ndarray, faces: np.ndarray, shape: tuple[int, int]) -> tuple:
    owner, front = np.full(shape, -1, dtype=np.int32), np.zeros(shape, dtype=np.float32)
    rasterise(at.astype(np.float32), nearness.astype(np.float32), faces, np.ones(len(faces), bool), owner, front)
    return owner, front


def test_every_texel_of_a_surface_has_a_face_and_the_nearer_wins() -> None:
    flat, faces = square(4)
    # A nearer sheet over the left half, drawn before or after the far one.
    sheets = flat * 20.0 + 1.0, flat * np.array([10.0, 20.0]) + 1.0
    for near in (0, 1):
        at = np.concatenate(sheets if near else sheets[::-1]).astype(np.float32)
        nearness = np.repeat([0.5, 1.0] if near else [1.0, 0.5], len(flat)).astype(np.float32)
        both = np.concatenate([faces, faces + len(flat)])
        of_near = np.repeat([not near, bool(near)], len(faces))
        owner, front = drawn(at, nearness, both, (24, 24))
        assert (owner[1:22, 1:22] >= 0).all()
        assert (owner[:, 23] == -1).all()
        assert of_near[owner[1:22, 1:12]].all()
        assert not of_near[owner[1:22, 13:22]].any()
        assert front[5, 5] == pytest.approx(1.0)
        assert front[5, 18] == pytest.approx(0.5)
        hidden = np.zeros(len(both), dtype=bool)
        behind(at, nearness, both, front, np.full(len(both), 0.1, dtype=np.float32), hidden)
        middle = at[both].mean(axis=1)[:, 0]
        assert hidden[~of_near & (middle < 9.0)].all()
        assert not hidden[~of_near & (middle > 15.0)].any()
        assert not hidden[of_near].any()


def test_a_face_smaller_than_a_texel_is_hidden_too() -> None:
    at = np.array([[2.2, 2.2], [2.4, 2.2], [2.2, 2.4]], dtype=np.float32)
    front = np.full((5, 5), 1.0, dtype=np.float32)
    for nearness, expected in ((0.5, True), (0.99, False)):
        out = np.zeros(1, dtype=bool)
        near, slack = np.full(3, nearness, dtype=np.float32), np.full(1, 0.02, dtype=np.float32)
        behind(at, near, np.array([[0, 1, 2]], dtype=np.int32), front, slack, out)
        assert out[0] == expected


def test_the_rim_is_spread_and_painted_without_running_away() -> None:
    at = np.array([[5.0, 5.0], [15.0, 5.0], [5.0, 5.5]], dtype=np.float32)
    faces = np.array([[0, 1, 2]], dtype=np.int32)
    owner, _ = drawn(at, np.ones(3), faces, (12, 20))
    before = owner >= 0
    spread(at, faces, 1.5, owner)
    grown = (owner >= 0) & ~before
    assert owner[4, 10] == owner[6, 10] == 0
    assert (owner[:3] == -1).all()
    colours = np.array([[0.0], [100.0], [0.0]], dtype=np.float32)
    out = np.full((12, 20, 1), -5.0, dtype=np.float32)
    paint(owner, at, faces, colours, owner >= 0, out)
    assert out[5, 10, 0] == pytest.approx(50.0, abs=1e-3)
    assert out[grown].min() >= 0.0
    assert out[grown].max() <= 100.0
    assert (out[owner < 0] == -5.0).all()


def camera(width: int = 40, height: int = 30) -> CAHV:
    """Five metres above the ground, looking straight down, north up."""
    f = 30.0
    right, down, forward = np.array([1.0, 0.0, 0.0]), np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, -1.0])
    centre = np.array([0.0, 0.0, 5.0])
    return CAHV(ENU, width, height, centre, forward, f * right + 19.5 * forward, f * down + 14.5 * forward)


def view(name: str = "a", eye: Eye = Eye.LEFT) -> View:
    c = camera()
    usable = np.ones((30, 40), dtype=bool)
    usable[:, :5] = False
    rays = c.ray(np.stack(np.meshgrid(np.arange(0, 40, 2), np.arange(0, 30, 2)), -1))[1]
    return View(name, eye, c, np.zeros((30, 40), np.uint8), usable, (-rays[..., 2] / 5.0).astype(np.float32))


def sight_of(v: View, vertices: np.ndarray) -> Sight:
    offset = (vertices - v.camera.C).astype(np.float32)
    return Sight(v.camera.project(vertices).astype(np.float32), -offset[:, 2], offset)


def test_a_texel_is_found_in_the_frame_as_its_place_projects() -> None:
    """One long tilted face: a place on it goes by its depth, not evenly."""
    vertices = np.array([[-1.0, -1.0, 0.0], [2.0, 0.5, 3.0], [-1.0, 1.5, 0.5]])
    v = view()
    seen = np.full(v.seen.shape, 1e-3, dtype=np.float32)
    v = View(v.name, v.eye, v.camera, v.source, v.usable, seen)
    s = sight_of(v, vertices)
    at = np.array([[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]], dtype=np.float32)
    faces, origin = np.array([[0, 1, 2]], dtype=np.int32), np.arange(3, dtype=np.int32)
    owner, _ = drawn(at, np.ones(3), faces, (31, 31))
    out = np.empty((31, 31, 3), dtype=np.float32)
    arguments = (at, faces, origin, s.pixels, s.depth, s.offset, np.zeros(1, np.float32), v.usable, v.seen, 2)
    look(owner, (0, 0), *arguments, (1.0, 1.0), np.full(1, -1, np.int32), 0, out)
    for row, column in ((3, 7), (12, 4), (2, 20)):
        b = np.array([1 - column / 30 - row / 30, column / 30, row / 30])
        expected = v.camera.project(b @ vertices)
        assert out[row, column, :2] == pytest.approx(expected, abs=1e-3)
        assert out[row, column, 2] > 0.0
    assert (out[owner < 0, 2] == 0.0).all()
    # In its own chart the frame comes first; something nearer hides the face.
    look(owner, (0, 0), *arguments, (1.0, 1.0), np.zeros(1, np.int32), 0, out)
    assert out[3, 7, 2] >= FIRST
    near = np.full(v.seen.shape, 1.0, dtype=np.float32)
    look(owner, (0, 0), *arguments[:-2], near, 2, (1.0, 1.0), np.full(1, -1, np.int32), 0, out)
    assert (out[..., 2] == 0.0).all()


def test_a_view_shows_whole_faces_only_where_it_is_usable() -> None:
    flat, faces = square(9)
    vertices = np.concatenate([(flat - 0.5) * np.array([8.0, -4.0]), np.zeros((81, 1))], axis=1)
    left, right = view("a"), view("b", Eye.RIGHT)
    sights = [sight_of(left, vertices), sight_of(right, vertices)]
    label = best_views(faces, [left, right], sights, np.full(81, 0.01, np.float32), [True, False])
    pixels = sights[0].pixels[faces]
    whole = ((pixels >= 0) & (pixels <= np.array([39, 29]))).all(axis=(1, 2)) & (pixels[..., 0] > 4.5).all(axis=1)
    assert (label[whole] == 0).all()
    assert (label[~whole] == UNSEEN).all()
    assert 0.2 < whole.mean() < 0.9


def test_neighbours_share_an_edge() -> None:
    _, faces = square(3)
    first, second = neighbours(faces)
    assert len(first) == 8
    for one, other in zip(first, second, strict=True):
        assert len(set(faces[one]) & set(faces[other])) == 2


def test_charts_lie_apart_and_in_their_block() -> None:
    flat, faces = square(7)
    vertices = np.concatenate([flat * 3.0, np.zeros((49, 1))], axis=1)
    pixels = (flat * 30.0).astype(np.float32)
    sight = Sight(pixels, np.ones(49, np.float32), np.ones((49, 3), np.float32))
    rng = np.random.default_rng(1)
    label = rng.integers(-1, 2, len(faces)).astype(np.int32)
    texels_per_m = np.full(49, 10.0, np.float32)
    charts = make_charts(faces, label, vertices, [sight, sight], [1.0, 0.5], texels_per_m, 64, 1000)
    assert charts.at.min() >= PAD_PX
    assert (charts.at.reshape(-1, 2).max(axis=0) <= np.array([64, charts.shape[0]]) - 1 - PAD_PX).all()
    boxes = []
    for n in np.unique(charts.chart):
        mine = charts.at[charts.chart == n].reshape(-1, 2)
        boxes.append((*(mine.min(axis=0) - PAD_PX), *(mine.max(axis=0) + PAD_PX)))
        assert len(set(label[charts.chart == n])) == 1
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]
    # As fine as in the frame, times its density.
    for k, density in ((0, 1.0), (1, 0.5)):
        mine = label == k
        size = np.ptp(charts.at[mine], axis=1)
        assert size == pytest.approx(np.ptp(pixels[faces[mine]], axis=1) * density, abs=1e-4)
        first, end = charts.rows[k]
        assert first <= charts.at[mine][..., 1].min() <= charts.at[mine][..., 1].max() < end
    small = make_charts(faces, label, vertices, [sight, sight], [1.0, 0.5], texels_per_m, 64, charts.shape[0] - 10)
    assert small.shape[0] <= charts.shape[0] - 10


def test_colours_between_fixed_ones_are_harmonic() -> None:
    """On a regular grid a linear field is the mean of its neighbours, so it comes back from its rim."""
    flat, faces = square(21)
    true = np.stack([40.0 + 60.0 * flat[:, 0], 100.0 - 30.0 * flat[:, 1]], axis=1).astype(np.float32)
    fixed = (flat == 0.0).any(axis=1) | (flat == 1.0).any(axis=1)
    # A piece on its own, with nothing fixed.
    values = np.concatenate([np.where(fixed[:, None], true, 0.0), np.zeros((3, 2))]).astype(np.float32)
    every = np.concatenate([faces, [[441, 442, 443]]]).astype(np.int32)
    out = smooth_between(values, np.concatenate([fixed, np.zeros(3, bool)]), every)
    assert out[:441] == pytest.approx(true, abs=0.01)
    assert out[441:] == pytest.approx(np.tile(true[fixed].mean(axis=0), (3, 1)), abs=0.01)
    assert np.array_equal(out[:441][fixed], true[fixed])
    none = np.zeros(len(values), dtype=bool)
    assert np.array_equal(smooth_between(values, none, every), values)
