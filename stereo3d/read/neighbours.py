"""Files that belong together: found in one folder by plain names, whatever a label says."""

from __future__ import annotations

import os
from pathlib import Path

from stereo3d.errors import MissingFileError, RecordError


def beside(path: Path, suffix: str) -> Path | None:
    """The file of the same stem with another suffix (lower case; upper case is found too), if it is there."""
    for other in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
        if is_file(other) and inside(other, path.parent):
            return other
    return None


def is_file(path: Path) -> bool:
    """Whether a file is there; False too for a name longer than the system can have."""
    try:
        return path.is_file()
    except OSError:
        return False


def named_beside(label: Path, name: str) -> Path:
    """The file ``name``, in any case, in the folder of the label that names it.

    Raises RecordError for anything but a plain file name, or a link that leads out; MissingFileError without the file.
    """
    name = name.strip()
    if not 0 < len(name) <= 255 or not name.isprintable() or any(c in name for c in "/\\:") or name in (".", ".."):
        raise RecordError(
            f"names '{name[:100]}', which is no file beside it", file=label, expected="the name of a file in its folder"
        )
    for other in dict.fromkeys((name, name.upper(), name.lower())):
        path = label.parent / other
        if is_file(path):
            if not inside(path, label.parent):
                raise RecordError(
                    f"names '{name[:100]}', a link out of its folder", file=label, expected="a file in it"
                )
            return path
    raise MissingFileError(
        "no such file, although its label names it",
        file=label.parent / name,
        todo=f"get the image too and put it beside {label.name}",
    )


def inside(path: Path, folder: Path) -> bool:
    """Whether the file, links followed, lies in the folder."""
    return os.path.realpath(path.parent) == os.path.realpath(folder) and path.resolve().is_relative_to(folder.resolve())
