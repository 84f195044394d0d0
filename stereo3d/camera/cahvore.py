"""CAHVORE: CAHVOR with a moving entrance pupil (E) and a choice of projection, up to fish-eye lenses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.camera.cahv import write_unit
from stereo3d.camera.cahvor import RadialPart
from stereo3d.camera.model import Float, field_limit, in_chunks, undistorted

_SMALL = 1e-15


@final
@dataclass(frozen=True, eq=False)
class CAHVORE(RadialPart):
    """Off-axis angle theta maps to chi = tan(L theta) / L (theta for L = 0, sin for L < 0), which R then distorts;
    the entrance pupil stands at C + s O with s = (theta / sin theta - 1) (e0 + e1 theta^2 + e2 theta^4).

    theta lies below a quarter turn: what is beside or behind the pupil has no image.
    """

    E: Float
    """(3,) entrance pupil, e0 e1 e2, m."""
    pupil_type: int = 2
    """T: 1 perspective (L = 1), 2 fish-eye (L = 0), 3 general (L = ``linearity``)."""
    linearity: float = 0.0
    """P: read for pupil type 3 only."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pupil_type not in (1, 2, 3):
            raise ValueError(f"pupil type must be 1, 2 or 3, got {self.pupil_type}")
        if not (np.isfinite(self.linearity) and abs(self.linearity) <= 1.0):
            raise ValueError(f"linearity must be within -1 and 1, got {self.linearity}")

    @cached_property
    def _L(self) -> float:
        return (1.0, 0.0, float(self.linearity))[self.pupil_type - 1]

    @cached_property
    def _limit(self) -> float:
        """The largest chi^2, at a quarter turn at most."""
        return field_limit(self.R, float(self._chi(np.array(np.pi / 2))) ** 2)

    def _theta(self, chi: Float) -> Float:
        linear = self._L
        if linear > _SMALL:
            return np.arctan(linear * chi) / linear
        if linear < -_SMALL:
            return np.arcsin(linear * chi) / linear
        return chi

    def _chi(self, theta: Float) -> Float:
        linear = self._L
        if linear > _SMALL:
            return np.tan(linear * theta) / linear
        if linear < -_SMALL:
            return np.sin(linear * theta) / linear
        return theta

    def project(self, points: ArrayLike) -> Float:
        """Points (..., 3), m, to pixels (..., 2).

        NaN where the model has no image: beside or behind the camera, past the fold of the distortion, or where
        Newton's method for the pupil does not converge (a point within millimetres of it).
        """
        return in_chunks(points, 3, (2,), self._project)[0]

    def _project(self, p: Float, out: Float) -> None:
        d = (p - self.C).T
        h, v, a, zeta = self._forms @ d
        lam = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
        lam -= self._excess * (zeta * zeta)
        np.sqrt(np.maximum(lam, 0.0, out=lam), out=lam)
        theta = self._angle(zeta, lam)
        theta[~(theta < np.pi / 2)] = np.nan
        chi = self._chi(theta)
        s = chi * chi
        s[~(s < self._limit)] = np.nan
        # P' = (lam / chi) O + (1 + mu) lambda, and on the axis lam / chi is the distance from the pupil, zeta there.
        forward = lam / chi
        np.copyto(forward, zeta, where=chi == 0.0)
        forward /= 1.0 + self._mu(s)
        forward -= zeta
        self._write_pixels(h, v, a, forward, out)

    def _angle(self, zeta: Float, lam: Float) -> Float:
        """The angle theta (n,) at the pupil of points at ``zeta`` along and ``lam`` across the axis, m; NaN: none."""
        theta = np.arctan2(lam, zeta)
        if not self.E.any():
            return theta
        e0, e1, e2 = (float(x) for x in self.E)
        # Newton's method for zeta sin - lam cos - (theta - sin) e = 0; seen from C, the first sine needs no call.
        far = np.sqrt(zeta * zeta + lam * lam)
        sin, cos = lam / far, zeta / far
        step = np.empty_like(theta)
        for i in range(15):
            if i:
                np.sin(theta, out=sin)
                np.cos(theta, out=cos)
            t2 = theta * theta
            e = e0 + t2 * (e1 + t2 * e2)
            late = theta - sin
            slope = zeta * cos + lam * sin - (1.0 - cos) * e - late * (theta * (2.0 * e1 + 4.0 * e2 * t2))
            np.divide(zeta * sin - lam * cos - late * e, slope, out=step)
            theta -= step
            if not (np.abs(step) > 1e-9).any():
                break
        # The last step bounds the error (convergence is quadratic); what still moves is not solved.  A solution
        # between 0 and a quarter turn lies before the pupil: zeta - s = lam / tan theta is positive.
        theta[~((np.abs(step) <= 1e-9) & (theta >= 0.0))] = np.nan
        return theta

    def ray(self, pixels: ArrayLike) -> tuple[Float, Float]:
        """Pixels (..., 2) to ray origins (..., 3), m, on the pupil, and unit directions (..., 3); NaN outside."""
        origins, directions = in_chunks(pixels, 2, (3, 3), self._ray)
        return origins, directions

    def _ray(self, xy: Float, origin: Float, direction: Float) -> None:
        d = self._linear_directions(xy)
        zeta = self.O @ d
        t = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]) / (zeta * zeta)
        t -= self._excess
        np.maximum(t, 0.0, out=t)
        t[~(zeta > 0)] = np.nan
        s = undistorted(t, self.R, self._limit)
        chi = np.sqrt(s)
        theta = self._theta(chi)
        axis = chi == 0.0
        sin = np.sin(theta)
        # The ray is (cos theta) O + (sin theta) lambda / |lambda|, here scaled so that its part across O is lambda.
        along = np.cos(theta)
        along *= chi
        along /= sin
        along[axis] = 1.0
        along *= 1.0 + self._mu(s)
        along -= 1.0
        along *= zeta
        d += self.O[:, None] * along
        write_unit(d, direction)
        t2 = theta * theta
        shift = theta / sin
        shift[axis] = 1.0
        shift -= 1.0
        shift *= self.E[0] + t2 * (self.E[1] + t2 * self.E[2])
        np.multiply(self.O[:, None], shift, out=origin.T)
        origin += self.C
