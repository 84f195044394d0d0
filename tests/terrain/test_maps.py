"""Maps of known grounds: values at the centres of pixels, the top surface, holes, sigma, and the choice of the grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.errors import FrameMismatchError, StereoError
from stereo3d.frames import Frame
from stereo3d.terrain.maps import Coverage, Grid, Maps, MapSettings, choose_grid, make_maps, step_from
from stereo3d.terrain.mesh import FaceKind

EYE = np.array([-3.0, 0.5, 2.0])


def tilted(east, north):
    return 0.3 + 0.1 * east - 0.2 * north


def centres(maps):
    """East and north of the centre of each pixel, by the definition of the grid alone."""
    grid = maps.grid
    row, column = np.mgrid[0 : grid.height, 0 : grid.width]
    return (
        grid.west_m + grid.resolution_m * (column + 0.5),
        grid.north_m - grid.resolution_m * (row + 0.5),
    )


@pytest.mark.parametrize("resolution", [0.02, 0.07, 0.3])
def test_heights_are_those_of_the_centres(sheet, resolution):
    """A tilted plane is exact: half a pixel off would be 0.1 times that in height."""
    maps = make_maps(sheet(tilted), EYE, MapSettings(resolution_m=resolution))
    east, north = centres(maps)
    inside = (np.abs(east) < 2.0) & (np.abs(north) < 1.5)
    np.testing.assert_array_equal(np.isfinite(maps.elevation_m), inside)
    np.testing.assert_allclose(maps.elevation_m[inside], tilted(east, north)[inside], atol=2e-6)
    assert np.nanmax(np.abs(maps.slope_deg - np.degrees(np.arctan(np.hypot(0.1, 0.2))))) < 0.01
    assert maps.frame == Frame.enu(3, 4)


def test_colours_lie_where_their_ground_lies(sheet):
    """The texture grows by 20 DN per metre to the east and 30 to the north: half a pixel off would be 2 and 3 DN."""
    maps = make_maps(sheet(paint=lambda e, n: 120 + 20 * e + 30 * n), EYE, MapSettings(resolution_m=0.2))
    east, north = centres(maps)
    # In the outermost half pixel of the texture nothing more is known.
    inside = (np.abs(east) < 1.9) & (np.abs(north) < 1.4)
    error = maps.rgba[..., 0].astype(float) - (120 + 20 * east + 30 * north)
    assert np.abs(error[inside]).max() < 1.2
    assert abs(error[inside].mean()) < 0.3


def test_colour_is_the_mean_of_the_area(sheet):
    """Stripes that are narrower than a pixel become grey; one ray for each pixel leaves them."""
    stripes = sheet(texel_m=0.05, paint=lambda e, n: 100.0 * (np.floor(e / 0.05 + 1e-6) % 2))
    mean = make_maps(stripes, EYE, MapSettings(resolution_m=0.15, colour_rays=9)).rgba[2:-2, 2:-2, 0]
    one = make_maps(stripes, EYE, MapSettings(resolution_m=0.15, colour_rays=1)).rgba[2:-2, 2:-2, 0]
    assert np.ptp(mean.astype(int)) <= 36  # of three stripes one or two are bright
    assert np.ptp(one.astype(int)) > 80


def test_the_highest_surface_counts_and_holes_stay(sheet):
    """A table over the ground, which itself ends: table, ground, nothing; each with its kind."""
    ground = sheet(east=(-2.0, 1.0), sigma_m=0.03)
    table = sheet(lambda e, n: 0.0 * e + 0.8, east=(-0.5, 2.0), north=(0.0, 1.5), kind=FaceKind.EXTENDED, below=ground)
    maps = make_maps(table, EYE, MapSettings(resolution_m=0.1))
    east, north = centres(maps)
    on_table, on_ground = (east > -0.5) & (north > 0.0), east < 1.0
    expected = np.where(on_table, 0.8, np.where(on_ground, 0.0, np.nan))
    np.testing.assert_allclose(maps.elevation_m, expected, atol=1e-6)
    kinds = np.where(on_table, Coverage.EXTENDED, np.where(on_ground, Coverage.MEASURED, Coverage.NONE))
    np.testing.assert_array_equal(maps.coverage, kinds)
    np.testing.assert_array_equal(maps.rgba[..., 3], np.where(kinds > 0, 255, 0))
    assert not maps.rgba[kinds == 0].any()
    np.testing.assert_array_equal(np.isfinite(maps.sigma_m), kinds > 0)


def test_filled_faces_are_told(sheet):
    maps = make_maps(sheet(kind=FaceKind.FILLED), EYE)
    assert set(np.unique(maps.coverage)) == {Coverage.FILLED}


@pytest.mark.parametrize("height", [lambda e, n: 0.0 * e, tilted], ids=["level", "tilted"])
def test_sigma_is_how_far_the_height_moves(sheet, height):
    """Ground pushed along the lines of sight by one sigma of the range rises or sinks by one sigma of the height."""
    ground = sheet(height, sigma_m=1e-3)
    settings = MapSettings(resolution_m=0.1, extent_m=1.2)
    maps = make_maps(ground, EYE, settings)
    sight = ground.mesh.vertices - EYE
    pushed = ground.mesh.vertices + 1e-3 * sight / np.linalg.norm(sight, axis=1, keepdims=True)
    moved = make_maps(replace(ground, mesh=replace(ground.mesh, vertices=pushed)), EYE, settings)
    change = np.abs(moved.elevation_m - maps.elevation_m)
    np.testing.assert_allclose(maps.sigma_m, change, rtol=0.02, atol=2e-6)
    # Looked at from 2 m above, 2 to 5 m away, the height is surer than the range.
    assert np.nanmax(change) < 0.9e-3


def test_edges_are_multiples_of_the_pixel_and_cut_at_the_extent(sheet):
    ground = sheet(tilted, east=(-3.0, 7.03), north=(-1.51, 20.0))
    grid = make_maps(ground, EYE, MapSettings(resolution_m=0.05, extent_m=4.0)).grid
    assert grid.bounds == pytest.approx((-3.0, -1.55, 4.0, 4.0))
    assert (grid.width, grid.height) == (140, 111)
    # What belongs to the extent reaches its edge, though the faces there go on.
    assert (
        np.isfinite(make_maps(ground, EYE, MapSettings(resolution_m=0.05, extent_m=4.0)).elevation_m[:, -1]).sum() > 100
    )


@pytest.mark.parametrize(("texel", "expected"), [(0.01, 0.01), (0.012, 0.01), (0.018, 0.02), (0.2, 0.2), (0.4, 0.5)])
def test_resolution_follows_the_images_pixels_on_the_ground(sheet, texel, expected):
    ground = sheet(tilted, texel_m=texel)
    if texel < 0.2:  # only then the texture's pixels fill the sheet to its edges
        expected = pytest.approx(expected)
    assert choose_grid(ground, MapSettings()).resolution_m == expected


def test_map_is_bounded(sheet):
    ground = sheet(tilted, texel_m=0.01)
    grid = choose_grid(ground, MapSettings(most_pixels=5000))
    assert grid.width * grid.height <= 5000
    assert grid.resolution_m == 0.05
    with pytest.raises(StereoError, match=r"400 x 300 pixels is too large; expected at most 5,000"):
        choose_grid(ground, MapSettings(resolution_m=0.01, most_pixels=5000))


def test_steps_are_round():
    assert [step_from(v) for v in (0.011, 0.02, 0.021, 0.3, 0.9, 1.0, 6.0)] == [0.02, 0.02, 0.05, 0.5, 1.0, 1.0, 10.0]


def test_no_ground_within_the_extent_is_said(sheet):
    with pytest.raises(StereoError, match=r"within 15 m.*larger extent"):
        make_maps(sheet(east=(20.0, 22.0)), EYE)


def test_other_frames_are_refused(sheet):
    ground = sheet()
    with pytest.raises(FrameMismatchError, match="ROVER_NAV"):
        make_maps(replace(ground, mesh=replace(ground.mesh, frame=Frame.rover(3, 4))), EYE)


@pytest.mark.parametrize(
    "wrong",
    [{"resolution_m": 0.0}, {"resolution_m": np.nan}, {"extent_m": -1.0}, {"wheel_m": 0.0}, {"colour_rays": 2}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_are_checked(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MapSettings(**wrong)


def test_maps_of_another_size_are_refused(sheet):
    maps = make_maps(sheet(), EYE)
    with pytest.raises(ValueError, match="all maps must be"):
        replace(maps, coverage=maps.coverage[1:])
    assert isinstance(maps, Maps)
    assert isinstance(maps.grid, Grid)
