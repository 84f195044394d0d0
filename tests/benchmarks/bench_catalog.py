"""Seconds to index, to update and to ask a catalogue: python tests/benchmarks/bench_catalog.py [FRAMES] [--flat]

Prints figures and asserts none.  FRAMES (100,000) simulated records in the raw feed's form, of real size (2.4 kB), each
beside a PNG of 1280 x 960 px, are laid into a temporary folder: 50 pairs to a stop, a folder for each stop, or all in
one folder (--flat).  The first index reads every record; the update finds nothing changed (twice: the first one may
still warm the system's cache); another reads what ten changed records ask for.  Then the questions, within the process,
and whole commands, with the start of Python and its imports.  The same run lists the folder and asks each file's size
and time, which no update can do without: the update's cost is told in multiples of it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import PIL.Image
from rich.console import Console
from rich.table import Table

from stereo3d.catalog import query
from stereo3d.catalog.database import reading
from stereo3d.catalog.find import find_scene
from stereo3d.catalog.place import catalogue_of
from stereo3d.catalog.query import Wish
from stereo3d.catalog.update import update
from stereo3d.read import bundled_scene

STOP_FRAMES = 100
SITE = 37


def template() -> dict[str, dict]:
    """A record of each eye from the bundled scene, with the rest of what a real one holds."""
    records = {}
    for eye, name in (("L", "LEFT"), ("R", "RIGHT")):
        record = json.loads((bundled_scene() / f"SIM_NAVCAM_{name}_0001_01.json").read_text())
        record.update(
            mission="mars2020", date_taken_utc="2023-04-05T01:02:03.456", date_taken_mars="Sol-00755M14:53:54.1"
        )
        record["image_files"] = {
            size: f"https://mars.nasa.gov/mars2020-raw-images/pub/ods/surface/sol/00755/ids/edr/browse/ncam/{size}.png"
            for size in ("medium", "small", "full_res", "large")
        }
        record["caption"] = "NASA's Mars Perseverance rover acquired this image. " * 6
        records[eye] = record
    return records


def lay(folder: Path, count: int, flat: bool) -> None:
    """Write ``count`` frames, and their records."""
    buffer = io.BytesIO()
    PIL.Image.new("L", (1280, 960), 90).save(buffer, "PNG")
    records = template()
    for index in range(count):
        pair, eye = index // 2, "LR"[index % 2]
        stop, clock = index // STOP_FRAMES, 700_000_000 + 20 * pair
        place = folder if flat else folder / f"m20_site{SITE:03}_drive{stop:04}"
        place.mkdir(exist_ok=True)
        stem = f"N{eye}F_{stop // 4:04}_{clock:010}_123ECM_N{SITE:03}{stop:04}NCAM00400_01_195J"
        record = records[eye]
        record.update(imageid=stem, sol=stop // 4, site=SITE, drive=str(stop))
        record["extended"]["sclk"] = f"{clock}.123"
        (place / f"{stem}.json").write_text(json.dumps(record))
        (place / f"{stem}.png").write_bytes(buffer.getvalue())


def bare_scan(folder: str) -> None:
    """What the system alone takes to say names, sizes and times."""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)


def used() -> float:
    """Seconds of CPU of this process and those that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor: on a busy machine the second ones are those to trust."""
    began, before = time.perf_counter(), used()
    work()
    return time.perf_counter() - began, used() - before


def command(*words: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-m", "stereo3d", *words], check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("frames", nargs="?", type=int, default=100_000)
    parser.add_argument("--flat", action="store_true")
    args = parser.parse_args()
    title = f"{args.frames:,} frames, {'one folder' if args.flat else 'a folder for each stop'}"
    table = Table("what", "seconds", "of CPU", title=title)
    with tempfile.TemporaryDirectory() as work:
        os.environ["STEREO3D_CACHE"] = str(Path(work, "cache"))
        folder = Path(work, "mars")
        folder.mkdir()
        lay(folder, args.frames, args.flat)
        catalogue = catalogue_of(folder)

        def tell(what: str, work: Callable[[], object]) -> float:
            wall, cpu = seconds(work)
            table.add_row(what, f"{wall:.3f}", f"{cpu:.3f}")
            return cpu

        tell("first index", lambda: update(catalogue))
        scan = tell("names, sizes and times of all files, as the system tells them", lambda: bare_scan(str(folder)))
        tell("update, nothing changed", lambda: update(catalogue))
        again = tell("update, nothing changed, again", lambda: update(catalogue))
        for path in sorted(folder.rglob("*.json"))[:1000:100]:
            path.write_text(path.read_text() + "\n")
        tell("update, ten records changed", lambda: update(catalogue))
        stop = Wish(site=SITE, drive=args.frames // STOP_FRAMES // 2)
        with reading(catalogue.database, folder) as db:
            tell("totals", lambda: query.totals(db))
            tell("all stops", lambda: query.stops(db, Wish()))
            tell("all sols", lambda: query.sols(db, Wish()))
            tell("one stop", lambda: query.stops(db, stop))
            tell("frames of one stop", lambda: query.frames(db, stop))
            tell("40 pairs of a camera", lambda: query.pairs(db, Wish(camera="navcam"), 40))
        tell("scene of a site and drive", lambda: find_scene([catalogue], stop))
        tell("stereo3d catalog DIR --no-update", command("catalog", str(folder), "--no-update"))
        tell("stereo3d catalog DIR", command("catalog", str(folder)))
        tell(
            "stereo3d catalog DIR --frames --json --no-update",
            command("catalog", str(folder), "--frames", "--json", "--no-update"),
        )
        size = catalogue.database.stat().st_size
    Console(width=120).print(table)
    ratio = again / max(scan, 0.01)
    print(f"an update takes {ratio:.1f} x the CPU of the bare listing; the database has {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
