"""The mesh of known worlds: whole where the ground is whole, cut where the view is, as coarse as it may be."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from stereo3d.errors import FrameMismatchError, StereoError
from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.terrain.mesh import FaceKind, MeshSettings, build_mesh

BASELINE_M = 0.4244
BOX = (((5.0, 5.8), (-1.2, 0.6), 0.6),)


def edge_counts(faces):
    """Each undirected edge (k, 2) and how many faces use it."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)


def covered_pixels(mesh):
    """Area of the mesh in the image, px^2."""
    a, b, c = (mesh.pixels[mesh.faces[:, k]].astype(float) for k in range(3))
    return 0.5 * np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).sum()


def ray_errors_px(mesh, camera, true_range):
    """For each vertex the error of its inverse range as px of disparity."""
    column, row = mesh.pixels.astype(int).T
    range_m = np.linalg.norm(mesh.vertices - camera.C, axis=1)
    return (1.0 / range_m - 1.0 / true_range[row, column]) * BASELINE_M * 185.0


def test_plane_is_whole_as_far_as_it_is_measured(world):
    w = world(noise_px=0.1)
    xyz, label, _ = w.cast()
    mesh = build_mesh(xyz, w.camera().C)
    # Rows of the image below the horizon are all ground: one rectangle, covered once.
    first = int(np.flatnonzero((label == 1).all(axis=1))[0])
    assert covered_pixels(mesh) == pytest.approx((w.height - 1 - first) * (w.width - 1), abs=1e-3)
    edges, counts = edge_counts(mesh.faces)
    border = mesh.pixels[edges[counts == 1].ravel()]
    on_rim = (border[:, 0] % (w.width - 1) == 0) | (border[:, 1] == first) | (border[:, 1] == w.height - 1)
    assert on_rim.all()
    assert counts.max() == 2


@pytest.mark.parametrize("noise_px", [0.0, 0.1])
def test_far_ground_seen_at_one_degree_is_kept(world, noise_px):
    w = world(focal_px=740.0, tilt_deg=5.0, noise_px=noise_px, far_m=100.0)
    xyz, label, true_range = w.cast()
    mesh = build_mesh(xyz, w.camera().C)
    far = (label == 1) & (true_range > 60.0)
    column, row = mesh.pixels.astype(int).T
    assert far.sum() > 100
    assert true_range[row, column].max() > 0.97 * true_range[far].max()
    angle = np.degrees(np.arcsin(w.height_m / true_range[row, column].max()))
    assert angle < 1.5


@pytest.mark.parametrize("noise_px", [0.0, 0.1, 0.2])
def test_no_face_joins_the_rock_to_the_ground_behind_it(world, noise_px):
    w = world(noise_px=noise_px, boxes=BOX)
    xyz, label, true_range = w.cast()
    mesh = build_mesh(xyz, w.camera().C)
    column, row = mesh.pixels.astype(int).T
    on_rock = (label[row, column] == 2)[mesh.faces]
    depth = true_range[row, column][mesh.faces]
    mixed = on_rock.any(axis=1) & ~on_rock.all(axis=1)
    rock_depth = np.where(on_rock, depth, np.nan)[mixed]
    ground_depth = np.where(on_rock, np.nan, depth)[mixed]
    # Faces at the foot of the rock join it to the ground that it stands on; the hidden ground starts 0.8 m behind.
    behind = np.nanmax(ground_depth, axis=1) - np.nanmin(rock_depth, axis=1)
    assert mixed.sum() > 20
    # A step of less than the noise allows to see stays: where the sides of the rock come down to the ground.
    disparity_step = (1 / np.nanmin(rock_depth, axis=1) - 1 / np.nanmax(ground_depth, axis=1)) * BASELINE_M * w.focal_px
    assert disparity_step.max() < 6.0 * w.sigma_px + 0.21 + 3 * noise_px
    assert behind.max() < 0.5
    # And the rock itself is there, all of its face.
    assert (on_rock.all(axis=1)).sum() > 10
    top = xyz.xyz[row, column, 2][label[row, column] == 2].min()
    assert top == pytest.approx(-0.6, abs=0.1)


