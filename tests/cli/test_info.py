"""stereo3d info: what it prints, against the records and against independent geometry."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stereo3d.camera import CAHV, CAHVOR
from stereo3d.cli.info import facts_of, field_of_view_deg, focal_length_px, horizon_row
from stereo3d.cli.main import main
from stereo3d.frames import Frame
from stereo3d.read import bundled_scene, reader_for

LEFT_1280 = "NLF_1280_0780577966_409ECM_N0600186NCAM00301_01_295J"
LEFT_340 = "NLF_0340_0697121914_417ECM_N0090364NCAM00420_01_195J"
FRAME = Frame.rover(1, 2)


@pytest.fixture(scope="module")
def data() -> Path:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not (folder / "perseverance").is_dir():
        pytest.skip("the real data is not here: ../shared/data/perseverance is absent")
    return folder


def pinhole(width: int, height: int, focal: float) -> CAHV:
    H, V = [(width - 1) / 2, focal, 0.0], [(height - 1) / 2, 0.0, focal]
    return CAHV(FRAME, width, height, np.zeros(3), np.array([1.0, 0, 0]), np.array(H), np.array(V))


def test_field_of_view_and_focal_length_of_a_pinhole() -> None:
    camera = pinhole(200, 100, 100.0)
    assert focal_length_px(camera) == pytest.approx([100.0, 100.0])
    # Edges of the frame, not centres of the outermost pixels: half the width over the focal length.
    assert field_of_view_deg(camera) == pytest.approx((90.0, math.degrees(2 * math.atan(0.5))))


def test_field_of_view_where_the_model_has_no_ray_is_not_known() -> None:
    c = pinhole(200, 100, 100.0)
    folding = CAHVOR(FRAME, 200, 100, c.C, c.A, c.H, c.V, c.A, np.array([0.0, -0.5, 0.0]))
    across, down = field_of_view_deg(folding)
    assert across is None
    assert down is not None


def test_whole_sensor_pair(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json", str(data / "perseverance" / f"{LEFT_1280}.png")]) == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert facts["product_id"] == LEFT_1280
    assert (facts["mission"], facts["instrument"], facts["eye"]) == ("Mars 2020", "NAVCAM_LEFT", "left")
    assert (facts["sol"], facts["site"], facts["drive"]) == (1280, 60, 186)
    assert facts["taken_utc"] == "2024-09-25T23:29:17.666"
    assert facts["sclk_s"] == 780577967.151
    assert (facts["width_px"], facts["height_px"], facts["channels"]) == (1280, 960, 3)
    assert (facts["subframe"], facts["scale_factor"]) == ([1, 1, 5120, 3840], 4)
    assert (facts["camera_model"], facts["pupil_type"]) == ("CAHVORE", 2)
    assert facts["camera_position_m"] == [0.947337, 0.346457, -1.90383]
    assert facts["rover_position_site_m"] == [-21.7131, -24.4111, -7.63124]
    assert (facts["mast_azimuth_deg"], facts["mast_elevation_deg"]) == (-0.101667, -30.0973)
    assert facts["partner"] == LEFT_1280.replace("NLF", "NRF") + ".png"
    # Maki et al. 2020: 96 x 73 degrees; a quarter of the whole sensor's 2958 px.
    assert facts["field_of_view_deg"] == pytest.approx([96, 73], abs=1.0)
    assert facts["focal_length_px"] == pytest.approx([740, 740], abs=3)


def test_pointing_is_that_of_the_feeds_camera_vector(data: Path) -> None:
    """The record's own direction of the middle of the frame, turned by its quaternion by hand."""
    path = data / "perseverance" / f"{LEFT_1280}.png"
    facts = facts_of(reader_for(path).header(path))
    record = json.loads(path.with_suffix(".json").read_text())
    v = np.array([float(t) for t in record["camera"]["camera_vector"].strip("()").split(",")])
    w, *u = (float(t) for t in record["attitude"].strip("()").split(","))
    turned = v + 2 * np.cross(u, np.cross(u, v) + w * v)
    azimuth = math.degrees(math.atan2(turned[1], turned[0])) % 360
    # camera_vector is half a pixel (0.04 degrees) off the middle.
    assert facts["azimuth_deg"] == pytest.approx(azimuth, abs=0.08)
    assert facts["elevation_deg"] == pytest.approx(math.degrees(math.asin(-turned[2])), abs=0.08)


