"""Stops on ground that is known, told a little wrong: where they come to stand, and what sigma says of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from stereo3d.frames import Frame, RigidTransform
from stereo3d.terrain.overlap import StopGround
from stereo3d.terrain.placement import Telemetry, place_stops

COMMON = Frame.enu(3, 4)
ERROR = np.array([0.002, -0.001, 0.006, 0.22, -0.17, 0.12])
"""Turn about east, north, up (rad) and shift (m) that telemetry is wrong by."""


def rough(seed: int, amplitude: float = 0.06):
    """Hills, and rocks of 0.5 m: a height of places east, north."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(size=(14, 2)) * np.linspace(0.8, 5.0, 14)[:, None]
    phase, rocks = rng.uniform(0, 6.3, 14), rng.uniform(-14, 14, (260, 2))

    def height(east, north):
        h = sum(np.sin(a * east + b * north + p) / (2 + np.hypot(a, b)) for (a, b), p in zip(waves, phase, strict=True))
        for e, n in rocks:
            h = h + 3.0 * np.exp(-((east - e) ** 2 + (north - n) ** 2) / 0.05)
        return amplitude * h

    return height


def stop_at(sheet, height, place, error=np.zeros(6), seed=0, drive=4, half=6.0, noise=0.004, toward=(0.0, 0.0)):
    """The ground within ``half`` m of ``place`` + ``toward`` as a stop at ``place`` (3,) has it that is told wrong."""
    frame = Frame.enu(3, drive)
    true = RigidTransform(COMMON, frame, Rotation.from_rotvec(error[:3]).as_matrix(), np.asarray(place))
    told = RigidTransform(COMMON, frame, np.eye(3), true.translation - error[3:])
    middle = np.asarray(place[:2]) + toward
    made = sheet(
        height,
        east=(middle[0] - half, middle[0] + half),
        north=(middle[1] - half, middle[1] + half),
        step_m=0.09,
        sigma_m=noise,
    ).mesh
    points = made.vertices + np.random.default_rng(seed).normal(0, noise, made.vertices.shape) * [0, 0, 1]
    mesh = replace(made, frame=frame, vertices=true.inverse().apply(points))
    return StopGround(mesh, np.array([0.0, 0.0, 2.0]), told, np.zeros(len(points), np.int32), np.zeros(1), 0.001, 1e-4)


def correction(ground, placed):
    turn = Rotation.from_matrix(placed.rotation @ ground.told.rotation.T).as_rotvec()
    return np.concatenate([turn, placed.translation - ground.told.translation])


@pytest.fixture(scope="module")
def hills():
    return rough(5)


def test_rough_ground_puts_a_stop_right_and_knows_how_well(sheet, hills):
    one = stop_at(sheet, hills, (0.0, 0.0, 0.0))
    other = stop_at(sheet, hills, (7.0, 3.0, 0.1), ERROR, seed=1, drive=5)
    found = place_stops([one, other], [0.0, 1.0])
    off, sigma = correction(other, found.moved[1]) - ERROR, np.sqrt(np.diag(found.covariance[1]))
    assert found.aligned == (False, True)
    assert np.abs(off[3:]).max() < 0.02
    assert np.abs(off[:3]).max() < np.radians(0.1)
    assert (np.abs(off) < 4.0 * sigma).all()
    assert sigma[3:].max() < 0.03, "Telemetry leaves 0.3 m open"
    (fit,) = found.overlaps
    assert fit.used
    assert fit.after_mm < 0.15 * fit.before_mm
    assert np.array_equal(found.covariance[0], np.zeros((6, 6)))


