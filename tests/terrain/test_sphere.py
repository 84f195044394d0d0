"""The grid of all directions: it holds what it is made for, and its pixels are where it says."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.frames import Frame
from stereo3d.terrain.sphere import grid_about

ENU = Frame.enu(3, 4)
CENTRE = np.array([1.0, -2.0, 1.8])


def directions(azimuths_deg, elevations_deg=(-50.0, 3.0)) -> np.ndarray:
    azimuth, elevation = np.deg2rad(np.meshgrid(azimuths_deg, np.linspace(*elevations_deg, 20)))
    flat = np.cos(elevation)
    out = np.stack([flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(elevation)], axis=-1)
    return out.reshape(-1, 3).astype(np.float32)


@pytest.mark.parametrize("azimuths", [np.arange(-50.0, 70.0), np.arange(150.0, 260.0), np.arange(0.0, 360.0, 5.0)])
def test_pixels_lie_where_their_directions_point(azimuths):
    grid = grid_about(ENU, CENTRE, [directions(azimuths)], np.deg2rad(0.3), 32)
    at = grid.directions().astype(np.float64) * 7.5 + CENTRE
    column, row, range_m = grid.place(at)
    rows, columns = np.mgrid[0 : grid.rows, 0 : grid.columns]
    if grid.closed:
        columns[columns > grid.columns - 1] -= grid.columns
    assert np.abs(column - columns).max() < 2e-3
    assert np.abs(row - rows).max() < 2e-3
    assert np.abs(range_m - 7.5).max() < 1e-5


@pytest.mark.parametrize("middle", [0.0, 100.0, 180.0, 355.0])
def test_an_arc_is_held_whole_wherever_north_is(middle):
    rays = directions(np.arange(middle - 48.0, middle + 49.0))
    grid = grid_about(ENU, CENTRE, [rays], np.deg2rad(0.3), 32)
    column, row, _ = grid.place(rays * 4.0 + CENTRE)
    assert not grid.closed
    assert column.min() >= 0
    assert column.max() <= grid.columns - 1
    assert row.min() >= 0
    assert row.max() <= grid.rows - 1
    # and no larger than it must be
    assert grid.columns < 96 / 0.3 + 8
    assert grid.rows < 53 / 0.3 + 8


def test_all_around_is_closed_and_begins_where_least_is_seen():
    lists = [directions(np.arange(0.0, 360.0, 2.0)), directions(np.arange(90.0, 400.0))]
    grid = grid_about(ENU, CENTRE, lists, np.deg2rad(0.3), 32)
    assert grid.closed
    assert grid.columns % 32 == 0
    assert grid.step_rad <= np.deg2rad(0.3)
    assert grid.step_rad * grid.columns == pytest.approx(2 * np.pi)
    assert 38.0 <= np.degrees(grid.first_azimuth_rad) <= 90.0