def changed(xyz, center, factor):
    """The map with the inverse range of each pixel multiplied by ``factor`` (rows, columns)."""
    points = center + (xyz.xyz - center) / factor[..., None]
    return replace(xyz, xyz=points.astype(np.float32), sigma_range_m=xyz.sigma_range_m / factor**2)


def smeared(xyz, true_range, kernel):
    """Factors by which a moving average over (rows, columns) changes the inverse range."""
    rho = np.where(xyz.measured, 1.0 / true_range, 0.0)
    weight = cv2.blur(xyz.measured.astype(np.float64), kernel[::-1])
    return np.where(xyz.measured, cv2.blur(rho, kernel[::-1]) / np.maximum(weight * rho, 1e-9), 1.0)


def finest_steps(mesh, w, rows, columns):
    """The largest disparity difference, px, of each face of single pixels that lies in the window."""
    pixels = mesh.pixels[mesh.faces]
    inside = (pixels >= [columns[0], rows[0]]).all(axis=(1, 2)) & (pixels <= [columns[1], rows[1]]).all(axis=(1, 2))
    single = inside & (np.ptp(pixels, axis=1).max(axis=1) == 1)
    rho = 1.0 / np.linalg.norm(mesh.vertices - w.camera().C, axis=1)
    return np.ptp(rho[mesh.faces[single]], axis=1) * BASELINE_M * w.focal_px


@pytest.mark.parametrize("height_m", [0.7, 1.2])
def test_step_smeared_over_rows_is_cut(world, height_m):
    """Matching smears the rock's edge over three rows: no sheet may hang from it to the ground behind."""
    w = world(boxes=(((5.0, 5.8), (-1.2, 0.6), height_m),))
    xyz, label, true_range = w.cast()
    mesh = build_mesh(changed(xyz, w.camera().C, smeared(xyz, true_range, (3, 1))), w.camera().C)
    row, column = np.nonzero(label == 2)
    top = row.min()
    step = BASELINE_M * w.focal_px * (1 / true_range[top + 1, 150] - 1 / true_range[top - 2, 150])
    found = finest_steps(mesh, w, (top - 4, top + 3), (column.min() + 8, column.max() - 8))
    assert step > 3.5
    assert len(found) > 50
    assert found.max() < 0.25 * step


def test_step_smeared_over_columns_is_cut(world):
    """Along a row there is no slant of level ground to mistake: the side of a rock is cut even when smeared widely."""
    w = world(boxes=(((5.0, 5.8), (-1.2, 0.6), 1.2),))
    xyz, label, true_range = w.cast()
    mesh = build_mesh(changed(xyz, w.camera().C, smeared(xyz, true_range, (1, 7))), w.camera().C)
    row, column = np.nonzero(label == 2)
    rows, right = (row.min() + 4, row.min() + 12), column.max()
    step = BASELINE_M * w.focal_px * (1 / true_range[rows[1], right - 5] - 1 / true_range[rows[1], right + 5])
    found = finest_steps(mesh, w, rows, (right - 6, right + 6))
    assert step > 5.0
    assert len(found) > 10
    assert found.max() < 0.6 * step / 7.0 + 0.21


def test_faint_step_of_few_pixels_is_no_rock(world):
    """Matching leaves small terraces on smooth ground: they make no holes."""
    w = world()
    xyz, _, true_range = w.cast()
    bump = np.zeros(true_range.shape)
    limit_px = MeshSettings().step_sigma * w.sigma_px
    bump[180:220, 100:130] = 1.2 * limit_px * np.outer(np.linspace(1, 0, 40), np.exp(-((np.arange(30) - 15) ** 2) / 18))
    factor = 1.0 + bump * np.where(xyz.measured, true_range, 0.0) / (BASELINE_M * w.focal_px)
    whole = covered_pixels(build_mesh(xyz, w.camera().C))
    assert covered_pixels(build_mesh(changed(xyz, w.camera().C, factor), w.camera().C)) == pytest.approx(whole)
    # The same step over thirty columns is the top of a rock.
    bump[180:220, 100:130] = 1.2 * limit_px * np.linspace(1, 0, 40)[:, None]
    factor = 1.0 + bump * np.where(xyz.measured, true_range, 0.0) / (BASELINE_M * w.focal_px)
    assert covered_pixels(build_mesh(changed(xyz, w.camera().C, factor), w.camera().C)) < whole - 25


