"""stereo3d view: what becomes of the arguments, with and without a display."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image as Pil

from stereo3d.cli import main as command_line
from stereo3d.cli import view
from stereo3d.errors import MissingLibraryError, PairError, Stereo3dError
from stereo3d.view.gl import has_display


@pytest.fixture(scope="module")
def made_up():
    """The made-up ground of the view tests."""
    path = Path(__file__).parents[1] / "view" / "conftest.py"
    spec = importlib.util.spec_from_file_location("made_up_ground", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_reconstruction()


@pytest.fixture
def asked(monkeypatch, made_up, tmp_path):
    """Runs in an empty folder, without a display; records what was asked to be measured."""
    calls = []

    def measure(args, check):
        check([SimpleNamespace(observations=made_up.observations)])
        calls.append(args)
        return made_up

    monkeypatch.setattr(view, "measure", measure)
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    return calls


def test_without_display_a_picture_is_written_and_its_path_printed(asked, capsys, tmp_path):
    assert command_line.main(["view", "--size", "320x200"]) == 0
    told = capsys.readouterr()
    assert "wrote stereo3d-view.png" in told.out
    assert "no display" in told.err
    assert asked[0].inputs == []
    with Pil.open(tmp_path / "stereo3d-view.png") as image:
        assert image.size == (320, 200)


def test_screenshot_goes_where_it_should(asked, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setattr(view, "WindowTrial", lambda: pytest.fail("a picture needs no window"))
    words = ["view", "a.png", "b.png", "--metadata", "m.json", "--screenshot", "out.jpg", "--size", "320x200"]
    assert command_line.main([*words, "--viewpoint", "top", "--layer", "sigma"]) == 0
    told = capsys.readouterr()
    assert "wrote out.jpg" in told.out
    assert told.err == ""
    assert asked[0].inputs == [Path("a.png"), Path("b.png")]
    assert asked[0].metadata == [Path("m.json")]
    assert [p.name for p in tmp_path.iterdir()] == ["out.jpg"]


@pytest.mark.parametrize("name", ["x.bmp", "nowhere/x.png"])
def test_bad_screenshot_path_is_one_line_before_any_work(asked, capsys, tmp_path, name):
    assert command_line.main(["view", "--screenshot", name]) == 2
    told = capsys.readouterr()
    assert len(told.err.splitlines()) == 1
    assert asked == []
    assert list(tmp_path.iterdir()) == []


def test_bad_input_leaves_nothing(asked, capsys, tmp_path, monkeypatch):
    def fail(args, check):
        raise PairError("the images are left and left")

    monkeypatch.setattr(view, "measure", fail)
    assert command_line.main(["view", "a.png", "b.png", "--screenshot", "x.png"]) == 2
    assert capsys.readouterr().err == "stereo3d: the images are left and left\n"
    assert list(tmp_path.iterdir()) == []


class Trial:
    """Stands for the trial render; fails when told to."""

    outcome: Stereo3dError | None = None
    stopped = 0

    def finish(self):
        if self.outcome:
            raise self.outcome

    def stop(self):
        Trial.stopped += 1


@pytest.fixture
def windows(monkeypatch):
    """A display; windows that open at once record how they were asked for."""
    import stereo3d.view.window

    opened = []

    class Window:
        def __init__(self, *arguments, **files):
            opened.append((*arguments, files))

        def run(self):
            opened.append("run")

    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setattr(Trial, "outcome", None)
    monkeypatch.setattr(view, "WindowTrial", Trial)
    monkeypatch.setattr(stereo3d.view.window, "Window", Window)
    return opened


def test_with_a_display_the_window_opens(asked, windows, made_up, tmp_path):
    assert command_line.main(["view", "--layer", "range", "--size", "800x600"]) == 0
    files = {"annotations": None, "bookmarks": None}
    assert windows == [(made_up, (800, 600), "camera", "range", files), "run"]
    assert list(tmp_path.iterdir()) == []


def test_files_of_the_window_are_handed_on(asked, windows, made_up):
    assert command_line.main(["view", "--annotations", "a.geojson", "--bookmarks", "b.json"]) == 0
    assert windows[0][-1] == {"annotations": Path("a.geojson"), "bookmarks": Path("b.json")}


@pytest.mark.parametrize("screenshot", [["--screenshot", "a.png"], []])
@pytest.mark.parametrize(
    ("option", "content", "words"),
    [
        ("--annotations", "{}", "no GeoJSON FeatureCollection"),
        ("--annotations", '{"type": "FeatureCollection", "features": [], "stereo3d": {"format": 1}}', "of mission"),
        ("--bookmarks", "{}", "wrong.json"),
    ],
)
def test_a_wrong_file_is_told_before_the_work(asked, windows, capsys, tmp_path, option, content, words, screenshot):
    (tmp_path / "wrong.json").write_text(content)
    assert command_line.main(["view", option, "wrong.json", *screenshot]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1
    assert asked == []
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.json"]


def test_a_frame_beside_the_ground(asked, capsys, tmp_path):
    assert (
        command_line.main(["view", "--screenshot", "f.png", "--frame", "MADE_UP_RIGHT", "--compare", "residual"]) == 0
    )
    told = capsys.readouterr().out
    assert "px in parts" in told
    assert "wrote f.png" in told
    with Pil.open(tmp_path / "f.png") as image:
        assert image.width == 320
    asked.clear()
    assert command_line.main(["view", "--screenshot", "g.png", "--frame", "3"]) == 2
    assert "no frame '3'" in capsys.readouterr().err
    assert asked == []  # told before the work
    assert command_line.main(["view", "--screenshot", "g.png", "--frame", "2", "--compare", "reasons"]) == 2
    assert "left frames only" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["f.png"]


def test_blinking_is_an_animated_png(asked, tmp_path):
    assert command_line.main(["view", "--screenshot", "b.png", "--frame", "1", "--compare", "blink"]) == 0
    with Pil.open(tmp_path / "b.png") as image:
        assert image.n_frames == 2
        first = image.convert("RGB").tobytes()
        image.seek(1)
        assert image.convert("RGB").tobytes() != first


def test_a_flight(asked, tmp_path, capsys):
    words = ["view", "--flythrough", "f.mp4", "--size", "96x64", "--seconds", "0.5"]
    assert command_line.main(words) == 0
    assert "wrote f.mp4" in capsys.readouterr().out
    assert [p.name for p in tmp_path.iterdir()] == ["f.mp4"]


def test_layers_light_and_contours(asked, tmp_path):
    words = ["view", "--size", "320x200", "--layer", "hillshade", "--sun", "120,25.5", "--contours", "0.05"]
    assert command_line.main([*words, "--screenshot", "a.png"]) == 0
    assert command_line.main([*words[:5], "--screenshot", "b.png"]) == 0
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--frame", "1"], "--frame makes a picture"),
        (["--compare", "wipe", "--screenshot", "a.png"], "--compare is about a frame"),
        (["--frame", "1", "--compare", "blink", "--screenshot", "a.jpg"], "only a PNG can blink"),
        (["--seconds", "3"], "--seconds is about a flight"),
        (
            ["--web", "--annotations", "a.geojson"],
            "--annotations is not for --web; set it, or load the file, in the page",
        ),
        (["--flythrough", "a.avi"], "expected .mp4"),
        (["--flythrough", "a.mp4", "--bookmarks", "none.json"], "none.json: no such file"),
        (["--screenshot", "a.png", "--annotations", "none.geojson"], "none.geojson: no such file"),
    ],
)
def test_what_does_not_go_together_is_told_before_any_work(asked, capsys, words, message):
    assert command_line.main(["view", *words]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert len(told.splitlines()) == 1
    assert asked == []


@pytest.mark.parametrize(
    "words",
    [["--sun", "10"], ["--sun", "10,-5"], ["--sun", "a,b"], ["--contours", "0"], ["--contours", "nan"],
     ["--seconds", "1e9"], ["--screenshot", "a.png", "--flythrough", "b.mp4"]],
)  # fmt: skip
def test_bad_values_of_picture_arguments(asked, capsys, words):
    with pytest.raises(SystemExit) as left:
        command_line.main(["view", *words])
    assert left.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_where_the_window_fails_a_picture_is_written(asked, windows, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(Trial, "outcome", MissingLibraryError("OpenGL does not work", todo="apt install libgl1"))
    before = Trial.stopped
    assert command_line.main(["view", "--size", "320x200"]) == 0
    told = capsys.readouterr()
    assert "apt install libgl1; a picture is written instead" in told.err
    assert "wrote stereo3d-view.png" in told.out
    assert windows == []
    assert Trial.stopped == before + 1


def test_where_a_library_misses_a_picture_is_written(asked, windows, capsys, monkeypatch, tmp_path):
    def missing():
        raise MissingLibraryError("libGL.so.1 is missing", todo="apt install libgl1")

    monkeypatch.setattr(view, "WindowTrial", missing)
    assert command_line.main(["view", "--size", "320x200"]) == 0
    assert "apt install libgl1" in capsys.readouterr().err
    assert (tmp_path / "stereo3d-view.png").exists()


@pytest.mark.parametrize("text", ["10x10", "9000x100", "axb", "100", "100x", "-5x100", "1e3x1e3", "99999999x100"])
def test_sizes_are_bounded(text):
    with pytest.raises(argparse.ArgumentTypeError):
        view.size_argument(text)


def test_size():
    assert view.size_argument("1600x1000") == (1600, 1000)


@pytest.mark.parametrize(
    ("environment", "platform", "has"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_has_display(environment, platform, has):
    assert has_display(environment, platform) is has
