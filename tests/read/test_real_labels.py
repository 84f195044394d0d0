"""Real images of the archives: what is read is compared with what a person reads in their labels.

The numbers here were typed from the labels' text.  Where a label gives the azimuth and elevation of its own camera in
the SITE frame, they check model, attitude and frames against each other.
"""

from pathlib import Path

import numpy as np
import pytest

from stereo3d.camera import CAHVOR, CAHVORE
from stereo3d.observation import Eye
from stereo3d.read import Header, read_frames, read_observation, reader_for

P0706 = {
    "491020376": (-19.2395, -2.69079, 90.0019, -17.0036, (0.442604, -0.0611635, -1.25106), (884.72, 981.763, 24.1472)),
    "491020519": (14.8404, -8.39858, 126.005, -17.0142, (0.508813, -0.0504884, -1.24881), (177.872, 1307.64, 74.9286)),
    "491021154": (164.358, -31.1421, -90.0045, -17.0022, (0.397161, 0.133421, -1.22527), (-750.774, -1055.11, 265.058)),
}
"""Clock of each frame: azimuth and elevation in the rover and in the site frame (upwards positive), C, H."""


def opportunity(data: Path, clock: str) -> Path:
    return data / "opportunity" / f"1N{clock}ILFCNY9P0706L0M1.IMG"


def direction_site(header: Header) -> tuple[float, float]:
    """Azimuth and elevation of the ray through the middle of the frame, degrees, in the SITE frame."""
    assert header.site_from_rover is not None
    camera = header.camera
    ray = header.site_from_rover.rotate(camera.ray([(camera.width - 1) / 2, (camera.height - 1) / 2])[1])
    return float(np.degrees(np.arctan2(ray[1], ray[0]))), float(np.degrees(np.arcsin(-ray[2])))


@pytest.mark.parametrize("clock", P0706)
def test_opportunity_by_eye(data: Path, clock: str) -> None:
    azimuth, elevation, site_azimuth, site_elevation, c, h = P0706[clock]
    path = opportunity(data, clock)
    header = reader_for(path).header(path)
    assert (header.mission, header.instrument, header.eye) == ("MER-B", "NAVCAM_LEFT", Eye.LEFT)
    assert (header.sol, header.site, header.drive) == (4087, 195, 973)
    assert (header.subframe, header.scale_factor) == ((1, 1, 1024, 1024), 1)
    assert (header.mast_azimuth_deg, header.mast_elevation_deg) == (azimuth, elevation)
    assert isinstance(header.camera, CAHVOR)
    assert tuple(header.camera.C) == c
    assert tuple(header.camera.H) == h
    assert header.camera.R.tolist() == [0.00096, -0.002183, 0.018547]
    assert header.site_from_rover is not None
    assert header.site_from_rover.translation.tolist() == [73.9193, 65.9703, 6.56288]
    # The quaternion (0.580525, 0.0333603, -0.128929, 0.803278): elements of the matrix worked out by hand.
    w, x, y, z = 0.580525, 0.0333603, -0.128929, 0.803278
    assert header.site_from_rover.rotation[0, 0] == pytest.approx(1 - 2 * (y * y + z * z), abs=1e-5)
    assert header.site_from_rover.rotation[1, 0] == pytest.approx(2 * (x * y + w * z), abs=1e-5)
    assert header.site_from_rover.rotation[2, 0] == pytest.approx(2 * (x * z - w * y), abs=1e-5)
    # The label's own direction is of the mast's, which the camera follows to half a degree.
    seen = direction_site(header)
    assert (seen[0] - site_azimuth + 180) % 360 - 180 == pytest.approx(0, abs=0.6)
    assert seen[1] == pytest.approx(site_elevation, abs=0.6)


