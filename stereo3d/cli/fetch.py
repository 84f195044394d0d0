"""stereo3d fetch: the stereo pairs of a sol from the public raw-image feeds, a scene folder for each stop."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from stereo3d.cli import interrupt
from stereo3d.cli.arguments import number_argument, sols_argument
from stereo3d.errors import FeedError, OutputError
from stereo3d.fetch.download import Fetched, download
from stereo3d.fetch.feed import CAMERAS, FEEDS, Feed, ask
from stereo3d.fetch.select import Selection, Stop, select
from stereo3d.fetch.web import Web, connected
from stereo3d.observation import Eye

_MAX_LINES = 5
"""Of one kind on stderr; the rest is counted."""


EXAMPLES = (
    ("stereo3d fetch --mission m20 --sol 755 --list", "what there is, without fetching an image"),
    (
        "stereo3d fetch --mission m20 --sol 755 -o mars",
        "fetch it; then, for example: stereo3d view mars/m20_site037_drive2562",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--mission, --sol, --camera, --site, --drive, --list, -o."""
    parser.epilog = "Images: NASA/JPL-Caltech.  The same command again goes on where the last one ended."
    parser.add_argument("--mission", choices=sorted(FEEDS), required=True, help="m20: Perseverance; msl: Curiosity")
    parser.add_argument(
        "--sol", metavar="N[-M]", type=sols_argument, required=True, help="the sol, or the first and the last one"
    )
    parser.add_argument("--camera", choices=CAMERAS, default="navcam", help="the stereo camera (navcam)")
    parser.add_argument("--site", metavar="S", type=number_argument, help="only what was taken at this site")
    parser.add_argument("--drive", metavar="D", type=number_argument, help="only what was taken at this drive")
    parser.add_argument("--list", action="store_true", help="say what there is, and fetch no image")
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        help="the folder to write into: one scene folder in it for each stop; what is there already stays",
    )


def run(args: argparse.Namespace) -> int:
    """Ask the feed, say what it has or fetch it; 2 when something that was asked for is not there at the end."""
    started = time.perf_counter()
    if not args.list and args.output is None:
        raise OutputError("no folder is named for the images", todo="name one with -o DIR, or ask with --list alone")
    feed = FEEDS[args.mission]
    with connected(feed.origins) as web:
        found = _found(web, feed, args)
        _say_left_out(found)
        if args.list:
            print("\n".join(line for stop in found.stops for line in listing(stop)))
            return 0
        interrupt.say_instead(
            "stereo3d: interrupted; the images that are whole stay, and the same command goes on from there"
        )
        fetched = _fetched(web, found.stops, args.output)
    _say(fetched.failed)
    for stop in found.stops:
        print(closing(stop, args.output, fetched))
    print(f"done in {time.perf_counter() - started:.1f} s", flush=True)
    return 2 if fetched.failed else 0


def listing(stop: Stop) -> list[str]:
    """A stop, and a line for each of its pairs."""
    lines = [
        f"site {stop.site}, drive {stop.drive}, sol {stop.sols}: {_counted(len(stop.pairs), 'pair')}, "
        f"{_counted(len(stop.images), 'image')}"
    ]
    for pair in stop.pairs:
        left = pair.of(Eye.LEFT)
        sizes = " ".join(sorted({f"{frame.camera.width} x {frame.camera.height} px" for frame in left}))
        tiles = "" if len(left) == 1 else f" in {len(left)} tiles"
        mast = left[0].mast_azimuth_deg, left[0].mast_elevation_deg
        pointing = "" if None in mast else f", mast at {mast[0]:.1f}, {mast[1]:.1f} deg"
        lines.append(f"  {left[0].product_id}  {sizes}{tiles}{pointing}")
    return lines


def closing(stop: Stop, folder: Path, fetched: Fetched) -> str:
    """What is in the folder of a stop now, and how much of it is new."""
    own = [done for done in fetched.done if done.path.parent.name == stop.folder]
    new = [done for done in own if done.new]
    missing = len(stop.images) - len(own)
    parts = [f"{_counted(len(new), 'new image')}, {sum(done.bytes for done in new) / 1e6:.1f} MB"]
    parts += [f"{len(own) - len(new)} there before"] if len(own) > len(new) else []
    parts += [f"{missing} not fetched"] if missing else []
    return f"{'wrote' if new else 'kept'} {folder / stop.folder} ({'; '.join(parts)})"


def _found(web: Web, feed: Feed, args: argparse.Namespace) -> Selection:
    from rich.console import Console

    console = Console(stderr=True)
    sols = f"{args.sol[0]}" if args.sol[0] == args.sol[1] else f"{args.sol[0]} to {args.sol[1]}"
    if console.is_terminal:
        with console.status(f"asking {feed.title}'s feed") as status:
            records = ask(
                web, feed, args.sol, args.camera, lambda n: status.update(f"asking {feed.title}'s feed: {n} records")
            )
    else:
        records = ask(web, feed, args.sol, args.camera)
    found = select(records, feed, args.sol, args.camera, args.site, args.drive)
    if not found.stops:
        _say_left_out(found)
        raise FeedError(
            f"{feed.title}'s feed has no {args.camera} pair of sol {sols}"
            + (" at that stop" if args.site is not None or args.drive is not None else ""),
            todo="ask for more sols" if records else "ask for other sols, or another camera",
        )
    return found


def _fetched(web: Web, stops: Sequence[Stop], folder: Path) -> Fetched:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    count = sum(len(stop.images) for stop in stops)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[size]}")
    size = 0
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("fetching", total=count, size="")

        def told(images: int, count: int) -> None:
            nonlocal size
            size += count
            bars.update(task, advance=images, size=f"{size / 1e6:.1f} MB")

        return download(web, stops, folder, told, interrupt.raise_if_asked)


def _say_left_out(found: Selection) -> None:
    if found.left_out:
        print("left out: " + ", ".join(f"{count} {reason}" for reason, count in found.left_out.items()))
    _say(found.complaints)


def _say(errors: Sequence[Exception]) -> None:
    for error in errors[:_MAX_LINES]:
        print(f"stereo3d: {error}", file=sys.stderr)
    if len(errors) > _MAX_LINES:
        print(f"stereo3d: and {len(errors) - _MAX_LINES} more like these", file=sys.stderr)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
