"""The measured points: a cloud with colour and sigma, and the PLY file of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stereo3d import __version__
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Frame, RigidTransform, locked
from stereo3d.image import Image
from stereo3d.stereo.disparity import XyzMap

_POINT = np.dtype(
    [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1"), ("sigma", "<f4")]
)
_PLY_TYPE = {"<f4": "float", "|u1": "uchar"}


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points with their colour and their range sigma."""

    frame: Frame
    xyz: NDArray[np.float64]
    """(n, 3) float64, m, in ``frame``."""
    rgb: NDArray[np.uint8]
    """(n, 3) uint8."""
    sigma_m: NDArray[np.float32]
    """(n,) float32, m, one sigma of the range."""

    def __post_init__(self) -> None:
        n = len(self.xyz)
        for name, shape, dtype in (
            ("xyz", (n, 3), np.float64),
            ("rgb", (n, 3), np.uint8),
            ("sigma_m", (n,), np.float32),
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
    return Cloud(to_from_xyz.to, points, image.rgb8[measured], xyz.sigma_range_m[measured])


def joined(clouds: Sequence[Cloud]) -> Cloud:
    """One cloud of several, at least one.  Raises FrameMismatchError when they are of different frames."""
    frames = {cloud.frame for cloud in clouds}
    if len(frames) > 1:
        raise FrameMismatchError(f"clouds of different frames: {', '.join(sorted(map(str, frames)))}")
    return Cloud(
        clouds[0].frame,
        np.concatenate([cloud.xyz for cloud in clouds]),
        np.concatenate([cloud.rgb for cloud in clouds]),
        np.concatenate([cloud.sigma_m for cloud in clouds]),
    )


def write_cloud(cloud: Cloud, path: Path) -> None:
    """A cloud as binary little-endian PLY.

    Properties x y z (float32, m, in the frame of the cloud), red green blue (uint8), sigma (float32, m); about a
    million points in a fraction of a second.
    """
    points = np.empty(len(cloud.xyz), dtype=_POINT)
    for k, (axis, colour) in enumerate(zip("xyz", ("red", "green", "blue"), strict=True)):
        points[axis] = cloud.xyz[:, k]
        points[colour] = cloud.rgb[:, k]
    points["sigma"] = cloud.sigma_m

    header = ["ply", "format binary_little_endian 1.0", f"comment stereo3d {__version__}"]
    header += [f"comment frame {cloud.frame}, metres; sigma is one sigma of the range", f"element vertex {len(points)}"]
    header += [f"property {_PLY_TYPE[_POINT[name].str]} {name}" for name in _POINT.names or ()]
    with path.open("wb") as file:
        file.write(("\n".join([*header, "end_header"]) + "\n").encode("ascii"))
        points.tofile(file)