def test_opportunity_pixels(data: Path) -> None:
    """The label's own statistics of its pixels: MINIMUM, MAXIMUM, MEAN, MEDIAN, STANDARD_DEVIATION."""
    seen = read_observation(opportunity(data, "491020376"))
    pixels = seen.image.pixels
    assert (pixels.dtype, pixels.shape, seen.image.valid.all()) == (np.uint16, (1024, 1024), True)
    assert (pixels.min(), pixels.max(), np.median(pixels)) == (517, 4029, 1427)
    assert pixels.mean() == pytest.approx(1421.71, abs=0.005)
    assert pixels.std(ddof=1) == pytest.approx(229.465, abs=0.001)
    assert (seen.sclk_s, seen.taken_utc) == (491020376.621, "2015-07-24T14:28:03.539")


def test_opportunity_panorama_is_one_scene(data: Path) -> None:
    files = sorted((data / "opportunity").glob("1N*.IMG"))
    scene = read_frames(files[::-1])
    azimuths = [o.mast_azimuth_deg for o in scene.observations]
    assert [round(a) for a in azimuths if a is not None] == [-19, 15, 85, 124, 164]
    assert (scene.pairs, scene.notes, scene.simulated) == ((), (), False)


def test_opportunity_hazcam_by_eye(data: Path) -> None:
    seen = read_observation(data / "opportunity" / "1F483288473EFFCMUFP1214L0M1.IMG")
    c = seen.camera
    assert isinstance(c, CAHVORE)
    assert c.C.tolist() == [0.609331, -0.041064, -0.233849]
    assert c.A.tolist() == [0.703447, -0.005161, 0.710729]
    assert c.H.tolist() == [351.362, 452.204, 353.494]
    assert c.V.tolist() == [35.8065, -1.75143, 682.705]
    assert c.O.tolist() == [0.704402, -0.006062, 0.709775]
    assert c.R.tolist() == [3e-06, -0.012015, -0.007525]
    assert c.E.tolist() == [0.001442, 0.001522, 0.000483]
    assert (c.pupil_type, c.linearity) == (3, 0.37)
    assert (seen.instrument, seen.eye, seen.sol, seen.site, seen.drive) == (
        "FRONT_HAZCAM_LEFT",
        Eye.LEFT,
        4000,
        194,
        835,
    )
    assert (seen.mast_azimuth_deg, seen.mast_elevation_deg) == (None, None)


@pytest.mark.parametrize(
    ("name", "c", "v", "r", "place", "mast", "site"),
    [
        (
            "NLB_540789543EDR_F0610924NCAM00207M1",
            [0.80757, 0.322429, -1.84378],
            [-516.53, 236.564, 1195.65],
            [0.0, 0.000113419, 0.00639801],
            (1614, 61, 924, 540789543.419),
            (-24.41, -48.1447),
            None,
        ),
        (
            "NRB_701383954RAS_F0933408NCAM00200M1",
            [0.953083, 0.737269, -1.83989],
            [-588.816, 157.005, 1176.66],
            [1.35787e-05, 0.00183074, -0.0057552],
            (3423, 93, 3408, 701383954.419),
            (-14.214, -50.0848),
            (141.721, -39.482),
        ),
    ],
)
def test_curiosity_by_eye(
    data: Path, name: str, c: list, v: list, r: list, place: tuple, mast: tuple, site: tuple | None
) -> None:
    path = data / "curiosity" / f"{name}.IMG"
    header = reader_for(path).header(path)
    assert isinstance(header.camera, CAHVOR)
    assert (header.camera.C.tolist(), header.camera.V.tolist(), header.camera.R.tolist()) == (c, v, r)
    assert (header.product_id, header.mission, header.eye.name[0]) == (name, "MSL", name[1])
    assert (header.sol, header.site, header.drive, header.sclk_s) == place
    assert (header.mast_azimuth_deg, header.mast_elevation_deg) == pytest.approx(mast, abs=1e-9)
    if site is not None:
        assert direction_site(header) == pytest.approx(site, abs=0.01)


