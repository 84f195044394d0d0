"""Where the store of a user lies, and how large it may grow."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from stereo3d.errors import OutputError

FOLDER = "STEREO3D_CACHE"
"""Environment variable: the folder of the store."""
SIZE = "STEREO3D_CACHE_GB"
"""Environment variable: how large it may grow, GB."""
DEFAULT_GB = 4.0


def user_folder() -> Path:
    """The folder that the environment names, else that in which the system keeps what can be made again."""
    named = os.environ.get(FOLDER)
    if named:
        return Path(named).expanduser().absolute()
    home = Path(os.path.expanduser("~"))
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "stereo3d" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "stereo3d"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # The standard says that a relative path is to be passed over.
    return (Path(xdg) if os.path.isabs(xdg) else home / ".cache") / "stereo3d"


def user_limit() -> int:
    """The most bytes that the store may hold.  Raises OutputError for a size that is none."""
    text = os.environ.get(SIZE) or str(DEFAULT_GB)
    try:
        size = float(text)
    except ValueError:
        size = -1.0
    if not 0.0 <= size < 1e6:
        raise OutputError(f"{SIZE} is '{text[:40]}'", expected=f"a number of GB, such as {DEFAULT_GB:g}")
    return int(size * 1e9)
