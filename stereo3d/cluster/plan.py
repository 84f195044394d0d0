"""From what a user names (images, folders, folders of folders) to tasks, by the records alone: no pixel is read."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stereo3d.cluster.job import Job
from stereo3d.cluster.record import TASK
from stereo3d.errors import MissingFileError, PairError, Stereo3dError
from stereo3d.observation import Eye
from stereo3d.read.product_name import parse_product_name
from stereo3d.read.protocol import Header
from stereo3d.read.readers import reader_for
from stereo3d.read.scene_folder import image_files, read_scene_file
from stereo3d.read.shot_pixels import both_eyes, parts_of
from stereo3d.read.shots import Shot, rig, shots_of, without_copies

MAX_DEPTH = 8
"""Folders of folders are looked through so far down."""
MAX_FOLDERS = 1_000_000
_LONGEST_NAME = 120


@dataclass(frozen=True)
class Unreadable:
    """A file, or a folder, that was meant but cannot be read."""

    path: Path
    message: str


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    jobs: tuple[Job, ...]
    unreadable: tuple[Unreadable, ...]
    alone: int
    """Frames without a partner of the other eye."""
    passed_over: int
    """Pictures without a record, copies, and other products of a frame that is taken already."""


@dataclass(frozen=True)
class _Group:
    """Frames that may belong together: of one folder, or named one by one."""

    images: tuple[Path, ...]
    sky: bool
    described: bool
    """By a scene.toml, or one by one: then each file is meant."""


@dataclass(frozen=True)
class _Task:
    """A task that has no name of its own yet."""

    stem: str
    frames: tuple[Header, ...]
    settings: Mapping[str, Any]
    about: Mapping[str, Any]


def find_jobs(
    inputs: Sequence[Path],
    settings: Mapping[str, Any],
    output: Path,
    told: Callable[[int], None] = lambda count: None,
) -> Plan:
    """The tasks that ``inputs`` hold: a pair each, or with ``settings["whole"]`` a stop of each folder.

    Folders are looked through with all below them, but for hidden ones, links, the folder ``output`` and what a
    batch made.  ``told`` is called with the number of tasks found so far.  Raises MissingFileError for an input that
    is not there, PairError when there is nothing to do.
    """
    tasks: dict[tuple[str, ...], _Task] = {}
    unreadable: list[Unreadable] = []
    alone = passed = 0
    for group in _groups(inputs, output, unreadable):
        headers, more = _headers(group, unreadable)
        kept, _ = without_copies(headers)
        passed += more + len(headers) - len(kept)
        found = list(_stops(kept, group, settings) if settings.get("whole") else _pairs(kept, group, settings))
        for task in found:
            tasks.setdefault(tuple(sorted(os.path.realpath(h.path) for h in task.frames if h.path is not None)), task)
        used = {header.path for task in found for header in task.frames}
        alone += sum(header.path not in used for header in kept)
        told(len(tasks))
    if not tasks and not unreadable:
        raise PairError(
            "there is nothing to do: no pair was found" + (f", but {alone} frames of one eye alone" if alone else ""),
            file=inputs[0] if inputs else None,
            expected="images of both eyes with their records, in folders or one by one",
        )
    return Plan(tuple(_named(list(tasks.values()))), tuple(unreadable), alone, passed)


def _groups(inputs: Sequence[Path], output: Path, unreadable: list[Unreadable]) -> Iterator[_Group]:
    """Each folder, and the loose frames of each folder."""
    loose: dict[Path, list[Path]] = {}
    seen: set[str] = set()
    for path in inputs:
        if not os.path.lexists(path):
            raise MissingFileError("no such file or folder", file=path, todo="check the path")
        if not path.is_dir():
            loose.setdefault(path.parent, []).append(path)
            continue
        for folder in _folders(path, output, seen):
            try:
                described = read_scene_file(folder)
                images = described.images if described is not None else tuple(image_files(folder))
            except Stereo3dError as error:
                unreadable.append(Unreadable(folder, str(error)))
                continue
            if images:
                yield _Group(images, described is None or described.sky, described is not None)
    for images_ in loose.values():
        yield _Group(tuple(images_), True, True)


def _folders(top: Path, output: Path, seen: set[str]) -> Iterator[Path]:
    """``top`` and the folders below it, each once."""
    stack = [(top, 0)]
    out = os.path.realpath(output)
    while stack and len(seen) < MAX_FOLDERS:
        folder, depth = stack.pop()
        real = os.path.realpath(folder)
        if real in seen or (depth > 0 and real == out) or (folder / TASK).is_file():
            continue
        seen.add(real)
        yield folder
        try:
            inner = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue  # told already, by image_files
        if depth < MAX_DEPTH:
            stack += [(folder / name, depth + 1) for name in reversed(inner) if not name.startswith(".")]


def _headers(group: _Group, unreadable: list[Unreadable]) -> tuple[list[Header], int]:
    """The headers of a group, and how many of its files are passed over as no frames."""
    headers: list[Header] = []
    passed = 0
    for image in group.images:
        try:
            header = reader_for(image).header(image)
            if header.path is None:
                passed += 1
            else:
                headers.append(header)
        except Stereo3dError as error:
            meant = group.described or parse_product_name(image.stem) or image.with_suffix(".json").is_file()
            if meant:
                unreadable.append(Unreadable(image, str(error)))
            else:
                passed += 1
    return headers, passed


def _pairs(headers: Sequence[Header], group: _Group, settings: Mapping[str, Any]) -> Iterator[_Task]:
    shots, _ = shots_of(headers)
    for pair in (pair for shot in shots for part in parts_of(shot) for pair in both_eyes(part)):
        first = pair.of(Eye.LEFT)[0]
        yield _Task(first.product_id, pair.frames, _own(settings, group), _about(first, first.product_id, 1))


def _stops(headers: Sequence[Header], group: _Group, settings: Mapping[str, Any]) -> Iterator[_Task]:
    """The frames of each stop of the group, of the camera that took the most of them."""
    stops: dict[tuple[str, int, int], list[Header]] = {}
    for header in headers:
        stops.setdefault((header.mission, header.site, header.drive), []).append(header)
    for (mission, site, drive), frames in stops.items():
        most = Counter(rig(frame) for frame in frames).most_common(1)[0][0]
        shots, _ = shots_of([frame for frame in frames if rig(frame) == most])
        used = tuple(frame for shot in shots for frame in shot.frames)
        count = sum(len(both_eyes(part)) for shot in shots for part in parts_of(shot))
        if count:
            place = f"{re.sub('[^A-Za-z0-9]+', '-', mission).lower()}_site{site:03d}_drive{drive:04d}"
            yield _Task(place, used, _own(settings, group), _about(used[0], _span(shots), count))


def _span(shots: Sequence[Shot[Header]]) -> str:
    first, last = (shots[k].frames[0].product_id for k in (0, -1))
    return first if first == last else f"{first} to {last}"


def _own(settings: Mapping[str, Any], group: _Group) -> dict[str, Any]:
    return {**settings, "sky": bool(settings.get("sky", True)) and group.sky}


def _about(header: Header, product: str, pairs: int) -> dict[str, Any]:
    return {
        "product": product,
        "mission": header.mission,
        "sol": header.sol,
        "site": header.site,
        "drive": header.drive,
        "pairs": pairs,
    }


def _named(tasks: Sequence[_Task]) -> Iterator[Job]:
    """The tasks with names: the product's own where one task has it, else with a sum of the frames behind it.

    The sum is of where the images lie, so that the name of a task does not hang on what else is in the batch
    beside those of its own product.
    """
    stems = [_safe(task.stem) for task in tasks]
    counts = Counter(stem.casefold() for stem in stems)
    for stem, task in zip(stems, tasks, strict=True):
        files = tuple(os.path.abspath(h.path) for h in task.frames if h.path is not None)
        records = {os.path.abspath(h.record) for h in task.frames} - set(files)
        plain = counts[stem.casefold()] == 1
        name = stem if plain else f"{stem}.{hashlib.sha256(chr(0).join(files).encode()).hexdigest()[:10]}"
        yield Job(name, files, tuple(sorted(records)), task.settings, task.about)


def _safe(stem: str) -> str:
    """A name that no file system misunderstands, and that no table or page of a batch has."""
    name = re.sub(r"[^A-Za-z0-9_.\-]", "_", stem)[:_LONGEST_NAME].strip(".-") or "_"
    return f"{name}_" if name.lower().endswith((".html", ".csv")) else name
