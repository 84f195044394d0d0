"""Can a window be opened here?  Asked before the first call into VTK, which without a working OpenGL does not raise
but ends the process with a segmentation fault."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from stereo3d.errors import MissingLibraryError, Stereo3dError
from stereo3d.libraries import require_system_libraries

WINDOW_LIBRARIES = ("libX11.so.6", "libGL.so.1")
"""What VTK loads by name for a window on Linux; the driver behind libGL comes with the same packages."""

_TRIAL = """
import ctypes
import sys
if sys.platform.startswith("linux") and not ctypes.CDLL("libX11.so.6").XOpenDisplay(None):
    sys.exit(3)
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
window = vtkRenderWindow()
window.SetShowWindow(False)
window.SetSize(16, 16)
window.AddRenderer(vtkRenderer())
window.Render()
sys.exit(4 if window.GetClassName() in ("vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow") else 0)
"""
"""Render one empty frame.  Exit 3: the display does not answer; 4: VTK found no OpenGL for windows."""


def has_display(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether the session says that it has a display."""
    if not platform.startswith("linux"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


class WindowTrial:
    """A trial render in a process of its own, which runs while the ground is being measured."""

    def __init__(self) -> None:
        """Start it.  Raises MissingLibraryError at once when a system library is not there."""
        if sys.platform.startswith("linux"):
            require_system_libraries(*WINDOW_LIBRARIES, wanted_by="the 3-D window")
        # -P: a file in the current folder must not stand in for a module.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _TRIAL],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def finish(self) -> None:
        """Wait for the outcome.  Raises a Stereo3dError in one line when no window can be opened."""
        try:
            code = self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            code = None
        if code == 0:
            return
        if code == 3:
            name = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
            raise Stereo3dError(
                f"the display '{name}' does not answer",
                expected="an X server (under Wayland: with XWayland)",
                todo="check DISPLAY, or use --screenshot FILE",
            )
        raise MissingLibraryError(
            "OpenGL does not work on this display",
            todo="on Debian or Ubuntu install it with: sudo apt install libgl1 libgl1-mesa-dri",
        )

    def stop(self) -> None:
        """End it, whatever it is doing."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
