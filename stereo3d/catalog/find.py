"""From a place on Mars to files: the scene that was taken at a site and drive, as input for the readers."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stereo3d.catalog.database import broken, reading
from stereo3d.catalog.place import Catalogue
from stereo3d.catalog.query import Row, Wish, frames, stops
from stereo3d.errors import MissingFileError, PairError, Stereo3dError
from stereo3d.read.product_name import same_product
from stereo3d.read.scene_folder import read_scene_file

_FAVOURITE = "navcam"
_MOST_NAMED = 4


@dataclass(frozen=True)
class Taken:
    """What was found."""

    inputs: tuple[Path, ...]
    """A scene folder, or images."""
    pair: str | None
    """Which of the folder's pairs is wanted still; None when ``inputs`` is all of it."""
    about: str
    """It in a line."""


def find_scene(catalogues: Sequence[Catalogue], wish: Wish, pair: str | None = None, paired: bool = True) -> Taken:
    """The one scene that the wish names in the first of the catalogues that has it: the pairs of one stop, or one
    ``pair`` of them (its number from 1 in order of time, or a product id); without ``paired`` all of its frames.

    Of several cameras that of the wish is taken, else the Navcam, else that with the most frames.  Images that are all
    of a scene folder are given as that folder.  Raises PairError when there is none, or several, saying what there is;
    MissingFileError for files that are gone; RecordError for a broken catalogue.
    """
    what = "pair" if paired else "frame"
    for catalogue in catalogues:
        with reading(catalogue.database, catalogue.root) as db:
            try:
                there = [row for row in stops(db, wish) if row[f"{what}s"]]
                if len(there) == 1:
                    return _taken(catalogue, wish, _frames(db, wish, there[0], paired), pair, paired)
            except (ValueError, TypeError, KeyError) as error:
                if isinstance(error, Stereo3dError):
                    raise
                raise broken(catalogue.database, catalogue.root) from error
        if there:
            raise PairError(
                f"there are {len(there)} stops with such {what}s: {_stops(there)}",
                file=catalogue.root,
                expected="one",
                todo="choose with --mission, --site, --drive or --sol",
            )
    raise _nothing(catalogues, wish, what)


def _frames(db: sqlite3.Connection, wish: Wish, stop: Row, paired: bool) -> list[Row]:
    """The frames at one stop, each product once."""
    rows = frames(db, replace(wish, site=_whole(stop["site"]), drive=_whole(stop["drive"])))
    rows = [row for row in rows if row["mission"] == stop["mission"] and not row["copy"]]
    return [row for row in rows if row["pair"] is not None or not paired]


def _taken(catalogue: Catalogue, wish: Wish, rows: list[Row], pair: str | None, paired: bool) -> Taken:
    place = _place(rows[0])
    cameras = Counter(str(row["camera"]) for row in rows)
    camera = _FAVOURITE if _FAVOURITE in cameras else min(cameras, key=lambda name: (-cameras[name], name))
    rows = [row for row in rows if row["camera"] == camera]
    found = sorted({_whole(row["sol"]) for row in rows})
    if len(found) > 1 and wish.sols is None and pair is None:
        counts = [f"{sol} ({_counted([row for row in rows if row['sol'] == sol], paired)})" for sol in found]
        raise PairError(
            f"at {place} there is something of {len(found)} sols: {_listed(counts, len(counts))}",
            file=catalogue.root,
            expected="one scene",
            todo=f"choose with --sol {found[0]}, or take all with --sol {found[0]}-{found[-1]}",
        )
    files = {_inside(catalogue, str(row["file"])): row for row in rows}
    folder = _scene_folder(catalogue, list(files))
    where = f"{place}, sol {found[0]}" + (f" to {found[-1]}" if len(found) > 1 else "")
    others = [name for name in sorted(cameras) if name != camera]
    also = f"; there are also frames of {', '.join(others)}: --camera" if others else ""
    if folder is not None:
        one = f"pair {pair[:100]} of " if pair is not None else ""
        return Taken((folder,), pair, f"{where}: {one}{_counted(rows, paired)} of {camera} in {folder}{also}")
    if pair is not None:
        files = _one_pair(catalogue, files, pair)
    count = _counted(list(files.values()), paired)
    inside = os.path.commonpath([path.parent for path in files])
    return Taken(tuple(files), None, f"{where}: {count} of {camera} in {inside}{also}")


