"""Several stops on one floor: the ground is the same, the rover stands on it, what is told is wrong as asked."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.simulate.stops import DriveError, Parking, simulate_stops
from stereo3d.simulate.surface import ROVER

PARKINGS = (Parking(0.0, 0.0, 69.08, (70.0,)), Parking(2.0, 7.0, 160.0, (250.0,)))


@pytest.fixture(scope="module")
def stops():
    return simulate_stops(3, PARKINGS, binning=64, samples=1, error=DriveError(0.3, 0.4, 0.1))


def down(world, north, east):
    """Depth (m) of what the vertical meets first, and its body."""
    start = np.column_stack([north, east, np.full(len(north), -50.0)])
    hits = world.surface.intersect(start, np.tile([0.0, 0.0, 1.0], (len(start), 1)))
    return hits.distance_m - 50.0, hits.body


def test_both_stops_stand_in_one_world(stops):
    first, second = (stop.world for stop in stops)
    rng = np.random.default_rng(1)
    # Between the two no body of the rover stands in the way.
    angle, reach = rng.uniform(0, 6.28, 300), rng.uniform(3.0, 4.0, 300)
    north, east = 1.0 + 0.0 * angle, 3.5 + 0.0 * reach
    north, east = north + 0.8 * np.cos(angle), east + 0.2 * np.sin(angle) * reach
    assert np.array_equal(down(first, north, east)[0], down(second, north, east)[0])
    for world, here, there in ((first, (0.0, 0.0), (2.0, 7.0)), (second, (2.0, 7.0), (0.0, 0.0))):
        assert down(world, *(np.array([v]) for v in here))[1][0] <= ROVER
        assert down(world, *(np.array([v]) for v in there))[1][0] > ROVER


def test_the_wheels_stand_on_the_ground(stops):
    first, second = stops
    offset = second.true_pose.translation - first.true_pose.translation
    assert offset[:2] == pytest.approx([2.0, 7.0])
    heading = np.degrees(np.arctan2(second.true_pose.rotation[1, 0], second.true_pose.rotation[0, 0]))
    assert heading == pytest.approx(160.0, abs=0.5)
    for x in (-1.1, 1.1):
        for y in (-1.1, 1.1):
            wheel = second.true_pose.apply([x, y, 0.0]) - first.true_pose.translation
            ground = down(first.world, wheel[:1], wheel[1:2])[0][0]
            assert ground == pytest.approx(wheel[2], abs=0.12)


def test_the_first_stop_is_told_right_and_the_second_wrong(stops):
    first, second = stops
    assert first.observations[0].site_from_rover is first.true_pose
    told, true = second.observations[0].site_from_rover, second.true_pose
    off = np.abs(told.translation - true.translation)
    assert 0.02 < off.max() < 1.2
    turn = np.degrees(np.arccos(np.clip((np.trace(told.rotation @ true.rotation.T) - 1) / 2, -1, 1)))
    assert 0.02 < turn < 2.0
    assert {o.product_id for o in first.observations}.isdisjoint(o.product_id for o in second.observations)
    assert second.observations[0].sclk_s > first.observations[1].sclk_s
    assert [o.drive for o in (*first.observations, *second.observations)] == [20, 20, 120, 120]
