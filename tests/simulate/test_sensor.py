"""The sensor adds what the real one adds: vignetting, noise, a stretch of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.simulate.sensor import Sensor, expose, vignette


def test_upper_corners_are_black_lower_ones_are_not() -> None:
    v = vignette(Sensor(), 960, 1280)
    assert v[0, 0] == 0
    assert v[0, -1] == 0
    assert v[-1, 0] > 0.2
    assert v[480, 640] == pytest.approx(1.0, abs=0.01)
    assert v[480, 0] < 0.6 * v[480, 640]  # the natural fall-off
    image = expose(Sensor(), np.full((240, 320, 3), 0.3, np.float32), np.random.default_rng(1))
    assert image[0, 0].max() <= Sensor().dark_dn + 2
    assert image[120, 160].min() > 150


def test_noise_is_that_of_photons_and_readout() -> None:
    sensor = replace(Sensor(), gamma=1.0, full_well_e=2000.0, read_noise_e=10.0, blur_px=0.0)
    flat = np.full((300, 400, 3), 0.4, np.float32)
    image = expose(sensor, flat, np.random.default_rng(2)).astype(float)[140:160, 190:210].ravel()
    electrons = 0.4 * 2000.0
    gain = (image.mean() - sensor.dark_dn) / electrons  # DN per electron where the vignette is clear
    assert image.std() == pytest.approx(gain * np.hypot(np.sqrt(electrons), 10.0), rel=0.1)


def test_stretch_fills_the_range_whatever_the_exposure() -> None:
    scene = np.random.default_rng(3).uniform(0.1, 0.9, (60, 80, 3)).astype(np.float32)
    for factor in (1.0, 0.3):
        image = expose(Sensor(), scene * factor, np.random.default_rng(1))
        assert np.percentile(image, 99.9) == pytest.approx(Sensor().top_dn, abs=2)


def test_blur_spreads_a_point() -> None:
    point = np.full((41, 41, 3), 0.05, np.float32)
    point[20, 20] = 1.0
    sharp, soft = (
        expose(replace(Sensor(), blur_px=b, full_well_e=1e9, read_noise_e=0.0), point, np.random.default_rng(1))
        for b in (0.0, 0.8)
    )
    ratio = [image[20, 21, 1] / image[20, 26, 1] for image in (sharp, soft)]
    assert ratio[0] == pytest.approx(1.0, abs=0.05)
    assert ratio[1] > 1.3
