"""PDS4: a label written here, with its image, and what a hostile one may not do."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stereo3d.camera import CAHVOR
from stereo3d.errors import ImageFileError, MissingFileError, RecordError, Stereo3dError
from stereo3d.observation import Eye
from stereo3d.read import read_frames, read_observation, reader_for

Line = Callable[[Stereo3dError], str]


def vector(name: str, kind: str, *values: float) -> str:
    parts = zip(("c0", "c1", "c2") if kind == "c" else (f"x_{kind}", f"y_{kind}", f"z_{kind}"), values, strict=True)
    return f"<g:{name}>" + "".join(f"<g:{key}>{value}</g:{key}>" for key, value in parts) + f"</g:{name}>"


MODEL = (
    "<g:Camera_Model_Parameters><g:model_type>CAHVOR</g:model_type><g:CAHVOR_Model>"
    + vector("Vector_Center", "position", 0.9, 0.6, -1.9)
    + vector("Vector_Axis", "unit", 1, 0, 0)
    + vector("Vector_Horizontal", "pixel", 63.5, 100, 0)
    + vector("Vector_Vertical", "pixel", 47.5, 0, 100)
    + vector("Vector_Optical", "unit", 1, 0, 0)
    + vector("Radial_Terms", "c", 0, 0.01, 0)
    + "</g:CAHVOR_Model><g:Coordinate_Space_Reference><g:Coordinate_Space_Indexed><g:coordinate_space_frame_type>"
    "ROVER_NAV_FRAME</g:coordinate_space_frame_type></g:Coordinate_Space_Indexed></g:Coordinate_Space_Reference>"
    "</g:Camera_Model_Parameters>"
)
POSE = (
    "<g:Coordinate_Space_Definition><g:Coordinate_Space_Present><g:Coordinate_Space_Indexed>"
    "<g:coordinate_space_frame_type>ROVER_NAV_FRAME</g:coordinate_space_frame_type></g:Coordinate_Space_Indexed>"
    "</g:Coordinate_Space_Present>"
    + vector("Vector_Origin_Offset", "position", 10, 20, -3)
    + "<g:Quaternion_Plus_Direction><g:qcos>0.5</g:qcos><g:qsin1>0.5</g:qsin1><g:qsin2>0.5</g:qsin2><g:qsin3>0.5"
    "</g:qsin3><g:rotation_direction>Forward</g:rotation_direction></g:Quaternion_Plus_Direction>"
    "<g:Coordinate_Space_Reference><p:Local_Internal_Reference><p:local_identifier_reference>SITE_FRAME_5"
    "</p:local_identifier_reference></p:Local_Internal_Reference></g:Coordinate_Space_Reference>"
    "</g:Coordinate_Space_Definition>"
)
COUNTER = "<g:Motion_Counter>" + "".join(
    f"<g:Motion_Counter_Index><g:index_id>{key}</g:index_id><g:index_value_number>{value}</g:index_value_number>"
    "</g:Motion_Counter_Index>"
    for key, value in (("SITE", 5), ("DRIVE", 60))
)
HEAD = (
    '<?xml version="1.0"?>\n<p:Product_Observational xmlns:p="http://pds.nasa.gov/pds4/pds/v1" '
    'xmlns:g="http://pds.nasa.gov/pds4/geom/v1" xmlns:i="http://pds.nasa.gov/pds4/img/v1">'
)


def label(
    shape: tuple[int, ...] = (3, 96, 128),
    kind: str = "UnsignedByte",
    offset: int = 40,
    name: str = "a.IMG",
    more: str = "",
) -> str:
    names = ("Band", "Line", "Sample")[-len(shape) :]
    axes = "".join(
        f"<p:Axis_Array><p:axis_name>{axis}</p:axis_name><p:elements>{count}</p:elements>"
        f"<p:sequence_number>{number}</p:sequence_number></p:Axis_Array>"
        for number, (axis, count) in enumerate(zip(names, shape, strict=True), start=1)
    )
    return (
        f"{HEAD}<p:Identification_Area><p:logical_identifier>urn:nasa:pds:x:data:image_1</p:logical_identifier>"
        "</p:Identification_Area><p:Observation_Area><p:Time_Coordinates><p:start_date_time>2022-11-27T01:08:36.002Z"
        "</p:start_date_time></p:Time_Coordinates><p:lid_reference>urn:nasa:pds:context:instrument_host:spacecraft."
        "mars2020</p:lid_reference><p:sol_number>629</p:sol_number><p:spacecraft_clock_start>722782785.631"
        "</p:spacecraft_clock_start><p:ops_instrument_key>NAVCAM_RIGHT</p:ops_instrument_key><p:Discipline_Area>"
        f"<g:Geometry><g:Geometry_Lander>{MODEL}{POSE}{COUNTER}</g:Motion_Counter></g:Geometry_Lander></g:Geometry>"
        "<i:Imaging><i:Subframe><i:first_line>33</i:first_line><i:first_sample>65</i:first_sample></i:Subframe>"
        "<i:Downsampling><i:Pixel_Averaging_Dimensions><i:height_pixels>4</i:height_pixels><i:width_pixels>4"
        "</i:width_pixels></i:Pixel_Averaging_Dimensions></i:Downsampling></i:Imaging></p:Discipline_Area>"
        f"</p:Observation_Area><p:File_Area_Observational><p:File><p:file_name>{name}</p:file_name></p:File>"
        f'<p:Array_3D_Image><p:offset unit="byte">{offset}</p:offset><p:axis_index_order>Last Index Fastest'
        f"</p:axis_index_order><p:Element_Array><p:data_type>{kind}</p:data_type></p:Element_Array>{axes}{more}"
        "</p:Array_3D_Image></p:File_Area_Observational></p:Product_Observational>"
    ).replace("Array_3D_Image", f"Array_{len(shape)}D_Image")


def write(folder: Path, text: str, pixels: np.ndarray) -> Path:
    (folder / "a.xml").write_text(text)
    (folder / "a.IMG").write_bytes(b"h" * 40 + pixels.tobytes())
    return folder / "a.xml"


@pytest.mark.parametrize(
    ("kind", "dtype", "becomes"),
    [
        ("UnsignedByte", "u1", "uint8"),
        ("UnsignedMSB2", ">u2", "uint16"),
        ("SignedLSB2", "<i2", "uint16"),
        ("IEEE754MSBSingle", ">f4", "float32"),
        ("IEEE754LSBDouble", "<f8", "float32"),
    ],
)
@pytest.mark.parametrize("shape", [(3, 96, 128), (1, 96, 128), (96, 128)])
def test_pixels(tmp_path: Path, kind: str, dtype: str, becomes: str, shape: tuple) -> None:
    pixels = np.random.default_rng(1).integers(1, 120, shape).astype(dtype)
    path = write(tmp_path, label(shape, kind), pixels)
    for file in (path, tmp_path / "a.IMG"):
        image = read_observation(file).image
        assert str(image.pixels.dtype) == becomes
        np.testing.assert_array_equal(
            image.pixels, np.moveaxis(pixels, 0, -1) if shape[0] == 3 else pixels.reshape(96, 128)
        )


def test_header_and_special_constants(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(1, 120, (96, 128)).astype(">u2")
    pixels[3, 4] = 0
    constants = "<p:Special_Constants><p:missing_constant>0.0</p:missing_constant></p:Special_Constants>"
    seen = read_observation(write(tmp_path, label((96, 128), "UnsignedMSB2", more=constants), pixels))
    assert np.argwhere(~seen.image.valid).tolist() == [[3, 4]]
    assert (seen.product_id, seen.mission, seen.instrument, seen.eye) == (
        "IMAGE_1",
        "Mars 2020",
        "NAVCAM_RIGHT",
        Eye.RIGHT,
    )
    assert (seen.sol, seen.site, seen.drive, seen.sclk_s) == (629, 5, 60, 722782785.631)
    assert (seen.subframe, seen.scale_factor) == ((65, 33, 512, 384), 4)
    assert isinstance(seen.camera, CAHVOR)
    assert seen.camera.R.tolist() == [0.0, 0.01, 0.0]
    assert seen.site_from_rover is not None
    np.testing.assert_allclose(seen.site_from_rover.apply([1.0, 2.0, 3.0]), [13.0, 21.0, -1.0])
    assert len(read_frames([tmp_path]).observations) == 1


def test_a_label_without_its_image(tmp_path: Path, one_line: Line) -> None:
    path = write(tmp_path, label(), np.zeros((3, 96, 128), np.uint8))
    (tmp_path / "a.IMG").unlink()
    header = reader_for(path).header(path)
    assert (header.path, header.product_id) == (None, "IMAGE_1")
    with pytest.raises(MissingFileError, match="although its label names it") as caught:
        read_observation(path)
    one_line(caught.value)
    with pytest.raises(RecordError, match="label without its image"):
        read_frames([path])


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not XML"),
        ("<a/>", "label of no image|no label of an image"),
        (label().replace("?>\n", "?>\n" + BOMB, 1), "document type or entities"),
        (label().replace("?>\n", "?>\n" + OUTSIDE, 1), "document type or entities"),
        ("<a>" * 200_000, "not XML"),
        (label(name="../a.IMG"), "names '../a.IMG'"),
        (label(name="/etc/hostname"), "names '/etc/hostname'"),
        (label(name=".."), "names '..'"),
        (label((3, 10**9, 10**9)), "1000000000 x 1000000000 px"),
        (label((10**30, 96, 128)), "elements is"),
        (label((3, 96, 128), offset=10**9), "bytes, by its label"),
        (label((2, 96, 128)), "2 bands"),
        (label(kind="ComplexLSB8"), "pixels of type ComplexLSB8"),
        (label().replace(MODEL, ""), "no camera model"),
        (label().replace(COUNTER, "<g:Motion_Counter>"), "site is not known"),
        (label().replace("0.9", "1e999"), "finite number"),
        (label().replace("<g:qcos>0.5", "<g:qcos>7"), "attitude is not a unit quaternion"),
    ],
)
def test_bad_labels(tmp_path: Path, text: str, words: str, one_line: Line) -> None:
    path = write(tmp_path, text, np.ones((3, 96, 128), np.uint8))
    with pytest.raises((RecordError, ImageFileError), match=words) as caught:
        read_observation(path)
    one_line(caught.value)


def test_a_label_of_too_many_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, label() + " " * (2 << 20), np.ones((3, 96, 128), np.uint8))
    with pytest.raises(RecordError, match="more than 2 MB"):
        read_observation(path)


def test_an_image_that_is_a_link_out(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = write(folder, label(), np.ones((3, 96, 128), np.uint8))
    (folder / "a.IMG").rename(tmp_path / "out.IMG")
    (folder / "a.IMG").symlink_to(tmp_path / "out.IMG")
    with pytest.raises(RecordError, match="a link out of its folder"):
        read_observation(path)
