"""The flat field of a camera from many frames of many places: what all of them share is the camera's.

ln DN of a frame's cells = an offset and a slope of its own (exposure, haze, the light's direction) + ln T + the scene.
The curved terms of ln T are fitted to all frames together, each frame's plane projected out, by least squares that
weighs scene content down (Tukey's biweight); the slope of ln T is what the frames' own slopes have in common, where
that is beyond chance; the pattern is what a cell has in common over many frames, shrunk by what chance alone would
leave.  The uncertainty is that of leaving out shots (delete-a-group jackknife): cells of one frame share their scene
and are no independent data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d import __version__
from stereo3d.errors import CalibrationError
from stereo3d.radiometry.cells import GRID, Cells
from stereo3d.radiometry.flat_field import FlatField, Provenance, shading_terms

Float = NDArray[np.float64]

LEAST_SHOTS = 8
"""Fewer pointings do not tell the camera's share from the scenes'."""
LEAST_FOR_PATTERN = 24
"""Of the same cell, to tell what is fixed there."""
LEAST_TILTS_DEG = 10.0
"""Between the highest and the lowest look: near ground is at the bottom of every frame, and unlike far ground; what
all scenes share is taken for the camera's, and no frame left out would show it."""
LARGEST_SIGMA = 0.02
"""Of ln T: a flat field that is less sure than that adds more error than the lens does."""
_LEAST_CELLS = 40
_GROUPS = 12
_ROUNDS, _ROUNDS_MORE = 12, 3
_TUKEY = 4.685
_SURE = 4.0
"""A common slope of fewer sigma is taken for none: lenses have none, dust and a tilted window may."""


@dataclass(frozen=True, eq=False)
class _Fit:
    coefficients: Float
    """(5,) a, b, k2, k4, k6."""
    slope_sigma: Float
    """(2,) of a and b; 0 for one that is taken for none."""
    weights: list[Float]
    residual: list[Float]
    """Of each frame, (n,), as the weights."""
    spread: float


def estimate_flat_field(
    frames: Sequence[Cells],
    mission: str,
    instrument: str,
    sensor_px: tuple[int, int],
    least_shots: int = LEAST_SHOTS,
    largest_sigma: float = LARGEST_SIGMA,
    least_tilts_deg: float = LEAST_TILTS_DEG,
) -> FlatField:
    """The flat field of the camera that took the frames, whose cells are on a sensor of ``sensor_px``.

    Raises CalibrationError, which says how many frames are needed, for fewer than ``least_shots`` pointings, for
    elevations that differ by less than ``least_tilts_deg``, for
    frames of different numbers, or when sigma of ln T is more than ``largest_sigma``.
    """
    usable = sorted((f for f in frames if f.index.size >= _LEAST_CELLS), key=lambda f: (f.shot, f.product_id))
    shots = sorted({f.shot for f in usable})
    if len(shots) < least_shots:
        dropped = len({f.shot for f in frames}) - len(shots)
        left = f", and {dropped} more with too little ground in view" if dropped else ""
        raise CalibrationError(
            f"{len(shots)} usable pointings of {instrument}{left}: too few to tell the camera's share from the scenes'",
            expected=f"at least {least_shots} pointings with ground in view, {LEAST_FOR_PATTERN} for a fixed pattern",
            todo="add frames of other places and directions",
        )
    tilts = [f.elevation_deg for f in usable if f.elevation_deg is not None]
    if tilts and max(tilts) - min(tilts) < least_tilts_deg:
        raise CalibrationError(
            f"the frames of {instrument} look up or down alike, within {max(tilts) - min(tilts):.1f} degrees: the "
            "ground's own shading cannot be told from the camera's",
            expected=f"elevations that differ by {least_tilts_deg:g} degrees",
            todo="add frames that look elsewhere",
        )
    domains = sorted({f.domain for f in usable})
    if len(domains) > 1:
        raise CalibrationError(
            f"the frames' numbers are of different kinds: {' and '.join(domains)}", expected="frames of one kind"
        )
    centre = np.median([f.centre_px for f in usable], axis=0)
    half = float(np.hypot(*sensor_px)) / 2
    rows, columns = np.divmod(np.arange(GRID[0] * GRID[1]), GRID[1])
    x = ((columns + 0.5) * sensor_px[0] / GRID[1] - 0.5 - centre[0]) / half
    y = ((rows + 0.5) * sensor_px[1] / GRID[0] - 0.5 - centre[1]) / half
    terms = shading_terms(x, y)
    fit = _fitted(usable, terms)
    seen = np.unique(np.concatenate([f.index for f in usable]))
    doubt = terms[seen, :2] * fit.slope_sigma
    sigma = float(np.sqrt(_jackknife(usable, shots, terms, seen, fit) ** 2 + np.mean(np.sum(doubt**2, axis=1))))
    if sigma > largest_sigma:
        needed = max(len(shots) + 1, int(np.ceil(len(shots) * (sigma / largest_sigma) ** 2)))
        raise CalibrationError(
            f"{len(shots)} pointings of {instrument} leave the flat field unsure by {sigma:.1%}",
            expected=f"at most {largest_sigma:.0%}",
            todo=f"about {needed} such pointings would do: add frames of other places and directions",
        )
    pattern, pattern_sigma = _pattern(usable, fit)
    times = sorted(f.taken_utc for f in usable if f.taken_utc is not None)
    return FlatField(
        mission=mission,
        instrument=instrument,
        domain=domains[0],
        sensor_px=sensor_px,
        centre_px=(round(float(centre[0]), 2), round(float(centre[1]), 2)),
        coefficients=tuple(round(float(c), 6) for c in fit.coefficients),  # type: ignore[arg-type]
        reach=round(float(np.hypot(x, y)[seen].max()), 4),
        sigma=round(sigma, 5),
        provenance=Provenance(
            products=tuple(f.product_id for f in usable),
            shots=len(shots),
            first_utc=times[0] if times else None,
            last_utc=times[-1] if times else None,
            program=f"stereo3d {__version__}",
            residual=round(fit.spread, 5),
        ),
        pattern=pattern,
        pattern_sigma=pattern_sigma,
    )


