"""CAHVOR: CAHV with radial distortion R about the optical axis O."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.camera.cahv import LinearPart, write_pixels, write_unit
from stereo3d.camera.model import Float, field_limit, in_chunks, undistorted


@dataclass(frozen=True, eq=False)
class RadialPart(LinearPart):
    """O and R on top of the linear part, and what CAHVOR and CAHVORE compute alike.

    Both models map a point at d = P - C = zeta O + lambda (lambda across O) to the pixel that the linear part gives
    of a direction d + g O, and a pixel of direction d' back to a ray along d' + k O: g and k are all they differ in.
    Lengths across the axis come from |lambda|^2 = |d|^2 - zeta^2 (2 - |O|^2), exact for the published O too; what
    that loses in digits close to the axis scales g and k, which both vanish there, and not the pixel.
    """

    O: Float  # noqa: E741 (the model's own name)
    """(3,) optical axis, used as published: unit to six digits only."""
    R: Float
    """(3,) radial distortion, r0 r1 r2."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not abs(float(np.linalg.norm(self.O)) - 1.0) < 0.01:
            raise ValueError(f"O must be a unit vector, got {self.O.tolist()}")
        if not self.R[0] > -1.0:
            raise ValueError(f"the first element of R must be above -1, got {self.R[0]}")

    @cached_property
    def _forms(self) -> Float:
        """(4, 3): H, V, A, O."""
        return np.stack([self.H, self.V, self.A, self.O])

    @cached_property
    def _excess(self) -> float:
        return 2.0 - float(self.O @ self.O)

    def _mu(self, s: Float) -> Float:
        """The distortion r0 + r1 s + r2 s^2 of s = chi^2 (n,)."""
        mu: Float = self.R[2] * s
        mu += self.R[1]
        mu *= s
        mu += self.R[0]
        return mu

    def _write_pixels(self, h: Float, v: Float, a: Float, g: Float, out: Float) -> None:
        """Pixels of d + g O, given (d . H, d . V, d . A) and g, (n,) each."""
        oh, ov, oa, _ = (float(x) for x in self._forms @ self.O)
        write_pixels(h + oh * g, v + ov * g, a + oa * g, out)


@final
@dataclass(frozen=True, eq=False)
class CAHVOR(RadialPart):
    """P' = P + mu lambda with mu = r0 + r1 tau + r2 tau^2 and tau = |lambda|^2 / zeta^2; then CAHV of P'."""

    @cached_property
    def _limit(self) -> float:
        return field_limit(self.R)

    def project(self, points: ArrayLike) -> Float:
        """Points (..., 3), m, to pixels (..., 2).

        NaN behind the camera, and beyond the angle at which the distortion polynomial folds back.
        """

        def kernel(p: Float, out: Float) -> None:
            d = (p - self.C).T
            h, v, a, zeta = self._forms @ d
            tau = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]) / (zeta * zeta)
            tau -= self._excess
            zeta[~((zeta > 0) & (tau < self._limit))] = np.nan
            mu = self._mu(tau)
            self._write_pixels(h, v, a, -mu / (1.0 + mu) * zeta, out)

        return in_chunks(points, 3, (2,), kernel)[0]

    def ray(self, pixels: ArrayLike) -> tuple[Float, Float]:
        """Pixels (..., 2) to ray origins (..., 3), m, all C, and unit directions (..., 3); NaN outside the model."""

        def kernel(xy: Float, origin: Float, direction: Float) -> None:
            d = self._linear_directions(xy)
            zeta = self.O @ d
            t = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]) / (zeta * zeta)
            t -= self._excess
            np.maximum(t, 0.0, out=t)
            zeta[~(zeta > 0)] = np.nan
            zeta *= self._mu(undistorted(t, self.R, self._limit))
            d += self.O[:, None] * zeta
            write_unit(d, direction)
            origin[:] = self.C
            origin[np.isnan(zeta)] = np.nan

        origins, directions = in_chunks(pixels, 2, (3, 3), kernel)
        return origins, directions
