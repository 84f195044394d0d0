"""Images into scene folders, each beside its record: whole or not at all, and never over something else."""

from __future__ import annotations

import contextlib
import filecmp
import json
import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stereo3d.errors import ImageFileError, OutputError, Stereo3dError
from stereo3d.fetch.partial import Partial, Partials, different
from stereo3d.fetch.select import Stop, Wanted
from stereo3d.fetch.web import CONNECTIONS, TryAgainError, UnreachableError, Web, length_of
from stereo3d.read.pixels import image_size, read_image

MAX_IMAGE_BYTES = 128 << 20
"""The whole Navcam sensor in colour has 59 MB without compression."""
_GIVE_UP_AFTER = 3
"""Images in turn that cannot be reached before the rest is not asked for."""
_MAX_RECORD_BYTES = 1 << 20

Told = Callable[[int, int], None]
"""Is told of images that are done, and of bytes that came, since it was told last."""


@dataclass(frozen=True)
class Done:
    """What became of one image that is there now."""

    path: Path
    bytes: int
    new: bool
    """False for what an earlier run fetched."""


@dataclass(frozen=True)
class Fetched:
    """What became of all images."""

    done: tuple[Done, ...]
    failed: tuple[Stereo3dError, ...]
    """One for each image that is not there."""


def download(
    web: Web,
    stops: Sequence[Stop],
    folder: Path,
    told: Told = lambda images, count: None,
    check: Callable[[], None] = lambda: None,
) -> Fetched:
    """Fetch the images of the stops, two at a time, into a folder of its own for each below ``folder``.

    An image that is whole there, beside the same record, is not fetched again.  ``check`` is called ten times a second;
    when it raises, or Ctrl-C does, what is not whole is removed at once and what is whole stays.

    Raises OutputError when nothing can be written (a full disk), UnreachableError when the server is gone; what happens
    to one image alone is in the result.
    """
    partials = Partials()
    jobs: queue.SimpleQueue[tuple[Wanted, Path]] = queue.SimpleQueue()
    results: queue.SimpleQueue[Done | BaseException] = queue.SimpleQueue()
    count = 0
    for stop in stops:
        for wanted in stop.images:
            jobs.put((wanted, folder / stop.folder))
            count += 1

    one_by_one = threading.Lock()

    def tell(images: int, size: int) -> None:
        with one_by_one:
            told(images, size)

    def work() -> None:
        while not partials.abandoned:
            try:
                wanted, place = jobs.get_nowait()
            except queue.Empty:
                return
            try:
                results.put(fetch_image(web, wanted, place, partials, tell))
            except BaseException as error:  # handed over to the waiting thread
                results.put(error)
            tell(1, 0)

    done: list[Done] = []
    failed: list[Stereo3dError] = []
    made = [path for path in (folder, *(folder / stop.folder for stop in stops)) if not path.exists()]
    try:
        for stop in stops:
            _make(folder / stop.folder)
            partials.survey(folder / stop.folder)
        for _ in range(min(CONNECTIONS, count)):
            threading.Thread(target=work, daemon=True).start()
        gone = 0
        while len(done) + len(failed) < count:
            check()
            try:
                result = results.get(timeout=0.1)
            except queue.Empty:
                continue
            if isinstance(result, Done):
                done.append(result)
            elif isinstance(result, Stereo3dError):
                failed.append(result)
            elif isinstance(result, OSError):
                raise OutputError(f"cannot be written: {result.strerror or result}", file=folder) from result
            else:
                raise result
            if not isinstance(result, UnreachableError):
                gone = 0
                continue
            gone += 1
            if gone >= _GIVE_UP_AFTER:
                raise result
    finally:
        partials.abandon()
        for path in reversed(made):
            with contextlib.suppress(OSError):  # something is in it, or it was never made
                path.rmdir()
    return Fetched(tuple(done), tuple(failed))


def fetch_image(web: Web, wanted: Wanted, folder: Path, partials: Partials, told: Told) -> Done:
    """One image and its record into ``folder``, the record first: an image that is there has its record.

    Raises OutputError for a file of this name that is another one; FeedError when the image cannot be got (the piece
    that came is left for the next run where the server can go on with it); ImageFileError when it is no image, or not
    of the size that its record says; OSError when it cannot be written.
    """
    target = folder / wanted.name
    record = target.with_suffix(".json")
    there, described = os.path.lexists(target), os.path.lexists(record)
    partial = partials.take_over(target, there)
    if described and not _same_record(record, wanted.record):
        raise different(record)
    if there and described:
        try:
            _check(target, wanted)
        except Stereo3dError as error:
            raise different(target) from error
        return Done(target, target.stat().st_size, new=False)
    try:
        web.patiently(lambda: _go_on(web, wanted.url, partial, told))
        _check(partial.path, wanted)
        if there and not (target.is_file() and filecmp.cmp(partial.path, target, shallow=False)):
            raise different(target)
        if not described:
            _write(record, wanted.record, partials)
        size = partial.size
        if not there:
            partials.place(partial.path, target)
    except UnreachableError:
        partial.leave()
        raise
    finally:
        partial.drop()
    return Done(target, size, new=True)


def _go_on(web: Web, url: str, partial: Partial, told: Told) -> None:
    """Fetch what the partial file lacks, once.  Raises TryAgainError when something is missing still."""
    with web.open(url, partial.range) as answer:
        whole = answer.status_code == 200
        if not whole and not (answer.status_code == 206 and partial.goes_on(url, answer.headers)):
            partial.drop()
            raise TryAgainError("does not go on with the file that was begun", file=url)
        if whole:
            partial.begin(url, answer.headers)
        try:
            for piece in web.pieces(answer, url, MAX_IMAGE_BYTES - partial.size):
                partial.add(piece)
                told(0, len(piece))
        except BaseException:
            partial.cut()
            raise
        if not whole and length_of(answer) is None:
            partial.drop()  # nothing says that this was all
            raise TryAgainError("does not say how much is left", file=url)


def _check(path: Path, wanted: Wanted) -> None:
    """Raise ImageFileError unless the file can be decoded and has the size that its record says."""
    try:
        size = image_size(path)
        said = wanted.header.camera.width, wanted.header.camera.height
        if size != said:
            raise ImageFileError(
                f"the image is {size[0]} x {size[1]} px, its record says {said[0]} x {said[1]} px", file=wanted.name
            )
        read_image(path)
    except ImageFileError as error:
        raise ImageFileError(error.what, file=wanted.name, expected=error.expected, todo="it is left out") from error


def _same_record(path: Path, record: bytes) -> bool:
    """Whether a file holds the same JSON values, however they are written."""
    try:
        if not path.is_file() or path.stat().st_size > _MAX_RECORD_BYTES:
            return False
        return bool(json.loads(path.read_bytes()) == json.loads(record))
    except (ValueError, RecursionError):
        return False


def _write(path: Path, data: bytes, partials: Partials) -> None:
    part = path.with_name(f".{path.name}.0.{os.getpid()}.part")
    partials.drop(part)
    with open(partials.begin(part), "wb") as file:
        file.write(data)
    partials.place(part, path)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot write here: {error.strerror or error}", file=folder, todo="name a place where you may write"
        ) from error
