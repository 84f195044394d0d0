"""Annotations over pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pil

from stereo3d.annotation import Annotation
from stereo3d.terrain.surface import Surface
from stereo3d.view.marks import draw_annotations, visible
from stereo3d.view.screenshot import render_picture
from stereo3d.view.viewpoint import camera_viewpoint, viewpoint

SIZE = (480, 320)


@pytest.fixture(scope="module")
def surface(made_up):
    return Surface(made_up.terrain.mesh)


def note(made_up, kind, points, **more):
    points = np.array(points, float)
    return Annotation(kind, made_up.terrain.mesh.frame, points, np.zeros(len(points)), **more)


def drawn(made_up, surface, view, *notes):
    image = Pil.new("RGB", SIZE)
    draw_annotations(image, notes, view, surface)
    return np.asarray(image).astype(int)


def test_a_point_lies_where_the_view_shows_it(made_up, surface, truth):
    ground_up, _ = truth
    view = camera_viewpoint(made_up, 1.5)
    place = [2.0, 5.0, ground_up(2.0, 5.0)]
    found = drawn(made_up, surface, view, note(made_up, "point", [place], colour="#ff0000"))
    rows, columns = np.nonzero(found[..., 0] > 200)
    np.testing.assert_allclose([columns.mean(), rows.mean()], view.project(place, SIZE), atol=1.5)


def test_lines_and_areas(made_up, surface, truth):
    ground_up, _ = truth
    view = viewpoint(made_up, "top", 1.5)
    corners = [[e, n, ground_up(e, n) + 0.05] for e, n in ((2.0, 4.0), (3.0, 4.0), (3.0, 6.0))]
    line = drawn(made_up, surface, view, note(made_up, "line", corners, colour="#00ff00"))
    ring = drawn(made_up, surface, view, note(made_up, "area", corners, colour="#00ff00"))
    back = view.project((np.array(corners[0]) + corners[2]) / 2, SIZE).astype(int)
    assert line[back[1], back[0], 1] == 0
    assert ring[back[1], back[0], 1] > 200


def test_what_the_ground_hides_is_fainter(made_up, surface):
    """Behind the rock, seen from the camera; from above nothing hides it."""
    view = camera_viewpoint(made_up, 1.5)
    rock = np.array([5.0, 4.5, 0.2])
    behind = rock + 1.5 * (rock - view.eye) * [1, 1, 0] / np.linalg.norm((rock - view.eye)[:2]) - [0, 0, 0.1]
    assert visible(np.array([behind]), view, surface).tolist() == [False]
    assert visible(np.array([behind]), viewpoint(made_up, "top", 1.5), surface).tolist() == [True]
    hidden = drawn(made_up, surface, view, note(made_up, "point", [behind], colour="#ff0000"))
    assert 60 < hidden[..., 0].max() < 140


def test_names_are_written_and_pictures_show_notes(made_up, tmp_path):
    words = note(made_up, "text", [[2.0, 5.0, 0.2]], name="here\x1b[31m")
    bare = render_picture(made_up, tmp_path / "a.png", SIZE)
    with_note = render_picture(made_up, tmp_path / "b.png", SIZE, notes=[words])
    with Pil.open(bare) as a, Pil.open(with_note) as b:
        changed = np.abs(np.asarray(a).astype(int) - np.asarray(b)).max(axis=-1) > 0
    rows, columns = np.nonzero(changed)
    assert 20 < len(rows) < 3000
    np.testing.assert_allclose(
        [columns.mean(), rows.mean()], camera_viewpoint(made_up, 1.5).project([2.0, 5.0, 0.2], SIZE), atol=8
    )
