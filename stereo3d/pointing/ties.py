"""Tie points: places seen in frames of different shots, to a few hundredths of a pixel.

Corners are taken evenly over the overlap of a reference frame.  Each is first sought in the other eye of its own shot,
which tells its range, then in the frames of the other shots, within the window that the telemetry and what is known of
its range allow; the target is resampled into the reference's pixels through both cameras, so that turned and stretched
views look alike.  Least-squares matching in the frames' own pixels has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import inside
from stereo3d.frames import Float
from stereo3d.pointing.shots import Shot
from stereo3d.pointing.views import GRID_PX, Bool, View, overlap, plane_inverse_range, predicted, warped
from stereo3d.stereo.match import contrast_normalised
from stereo3d.stereo.sparse import Matches, refined

Int = NDArray[np.int64]

RANGE_SHARE, RANGE_FLOOR = 0.3, 0.004
"""How far 1 / range may be from that of the plane of the wheels: a share of it, and 1/m besides."""
_POINTS = 350
_SMALLEST_CELL_PX = 16
_TEMPLATE_HALF_PX = 10
_MOST_SEARCH_PX = 64
_WITHIN_SHOT_PX = 3.0
_PRIOR_SIGMAS = 4.0
_MIN_CORRELATION = 0.6
_MIN_LEAD = 0.03
"""By how much the best place must correlate better than any other more than 3 px away."""
_CONSENSUS_PX = 3.0
_MIN_BASELINE_M = 0.05
_MIN_OVERLAP_CELLS = 6


@dataclass(frozen=True, eq=False)
class Ties:
    """Tracks (a point of a reference frame) and the places where others see them; pixels are those of the views."""

    reference: Int
    """(tracks,) index of the frame."""
    pixel: Float
    """(tracks, 2) px of the reference frame; exact, as it is the middle of the window that is sought elsewhere."""
    inverse_range: Float
    """(tracks,) 1/m from the reference frame's ray origin: as measured within the shot, else that of the plane."""
    plane: Float
    """(tracks,) 1/m, that of the plane of the wheels."""
    track: Int
    """(ties,) index of the track."""
    target: Int
    """(ties,) index of the frame that sees it."""
    seen: Float
    """(ties, 2) px of the target frame."""


@dataclass(frozen=True, eq=False)
class _Found:
    """Where points were found: their indices, and the places in px of the target and of the reference grid."""

    index: Int
    seen: Float
    shift: Float
    """(n, 2), px of the reference: found minus expected."""
    slack: Float
    """(n,), px of the reference: how far the doubt about range may shift it."""


