"""The least-squares problem behind the radiometric solution: gains, offsets and vignetting from common cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.panorama.cells import Cells, common

Float = NDArray[np.float64]

CELLS_PER_PAIR = 3000
"""More are thinned out evenly: they are neighbours and know the same."""
MIN_CELLS = 12
"""Fewer common cells tie no frames together."""
CLUSTER = 6
"""Cells of one square of so many a side err alike, in all overlaps there, which the sigma must know."""
CLUSTERS_ACROSS = 1 << 16
GAIN_PRIOR = 0.7
"""Sigma of the logarithm of a gain."""
OFFSET_PRIOR = 0.15
"""Sigma of an offset, as a share of the range of brightness."""
VIGNETTING_PRIOR = (0.1, 0.1, 0.5, 0.5, 0.5)
"""Sigma of the coefficients of x, y, r^2, r^4, r^6."""
SHARED_SLOPE = 1e-5
"""Sigma of the mean over the eyes of the coefficients of x and of y.

A slope that all frames share, with gains that follow it, looks as a slope of the scene does, unless the frames go all
around: without strong evidence it is the scene's.
"""
VIGNETTING_TERMS = len(VIGNETTING_PRIOR)
TILT_PRIOR = 0.05
"""Sigma of each frame's tilt, as a share of the range of brightness."""
NOISE_SHARE = 0.004
"""Noise of a cell without texture, as a share of the range: one step of 8 bits."""
TEXTURE_SHARE = 0.25
"""Noise that a cell's own texture adds, as a share of it."""
CUT = 3.0
"""Geman and McClure's function halves the pull of a residual of about so many robust sigma."""
ROUNDS = 30
GAUGE = 1e8
_Y = 1
"""Of the terms."""


def shading_terms(position: NDArray[np.floating]) -> NDArray[np.floating]:
    """(..., terms): x, y, r^2, r^4, r^6 of the position (..., 2)."""
    x, y = position[..., 0], position[..., 1]
    square = x * x + y * y
    return np.stack([x, y, square, square**2, square**3], axis=-1)


@dataclass(frozen=True, eq=False)
class CommonCells:
    """What two frames show of the same cells of the canvas."""

    first: int
    second: int
    first_eye: int
    second_eye: int
    a: Float
    b: Float
    """(cells, channels): mean DN in each."""
    noise: Float
    """(cells, channels): what each DN may be off, DN."""
    terms_a: Float
    terms_b: Float
    """(cells, terms): x, y, r^2, r^4, r^6 in each."""
    cluster: NDArray[np.intp]
    """(cells,): number of the square of the canvas."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What was found."""

    gain: Float
    offset: Float
    gain_sigma: Float
    offset_sigma: Float
    """(frames, channels)"""
    vignetting: Float
    """(eyes, terms)"""
    tilt: Float
    """(frames,), DN"""


