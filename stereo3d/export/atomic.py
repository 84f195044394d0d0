"""Output that is all or nothing: written under another name beside the target, renamed when it is whole.

The other names are ``.NAME.partial-PID-N`` (work in progress) and ``.NAME.replaced-PID-N`` (what it replaces).  What a
killed run leaves under them is cleared away by the next run with the same target, once that process is gone.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from stereo3d.errors import OutputError, Stereo3dError
from stereo3d.processes import alive


@contextmanager
def atomic_files(path: Path) -> Iterator[Path]:
    """A temporary folder; what is written into it moves beside ``path`` at the end, ``path``'s own name last.

    Missing parent folders are made.  On any exception, KeyboardInterrupt included, nothing is left.  Raises
    OutputError when ``path`` is a folder or cannot be written; entering tells, before any work.
    """
    path = Path(path)
    _refuse_folder(path)
    with _work_folder(path) as folder:
        yield folder
        names = sorted((p.name for p in folder.iterdir()), key=lambda name: (name == path.name, name))
        targets = [path.parent / name for name in names]
        for target in targets:
            _refuse_folder(target)
        fresh = [target for target in targets if not target.exists()]
        try:
            for target in targets:
                os.replace(folder / target.name, target)
        except BaseException:
            for target in fresh:
                target.unlink(missing_ok=True)
            raise


@contextmanager
def atomic_folder(path: Path, ours: Collection[str]) -> Iterator[Path]:
    """A temporary folder that becomes ``path`` at the end.

    ``path`` may be absent, empty, or hold only files named in ``ours`` (``folder/name`` for one in a folder of it),
    which the new ones replace as a whole; with anything else in it, or where it cannot be written, OutputError is
    raised on entering, before any work.  On any exception, KeyboardInterrupt included, the temporary folder is removed
    and ``path`` is as it was.
    """
    path = Path(os.path.realpath(path))  # a link to a folder stays a link
    _restore(path)
    _refuse_strangers(path, ours)
    if path.is_dir() and (os.path.ismount(path) or path == Path.cwd()):
        what = "a mount point" if os.path.ismount(path) else "the current folder"
        raise OutputError(
            f"this is {what}, which cannot be replaced as a whole",
            file=path,
            todo=f"name a folder inside of it, for example {path / 'scene'}",
        )
    with _work_folder(path) as folder:
        yield folder
        _refuse_strangers(path, ours)
        if not path.exists() or not any(path.iterdir()):
            os.replace(folder, path)
            return
        old = _fresh_name(path, "replaced")
        os.replace(path, old)
        try:
            os.replace(folder, path)
        except BaseException:
            os.replace(old, path)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise OutputError("this is a folder", file=path, expected="the name of a file to write")


def _refuse_strangers(path: Path, ours: Collection[str]) -> None:
    """Raise OutputError when ``path`` is a file, or holds what is not ours."""
    if not path.exists():
        return
    if not path.is_dir():
        raise OutputError("this is a file", file=path, expected="the name of a folder to write into")
    strangers = sorted(_strangers(path, ours))
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        raise OutputError(
            f"the folder holds '{strangers[0]}'{more}, which stereo3d did not write",
            file=path,
            expected="a new folder, an empty one, or one with the products of an earlier run",
            todo="name another folder, or empty this one",
        )


def _strangers(path: Path, ours: Collection[str], inside: str = "") -> Iterator[str]:
    """What of a folder, and of the folders of ours in it, is not a file named in ``ours``; as relative names."""
    for entry in path.iterdir():
        name = inside + entry.name
        if not entry.is_dir() or entry.is_symlink():
            if name not in ours:
                yield name
        elif any(known.startswith(f"{name}/") for known in ours):
            yield from _strangers(entry, ours, f"{name}/")
        else:
            yield name


@contextmanager
def _work_folder(path: Path) -> Iterator[Path]:
    """An empty folder beside ``path``, gone at the end; OSError in the body becomes OutputError about ``path``."""
    parent = path.parent
    made = list(itertools.takewhile(lambda p: not p.exists(), [parent, *parent.parents]))
    try:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            _clear_stale(path)
            folder = _fresh_name(path, "partial")
            folder.mkdir()
        except OSError as error:
            raise OutputError(
                f"cannot write here: {error.strerror or error}",
                file=path,
                todo="name a place where you may write",
            ) from error
        try:
            yield folder
        except Stereo3dError:
            raise
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror or error}", file=path) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        for folder_made in made:
            try:
                folder_made.rmdir()
            except OSError:
                break  # something was written into it: it stays, and so do those above


def _stem(path: Path) -> str:
    """The target's name, cut so that the longer name still fits into a directory entry."""
    return path.name.encode()[:180].decode(errors="ignore")


def _fresh_name(path: Path, kind: str) -> Path:
    for n in itertools.count():
        name = path.with_name(f".{_stem(path)}.{kind}-{os.getpid()}-{n}")
        if not os.path.lexists(name):
            return name
    raise AssertionError("unreachable")


def _leftovers(path: Path, kind: str) -> list[Path]:
    """What runs that are gone left beside ``path`` under the given kind of name."""
    pattern = re.compile(re.escape(f".{_stem(path)}.{kind}-") + r"(\d{1,9})-\d+")
    try:
        entries = list(path.parent.iterdir())
    except OSError:
        return []
    found = ((p, pattern.fullmatch(p.name)) for p in entries)
    return sorted(p for p, m in found if m and not alive(int(m[1])) and p.is_dir() and not p.is_symlink())


def _clear_stale(path: Path) -> None:
    for leftover in _leftovers(path, "partial") + _leftovers(path, "replaced"):
        shutil.rmtree(leftover, ignore_errors=True)


def _restore(path: Path) -> None:
    """Undo a swap of folders that was killed between its two renames."""
    for old in _leftovers(path, "replaced"):
        if not path.exists():
            os.replace(old, path)
