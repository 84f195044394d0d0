"""Real records: what is read is compared with what a person reads in the JSON, and with the feed's own geometry."""

import json
from pathlib import Path

import numpy as np
import pytest

from stereo3d.camera import CAHV, CAHVOR, CAHVORE
from stereo3d.observation import Eye
from stereo3d.read import read_observation, read_scene
from stereo3d.read.raw_feed import header_of_record
from stereo3d.read.records import Fields, load_records

SHOTS = {
    "0060": "NLF_0060_0672265209_237EBY_N0032046NCAM00410_00_0LLJ",
    "0340": "NLF_0340_0697121914_417ECM_N0090364NCAM00420_01_195J",
    "0395": "NLF_0395_0702014201_058ECM_N0171064NCAM03395_01_195J",
    "0718": "NLF_0718_0730679543_043ECM_N0342098NCAM03717_01_195J",
    "0755": "NLF_0755_0733967989_005ECM_N0372562NCAM03755_01_195J",
    "0903": "NLF_0903_0747115033_395ECM_N0441012NCAM03903_01_195J",
    "1110-01": "NLF_1110_0765465872_675ECM_N0512578NCAM13109_01_195J",
    "1110-04": "NLF_1110_0765465872_675ECM_N0512578NCAM13109_04_195J",
    "1280": "NLF_1280_0780577966_409ECM_N0600186NCAM00301_01_295J",
}


@pytest.mark.parametrize("shot", SHOTS)
def test_pair_is_found_from_its_left_image(data: Path, shot: str) -> None:
    scene = read_scene([data / "perseverance" / f"{SHOTS[shot]}.png"])
    assert len(scene.pairs) == 1
    pair = scene.pairs[0]
    assert pair.left.product_id == SHOTS[shot] == scene.name
    assert not scene.simulated
    # The rig's baseline: 0.4244 m (the published models), the right eye on the right as seen by the left.
    toward = pair.right.camera.C - pair.left.camera.C
    assert np.linalg.norm(toward) == pytest.approx(0.4244, abs=2e-4)
    assert np.cross(toward, pair.left.camera.A)[2] < 0


@pytest.mark.parametrize("shot", SHOTS)
@pytest.mark.parametrize("eye", ["left", "right"])
def test_model_agrees_with_the_feeds_own_direction(data: Path, shot: str, eye: str) -> None:
    """The feed's camera_vector is the ray of the linear part through (width / 2, height / 2): checks A, H, V, order."""
    pair = read_scene([data / "perseverance" / f"{SHOTS[shot]}.png"]).pairs[0]
    seen = getattr(pair, eye)
    c = seen.camera
    assert isinstance(c, CAHVORE)
    record = json.loads(Path(seen.path).with_suffix(".json").read_text())
    vector = np.array(json.loads(record["camera"]["camera_vector"].replace("(", "[").replace(")", "]")))
    linear = CAHV(c.frame, c.width, c.height, c.C, c.A, c.H, c.V)
    np.testing.assert_allclose(linear.ray([c.width / 2, c.height / 2])[1], vector, atol=1e-6)


def test_sol_755_left_by_eye(data: Path) -> None:
    seen = read_observation(data / "perseverance" / f"{SHOTS['0755']}.png")
    assert (seen.mission, seen.instrument, seen.eye) == ("Mars 2020", "NAVCAM_LEFT", Eye.LEFT)
    assert (seen.sol, seen.site, seen.drive, seen.sclk_s) == (755, 37, 2562, 733967990.571)
    assert seen.image.pixels.shape == (968, 1288, 3)
    assert seen.image.pixels.dtype == np.uint8
    assert seen.image.valid.all()
    assert (seen.subframe, seen.scale_factor) == ((1, 1, 2576, 1936), 2)
    assert (seen.mast_azimuth_deg, seen.mast_elevation_deg) == (-0.0691771, -34.6055)
    assert seen.taken_utc == "2023-04-05T12:10:09.115"
    c = seen.camera
    assert isinstance(c, CAHVORE)
    assert c.C.tolist() == [0.945932, 0.346594, -1.89281]
    assert c.A.tolist() == [0.81855, 0.0108579, 0.574347]
    assert c.H.tolist() == [1045.58, 1493.23, 740.005]
    assert c.V.tolist() == [-54.533, 5.08143, 1768.37]
    assert c.O.tolist() == [0.818474, 0.0122737, 0.574426]
    assert c.R.tolist() == [1.736e-06, 0.0501396, -0.0171254]
    assert c.E.tolist() == [-8e-09, 1e-08, -2.9e-08]
    assert (c.pupil_type, c.linearity) == (2, 0.0)
    assert seen.site_from_rover is not None
    assert seen.site_from_rover.translation.tolist() == [64.6588, -376.302, -13.4167]
    # Quaternion (0.720617, ..., -0.688721): a heading of 2 atan2(-0.6887, 0.7206) = -87.4 degrees, X points west.
    forward = seen.site_from_rover.rotate([1.0, 0.0, 0.0])
    assert np.degrees(np.arctan2(forward[1], forward[0])) == pytest.approx(-87.4, abs=0.5)


