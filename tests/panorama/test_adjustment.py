"""The derivatives that the radiometric adjustment is solved with, and what ties frames together."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.panorama.adjustment import Adjustment, CommonCells, shading_terms


def common(rng: np.random.Generator, first: int, second: int, eyes: tuple[int, int], channels: int) -> CommonCells:
    count = 60
    true = rng.uniform(40, 200, (count, channels))
    places = [shading_terms(rng.uniform(-0.6, 0.6, (count, 2))) for _ in range(2)]
    a, b = ((true - 4 * k) / (1 + 0.2 * k) + rng.normal(size=true.shape) for k in (first, second))
    noise = rng.uniform(0.5, 3.0, true.shape)
    return CommonCells(first, second, *eyes, a, b, noise, *places, np.arange(count) // 4)


@pytest.mark.parametrize("eyes", [(0, 0), (0, 1), (1, 0)])
def test_the_derivatives_are_those_of_the_residuals(eyes: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    pair = common(rng, 0, 1, eyes, channels=2)
    adjustment = Adjustment(2, 2, 2, 150.0, [pair])
    at_start = adjustment._x + rng.normal(0, 0.2, adjustment._x.shape)
    for channel in range(2):
        numeric = []
        for unknown in adjustment._at(pair, channel):
            ends = []
            for step in (1e-5, -1e-5):
                adjustment._x = at_start.copy()
                adjustment._x[unknown] += step
                ends.append(adjustment._residual(pair)[0][:, channel])
            numeric.append((ends[0] - ends[1]) / 2e-5)
        adjustment._x = at_start
        exact = adjustment._residual(pair)[1][channel]
        assert exact == pytest.approx(np.stack(numeric, axis=-1), rel=1e-5, abs=1e-5 * np.abs(exact).max())


def test_a_residual_is_in_units_of_its_noise() -> None:
    rng = np.random.default_rng(2)
    pair = common(rng, 0, 1, (0, 0), channels=1)
    adjustment = Adjustment(2, 1, 1, 150.0, [pair])
    before = adjustment._residual(pair)[0]
    # The common scale is free: residuals do not shrink with it.
    adjustment._x[:4] += np.log(0.5) * np.array([1, 1, 0, 0])
    assert adjustment._residual(pair)[0] == pytest.approx(before, rel=1e-9)


def test_frames_that_do_not_hang_together_are_told_apart() -> None:
    rng = np.random.default_rng(3)
    pairs = [common(rng, *ends, (0, 0), channels=1) for ends in ((0, 1), (3, 4), (1, 2))]
    adjustment = Adjustment(6, 1, 1, 150.0, pairs)
    assert adjustment.tied == {0, 1, 2, 3, 4}
    assert adjustment._groups() == [[0, 1, 2], [3, 4], [5]]
    gain = adjustment.fit().gain[:, 0]
    for group in ([0, 1, 2], [3, 4], [5]):
        assert np.prod(gain[group]) == pytest.approx(1.0, abs=1e-6)
    assert gain[2] / gain[0] == pytest.approx(1.4, rel=0.02)
    assert gain[4] / gain[3] == pytest.approx(1.8 / 1.6, rel=0.02)
