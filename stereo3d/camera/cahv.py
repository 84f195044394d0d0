"""CAHV: the linear (pinhole) camera model, and the linear part that CAHVOR and CAHVORE share."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.camera.model import Float, in_chunks
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Frame, RigidTransform, locked

_DIRECTIONS = ("A", "H", "V", "O")


@dataclass(frozen=True, eq=False)
class LinearPart:
    """C, A, H and V, and the operations on them that leave the distortion alone.

    Raises ValueError when a vector is not three finite numbers, the image is empty, or the vectors are no camera's.
    """

    frame: Frame
    width: int
    height: int
    C: Float
    """(3,) centre of projection, m."""
    A: Float
    """(3,) axis, normal of the image plane; used as published, never normalised."""
    H: Float
    """(3,) horizontal vector, px: column scale and centre."""
    V: Float
    """(3,) vertical vector, px: row scale and centre."""

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in ("frame", "pupil_type", "linearity"):
                continue
            if f.name in ("width", "height"):
                if not (isinstance(value, int | np.integer) and value >= 1):
                    raise ValueError(f"{f.name} must be a whole number of pixels, at least 1, got {value}")
                continue
            vector = locked(value)
            if vector.shape != (3,) or not (np.abs(vector) < 1e9).all():
                raise ValueError(f"{f.name} must be three finite numbers, got {value}")
            object.__setattr__(self, f.name, vector)
        scale = float(np.linalg.norm(self.A) * np.linalg.norm(self.H) * np.linalg.norm(self.V))
        if not abs(float(np.linalg.det([self.A, self.H, self.V]))) > 1e-9 * scale:
            raise ValueError("A, H and V do not span space: this is no camera")

    def crop(self, left: float, top: float, width: int, height: int) -> Self:
        """The model of the part of the image whose first pixel is (left, top), ``width`` x ``height`` px."""
        return replace(self, width=width, height=height, H=self.H - left * self.A, V=self.V - top * self.A)

    def binned(self, factor: int) -> Self:
        """The model after averaging blocks of ``factor`` x ``factor`` px; incomplete blocks are dropped.

        A pixel x of the whole image is (x - (factor - 1) / 2) / factor of the binned one.
        """
        if factor < 1 or self.width < factor or self.height < factor:
            raise ValueError(f"cannot bin {self.width} x {self.height} px by {factor}")
        shift = (factor - 1) / 2.0
        return replace(
            self,
            width=self.width // factor,
            height=self.height // factor,
            H=(self.H - shift * self.A) / factor,
            V=(self.V - shift * self.A) / factor,
        )

    def row_scaled(self, factor: float) -> Self:
        """The model with its vertical focal length times ``factor``; principal row and all columns stay."""
        principal_row = float(self.V @ self.A) / float(self.A @ self.A)
        return replace(self, V=principal_row * self.A + factor * (self.V - principal_row * self.A))

    def moved(self, to_from_frame: RigidTransform) -> Self:
        """The same camera in another frame.  Raises FrameMismatchError when the transform starts elsewhere."""
        if to_from_frame.source != self.frame:
            raise FrameMismatchError(
                f"the camera is in {self.frame}, the transform starts in {to_from_frame.source}",
                expected="the same frame",
            )
        turned: dict[str, Any] = {n: to_from_frame.rotate(getattr(self, n)) for n in _DIRECTIONS if hasattr(self, n)}
        return replace(self, frame=to_from_frame.to, C=to_from_frame.apply(self.C), **turned)

    @cached_property
    def _basis(self) -> tuple[Float, Float]:
        """(3, 2) and (3, 1): the direction of a pixel is basis @ (x, y) + constant."""
        vh = np.cross(self.V, self.H)
        sign = 1.0 if float(vh @ self.A) > 0 else -1.0
        return np.stack([np.cross(self.A, self.V), np.cross(self.H, self.A)], axis=1) * sign, vh[:, None] * sign

    def _linear_directions(self, pixels: Float) -> Float:
        """Directions (3, n), not unit, of pixels (n, 2): (V - y A) x (H - x A), pointing forward."""
        basis, constant = self._basis
        directions: Float = basis @ pixels.T
        directions += constant
        return directions


def write_pixels(h: Float, v: Float, a: Float, out: Float) -> None:
    """Fill ``out`` (n, 2) with (h / a, v / a), each (n,); NaN where ``a``, the depth, is not positive."""
    a[~(a > 0)] = np.nan
    np.divide(h, a, out=out[:, 0])
    np.divide(v, a, out=out[:, 1])


def write_unit(directions: Float, out: Float) -> None:
    """Fill ``out`` (n, 3) with ``directions`` (3, n) scaled to length one."""
    x, y, z = directions
    length = np.sqrt(x * x + y * y + z * z)
    np.divide(directions, length, out=out.T)


@final
@dataclass(frozen=True, eq=False)
class CAHV(LinearPart):
    """The pinhole: pixel = ((P - C) . H, (P - C) . V) / ((P - C) . A)."""

    def project(self, points: ArrayLike) -> Float:
        """Points (..., 3), m, to pixels (..., 2); NaN at and behind the plane through C across A."""
        forms = np.stack([self.H, self.V, self.A])

        def kernel(p: Float, out: Float) -> None:
            h, v, a = forms @ (p - self.C).T
            write_pixels(h, v, a, out)

        return in_chunks(points, 3, (2,), kernel)[0]

    def ray(self, pixels: ArrayLike) -> tuple[Float, Float]:
        """Pixels (..., 2) to ray origins (..., 3), m, all C, and unit directions (..., 3)."""

        def kernel(xy: Float, origin: Float, direction: Float) -> None:
            write_unit(self._linear_directions(xy), direction)
            origin[:] = self.C
            origin[np.isnan(direction[:, 0])] = np.nan

        origins, directions = in_chunks(pixels, 2, (3, 3), kernel)
        return origins, directions
