"""Ctrl-C, kill and a closed terminal end the program at once and leave neither half a product nor litter."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stereo3d.cli import interrupt
from stereo3d.cli.common import run_interruptible
from stereo3d.cli.main import main

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")

START = "from stereo3d.cli.main import console; print('ready', flush=True); console()"
PRODUCTS = {
    "xyz.tif",
    "sigma_range.tif",
    "reason.tif",
    "disparity.tif",
    "cloud.ply",
    "mesh.glb",
    "preview.png",
    "report.json",
}


class Running:
    """``stereo3d reconstruct`` on the bundled scene, in folders of its own that can be looked into afterwards."""

    def __init__(self, folder: Path) -> None:
        self.results = folder / "results"
        self.temporary = folder / "temporary"
        self.results.mkdir()
        self.temporary.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, "reconstruct", "-o", str(self.results / "out")],
            env={
                **os.environ,
                "TMPDIR": str(self.temporary),
                "PYTHONDONTWRITEBYTECODE": "1",
                "STEREO3D_CACHE": str(folder / "cache"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def left_over(self) -> list[str]:
        """Names of everything that lies in the folder of results and in the temporary one."""
        return sorted(path.name for folder in (self.results, self.temporary) for path in folder.iterdir())

    def written(self) -> bool:
        """Whether any product has been begun, under whatever name."""
        return any(path.is_file() for path in self.results.rglob("*"))

    def stop(self, signum: int) -> tuple[int, str]:
        """Send the signal; the exit code and stderr.  A process that does not end fails the test."""
        self.process.send_signal(signum)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    with running.process:  # closes its pipes
        yield running
        running.process.kill()


@pytest.mark.parametrize(
    ("signum", "from_s", "to_s"),
    [
        (signal.SIGINT, 0.05, 0.3),
        (signal.SIGTERM, 0.2, 0.6),
        (signal.SIGINT, 0.6, 1.5),
        (signal.SIGTERM, 0.6, 1.5),
        (signal.SIGHUP, 0.6, 1.5),
    ],
)
def test_a_signal_ends_it_without_a_trace(running: Running, signum: int, from_s: float, to_s: float) -> None:
    delay_s = random.uniform(from_s, to_s)
    time.sleep(delay_s)
    code, errors = running.stop(signum)
    assert code == 128 + signum, f"after {delay_s:.3f} s: {errors}"
    assert errors.strip() == "stereo3d: interrupted; nothing was written"
    assert running.left_over() == []


def test_a_signal_while_writing_leaves_all_or_nothing(running: Running) -> None:
    until = time.monotonic() + 120
    while not running.written() and running.process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    assert running.written(), "nothing was ever written"
    delay_s = random.uniform(0.0, 0.3)
    time.sleep(delay_s)
    code, errors = running.stop(signal.SIGINT)
    if (running.results / "out").exists():
        assert running.left_over() == ["out"]
        assert {path.name for path in (running.results / "out").iterdir()} >= PRODUCTS
    else:
        assert code == 130, f"after {delay_s:.3f} s of writing: {errors}"
        assert running.left_over() == []


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The program's own handlers, at work; what they change is put back."""
    before = {each: signal.getsignal(each) for each in interrupt.STOP_SIGNALS}
    monkeypatch.setattr(interrupt, "_asked", 0)
    monkeypatch.setattr(interrupt, "_working", False)
    interrupt.catch_signals()
    interrupt.work_begins()
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("handlers")
def test_a_second_signal_does_not_cut_the_clean_up_short() -> None:
    with pytest.raises(interrupt.Interrupted):
        signal.raise_signal(signal.SIGTERM)
    assert interrupt.asked_to_stop() == signal.SIGTERM
    assert {signal.getsignal(each) for each in interrupt.STOP_SIGNALS} == {signal.SIG_IGN}


@pytest.mark.usefixtures("handlers")
def test_an_interruption_that_a_library_swallowed_is_raised_again() -> None:
    with contextlib.suppress(BaseException):
        signal.raise_signal(signal.SIGTERM)
    release = threading.Event()
    try:
        with pytest.raises(interrupt.Interrupted):
            run_interruptible(lambda progress: release.wait(30), "work", quiet=True)
    finally:
        release.set()


@pytest.mark.usefixtures("handlers")
def test_an_interruption_that_a_library_disguised_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(args: object) -> int:
        try:
            signal.raise_signal(signal.SIGTERM)
        except BaseException as error:
            raise TypeError("not what it was") from error
        return 0

    monkeypatch.setattr("stereo3d.cli.info.run", run)
    assert main(["info", "x"]) == 128 + signal.SIGTERM
    assert capsys.readouterr().err == "stereo3d: interrupted; nothing was written\n"


def test_an_error_that_is_none_of_ours_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of the program must not look like a user's mistake."""

    def run(args: object) -> int:
        raise TypeError("a defect")

    monkeypatch.setattr("stereo3d.cli.info.run", run)
    with pytest.raises(TypeError, match="a defect"):
        main(["info", "x"])


def test_abandoned_work_stops_at_its_next_progress() -> None:
    """The thread that nobody waits for any more must not go on to write something."""
    stopped: list[BaseException] = []

    def work(progress) -> None:
        progress("first", 0.0)
        signal.raise_signal(signal.SIGINT)
        try:
            until = time.monotonic() + 30
            while time.monotonic() < until:
                progress("more", 0.5)
                time.sleep(0.01)
        except InterruptedError as error:
            stopped.append(error)

    with pytest.raises(KeyboardInterrupt):
        run_interruptible(work, "work", quiet=True)
    until = time.monotonic() + 30
    while not stopped and time.monotonic() < until:
        time.sleep(0.01)
    assert stopped


@pytest.mark.parametrize("error", [ValueError("from the thread"), KeyError("k")])
def test_an_error_of_the_work_reaches_the_caller(error: Exception) -> None:
    def work(progress) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run_interruptible(work, "work", quiet=True)
    assert caught.value is error
    assert run_interruptible(lambda progress: 7, "work", quiet=True) == 7
