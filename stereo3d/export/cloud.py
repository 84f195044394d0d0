"""The measured points as a PLY point cloud."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stereo3d import __version__
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import RigidTransform
from stereo3d.image import Image
from stereo3d.stereo.disparity import XyzMap

_POINT = np.dtype(
    [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1"), ("sigma", "<f4")]
)
_PLY_TYPE = {"<f4": "float", "|u1": "uchar"}


def write_cloud(xyz: XyzMap, image: Image, to_from_xyz: RigidTransform, path: Path) -> None:
    """All measured points of ``xyz`` with the colour of their pixel of ``image`` and their range sigma, m.

    Binary little-endian PLY with the properties x y z (float32, m, in the frame that ``to_from_xyz`` leads to), red
    green blue (uint8), sigma (float32, m); about a million points in a fraction of a second.  Raises
    FrameMismatchError when the transform starts in another frame, ValueError when the image has another size.
    """
    if to_from_xyz.source != xyz.frame:
        raise FrameMismatchError(f"the points are in {xyz.frame}, the transform starts in {to_from_xyz.source}")
    measured: NDArray[np.bool_] = xyz.measured
    if (image.height, image.width) != measured.shape:
        raise ValueError(f"the image has {image.height} x {image.width} px, the points {measured.shape}")
    points = np.empty(int(np.count_nonzero(measured)), dtype=_POINT)
    moved = to_from_xyz.apply(xyz.xyz[measured])
    colours = image.rgb8[measured]
    for k, (axis, colour) in enumerate(zip("xyz", ("red", "green", "blue"), strict=True)):
        points[axis] = moved[:, k]
        points[colour] = colours[:, k]
    points["sigma"] = xyz.sigma_range_m[measured]

    header = ["ply", "format binary_little_endian 1.0", f"comment stereo3d {__version__}"]
    header += [
        f"comment frame {to_from_xyz.to}, metres; sigma is one sigma of the range",
        f"element vertex {len(points)}",
    ]
    header += [f"property {_PLY_TYPE[_POINT[name].str]} {name}" for name in _POINT.names or ()]
    with path.open("wb") as file:
        file.write(("\n".join([*header, "end_header"]) + "\n").encode("ascii"))
        points.tofile(file)
