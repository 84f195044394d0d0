"""stereo3d catalog: what lies in a folder, by mission, place and sol."""

from __future__ import annotations

import argparse
import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stereo3d.catalog import query
from stereo3d.catalog.database import broken, reading
from stereo3d.catalog.place import NAMED, Catalogue, catalogue_of, known
from stereo3d.catalog.query import Row, Totals
from stereo3d.catalog.update import Changes, update
from stereo3d.cli import interrupt
from stereo3d.cli.arguments import add_place_arguments, number_argument
from stereo3d.cli.stop import wish_of

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLES = (
    ("stereo3d catalog mars", "index a folder; then, for example: stereo3d view --site 37 --drive 2562"),
    ("stereo3d catalog mars --sols --sol 755-760", "what there is of some sols"),
    ("stereo3d catalog mars --problems", "what is not understood, and why"),
)

_LINES = 40
"""Rows that are printed unless --limit says otherwise."""
_HEADS = {"first_sol": "sols", "reconstructions": "reconstructed", "taken_utc": "UTC", "made_of": "made of"}
"""Heads of columns whose names are not said as they are."""
_MADE = query.PRODUCT_KINDS.values()
_COLUMNS = {
    "stops": ("mission", "site", "drive", "first_sol", "cameras", "frames", "pairs", *_MADE),
    "sols": ("mission", "sol", "cameras", "frames", "pairs", *_MADE),
    "frames": ("sol", "site", "drive", "camera", "eye", "taken_utc", "file"),
    "pairs": ("sol", "site", "drive", "camera", "left", "right", "frames"),
    "products": ("mission", "sol", "site", "drive", "kind", "made_of", "file"),
    "problems": ("file", "reason"),
}
"""What is printed of each, in turn."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """DIR, what to tell, of what, and how."""
    parser.epilog = (
        "The index is kept beside the cache (see 'stereo3d cache'), never in DIR; the same command again reads only "
        "what changed. Hidden folders are left out and symbolic links are not followed. "
        f"{NAMED} names the catalogued folder that other commands ask."
    )
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        type=Path,
        help="the folder to index, and all below it; without: say which were",
    )
    add_place_arguments(parser)
    what = parser.add_mutually_exclusive_group()
    for name, text in (
        ("sols", "a line for each sol, not for each stop of the rover"),
        ("frames", "a line for each frame"),
        ("pairs", "a line for each stereo pair"),
        ("products", "a line for each thing made of them: reconstruction, panorama, map, mesh"),
        ("problems", "a line for each file that is not understood, and why"),
    ):
        what.add_argument(f"--{name}", dest="what", action="store_const", const=name, default="stops", help=text)
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")
    parser.add_argument(
        "--limit", metavar="N", type=number_argument, default=_LINES, help=f"print at most N lines ({_LINES}; 0: all)"
    )
    parser.add_argument(
        "--no-update", dest="update", action="store_false", help="tell what was indexed before; do not look at DIR"
    )


def run(args: argparse.Namespace) -> int:
    """Bring the catalogue up to date, and answer from it."""
    if args.folder is None:
        return _say_known(args)
    catalogue = catalogue_of(args.folder)
    started = time.perf_counter()
    changes = None
    if args.update:
        interrupt.say_instead("stereo3d: interrupted; what is indexed stays, and the same command goes on from there")
        changes = _updated(catalogue)
    updated = time.perf_counter()
    with reading(catalogue.database, catalogue.root) as db:
        try:
            totals = query.totals(db)
            rows = _rows(db, args)
        except (ValueError, TypeError, KeyError) as error:
            raise broken(catalogue.database, catalogue.root) from error
    if args.json:
        print(
            json.dumps(
                _plain({"root": catalogue.root, "totals": vars(totals), args.what: rows}), indent=2, allow_nan=False
            )
        )
        return 0
    _say_totals(catalogue, totals, changes)
    _say_rows(args.what, rows, args.limit)
    now = time.perf_counter()
    looked = "" if changes is None else f"looked through {changes.files:,} files in {updated - started:.2f} s, "
    print(f"{looked}answered in {now - updated:.2f} s", flush=True)
    return 0


def _rows(db: sqlite3.Connection, args: argparse.Namespace) -> list[Row]:
    wish = wish_of(args)
    # One more than is printed tells that there are more.
    asks: dict[str, Callable[[], list[Row]]] = {
        "stops": lambda: query.stops(db, wish),
        "sols": lambda: query.sols(db, wish),
        "frames": lambda: query.frames(db, wish, -1 if args.json or not args.limit else args.limit + 1),
        "pairs": lambda: query.pairs(db, wish, -1 if args.json or not args.limit else args.limit + 1),
        "products": lambda: query.products(db, wish),
        "problems": lambda: query.problems(db),
    }
    return asks[args.what]()


def _updated(catalogue: Catalogue) -> Changes:
    """Update beside a progress bar on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("looking", total=None)

        def told(what: str, done: int, total: int) -> None:
            interrupt.raise_if_asked()
            if not bars.disable:
                bars.update(task, description=what, completed=done, total=total or None)

        return update(catalogue, told)