def common_cells(means: Sequence[Cells], numbers: Sequence[tuple[int, int]], scale: float) -> list[CommonCells]:
    """All overlaps between layers of different frames; ``numbers`` are each layer's frame and eye."""
    out = []
    for i, (one, (frame, eye)) in enumerate(zip(means, numbers, strict=True)):
        for other, (other_frame, other_eye) in zip(means[i + 1 :], numbers[i + 1 :], strict=True):
            at = common(one, other)
            if at is None or frame == other_frame:
                continue
            rows, columns = np.nonzero(one.valid[at[0]] & other.valid[at[1]])
            if rows.size < MIN_CELLS:
                continue
            thin = slice(None, None, -(-rows.size // CELLS_PER_PAIR))
            rows, columns = rows[thin], columns[thin]
            a, b = ((c, s, (rows, columns)) for c, s in ((one, at[0]), (other, at[1])))
            texture = np.hypot(*(c.texture[s][p] for c, s, p in (a, b)))
            mean_a, mean_b = (c.mean[s][p].astype(float) for c, s, p in (a, b))
            terms_a, terms_b = (shading_terms(c.position[s][p]).astype(float) for c, s, p in (a, b))
            noise = np.hypot(NOISE_SHARE * scale, TEXTURE_SHARE * texture).astype(float)
            across, down = columns + one.column + at[0][1].start, rows + one.row + at[0][0].start
            cluster = (down // CLUSTER) * CLUSTERS_ACROSS + across // CLUSTER
            out.append(
                CommonCells(frame, other_frame, eye, other_eye, mean_a, mean_b, noise, terms_a, terms_b, cluster)
            )
    return out


class Adjustment:
    """The problem of ``frames`` frames of ``eyes`` eyes; ``fit`` solves it.

    Unknowns in a row: logarithms of the gains (frames, channels), offsets over the scale (frames, channels), vignetting
    (eyes, terms), tilts (frames,).
    """

    def __init__(self, frames: int, eyes: int, channels: int, scale: float, pairs: Sequence[CommonCells]) -> None:
        self.frames, self.eyes, self.channels, self.scale = frames, eyes, channels, scale
        self.pairs = pairs
        self.tied = {k for pair in pairs for k in (pair.first, pair.second)}
        self._count = frames * channels
        self._tilts = 2 * self._count + eyes * VIGNETTING_TERMS
        self._unknowns = self._tilts + frames
        self._prior = self._priors()
        self._x = self._start()

    def fit(self) -> Fit:
        """Gauss and Newton's rounds with robust weights; the robust cut narrows while the start is still rough."""
        spread = 1.0
        for turn in range(ROUNDS):
            residuals = [self._residual(pair) for pair in self.pairs]
            if not residuals:
                break
            # Cells agree to one sigma or better where the model holds; a rough start must not throw them out.
            spread = max(1.4826 * float(np.median(np.abs(np.concatenate([e.ravel() for e, _ in residuals])))), 0.05)
            cut = CUT * spread * max(1.0, 4.0 - turn)
            normal, gradient = self._prior.copy(), self._prior @ self._x
            for pair, (e, jacobian) in zip(self.pairs, residuals, strict=True):
                weight = _weight(e, cut)
                for channel in range(self.channels):
                    at, j, w = self._at(pair, channel), jacobian[channel], weight[:, channel] / spread**2
                    normal[np.ix_(at, at)] += j.T @ (w[:, None] * j)
                    gradient[at] += j.T @ (w * e[:, channel])
            step = np.linalg.solve(normal, -gradient)
            self._x = self._x + np.clip(step, -0.5, 0.5)
            if turn > 4 and np.abs(step).max() < 1e-7:
                break
        gain, offset, vignetting, tilt = self._parts(self._x)
        sigma_gain, sigma_offset, _, _ = self._parts(self._sigma(spread))
        gain = np.exp(gain)
        return Fit(
            gain, offset * self.scale, gain * sigma_gain, sigma_offset * self.scale, vignetting, tilt * self.scale
        )

    def difference(self, pair: CommonCells) -> Float:
        """(cells, channels): difference of the corrected values, DN of the common scale."""
        (value_a, _), (value_b, _) = self._values(pair)
        return value_a - value_b

    def _parts(self, x: Float) -> tuple[Float, Float, Float, Float]:
        shape = (self.frames, self.channels)
        gain, offset, vignetting, tilt = np.split(x, [self._count, 2 * self._count, self._tilts])
        return gain.reshape(shape), offset.reshape(shape), vignetting.reshape(self.eyes, VIGNETTING_TERMS), tilt

    def _at(self, pair: CommonCells, channel: int) -> NDArray[np.intp]:
        """Positions of a pair's unknowns: gains, offsets, each eye's vignetting, tilts."""
        gains = np.array([pair.first, pair.second]) * self.channels + channel
        terms = np.arange(VIGNETTING_TERMS)
        eyes = [2 * self._count + eye * VIGNETTING_TERMS + terms for eye in sorted({pair.first_eye, pair.second_eye})]
        tilts = [self._tilts + pair.first, self._tilts + pair.second]
        return np.concatenate([gains, self._count + gains, *eyes, tilts])

    def _values(self, pair: CommonCells) -> tuple[tuple[Float, Float], tuple[Float, Float]]:
        """The corrected values (cells, channels) of both frames, and what one DN is in them."""
        gain, offset, _, tilt = self._parts(self._x)
        out = []
        factors = self._inverse(pair)
        for dn, frame, terms, factor in (
            (pair.a, pair.first, pair.terms_a, factors[0]),
            (pair.b, pair.second, pair.terms_b, factors[1]),
        ):
            inverse, lift = factor[:, None], offset[frame] + tilt[frame] * terms[:, _Y, None]
            slope = np.exp(gain[frame]) * inverse
            out.append((slope * dn + lift * self.scale * inverse, slope))
        return out[0], out[1]

    def _inverse(self, pair: CommonCells) -> tuple[Float, Float]:
        """(cells,): 1 / V of both frames."""
        _, _, vignetting, _ = self._parts(self._x)
        a, b = pair.terms_a @ vignetting[pair.first_eye], pair.terms_b @ vignetting[pair.second_eye]
        return np.exp(-a), np.exp(-b)

    def _residual(self, pair: CommonCells) -> tuple[Float, list[Float]]:
        """Sampson's distance (cells, channels), in sigma, and its derivatives (cells, unknowns of the pair) by channel.

        e = (A - B) / s with s^2 = noise^2 (p^2 + q^2) and A = p a + offset / V, B = q b + offset / V.
        """
        (value_a, p), (value_b, q) = self._values(pair)
        s = pair.noise * np.hypot(p, q)
        e = (value_a - value_b) / s
        share_a = p * p / (p * p + q * q)
        inverse_a, inverse_b = self._inverse(pair)
        by_channel = []
        for c in range(self.channels):
            ec, sc, wa = e[:, c], s[:, c], share_a[:, c]
            along_a = -value_a[:, c] / sc + ec * wa
            along_b = value_b[:, c] / sc + ec * (1 - wa)
            to_a, to_b = along_a[:, None] * pair.terms_a, along_b[:, None] * pair.terms_b
            if pair.first_eye == pair.second_eye:
                eyes = [to_a + to_b]
            else:
                eyes = [to_a, to_b] if pair.first_eye < pair.second_eye else [to_b, to_a]
            frames = [
                p[:, c] * pair.a[:, c] / sc - ec * wa,
                -q[:, c] * pair.b[:, c] / sc - ec * (1 - wa),
                self.scale * inverse_a / sc,
                -self.scale * inverse_b / sc,
            ]
            tilts = [frames[2] * pair.terms_a[:, _Y], frames[3] * pair.terms_b[:, _Y]]
            by_channel.append(np.column_stack([*frames, *eyes, *tilts]))
        return e, by_channel

    def _sigma(self, spread: float) -> Float:
        """Standard deviations of the unknowns: the scatter of the clusters between two inverse normal matrices."""
        normal, scatter = np.zeros_like(self._prior), self._prior_scatter()
        weights, slopes = 0.0, 0.0
        clusters = np.unique(np.concatenate([pair.cluster for pair in self.pairs] or [np.zeros(0, dtype=np.intp)]))
        pulls = np.zeros((len(clusters), self._unknowns))
        for pair in self.pairs:
            e, jacobian = self._residual(pair)
            weight = _weight(e, CUT * spread) / spread**2
            square = (e / (CUT * spread)) ** 2
            weights, slopes = (
                weights + float(weight.sum()),
                slopes + float(((1 - 3 * square) / (1 + square) ** 3).sum()),
            )
            number = np.searchsorted(clusters, pair.cluster)
            for channel in range(self.channels):
                at, j = self._at(pair, channel), jacobian[channel]
                normal[np.ix_(at, at)] += j.T @ (weight[:, channel, None] * j)
                pull = np.zeros((len(clusters), len(at)))
                np.add.at(pull, number, j * (weight[:, channel] * e[:, channel])[:, None])
                pulls[:, at] += pull
        # The fit has taken some of the scatter away.
        free = len(clusters) / max(len(clusters) - self._unknowns, 0.25 * len(clusters), 1)
        scatter += free * pulls.T @ pulls
        # The pull of a robust function grows with its slope, which is less than its weight.
        share = slopes / spread**2 / weights if weights > 0 else 1.0
        inverse = np.linalg.inv(self._prior + max(share, 0.1) * normal)
        return np.asarray(np.sqrt(np.maximum(np.diag(inverse @ scatter @ inverse), 0.0)))

    def _prior_scatter(self) -> Float:
        """What the priors add to the scatter: their weight; gauge and shared slope are choices and add nothing."""
        return np.diag(self._prior_weights())

    def _prior_weights(self) -> Float:
        return np.concatenate(
            [
                np.full(self._count, GAIN_PRIOR**-2),
                np.full(self._count, OFFSET_PRIOR**-2),
                np.tile(np.array(VIGNETTING_PRIOR) ** -2, self.eyes),
                np.full(self.frames, TILT_PRIOR**-2),
            ]
        )

    def _priors(self) -> Float:
        """(unknowns, unknowns): the weak priors, and the gauge: in frames tied together the gains multiply to 1
        and the tilts add up to 0."""
        out = np.diag(self._prior_weights())
        for term in (0, 1):
            at = 2 * self._count + np.arange(self.eyes) * VIGNETTING_TERMS + term
            out[np.ix_(at, at)] += (SHARED_SLOPE * self.eyes) ** -2
        for members in self._groups():
            for channel in range(self.channels):
                at = np.array(members) * self.channels + channel
                out[np.ix_(at, at)] += GAUGE
            at = self._tilts + np.array(members)
            out[np.ix_(at, at)] += GAUGE
        return out

    def _groups(self) -> list[list[int]]:
        """Frames that hang together by overlaps."""
        group = list(range(self.frames))
        for pair in self.pairs:
            old, new = group[pair.second], group[pair.first]
            group = [new if g == old else g for g in group]
        return [[k for k, g in enumerate(group) if g == number] for number in sorted(set(group))]

    def _start(self) -> Float:
        """Gains alone, from the medians of each overlap."""
        x = np.zeros(self._unknowns)
        low = 0.01 * self.scale
        for channel in range(self.channels):
            normal = np.eye(self.frames) * 1e-6
            right = np.zeros(self.frames)
            for pair in self.pairs:
                ratio = np.log(
                    max(float(np.median(pair.b[:, channel])), low) / max(float(np.median(pair.a[:, channel])), low)
                )
                at = [pair.first, pair.second]
                normal[np.ix_(at, at)] += [[1.0, -1.0], [-1.0, 1.0]]
                right[at] += [ratio, -ratio]
            x[np.arange(self.frames) * self.channels + channel] = np.linalg.solve(normal, right)
        return x


def _weight(e: Float, cut: float) -> Float:
    """Geman and McClure's weight of a residual."""
    out: Float = (1.0 + (e / cut) ** 2) ** -2
    return out
