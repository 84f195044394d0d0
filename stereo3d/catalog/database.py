"""The database of one catalogue: its tables, and opening it without trust.

A database counts only when its every table and index is word for word ours: then it has no triggers or views that run
what a stranger wrote.  It keeps SQLite's rollback journal rather than a write-ahead log, which needs shared memory and
so fails on network drives; who reads meanwhile sees the last commit.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stereo3d.errors import MissingFileError, OutputError, RecordError

APPLICATION_ID = 0x53334443
VERSION = 1
MAX_BYTES = 8 << 30
"""Two orders more than a catalogue of a million frames."""
_WAIT_S = 10.0
_TABLES = {
    "about": """CREATE TABLE about (root BLOB NOT NULL, complete INTEGER NOT NULL, updated_s REAL NOT NULL,
        links INTEGER NOT NULL) STRICT""",
    "folders": "CREATE TABLE folders (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, signature BLOB) STRICT",
    "parts": """CREATE TABLE parts (id INTEGER PRIMARY KEY, folder INTEGER NOT NULL, key TEXT NOT NULL,
        signature BLOB NOT NULL, loose INTEGER NOT NULL, UNIQUE (folder, key)) STRICT""",
    "frames": """CREATE TABLE frames (id INTEGER PRIMARY KEY, part INTEGER NOT NULL, folder INTEGER NOT NULL,
        name BLOB NOT NULL, record BLOB NOT NULL, product TEXT NOT NULL, mission TEXT NOT NULL,
        instrument TEXT NOT NULL, camera TEXT NOT NULL, eye TEXT NOT NULL, sol INTEGER NOT NULL, site INTEGER NOT NULL,
        drive INTEGER NOT NULL, sclk_s REAL NOT NULL, taken_utc TEXT, width INTEGER NOT NULL, height INTEGER NOT NULL,
        scale INTEGER NOT NULL, subframe TEXT, mast_azimuth_deg REAL, mast_elevation_deg REAL, copy INTEGER NOT NULL,
        pair INTEGER) STRICT""",
    "pairs": """CREATE TABLE pairs (id INTEGER PRIMARY KEY, mission TEXT NOT NULL, site INTEGER NOT NULL,
        drive INTEGER NOT NULL, camera TEXT NOT NULL, sol INTEGER NOT NULL, sclk_s REAL NOT NULL,
        product TEXT NOT NULL, partner TEXT NOT NULL, frames INTEGER NOT NULL) STRICT""",
    "products": """CREATE TABLE products (id INTEGER PRIMARY KEY, part INTEGER NOT NULL, folder INTEGER NOT NULL,
        name BLOB NOT NULL, kind TEXT NOT NULL, mission TEXT NOT NULL, sol INTEGER NOT NULL, site INTEGER NOT NULL,
        drive INTEGER NOT NULL, made_of INTEGER NOT NULL) STRICT""",
    "problems": """CREATE TABLE problems (id INTEGER PRIMARY KEY, part INTEGER, folder INTEGER NOT NULL,
        name BLOB NOT NULL, reason TEXT NOT NULL) STRICT""",
    "frames_part": "CREATE INDEX frames_part ON frames (part)",
    "frames_stop": "CREATE INDEX frames_stop ON frames (mission, site, drive, sol, camera, copy)",
    "frames_pair": "CREATE INDEX frames_pair ON frames (pair)",
    "pairs_stop": "CREATE INDEX pairs_stop ON pairs (mission, site, drive, sol, camera)",
    "products_part": "CREATE INDEX products_part ON products (part)",
    "problems_part": "CREATE INDEX problems_part ON problems (part)",
    "problems_folder": "CREATE INDEX problems_folder ON problems (folder)",
}
OF_A_PART = ("frames", "products", "problems")
"""Tables with rows that go when the files that they tell of change."""


@contextmanager
def reading(path: Path, root: str | Path | None) -> Iterator[sqlite3.Connection]:
    """The database at ``path``, of the folder ``root`` (None: of whatever folder), to be asked only.

    Raises MissingFileError where there is none, RecordError for one that is not ours, or broken.
    """
    if not path.exists():
        raise MissingFileError("was not catalogued yet", file=root, todo=f"run stereo3d catalog {root} first")
    try:
        with contextlib.closing(_opened(path)) as db:
            if not _is_ours(db) or (root is not None and _root(db) != os.path.realpath(root)):
                raise broken(path, root)
            db.execute("PRAGMA query_only = ON")
            yield db
    except sqlite3.OperationalError as error:
        raise RecordError(
            f"the catalogue cannot be read now: {error}", file=path, todo="try again, or index it anew"
        ) from error
    except sqlite3.Error as error:
        raise broken(path, root) from error


@contextmanager
def writing(path: Path, root: str, waiting: Callable[[], None]) -> Iterator[sqlite3.Connection]:
    """The database at ``path``, to be written by this run alone; one that is not ours, or broken, is begun anew.

    ``waiting`` is called again and again while another run holds it; it may raise.  What is not committed at the end
    is undone.  Raises OutputError where nothing can be written.
    """
    try:
        with ExitStack() as stack:
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                stack.enter_context(_alone(path.with_name(path.name + ".lock"), waiting))
                db = stack.enter_context(contextlib.closing(_opened_or_new(path, root)))
            except OSError as error:
                raise _unwritable(path, error) from error
            try:
                yield db
            finally:
                with contextlib.suppress(sqlite3.Error):
                    db.rollback()
    except sqlite3.OperationalError as error:  # a full disk, a folder that may only be read
        raise _unwritable(path, error) from error
    except sqlite3.DatabaseError as error:
        forget(path)
        raise RecordError(
            "the catalogue was broken, and is removed", file=path, todo="run the command again: it is made anew"
        ) from error


def _unwritable(path: Path, error: Exception) -> OutputError:
    return OutputError(
        f"the catalogue cannot be written: {getattr(error, 'strerror', None) or error}",
        file=path,
        todo="name a folder where you may write by STEREO3D_CACHE",
    )


def broken(path: Path, root: str | Path | None) -> RecordError:
    """What is said of a database that is not ours."""
    return RecordError(
        "is no catalogue of this program, or a broken one",
        file=path,
        todo=f"run stereo3d catalog {root or 'DIR'}: it is made anew",
    )


def forget(path: Path) -> None:
    """Remove a database, and what SQLite keeps beside it."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _opened(path: Path) -> sqlite3.Connection:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise sqlite3.DatabaseError("this is no database")
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_WAIT_S, isolation_level=None)
    try:
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
        db.execute("PRAGMA cache_size = -65536")
        return db
    except BaseException:
        db.close()
        raise


