"""PDS3 and VICAR files of all kinds of numbers, built here: pixels, masks and headers come back as they were put in."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stereo3d.camera import CAHVOR
from stereo3d.errors import ImageFileError, RecordError, Stereo3dError
from stereo3d.observation import Eye, Observation
from stereo3d.read import read_observation, read_scene

Line = Callable[[Stereo3dError], str]
KINDS = [
    ("u1", "uint8"),
    (">i2", "uint16"),
    ("<i2", "uint16"),
    (">i4", "uint16"),
    ("<f4", "float32"),
    (">f8", "float32"),
]


@pytest.mark.parametrize(
    ("container", "dtype", "becomes"),
    [("vicar", *kind) for kind in KINDS]
    + [("pds3", *kind) for kind in KINDS]
    # VICAR has no unsigned 16-bit integers.
    + [("pds3", ">u2", "uint16"), ("pds3", "<u2", "uint16"), ("detached", ">i2", "uint16")],
)
@pytest.mark.parametrize(("bands", "order"), [(1, "BSQ"), (3, "BSQ"), (3, "BIL"), (3, "BIP")])
def test_pixels(make_labelled: Callable, container: str, dtype: str, becomes: str, bands: int, order: str) -> None:
    made = make_labelled(dtype, bands, order=order)
    path = made.vicar() if container == "vicar" else made.pds3(detached=container == "detached")
    image = read_observation(path).image
    assert str(image.pixels.dtype) == becomes
    np.testing.assert_array_equal(image.pixels, made.pixels)
    assert image.valid.all()


def check_header(seen: Observation) -> None:
    assert (seen.product_id, seen.mission, seen.instrument) == (
        "NLB_400000000EDR_F0050006NCAM00100M1",
        "MSL",
        "NAV_LEFT_B",
    )
    assert (seen.eye, seen.sol, seen.site, seen.drive, seen.sclk_s) == (Eye.LEFT, 123, 5, 6, 400000000.25)
    assert (seen.mast_azimuth_deg, seen.mast_elevation_deg) == (-9.5, 0.25)
    assert (seen.scale_factor, seen.taken_utc) == (2, "2012-12-10T01:02:03.456")
    assert isinstance(seen.camera, CAHVOR)
    assert seen.camera.C.tolist() == [0.8, 0.3, -1.8]
    assert seen.camera.H.tolist() == [63.5, 100.0, 0.0]
    assert seen.camera.R.tolist() == [0.0, 0.01, -0.002]
    assert seen.site_from_rover is not None
    # The quaternion (1, 1, 1, 1) / 2 turns X to Y, Y to Z and Z to X.
    np.testing.assert_allclose(seen.site_from_rover.apply([1.0, 2.0, 3.0]), [10.0 + 3.0, 20.0 + 1.0, -3.0 + 2.0])


def test_headers(make_labelled: Callable) -> None:
    made = make_labelled()
    made.groups["IMAGE_DATA"] = {"FIRST_LINE": "33", "FIRST_LINE_SAMPLE": "65"}
    check_header(seen := read_observation(made.vicar()))
    assert seen.subframe == (65, 33, 256, 192)
    made.image = {"FIRST_LINE": "17", "FIRST_LINE_SAMPLE": "9"}
    check_header(seen := read_observation(made.pds3()))
    assert seen.subframe == (9, 17, 256, 192)


def test_units_of_angles(make_labelled: Callable) -> None:
    made = make_labelled()
    made.groups["ROVER_DERIVED_GEOMETRY_PARMS"] = {"INSTRUMENT_AZIMUTH": "-0.5 <rad>"}
    assert read_observation(made.pds3()).mast_azimuth_deg == pytest.approx(np.degrees(-0.5), abs=1e-9)


def test_a_detached_label_leads_to_its_image(make_labelled: Callable) -> None:
    made = make_labelled()
    path = made.pds3(detached=True)
    by_label, by_image = read_observation(path.with_suffix(".LBL")), read_observation(path)
    np.testing.assert_array_equal(by_label.image.pixels, by_image.image.pixels)
    assert by_label.path == by_image.path == str(path)


@pytest.mark.parametrize("container", ["vicar", "pds3"])
def test_missing_pixels_are_not_valid(make_labelled: Callable, container: str) -> None:
    made = make_labelled()
    made.pixels[10:20, 30:50] = 0
    made.pixels[40, 60] = -7
    constants = {"MISSING_CONSTANT": "0.0", "INVALID_CONSTANT": "-7"}
    made.groups["IMAGE_DATA"] = dict(constants)
    made.image = dict(constants) if container == "pds3" else {}
    image = read_observation(getattr(made, container)()).image
    expected = np.ones(made.pixels.shape, dtype=bool)
    expected[10:20, 30:50] = expected[40, 60] = False
    np.testing.assert_array_equal(image.valid, expected)
    assert image.pixels.dtype == np.uint16
    assert (image.pixels[~expected] == 0).all()


def test_a_colour_pixel_is_missing_only_in_all_bands(make_labelled: Callable) -> None:
    made = make_labelled("u1", 3)
    made.pixels[5, 6] = (0, 9, 9)
    made.pixels[7, 8] = 0
    made.image = {"MISSING_CONSTANT": "0"}
    image = read_observation(made.pds3()).image
    assert image.valid[5, 6]
    assert np.argwhere(~image.valid).tolist() == [[7, 8]]


def test_missing_floats(make_labelled: Callable) -> None:
    made = make_labelled(">f4")
    made.pixels[1, 1], made.pixels[2, 2], made.pixels[3, 3] = np.nan, np.inf, -1e32
    made.pixels[4, 4] = np.uint32(0xFF7FFFFB).view(np.float32)
    made.image = {"MISSING_CONSTANT": "16#FF7FFFFB#"}
    image = read_observation(made.pds3()).image
    assert np.argwhere(~image.valid).tolist() == [[1, 1], [2, 2], [3, 3], [4, 4]]
    assert np.isfinite(image.pixels).all()
    made.pixels[:] = np.where(np.isfinite(made.pixels), made.pixels, 0) % 200 - 100
    assert read_observation(made.pds3()).image.pixels.min() < 0


def test_negative_integers_become_float(make_labelled: Callable) -> None:
    made = make_labelled("<i2")
    made.pixels -= 50
    image = read_observation(made.pds3()).image
    assert image.pixels.dtype == np.float32
    np.testing.assert_array_equal(image.pixels, made.pixels)


def test_binary_headers_and_prefixes_of_vicar_are_passed_over(make_labelled: Callable) -> None:
    made = make_labelled("u1")
    made.image = {"NLB": "2", "NBB": "4", "RECSIZE": "132"}
    path = made.vicar()
    whole = path.read_bytes()
    label = whole[: -made.pixels.size]
    lines = b"".join(b"\xff\xff\xff\xff" + row.tobytes() for row in made.pixels)
    path.write_bytes(label + b"\xfe" * 264 + lines)
    np.testing.assert_array_equal(read_observation(path).image.pixels, made.pixels)


def test_line_prefixes_of_pds3_are_passed_over(make_labelled: Callable) -> None:
    made = make_labelled(">i2")
    made.image = {"LINE_PREFIX_BYTES": "6", "LINE_SUFFIX_BYTES": "2"}
    path = made.pds3()
    label = path.read_bytes()[: -made.pixels.nbytes]
    path.write_bytes(label + b"".join(b"prefix" + row.tobytes() + b"su" for row in made.pixels))
    np.testing.assert_array_equal(read_observation(path).image.pixels, made.pixels)


def test_a_vicar_label_with_a_part_at_the_end(make_labelled: Callable) -> None:
    made = make_labelled("u1")
    model = made.groups.pop("GEOMETRIC_CAMERA_MODEL")
    made.image = {"EOL": "1"}
    path = made.vicar()
    with pytest.raises(RecordError, match="no camera model"):
        read_observation(path)
    items = "PROPERTY='GEOMETRIC_CAMERA_MODEL' " + " ".join(f"{k}={v}" for k, v in model.items())
    with path.open("ab") as file:
        file.write(f"LBLSIZE=2048  {items}".encode().ljust(2048, b"\0"))
    check_header(read_observation(path))


def test_a_pair_of_labelled_images(make_labelled: Callable) -> None:
    left, right = make_labelled(name="l.IMG"), make_labelled(name="r.VIC")
    right.groups[""] |= {
        "PRODUCT_ID": "'NRB_400000000EDR_F0050006NCAM00100M1'",
        "INSTRUMENT_ID": "'NAV_RIGHT_B'",
    }
    right.groups["GEOMETRIC_CAMERA_MODEL"]["MODEL_COMPONENT_1"] = "(0.8,0.7,-1.8)"
    left.image = {"FIRST_LINE": "1"}
    right.groups["IMAGE_DATA"] = {"FIRST_LINE": "1", "FIRST_LINE_SAMPLE": "1"}
    left.pds3()
    right.vicar()
    for inputs in ([left.path], [right.path], [left.path.parent], [right.path, left.path]):
        (pair,) = read_scene(inputs).pairs
        assert (pair.left.path, pair.right.path) == (str(left.path), str(right.path))


FRAMES = {
    "SITE_FRAME": {},
    "RSM_HEAD_FRAME": {
        "RSM_COORDINATE_SYSTEM": {
            "COORDINATE_SYSTEM_NAME": "'RSM_HEAD_FRAME'",
            "ORIGIN_OFFSET_VECTOR": "(0.8,0.5,-1.9)",
            "ORIGIN_ROTATION_QUATERNION": "(0.6,0.0,0.0,0.8)",
            "REFERENCE_COORD_SYSTEM_NAME": "'ROVER_NAV_FRAME'",
        }
    },
}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("container", ["vicar", "pds3"])
def test_a_model_in_another_frame_is_brought_into_the_rover(
    make_labelled: Callable, frame: str, container: str
) -> None:
    made = make_labelled()
    own = read_observation(getattr(made, container)()).camera
    made.groups["GEOMETRIC_CAMERA_MODEL"] |= {
        "REFERENCE_COORD_SYSTEM_NAME": f"'{frame}'",
        "REFERENCE_COORD_SYSTEM_INDEX": "5",
    }
    made.groups |= FRAMES[frame]
    moved = read_observation(getattr(made, container)()).camera
    assert moved.frame == own.frame
    # By hand: (1, 1, 1, 1) / 2 turns X to Y, so its inverse turns Y to X; (0.6, 0, 0, 0.8) turns about Z, cos -0.28.
    if frame == "SITE_FRAME":
        x, y, z = np.array([0.8, 0.3, -1.8]) - [10.0, 20.0, -3.0]
        np.testing.assert_allclose(moved.C, [y, z, x])
        np.testing.assert_allclose(moved.A, [0.0, 0.0, 1.0], atol=1e-15)
    else:
        cos, sin = 0.36 - 0.64, 2 * 0.6 * 0.8
        np.testing.assert_allclose(
            moved.C, [0.8 + cos * 0.8 - sin * 0.3, 0.5 + sin * 0.8 + cos * 0.3, -1.9 - 1.8], atol=1e-12
        )
        np.testing.assert_allclose(moved.A, [cos, sin, 0.0], atol=1e-15)


@pytest.mark.parametrize(
    "change",
    [
        {"REFERENCE_COORD_SYSTEM_NAME": "'ARM_FRAME'"},
        {"REFERENCE_COORD_SYSTEM_NAME": "'SITE_FRAME'", "REFERENCE_COORD_SYSTEM_INDEX": "4"},
    ],
)
def test_a_model_in_a_frame_that_the_label_does_not_place(
    make_labelled: Callable, change: dict, one_line: Line
) -> None:
    made = make_labelled()
    made.groups["GEOMETRIC_CAMERA_MODEL"] |= change
    with pytest.raises(RecordError, match="does not say where that is") as caught:
        read_observation(made.pds3())
    one_line(caught.value)


def test_thumbnails_and_maps_are_no_images(make_labelled: Callable) -> None:
    made = make_labelled()
    made.groups[""]["IMAGE_TYPE"] = "'THUMBNAIL'"
    with pytest.raises(RecordError, match="thumbnail"):
        read_observation(made.pds3())
    made = make_labelled("<f4")
    made.groups["DERIVED_IMAGE_PARMS"] = {"DERIVED_IMAGE_TYPE": "'XYZ_MAP'"}
    with pytest.raises(RecordError, match="holds XYZ_MAP"):
        read_observation(made.vicar())


def test_an_image_without_data(make_labelled: Callable) -> None:
    made = make_labelled("u1")
    made.pixels[:] = 0
    made.image = {"MISSING_CONSTANT": "0"}
    with pytest.raises(ImageFileError, match="no pixel of the image holds data"):
        read_observation(made.pds3())
    made.pixels[:] = 9
    with pytest.raises(ImageFileError, match="every pixel of the image is 9"):
        read_observation(made.pds3())


def test_labels_of_other_names(make_labelled: Callable, tmp_path: Path) -> None:
    """An image whose .LBL is of another image, or that has none, is refused."""
    made = make_labelled()
    made.image = {"^IMAGE": '"b.IMG"'}
    path = made.pds3(detached=True)
    (tmp_path / "b.IMG").write_bytes(path.read_bytes())
    with pytest.raises(RecordError, match=r"label of b\.IMG"):
        read_observation(path)
    path.with_suffix(".LBL").unlink()
    with pytest.raises(ImageFileError, match="no VICAR or PDS3 label"):
        read_observation(path)
