"""Where the catalogues of a user lie, and which of them are there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from stereo3d.catalog.database import reading
from stereo3d.errors import MissingFileError, Stereo3dError
from stereo3d.store import user_folder

NAMED = "STEREO3D_CATALOG"
"""Environment variable: the catalogued folder that is asked when none is named."""
_NAME = re.compile(r"[0-9a-f]{32}\.sqlite(\.lock|-journal)?")


@dataclass(frozen=True)
class Catalogue:
    """A catalogued folder, and the database of what is in it."""

    root: str
    """The folder, absolute, links followed."""
    database: Path


@dataclass(frozen=True)
class Known:
    """What a user has catalogued before."""

    catalogue: Catalogue
    frames: int
    updated_s: float
    """s since 1970."""
    complete: bool


def catalogs_folder() -> Path:
    """Where the databases lie: with what can be made again, as ``STEREO3D_CACHE`` or the system says."""
    return user_folder() / "catalogs"


def catalogue_of(folder: Path) -> Catalogue:
    """The catalogue of a folder, whether or not it was made yet."""
    root = os.path.realpath(folder)
    return Catalogue(root, catalogs_folder() / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:32]}.sqlite")


def files() -> list[Path]:
    """All files of all catalogues, in order of name."""
    try:
        return sorted(path for path in catalogs_folder().iterdir() if _NAME.fullmatch(path.name))
    except OSError:
        return []


def known() -> list[Known]:
    """What was catalogued, the latest first; a database that cannot be read is none."""
    found = []
    for path in files():
        if path.suffix != ".sqlite":
            continue
        with contextlib.suppress(Stereo3dError, sqlite3.Error, ValueError, TypeError), reading(path, None) as db:
            root, complete, updated_s = db.execute("SELECT root, complete, updated_s FROM about").fetchone()
            catalogue = catalogue_of(Path(os.fsdecode(root)))
            if catalogue.database == path:  # else the file was renamed, or says what it likes
                (frames,) = db.execute("SELECT count(*) FROM frames").fetchone()
                found.append(Known(catalogue, int(frames), float(updated_s), bool(complete)))
    return sorted(found, key=lambda one: -one.updated_s)


def asked(named: Path | None) -> list[Catalogue]:
    """The catalogues to ask, in turn: the one of the folder ``named``, or of ``STEREO3D_CATALOG``; else the one that
    the current folder is in; else all, the latest first.

    Raises MissingFileError when a named folder was not catalogued, or nothing ever was.
    """
    folder = named if named is not None else Path(os.environ[NAMED]) if os.environ.get(NAMED) else None
    if folder is not None:
        one = catalogue_of(folder.expanduser())
        if not one.database.exists():
            raise MissingFileError("was not catalogued yet", file=folder, todo=f"run stereo3d catalog {folder} first")
        return [one]
    here = Path.cwd()
    for parent in (here, *here.parents):
        one = catalogue_of(parent)
        if one.database.exists():
            return [one]
    found = [one.catalogue for one in known()]
    if not found:
        raise MissingFileError("nothing was catalogued yet", todo="run stereo3d catalog DIR first, or name the images")
    return found
