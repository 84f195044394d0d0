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

ICP_M = 0.05


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
    volume = o3d.pipelines.integration.ScalableTSDFVolume(
        voxel_length=voxel_m, sdf_trunc=5 * voxel_m, color_type=o3d.pipelines.integration.TSDFVolumeColorType.NoColor
    )
    for k in range(int(depths["count"])):
        depth, (fx, cx, cy) = depths[f"depth{k}"], depths[f"pinhole{k}"]
        rows, columns = depth.shape
        pinhole = o3d.camera.PinholeCameraIntrinsic(columns, rows, fx, fx, cx, cy)
        grey = o3d.geometry.Image(np.zeros((rows, columns), np.float32))
        picture = o3d.geometry.RGBDImage.create_from_color_and_depth(
            grey, o3d.geometry.Image(depth), depth_scale=1.0, depth_trunc=25.0, convert_rgb_to_intensity=False
        )
        volume.integrate(picture, pinhole, depths[f"camera_from_enu{k}"])
    return volume.extract_triangle_mesh()


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
