"""Files that are not whole yet: under names of their own, gone on fetched in pieces, put in their place when whole.

``.NAME.TAG.PID.part``: TAG stands for the address and the version of the file that the server said (its ETag or
Last-Modified), so that only the rest of the same file is ever put behind the piece of a run that was killed.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path

from stereo3d.errors import OutputError
from stereo3d.processes import alive

_FLAGS = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_NO_TAG = "0"
_NAME = re.compile(r"\.(?P<name>[A-Z0-9_]+\.[a-z]+)\.(?P<tag>[0-9a-f]+)\.(?P<pid>\d{1,9})\.part", re.ASCII)


class Partials:
    """All files of one run that are not whole; :meth:`abandon` removes them at once, whatever other threads do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[Path] = set()
        self._left: dict[Path, tuple[Path, str]] = {}
        self._abandoned = False

    def abandon(self) -> None:
        """Remove all that is not whole; no other thread begins, or puts in its place, anything after this."""
        with self._lock:
            self._abandoned = True
            for path in self._open:
                path.unlink(missing_ok=True)

    @property
    def abandoned(self) -> bool:
        """Whether the run was told to stop."""
        return self._abandoned

    def survey(self, folder: Path) -> None:
        """Note the pieces that runs left in a folder that are gone; what cannot be gone on with is removed."""
        for path in sorted(folder.iterdir()):
            match = _NAME.fullmatch(path.name)
            if match is None or (alive(int(match["pid"])) and int(match["pid"]) != os.getpid()):
                continue
            target = folder / match["name"]
            if match["tag"] == _NO_TAG or path.is_symlink() or not path.is_file() or target in self._left:
                path.unlink()
            else:
                self._left[target] = path, match["tag"]

    def take_over(self, target: Path, there: bool) -> Partial:
        """The piece of ``target`` that a run left that is gone, else an empty one; with ``there`` it is not needed."""
        partial = Partial(self, target)
        with self._lock:
            self._refuse_abandoned()
            left = self._left.pop(target, None)
            if left is not None and there:
                left[0].unlink(missing_ok=True)
            elif left is not None:
                partial.tag = left[1]
                self._open.add(partial.path)
                os.rename(left[0], partial.path)
                partial.size = partial.path.stat().st_size
        return partial

    def begin(self, path: Path) -> int:
        """A descriptor of the new, empty file ``path``."""
        with self._lock:
            self._refuse_abandoned()
            self._open.add(path)
            return os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666)

    def drop(self, path: Path) -> None:
        """Remove a file that is not whole, if it is there."""
        with self._lock:
            path.unlink(missing_ok=True)
            self._open.discard(path)

    def leave(self, path: Path) -> None:
        """The file stays although it is not whole: the next run goes on with it."""
        with self._lock:
            self._open.discard(path)

    def place(self, path: Path, target: Path) -> None:
        """``path`` is whole: it becomes ``target``.  Raises OutputError when there is one meanwhile."""
        with self._lock:
            self._refuse_abandoned()
            try:
                try:
                    os.link(path, target)  # unlike a rename it never replaces what is there
                except FileExistsError:
                    raise
                except OSError:  # a file system without hard links
                    if os.path.lexists(target):
                        raise FileExistsError from None
                    os.rename(path, target)
            except FileExistsError as error:
                raise different(target) from error
            path.unlink(missing_ok=True)
            self._open.discard(path)

    def _refuse_abandoned(self) -> None:
        if self._abandoned:
            raise InterruptedError("the run was told to stop")


class Partial:
    """The piece of one file that is there already."""

    def __init__(self, partials: Partials, target: Path) -> None:
        self._partials, self._target = partials, target
        self.tag, self.size = _NO_TAG, 0

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._target.with_name(f".{self._target.name}.{self.tag}.{os.getpid()}.part")

    @property
    def range(self) -> dict[str, str]:
        """The header that asks for the rest."""
        return {"Range": f"bytes={self.size}-"} if self.size else {}

    def goes_on(self, url: str, headers: Mapping[str, str]) -> bool:
        """Whether a partial answer (206) with these headers is the rest of the same file."""
        span = re.match(r"bytes (\d{1,15})-", headers.get("content-range", ""), re.ASCII)
        return span is not None and int(span[1]) == self.size > 0 and _tag(url, headers) == self.tag

    def begin(self, url: str, headers: Mapping[str, str]) -> None:
        """From the start, with the answer (200) of these headers."""
        self.drop()
        self.tag = _tag(url, headers)
        os.close(self._partials.begin(self.path))

    def add(self, piece: bytes) -> None:
        """Behind what is there."""
        with open(os.open(self.path, _FLAGS), "ab") as file:
            file.write(piece)
        self.size += len(piece)

    def cut(self) -> None:
        """The connection broke: keep the piece if it can be gone on with."""
        if self.tag == _NO_TAG:
            self.drop()

    def leave(self) -> None:
        """For the next run, if there is something that it can go on with."""
        if self.size and self.tag != _NO_TAG:
            self._partials.leave(self.path)
            self.tag, self.size = _NO_TAG, 0

    def drop(self) -> None:
        """Away with it."""
        self._partials.drop(self.path)
        self.size = 0


def different(path: Path) -> OutputError:
    """What is said of a file that is in the way."""
    return OutputError(
        "there is another file of this name, which is kept as it is",
        file=path,
        todo="move it away, or name another folder",
    )


def _tag(url: str, headers: Mapping[str, str]) -> str:
    """Digits for this version of what is at ``url``; "0" when the server does not say which one it is."""
    version = headers.get("etag") or headers.get("last-modified")
    # A weak ETag says that two files mean the same, not that they are the same bytes (RFC 9110, 8.8.3).
    if not version or version.startswith("W/"):
        return _NO_TAG
    return "a" + hashlib.sha256(f"{url}\n{version}".encode()).hexdigest()[:15]