def test_horizon_is_where_points_at_eye_level_far_away_project(data: Path) -> None:
    path = data / "perseverance" / f"{LEFT_340}.png"
    header = reader_for(path).header(path)
    row = horizon_row(header)
    assert row is not None
    # By eye in the picture: the plain ends between rows 780 and 800 of 968.
    assert 780 < row < 800
    assert header.site_from_rover is not None
    azimuth = np.radians(np.arange(0, 360, 0.01))
    level = np.stack([np.cos(azimuth), np.sin(azimuth), np.zeros_like(azimuth)], axis=1)
    far = header.camera.C + 1e6 * header.site_from_rover.inverse().rotate(level)
    pixels = header.camera.project(far)
    nearest = pixels[np.nanargmin(np.abs(pixels[:, 0] - (header.camera.width - 1) / 2))]
    assert row == pytest.approx(nearest[1], abs=0.1)


def test_all_real_images_and_the_folder(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json", str(data / "perseverance")]) == 0
    everything = json.loads(capsys.readouterr().out)
    entries = [facts for facts in everything if facts["file"] is not None]
    assert len(entries) == 18
    # The folder holds a PDS4 label too, without its image.
    assert [facts["product_id"] for facts in everything if facts["file"] is None] == [
        "NLF_0629_0722782785_631ECM_N0301344NCAM00427_06_095J01"
    ]
    for facts in entries:
        assert facts["partner"] is not None
        swap = next(e for e in entries if e["file"].endswith(facts["partner"]))
        assert facts["file"].endswith(swap["partner"])
        assert {facts["eye"], swap["eye"]} == {"left", "right"}
        assert facts["field_of_view_deg"][0] * facts["focal_length_px"][0] == pytest.approx(71_000, rel=0.06)
    assert all(e["channels"] == 3 for e in entries)
    done = [e for e in entries if e["processing"]]
    assert [(e["product_id"][:8], e["processing"]) for e in done] == [
        ("NRE_0060", ["debayered here from a raw mosaic, RGGB"])
    ]


def test_records_alone(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [data / "calib" / n for n in ("msl_raw_image_items_record.json", "m20_early_feed_order_sol2.json")]
    assert main(["info", *map(str, files)]) == 0
    text = capsys.readouterr().out
    assert text.count("this is a record without its image") == 3
    assert "CAHVOR, at (0.940, 0.755, -1.845) m in ROVER_NAV(85, 0)" in text
    assert "MSL, NAV_LEFT_B, left eye, product type EDR" in text
    assert "CAHV, at (1.018, 0.663, -1.846) m" in text
    assert "CAHVORE, pupil type 2, at (-1.058, -0.466, -0.725) m in ROVER_NAV(1, 52)" in text
    assert "pointing    not known, the record has no attitude; mast at 90.47, -46.91 deg" in text
    assert main(["info", "--json", *map(str, files)]) == 0
    first, second, _ = json.loads(capsys.readouterr().out)
    assert first["rover_position_site_m"] is None
    assert first["azimuth_deg"] is not None
    assert second["azimuth_deg"] is None


def test_published_models_are_no_records(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(data / "calib" / "m2020-camera-models.json")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "names no image; expected a record of the raw feed" in err


@pytest.mark.parametrize("folder", [False, True])
def test_bundled_scene(folder: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", *([str(bundled_scene())] if folder else [])]) == 0
    text = capsys.readouterr().out
    assert "simulated: rendered from a made-up world, not taken on Mars" in text
    assert text.count("\n  partner ") == 12
    assert "not found" not in text
    assert "simulated, NAVCAM_LEFT, left eye" in text


def test_a_lonely_image_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = next(bundled_scene().glob("*LEFT*.webp"))
    for file in (left, left.with_suffix(".json")):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert main(["info", str(tmp_path / left.name)]) == 0
    assert "partner     not found beside it" in capsys.readouterr().out


def test_terminal_escapes_in_names_are_not_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = next(bundled_scene().glob("*LEFT*.webp"))
    (tmp_path / "a\x1b[31m.webp").write_bytes(left.read_bytes())
    (tmp_path / "a\x1b[31m.json").write_bytes(left.with_suffix(".json").read_bytes())
    assert main(["info", str(tmp_path / "a\x1b[31m.webp")]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "a [31m.webp" in out


def test_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(tmp_path)]) == 2
    assert "the folder holds no images" in capsys.readouterr().err


def test_info_loads_nothing_heavy() -> None:
    code = (
        "import sys, stereo3d.cli.info; print([m for m in ('cv2', 'trimesh', 'pyvista', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
