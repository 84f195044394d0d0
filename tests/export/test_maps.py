"""Maps in files: what rasterio and GDAL's own programs read from them."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from PIL import Image as Pil

from stereo3d.export.geotiff import local_system, write_cog
from stereo3d.export.maps import PRODUCTS, MapStyle, about_map, write_maps
from stereo3d.frames import Frame, RigidTransform
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation
from stereo3d.terrain.maps import Coverage, Grid, MapSettings, make_maps
from stereo3d.terrain.relief import hillshade

BANDS = ("dem.tif", "slope.tif", "roughness.tif", "sigma.tif")
RASTERS = (*BANDS, "orthophoto.tif", "coverage.tif")
GDAL = pytest.mark.skipif(
    shutil.which("gdaldem") is None, reason="NO GDAL PROGRAMS: apt install gdal-bin to check the maps with them"
)


@pytest.fixture
def observation(make_observation):
    return make_observation()


@pytest.fixture
def make_observation():
    """An observation of one stop, with or without a known pose."""
    from stereo3d.camera import CAHV

    def make(pose=True, position=(12.0, -31.0, -1.5)):
        camera = CAHV(
            Frame.rover(1, 2), 4, 3, np.zeros(3), np.array([1.0, 0, 0]), np.array([2.0, 3, 0]), np.array([1.5, 0, 3])
        )
        pixels = Image(np.full((3, 4), 9, np.uint8), np.ones((3, 4), bool))
        at = RigidTransform(Frame.site(1), Frame.rover(1, 2), np.eye(3), np.array(position)) if pose else None
        return Observation("X", "Mars 2020", "NAVCAM_LEFT", Eye.LEFT, pixels, camera, 5, 1, 2, 7.0, at)

    return make


@pytest.fixture
def maps(textured):
    """The hill at 0.1 m, finer than its triangles, with a hole of 3 x 2 m in it."""
    corners = textured.mesh.vertices[textured.mesh.faces].mean(axis=1)
    hole = (np.abs(corners[:, 0] - 18.0) < 1.5) & (np.abs(corners[:, 1] - 12.0) < 1.0)
    mesh = replace(textured.mesh, faces=textured.mesh.faces[~hole], kind=textured.mesh.kind[~hole])
    return make_maps(replace(textured, mesh=mesh), [0.0, 0.0, 2.0], MapSettings(resolution_m=0.1, extent_m=27.0))


@pytest.fixture
def folder(maps, observation, tmp_path):
    write_maps(maps, tmp_path, about_map(observation), {"inputs": {"left": "X"}}, ["a note"])
    return tmp_path


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


def test_the_folder_holds_what_is_promised_and_nothing_else(folder):
    assert sorted(p.name for p in folder.iterdir()) == sorted(PRODUCTS)


@pytest.mark.parametrize("name", RASTERS)
def test_rasters_are_cloud_optimised_and_lie_where_they_should(folder, maps, name):
    with rasterio.open(folder / name) as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.shape == (270, 220)
        assert tuple(file.bounds) == pytest.approx((5.0, 0.0, 27.0, 27.0))
        assert file.res == pytest.approx((0.1, 0.1))
        assert file.tags()["AREA_OR_POINT"] == "Area"
        assert 'UNIT["metre",1' in file.crs.to_wkt()
        assert not file.crs.is_geographic
        assert "Mars 2020 site 1 drive 2" in file.crs.to_wkt()
        assert 'EPSG","4326' not in file.crs.to_wkt()
        tags = file.tags()
        assert tags["SITE_OFFSET_M"] == "north 12.0000, east -31.0000, down -1.5000"
        assert "ROVER_NAV" in tags["ORIGIN"]
        assert tags["CREDIT"] == "images: NASA/JPL-Caltech"


def test_values_come_back(folder, maps):
    for name, raster in zip(BANDS, (maps.elevation_m, maps.slope_deg, maps.roughness_m, maps.sigma_m), strict=True):
        with rasterio.open(folder / name) as file:
            np.testing.assert_array_equal(file.read(1), raster)
            assert np.isnan(file.nodata)
            assert file.units == (("degree",) if name == "slope.tif" else ("m",))
            np.testing.assert_array_equal(file.dataset_mask() > 0, np.isfinite(raster))
    assert np.isnan(maps.elevation_m).any()
    with rasterio.open(folder / "orthophoto.tif") as file:
        np.testing.assert_array_equal(np.moveaxis(file.read(), 0, -1), maps.rgba)
        assert [c.name for c in file.colorinterp] == ["red", "green", "blue", "alpha"]
    with rasterio.open(folder / "coverage.tif") as file:
        np.testing.assert_array_equal(file.read(1), maps.coverage)
        assert file.nodata == Coverage.NONE
        assert file.colormap(1)[Coverage.FILLED] == (235, 180, 60, 255)
        assert "2 filled" in file.descriptions[0]


def test_a_place_in_the_file_is_the_place_in_the_world(folder):
    """What a GIS does with a click: the hill's top stands at 25 m east, 20 m north, 2 m high."""
    with rasterio.open(folder / "dem.tif") as file:
        height = file.read(1)
        row, column = np.unravel_index(np.nanargmax(height), height.shape)
        east, north = file.xy(row, column)
        assert (east, north) == (pytest.approx(25.0, abs=0.051), pytest.approx(20.0, abs=0.051))
        assert height[row, column] == pytest.approx(2.0, abs=0.02)
        (value,) = next(file.sample([(24.98, 20.03)]))
        assert value == height[file.index(24.98, 20.03)]


