"""Lazy import of heavy libraries; what is missing is named with the Debian package or pip command that brings it.

Wheels such as open3d's are linked against system libraries that a bare Debian machine lacks; the loader then says
only ``libusb-1.0.so.0: cannot open shared object file``.  Here that becomes one line that can be acted upon.
"""

from __future__ import annotations

import ctypes
import importlib
import re
from collections.abc import Iterable
from types import ModuleType

from stereo3d.errors import MissingLibraryError

DEBIAN_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libGLU.so.1": "libglu1-mesa",
    "libOpenGL.so.0": "libopengl0",
    "libOSMesa.so.8": "libosmesa6",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libX11.so.6": "libx11-6",
    "libXcursor.so.1": "libxcursor1",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libXt.so.6": "libxt6",
    "libatomic.so.1": "libatomic1",
    "libgomp.so.1": "libgomp1",
    "libstdc++.so.6": "libstdc++6",
    "libtbb.so.12": "libtbb12",
    "libusb-1.0.so.0": "libusb-1.0-0",
}
"""Shared library (its soname) to the Debian or Ubuntu package that holds it."""

PIP_PACKAGES = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "dask": '"stereo3d[cluster]"',
    "distributed": '"stereo3d[cluster]"',
    "laspy": '"laspy[lazrs]"',
    "lazrs": '"laspy[lazrs]"',
    "open3d": "open3d-cpu",
    "psutil": '"stereo3d[cluster]"',
    "pxr": "usd-core",
    "vtkmodules": "vtk",
}
"""Python module to the package that holds it, where the two names differ."""

LINKED_TO = {"open3d": ("libEGL.so.1", "libGL.so.1", "libX11.so.6", "libusb-1.0.so.0")}
"""Modules whose wheel needs several system libraries, so that all that are missing are named at once.

The loader stops at the first one; read off open3d-cpu 0.20's binary on a bare Debian 12.
"""

_SONAME = re.compile(r"([\w.+-]+\.so(?:\.\d+)*): cannot open shared object file")


def import_library(name: str) -> ModuleType:
    """The module ``name`` (a dotted name), imported now.

    Raises MissingLibraryError when the module is not installed, or when a system library that it is linked to is
    missing; the message names the pip command or the Debian packages.  Any other failure inside the module passes.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        root = missing.partition(".")[0]
        raise MissingLibraryError(
            f"the Python module {missing} is not installed" + ("" if missing == name else f" (wanted by {name})"),
            todo=f"install it with: python -m pip install {PIP_PACKAGES.get(root, root)}",
        ) from error
    except (ImportError, OSError) as error:
        found = _SONAME.search(str(error))
        if found is None:
            raise
        others = (soname for soname in LINKED_TO.get(name.partition(".")[0], ()) if not _loads(soname))
        raise _missing_error([found[1], *others], wanted_by=name) from error


def require_system_libraries(*sonames: str, wanted_by: str) -> None:
    """Check that the loader finds each shared library; ``wanted_by`` says who needs them.

    Raises MissingLibraryError that names the Debian packages of all that are missing.
    """
    missing = [soname for soname in sonames if not _loads(soname)]
    if missing:
        raise _missing_error(missing, wanted_by=wanted_by)


def _loads(soname: str) -> bool:
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def _missing_error(sonames: Iterable[str], *, wanted_by: str) -> MissingLibraryError:
    names = sorted(set(sonames))
    known = [DEBIAN_PACKAGES[soname] for soname in names if soname in DEBIAN_PACKAGES]
    unknown = [soname for soname in names if soname not in DEBIAN_PACKAGES]
    advice = []
    if known:
        advice.append(f"on Debian or Ubuntu install it with: sudo apt install {' '.join(known)}")
    if unknown:
        advice.append(f"find the Debian package of {', '.join(unknown)} with: apt-file search {unknown[0]}")
    word = "library is" if len(names) == 1 else "libraries are"
    return MissingLibraryError(
        f"{wanted_by} cannot run: the system {word} missing: {', '.join(names)}", todo="; ".join(advice)
    )
