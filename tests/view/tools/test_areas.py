"""Area of a polygon."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.view.tools import area


def test_a_tilted_square_by_hand(seen_from):
    """2 m by 2 m, one side lifted so that it stands at 60 degrees."""
    corners = [[0.0, 5.0, 0.0], [2.0, 5.0, 0.0], [2.0, 6.0, np.sqrt(3.0)], [0.0, 6.0, np.sqrt(3.0)]]
    found = area([seen_from(c) for c in corners])
    assert found.value == pytest.approx(4.0)
    assert found.horizontal_m2 == pytest.approx(2.0)
    assert found.perimeter_m == pytest.approx(8.0)


def test_a_hollow_polygon_counts_what_is_inside(seen_from):
    corners = [[0.0, 4.0, 0.0], [4.0, 4.0, 0.0], [4.0, 8.0, 0.0], [2.0, 5.0, 0.0], [0.0, 8.0, 0.0]]
    assert area([seen_from(c) for c in corners]).value == pytest.approx(10.0)


def test_sigma_agrees_with_random_errors(seen_from, spread_of):
    places = [seen_from(c, 0.04) for c in ([0.0, 5.0, 0.0], [3.0, 5.0, 0.2], [2.0, 9.0, 0.5])]

    def measure(p):
        return 0.5 * np.linalg.norm(np.cross(p[1] - p[0], p[2] - p[0]))

    assert area(places).sigma == pytest.approx(spread_of(measure, places), rel=0.05)
    with pytest.raises(ValueError, match="three places"):
        area(places[:2])