def _one_pair(catalogue: Catalogue, files: dict[Path, Row], pair: str) -> dict[Path, Row]:
    """The files of one pair: rows are in order of time."""
    numbers = list(dict.fromkeys(row["pair"] for row in files.values()))
    chosen = None
    if pair.isdecimal() and len(pair) < 6 and 1 <= int(pair) <= len(numbers):
        chosen = numbers[int(pair) - 1]
    else:
        chosen = next((row["pair"] for row in files.values() if same_product(pair, str(row["product"]))), None)
    if chosen is None:
        raise PairError(
            f"there is no pair {pair[:100]} among {len(numbers)}",
            file=catalogue.root,
            expected=f"a number from 1 to {len(numbers)}, or the product id of one of a pair's images",
            todo=f"the first one is {next(iter(files.values()))['product']}",
        )
    return {path: row for path, row in files.items() if row["pair"] == chosen}


def _scene_folder(catalogue: Catalogue, files: Sequence[Path]) -> Path | None:
    """The scene folder that describes these files, if it describes no others."""
    folder = Path(os.path.commonpath([path.parent for path in files]))
    try:
        described = read_scene_file(folder)
    except Stereo3dError:
        return None
    return folder if described is not None and set(described.images) == set(files) else None


def _inside(catalogue: Catalogue, name: str) -> Path:
    """The file ``name`` below the root.  Raises MissingFileError when it is not there any more, or leads out."""
    path = Path(catalogue.root, name)
    if not path.is_file() or os.path.realpath(path) != str(path):
        raise MissingFileError(
            "is not there any more", file=path, todo=f"run stereo3d catalog {catalogue.root} to bring it up to date"
        )
    return path


def _nothing(catalogues: Sequence[Catalogue], wish: Wish, what: str) -> PairError:
    """What is said when no catalogue has it, with what there is instead, from the nearest to the wish on."""
    for wider in (replace(wish, sols=None, camera=None), replace(wish, sols=None, camera=None, drive=None), Wish()):
        for catalogue in catalogues:
            with reading(catalogue.database, catalogue.root) as db:
                there = [row for row in stops(db, wider) if row[f"{what}s"]]
            if there:
                return PairError(
                    f"the catalogue has no such {what}; it has {_stops(there)}",
                    file=catalogue.root,
                    todo=f"stereo3d catalog {catalogue.root} brings it up to date and tells all",
                )
    return PairError(
        f"the catalogue has no {what}",
        file=" and ".join(catalogue.root for catalogue in catalogues[:2]),
        todo="stereo3d catalog DIR --problems says why",
    )


def _place(row: Row) -> str:
    return f"{row['mission']} site {row['site']} drive {row['drive']}"


def _stops(rows: Sequence[Row]) -> str:
    """Stops with their sols and cameras, the first few of them."""
    told = []
    for row in rows[:_MOST_NAMED]:
        first, last, cameras = row["first_sol"], row["last_sol"], row["cameras"]
        assert isinstance(cameras, list)
        sols = f"sol {first}" if first == last else f"sols {first} to {last}"
        told.append(f"{_place(row)} ({', '.join([sols, *cameras])})")
    return _listed(told, len(rows))


def _counted(rows: Sequence[Row], paired: bool) -> str:
    count = len({row["pair"] for row in rows}) if paired else len(rows)
    return f"{count} {'pair' if paired else 'frame'}" + ("" if count == 1 else "s")


def _listed(items: Sequence[str], count: int) -> str:
    more = f" and {count - _MOST_NAMED} more" if count > _MOST_NAMED else ""
    return ", ".join(items[:_MOST_NAMED]) + more


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("not a whole number")
    return value
