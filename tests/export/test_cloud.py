"""cloud.ply, read back by trimesh; of a set each place once, in the colour of the texture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from stereo3d.errors import FrameMismatchError
from stereo3d.export.cloud import cloud_of, cloud_of_ground, write_cloud
from stereo3d.export.products import result_cloud
from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.image import Image
from stereo3d.stereo.disparity import XyzMap

ROVER, ENU = Frame.rover(1, 2), Frame.enu(1, 2)


@pytest.fixture
def xyz():
    rng = np.random.default_rng(5)
    points = rng.uniform(-20, 20, (6, 9, 3)).astype(np.float32)
    reason = (rng.random((6, 9)) < 0.3).astype(np.uint16)
    points[reason > 0] = np.nan
    range_m = np.linalg.norm(points, axis=-1)
    return XyzMap(ROVER, points, range_m, range_m * 0.01, range_m * 0.0, reason)


@pytest.fixture
def image():
    pixels = np.random.default_rng(6).integers(0, 255, (6, 9, 3), dtype=np.uint8)
    return Image(pixels, np.ones((6, 9), dtype=bool))


def test_points_colours_and_sigma(xyz, image, tmp_path):
    path = tmp_path / "cloud.ply"
    write_cloud(cloud_of(xyz, image, RigidTransform(ENU, ROVER, ENU_FROM_NED, np.array([1.0, 2.0, 3.0]))), path)
    cloud = trimesh.load(path)
    seen = xyz.measured
    x, y, z = xyz.xyz[seen].T
    assert 10 < seen.sum() < seen.size
    assert cloud.vertices == pytest.approx(np.stack([y + 1.0, x + 2.0, -z + 3.0], axis=1), abs=1e-5)
    assert (cloud.colors[:, :3] == image.pixels[seen]).all()
    assert cloud.metadata["_ply_raw"]["vertex"]["data"]["sigma"] == pytest.approx(xyz.sigma_range_m[seen])
    assert (cloud.metadata["_ply_raw"]["vertex"]["data"]["count"] == 1).all()
    assert f"comment frame {ENU}, metres" in path.read_bytes()[:300].decode("latin1")


def test_wrong_frame_or_size(xyz, image):
    with pytest.raises(FrameMismatchError, match="ROVER_NAV"):
        cloud_of(xyz, image, RigidTransform(ENU, Frame.rover(1, 3)))
    small = Image(image.pixels[:3], image.valid[:3])
    with pytest.raises(ValueError, match="3 x 9 px"):
        cloud_of(xyz, small, RigidTransform(ENU, ROVER))


@pytest.fixture
def painted(ring_result):
    """The ground of a set, in colours that tell the direction from the middle of the eyes: red the east, green the
    north, blue the height of it."""
    size = 256
    mesh, centre = ring_result.terrain.mesh, ring_result.ground.fused.grid.centre
    away = mesh.vertices - centre
    direction = away / np.linalg.norm(away, axis=1)[:, None]
    up = (direction[:, 2] > 0).astype(int)
    # One square of the image for what lies below the eye and one for what lies above: (east, north) tells it all there.
    u = (0.5 + 0.49 * direction[:, 0] + up) / 2
    uv = np.stack([u, 0.5 + 0.49 * direction[:, 1]], axis=1).astype(np.float32)
    image = np.zeros((size, 2 * size, 3), dtype=np.uint8)
    image[..., 0] = np.arange(2 * size) % size
    image[..., 1] = np.arange(size)[::-1, None]
    image[:, size:, 2] = 255
    return replace(ring_result.terrain, uv=uv, image=image)


def test_of_a_set_each_place_is_there_once_with_its_sigma_and_count(ring_result):
    fused = ring_result.ground.fused
    cloud = result_cloud(ring_result)
    seen = fused.xyz.measured
    assert len(cloud.xyz) == seen.sum()
    np.testing.assert_allclose(cloud.xyz, fused.xyz.xyz[seen], rtol=0, atol=1e-6)
    assert (cloud.sigma_m == fused.xyz.sigma_range_m[seen]).all()
    assert (cloud.count == fused.count[seen]).all()
    assert cloud.count.min() == 1
    assert (cloud.count > 1).mean() > 0.3
    assert cloud.frame == ring_result.terrain.mesh.frame
    # No place a second time: in one direction from the eyes there is one point.
    column, row, _ = fused.grid.place(cloud.xyz)
    cell = np.rint(row).astype(int) * fused.grid.columns + np.rint(column).astype(int) % fused.grid.columns
    assert len(np.unique(cell)) > 0.999 * len(cell)


def test_the_colour_of_a_place_is_that_of_the_texel_on_it(ring_result, painted):
    fused = ring_result.ground.fused
    cloud = cloud_of_ground(fused, painted)
    away = cloud.xyz - fused.grid.centre
    direction = away / np.linalg.norm(away, axis=1)[:, None]
    clear = np.abs(direction[:, 2]) > 0.1  # faces may cross the level of the eye, where the two squares meet
    wanted = 256 * (0.5 + 0.49 * direction[:, :2])
    off = np.abs(cloud.rgb[:, :2].astype(float) + 0.5 - wanted).max(axis=1)[clear]
    assert clear.mean() > 0.7
    assert np.median(off) < 1.0
    # A triangle of far ground is flat in the picture; beside an edge, which the mesh cuts wide, it is the colour of a
    # vertex some pixels away.
    assert (off > 4.0).mean() < 0.006
    assert (off > 20.0).mean() < 2e-4
    assert (cloud.rgb[clear, 2] == np.where(direction[clear, 2] > 0, 255, 0)).mean() > 0.999


def test_a_mesh_of_another_frame_is_refused(ring_result):
    elsewhere = replace(ring_result.terrain, mesh=replace(ring_result.terrain.mesh, frame=Frame.enu(9, 9)))
    with pytest.raises(FrameMismatchError, match=r"ENU\(9, 9\)"):
        cloud_of_ground(ring_result.ground.fused, elsewhere)
