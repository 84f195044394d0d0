"""The measured points: a cloud with colour and sigma, and the PLY file of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stereo3d import __version__
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Frame, RigidTransform, locked
from stereo3d.image import Image
from stereo3d.stereo.disparity import XyzMap
from stereo3d.terrain.fuse import FusedMap
from stereo3d.terrain.surface import Surface
from stereo3d.terrain.texture import TexturedMesh, colours_at

_POINT = np.dtype(
    [
        *((axis, "<f4") for axis in "xyz"),
        *((colour, "u1") for colour in ("red", "green", "blue")),
        ("sigma", "<f4"),
        ("count", "u1"),
    ]
)
_PLY_TYPE = {"<f4": "float", "|u1": "uchar"}
_SAME_SHARE = 0.05
"""A face shows a measured place when it lies at the same range to within this share, or 4 sigma."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points with their colour, their range sigma, and how many pairs measured them."""

    frame: Frame
    xyz: NDArray[np.float64]
    """(n, 3) float64, m, in ``frame``."""
    rgb: NDArray[np.uint8]
    """(n, 3) uint8."""
    sigma_m: NDArray[np.float32]
    """(n,) float32, m, one sigma of the range."""
    count: NDArray[np.uint8]
    """(n,) uint8: how many pairs measured the point, and agree; 0: not known."""

    def __post_init__(self) -> None:
        n = len(self.xyz)
        for name, shape, dtype in (
            ("xyz", (n, 3), np.float64),
            ("rgb", (n, 3), np.uint8),
            ("sigma_m", (n,), np.float32),
            ("count", (n,), np.uint8),
        ):
            array = locked(getattr(self, name), dtype)
            if array.shape != shape:
                raise ValueError(f"{name} must be {shape}, got {array.shape}")
            object.__setattr__(self, name, array)


def cloud_of(xyz: XyzMap, image: Image, to_from_xyz: RigidTransform) -> Cloud:
    """All measured points of ``xyz``, moved, with the colour of their pixel of ``image``.

    Raises FrameMismatchError when the transform starts in another frame, ValueError when the image has another size.
    """
    if to_from_xyz.source != xyz.frame:
        raise FrameMismatchError(f"the points are in {xyz.frame}, the transform starts in {to_from_xyz.source}")
    measured: NDArray[np.bool_] = xyz.measured
    if (image.height, image.width) != measured.shape:
        raise ValueError(f"the image has {image.height} x {image.width} px, the points {measured.shape}")
    points = to_from_xyz.apply(xyz.xyz[measured])
    once = np.ones(len(points), dtype=np.uint8)
    return Cloud(to_from_xyz.to, points, image.rgb8[measured], xyz.sigma_range_m[measured], once)


def cloud_of_ground(fused: FusedMap, textured: TexturedMesh) -> Cloud:
    """All places of ``fused``, each once: the weighted mean of the pairs that agree on it, with its sigma.

    The colour is that of the texel that lies on the place, so it is levelled as the texture of ``textured`` is, a mesh
    of the same map.  Beside an edge, where the mesh ends before the measured places do, it is that of the vertex that
    is nearest.  Raises FrameMismatchError when map and mesh are of different frames.
    """
    from scipy.spatial import cKDTree

    mesh, centre = textured.mesh, fused.grid.centre
    if mesh.frame != fused.grid.frame:
        raise FrameMismatchError(f"the points are in {fused.grid.frame}, the mesh in {mesh.frame}")
    measured: NDArray[np.bool_] = fused.xyz.measured
    points = fused.xyz.xyz[measured].astype(np.float64)
    range_m, sigma_m = fused.xyz.range_m[measured], fused.xyz.sigma_range_m[measured]
    surface = Surface(mesh)
    hits = surface.hits(np.broadcast_to(centre, points.shape), points - centre)
    off = np.linalg.norm(surface.interpolate(hits, mesh.vertices) - points, axis=1)
    shown = off <= np.maximum(_SAME_SHARE * range_m, 4.0 * sigma_m)
    uv = surface.interpolate(hits, textured.uv)
    uv[~shown] = textured.uv[cKDTree(mesh.vertices).query(points[~shown], workers=2)[1]]
    return Cloud(fused.grid.frame, points, colours_at(textured, uv), sigma_m, fused.count[measured])


def ply_comments(about: Mapping[str, str]) -> list[str]:
    """What a file says of its origin, as lines of a PLY header, which is ASCII."""
    lines = [f"comment {name}: {' '.join(value.split())}" for name, value in about.items()]
    return [line.encode("ascii", "replace").decode() for line in lines]


def together(clouds: Sequence[Cloud]) -> Cloud:
    """Several clouds of one frame as one.  Raises FrameMismatchError for other frames."""
    if len({cloud.frame for cloud in clouds}) != 1:
        raise FrameMismatchError(f"the points are in {', '.join(sorted({str(c.frame) for c in clouds}))}")
    return Cloud(
        clouds[0].frame,
        np.concatenate([c.xyz for c in clouds]),
        np.concatenate([c.rgb for c in clouds]),
        np.concatenate([c.sigma_m for c in clouds]),
        np.concatenate([c.count for c in clouds]),
    )


def write_cloud(cloud: Cloud, path: Path, about: Mapping[str, str] | None = None) -> None:
    """A cloud as binary little-endian PLY.

    Properties x y z (float32, m, in the frame of the cloud), red green blue (uint8), sigma (float32, m),
    count (uint8, of the pairs that measured the point), and ``about`` as comments; about a million points in a
    fraction of a second.
    """
    points = np.empty(len(cloud.xyz), dtype=_POINT)
    for k, (axis, colour) in enumerate(zip("xyz", ("red", "green", "blue"), strict=True)):
        points[axis] = cloud.xyz[:, k]
        points[colour] = cloud.rgb[:, k]
    points["sigma"], points["count"] = cloud.sigma_m, cloud.count

    header = ["ply", "format binary_little_endian 1.0", f"comment stereo3d {__version__}"]
    header += [f"comment frame {cloud.frame}, metres; sigma is one sigma of the range"]
    header += ply_comments(about or {})
    header += [f"element vertex {len(points)}"]
    header += [f"property {_PLY_TYPE[_POINT[name].str]} {name}" for name in _POINT.names or ()]
    with path.open("wb") as file:
        file.write(("\n".join([*header, "end_header"]) + "\n").encode("ascii"))
        points.tofile(file)