def test_insight_by_eye(data: Path) -> None:
    path = data / "insight" / "D001L0040_600081076EDR_F0002_0010M2.VIC"
    seen, header = read_observation(path), reader_for(path).header(path)
    c = seen.camera
    assert isinstance(c, CAHVOR)
    assert c.C.tolist() == [0.960073, 0.0711001, -0.238974]
    assert c.A.tolist() == [0.522497, -0.0579936, 0.850161]
    assert c.H.tolist() == [420.428, 1191.28, 423.366]
    assert c.V.tolist() == [-768.547, 106.531, 1084.65]
    assert c.O.tolist() == [0.544376, -0.0140342, 0.838211]
    assert c.R.tolist() == [0.002547, 0.003112, 0.00663]
    assert (seen.mission, seen.instrument, seen.eye) == ("InSight", "IDC", Eye.NONE)
    assert (seen.sol, seen.site, seen.drive, seen.sclk_s) == (40, 1, 0, 600081076.41282)
    # Its label: SAMPLE_BIT_MODE_ID LUT0 and 8 bits, so the 12 bits of the sensor are restored.
    assert (seen.image.pixels.dtype, seen.image.pixels.shape) == (np.uint16, (1024, 1024, 3))
    assert seen.processing == ("decompanded by LUT0: 8 bits to 0 ... 4095",)
    assert (seen.mast_azimuth_deg, seen.taken_utc) == (None, "2019-01-06T21:11:46.509")
    # The label: azimuth 178.812, elevation -60.9945 in the site frame.
    assert direction_site(header) == pytest.approx((178.812, -60.9945), abs=0.01)


def test_perseverance_pds4_label_by_eye(data: Path) -> None:
    path = data / "perseverance" / "NLF_0629_pds4_label.xml"
    header = reader_for(path).header(path)
    c = header.camera
    assert isinstance(c, CAHVORE)
    assert c.C.tolist() == [0.955584, 0.764515, -1.95254]
    assert c.A.tolist() == [-0.35631, 0.916392, 0.182443]
    assert c.H.tolist() == [-3229.43, 141.993, 229.563]
    assert c.V.tolist() == [-168.067, 400.716, 3088.89]
    assert c.O.tolist() == [-0.357624, 0.915861, 0.182539]
    assert c.R.tolist() == [1.736e-06, 0.0501396, -0.0171254]
    assert c.E.tolist() == [-8e-09, 1e-08, -2.9e-08]
    assert (c.pupil_type, c.linearity, c.width, c.height) == (2, 0.0, 1296, 976)
    assert header.product_id == "NLF_0629_0722782785_631ECM_N0301344NCAM00427_06_095J01"
    assert (header.mission, header.instrument, header.eye) == ("Mars 2020", "NAVCAM_LEFT", Eye.LEFT)
    assert (header.sol, header.site, header.drive, header.sclk_s) == (629, 30, 1344, 722782785.631)
    assert (header.mast_azimuth_deg, header.mast_elevation_deg) == (110.554, -10.0659)
    assert (header.subframe, header.scale_factor) == ((1273, 953, 1296, 976), 1)
    assert (header.taken_utc, header.path) == ("2022-11-27T01:08:36.002", None)
    assert header.site_from_rover is not None
    assert header.site_from_rover.translation.tolist() == [94.6281, -118.938, -7.51133]
    # The middle of the whole sensor, 5120 x 3840, in this tile's pixels: the label has it at azimuth -50.247 and
    # elevation -7.87312 in the site frame, 110.554 and -10.0659 in the rover.
    middle = c.ray([(5120 - 1) / 2 - 1272, (3840 - 1) / 2 - 952])[1]
    for ray, (azimuth, elevation) in (
        (middle, (110.554, -10.0659)),
        (header.site_from_rover.rotate(middle), (-50.247, -7.87312)),
    ):
        assert np.degrees(np.arctan2(ray[1], ray[0])) == pytest.approx(azimuth, abs=0.05)
        assert np.degrees(np.arcsin(-ray[2])) == pytest.approx(elevation, abs=0.05)
