"""LAS and LAZ, read back by laspy."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.export.cloud import Cloud, joined
from stereo3d.export.terrain import write_terrain
from stereo3d.frames import Frame

laspy = pytest.importorskip("laspy", reason="laspy is not installed: LAS not checked")


@pytest.mark.parametrize("suffix", [".las", ".LAZ"])
def test_points_of_a_cloud(textured, tmp_path, suffix):
    rng = np.random.default_rng(3)
    count = 500
    clouds = [
        Cloud(
            textured.mesh.frame,
            rng.uniform(-300, 300, (count, 3)),
            rng.integers(0, 256, (count, 3), dtype=np.uint8),
            rng.uniform(0.001, 2, count).astype(np.float32),
        )
        for _ in range(2)
    ]
    cloud = joined(clouds)
    path = tmp_path / f"cloud{suffix}"
    assert write_terrain(textured, path, {"mission": "Mars 2020"}, cloud=cloud) == [path]
    las = laspy.read(path)
    assert len(las.points) == 2 * count
    assert np.stack([las.x, las.y, las.z], axis=1) == pytest.approx(cloud.xyz, abs=0.00051)
    assert las.header.scales.tolist() == [0.001] * 3
    colours = np.stack([las.red, las.green, las.blue], axis=1)
    assert colours.dtype == np.uint16
    assert (colours // 257 == cloud.rgb).all()
    assert colours.max() == 65535
    assert las["sigma"] == pytest.approx(cloud.sigma_m)
    assert las.header.are_points_compressed == (suffix == ".LAZ")
    assert las.header.system_identifier == "Mars 2020"


def test_without_a_cloud_the_vertices_of_the_mesh(textured, tmp_path):
    write_terrain(textured, tmp_path / "mesh.laz")
    las = laspy.read(tmp_path / "mesh.laz")
    mesh = textured.mesh
    assert np.stack([las.x, las.y, las.z], axis=1) == pytest.approx(mesh.vertices, abs=0.00051)
    assert (np.stack([las.red, las.green, las.blue], axis=1) // 257 == textured.image.reshape(-1, 3)).all()
    assert las["sigma"] == pytest.approx(mesh.sigma_m)


def test_clouds_of_two_frames_are_not_joined():
    empty = np.zeros((0, 3)), np.zeros((0, 3), np.uint8), np.zeros(0, np.float32)
    with pytest.raises(ValueError, match=r"ENU\(1, 2\), ENU\(1, 3\)"):
        joined([Cloud(Frame.enu(1, 2), *empty), Cloud(Frame.enu(1, 3), *empty)])
