"""Questions to a catalogue: which stops, sols, frames, pairs, products and problems there are."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MISSIONS = {
    "Mars 2020": ("m20", "mars2020", "perseverance"),
    "MSL": ("msl", "curiosity"),
    "MER-A": ("mera", "mer2", "spirit"),
    "MER-B": ("merb", "mer1", "opportunity"),
    "InSight": ("insight", "nsyt"),
}
"""Missions as the frames name them, and what a person may call them."""
PRODUCT_KINDS = {"reconstruction": "reconstructions", "panorama": "panoramas", "map": "maps", "mesh": "meshes"}
"""Kinds of products, one and several."""

Row = dict[str, object]
"""What ``--json`` prints of one thing: plain values, None for what is not known."""


@dataclass(frozen=True)
class Wish:
    """What is asked for; None: any."""

    mission: str | None = None
    """In the words of the frames, or of a person."""
    sols: tuple[int, int] | None = None
    """The first and the last."""
    site: int | None = None
    drive: int | None = None
    camera: str | None = None
    """Or how its name begins: "front" is "front-hazcam"."""

    def where(self, camera: bool = True) -> tuple[str, list[object]]:
        """The condition for a row of a table, and its values."""
        parts, values = ["1"], list[object]()
        if self.mission is not None:
            parts.append("mission = ? COLLATE NOCASE")
            values.append(mission_name(self.mission))
        if self.sols is not None:
            parts.append("sol BETWEEN ? AND ?")
            values += self.sols
        for name, number in (("site", self.site), ("drive", self.drive)):
            if number is not None:
                parts.append(f"{name} = ?")
                values.append(number)
        if camera and self.camera is not None:
            text = "-".join(self.camera.lower().replace("_", " ").replace("-", " ").split())
            parts.append("substr(camera, 1, ?) = ?")
            values += [len(text), text]
        return " AND ".join(parts), values


@dataclass(frozen=True)
class Totals:
    """All of a catalogue in numbers."""

    frames: int
    pairs: int
    stops: int
    sols: tuple[int, int] | None
    products: dict[str, int]
    problems: int
    links: int
    complete: bool
    updated_s: float


def mission_name(text: str) -> str:
    """The mission as frames name it, of what a person calls it."""
    plain = "".join(c for c in text.lower() if c.isalnum())
    for name, others in MISSIONS.items():
        if plain in (*others, "".join(c for c in name.lower() if c.isalnum())):
            return name
    return text


def totals(db: sqlite3.Connection) -> Totals:
    """The whole catalogue in numbers."""
    frames, stops, first, last = db.execute(
        "SELECT sum(frames), count(*), min(first), max(last) FROM (SELECT count(*) AS frames, min(sol) AS first, "
        "max(sol) AS last FROM frames GROUP BY mission, site, drive)"
    ).fetchone()
    complete, updated_s, links = db.execute("SELECT complete, updated_s, links FROM about").fetchone()
    return Totals(
        int(frames or 0),
        _count(db, "pairs"),
        int(stops),
        None if first is None else (int(first), int(last)),
        {str(kind): int(n) for kind, n in db.execute("SELECT kind, count(*) FROM products GROUP BY kind")},
        _count(db, "problems"),
        int(links),
        bool(complete),
        float(updated_s),
    )


def stops(db: sqlite3.Connection, wish: Wish) -> list[Row]:
    """The stops of the rovers that the wish names, with what there is of each, in order of mission, site and drive."""
    return _grouped(db, wish, ("mission", "site", "drive"))


def sols(db: sqlite3.Connection, wish: Wish) -> list[Row]:
    """The same by sol."""
    return _grouped(db, wish, ("mission", "sol"))


def frames(db: sqlite3.Connection, wish: Wish, limit: int = -1) -> list[Row]:
    """The frames, in order of mission, place and time; ``limit`` rows of them, all of them when it is negative."""
    where, values = wish.where()
    rows = db.execute(
        "SELECT path, name, record, product, mission, instrument, camera, eye, sol, site, drive, sclk_s, taken_utc, "
        "width AS width_px, height AS height_px, scale AS scale_factor, mast_azimuth_deg, mast_elevation_deg, "
        "copy = 1 AS copy, pair FROM frames JOIN folders ON folders.id = folder "
        f"WHERE {where} ORDER BY mission, site, drive, sclk_s, product LIMIT ?",
        (*values, limit),
    )
    return [_with_files(row) for row in _as_dicts(rows)]


def pairs(db: sqlite3.Connection, wish: Wish, limit: int = -1) -> list[Row]:
    """The pairs, as :func:`frames` has the frames."""
    where, values = wish.where()
    rows = db.execute(
        'SELECT id AS pair, mission, site, drive, sol, camera, sclk_s, product AS "left", partner AS "right", frames '
        f"FROM pairs WHERE {where} ORDER BY mission, site, drive, sclk_s, product LIMIT ?",
        (*values, limit),
    )
    return _as_dicts(rows)


def products(db: sqlite3.Connection, wish: Wish) -> list[Row]:
    """What this program made, as far as files tell of which place it is."""
    where, values = wish.where(camera=False)
    rows = db.execute(
        "SELECT path, name, kind, mission, sol, site, drive, made_of FROM products "
        f"JOIN folders ON folders.id = folder WHERE {where} ORDER BY mission, site, drive, kind, path, name",
        values,
    )
    return [_with_files(row) for row in _as_dicts(rows)]


def problems(db: sqlite3.Connection) -> list[Row]:
    """The files that are not understood, and why, in order of name."""
    rows = db.execute("SELECT path, name, reason FROM problems JOIN folders ON folders.id = folder ORDER BY path, name")
    return [_with_files(row) for row in _as_dicts(rows)]


def file_name(folder: object, name: object) -> str:
    """The path below the catalogue's root that two columns hold.

    Raises ValueError for what leads out of it: only a stranger writes such a row.
    """
    if not (isinstance(folder, bytes) and isinstance(name, bytes)):
        raise ValueError("a path is no bytes")
    parts = [part for part in os.fsdecode(folder).split("/") if part] + [os.fsdecode(name)]
    if any(part in ("..", ".") or "/" in part or "\0" in part or (os.name == "nt" and "\\" in part) for part in parts):
        raise ValueError("a path leads out of the folder")
    return "/".join(part for part in parts if part)


def _grouped(db: sqlite3.Connection, wish: Wish, by: Sequence[str]) -> list[Row]:
    where, values = wish.where()
    names = ", ".join(by)
    rows = db.execute(
        f"SELECT {names}, min(sol) AS first_sol, max(sol) AS last_sol, count(*) AS frames, "
        f"group_concat(DISTINCT camera) AS cameras FROM frames WHERE {where} AND copy = 0 GROUP BY {names}",
        values,
    )
    found = {tuple(row[name] for name in by): row for row in _as_dicts(rows)}
    made = products(db, wish) if wish.camera is None else []
    for row in made:
        key = tuple(row[name] for name in by)
        empty = {"first_sol": row["sol"], "last_sol": row["sol"], "frames": 0, "cameras": ""}
        found.setdefault(key, {**dict(zip(by, key, strict=True)), **empty})
    counted = db.execute(f"SELECT {names}, count(*) FROM pairs WHERE {where} GROUP BY {names}", values)
    with_pairs = {tuple(row[:-1]): row[-1] for row in counted}
    kinds = Counter((tuple(row[name] for name in by), row["kind"]) for row in made)
    out = []
    for key in sorted(found):
        row = found[key]
        row["pairs"] = with_pairs.get(key, 0)
        row["cameras"] = sorted(str(row["cameras"]).split(",")) if row["cameras"] else []
        out.append({**row, **{many: kinds[key, kind] for kind, many in PRODUCT_KINDS.items()}})
    return out


def _with_files(row: Row) -> Row:
    """The row with its paths below the root, as text."""
    folder, record = row.pop("path"), row.pop("record", None)
    row = {"file": file_name(folder, row.pop("name")), **row}
    if record is not None:
        row["record"] = file_name(folder, record)
    return row


def _as_dicts(cursor: sqlite3.Cursor) -> list[Row]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _count(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
