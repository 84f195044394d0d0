"""Files that the window writes on a key: under the next free name in the current folder, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from stereo3d.errors import OutputError
from stereo3d.export.atomic import atomic_files

_MOST = 10_000


def free_path(folder: Path, stem: str, suffixes: Sequence[str]) -> Path:
    """``stem``-001 (002, ...) with the first of the suffixes, where no file has that name with any of them.

    Raises OutputError when all numbers are taken.
    """
    for number in range(1, _MOST):
        path = folder / f"{stem}-{number:03d}{suffixes[0]}"
        if not any(path.with_suffix(suffix).exists() for suffix in suffixes):
            return path
    raise OutputError("all numbers are taken", file=folder / f"{stem}-NNN{suffixes[0]}", todo="move some away")


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` make the file; it appears whole or not at all.  Raises OutputError where it cannot be written."""
    with atomic_files(path) as folder:
        write(folder / path.name)
    return path
