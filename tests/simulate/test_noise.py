"""Noise has the statistics that its users count on, and its slopes are those of its values."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.simulate.noise import TILE, GradientNoise, NoiseTile


@pytest.mark.parametrize("dimension", [2, 3])
def test_gradient_noise_has_mean_zero_and_deviation_one(dimension: int) -> None:
    values = GradientNoise.from_seed(np.random.default_rng(1))(
        np.random.default_rng(2).uniform(-500, 500, (200_000, dimension))
    )
    assert abs(values.mean()) < 0.02
    assert values.std() == pytest.approx(1.0, abs=0.04)


def test_gradient_noise_is_smooth_across_cells() -> None:
    noise = GradientNoise.from_seed(np.random.default_rng(1))
    x = np.linspace(-3.0, 3.0, 6001)
    line = noise(np.stack([x, np.full_like(x, 0.37)], axis=-1))
    assert np.abs(np.diff(line, 2)).max() < 1e-4  # the second derivative is continuous: no kink at whole numbers


def test_gradient_noise_follows_its_seed() -> None:
    points = np.random.default_rng(0).uniform(-9, 9, (50, 2))
    first, again, other = (GradientNoise.from_seed(np.random.default_rng(s))(points) for s in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_tile_is_periodic_and_its_slopes_are_derivatives() -> None:
    tile = NoiseTile.from_seed(np.random.default_rng(4))
    value, du = tile.table[..., 0], tile.table[..., 1]
    assert value.std() == pytest.approx(1.0, abs=1e-4)
    central = (np.roll(value, -1, axis=1) - np.roll(value, 1, axis=1)) / 2.0 * 6.0
    # A central difference of a wave of 6 texels is sin(h) / h = 0.83 of its derivative; shorter waves lose more.
    ratio = (central * du).sum() / (du * du).sum()
    assert np.corrcoef(central.ravel(), du.ravel())[0, 1] > 0.97
    assert 0.7 < ratio < 0.9
    once = tile.look_up(np.full((1, 1), 3.3, np.float32), np.full((1, 1), 7.1, np.float32))
    period = np.float32(TILE / 6.0)
    again = tile.look_up(np.full((1, 1), 3.3 + period, np.float32), np.full((1, 1), 7.1 - period, np.float32))
    assert again == pytest.approx(once, abs=0.15)  # looked up to 1/32 of a texel
