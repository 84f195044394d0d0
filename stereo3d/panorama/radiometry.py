"""One radiometric solution for all frames of a panorama.

Each frame's DN are brought to one scale by

    value = (gain DN + offset + t y) / V,    V = exp(h x + v y + a r^2 + b r^4 + c r^6)

with a gain and an offset for each frame and channel, a tilt t for each frame, and a vignetting V for each eye (x, y
from the frame's centre, r 1 in its corners).  The tilts of frames that hang together add up to 0: nothing in the model
depends on the direction, so a gradient of the sky stays what it is.  The tilt is for stray light: the Opportunity
frames of sol 4087 that look to below the Sun differ by up to 30 % more at the bottom of an overlap than at its top,
at places of the same brightness and as far from the frames' centres; those that look away from it do not.

The eyes of seven Perseverance pairs, compared where both see measured ground, differ by 3 to 5 DN (robust sigma) when
fitted by a gain and an offset, by 1 to 2.5 DN with a round vignetting, and by 0.4 to 0.9 DN when it may lie off the
centre (h, v).  A curve of DN over that, which a gamma in the stretch would need, is then 0.03 of the range at most and
takes away nothing: there is none in the model.

All are found at once from what two frames show of the same cells of the canvas.  The residual of a cell is the
difference of the two values over the noise it would have if both DN had the noise of one DN (Sampson's distance): the
plain difference would draw all gains to zero.  Cells with much texture count less (a hair of parallax moves them), and
those that disagree for good (rocks seen from two sides) are given no weight by Geman and McClure's function.  Weak
priors hold what the overlaps do not tell.  The scale of the whole is free: the product of the gains is 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.observation import Eye
from stereo3d.panorama.adjustment import Adjustment, common_cells, shading_terms
from stereo3d.panorama.cells import cells
from stereo3d.panorama.layer import Layer

Float = NDArray[np.float64]

CELL_PX = 4


@dataclass(frozen=True, eq=False)
class FrameRadiometry:
    """How the DN of one frame are brought to the common scale."""

    name: str
    eye: Eye
    gain: Float
    """(channels,)"""
    offset: Float
    """(channels,), DN of the common scale."""
    gain_sigma: Float
    offset_sigma: Float
    """(channels,); NaN for a frame that overlaps no other."""
    tilt: float = 0.0
    """Coefficient of y, DN of the common scale."""
    note: str = ""
    """Why it was left as delivered; empty when it was solved."""


@dataclass(frozen=True)
class OverlapStep:
    """How two frames differ where both see the same."""

    first: str
    second: str
    cells: int
    before: float
    after: float
    """Mean absolute difference of brightness of all common cells, as a share of the range."""


@dataclass(frozen=True, eq=False)
class Radiometry:
    """The solution; ``corrected`` applies it to a layer of any size."""

    frames: tuple[FrameRadiometry, ...]
    vignetting: Mapping[Eye, Float]
    """(terms,): h, v, a, b, c: coefficients of x, y, r^2, r^4, r^6 in the logarithm of the transmission."""
    overlaps: tuple[OverlapStep, ...]
    value_range: float
    """From the 2nd to the 98th percentile of the corrected brightness, DN."""

    def corrected(self, layer: Layer) -> NDArray[np.float32]:
        """(rows, columns[, channels]) of the layer on the common scale; pixels that are not valid mean nothing.

        Raises KeyError for a frame that was not solved for.
        """
        frame = next((f for f in self.frames if (f.name, f.eye) == (layer.name, layer.eye)), None)
        if frame is None:
            raise KeyError(f"{layer.name} is not of this solution")
        # Not a matrix product: BLAS reads beyond short float32 rows, and warns of what it finds there.
        shading = np.einsum("...k,k", shading_terms(layer.position), self.vignetting[layer.eye].astype(np.float32))
        inverse, tilted = np.exp(-shading), np.float32(frame.tilt) * layer.position[..., 1]
        gain, offset = frame.gain.astype(np.float32), frame.offset.astype(np.float32)
        if layer.pixels.ndim == 2 and gain.size == 1:
            return np.asarray((layer.pixels * gain[0] + (offset[0] + tilted)) * inverse)
        pixels = layer.pixels if layer.pixels.ndim == 3 else layer.pixels[..., None]
        return np.asarray((pixels * gain + offset + tilted[..., None]) * inverse[..., None])

    @property
    def before(self) -> float:
        """Mean absolute difference over all overlaps as delivered, as a share of the range; NaN without overlap."""
        return _mean([(o.before, o.cells) for o in self.overlaps])

    @property
    def after(self) -> float:
        """The same after the correction."""
        return _mean([(o.after, o.cells) for o in self.overlaps])

    @property
    def notes(self) -> tuple[str, ...]:
        """One line for each frame that could not be tied to the others."""
        return tuple(f"{f.name}: {f.note}" for f in self.frames if f.note)

    def as_json(self) -> dict[str, Any]:
        """Plain numbers and names; None for what is not known."""

        def plain(values: Float) -> list[float | None]:
            return [round(float(v), 6) if np.isfinite(v) else None for v in values]

        return {
            "frames": [
                {
                    "frame": f.name,
                    "eye": f.eye.value,
                    "gain": plain(f.gain),
                    "gain_sigma": plain(f.gain_sigma),
                    "offset": plain(f.offset),
                    "offset_sigma": plain(f.offset_sigma),
                    "tilt": round(f.tilt, 5),
                    **({"note": f.note} if f.note else {}),
                }
                for f in self.frames
            ],
            "vignetting": {eye.value: plain(v) for eye, v in self.vignetting.items()},
            "range_dn": round(self.value_range, 3),
            "overlaps": [
                {"frames": [o.first, o.second], "cells": o.cells, **_before_after(o.before, o.after)}
                for o in self.overlaps
            ],
            "mean_difference": _before_after(self.before, self.after),
        }


def solve(layers: Sequence[Layer]) -> Radiometry:
    """The solution for all layers, of both eyes, on a canvas of 1000 to 2000 columns.

    Two layers of one name and eye are parts of one frame.  Raises ValueError without layers.
    """
    if not layers:
        raise ValueError("a radiometric solution needs at least one layer")
    channels = max(1 if layer.pixels.ndim == 2 else layer.pixels.shape[2] for layer in layers)
    keys = list(dict.fromkeys((layer.name, layer.eye) for layer in layers))
    eyes = list(dict.fromkeys(eye for _, eye in keys))
    scale = brightness_range([layer.pixels[layer.valid] for layer in layers])
    means = [cells(layer, channels, CELL_PX) for layer in layers]
    numbers = [(keys.index((layer.name, layer.eye)), eyes.index(layer.eye)) for layer in layers]
    adjustment = Adjustment(len(keys), len(eyes), channels, scale, common_cells(means, numbers, scale))
    fit = adjustment.fit()
    untied = np.full(channels, np.nan)
    frames = tuple(
        FrameRadiometry(
            name, eye, fit.gain[k], fit.offset[k], fit.gain_sigma[k], fit.offset_sigma[k], float(fit.tilt[k])
        )
        if k in adjustment.tied
        else FrameRadiometry(
            name, eye, np.ones(channels), np.zeros(channels), untied, untied, note="overlaps no other frame"
        )
        for k, (name, eye) in enumerate(keys)
    )
    vignetting = dict(zip(eyes, fit.vignetting, strict=True))
    found = Radiometry(frames, vignetting, (), scale)
    value_range = brightness_range([found.corrected(layer)[layer.valid] for layer in layers])
    overlaps = tuple(
        OverlapStep(
            keys[pair.first][0],
            keys[pair.second][0],
            len(pair.a),
            float(np.abs((pair.a - pair.b).mean(axis=1)).mean()) / scale,
            float(np.abs(adjustment.difference(pair).mean(axis=1)).mean()) / value_range,
        )
        for pair in adjustment.pairs
    )
    return Radiometry(frames, vignetting, overlaps, value_range)


def brightness_range(values: Sequence[NDArray[np.float32]]) -> float:
    """From the 2nd to the 98th percentile of all values, never 0: what steps are given as shares of."""
    some = [v.ravel()[:: max(1, v.size // 200_000)] for v in values if v.size]
    low, high = np.percentile(np.concatenate(some), [2, 98]) if some else (0.0, 1.0)
    return float(max(high - low, 1e-6))


def _mean(values: list[tuple[float, int]]) -> float:
    return float(np.average([v for v, _ in values], weights=[n for _, n in values])) if values else float("nan")


def _before_after(before: float, after: float) -> dict[str, float | None]:
    return {k: round(v, 5) if np.isfinite(v) else None for k, v in (("before", before), ("after", after))}
