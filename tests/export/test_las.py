"""LAS and LAZ, read back by laspy."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.export.cloud import Cloud
from stereo3d.export.terrain import write_terrain

laspy = pytest.importorskip("laspy", reason="laspy is not installed: LAS not checked")


@pytest.mark.parametrize("suffix", [".las", ".LAZ"])
def test_points_of_a_cloud(textured, tmp_path, suffix):
    rng = np.random.default_rng(3)
    count = 1000
    cloud = Cloud(
        textured.mesh.frame,
        rng.uniform(-300, 300, (count, 3)),
        rng.integers(0, 256, (count, 3), dtype=np.uint8),
        rng.uniform(0.001, 2, count).astype(np.float32),
        rng.integers(1, 7, count, dtype=np.uint8),
    )
    path = tmp_path / f"cloud{suffix}"
    assert write_terrain(textured, path, {"mission": "Mars 2020"}, cloud=cloud) == [path]
    las = laspy.read(path)
    assert len(las.points) == count
    assert np.stack([las.x, las.y, las.z], axis=1) == pytest.approx(cloud.xyz, abs=0.00051)
    assert las.header.scales.tolist() == [0.001] * 3
    colours = np.stack([las.red, las.green, las.blue], axis=1)
    assert colours.dtype == np.uint16
    assert (colours // 257 == cloud.rgb).all()
    assert colours.max() == 65535
    assert las["sigma"] == pytest.approx(cloud.sigma_m)
    assert (las["count"] == cloud.count).all()
    assert las.header.are_points_compressed == (suffix == ".LAZ")
    assert las.header.system_identifier == "Mars 2020"


def test_without_a_cloud_the_vertices_of_the_mesh(textured, tmp_path):
    write_terrain(textured, tmp_path / "mesh.laz")
    las = laspy.read(tmp_path / "mesh.laz")
    mesh = textured.mesh
    assert np.stack([las.x, las.y, las.z], axis=1) == pytest.approx(mesh.vertices, abs=0.00051)
    assert (np.stack([las.red, las.green, las.blue], axis=1) // 257 == textured.image.reshape(-1, 3)).all()
    assert las["sigma"] == pytest.approx(mesh.sigma_m)
    assert (las["count"] == 0).all()
