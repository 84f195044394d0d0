"""Bring a catalogue up to date with its folder: what is new or changed is read, what is gone goes."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stereo3d.catalog.database import OF_A_PART, writing
from stereo3d.catalog.place import Catalogue
from stereo3d.catalog.scan import Listing, signature, walk
from stereo3d.errors import MissingFileError

if TYPE_CHECKING:
    # The readers take longer to import than an update takes that finds nothing to read.
    from stereo3d.catalog.content import Found
    from stereo3d.read.protocol import Header

COMMIT_EVERY_S = 5.0
"""What a run that is interrupted or killed loses at most."""

Told = Callable[[str, int, int], None]
"""``told(what, done, total)``, ``total`` 0 while that is not known; what it raises ends the update."""


@dataclass(frozen=True)
class Changes:
    """What an update found."""

    files: int
    """That may matter, in all folders."""
    folders: int
    read: int
    """Files that were read, as they are new or changed."""
    gone: int
    """Frames, products and problems that are there no more, or are read anew."""


def update(catalogue: Catalogue, told: Told = lambda what, done, total: None) -> Changes:
    """Make the catalogue, or bring it up to date.

    Every few seconds what is done so far is committed, whole in itself; an interrupted run is gone on with by the
    next.  A second run waits for the first.  Raises MissingFileError for a root that cannot be listed, and what
    :func:`stereo3d.catalog.database.writing` raises.
    """
    if not os.path.isdir(catalogue.root):
        raise MissingFileError("no such folder", file=catalogue.root, todo="check the path")
    waiting = lambda: told("waiting for another run", 0, 0)  # noqa: E731
    with writing(catalogue.database, catalogue.root, waiting) as db:
        return _Update(db, catalogue.root, told).run()


class _Update:
    """One run over an open database."""

    def __init__(self, db: sqlite3.Connection, root: str, told: Told) -> None:
        self.db = db
        self.root = root
        self.told = told
        self.stops: set[tuple[str, int, int]] = set()
        """Those whose pairs are to be found anew."""
        self.read = 0
        self.gone = 0
        self.committed = time.monotonic()

    def run(self) -> Changes:
        rows = self.db.execute("SELECT id, path, signature FROM folders")
        known: dict[bytes, tuple[int, bytes | None]] = {path: (number, mark) for number, path, mark in rows}
        changed: list[Listing] = []
        seen: set[bytes] = set()
        files = links = 0
        try:
            for listing in walk(self.root):
                seen.add(listing.path)
                files += len(listing.files)
                links += listing.links
                if listing.path not in known or known[listing.path][1] != listing.signature:
                    changed.append(listing)
                if len(seen) % 64 == 1:
                    self.told("looking", files, 0)
        except OSError as error:
            raise MissingFileError(f"cannot be listed: {error.strerror or error}", file=self.root) from error
        lost = [number for path, (number, _) in known.items() if path not in seen]
        self.db.execute("BEGIN IMMEDIATE")
        if changed or lost:
            self.db.execute("UPDATE about SET complete = 0")
            self._drop_folders(lost)
            self._read_folders(changed, known)
            self._pair_up()
        self.db.execute("UPDATE about SET complete = 1, updated_s = ?, links = ?", (time.time(), links))
        self.db.execute("COMMIT")
        return Changes(files, len(seen), self.read, self.gone)

    def _read_folders(self, changed: Sequence[Listing], known: dict[bytes, tuple[int, bytes | None]]) -> None:
        total, done = sum(len(listing.files) for listing in changed), 0
        for listing in changed:
            found = known.get(listing.path)
            number = found[0] if found is not None else self._insert("folders", path=listing.path)

            def told(files: int, before: int = done) -> None:
                self.told("reading", before + files, total)

            self._read_folder(number, listing, told)
            done += len(listing.files)

    def _read_folder(self, folder: int, listing: Listing, told: Callable[[int], None]) -> None:
        from stereo3d.catalog.content import groups_of, read_group

        path = Path(self.root, os.fsdecode(listing.path))
        files = {file[0]: file for file in listing.files}
        rows = self.db.execute("SELECT key, id, signature, loose FROM parts WHERE folder = ?", (folder,))
        old = {key: (part, mark, loose) for key, part, mark, loose in rows}
        # Until all of it is read: what is committed meanwhile says itself that it is not whole.
        self.db.execute("UPDATE folders SET signature = NULL WHERE id = ?", (folder,))
        self.db.execute("DELETE FROM problems WHERE folder = ? AND part IS NULL", (folder,))
        if listing.complaint is not None:
            self._insert("problems", folder=folder, name=b"", reason=listing.complaint)
        groups = groups_of(list(files))
        self._drop_parts([part for key, (part, _, _) in old.items() if key not in groups])
        done = 0
        for key, names in groups.items():
            mark = signature([files[name] for name in names])
            part, known, loose = old.get(key, (None, None, 1))
            if loose or known != mark:
                self._drop_parts([part] if part is not None else [])
                self._keep(folder, key, mark, read_group(path, names))
                self.read += len(names)
            done += len(names)
            told(done)
            if time.monotonic() - self.committed > COMMIT_EVERY_S:
                self._pair_up()
                self.db.execute("COMMIT")
                self.db.execute("BEGIN IMMEDIATE")
                self.committed = time.monotonic()
        self.db.execute("UPDATE folders SET signature = ? WHERE id = ?", (listing.signature, folder))

    def _keep(self, folder: int, key: str, mark: bytes, found: Found) -> None:
        part = self._insert("parts", folder=folder, key=key, signature=mark, loose=int(found.loose))
        own = {"part": part, "folder": folder}
        for header in found.frames:
            self.stops.add((header.mission, header.site, header.drive))
            self._insert("frames", **own, **_row(header))
        for product in found.products:
            about = {**vars(product), "name": os.fsencode(product.name)}
            self._insert("products", **own, **about)
        for problem in found.problems:
            self._insert("problems", **own, name=os.fsencode(problem.name), reason=problem.reason)

    def _drop_parts(self, parts: Iterable[int]) -> None:
        for part in parts:
            self.stops.update(
                self.db.execute("SELECT DISTINCT mission, site, drive FROM frames WHERE part = ?", (part,))
            )
            for table in OF_A_PART:
                self.gone += self.db.execute(f"DELETE FROM {table} WHERE part = ?", (part,)).rowcount
            self.db.execute("DELETE FROM parts WHERE id = ?", (part,))

    def _drop_folders(self, folders: Iterable[int]) -> None:
        for folder in folders:
            self._drop_parts([part for (part,) in self.db.execute("SELECT id FROM parts WHERE folder = ?", (folder,))])
            self.db.execute("DELETE FROM problems WHERE folder = ?", (folder,))
            self.db.execute("DELETE FROM folders WHERE id = ?", (folder,))

    def _pair_up(self) -> None:
        from stereo3d.catalog.pairs import pair_up

        for stop in self.stops:
            pair_up(self.db, stop)
        self.stops.clear()

    def _insert(self, table: str, **values: object) -> int:
        """A row; the names of table and columns are this program's own."""
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        number = self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values())).lastrowid
        assert number is not None
        return number


def _row(header: Header) -> dict[str, object]:
    from stereo3d.catalog.content import camera_name
    from stereo3d.read.shots import rig

    assert header.path is not None
    return {
        "name": os.fsencode(header.path.name),
        "record": os.fsencode(header.record.name),
        "product": header.product_id,
        "mission": header.mission,
        "instrument": header.instrument,
        "camera": camera_name(rig(header)),
        "eye": header.eye.value,
        "sol": header.sol,
        "site": header.site,
        "drive": header.drive,
        "sclk_s": header.sclk_s,
        "taken_utc": header.taken_utc,
        "width": header.width,
        "height": header.height,
        "scale": header.scale_factor,
        "subframe": None if header.subframe is None else json.dumps(header.subframe),
        "mast_azimuth_deg": header.mast_azimuth_deg,
        "mast_elevation_deg": header.mast_elevation_deg,
        "copy": 0,
    }
