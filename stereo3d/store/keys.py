"""What an entry is found by: the SHA-256 of the code that makes it and of all that the code is given."""

from __future__ import annotations

import hashlib
import platform
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import stereo3d
from stereo3d import __version__

PACKAGE = Path(stereo3d.__file__).parent
LIBRARIES = ("numpy", "scipy", "numba", "opencv-python-headless", "embreex", "fast-simplification")
"""Their versions are part of every key: another version may compute other last digits."""


def digest(*values: Any) -> str:
    """The SHA-256, in hex, of values of the kinds that :func:`stereo3d.store.codec.encode` takes.

    Equal for values of equal content only: types, shapes, dtypes and the bits of all numbers count.
    """
    out = hashlib.sha256()
    _feed(out, values)
    return out.hexdigest()


def _feed(out: Any, value: Any) -> None:
    """Every value begins with its kind and, where it has parts, how many: no two run into each other."""
    if isinstance(value, np.ndarray):
        out.update(f"array {value.dtype.str} {value.shape};".encode())
        out.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
    elif isinstance(value, np.generic):
        _feed(out, value.item())
    elif isinstance(value, Enum):
        _feed(out, (type(value).__qualname__, value.value))
    elif isinstance(value, float):
        out.update(b"float " + struct.pack("<d", value))
    elif isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        out.update(f"str {len(text)};".encode() + text)
    elif value is None or isinstance(value, (bool, int)):
        out.update(f"{type(value).__name__} {value};".encode())
    elif isinstance(value, (tuple, list)):
        out.update(f"list {len(value)};".encode())
        for one in value:
            _feed(out, one)
    elif isinstance(value, Mapping):
        out.update(f"map {len(value)};".encode())
        for key, one in value.items():
            _feed(out, key)
            _feed(out, one)
    elif isinstance(value, slice):
        _feed(out, ("slice", value.start, value.stop, value.step))
    elif is_dataclass(value) and not isinstance(value, type):
        _feed(out, type(value).__qualname__)
        _feed(out, {f.name: getattr(value, f.name) for f in fields(value)})
    else:
        raise TypeError(f"a {type(value).__name__} has no key")


def code_digest(floors: Sequence[str]) -> str | None:
    """The SHA-256 of this program as far as ``floors`` (modules and folders of the package) go, its data in calib/, its
    version, and the libraries and the machine below it; None where the sources are not at hand."""
    return _code_digest(tuple(sorted(floors)))


@cache
def _code_digest(floors: tuple[str, ...]) -> str | None:
    data = next((f for f in (PACKAGE / "_calib", PACKAGE.parent / "calib") if f.is_dir()), None)
    files = sorted(p for floor in floors for p in _sources(PACKAGE / floor))
    if len({p.relative_to(PACKAGE).parts[0].removesuffix(".py") for p in files}) != len(floors):
        return None
    told = [(p.relative_to(PACKAGE).as_posix(), p.read_bytes().hex()) for p in files]
    told += [(p.name, p.read_bytes().hex()) for p in sorted(data.glob("*.json"))] if data else []
    libraries = [(name, _version(name)) for name in LIBRARIES]
    return digest(__version__, told, libraries, platform.python_version(), platform.machine(), sys.byteorder)


def _sources(floor: Path) -> list[Path]:
    return sorted(floor.rglob("*.py")) if floor.is_dir() else [p for p in [floor.with_suffix(".py")] if p.is_file()]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