def _say_known(args: argparse.Namespace) -> int:
    found = known()
    if args.json:
        rows = [
            {"root": one.catalogue.root, "frames": one.frames, "updated_s": one.updated_s, "complete": one.complete}
            for one in found
        ]
        print(json.dumps(_plain(rows), indent=2))
        return 0
    if not found:
        print("nothing was catalogued yet: stereo3d catalog DIR")
    for one in found:
        root = one.catalogue.root
        there = "" if Path(root).is_dir() else "; the folder is not there now"
        print(_line(f"{root}: {_counted(one.frames, 'frame')}, {_when(one.updated_s, one.complete)}{there}"))
    return 0


def _say_totals(catalogue: Catalogue, totals: Totals, changes: Changes | None) -> None:
    parts = [_counted(totals.frames, "frame"), _counted(totals.pairs, "pair"), _counted(totals.stops, "stop")]
    if totals.sols is not None:
        first, last = totals.sols
        parts.append(f"sol {first}" if first == last else f"sols {first} to {last}")
    parts += [_counted(totals.products[kind], kind) for kind in query.PRODUCT_KINDS if kind in totals.products]
    print(_line(f"{catalogue.root}: {', '.join(parts)}"))
    if changes is not None and (changes.read or changes.gone):
        forgot = f", forgot {_counted(changes.gone, 'entry')}" if changes.gone else ""
        print(f"  read {_counted(changes.read, 'file')}, new or changed{forgot}")
    if not totals.complete or changes is None:
        print(f"  {_when(totals.updated_s, totals.complete)}")
    if totals.problems:
        print(f"  {_counted(totals.problems, 'file')} not understood: --problems says why")
    if totals.links:
        print(f"  {_counted(totals.links, 'symbolic link')} not followed")


def _say_rows(what: str, rows: Sequence[Row], limit: int) -> None:
    from rich.console import Console

    if not rows:
        print(f"no {what}" if what in ("problems", "products") else f"no {what} of that kind")
        return
    shown = rows[:limit] if limit else rows
    console = Console(highlight=False)
    # Into a file or a pipe nothing is folded to the width of a terminal that is not there.
    console = console if console.is_terminal else Console(width=500, highlight=False)
    console.print(_table(what, shown))
    if len(rows) > len(shown):
        more = f"{len(rows) - len(shown):,} more" if what not in ("frames", "pairs") else "more"
        print(f"and {more}: choose with --mission, --sol, --site, --drive, --camera, or see all with --limit 0")


def _table(what: str, rows: Sequence[Row]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    # A column that says nothing of any row is left out.
    columns = [name for name in _COLUMNS[what] if name in ("pairs", "frames") or any(row[name] for row in rows)]
    for name in columns:
        numeric = isinstance(rows[0][name], int) and name != "first_sol"
        table.add_column(_HEADS.get(name, name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row, name)) for name in columns))
    return table


def _cell(row: Row, name: str) -> str:
    value = row[name]
    if name == "first_sol" and row["last_sol"] != value:
        return f"{value}-{row['last_sol']}"
    if isinstance(value, list):
        return ", ".join(str(v) for v in value)
    return _line("" if value is None else str(value))


def _when(updated_s: float, complete: bool) -> str:
    if not complete:
        return "not all of it is indexed yet: run the command again"
    return f"indexed {time.strftime('%Y-%m-%d %H:%M', time.localtime(updated_s))}"


def _plain(value: object) -> object:
    """The values with file names that JSON's readers take: bytes that are no UTF-8 become backslash escapes."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _counted(number: int, what: str) -> str:
    plural = {"entry": "entries", **query.PRODUCT_KINDS}.get(what, f"{what}s")
    return f"{number:,} {what if number == 1 else plural}"


def _line(text: str) -> str:
    """File names may hold terminal escapes."""
    return "".join(c if c.isprintable() else "?" for c in text)