def noisy_maps(world):
    """A world with a rock in the left half; the map, in which noise is twenty times the usual about the rock and in the
    right quarter; where that is; and the picture's contrast, of which the right quarter has little."""
    w = world(focal_px=400.0, sigma_px=0.05, boxes=(((5.0, 5.5), (-1.2, -0.7), 0.7),))
    xyz, label, true_range = w.cast()
    rock = cv2.dilate((label == 2).astype(np.uint8), np.ones((41, 41), np.uint8)) > 0
    dim = (label > 0) & (np.arange(w.width) >= 3 * w.width // 4) & ~rock
    # Noise of a matcher is alike over the pixels that share a window; about the rock only sigma says that it is there.
    waves = cv2.GaussianBlur(np.random.default_rng(2).normal(size=label.shape), (0, 0), 2.0)
    noise_px = np.where(dim, 20.0 * w.sigma_px * waves / waves.std(), 0.0)
    factor = 1.0 + noise_px * np.where(xyz.measured, true_range, 0.0) / (BASELINE_M * w.focal_px)
    xyz = changed(xyz, w.camera().C, factor)
    loud = np.where(rock | dim, np.float32(20.0), np.float32(1.0))
    contrast = np.where(dim, np.float32(0.1), np.float32(1.0))
    return w, replace(xyz, sigma_range_m=xyz.sigma_range_m * loud, contrast=contrast), label, true_range, dim


def kept_share(mesh, chosen):
    """The share of the pixels of ``chosen`` that faces cover."""
    drawn = np.zeros(chosen.shape, dtype=np.uint8)
    for face in np.rint(mesh.pixels[mesh.faces]).astype(np.int32):
        cv2.fillConvexPoly(drawn, face, 1)
    return float(drawn[chosen].mean())


def test_dim_ground_is_whole_though_noisy_and_rocks_are_still_cut(world):
    """Noise where the picture shows little is no step; the same noise beside a rock excuses none."""
    w, xyz, label, true_range, dim = noisy_maps(world)
    mesh = build_mesh(xyz, w.camera().C)
    # What says nothing of the picture loses the dim ground to a step in every wave of the noise.
    assert kept_share(build_mesh(replace(xyz, contrast=None), w.camera().C), dim) < 0.5
    assert kept_share(mesh, dim) > 0.99
    column, row = mesh.pixels.astype(int).T
    on_rock = (label[row, column] == 2)[mesh.faces]
    depth = true_range[row, column][mesh.faces]
    mixed = on_rock.any(axis=1) & ~on_rock.all(axis=1)
    behind = np.nanmax(np.where(on_rock, np.nan, depth)[mixed], axis=1)
    assert on_rock.all(axis=1).sum() > 10
    assert (behind - np.nanmin(np.where(on_rock, depth, np.nan)[mixed], axis=1)).max() < 0.5


def test_faces_turn_to_the_camera_and_normals_up(world):
    w = world(noise_px=0.1, boxes=BOX)
    xyz, _, _ = w.cast()
    mesh = build_mesh(xyz, w.camera().C)
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    facing = np.einsum("ij,ij->i", np.cross(b - a, c - a), w.camera().C - a)
    assert (facing > 0).all()
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(np.ones(len(mesh.normals)), abs=1e-5)
    plain = build_mesh(world().cast()[0], w.camera().C)
    assert (plain.normals[:, 2] < -0.999).all()  # Z is down


def test_mesh_is_coarse_where_its_error_allows(world):
    w = world(noise_px=0.05)
    xyz, label, _ = w.cast()
    mesh = build_mesh(xyz, w.camera().C)
    assert len(mesh.faces) < 0.05 * 2 * (label == 1).sum()


def test_mesh_is_fine_where_the_ground_is_rough(world):
    def relief(x, y):
        return np.where(x < 4.0, 0.05 * np.sin(25.0 * x) * np.sin(25.0 * y), 0.0)

    w = world(relief=relief, noise_px=0.02, sigma_px=0.1)
    xyz, _, _ = w.cast()
    mesh = build_mesh(xyz, w.camera().C)
    corner_x = mesh.vertices[mesh.faces][..., 0].mean(axis=1)
    rough, smooth = (corner_x < 4.0).sum(), (corner_x >= 4.0).sum()
    share = (xyz.xyz[..., 0] < 4.0).sum() / (xyz.xyz[..., 0] >= 4.0).sum()
    assert rough > 3 * share * smooth


@pytest.mark.parametrize("noise_px", [0.0, 0.05, 0.2])
def test_coarse_faces_stay_within_sigma(world, noise_px):
    """The true points of the pixels under a face lie within one sigma of it along their rays."""

    def relief(x, y):
        return 0.2 * np.sin(0.7 * x) * np.cos(0.6 * y)

    w = world(relief=relief, noise_px=noise_px, far_m=12.0)
    xyz, _, true_range = w.cast()
    mesh = build_mesh(xyz, w.camera().C)
    error = []
    rho = 1.0 / np.linalg.norm(mesh.vertices - w.camera().C, axis=1)
    for face in mesh.faces[:: max(1, len(mesh.faces) // 3000)]:
        (x0, y0), (x1, y1), (x2, y2) = mesh.pixels[face].astype(int)
        x, y = np.meshgrid(
            np.arange(min(x0, x1, x2), max(x0, x1, x2) + 1), np.arange(min(y0, y1, y2), max(y0, y1, y2) + 1)
        )
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        u = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area
        v = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area
        inside = (u >= 0) & (v >= 0) & (u + v <= 1)
        flat = rho[face[0]] * (1 - u - v) + rho[face[1]] * u + rho[face[2]] * v
        error.append((flat - 1.0 / true_range[y, x])[inside] * BASELINE_M * w.focal_px)
    error = np.abs(np.concatenate(error))
    # At a noise of one sigma, single pixels that stand for themselves alone have just that noise.
    assert np.percentile(error, 99.0) < max(0.6 * w.sigma_px, 2.6 * noise_px)
    assert np.median(error) < 0.5 * w.sigma_px


@pytest.mark.parametrize("noise_px", [0.0, 0.15])
def test_no_cracks(world, noise_px):
    """No vertex lies inside an edge of another face: an edge of one face only borders on what was not measured."""
    w = world(noise_px=noise_px, boxes=BOX, relief=lambda x, y: 0.05 * np.sin(3 * x))
    xyz, label, _ = w.cast()
    mesh = build_mesh(xyz, w.camera().C)
    edges, counts = edge_counts(mesh.faces)
    assert counts.max() == 2
    a, b = mesh.pixels[edges[counts == 1]].transpose(1, 0, 2)
    long = np.abs(a - b).max(axis=1) > 1
    # Coarse edges without a neighbour lie on the frame's rim, where nothing else can be.
    on_rim = ((a[:, 0] == b[:, 0]) & np.isin(a[:, 0], (0, w.width - 1))) | (
        (a[:, 1] == b[:, 1]) & (a[:, 1] == w.height - 1)
    )
    assert on_rim[long].all()
    used = np.zeros(label.shape, dtype=bool)
    used[mesh.pixels[:, 1].astype(int), mesh.pixels[:, 0].astype(int)] = True
    for (x0, y0), (x1, y1) in zip(a[long].astype(int), b[long].astype(int), strict=True):
        n = max(abs(x1 - x0), abs(y1 - y0))
        between = [(y0 + (y1 - y0) * k // n, x0 + (x1 - x0) * k // n) for k in range(1, n)]
        assert not any(used[p] for p in between)


def test_vertices_stay_on_the_rays_of_their_pixels(world):
    w = world(noise_px=0.2, boxes=BOX)
    xyz, _, _ = w.cast()
    mesh = build_mesh(xyz, w.camera().C)
    assert np.abs(w.camera().project(mesh.vertices) - mesh.pixels).max() < 1e-3
    column, row = mesh.pixels.astype(int).T
    assert (mesh.sigma_m == xyz.sigma_range_m[row, column]).all()
    assert (mesh.kind == FaceKind.MEASURED).all()


def test_averaging_lowers_the_noise_of_coarse_vertices(world):
    w = world(noise_px=0.1)
    xyz, _, true_range = w.cast()
    mesh = build_mesh(xyz, w.camera().C)
    smallest = np.full(len(mesh.vertices), np.inf)
    a, b = (mesh.pixels[mesh.faces][:, k] for k in ([0, 1, 2], [1, 2, 0]))
    np.minimum.at(smallest, mesh.faces, np.linalg.norm(a - b, axis=2).min(axis=1)[:, None])
    error = ray_errors_px(mesh, w.camera(), true_range)
    assert (smallest >= 8).sum() > 50
    assert np.std(error[smallest >= 8]) < 0.03
    assert np.std(error[smallest == 1]) > 0.08


def test_islands_and_single_wild_pixels_are_dropped(world):
    w = world()
    xyz, label, _ = w.cast()
    factor = np.ones(label.shape)
    factor[200, 100] = 1.06  # a spike of 1.8 px of disparity
    factor[150:155, 200:206] = 2.0  # 30 pixels in the air
    mesh = build_mesh(changed(xyz, w.camera().C, factor), w.camera().C)
    column, row = mesh.pixels.astype(int).T
    used = np.zeros(label.shape, dtype=bool)
    used[row, column] = True
    assert not used[200, 100]
    assert not used[150:155, 200:206].any()
    assert used[199, 100]
    assert mesh.vertices[:, 2] == pytest.approx(np.zeros(len(mesh.vertices)), abs=2e-3)


def test_missing_pixels_stay_holes(world):
    w = world()
    xyz, _, _ = w.cast()
    reason = xyz.reason.copy()
    reason[180:190, 100:120] = 16
    mesh = build_mesh(replace(xyz, reason=reason), w.camera().C)
    whole = build_mesh(xyz, w.camera().C)
    missing = covered_pixels(whole) - covered_pixels(mesh)
    # A corner of the hole may keep half a cell: three of its four pixels were measured.
    assert 11 * 21 - 4 * 0.5 <= missing <= 11 * 21


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 2)])
def test_nothing_to_build_from(world, size):
    w = world(width=size[0], height=size[1], tilt_deg=60.0)
    with pytest.raises(StereoError, match="no surface"):
        build_mesh(w.cast()[0], w.camera().C)


@pytest.mark.parametrize("size", [(37, 61), (64, 33), (65, 33)])
def test_any_frame_size(world, size):
    w = world(width=size[0], height=size[1], focal_px=40.0, tilt_deg=80.0)
    mesh = build_mesh(w.cast()[0], w.camera().C)
    assert covered_pixels(mesh) == pytest.approx((size[0] - 1) * (size[1] - 1))


def test_moved_to_another_frame(world):
    w = world()
    mesh = build_mesh(w.cast()[0], w.camera().C)
    enu = Frame.enu(3, 4)
    moved = mesh.moved(RigidTransform(enu, mesh.frame, ENU_FROM_NED, np.array([1.0, 2.0, 3.0])))
    assert moved.frame == enu
    assert moved.vertices[:, 2] == pytest.approx(np.full(len(moved.vertices), 3.0), abs=2e-3)
    assert moved.vertices[:, 1] == pytest.approx(mesh.vertices[:, 0] + 2.0)
    assert (moved.normals[:, 2] > 0.999).all()
    assert (moved.faces == mesh.faces).all()
    with pytest.raises(FrameMismatchError, match="ENU"):
        moved.moved(RigidTransform(enu, mesh.frame))


def test_settings_are_checked():
    with pytest.raises(ValueError, match="power of two"):
        MeshSettings(block_px=12)


def test_mesh_refuses_what_is_no_mesh(world):
    mesh = build_mesh(world().cast()[0], world().camera().C)
    with pytest.raises(ValueError, match="finite"):
        replace(mesh, vertices=np.where(np.arange(len(mesh.vertices))[:, None] == 3, np.nan, mesh.vertices))
    with pytest.raises(ValueError, match="outside the vertices"):
        replace(mesh, faces=mesh.faces + 1)
    with pytest.raises(ValueError, match="sigma_m must be"):
        replace(mesh, sigma_m=mesh.sigma_m[1:])
    with pytest.raises(ValueError, match="camera_center"):
        build_mesh(world().cast()[0], [1.0, 2.0])