def test_large_maps_have_overviews_that_respect_holes(tmp_path):
    grid = Grid(-10.0, 8.0, 0.01, 1100, 900)
    height = np.full((900, 1100), 3.0, np.float32)
    height[:, ::2] = np.nan
    write_cog(tmp_path / "a.tif", height, grid, local_system("there"), "x", unit="m", nodata=np.nan)
    classes = np.where(np.isnan(height), 1, 3).astype(np.uint8)
    # The mean of the colours of two classes is that of a third.
    colours = {1: (0, 0, 0, 255), 2: (100, 100, 100, 255), 3: (200, 200, 200, 255)}
    write_cog(tmp_path / "b.tif", classes, grid, local_system("there"), "x", nodata=0, colours=colours)
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.overviews(1) == [2, 4]
        small = file.read(1, out_shape=(450, 550))
        np.testing.assert_array_equal(small, np.full((450, 550), 3.0))
    with rasterio.open(tmp_path / "b.tif") as file:
        assert set(np.unique(file.read(1, out_shape=(225, 275)))) <= {1, 3}


def test_without_longitude_the_system_claims_no_place_on_mars(tmp_path):
    """And a name from a stranger's label does not break it."""
    grid = Grid(0.0, 0.0, 0.01, 4, 3)
    path = tmp_path / "a.tif"
    write_cog(path, np.zeros((3, 4), np.float32), grid, local_system('odd "name" | \N{DEGREE SIGN} site 1'), "x")
    with rasterio.open(path) as file:
        assert not file.crs.is_projected
        assert not file.crs.is_geographic
        wkt = file.crs.to_wkt()
    assert 'east-north, odd _name_ _ _ site 1"' in wkt
    assert 'UNIT["metre",1' in wkt


def test_with_longitude_the_maps_lie_on_mars(maps, observation, tmp_path):
    """The origin of the map is at the longitude and latitude told; 27 m north is 27 m on the sphere of Mars."""
    write_maps(maps, tmp_path, about_map(observation), {}, style=MapStyle(lonlat_deg=(77.45, 18.44)))
    with rasterio.open(tmp_path / "dem.tif") as file:
        assert file.crs.is_projected
        sphere = rasterio.crs.CRS.from_proj4("+proj=longlat +R=3396190 +no_defs")
        from rasterio.warp import transform

        longitude, latitude = transform(file.crs, sphere, [0.0, 0.0], [0.0, 27.0])
    np.testing.assert_allclose(longitude, 77.45, atol=1e-9)
    np.testing.assert_allclose(np.radians(np.array(latitude) - 18.44) * 3396190.0, [0.0, 27.0], atol=1e-4)


def test_the_report_says_what_the_maps_are(folder, maps):
    report = json.loads((folder / "map.json").read_text())
    assert report["grid"]["west_south_east_north_m"] == [5.0, 0.0, 27.0, 27.0]
    assert report["notes"] == ["a note"]
    assert report["inputs"] == {"left": "X"}
    assert report["coverage_share"]["none"] == pytest.approx((maps.coverage == 0).mean(), abs=1e-5)
    dem = report["files"]["dem.tif"]
    assert dem["percentiles"]["p100"] == pytest.approx(np.nanmax(maps.elevation_m), abs=1e-5)
    assert dem["known_share"] == pytest.approx(np.isfinite(maps.elevation_m).mean(), abs=1e-5)


def test_no_roughness_is_noted(textured, observation, tmp_path):
    report = write_maps(
        make_maps(textured, [0, 0, 2.0], MapSettings(resolution_m=0.5, extent_m=30.0)),
        tmp_path,
        about_map(observation),
        {},
    )
    assert any("No roughness" in note for note in report["notes"])
    assert report["files"]["roughness.tif"]["percentiles"]["p50"] is None


def test_contours_are_metres_of_the_maps_frame(folder, maps):
    content = json.loads((folder / "contours.geojson").read_text())
    report = json.loads((folder / "map.json").read_text())
    assert content["crs"]["properties"]["name"] == report["coordinate_system"]
    assert len(content["features"]) == report["contours"]["lines"] > 5
    grid = maps.grid
    for feature in content["features"]:
        assert "metres east and north" in feature["properties"]["coordinates_are"]
        level = feature["properties"]["elevation_m"]
        assert feature["properties"]["index"] == (round(level / content["interval_m"]) % 5 == 0)
        east, north = np.array(feature["geometry"]["coordinates"]).T
        column, row = ((east - grid.west_m) / 0.1).astype(int), ((grid.north_m - north) / 0.1).astype(int)
        here = maps.elevation_m[np.minimum(row, grid.height - 1), np.minimum(column, grid.width - 1)]
        # The hill's steepest slope is 0.63: half a pixel and the smoothing are some 0.06 m.
        assert np.nanmax(np.abs(here - level)) < 0.08


