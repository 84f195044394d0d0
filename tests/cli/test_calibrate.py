"""``stereo3d calibrate``, and ``--calibration`` of the commands that read images."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from stereo3d.cli.main import main
from stereo3d.read import read_observation
from stereo3d.simulate.flat_frames import flat_frames, known_flat


def written(folder: Path, count: int) -> Path:
    """``count`` frames of both eyes as 16-bit PNG with records; the right eye's are the left eye's."""
    folder.mkdir()
    for frame in flat_frames(count, 4, known_flat(1, 0.0)):
        c = frame.camera
        for eye in ("LEFT", "RIGHT"):
            name = f"{frame.product_id}_{eye}"
            PIL.Image.fromarray(frame.image.pixels).save(folder / f"{name}.png")
            vectors = ";".join(
                "(" + ",".join(f"{v:.9g}" for v in np.round(getattr(c, k), 9)) + ")" for k in "CAHV"
            )  # fmt: skip
            record = {
                "imageid": name, "sol": frame.sol, "site": 1, "drive": str(frame.drive), "mission": "simulated",
                "attitude": "(1,0,0,0)", "date_taken_utc": frame.taken_utc, "sample_type": "Full",
                "camera": {
                    "instrument": f"NAVCAM_{eye}", "camera_model_type": "CAHV", "camera_model_component_list": vectors
                },
                "extended": {
                    "sclk": f"{frame.sclk_s}", "dimension": "(320,240)", "subframeRect": "(1,1,320,240)",
                    "scaleFactor": "1", "xyz": "(0,0,0)",
                },
            }  # fmt: skip
            (folder / f"{name}.json").write_text(json.dumps(record))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("many") / "frames", 9)


def test_a_file_is_written_and_used(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "left.json"
    assert main(["calibrate", str(folder), "--eye", "left", "-o", str(file)]) == 0
    out = capsys.readouterr().out
    assert "NAVCAM_LEFT (simulated), linear: 9 frames, 9 pointings" in out
    assert "fixed pattern: none told apart from chance" in out
    # True: the first corner gets 0.38 of the centre's light.
    share = float(re.search(r"fall-off: ([\d.]+)%", out).group(1))  # type: ignore[union-attr]
    assert share == pytest.approx(100 * known_flat(1, 0.0)[0, 0], abs=4)
    first = file.read_bytes()
    assert main(["calibrate", str(folder), "--eye", "left", "-o", str(file)]) == 0
    assert file.read_bytes() == first
    capsys.readouterr()
    # Frames over the horizon, of one stop each: the panorama of one of them.
    frame = folder / "FLAT_0003_LEFT.png"
    assert read_observation(frame).image.pixels.dtype == np.uint16
    options = ["--no-refine", "--no-stereo", "--width", "200", "--no-cache"]
    for name, more in (("plain.png", []), ("even.png", ["--calibration", str(file)])):
        assert main(["panorama", str(frame), "-o", str(tmp_path / name), *options, *more]) == 0
    plain, even = (np.asarray(PIL.Image.open(tmp_path / n)).astype(float) for n in ("plain.png", "even.png"))
    assert plain.shape == even.shape
    assert np.abs(plain - even).max() > 10


def test_another_cameras_calibration_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "left.json"
    assert main(["calibrate", str(folder), "--eye", "left", "-o", str(file)]) == 0
    capsys.readouterr()
    image = str(folder / "FLAT_0003_RIGHT.png")
    assert main(["panorama", image, "-o", str(tmp_path / "p.png"), "--calibration", str(file)]) == 2
    assert "the images are of NAVCAM_RIGHT of simulated, linear" in capsys.readouterr().err
    assert not (tmp_path / "p.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{}"], "the frames are of 2 cameras"),
        (["{}/FLAT_0001_LEFT.png"], "1 usable pointings of NAVCAM_LEFT"),
        (["{}/FLAT_0001_LEFT.png", "--eye", "right"], "hold no frame of the right eye"),
        (["{}/none.png"], "no such file or folder"),
    ],
)
def test_what_does_not_do_is_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    file = tmp_path / "c.json"
    assert main(["calibrate", *(a.format(folder) for a in arguments), "-o", str(file)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not file.exists()


def test_a_damaged_file_that_was_named_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = sorted(folder.glob("*LEFT.png"))[0]
    damaged = tmp_path / image.name
    damaged.write_bytes(image.read_bytes()[:2000])
    damaged.with_suffix(".json").write_bytes(image.with_suffix(".json").read_bytes())
    assert main(["calibrate", str(damaged), "-o", str(tmp_path / "c.json")]) == 2
    assert f"{damaged}: cannot be decoded" in capsys.readouterr().err
    assert not (tmp_path / "c.json").exists()


def test_only_json_is_written(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(folder), "-o", str(tmp_path / "c.tif")]) == 2
    assert "expected a .json file" in capsys.readouterr().err


def test_the_real_frames_do_not_determine_a_flat_field(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(p) for p in sorted((shared_data / "opportunity").glob("1N*"))]
    assert main(["calibrate", *files, "-o", str(tmp_path / "c.json")]) == 2
    assert "5 usable pointings of NAVCAM_LEFT: too few" in capsys.readouterr().err
