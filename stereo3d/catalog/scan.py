"""A folder and those below it, as they are: names, sizes and times of the files that an index is made of.

Nothing is opened here, and only the standard library is used: this is all that an update costs when nothing changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".img", ".vic", ".lbl", ".xml")
"""The suffixes of all readers; a test compares."""
RELEVANT = (*IMAGES, ".json", ".toml", ".glb")


@dataclass(frozen=True)
class Listing:
    """One folder."""

    path: bytes
    """Below the catalogue's root, parts joined by "/"; empty for the root itself."""
    files: tuple[tuple[str, int, int], ...]
    """(name, bytes, time of change in ns) of each file that may matter, in order of name."""
    signature: bytes
    """Equal when all of ``files`` is."""
    links: int
    """Symbolic links, none of which is followed: what they lead to inside the root is found where it is."""
    complaint: str | None = None
    """Why the folder cannot be listed."""


def walk(root: str) -> Iterator[Listing]:
    """The folder ``root`` and all below it; hidden ones (.NAME), where programs keep what is half done, are left out.

    Raises OSError when the root itself cannot be listed; another folder then has a complaint.
    """
    waiting: list[tuple[str, bytes]] = [(root, b"")]
    while waiting:
        folder, path = waiting.pop()
        try:
            listing, below = _listing(folder, path)
        except OSError as error:
            if path == b"":
                raise
            yield Listing(path, (), b"", 0, f"the folder cannot be listed: {error.strerror or error}")
            continue
        yield listing
        waiting += below


def signature(files: Sequence[tuple[str, int, int]]) -> bytes:
    """16 bytes that are others when a name, a size or a time is another."""
    names = "\0".join([name for name, _, _ in files]).encode("utf-8", "surrogatepass")
    numbers = array("q", [number for file in files for number in file[1:]])
    digest = hashlib.blake2b(names, digest_size=16)
    digest.update(numbers.tobytes())
    return digest.digest()


def joined(path: bytes, name: str) -> bytes:
    """The path of what is named so in the folder ``path``."""
    encoded = os.fsencode(name)
    return path + b"/" + encoded if path else encoded


def _listing(folder: str, path: bytes) -> tuple[Listing, list[tuple[str, bytes]]]:
    files, below, links = [], [], 0
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if entry.is_symlink():
                links += 1
            elif entry.is_dir(follow_symlinks=False):
                below.append((entry.path, joined(path, name)))
            elif name.lower().endswith(RELEVANT) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                    status = entry.stat(follow_symlinks=False)
                    files.append((name, status.st_size, status.st_mtime_ns))
    files.sort()
    return Listing(path, tuple(files), signature(files), links), below
