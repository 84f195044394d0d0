"""A folder of entries that several runs share: found by key, written whole or not at all, the oldest thrown out."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from stereo3d.processes import alive
from stereo3d.store.codec import Choices, decode, encode
from stereo3d.store.entry import entry_size, packed, read_entry, write_entry
from stereo3d.store.keys import code_digest, digest
from stereo3d.store.place import SIZE

T = TypeVar("T")

_NAME = re.compile(r"([a-z]{1,20})-([0-9a-f]{64})\.s3d")
_PARTIAL = re.compile(r"\.partial-(\d{1,9})-\d+")


@dataclass(frozen=True)
class Kept:
    """A file of the store."""

    path: Path
    stage: str
    bytes: int
    used_s: float
    """When it was last written or read, s since 1970."""


class Store:
    """Entries in ``folder``, which is made when the first one is written; together at most ``limit`` bytes.

    What was not used for longest gives way to what is new, but never what this very run has read or written: a set
    that is larger than the store would throw out its own beginning each time.

    Nothing that happens to the folder is an error: what cannot be read is computed again, and where nothing can be
    written that is told once, in ``note``.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self.note: str | None = None
        """What a user should know: why nothing, or not all, is kept."""
        self.taken: list[str] = []
        """The stages whose results came from here, in turn."""
        self._lock = threading.Lock()
        self._own: set[Path] = set()
        self._broken = False
        self._closed = False
        self._partial: Path | None = None
        self._numbers = itertools.count()

    def get(
        self, stage: str, key: str, kind: Any, choices: Choices, fits: Callable[[Any], bool] = lambda value: True
    ) -> Any:
        """The value of type ``kind`` that is kept of ``stage`` under ``key``; None when there is none that ``fits``.

        A file that is not what was once written there is thrown away.
        """
        if self.limit == 0:
            return None
        path = self._path(stage, key)
        try:
            header, arrays = read_entry(path, self.limit)
            if (header.get("stage"), header.get("key")) != (stage, key):
                raise ValueError("this is the entry of something else")
            value = decode(kind, header.get("value"), arrays, choices)
            if not fits(value):
                raise ValueError("this fits something else")
        except OSError:
            return None
        except Exception:  # whatever a stranger's file makes the constructors say
            self._drop(path)
            return None
        with contextlib.suppress(OSError):  # a store that may only be read
            os.utime(path)
        self._own.add(path)
        self.taken.append(stage)
        return value

    def put(self, stage: str, key: str, value: Any) -> None:
        """Keep ``value``, which is not None, if there is room."""
        if self._closed or self._broken or self.limit == 0:
            return
        arrays: list[Any] = []
        tree = encode(value, arrays)
        about, parts = packed(arrays)
        header = {"stage": stage, "key": key, "value": tree, "arrays": about}
        size, path = entry_size(header, parts), self._path(stage, key)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._clear_stale()
            if self._make_room(size):
                self._write(path, header, parts)
                self._own.add(path)
            else:
                most = f"{self.limit / 1e9:g} GB"
                self.note = f"the cache {self.folder} is too small for all of this ({most}); {SIZE} allows it more"
        except OSError as error:
            self._broken = True
            if not self._closed:
                self.note = f"nothing is kept in the cache {self.folder}: {error.strerror or error}"

    def kept(self) -> list[Kept]:
        """All entries, the one that was not used for longest first."""
        found = []
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.folder):
                name = _NAME.fullmatch(entry.name)
                if name is None:
                    continue
                with contextlib.suppress(OSError):  # another run threw it out meanwhile
                    status = entry.stat(follow_symlinks=False)
                    found.append(Kept(Path(entry.path), name[1], status.st_size, status.st_mtime))
        return sorted(found, key=lambda one: (one.used_s, one.path))

    def clear(self) -> int:
        """Throw out all entries; returns how many bytes they had.  Other files in the folder stay."""
        found = self.kept()
        for one in found:
            self._drop(one.path)
        self._clear_stale()
        with contextlib.suppress(OSError):
            self.folder.rmdir()
        return sum(one.bytes for one in found)

    def close(self) -> None:
        """Nothing is written any more, and what is half written disappears."""
        with self._lock:
            self._closed = True
            if self._partial is not None:
                self._drop(self._partial)

    def _path(self, stage: str, key: str) -> Path:
        return self.folder / f"{stage}-{key}.s3d"

    def _write(self, path: Path, header: dict[str, Any], parts: Sequence[Any]) -> None:
        with self._lock:
            if self._closed:
                return
            partial = self._partial = self.folder / f".partial-{os.getpid()}-{next(self._numbers)}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            handle = os.open(partial, flags, 0o600)
        try:
            with open(handle, "wb") as file:
                write_entry(file, header, parts)
            with self._lock:
                if not self._closed:
                    os.replace(partial, path)
        finally:
            with self._lock:
                self._drop(partial)
                self._partial = None

    def _make_room(self, size: int) -> bool:
        """Throw out as much as ``size`` bytes more ask for; nothing, and False, where even that is not enough."""
        found = self.kept()
        others = [one for one in found if one.path not in self._own]
        total = sum(one.bytes for one in found) + size
        if total - sum(one.bytes for one in others) > self.limit:
            return False
        for one in others:
            if total <= self.limit:
                break
            self._drop(one.path)
            total -= one.bytes
        return True

    def _clear_stale(self) -> None:
        """What runs that are gone left half written."""
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.folder):
                name = _PARTIAL.fullmatch(entry.name)
                if name is not None and not alive(int(name[1])):
                    self._drop(Path(entry.path))

    @staticmethod
    def _drop(path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink()


def recall(
    store: Store | None,
    stage: str,
    floors: Sequence[str],
    kind: Any,
    compute: Callable[[], T],
    *inputs: Any,
    choices: Choices = MappingProxyType({}),
    fits: Callable[[Any], bool] = lambda value: True,
) -> T:
    """What ``compute()`` gives, a value of type ``kind`` (a type or an annotation); from the store if it is there.

    ``compute`` depends on nothing but ``inputs`` and the code of ``floors`` (see
    :func:`stereo3d.store.keys.code_digest`).  What it raises passes, and is not kept.
    """
    code = None if store is None else code_digest(floors)
    if store is None or code is None:
        return compute()
    key = digest(stage, code, *inputs)
    found: T | None = store.get(stage, key, kind, choices, fits)
    if found is not None:
        return found
    made = compute()
    store.put(stage, key, made)
    return made