def test_a_raw_bayer_mosaic_is_read_in_the_colours_of_its_partner(data: Path) -> None:
    pair = read_scene([data / "perseverance" / f"{SHOTS['0060']}.png"]).pairs[0]
    assert pair.left.image.pixels.shape == (976, 1296, 3)
    assert pair.right.image.pixels.shape == (976, 1296, 3)
    assert pair.left.processing == ()
    assert pair.right.processing[0] == "debayered here from a raw mosaic, RGGB"
    medians = [np.median(eye.image.pixels.reshape(-1, 3), axis=0) for eye in (pair.left, pair.right)]
    np.testing.assert_allclose(medians[1], medians[0], atol=2)
    assert pair.right.product_id == "NRE_0060_0672265209_237ECM_N0032046NCAM00410_00_0LLJ"


def test_a_tile_finds_its_own_partner(data: Path) -> None:
    for tile in ("01", "04"):
        pair = read_scene([data / "perseverance" / f"{SHOTS['1110-' + tile]}.png"]).pairs[0]
        assert pair.right.product_id.endswith(f"_{tile}_195J")
        assert pair.right.subframe == pair.left.subframe


def test_early_order_by_eye(data: Path) -> None:
    (fields,) = load_records(data / "calib" / "m20_early_feed_order_sol2.json")
    header = header_of_record(fields)
    c = header.camera
    assert isinstance(c, CAHVORE)
    assert c.C.tolist() == [-1.05782, -0.466472, -0.724517]
    assert c.A.tolist() == [-0.702572, 0.0113481, 0.711523]
    assert c.H.tolist() == [-448.981, -528.002, 453.359]
    assert c.V.tolist() == [46.176, 2.97867, 720.521]
    assert c.O.tolist() == [-0.701049, 0.00940617, 0.713051]
    assert c.R.tolist() == [8.39e-06, 0.0168764, -0.00743155]
    assert c.E.tolist() == [-0.00878744, -0.00869157, -0.00676256]
    assert c.pupil_type == 2
    assert (header.instrument, header.eye, header.sol, header.site, header.drive) == (
        "REAR_HAZCAM_RIGHT",
        Eye.RIGHT,
        2,
        1,
        52,
    )
    assert (c.width, c.height, header.scale_factor) == (1280, 960, 4)
    assert (header.mast_azimuth_deg, header.mast_elevation_deg) == (None, None)


def test_both_orders_are_one_model(data: Path) -> None:
    """The later order of the same components gives the same camera."""
    (fields,) = load_records(data / "calib" / "m20_early_feed_order_sol2.json")
    t, p, v, o, r, e, c, a, h = str(fields.values["camera_model_component_list"]).split(";")
    later = Fields(fields.file, {**fields.values, "camera_model_component_list": ";".join([c, a, h, v, o, r, e, t, p])})
    one, two = header_of_record(fields).camera, header_of_record(later).camera
    np.testing.assert_array_equal(one.ray([100.0, 200.0]), two.ray([100.0, 200.0]))


def test_curiosity_records_by_eye(data: Path) -> None:
    first, second = map(header_of_record, load_records(data / "calib" / "msl_raw_image_items_record.json"))
    c = first.camera
    assert isinstance(c, CAHVOR)
    assert c.C.tolist() == [0.939641, 0.75466, -1.84547]
    assert c.O.tolist() == [-0.340075, 0.596885, 0.726678]
    assert c.R.tolist() == [0.0, 0.000114235, 0.00639706]
    assert (c.width, c.height, first.subframe) == (1024, 1024, (1, 1, 1024, 1024))
    assert (first.mission, first.eye, first.sol, first.site, first.drive) == ("MSL", Eye.LEFT, 3000, 85, 0)
    assert first.sclk_s == 663825389.0
    assert (first.mast_azimuth_deg, first.mast_elevation_deg) == (119.969, -47.0461)
    assert first.taken_utc == "2021-01-13T16:40:35.000"
    # An attitude without a position: the rotation is known, where the rover stands is not.
    assert first.site_from_rover is not None
    assert np.isnan(first.site_from_rover.translation).all()
    assert first.site_from_rover.rotation[0, 0] == pytest.approx(0.8768, abs=1e-3)
    # The second one lists C;A;H;V only, and neither attitude nor size.
    c = second.camera
    assert type(c) is CAHV
    assert c.V.tolist() == [-0.293737, -542.331, 1207.8]
    assert (c.width, c.height, second.site_from_rover, second.subframe) == (1024, 1024, None, None)