def find_ties(views: Sequence[View], shots: Sequence[Shot], reference: int, prior_rad: float) -> Ties:
    """The tracks of one reference frame; no track when it sees nothing that its target shots see.

    ``prior_rad``: one sigma of the telemetry's pan and tilt.
    """
    of = next(k for k, shot in enumerate(shots) if reference in shot.members)
    view = views[reference]
    targets = [t for k in _target_shots(views, shots, of, reference) for t in shots[k].members]
    regions = {t: overlap(view.camera, views[t].camera) for t in targets}
    regions = {t: r for t, r in regions.items() if int(r.sum()) >= _MIN_OVERLAP_CELLS}
    if not regions:
        return _none()
    points = _corners(view, np.any(list(regions.values()), axis=0))
    if not len(points):
        return _none()
    rho = plane_inverse_range(*view.camera.ray(points))
    plane, sigma = rho.copy(), RANGE_SHARE * rho + RANGE_FLOOR
    track: list[Int] = []
    target: list[Int] = []
    seen: list[Float] = []

    def keep(t: int, index: Int, places: Float) -> None:
        track.append(index)
        target.append(np.full(len(index), t))
        seen.append(places)

    for t in shots[of].members:
        if np.linalg.norm(views[t].camera.C - view.camera.C) > _MIN_BASELINE_M:
            found = _sought(view, views[t], points, np.arange(len(points)), rho, 2.0 * sigma, _WITHIN_SHOT_PX)
            measured, doubt, off = _triangulated(view, views[t], points[found.index], rho[found.index], found.seen)
            met = off < _WITHIN_SHOT_PX
            index = found.index[met]
            rho[index], sigma[index] = measured[met], doubt[met]
            keep(t, index, found.seen[met])
    gate = 1.0 + _PRIOR_SIGMAS * np.sqrt(2.0) * prior_rad / view.pixel_rad
    crossed = np.zeros(len(points), dtype=bool)
    for t, region in regions.items():
        cell = (points / GRID_PX).astype(np.int64)
        cell = np.minimum(cell, np.array(region.shape[::-1]) - 1)
        found = _agreeing(
            _sought(view, views[t], points, np.flatnonzero(region[cell[:, 1], cell[:, 0]]), rho, sigma, gate)
        )
        crossed[found.index] = True
        keep(t, found.index, found.seen)
    # A point that no other shot sees says nothing about pointing.
    number = np.cumsum(crossed) - 1
    all_tracks = np.concatenate(track)
    chosen = crossed[all_tracks]
    return Ties(
        np.full(int(crossed.sum()), reference),
        points[crossed],
        rho[crossed],
        plane[crossed],
        number[all_tracks[chosen]],
        np.concatenate(target)[chosen],
        np.concatenate(seen)[chosen],
    )


def joined(parts: Sequence[Ties]) -> Ties:
    """All tracks of several reference frames."""
    starts = np.cumsum([0, *(len(p.reference) for p in parts)])
    return Ties(
        np.concatenate([p.reference for p in parts]),
        np.concatenate([p.pixel for p in parts]),
        np.concatenate([p.inverse_range for p in parts]),
        np.concatenate([p.plane for p in parts]),
        np.concatenate([p.track + start for p, start in zip(parts, starts[:-1], strict=True)]),
        np.concatenate([p.target for p in parts]),
        np.concatenate([p.seen for p in parts]),
    )


def some(ties: Ties, keep: Bool, of: Int) -> Ties:
    """The ties (ties,) to keep, and their tracks as far as other shots still see them; ``of`` (frames,) their shots."""
    crossed = np.zeros(len(ties.reference), dtype=bool)
    crossed[ties.track[keep & (of[ties.reference][ties.track] != of[ties.target])]] = True
    keep = keep & crossed[ties.track]
    number = np.cumsum(crossed) - 1
    return Ties(
        ties.reference[crossed],
        ties.pixel[crossed],
        ties.inverse_range[crossed],
        ties.plane[crossed],
        number[ties.track[keep]],
        ties.target[keep],
        ties.seen[keep],
    )


def _none() -> Ties:
    empty, index = np.empty(0), np.empty(0, dtype=np.int64)
    return Ties(index, np.empty((0, 2)), empty, empty, index, index, np.empty((0, 2)))


def _target_shots(views: Sequence[View], shots: Sequence[Shot], of: int, reference: int) -> list[int]:
    """The shots in which points of this frame are sought: of two shots each is the reference with one eye."""
    first = _eye_order(views, shots[of])
    out = []
    for k, shot in enumerate(shots):
        if k == of or not shot.on_mast or not shots[of].on_mast:
            continue
        if (k > of and reference in first[0]) or (k < of and len(first) > 1 and reference in first[-1]):
            out.append(k)
    return out


def _eye_order(views: Sequence[View], shot: Shot) -> list[list[int]]:
    """The members of a shot, those of one centre of projection together, from left to right."""
    right = shot.tilt_axis
    groups: list[list[int]] = []
    for m in sorted(shot.members, key=lambda i: float(views[i].camera.C @ right)):
        if groups and np.linalg.norm(views[groups[-1][0]].camera.C - views[m].camera.C) <= _MIN_BASELINE_M:
            groups[-1].append(m)
        else:
            groups.append([m])
    return groups


