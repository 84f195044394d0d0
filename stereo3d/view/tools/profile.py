"""Elevation along a level line between two places, with its sigma."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image as Pil

from stereo3d.frames import locked
from stereo3d.pipeline import Result
from stereo3d.pipeline.places import lateral_rad
from stereo3d.terrain.mesh import FaceKind
from stereo3d.terrain.surface import Surface
from stereo3d.view.plot import ACCENT, FAINT, Axes, Sheet, credit, ticks
from stereo3d.view.tools.propagate import place_covariance
from stereo3d.view.viewpoint import camera_centre

Float = NDArray[np.float64]

FLATTEST = 0.2
"""The up component of a normal below which the sigma of a height grows no further: a wall has no height at a place."""
STEPS = 400
_MOST_STEPS = 20_000
_BAND = (255, 176, 59, 70)
_SIZE = (1200, 520)


@dataclass(frozen=True, eq=False)
class Profile:
    """Heights at even steps along the level line from one place to another."""

    along_m: Float
    """(n,) level distance from the first place."""
    places: Float
    """(n, 3) m, ENU; up is NaN where there is no ground."""
    sigma_m: Float
    """(n,) one sigma of up, m."""
    kind: NDArray[np.int8]
    """(n,) :class:`FaceKind` of the ground; -1 where there is none."""

    def __post_init__(self) -> None:
        for name in ("along_m", "places", "sigma_m"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        object.__setattr__(self, "kind", locked(self.kind, np.int8))

    @property
    def up_m(self) -> Float:
        """(n,) m."""
        return self.places[:, 2]

    def lines(self) -> list[str]:
        """What a person reads."""
        known = np.isfinite(self.up_m)
        if not known.any():
            return [f"profile  {self.along_m[-1]:.3f} m, no ground along it"]
        up = self.up_m[known]
        low, high = int(np.argmin(up)), int(np.argmax(up))
        sigma = self.sigma_m[known]
        return [
            f"profile  {self.along_m[-1]:.3f} m, ground along {100 * known.mean():.0f} % of it",
            f"lowest  {up[low]:+.3f} \u00b1 {sigma[low]:.3f} m  highest  {up[high]:+.3f} \u00b1 {sigma[high]:.3f} m",
        ]


def profile(result: Result, surface: Surface, start_enu: ArrayLike, end_enu: ArrayLike, steps: int = STEPS) -> Profile:
    """The highest ground under each of ``steps`` places of the level line between two places (3,), m, ENU.

    The sigma is that of the surface at a fixed place: an error of a point with covariance C lifts the surface of normal
    n by sqrt(n' C n) / n_up.  Raises ValueError for fewer than two steps.
    """
    if not 2 <= steps <= _MOST_STEPS:
        raise ValueError(f"a profile has 2 to {_MOST_STEPS} steps, not {steps}")
    start, end = np.asarray(start_enu, dtype=np.float64)[:2], np.asarray(end_enu, dtype=np.float64)[:2]
    share = np.linspace(0.0, 1.0, steps)
    level = start + share[:, None] * (end - start)
    mesh = surface.mesh
    above = np.concatenate([level, np.full((steps, 1), float(mesh.vertices[:, 2].max()) + 1.0)], axis=1)
    hits = surface.hits(above, np.broadcast_to([0.0, 0.0, -1.0], above.shape))
    on = hits.face >= 0
    up = surface.interpolate(hits, mesh.vertices)[:, 2]
    places = np.concatenate([level, up[:, None]], axis=1)
    sigma = np.full(steps, np.nan)
    normal = surface.interpolate(hits, mesh.normals)[on].astype(np.float64)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    along = surface.interpolate(hits, mesh.sigma_m)[on]
    covariance = place_covariance(places[on], camera_centre(result), along, lateral_rad(result))
    lift = np.sqrt(np.einsum("ni,nij,nj->n", normal, covariance, normal))
    sigma[on] = lift / np.maximum(np.abs(normal[:, 2]), FLATTEST)
    kind = np.where(on, mesh.kind[np.maximum(hits.face, 0)].astype(np.int8), np.int8(-1))
    return Profile(share * float(np.linalg.norm(end - start)), places, sigma, kind)


def profile_csv(found: Profile) -> str:
    """A table with a head line: distance, place, height, its sigma, and where the ground comes from."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["along_m", "east_m", "north_m", "up_m", "sigma_m", "kind"])
    for along, place, sigma, kind in zip(found.along_m, found.places, found.sigma_m, found.kind, strict=True):
        cells = ["" if not np.isfinite(v) else f"{v:.4f}" for v in (along, *place, sigma)]
        table.writerow([*cells, FaceKind(int(kind)).name.lower() if kind >= 0 else "none"])
    return out.getvalue()


def profile_picture(found: Profile, mission: str, size: tuple[int, int] = _SIZE) -> Pil.Image:
    """The plot: heights over the distance, with a band of one sigma; ground that was not measured is faint."""
    width, height = size
    sheet = Sheet(width, height)
    up, sigma = found.up_m, found.sigma_m
    known = np.isfinite(up)
    length = max(float(found.along_m[-1]), 1e-6)
    low, high = (float(np.min((up - sigma)[known])), float(np.max((up + sigma)[known]))) if known.any() else (-1.0, 1.0)
    room = max(0.08 * (high - low), 0.01)
    axes = Axes((80, 64, width - 36, height - 84), (0.0, length), (low - room, high + room))
    axes.frame(
        sheet, ticks(0.0, length, 8), ticks(low - room, high + room), "level distance (m)",
        "height above the rover's ground (m), band: one sigma",
    )  # fmt: skip
    ends = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    for a, b in zip(ends[::2], ends[1::2], strict=True):
        if b - a > 1:
            part = slice(a, b)
            upper = axes.place(found.along_m[part], (up + sigma)[part])
            lower = axes.place(found.along_m[part], (up - sigma)[part])
            sheet.polygon(np.concatenate([upper, lower[::-1]]), _BAND)
    axes.curve(sheet, found.along_m, np.where(found.kind > 0, up, np.nan), FAINT)
    axes.curve(sheet, found.along_m, np.where(found.kind == 0, up, np.nan), ACCENT)
    stretch = (axes.box[3] - axes.box[1]) / (high - low + 2 * room) * length / (axes.box[2] - axes.box[0])
    sheet.text(axes.box[2], axes.box[1] - 9, f"heights {stretch:.1f} x as large as lengths", 14, FAINT, "rs")
    sheet.text(width - 36, height - 12, credit(mission), 13, FAINT, "rs")
    a, b = found.places[0], found.places[-1]
    ends_text = f"from {a[0]:.2f} E {a[1]:.2f} N to {b[0]:.2f} E {b[1]:.2f} N (m)"
    sheet.text(80, height - 12, ends_text, 13, FAINT, "ls")
    return sheet.finished()
