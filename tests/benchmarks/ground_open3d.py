"""Run by bench_ground.py in an environment with open3d: python ground_open3d.py WORK VOXEL_M DEPTH.

Reads WORK/clouds.npz and WORK/depths.npz, writes WORK/poisson.npz and WORK/tsdf.npz (vertices, faces) and prints, as
one line of JSON, the seconds of each and the motions that point-to-plane ICP finds over the overlaps.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import open3d as o3d

ICP_M, FAR_M = 0.05, 25.0


def cloud(points, normals):
    out = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points.astype(np.float64)))
    out.normals = o3d.utility.Vector3dVector(normals.astype(np.float64))
    return out


def save(path, mesh):
    np.savez(path, vertices=np.asarray(mesh.vertices), faces=np.asarray(mesh.triangles))


def poisson(clouds, depth):
    points, normals = (np.concatenate([clouds[f"{what}{k}"] for k in range(int(clouds["count"]))]) for what in "pn")
    mesh, density = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(cloud(points, normals), depth=depth)
    density = np.asarray(density)
    mesh.remove_vertices_by_mask(density < np.quantile(density, 0.05))
    return mesh


def tsdf(depths, voxel_m):
    float32, trunc = o3d.core.float32, 5.0
    grid = o3d.t.geometry.VoxelBlockGrid(("tsdf", "weight"), (float32, float32), ((1), (1)), voxel_m, 16, 200_000)
    for k in range(int(depths["count"])):
        depth, (focal, cx, cy) = depths[f"depth{k}"], depths[f"pinhole{k}"]
        picture = o3d.t.geometry.Image(np.where(depth < FAR_M, depth, 0.0).astype(np.float32))
        pinhole = o3d.core.Tensor([[focal, 0.0, cx], [0.0, focal, cy], [0.0, 0.0, 1.0]])
        camera = o3d.core.Tensor(depths[f"camera_from_enu{k}"])
        blocks = grid.compute_unique_block_coordinates(picture, pinhole, camera, 1.0, FAR_M, trunc)
        grid.integrate(blocks, picture, pinhole, camera, 1.0, FAR_M, trunc)
    return grid.extract_triangle_mesh(weight_threshold=0.5).to_legacy()


def icp(clouds, overlaps):
    """Motion (4 x 4) of the second cloud of each overlap onto the first, both about the origin given."""
    out = []
    for first, second in overlaps:
        one, other = (cloud(clouds[f"near_p{k}"], clouds[f"near_n{k}"]) for k in (first, second))
        found = o3d.pipelines.registration.registration_icp(
            other, one, ICP_M, np.eye(4), o3d.pipelines.registration.TransformationEstimationPointToPlane()
        )
        out.append(found.transformation.tolist())
    return out


def main():
    work, voxel_m, depth = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    clouds = np.load(work / "clouds.npz")
    times = {}
    for name, make in (
        ("poisson", lambda: poisson(clouds, depth)),
        ("tsdf", lambda: tsdf(np.load(work / "depths.npz"), voxel_m)),
    ):
        began = time.perf_counter()
        mesh = make()
        times[name] = time.perf_counter() - began
        save(work / f"{name}.npz", mesh)
    print(json.dumps({"seconds": times, "icp": icp(clouds, clouds["overlaps"])}))


if __name__ == "__main__":
    main()
