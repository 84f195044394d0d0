"""``stereo3d explain`` end to end on a small simulated scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stereo3d.cli import explain as command
from stereo3d.cli.main import main
from stereo3d.pipeline import Reconstruction, reconstruct
from stereo3d.read import read_scene
from stereo3d.simulate.scene_writer import write_scene
from stereo3d.stereo.disparity import REASON_TEXT, Reason
from stereo3d.stereo.explain import ADVICE


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explain") / "floor"
    write_scene(folder, 5, samples=1, binning=16)
    return folder


@pytest.fixture(scope="module")
def made(scene: Path) -> Reconstruction:
    return reconstruct(read_scene([scene]))


@pytest.fixture
def quick(made: Reconstruction, monkeypatch: pytest.MonkeyPatch) -> Reconstruction:
    """The scene is reconstructed once for all tests of this file."""
    monkeypatch.setattr(command, "reconstruct", lambda *_: made)
    return made


def _first(made: Reconstruction, reason: int) -> str:
    row, column = np.argwhere((made.xyz.reason & reason) > 0)[0]
    return f"{column},{row}"


def test_measured_pixel_is_told_with_its_evidence(
    scene: Path, made: Reconstruction, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a stand-in: from files to text."""
    row, column = np.argwhere(made.xyz.measured & (made.xyz.range_m < 6))[500]
    assert main(["explain", str(scene), "--pixel", f"{column},{row}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"pixel {column},{row}: measured"
    text = "\n".join(lines)
    assert f"{made.xyz.range_m[row, column]:.3f} m \u00b1 {made.xyz.sigma_range_m[row, column]:.3f} m" in text
    for word in ("match  right image", "search", "to infinity", "correlation  best", "contrast", "noise"):
        assert word in text
    assert lines[-1].strip() == "^"
    assert lines[-2][len(lines[-1]) - 1] == max(lines[-2])


def test_hole_is_told_with_its_reason_and_drawn(
    scene: Path, quick: Reconstruction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, reason, kind in (("far.png", Reason.BEYOND_RANGE, "PNG"), ("edge.jpg", Reason.OUTSIDE_OVERLAP, "JPEG")):
        out = tmp_path / name
        pixel = _first(quick, int(reason))
        assert main(["explain", str(scene), "--pixel", pixel, "--picture", str(out)]) == 0
        text = capsys.readouterr().out
        assert text.startswith(f"pixel {pixel}: no XYZ: ")
        assert REASON_TEXT[reason] in text.splitlines()[0]
        assert ADVICE[reason] in text
        assert f"wrote {out}" in text
        with Image.open(out) as image:
            assert (image.format, image.size) == (kind, (1280, 960))
            assert np.asarray(image.convert("L")).std() > 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edge.jpg", "far.png"]


def test_the_answer_is_the_same_with_and_without_a_picture(
    scene: Path, quick: Reconstruction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["explain", str(scene), "--pixel", "100,150"]
    assert main(arguments) == 0
    plain = capsys.readouterr().out
    assert main([*arguments, "--picture", str(tmp_path / "x.png")]) == 0
    assert capsys.readouterr().out.startswith(plain)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pixel", "320,5"], "column 0 to 319, row 0 to 239"),
        (["--pixel", "5,240"], "no pixel 5,240"),
        (["--pixel=-1,5"], "no pixel -1,5"),
        (["--pixel", "5,5", "--picture", "x.bmp"], ".png or .jpg"),
        (["--pixel", "5,5", "--picture", "nowhere/x.png"], "no such folder"),
    ],
)
def test_what_cannot_be_is_one_line_before_the_work(
    scene: Path,
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "reconstruct", lambda *_: pytest.fail("the work was started"))
    monkeypatch.chdir(tmp_path)
    assert main(["explain", str(scene), *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert words in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "5", "5;6", "a,b", "1.5,2", "5,6,7", "9999999,1", "\u0663,4"])
def test_other_forms_of_a_pixel_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["explain", f"--pixel={text}"])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "640,480" in line