def _fitted(frames: Sequence[Cells], terms: Float, weights: list[Float] | None = None) -> _Fit:
    """The smooth terms; ``terms`` (cells, 5) are those of the whole grid.  Weights of a fit before need few rounds."""
    rounds = _ROUNDS if weights is None else _ROUNDS_MORE
    weights = [np.ones(f.index.size) for f in frames] if weights is None else weights
    curved = np.zeros(3)
    planes: list[Float] = []
    residual: list[Float] = []
    spread = 0.0
    for _ in range(rounds):
        normal, right = np.zeros((3, 3)), np.zeros(3)
        for frame, w in zip(frames, weights, strict=True):
            own, root = terms[frame.index], np.sqrt(w)[:, None]
            basis, _ = np.linalg.qr(_plane(own) * root)
            free = own[:, 2:] * root
            free = free - basis @ (basis.T @ free)
            normal += free.T @ free
            right += free.T @ (frame.value * root[:, 0])
        # Frames of one tile of the sensor alone leave the highest terms free: a weak prior holds them at none.
        curved = np.linalg.solve(normal + np.diag([1e-9, 1e-4, 1e-3]) * np.trace(normal), right)
        planes, residual = [], []
        for frame, w in zip(frames, weights, strict=True):
            own, root = terms[frame.index], np.sqrt(w)
            rest = frame.value - own[:, 2:] @ curved
            plane = np.linalg.lstsq(_plane(own) * root[:, None], rest * root, rcond=None)[0]
            planes.append(np.asarray(plane, dtype=np.float64))
            residual.append(np.asarray(rest - _plane(own) @ plane, dtype=np.float64))
        spread = _spread(np.concatenate(residual))
        weights = [np.maximum(1 - (r / (_TUKEY * max(spread, 1e-6))) ** 2, 0.0) ** 2 + 1e-6 for r in residual]
    slopes = _by_shot(frames, np.array(planes)[:, 1:])
    common = np.median(slopes, axis=0)
    # A median is 1.25 times as unsure as a mean; frames with little ground in view have slopes far off.
    doubt = 1.2533 * slopes.std(axis=0, ddof=1) / np.sqrt(len(slopes))
    sure = np.abs(common) > _SURE * doubt
    slope = np.where(sure, common, 0.0)
    return _Fit(np.concatenate([slope, curved]), np.where(sure, doubt, 0.0), weights, residual, spread)


def _plane(own: Float) -> Float:
    """(n, 3) the terms 1, x, y."""
    return np.column_stack([np.ones(len(own)), own[:, :2]])


def _by_shot(frames: Sequence[Cells], values: Float) -> Float:
    """The mean of the values (frames, k) over the frames of each shot."""
    keys = [f.shot for f in frames]
    return np.array([values[[k == shot for k in keys]].mean(axis=0) for shot in sorted(set(keys))])


def _jackknife(
    frames: Sequence[Cells], shots: Sequence[tuple[int, int, int]], terms: Float, seen: NDArray[np.intp], whole: _Fit
) -> float:
    """One sigma of the curved part of ln T at the cells that were seen, root mean square."""
    groups = min(_GROUPS, len(shots))
    made = []
    for group in range(groups):
        left_out = set(shots[group::groups])
        kept = [(f, w) for f, w in zip(frames, whole.weights, strict=True) if f.shot not in left_out]
        part = _fitted([f for f, _ in kept], terms, [w for _, w in kept])
        made.append(terms[seen, 2:] @ part.coefficients[2:])
    values = np.array(made)
    values -= values.mean(axis=1, keepdims=True)  # T is relative
    return float(np.sqrt((groups - 1) * values.var(axis=0).mean()))


def _pattern(frames: Sequence[Cells], fit: _Fit) -> tuple[Float | None, float | None]:
    """The fixed pattern on the grid, and its sigma; (None, None) where too few frames tell, or there is none."""
    count = np.zeros(GRID[0] * GRID[1], dtype=np.intp)
    for frame in frames:
        count[frame.index] += 1
    enough = np.flatnonzero(count >= LEAST_FOR_PATTERN)
    if enough.size < 0.5 * (count > 0).sum() or enough.size < _LEAST_CELLS:
        return None, None
    everything = np.full((len(frames), GRID[0] * GRID[1]), np.nan)
    for row, frame, rest in zip(everything, frames, fit.residual, strict=True):
        row[frame.index] = rest
    part = everything[:, enough]
    middle = np.nanmedian(part, axis=0)
    doubt = 1.2533 * 1.4826 * np.nanmedian(np.abs(part - middle), axis=0) / np.sqrt(count[enough])
    true = float(np.mean(middle**2) - np.mean(doubt**2))
    if true <= np.mean(doubt**2) * 0.25:
        return None, None
    pattern = np.zeros(GRID[0] * GRID[1])
    pattern[enough] = middle * true / (true + doubt**2)
    sigma = float(np.sqrt(np.mean(true * doubt**2 / (true + doubt**2))))
    return np.round(pattern, 5).reshape(GRID), round(sigma, 5)


def _spread(values: Float) -> float:
    """Robust standard deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))
