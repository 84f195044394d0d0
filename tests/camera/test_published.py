"""The published cameras of calib/ load, in the frames they were published in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from stereo3d.camera import CAHV, CAHVOR, CAHVORE, published
from stereo3d.camera.published import RSM_HEAD, calib_file, published_camera, published_names
from stereo3d.errors import FrameMismatchError, MissingFileError, RecordError
from stereo3d.frames import Frame


def test_all_cameras_load_as_their_kind_and_see_their_own_middle() -> None:
    kinds = {"NAVL": CAHVORE, "NAVR": CAHVORE, "HAZFLA": CAHVORE, "MCAM_Z_LEFT-Z034": CAHVOR, "SuperCam": CAHV}
    assert set(kinds) < set(published_names())
    assert len(published_names()) == 27
    for name in published_names():
        camera = published_camera(name)
        assert isinstance(camera, kinds.get(name, object))
        middle = np.array([camera.width, camera.height]) / 2
        origin, direction = camera.ray(middle)
        assert direction @ camera.A > 0.7  # SuperCam's published A is 40 degrees off its line of sight
        np.testing.assert_allclose(camera.project(origin + 10.0 * direction), middle, atol=1e-2)


def test_navcams_are_in_the_mast_head_half_a_baseline_to_either_side() -> None:
    left, right = published_camera("NAVL"), published_camera("NAVR")
    assert left.frame == right.frame == RSM_HEAD == Frame("Body_RSM_EL")
    assert (left.width, left.height) == (5120, 3840)
    assert np.linalg.norm(left.C - right.C) == pytest.approx(0.4244, abs=1e-4)
    assert left.C[1] < 0 < right.C[1]  # Y is right


def test_hazcams_may_be_asked_for_in_the_rovers_own_frame() -> None:
    rover = Frame.rover(37, 2562)
    hazcam = published_camera("HAZFLA", rover)
    assert hazcam.frame == rover
    np.testing.assert_array_equal(hazcam.C, published_camera("HAZFLA").C)
    assert published_camera("HAZFLA").frame == Frame("Body_Chassis")
    assert published_camera("NAVL", Frame("Body_RSM_EL", (1, 2))).frame == Frame("Body_RSM_EL", (1, 2))


@pytest.mark.parametrize("name", ["NAVL", "WATSON", "SuperCam"])
def test_a_model_is_never_relabelled_to_another_frame(name: str) -> None:
    with pytest.raises(FrameMismatchError, match=f"the published model of {name} is in"):
        published_camera(name, Frame.rover(1, 2))
    with pytest.raises(FrameMismatchError):
        published_camera("HAZFLA", Frame.site(1))


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(RecordError, match=r"no published camera 'NAVCAM'; expected HAZFLA, .*NAVL"):
        published_camera("NAVCAM")


def test_data_come_from_the_installed_package_before_the_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert calib_file("m2020_cameras.json").parent.name in ("calib", "_calib")
    package = tmp_path / "lib" / "stereo3d"
    (package / "camera").mkdir(parents=True)
    monkeypatch.setattr(published, "__file__", str(package / "camera" / "published.py"))
    with pytest.raises(MissingFileError, match=r"mast\.json: the calibration data are not installed"):
        calib_file("mast.json")
    (tmp_path / "lib" / "calib").mkdir()
    (tmp_path / "lib" / "calib" / "mast.json").touch()
    assert calib_file("mast.json") == tmp_path.resolve() / "lib" / "calib" / "mast.json"
    (package / "_calib").mkdir()
    (package / "_calib" / "mast.json").touch()
    assert calib_file("mast.json") == package.resolve() / "_calib" / "mast.json"


def test_the_numbers_are_the_published_ones(shared_data: Path) -> None:
    theirs = json.loads((shared_data / "calib" / "m2020-camera-models.json").read_text())
    assert [c["name"] for c in theirs] == list(published_names())
    for entry in theirs:
        camera, model = published_camera(entry["name"]), entry["model"]
        assert type(camera).__name__ == model["type"].upper()
        assert camera.frame.kind == entry["frame"]
        assert (camera.width, camera.height) == (model["width"], model["height"])
        for name in "CAHVORE"[: len(type(camera).__name__)]:
            np.testing.assert_array_equal(getattr(camera, name), model[name])
        if isinstance(camera, CAHVORE):
            assert (camera.pupil_type, camera.linearity) == (model["pupilType"], model["linearity"])