def _corners(view: View, region: Bool) -> Float:
    """(n, 2) whole pixels: the best corner of each cell of the region where the view is usable."""
    rows, columns = view.image.shape
    wide = cv2.resize(region.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_NEAREST) > 0
    allowed = wide & view.usable
    margin = _TEMPLATE_HALF_PX + 1
    allowed[:margin] = allowed[-margin:] = False
    allowed[:, :margin] = allowed[:, -margin:] = False
    cell = max(_SMALLEST_CELL_PX, int(np.sqrt(allowed.sum() / _POINTS)))
    even = contrast_normalised(view.image, view.usable)
    strength = cv2.cornerMinEigenVal(even, 9)
    strength[~allowed] = 0.0
    r, c = rows // cell, columns // cell
    cells = strength[: r * cell, : c * cell].reshape(r, cell, c, cell).transpose(0, 2, 1, 3).reshape(r * c, -1)
    best = cells.argmax(axis=1)
    y = np.arange(r * c) // c * cell + best // cell
    x = np.arange(r * c) % c * cell + best % cell
    good = cells.max(axis=1) > 0.0
    return np.stack([x[good], y[good]], axis=1).astype(np.float64)


def _sought(view: View, other: View, points: Float, index: Int, rho: Float, rho_sigma: Float, gate_px: float) -> _Found:
    """Those of ``points[index]`` that are found in another view.

    ``rho`` and ``rho_sigma`` (points,), 1/m: the inverse range expected and how far off it may be; ``gate_px``: how far
    off the pointing may be, px of the reference.
    """
    pixels, wanted, doubt = points[index], rho[index], rho_sigma[index]
    image, usable, source = warped(view.camera, other)
    on_plane = predicted(view.camera, other.camera, pixels)
    linear = _linear_part(view, other, pixels, wanted)
    with np.errstate(invalid="ignore"):
        at = predicted(view.camera, other.camera, pixels, wanted)
        along = predicted(view.camera, other.camera, pixels, wanted + doubt) - at
        determinant = np.linalg.det(linear)
        # Where the view is folded or shrunk to a fifth there is nothing to compare.
        sound = np.isfinite(at + along + on_plane).all(axis=1) & (determinant > 0.04) & (determinant < 25.0)
    keep = np.flatnonzero(sound)
    back = np.linalg.inv(linear[keep])
    expected = pixels[keep] + np.einsum("nij,nj->ni", back, (at - on_plane)[keep])
    reach = np.einsum("nij,nj->ni", back, along[keep])
    places = np.full((len(keep), 2), np.nan)
    for k, point in enumerate(pixels[keep].astype(np.int64)):
        half = np.minimum(np.ceil(gate_px + np.abs(reach[k])), _MOST_SEARCH_PX).astype(np.int64)
        places[k] = _best_place(view.image, image, point, np.rint(expected[k]).astype(np.int64), half)
    hit = np.isfinite(places[:, 0])
    hit[hit] = usable[tuple(np.rint(places[hit][:, ::-1]).astype(np.int64).T)]
    keep, places, expected, reach = keep[hit], places[hit], expected[hit], reach[hit]
    if not len(keep):
        return _Found(np.empty(0, dtype=np.int64), np.empty((0, 2)), np.empty((0, 2)), np.empty(0))
    across, down = (places[:, k : k + 1].astype(np.float32) for k in range(2))
    there = cv2.remap(source.astype(np.float32), across, down, cv2.INTER_LINEAR)[:, 0].astype(np.float64)
    matched, _ = refined(view.image, other.image, Matches(pixels[keep], there), linear[keep])
    order = {(int(x), int(y)): k for k, (x, y) in enumerate(pixels[keep])}
    row = np.array([order[int(x), int(y)] for x, y in matched.left], dtype=np.int64)
    good = inside(other.camera, matched.right, 1.0)
    row, seen = row[good], np.asarray(matched.right[good])
    return _Found(index[keep[row]], seen, (places - expected)[row], np.linalg.norm(reach[row], axis=1))


