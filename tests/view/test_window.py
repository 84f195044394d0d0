"""The real window, driven by mouse and keys on a virtual display."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pil

from stereo3d.terrain.surface import Surface
from stereo3d.view.layers import colour_map
from stereo3d.view.raycast import draw
from stereo3d.view.viewpoint import camera_centre, camera_viewpoint

MISSING = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"THE WINDOW IS NOT TESTED: {' and '.join(MISSING)} missing (apt install xvfb xdotool)"
)

SIZE = (640, 480)
PROGRAM = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("made_up", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from stereo3d.view.window import Window
try:
    Window(module.make_reconstruction(), {SIZE}).run()
except KeyboardInterrupt:
    sys.exit(130)
"""


class Driven:
    """A window in a process of its own, and the hand that moves mouse and keys."""

    def __init__(self, display: str, folder: Path) -> None:
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items() if k != "WAYLAND_DISPLAY"} | {"DISPLAY": display}
        self.logs = [folder.with_name(f"{folder.name}-{name}") for name in ("out", "err")]
        with self.logs[0].open("wb") as out, self.logs[1].open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(Path(__file__).with_name("conftest.py"))],
                cwd=folder,
                env=self.environment | {"PYTHONIOENCODING": "utf-8"},
                stdout=out,
                stderr=err,
            )
        self.seen = 0
        self.window = self.find()

    def find(self) -> str:
        end = time.monotonic() + 60
        search = ["xdotool", "search", "--onlyvisible", "--name", "stereo3d"]
        while time.monotonic() < end and self.process.poll() is None:
            found = subprocess.run(search, env=self.environment, capture_output=True, text=True, timeout=60)
            if found.stdout.strip():
                return found.stdout.split()[0]
            time.sleep(0.1)
        self.stop()
        raise AssertionError(f"no window: {self.errors}")

    def hand(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout

    @property
    def errors(self) -> str:
        return self.logs[1].read_text(encoding="utf-8")

    def line(self, pattern: str) -> re.Match[str]:
        """The next line on stdout that the pattern fits."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            lines = self.logs[0].read_text(encoding="utf-8").splitlines(keepends=True)
            while self.seen < len(lines) and lines[self.seen].endswith("\n"):
                self.seen += 1
                if match := re.search(pattern, lines[self.seen - 1]):
                    return match
            assert self.process.poll() is None, self.errors
            time.sleep(0.02)
        raise AssertionError(f"no line like {pattern!r} in {lines}")

    def point(self, x: int, y: int) -> None:
        self.hand("mousemove", "--window", self.window, str(x), str(y))

    def key(self, name: str) -> None:
        self.hand("key", name)

    def picture(self, key: str = "x") -> np.ndarray:
        """What the window shows, by its own key for saving."""
        self.key(key)
        with Pil.open(self.folder / self.line(r"saved (\S+)")[1]) as image:
            return np.asarray(image.convert("RGB")).astype(int)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def display():
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as file:
        number = file.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    server.terminate()
    server.wait()


@pytest.fixture
def driven(display, tmp_path):
    one = Driven(display, tmp_path)
    one.point(320, 300)
    yield one
    one.stop()


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def numbers(line: str, *names: str) -> list[float]:
    return [float(re.search(rf"{name} +(-?[\d.]+)", line)[1]) for name in names]


def test_window_draws_what_the_ray_caster_draws(made_up, driven):
    view = camera_viewpoint(made_up, SIZE[0] / SIZE[1])
    surface = Surface(made_up.terrain.mesh)
    # Away from the panels at the edges.
    part = (slice(230, 420), slice(150, 600))
    shown = driven.picture("s")
    assert shown.shape == (SIZE[1], SIZE[0], 3)
    cast = draw(made_up.terrain, surface, view, SIZE).rgb
    assert correlation(shown[part], cast[part]) > 0.97
    shift, _ = cv2.phaseCorrelate(shown[part][..., 0].astype(float), cast[part][..., 0].astype(float))
    assert np.hypot(*shift) < 0.3

    driven.key("4")
    sigma = driven.picture("s")
    assert np.mean(np.abs(sigma[part] - shown[part])) > 10
    assert (
        correlation(sigma[part], draw(made_up.terrain, surface, view, SIZE, colour_map(made_up, "sigma")).rgb[part])
        > 0.97
    )
    assert sorted(p.name for p in driven.folder.iterdir()) == ["stereo3d-view-001.png", "stereo3d-view-002.png"]


def test_clicks_measure_the_made_up_ground(made_up, driven, true_place):
    view = camera_viewpoint(made_up, SIZE[0] / SIZE[1])
    places = []
    for number, (x, y) in enumerate([(320, 300), (420, 380)], start=1):
        truth = true_place(view.rays(np.array([float(x), float(y)]), SIZE)[1])
        places.append(truth)
        driven.point(x, y)
        driven.hand("click", "1")
        line = driven.line(rf"point {number}: .*")[0]
        np.testing.assert_allclose(numbers(line, "east", "north", "up"), truth, atol=0.02)
        rover = made_up.enu_from_rover.inverse().apply(truth)
        np.testing.assert_allclose(numbers(line, "forward", "right", "down"), rover, atol=0.02)
        reach = np.linalg.norm(truth - camera_centre(made_up))
        np.testing.assert_allclose(numbers(line, "range", "\u00b1"), [reach, 0.001 * reach**2], atol=0.02)
    length = np.linalg.norm(places[1] - places[0])
    np.testing.assert_allclose(numbers(driven.line("distance.*")[0], "distance"), [length], atol=0.02)

    marked = driven.picture()
    panel = (slice(240, 470), slice(10, 300))
    driven.key("c")
    assert np.mean(np.abs(driven.picture()[panel] - marked[panel])) > 5
    driven.key("p")
    assert driven.line(r"point 1: .*")
    driven.point(320, 20)
    driven.key("p")
    assert driven.line("no measured ground there")


def test_a_hole_and_a_place_are_explained(made_up, driven):
    """The pixel under the pointer, from the camera's own place; elsewhere a hole asks for that place."""
    view = camera_viewpoint(made_up, SIZE[0] / SIZE[1])
    enu = made_up.enu_from_rover.inverse()

    def pixel(x, y):
        direction = enu.rotate(view.rays(np.array([float(x), float(y)]), SIZE)[1])
        camera = made_up.pair.left.camera
        return np.rint(camera.project(camera.C + 1e4 * direction)).astype(int)

    before = driven.picture()
    driven.key("e")
    column, row = pixel(320, 300)
    assert driven.line(rf"pixel {column},{row}: measured")
    driven.line("match  right image")
    panel = (slice(240, 470), slice(10, 300))
    assert np.mean(np.abs(driven.picture()[panel] - before[panel])) > 5
    driven.point(200, 20)
    driven.hand("click", "1")
    assert driven.line("no measured ground there")
    column, row = pixel(200, 20)
    assert driven.line(rf"pixel {column},{row}: no XYZ: sky")
    driven.key("c")
    np.testing.assert_array_equal(driven.picture(), before)
    driven.point(320, 300)
    driven.hand("click", "4")
    driven.point(200, 20)
    driven.key("e")
    assert driven.line("press r")


def test_keys_help_map_walk_orbit_and_quit(made_up, driven):
    start = driven.picture()
    middle = (slice(160, 320), slice(200, 440))
    driven.key("h")
    with_help = driven.picture()
    assert (with_help[middle].max(axis=-1) > 235).mean() > (start[middle].max(axis=-1) > 235).mean() + 0.01
    driven.key("h")
    np.testing.assert_array_equal(driven.picture(), start)

    driven.key("t")
    assert np.mean(np.abs(driven.picture() - start)) > 10
    driven.key("r")
    np.testing.assert_array_equal(driven.picture(), start)

    driven.hand("mousedown", "1")
    driven.point(420, 320)
    driven.hand("mouseup", "1")
    assert np.mean(np.abs(driven.picture() - start)) > 5
    driven.key("r")
    driven.hand("click", "4")
    assert np.mean(np.abs(driven.picture() - start)) > 3

    driven.key("r")
    driven.key("w")
    standing = driven.picture()
    driven.hand("keydown", "w")
    time.sleep(1.0)
    driven.hand("keyup", "w")
    walked = driven.picture()
    assert np.mean(np.abs(walked - standing)) > 5
    driven.point(320, 400)
    driven.hand("click", "1")
    ahead = numbers(driven.line(r"point 1: .*")[0], "range")[0]
    view = camera_viewpoint(made_up, SIZE[0] / SIZE[1])
    driven.key("r")
    driven.hand("click", "1")
    assert ahead > numbers(driven.line(r"point \d: .*")[0], "range")[0] + 0.3, view

    driven.key("q")
    assert driven.process.wait(timeout=30) == 0, driven.errors
    assert "Traceback" not in driven.errors


def test_interrupt_closes_the_window(driven):
    driven.picture()
    driven.process.send_signal(signal.SIGINT)
    assert driven.process.wait(timeout=30) == 130, driven.errors
    assert "Traceback" not in driven.errors
