"""The table of tools."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.terrain.surface import Surface
from stereo3d.view.tools import TOOLS, pick
from stereo3d.view.viewpoint import camera_centre

PLACES = ([2.0, 5.0], [3.0, 5.2], [2.6, 6.1], [2.3, 5.5], [2.2, 5.2])


@pytest.mark.parametrize("name", TOOLS)
def test_each_tool_takes_as_many_places_as_it_says(made_up, truth, name):
    ground_up, _ = truth
    surface, eye = Surface(made_up.terrain.mesh), camera_centre(made_up)
    tool = TOOLS[name]
    for count in {tool.least, tool.most or len(PLACES)}:
        places = [
            pick(made_up, surface, eye, np.array([e, n, ground_up(e, n)]) - eye)
            for e, n in PLACES[:count]
        ]  # fmt: skip
        lines = tool.measure(made_up, surface, places).lines()
        assert lines
        assert all(len(line) <= 90 for line in lines)
        assert name in ("polyline", "profile", "height", "plane") or "nan" not in " ".join(lines)


def test_height_is_that_of_the_fourth_place(made_up):
    surface, down = Surface(made_up.terrain.mesh), np.array([0.0, 0.0, -1.0])
    at = ([2.0, 4.0], [3.0, 4.2], [2.6, 6.1], [4.8, 4.35])  # the last one is on the rock
    places = [pick(made_up, surface, np.array([e, n, 5.0]), down) for e, n in at]
    assert 0.3 < TOOLS["height"].measure(made_up, surface, places).value < 0.7
