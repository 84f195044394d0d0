"""Which program this is: products of another one are made anew, and workers with another one are refused."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from stereo3d import __version__
from stereo3d.pipeline.floors import TERRAIN
from stereo3d.store.keys import code_digest

_FLOORS = (*TERRAIN, "annotation", "read", "export", "view", "cluster")
"""What the products depend on.  The commands above only parse and print."""
_WRITERS = ("pillow", "tifffile", "trimesh")
"""Their versions may show in the bytes of the products; those of the libraries that compute are in the digest."""


def program() -> Mapping[str, str]:
    """stereo3d, its code, Python and libraries, each as a short text."""
    code = code_digest(_FLOORS)
    told = {"stereo3d": __version__, "Python": platform.python_version(), "machine": platform.machine()}
    for name in _WRITERS:
        try:
            told[name] = version(name)
        except PackageNotFoundError:
            told[name] = "none"
    return told | {"code": "unknown" if code is None else code[:32]}


def difference(own: Mapping[str, str], other: Mapping[str, str]) -> str | None:
    """How another program differs, in words; None when it does not."""
    for name, value in own.items():
        if other.get(name) != value:
            there = str(other.get(name, "none"))[:40]
            if name == "code":
                return "the code of stereo3d, or of the libraries it computes with, is not the same"
            return f"{name} is {there}, not {value}"
    return None