def test_flat_ground_fixes_the_height_and_leaves_the_rest_to_telemetry(sheet):
    def flat(east, north):
        return 0.02 * east

    one = stop_at(sheet, flat, (0.0, 0.0, 0.0))
    other = stop_at(sheet, flat, (7.0, 3.0, 0.14), ERROR * [1, 1, 0, 0, 0, 1], seed=1, drive=5)
    found = place_stops([one, other], [0.0, 1.0])
    told = np.sqrt(np.diag(Telemetry().covariance(float(np.hypot(7.0, 3.0)))))
    sigma = np.sqrt(np.diag(found.covariance[1]))
    assert (sigma[2:5] > 0.8 * told[2:5]).all(), "nothing on a plane tells heading or place"
    assert (sigma[[0, 1, 5]] < 0.2 * told[[0, 1, 5]]).all()
    assert found.overlaps[0].after_mm < 0.2 * found.overlaps[0].before_mm


def test_ripples_that_fit_in_several_places_fix_only_height_and_tilt(sheet):
    def ripples(east, north):
        return 0.05 * np.sin(2 * np.pi * east / 0.75) + 0.05 * np.sin(2 * np.pi * north / 0.75)

    one = stop_at(sheet, ripples, (0.0, 0.0, 0.0))
    other = stop_at(sheet, ripples, (7.0, 3.0, 0.0), ERROR, seed=1, drive=5)
    found = place_stops([one, other], [0.0, 1.0])
    assert any("fits as well" in note for note in found.notes)
    assert (found.sigma_m(1)[:2] > 0.25).all()
    assert abs(correction(other, found.moved[1])[5] - ERROR[5]) < 0.05


def test_ground_that_is_another_is_not_believed(sheet, hills):
    one = stop_at(sheet, hills, (0.0, 0.0, 0.0))
    other = stop_at(sheet, lambda e, n: rough(9)(e, n) + 1.2 * np.tanh(e - 4.0), (7.0, 3.0, 0.1), seed=1, drive=5)
    found = place_stops([one, other], [0.0, 1.0])
    told = Telemetry().covariance(float(np.linalg.norm([7.0, 3.0, 0.1])))
    moved = correction(other, found.moved[1])
    assert found.notes, "it is told that the grounds did not fit"
    assert np.allclose(moved[2:5], 0.0)
    assert np.allclose(np.diag(found.covariance[1])[3:5], np.diag(told)[3:5])


def test_without_common_ground_telemetry_stands_with_its_sigma(sheet, hills):
    one = stop_at(sheet, hills, (0.0, 0.0, 0.0), half=3.0)
    other = stop_at(sheet, hills, (300.0, 400.0, 0.0), ERROR, drive=5, half=3.0)
    found = place_stops([one, other], [0.0, 1.0])
    assert found.aligned == (False, False)
    assert np.array_equal(found.moved[1].translation, other.told.translation)
    assert found.sigma_m(1) == pytest.approx([0.04 * 500.0] * 3, rel=0.01)
    assert any("stop 2 stands where telemetry puts it" in note for note in found.notes)


def test_three_stops_are_one_problem(sheet, hills):
    """The third is tied to the second alone; what it was told of that step is corrected through both."""
    one = stop_at(sheet, hills, (0.0, 0.0, 0.0), half=3.5)
    two = stop_at(sheet, hills, (4.0, 0.0, 0.0), 0.7 * ERROR, seed=1, drive=5, half=3.5)
    three = stop_at(sheet, hills, (8.0, 0.0, 0.0), ERROR, seed=2, drive=6, half=3.5)
    found = place_stops([one, two, three], [0.0, 1.0, 2.0])
    assert {(f.first, f.second) for f in found.overlaps if f.used} == {(0, 1), (1, 2)}
    for k, ground, error in ((1, two, 0.7 * ERROR), (2, three, ERROR)):
        assert np.abs(correction(ground, found.moved[k]) - error)[3:].max() < 0.04
    assert (found.sigma_m(2) > found.sigma_m(1)).all()


def test_one_stop_is_where_it_is(sheet, hills):
    found = place_stops([stop_at(sheet, hills, (0.0, 0.0, 0.0), half=2.0)], [0.0])
    assert found.aligned == (False,)
    assert not found.overlaps
