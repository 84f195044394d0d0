"""stereo3d view: what becomes of the arguments, with and without a display."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

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

    def measure(args):
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
    def fail(args):
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
        def __init__(self, *arguments):
            opened.append(arguments)

        def run(self):
            opened.append("run")

    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setattr(Trial, "outcome", None)
    monkeypatch.setattr(view, "WindowTrial", Trial)
    monkeypatch.setattr(stereo3d.view.window, "Window", Window)
    return opened


def test_with_a_display_the_window_opens(asked, windows, made_up, tmp_path):
    assert command_line.main(["view", "--layer", "range", "--size", "800x600"]) == 0
    assert windows == [(made_up, (800, 600), "camera", "range"), "run"]
    assert list(tmp_path.iterdir()) == []


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
