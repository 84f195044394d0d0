"""Whether a window can be opened is found out without risk."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from stereo3d.errors import MissingLibraryError, Stereo3dError
from stereo3d.view import gl


def test_missing_library_names_its_package(monkeypatch):
    monkeypatch.setattr(gl, "WINDOW_LIBRARIES", ("libGL.so.1", "libstereo3d_none.so.7"))
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(MissingLibraryError, match=r"libstereo3d_none\.so\.7"):
        gl.WindowTrial()


@pytest.mark.parametrize("program", ["import os; os.abort()", "raise SystemExit(1)"])
def test_a_crash_of_the_trial_is_one_line(monkeypatch, program):
    """A segmentation fault of the trial ends the trial only."""
    monkeypatch.setattr(gl, "WINDOW_LIBRARIES", ())
    monkeypatch.setattr(gl, "_TRIAL", program)
    with pytest.raises(MissingLibraryError, match=r"libgl1 libgl1-mesa-dri"):
        gl.WindowTrial().finish()


def test_stop_ends_a_trial_that_hangs(monkeypatch):
    monkeypatch.setattr(gl, "WINDOW_LIBRARIES", ())
    monkeypatch.setattr(gl, "_TRIAL", "import time; time.sleep(600)")
    trial = gl.WindowTrial()
    trial.stop()
    assert trial._process.returncode is not None


@pytest.mark.skipif(
    shutil.which("Xvfb") is None, reason="THE TRIAL IS NOT TESTED ON A DISPLAY: Xvfb missing (apt install xvfb)"
)
def test_trial_tells_a_display_from_none(monkeypatch):
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "320x240x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as file:
        display = f":{file.readline().strip()}"
    try:
        monkeypatch.setenv("DISPLAY", display)
        gl.WindowTrial().finish()
    finally:
        server.terminate()
        server.wait()
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":987")
    with pytest.raises(Stereo3dError, match=r"':987' does not answer"):
        gl.WindowTrial().finish()
