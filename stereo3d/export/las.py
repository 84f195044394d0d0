"""LAS and LAZ: the cloud of points as GIS programs take it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stereo3d import __version__
from stereo3d.export.cloud import Cloud
from stereo3d.export.content import Content, vertex_colours
from stereo3d.libraries import import_library

STEP_M = 0.001
"""LAS holds whole numbers of this length."""


def write_las(content: Content, path: Path) -> None:
    """LAS 1.2, point format 2: X east, Y north, Z up, m, to a millimetre; RGB of 16 bits; as extras ``sigma``, m,
    and ``count`` of the pairs that measured a point.

    The points are the measured ones, or the vertices of the mesh where the content has no cloud; the suffix .laz
    compresses.  Where it comes from is the standard's text area description.  The format has no word for Mars, so there
    is no coordinate reference system in it.
    """
    laspy = import_library("laspy")
    mesh = content.textured.mesh
    cloud = content.cloud or Cloud(
        mesh.frame,
        mesh.vertices,
        vertex_colours(content.textured),
        mesh.sigma_m,
        np.zeros(len(mesh.vertices), dtype=np.uint8),
    )
    header = laspy.LasHeader(point_format=2, version="1.2")
    header.add_extra_dim(laspy.ExtraBytesParams("sigma", np.float32, "one sigma of the range, m"))
    header.add_extra_dim(laspy.ExtraBytesParams("count", np.uint8, "pairs that measured it"))
    header.scales = np.full(3, STEP_M)
    header.offsets = np.floor(cloud.xyz.min(axis=0)) if len(cloud.xyz) else np.zeros(3)
    header.system_identifier = content.about.get("mission", "").encode("ascii", "replace").decode()[:31]
    text = "\n".join(f"{name}: {' '.join(value.split())}" for name, value in content.about.items())
    header.vlrs.append(laspy.VLR("LASF_Spec", 3, "where it comes from", text.encode()))
    header.generating_software = f"stereo3d {__version__}"[:31]
    las = laspy.LasData(header)
    las.x, las.y, las.z = cloud.xyz.T
    # 257 * 255 = 65535: the whole of the 16 bits, as the standard asks.
    las.red, las.green, las.blue = cloud.rgb.T.astype(np.uint16) * 257
    las.sigma = cloud.sigma_m
    las["count"] = cloud.count
    with path.open("wb") as file:
        las.write(file, do_compress=path.suffix.lower() == ".laz")
