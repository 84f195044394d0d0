"""The solid to print: closed and of the right size, judged by trimesh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from stereo3d.errors import OutputError
from stereo3d.export import solid
from stereo3d.export.solid import PrintSettings, printable
from stereo3d.export.terrain import check_target, write_printable
from stereo3d.terrain.mesh import FaceKind

WHOLE = PrintSettings(within_m=60.0, cells=120)


def without(textured, where):
    """The terrain without the faces whose middle (column, row of the grid, m) ``where`` says."""
    mesh = textured.mesh
    x, y = mesh.vertices[mesh.faces].mean(axis=1)[:, :2].T
    gone = where(x - 5.0, 30.0 - y)
    assert gone.any()
    return replace(textured, mesh=replace(mesh, faces=mesh.faces[~gone], kind=mesh.kind[~gone]))


def read(path):
    body = trimesh.load(path)
    assert body.is_watertight
    assert body.is_volume
    assert body.body_count == 1
    return body


def test_a_hill_is_a_box_with_a_hill(textured, tmp_path):
    path = tmp_path / "print.stl"
    written, made = write_printable(textured, path, replace(WHOLE, scale=100.0, base_mm=5.0))
    assert written == [path]
    body = read(path)
    height = np.ptp(textured.mesh.vertices[:, 2]) * 10.0
    # 40 x 30 m and the hill, at 1:100, on 5 mm.
    assert body.bounds == pytest.approx(np.array([[0, 0, 0], [400, 300, height + 5.0]]), abs=0.3)
    assert made.size_mm == pytest.approx(tuple(body.bounds[1]), abs=1e-3)
    assert made.scale == 100.0
    hill = 2.0 * np.pi * 15.0 * 1000.0 * 2.0
    assert body.volume == pytest.approx(400 * 300 * 5.0 + hill, rel=0.01)
    assert made.filled == 0.0
    # The top of the hill lies east 15 + 5 m, north 20 m of the corner: not mirrored, not turned.
    top = body.vertices[body.vertices[:, 2].argmax()]
    assert top[:2] == pytest.approx([200.0, 200.0], abs=6.0)


def test_size_chooses_the_scale(textured, tmp_path):
    _, made = write_printable(textured, tmp_path / "print.stl", replace(WHOLE, size_mm=80.0))
    assert read(tmp_path / "print.stl").extents[:2] == pytest.approx([80.0, 60.0], abs=0.7)
    assert made.scale == pytest.approx(500.0, rel=0.01)


def test_holes_are_filled_and_counted(textured, tmp_path):
    holed = without(textured, lambda x, y: (np.hypot(x - 30, y - 20) < 5) | ((x < 4) & (y > 12) & (y < 18)))
    _, made = write_printable(holed, tmp_path / "print.stl", WHOLE)
    body = read(tmp_path / "print.stl")
    # The round hole is filled, flat as what is about it; the bay at the rim stays open.
    assert made.filled == pytest.approx(np.pi * 25 / (1200 - 24), rel=0.1)
    bottom = trimesh.Trimesh(body.vertices, body.faces[body.face_normals[:, 2] < -0.9])
    assert bottom.area / (150.0 / 40.0) ** 2 == pytest.approx(1200 - 24, rel=0.02)
    top = body.triangles_center[body.face_normals[:, 2] > 0.5]
    inside = np.hypot(top[:, 0] / 3.75 - 30, top[:, 1] / 3.75 - 10) < 4
    assert inside.sum() > 100
    assert np.ptp(top[inside, 2]) < 1.0


def test_an_island_is_left_away(textured, tmp_path):
    parted = without(textured, lambda x, y: (x > 24) & (x < 29))
    write_printable(parted, tmp_path / "print.stl", replace(WHOLE, scale=100.0))
    assert read(tmp_path / "print.stl").extents[:2] == pytest.approx([240, 300], abs=4)


def test_no_cells_hang_together_by_a_corner():
    """Random ground, and two gaps that touch at a point inside of a frame: the inner one is filled."""
    rng = np.random.default_rng(4)
    grounds = [rng.random((40, 40)) < share for share in np.linspace(0.05, 0.6, 300)]
    framed = np.ones((40, 40), bool)
    framed[10:20, 10:20] = framed[21:, 21:] = False
    grounds.append(framed)
    for known in grounds:
        pad = np.pad(solid._footprint(known), 1)
        a, b, c, d = pad[:-1, :-1], pad[:-1, 1:], pad[1:, :-1], pad[1:, 1:]
        assert not ((a & d & ~b & ~c) | (b & c & ~a & ~d)).any()
    assert pad[1:-1, 1:-1].sum() == 39 * 39 - 19 * 19


def test_filled_faces_count_as_filled(textured):
    mesh = textured.mesh
    kind = np.where(mesh.vertices[mesh.faces].mean(axis=1)[:, 0] < 25.0, FaceKind.FILLED, FaceKind.MEASURED)
    made = printable(replace(mesh, kind=kind.astype(np.uint8)), WHOLE)
    assert made.filled == pytest.approx(0.5, abs=0.03)


def test_ragged_ground_is_still_a_solid(textured, tmp_path):
    rng = np.random.default_rng(8)
    ragged = without(textured, lambda x, y: (rng.random(len(x)) < 0.45) | (np.abs(x - y) < 0.8))
    for cells in (37, 90, 160):
        write_printable(ragged, tmp_path / "print.stl", replace(WHOLE, cells=cells))
        read(tmp_path / "print.stl")


def test_only_what_lies_near(textured):
    made = printable(textured.mesh, replace(WHOLE, within_m=20.0, scale=100.0))
    assert made.size_mm[0] == pytest.approx(150.0, abs=3.0)
    with pytest.raises(OutputError, match=r"no ground within 3 m.*--within"):
        printable(textured.mesh, replace(WHOLE, within_m=3.0))


def test_a_huge_print_and_another_format_are_refused(textured, tmp_path):
    with pytest.raises(OutputError, match=r"(40000|39999) mm long.*expected at most 2000 mm"):
        write_printable(textured, tmp_path / "print.stl", replace(WHOLE, scale=1.0))
    with pytest.raises(OutputError, match=r"expected the suffix \.stl"):
        check_target(tmp_path / "print.glb", solid=True)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="size_mm"):
        PrintSettings(size_mm=-1.0)