def _is_ours(db: sqlite3.Connection) -> bool:
    marks = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if marks != [APPLICATION_ID, VERSION]:
        return False
    found = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL LIMIT 100").fetchall()
    return dict(found) == _TABLES and db.execute("SELECT count(*) FROM about").fetchone()[0] == 1


def _root(db: sqlite3.Connection) -> str:
    (root,) = db.execute("SELECT root FROM about").fetchone()
    return os.fsdecode(root)


def _opened_or_new(path: Path, root: str) -> sqlite3.Connection:
    if os.path.lexists(path):
        db = None
        try:
            db = _opened(path)
            if _is_ours(db) and _root(db) == root:
                return _tuned(db)
            db.close()
        except sqlite3.DatabaseError as error:
            if db is not None:
                db.close()
            if isinstance(error, sqlite3.OperationalError):
                raise
        forget(path)
    path.touch(mode=0o600)
    db = _tuned(_opened(path))
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {VERSION}")
        for sql in _TABLES.values():
            db.execute(sql)
        db.execute("INSERT INTO about VALUES (?, 0, 0.0, 0)", (os.fsencode(root),))
        db.execute("COMMIT")
        return db
    except BaseException:
        db.close()
        raise


def _tuned(db: sqlite3.Connection) -> sqlite3.Connection:
    """Without spilling, so that who reads is kept out during a commit only."""
    db.execute("PRAGMA cache_spill = OFF")
    db.execute("PRAGMA synchronous = NORMAL")
    return db


@contextmanager
def _alone(lock: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock that ends with the process, on any system: SQLite's own, of an empty database."""
    db = sqlite3.connect(lock, timeout=0.2, isolation_level=None)
    try:
        while True:
            try:
                db.execute("BEGIN EXCLUSIVE")
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                waiting()
            except sqlite3.DatabaseError:  # somebody wrote something else there
                lock.write_bytes(b"")
        yield
    finally:
        db.close()
