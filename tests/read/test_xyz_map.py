"""XYZ products with labels, built here: whatever the file's form and frame, the same points in ROVER_NAV come out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from stereo3d.camera import pixel_grid
from stereo3d.errors import FrameMismatchError, ImageFileError, MissingFileError, RecordError, Stereo3dError
from stereo3d.observation import Observation
from stereo3d.read import read_observation
from stereo3d.read.xyz_map import read_xyz_map

Line = Callable[[Stereo3dError], str]
PLACES = {
    "ROVER_NAV_FRAME": ("(5,6,7)", lambda left, xyz: xyz),
    "ROVER_FRAME": ("(5,6)", lambda left, xyz: xyz),
    "LOCAL_LEVEL_FRAME": ("(5,6,7)", lambda left, xyz: left.level_from_rover.apply(xyz)),
    "SITE_FRAME": ("5", lambda left, xyz: left.site_from_rover.apply(xyz)),
}


@pytest.fixture
def left(make_labelled: Callable) -> Observation:
    """The image that the maps are of."""
    return read_observation(make_labelled(name="left.IMG").pds3())


@pytest.fixture
def points(left: Observation) -> np.ndarray:
    """(rows, columns, 3), m, ROVER_NAV: along the pixels' rays; a corner has none."""
    origins, directions = left.camera.ray(pixel_grid(left.camera.width, left.camera.height))
    xyz = origins + directions * np.linspace(3, 30, left.camera.height)[:, None, None]
    xyz[:4, :6] = np.nan
    return xyz


@pytest.fixture
def make_map(make_labelled: Callable, left: Observation, points: np.ndarray) -> Callable:
    """``make_map(frame, dtype=">f4", order="BSQ", missing=0.0)``: a product that holds the points, not written yet."""

    def make(frame: str, dtype: str = ">f4", order: str = "BSQ", missing: float = 0.0) -> object:
        made = make_labelled(dtype, 3, name="map.IMG", order=order)
        index, moved = PLACES[frame]
        made.pixels = np.nan_to_num(moved(left, points), nan=missing).astype(dtype)
        made.groups["DERIVED_IMAGE_PARMS"] = {
            "DERIVED_IMAGE_TYPE": "'XYZ_MAP'",
            "REFERENCE_COORD_SYSTEM_NAME": f"'{frame}'",
            "REFERENCE_COORD_SYSTEM_INDEX": index,
        }
        return made

    return make


@pytest.mark.parametrize("container", ["pds3", "detached", "vicar"])
@pytest.mark.parametrize("frame", PLACES)
def test_all_frames_lead_to_the_rover(
    make_map: Callable, left: Observation, points: np.ndarray, container: str, frame: str
) -> None:
    made = make_map(frame)
    path = made.vicar() if container == "vicar" else made.pds3(detached=container == "detached")
    found = read_xyz_map(path, left)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, points, atol=1e-5)
    assert np.isnan(found[:4, :6]).all()


@pytest.mark.parametrize(("dtype", "order"), [("<f4", "BSQ"), (">f8", "BIP"), ("<f8", "BIL")])
def test_numbers_and_orders(make_map: Callable, left: Observation, points: np.ndarray, dtype: str, order: str) -> None:
    np.testing.assert_allclose(read_xyz_map(make_map("SITE_FRAME", dtype, order).vicar(), left), points, atol=1e-5)


def test_a_missing_constant_of_the_label(make_map: Callable, left: Observation, points: np.ndarray) -> None:
    made = make_map("LOCAL_LEVEL_FRAME", missing=-9999.0)
    made.image = {"MISSING_CONSTANT": "-9999.0"}
    found = read_xyz_map(made.pds3(), left)
    np.testing.assert_allclose(found, points, atol=1e-5)


def test_the_counter_tells_the_stop_where_the_index_is_short(
    make_map: Callable, left: Observation, points: np.ndarray
) -> None:
    made = make_map("LOCAL_LEVEL_FRAME")
    made.groups["DERIVED_IMAGE_PARMS"]["REFERENCE_COORD_SYSTEM_INDEX"] = "5"
    np.testing.assert_allclose(read_xyz_map(made.pds3(), left), points, atol=1e-5)


@pytest.mark.parametrize(
    ("frame", "index"), [("ROVER_NAV_FRAME", "(5,8)"), ("LOCAL_LEVEL_FRAME", "(4,6)"), ("SITE_FRAME", "4")]
)
def test_another_stop_is_refused(make_map: Callable, left: Observation, one_line: Line, frame: str, index: str) -> None:
    made = make_map(frame)
    made.groups["DERIVED_IMAGE_PARMS"]["REFERENCE_COORD_SYSTEM_INDEX"] = index
    with pytest.raises(FrameMismatchError) as caught:
        read_xyz_map(made.pds3(), left)
    assert "ROVER_NAV(5, 6)" in one_line(caught.value)


@pytest.mark.parametrize("frame", ["LOCAL_LEVEL_FRAME", "SITE_FRAME"])
def test_without_an_attitude_nothing_is_guessed(
    make_map: Callable, left: Observation, one_line: Line, frame: str
) -> None:
    with pytest.raises(FrameMismatchError) as caught:
        read_xyz_map(make_map(frame).pds3(), replace(left, site_from_rover=None))
    assert "how the rover stands" in one_line(caught.value)


def test_what_is_no_such_map_is_one_line(make_map: Callable, left: Observation, one_line: Line, tmp_path: Path) -> None:
    def told(kind: type[Stereo3dError], bend: Callable) -> str:
        made = make_map("ROVER_NAV_FRAME")
        bend(made)
        with pytest.raises(kind) as caught:
            read_xyz_map(made.pds3(), left)
        return one_line(caught.value)

    def derived(key: str, value: str) -> Callable:
        return lambda made: made.groups["DERIVED_IMAGE_PARMS"].update({key: value})

    assert "RANGE_MAP" in told(RecordError, derived("DERIVED_IMAGE_TYPE", "'RANGE_MAP'"))
    assert "ARM_FRAME" in told(RecordError, derived("REFERENCE_COORD_SYSTEM_NAME", "'ARM_FRAME'"))
    assert "frame" in told(RecordError, lambda made: made.groups["DERIVED_IMAGE_PARMS"].clear())
    smaller = told(ImageFileError, lambda made: setattr(made, "pixels", made.pixels[:-8]))
    assert f"{left.camera.width} x {left.camera.height} px" in smaller
    assert "int16" in told(ImageFileError, lambda made: setattr(made, "pixels", made.pixels.astype(">i2")))
    with pytest.raises(MissingFileError):
        read_xyz_map(tmp_path / "none.IMG", left)


def test_a_tiff_is_still_a_map(left: Observation, points: np.ndarray, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "xyz.tif", points.astype(np.float32), photometric="rgb")
    np.testing.assert_array_equal(read_xyz_map(tmp_path / "xyz.tif", left), points.astype(np.float32))
