"""Distance, polyline, angle."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.view.tools import angle, distance, polyline_length


def test_distance_and_its_parts_by_hand(seen_from):
    found = distance(seen_from([0.0, 5.0, 1.0]), seen_from([3.0, 9.0, 0.0]))
    assert (found.value, found.horizontal_m, found.rise_m) == pytest.approx((np.sqrt(26.0), 5.0, -1.0))
    assert found.unit == "m"


def test_sigmas_of_a_distance_agree_with_random_errors(seen_from, spread_of):
    places = [seen_from([1.0, 6.0, 0.0], 0.03), seen_from([4.0, 8.0, 0.5], 0.06, 0.004)]
    found = distance(*places)
    line = lambda p: p[1] - p[0]  # noqa: E731
    drawn = spread_of(lambda p: [np.linalg.norm(line(p)), np.hypot(*line(p)[:2]), line(p)[2]], places)
    assert (found.sigma, found.horizontal_sigma_m, found.rise_sigma_m) == pytest.approx(tuple(drawn), rel=0.05)


def test_one_place_takes_the_worst_direction(seen_from):
    a = seen_from([0.0, 5.0, 2.0], 0.03, 0.001)
    assert distance(a, a).sigma == pytest.approx(np.hypot(0.03, 0.03))
    above = seen_from([0.0, 5.0, 3.0], 0.03, 0.001)
    assert distance(a, above).horizontal_sigma_m > 0.03


def test_polyline_open_and_closed(seen_from, spread_of):
    places = [seen_from(p, 0.05) for p in ([0.0, 4.0, 0.0], [3.0, 4.0, 0.0], [3.0, 8.0, 0.0])]
    assert polyline_length(places).value == pytest.approx(7.0)
    assert polyline_length(places, closed=True).value == pytest.approx(12.0)
    assert polyline_length(places, closed=True).pieces == 3
    drawn = spread_of(lambda p: np.linalg.norm(np.diff(p, axis=0), axis=1).sum(), places)
    assert polyline_length(places).sigma == pytest.approx(drawn, rel=0.05)
    with pytest.raises(ValueError, match="two places"):
        polyline_length(places[:1])


def test_angle(seen_from, spread_of):
    places = [seen_from(p, 0.02) for p in ([3.0, 5.0, 0.0], [0.0, 5.0, 0.0], [0.0, 7.0, 2.0])]
    found = angle(*places)
    assert found.value == pytest.approx(90.0)

    def measure(p):
        a, b = p[0] - p[1], p[2] - p[1]
        return np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))

    assert found.sigma == pytest.approx(spread_of(measure, places), rel=0.05)
    assert np.isnan(angle(places[0], places[0], places[1]).value)
    assert np.isnan(angle(places[0], places[0], places[1]).sigma)