def _linear_part(view: View, other: View, pixels: Float, rho: Float) -> Float:
    """(n, 2, 2): how pixels about each point map into the other view, on a surface like the plane through the point."""
    share = rho / np.maximum(plane_inverse_range(*view.camera.ray(pixels)), 1e-6)
    columns = []
    for step in ((4.0, 0.0), (0.0, 4.0)):
        ends = []
        for sign in (1.0, -1.0):
            near = pixels + sign * np.array(step)
            plane = plane_inverse_range(*view.camera.ray(near))
            ends.append(
                predicted(view.camera, other.camera, near, np.where(plane > 0.0, np.minimum(share, 5.0) * plane, rho))
            )
        columns.append((ends[0] - ends[1]) / 8.0)
    out = np.stack(columns, axis=-1)
    return np.where(np.isfinite(out).all(axis=(1, 2), keepdims=True), out, 0.0)


def _best_place(
    template_of: NDArray[np.float32], image: NDArray[np.float32], point: Int, centre: Int, half: Int
) -> Float:
    """Where in ``image`` the window about ``point`` correlates best, within ``half`` of ``centre``; NaN if unclear."""
    t = _TEMPLATE_HALF_PX
    nothing = np.full(2, np.nan)
    shape = np.array(image.shape[::-1])
    low = np.maximum(centre - half - t, 0)
    high = np.minimum(centre + half + t + 1, shape)
    if (high - low < 2 * t + 3).any():
        return nothing
    template = template_of[point[1] - t : point[1] + t + 1, point[0] - t : point[0] + t + 1]
    score = cv2.matchTemplate(image[low[1] : high[1], low[0] : high[0]], template, cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(score)
    # A best place at the window's edge is none: the true one lies outside.
    if best < _MIN_CORRELATION or not (0 < x < score.shape[1] - 1 and 0 < y < score.shape[0] - 1):
        return nothing
    sub = np.array([_vertex(score[y, x - 1 : x + 2]), _vertex(score[y - 1 : y + 2, x])])
    score[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4] = -1.0
    if best - float(score.max()) < _MIN_LEAD:
        return nothing
    return np.asarray(low + t + np.array([x, y]) + sub)


def _vertex(three: NDArray[np.float32]) -> float:
    """The top of the parabola through three values, of which the middle one is the largest, from the middle."""
    a, b, c = (float(v) for v in three)
    bend = a - 2.0 * b + c
    return 0.5 * (a - c) / bend if bend < 0.0 else 0.0


def _triangulated(view: View, other: View, pixels: Float, rho: Float, seen: Float) -> tuple[Float, Float, Float]:
    """The inverse ranges (n,), 1/m, at which the points come nearest to ``seen`` (n, 2), their sigma for half a pixel,
    and how far off they then are, px."""
    step = 1e-4
    rho = rho.copy()
    slope = np.ones((len(rho), 2))
    for _ in range(4):
        at = predicted(view.camera, other.camera, pixels, rho)
        slope = (predicted(view.camera, other.camera, pixels, rho + step) - at) / step
        rho += np.einsum("ni,ni->n", slope, seen - at) / np.maximum(np.einsum("ni,ni->n", slope, slope), 1e-12)
    off = np.linalg.norm(predicted(view.camera, other.camera, pixels, rho) - seen, axis=1)
    return rho, 0.5 / np.linalg.norm(slope, axis=1), off


def _agreeing(found: _Found) -> _Found:
    """Those that are shifted as most are: a wrong pointing shifts all of an overlap nearly alike."""
    if not len(found.index):
        return found
    off = np.linalg.norm(found.shift - np.median(found.shift, axis=0), axis=1)
    good = off < _CONSENSUS_PX + found.slack
    return _Found(found.index[good], found.seen[good], found.shift[good], found.slack[good])
