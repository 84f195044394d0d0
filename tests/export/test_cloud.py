"""cloud.ply, read back by trimesh."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from stereo3d.errors import FrameMismatchError
from stereo3d.export.cloud import cloud_of, write_cloud
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
    assert f"comment frame {ENU}, metres" in path.read_bytes()[:300].decode("latin1")


def test_wrong_frame_or_size(xyz, image):
    with pytest.raises(FrameMismatchError, match="ROVER_NAV"):
        cloud_of(xyz, image, RigidTransform(ENU, Frame.rover(1, 3)))
    small = Image(image.pixels[:3], image.valid[:3])
    with pytest.raises(ValueError, match="3 x 9 px"):
        cloud_of(xyz, small, RigidTransform(ENU, ROVER))
