"""What the commands share: input arguments, progress that answers Ctrl-C at once, the closing line."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from stereo3d.cli.arguments import (
    add_cache_argument,
    add_calibration_argument,
    add_metadata_argument,
    add_stop_arguments,
)
from stereo3d.cli.interrupt import raise_if_asked
from stereo3d.cli.placement import say_placement
from stereo3d.cli.stop import take_stop
from stereo3d.pipeline import (
    DrivesReconstruction,
    GroundReconstruction,
    Progress,
    Reconstruction,
    Settings,
    reconstruct,
    reconstruct_scene,
    reconstruct_stops,
)
from stereo3d.read import bundled_scene, count_pairs, read_pairs, read_scene, read_stops
from stereo3d.read.calibration import calibrated, read_flat_fields
from stereo3d.scene import Scene
from stereo3d.store import Store, user_folder, user_limit
from stereo3d.terrain.detail import LEAST_FACES

T = TypeVar("T")


SEVERAL = "; several pairs of one rover position, in folders or one by one, become one ground"


def add_input_arguments(parser: argparse.ArgumentParser, whole: bool = False, drives: bool = False) -> None:
    """INPUT..., --metadata, --no-sky and --no-cache, the same for every command that takes a pair.

    With ``whole`` the command takes all pairs of a stop too, with ``drives`` those of several stops.
    """
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="*",
        type=Path,
        help="the left and the right image in any order, or a folder that holds the pair; "
        "without any, the bundled simulated scene" + (SEVERAL if whole else ""),
    )
    add_metadata_argument(parser)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--pair",
        metavar="N|PRODUCT",
        help="of a folder with several pairs, the one to take: its number from 1, or the product id of an image of it",
    )
    parser.set_defaults(all=False, faces=None, fill=False, across_drives=False)
    if drives:
        choice.add_argument(
            "--across-drives",
            action="store_true",
            help="the images are of several stops of one site: place them by the records' position and attitude and by "
            "the ground that they share, and make one ground about the first",
        )
    if whole:
        choice.add_argument(
            "--all", action="store_true", help="without INPUT: all pairs of the bundled scene, not its first one alone"
        )
        parser.add_argument(
            "--faces", metavar="N", type=faces_argument, help=f"at most N triangles, from {LEAST_FACES} on"
        )
        parser.add_argument(
            "--fill", action="store_true", help="close the holes within the ground; such faces are marked as filled"
        )
    parser.add_argument(
        "--no-sky",
        dest="sky",
        action="store_false",
        help="the images show no sky: take nothing smooth for it (scene.toml may say so with sky = false)",
    )
    add_calibration_argument(parser)
    add_cache_argument(parser)
    if whole:
        add_stop_arguments(parser)


def faces_argument(text: str) -> int:
    """A number of triangles.  Raises argparse.ArgumentTypeError for what is none, or too small."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= LEAST_FACES):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of triangles; expected {LEAST_FACES} or more")
    return int(text)


def chosen_settings(args: argparse.Namespace) -> Settings:
    """The settings that the input arguments ask for."""
    return Settings(sky=args.sky, faces=args.faces, fill=args.fill)


@contextmanager
def chosen_store(args: argparse.Namespace) -> Iterator[Store | None]:
    """What earlier runs of this user kept, and where this one keeps its own; None with --no-cache.

    At the end nothing is half written, whatever happened, and a person is told what was not measured anew, or why
    nothing can be kept.
    """
    store = Store(user_folder(), user_limit()) if args.cache else None
    try:
        yield store
    finally:
        if store is not None:
            store.close()
    if store is not None and store.taken:
        print(f"from the cache: {_counted(store.taken)} (--no-cache measures anew)")
    if store is not None and store.note is not None:
        print(f"stereo3d: {store.note}", file=sys.stderr)


def _counted(stages: Sequence[str]) -> str:
    """'pointing, 6 pairs, mesh' of the names of stages in turn."""
    counts = {name: stages.count(name) for name in stages}
    return ", ".join(name if count == 1 else f"{count} {name}s" for name, count in counts.items())


def run_interruptible(work: Callable[[Progress], T], title: str, quiet: bool = False) -> T:
    """Run ``work(progress)`` beside a progress bar on stderr and return its value.

    The work runs in a thread of its own, so that Ctrl-C is answered at once even inside a long native call; the
    caller's clean-up (temporary output) runs as KeyboardInterrupt travels up.  The thread stops at its next call of
    ``progress``, or dies with the process.
    """
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    outcome: list[T] = []
    failure: list[BaseException] = []
    done = threading.Event()
    abandoned = threading.Event()

    def body(progress: Progress) -> None:
        try:
            outcome.append(work(progress))
        except BaseException as error:  # handed over to the waiting thread
            failure.append(error)
        finally:
            done.set()

    console = Console(stderr=True, quiet=quiet)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    # Into a file or a pipe the bar would only write an empty line.
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(title, total=1.0)

        def progress(stage: str, share: float) -> None:
            if abandoned.is_set():
                raise InterruptedError("the caller does not wait for this work any more")
            bars.update(task, description=stage, completed=share)

        try:
            threading.Thread(target=body, args=(progress,), daemon=True).start()
            while not done.wait(0.1):
                raise_if_asked()
        except BaseException:
            abandoned.set()
            raise
    if failure:
        raise failure[0]
    return outcome[0]


def load_scene(args: argparse.Namespace) -> Scene:
    """The scene that the input arguments name, with exactly one pair; the bundled one when they name none."""
    return calibrated(read_scene(args.inputs, args.metadata, args.pair), read_flat_fields(args.calibration))


Made = Reconstruction | GroundReconstruction | DrivesReconstruction


def measure(args: argparse.Namespace, check: Callable[[Sequence[Scene]], object] = lambda scenes: None) -> Made:
    """Read the inputs and reconstruct their pair, one ground from all of their pairs, or, where it is asked for, from
    several stops, with progress.

    ``check`` is called with what was read, before the work: it raises what would stop the command after it.
    """
    take_stop(args)
    with chosen_store(args) as store:

        def work(progress: Progress) -> Made:
            progress("reading", 0.0)
            fields, settings = read_flat_fields(args.calibration), chosen_settings(args)
            if args.across_drives:
                stops = [calibrated(stop, fields) for stop in read_stops(args.inputs, args.metadata)]
                check(stops)
                return reconstruct_stops(stops, settings, progress, store)
            scene = calibrated(read_pairs(args.inputs, args.metadata, args.pair, args.all), fields)
            check([scene])
            if len(scene.pairs) == 1 and settings.faces is None and not settings.fill:
                return reconstruct(scene, settings, progress, store)
            return reconstruct_scene(scene, settings, progress, store)

        made = run_interruptible(work, "reading")
    if isinstance(made, DrivesReconstruction):
        say_placement(made)
    elif not args.inputs and args.pair is None and not args.all:
        count = count_pairs(bundled_scene())
        print(f"this is pair 1 of {count} of the bundled scene; --all makes one ground of all, in a minute or two")
    return made


def say_written(paths: Sequence[Path], started: float) -> None:
    """Print what was written and how long it took since ``started`` (time.perf_counter)."""
    for path in paths:
        size = path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*"))
        print(f"wrote {path} ({size / 1e6:.1f} MB)")
    print(f"done in {time.perf_counter() - started:.1f} s")
    sys.stdout.flush()
