"""The folder of a batch: one run at a time, told to be alive as long as it is."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stereo3d.errors import OutputError, Stereo3dError

MARK = ".stereo3d-batch"
"""Lies in every folder of a batch: makes it one, and is locked, by the system, while a run lives."""
BEAT_S = 5.0
"""The run touches the mark so often."""
SILENT_S = 180.0
"""A run that did not for so long is gone: three times what a network's file system may keep to itself."""
_ASLEEP_S = 20.0
_PARTIAL = re.compile(r"\.(.+)\.(partial|replaced)-(\d{1,9})-\d+")


@contextmanager
def batch_folder(folder: Path) -> Iterator[str]:
    """Take the folder for this run; gives the token that stands in its mark until the end.

    It is made where it is missing, and gone again when nothing came of the run.  Raises OutputError for a folder that
    holds something else than a batch, that cannot be written, or in which another run is at work.  A run that was
    killed holds nothing: its lock is the system's, and ends with the process.
    """
    folder = Path(folder)
    mark = folder / MARK
    fresh = not folder.exists()
    file = _taken(folder, mark)
    ended = threading.Event()
    try:
        token = secrets.token_hex(16)
        with _told(folder):
            _write(file, {"run": token, "process": os.getpid(), "machine": socket.gethostname()})
        threading.Thread(target=_beat, args=(file, ended), daemon=True).start()
        yield token
    finally:
        ended.set()
        with suppress(OSError):
            _write(file, {"run": None})
        if fresh:
            _remove_empty(folder, mark)
        os.close(file)


def _remove_empty(folder: Path, mark: Path) -> None:
    """Remove a folder that holds its mark alone; called while that is locked, so that no other run takes it."""
    with suppress(OSError):
        if [path.name for path in folder.iterdir()] == [mark.name]:
            mark.unlink()
            folder.rmdir()


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What the system refuses, as OutputError."""
    try:
        yield
    except Stereo3dError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write here: {error.strerror or error}", file=folder) from error


def _taken(folder: Path, mark: Path) -> int:
    """The mark, open and locked."""
    with _told(folder):
        _refuse(folder)
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(mark, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
    if not _locked(file):
        os.close(file)
        raise OutputError(
            f"another batch is at work in this folder{_holder(mark)}",
            file=folder,
            todo="wait for it, or name another folder",
        )
    return file


def _refuse(folder: Path) -> None:
    if os.path.lexists(folder) and not folder.is_dir():
        raise OutputError("this is a file", file=folder, expected="the name of a folder to write into")
    if folder.is_dir() and not (folder / MARK).is_file():
        stranger = next(iter(sorted(entry.name for entry in os.scandir(folder))), None)
        if stranger is not None:
            raise OutputError(
                f"the folder holds '{stranger}' and is not one of a batch",
                file=folder,
                expected="a new folder, an empty one, or that of an earlier batch",
            )


def _locked(file: int) -> bool:
    """Take the lock; False where another process has it.  A file system without locks gives it to everyone."""
    try:
        import fcntl
    except ImportError:  # Windows: a lock of the first byte
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _write(file: int, content: dict[str, object]) -> None:
    data = (json.dumps(content) + "\n").encode()
    os.lseek(file, 0, os.SEEK_SET)
    os.write(file, data.ljust(256))
    os.ftruncate(file, 256)


def _read(mark: Path) -> dict[str, object]:
    try:
        with mark.open("rb") as file:
            value = json.loads(file.read(4096))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _holder(mark: Path) -> str:
    content = _read(mark)
    process, machine = content.get("process"), content.get("machine")
    if not isinstance(process, int) or not isinstance(machine, str):
        return ""
    return f", process {process} on {machine[:60]}"


def _beat(file: int, ended: threading.Event) -> None:
    while not ended.wait(BEAT_S):
        with suppress(OSError):
            os.utime(file)


class Pulse:
    """Whether the run that gave an order is still there, seen from a worker, on whatever machine."""

    def __init__(self, folder: Path, token: str) -> None:
        self._mark = folder / MARK
        self._token = token
        self._asked = self._changed = -1e9
        self._seen: int | None = None
        self._alive = True

    def alive(self) -> bool:
        """False when the folder has another run, or none, or when the run was silent for too long."""
        now = time.monotonic()
        if now - self._asked < 1.0:
            return self._alive
        if now - self._asked > _ASLEEP_S:  # this process, or its machine, was suspended: no silence of the other's
            self._changed = now
        self._asked = now
        try:
            beat: int | None = self._mark.stat().st_mtime_ns
        except OSError:
            beat = None
        if beat != self._seen:
            self._seen, self._changed = beat, now
        self._alive = _read(self._mark).get("run") == self._token and now - self._changed < SILENT_S
        return self._alive


def sweep(folder: Path, names: set[str]) -> None:
    """Clear away what killed processes left half written of the tasks of these names.

    Only for the run that has the folder, while none of its tasks is at work.
    """
    with suppress(OSError):
        for entry in os.scandir(folder):
            left = _PARTIAL.fullmatch(entry.name)
            if left is None or left[1] not in names or not entry.is_dir(follow_symlinks=False):
                continue
            target = folder / left[1]
            if left[2] == "replaced" and not target.exists():
                with suppress(OSError):
                    os.replace(entry.path, target)
            else:
                shutil.rmtree(entry.path, ignore_errors=True)


def sweep_process(folder: Path, name: str, process: int) -> None:
    """Clear away what one ended process left half written of one task."""
    for kind in ("partial", "replaced"):
        for path in folder.glob(f".{name}.{kind}-{process}-*"):
            if kind == "replaced" and not (folder / name).exists():
                with suppress(OSError):
                    os.replace(path, folder / name)
            else:
                shutil.rmtree(path, ignore_errors=True)
