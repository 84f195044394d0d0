"""The real window in a process of its own on a virtual display, and the hand that moves mouse and keys."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pil

MISSING = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]

SIZE = (640, 480)
PROGRAM = """
import importlib.util, json, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("made_up", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from stereo3d.view.window import Window
options = {key: Path(value) if key in ("annotations", "bookmarks") else value
           for key, value in json.loads(sys.argv[2]).items()}
try:
    Window(module.make_reconstruction(), **options).run()
except KeyboardInterrupt:
    sys.exit(130)
"""


class Driven:
    """A window, and what it prints."""

    def __init__(self, command: list[str], display: str, folder: Path) -> None:
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items() if k != "WAYLAND_DISPLAY"} | {"DISPLAY": display}
        self.logs = [folder.with_name(f"{folder.name}-{name}") for name in ("out", "err")]
        self.others = self.windows()
        with self.logs[0].open("wb") as out, self.logs[1].open("wb") as err:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=self.environment | {"PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
                stdout=out,
                stderr=err,
            )
        self.seen = 0
        self.window = self.find()

    def find(self) -> str:
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            if found := self.windows() - self.others:
                self.line("h in the window shows the keys")
                return found.pop()
            time.sleep(0.1)
        self.stop()
        raise AssertionError(f"no window: {self.errors}")

    def windows(self) -> set[str]:
        """All windows of this program on the display: VTK's tell no process."""
        search = ["xdotool", "search", "--onlyvisible", "--name", "stereo3d"]
        found = subprocess.run(search, env=self.environment, capture_output=True, text=True, timeout=60)
        return set(found.stdout.split())

    def hand(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout

    @property
    def errors(self) -> str:
        return self.logs[1].read_text(encoding="utf-8")

    def line(self, pattern: str, seconds: float = 40.0) -> re.Match[str]:
        """The next line on stdout that the pattern fits."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            lines = self.logs[0].read_text(encoding="utf-8").splitlines(keepends=True)
            while self.seen < len(lines) and lines[self.seen].endswith("\n"):
                self.seen += 1
                if match := re.search(pattern, lines[self.seen - 1]):
                    return match
            assert self.process.poll() is None, self.errors
            time.sleep(0.02)
        raise AssertionError(f"no line like {pattern!r} in {lines}; {self.errors}")

    def point(self, x: int, y: int) -> None:
        """Move the pointer there; keys go to this window from now on."""
        focus = ["windowraise", self.window, "windowfocus", self.window]
        self.hand(*focus, "mousemove", "--window", self.window, str(x), str(y))

    def click(self, x: int, y: int) -> None:
        """Move there and press the left button."""
        self.hand("mousemove", "--window", self.window, str(x), str(y), "click", "1")

    def keys(self, *names: str) -> None:
        self.hand("key", *names)

    def picture(self, *keys: str) -> np.ndarray:
        """What the window shows after some keys: (height, width, 3) int, by its own key for saving."""
        self.keys(*keys, "u", "w")
        with Pil.open(self.folder / self.line(r"saved (\S+\.png)")[1]) as image:
            return np.asarray(image.convert("RGB")).astype(int)

    def fresh(self) -> None:
        """As it was at the start."""
        self.point(320, 300)
        self.picture("Escape", "Escape", "Delete", "1", "l", "0")

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def display():
    if MISSING:
        pytest.skip(f"THE WINDOW IS NOT TESTED: {' and '.join(MISSING)} missing (apt install xvfb xdotool)")
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


@pytest.fixture(scope="session")
def size() -> tuple[int, int]:
    """(width, height) of the driven windows, px."""
    return SIZE


@pytest.fixture(scope="module")
def start_window(display, tmp_path_factory):
    """Starts a command that opens a window; ended at the end of the module."""
    started: list[Driven] = []

    def one(command: list[str]) -> Driven:
        started.append(Driven(command, display, tmp_path_factory.mktemp("window")))
        return started[-1]

    yield one
    for window in started:
        window.stop()


@pytest.fixture(scope="module")
def open_window(start_window):
    """Opens a window on the made-up ground, with more options of Window."""

    def one(**options: Any) -> Driven:
        command = [
            sys.executable, "-W", "error", "-c", PROGRAM, str(Path(__file__).parents[1] / "conftest.py"),
            json.dumps({"size": SIZE} | options),
        ]  # fmt: skip
        return start_window(command)

    return one


@pytest.fixture(scope="module")
def shared_window(open_window) -> Driven:
    return open_window()


@pytest.fixture
def driven(shared_window) -> Driven:
    """The module's window, as it was at its start."""
    shared_window.fresh()
    return shared_window


@pytest.fixture(scope="session")
def correlation() -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda a, b: float(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1])


@pytest.fixture(scope="session")
def numbers() -> Callable[..., list[float]]:
    """The numbers that stand behind words in a line."""
    return lambda line, *names: [float(re.search(rf"{name} +([-+]?[\d.]+)", line)[1]) for name in names]