def test_no_line_is_drawn_by_chance(maps, observation, tmp_path):
    """Where one sigma of the height is more than half of the interval there are no contours."""
    east = maps.grid.east_of_columns
    sigma = np.where(east < 24.0, maps.sigma_m, np.where(np.isnan(maps.sigma_m), np.nan, 0.3)).astype(np.float32)
    write_maps(replace(maps, sigma_m=sigma), tmp_path, about_map(observation), {}, style=MapStyle(interval_m=0.2))
    content = json.loads((tmp_path / "contours.geojson").read_text())
    assert len(content["features"]) > 5
    lines = [np.array(feature["geometry"]["coordinates"]) for feature in content["features"]]
    assert max(line[:, 0].max() for line in lines) <= 24.0


def test_hillshade_is_a_picture_with_its_legend(folder, maps):
    with Pil.open(folder / "hillshade.png") as picture:
        rgb = np.asarray(picture.convert("RGB")).astype(int)
    # The map is 220 x 270 px, five times enlarged, under 60 px of title and right of 90 px of labels.
    assert rgb.shape[0] > 270 * 5 + 100
    body = rgb[60 : 60 + 1350, 90 : 90 + 1100]
    expected = np.repeat(np.repeat(hillshade(maps.elevation_m, 0.1), 5, axis=0), 5, axis=1)
    grey = np.ptp(body, axis=2) == 0
    same = np.abs(body[..., 0] - expected) <= 1.0
    assert same[grey & np.isfinite(expected)].mean() > 0.97
    # The bar of four parts of 1.25 m (50 px/m) under the ticks: black, white, black, white.
    dark = (rgb[1467] < 60).all(axis=1)
    assert dark[92:150].all()
    assert dark[218:274].all()
    assert dark[340]
    assert not np.concatenate([dark[156:210], dark[280:335], dark[342:348]]).any()
    for part in (rgb[:60, 90:], rgb[60:400, 1200:], rgb[1420:, 90:800], rgb[60:1400, :85]):
        assert (part < 60).all(axis=2).sum() > 50, "no writing, arrow, bar or tick here"


@GDAL
def test_gdalinfo_reads_them(folder):
    for name in RASTERS:
        info = json.loads(run("gdalinfo", "-json", str(folder / name)))
        assert info["size"] == [220, 270]
        assert info["geoTransform"] == pytest.approx([5.0, 0.1, 0.0, 27.0, 0.0, -0.1])
        assert "Mars local level east-north" in info["coordinateSystem"]["wkt"]
        assert "Earth" not in info["coordinateSystem"]["wkt"]


@GDAL
def test_gdaldem_agrees_on_slope_and_shading(folder, maps, tmp_path_factory):
    out = tmp_path_factory.mktemp("gdal")
    run("gdaldem", "slope", str(folder / "dem.tif"), str(out / "slope.tif"), "-q")
    theirs = read(out / "slope.tif")
    np.testing.assert_array_equal(theirs == -9999.0, np.isnan(maps.slope_deg))
    known = np.isfinite(maps.slope_deg)
    np.testing.assert_allclose(theirs[known], maps.slope_deg[known], atol=0.01)
    assert theirs[known].max() > 15.0
    run("gdaldem", "hillshade", "-az", "100", "-alt", "30", str(folder / "dem.tif"), str(out / "shade.tif"), "-q")
    theirs, ours = read(out / "shade.tif").astype(float), hillshade(maps.elevation_m, 0.1, 100.0, 30.0)
    np.testing.assert_array_equal(theirs == 0, np.isnan(ours))
    np.testing.assert_allclose(theirs[known], ours[known], atol=0.51)


@GDAL
def test_ogrinfo_takes_the_contours_for_no_place_on_earth(folder):
    text = run("ogrinfo", "-so", str(folder / "contours.geojson"), "contours")
    assert "Mars local level east-north" in text
    assert "WGS 84" not in text


def test_what_is_not_known_of_the_origin_is_not_told(make_observation):
    assert "SITE_OFFSET_M" not in about_map(make_observation(pose=False))
    assert "level and facing north" in about_map(make_observation(pose=False))["ATTITUDE"]
    unknown = about_map(make_observation(position=(np.nan,) * 3))
    assert not {"SITE_OFFSET_M", "ATTITUDE"} & set(unknown)


@pytest.mark.parametrize(
    "wrong", [{"sun_deg": (315.0, 0.0)}, {"lonlat_deg": (77.0, 91.0)}, {"lonlat_deg": (np.nan, 0)}]
)
def test_style_is_checked(wrong):
    with pytest.raises(ValueError, match=r"sun|longitude"):
        MapStyle(**wrong)
