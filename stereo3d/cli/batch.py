"""stereo3d batch: every pair, or every stop, of many folders, on this machine or on a Dask cluster, resumably."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from stereo3d.cli import interrupt
from stereo3d.cli.common import faces_argument, run_interruptible
from stereo3d.cluster.batch import Tally, count_unheard, run_batch, try_to_write
from stereo3d.cluster.engine import DaskEngine, Tls, local_engine, remote_engine
from stereo3d.cluster.folder import batch_folder, sweep
from stereo3d.cluster.job import Limits, Order, State
from stereo3d.cluster.page import INDEX, duration, write_tables
from stereo3d.cluster.plan import Plan, find_jobs
from stereo3d.cluster.program import program
from stereo3d.cluster.table import CSV
from stereo3d.errors import OutputError
from stereo3d.pipeline import Progress
from stereo3d.terrain.detail import LEAST_FACES

EXAMPLES = (
    ("stereo3d batch mars -o products", "every pair of every stop in a folder, each into a folder of its own"),
    ("stereo3d batch mars -o grounds --whole --workers 2", "one ground for each stop, two at a time"),
    ("stereo3d batch mars -o products --scheduler tcp://10.0.0.5:8786", "on the workers of a Dask cluster"),
)

WORK = "stereo3d.cli.batch_work:make_products"
_LEAST_GB = 0.5
_USUAL_GB = 2.0
"""What a pair of 1280 x 960 asks for with room to spare; as many workers as that leaves, up to one for each core."""
_TIMEOUT_S = 3600.0
_SAY_S = 60.0
"""Into a file or a pipe a line so often."""
_MAX_LINES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """INPUT... -o DIR, where the work is done, and what a task may use."""
    parser.epilog = (
        "DIR gets a folder for each task with all that 'stereo3d reconstruct' writes, batch.csv, and index.html to "
        "look at. The same command again keeps what is whole and of the same images, settings and program, and makes "
        "the rest. A scheduler at tcp:// lets everyone who reaches it run programs as its user, and so do its workers: "
        "keep it in a closed network, or use tls:// with certificates of your own. Exit code 1: some tasks failed, and "
        "the table says why; all else is there."
    )
    parser.add_argument(
        "inputs", metavar="INPUT", nargs="+", type=Path, help="images, folders of images, or folders of such folders"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, required=True, help="new, empty, or the folder of an earlier batch"
    )
    parser.add_argument(
        "--whole", action="store_true", help="a task is all pairs of a stop in one ground, not each pair on its own"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", metavar="N", type=_count, help="tasks at a time on this machine (its cores)")
    where.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="work on the workers of this Dask scheduler, tcp://HOST:8786 or tls://HOST:8786; they must have this very "
        "stereo3d and Python, and see INPUT and DIR under the same paths",
    )
    parser.add_argument(
        "--memory", metavar="GB", type=_gigabytes, help="what one task may use (its share of this machine's)"
    )
    parser.add_argument(
        "--timeout", metavar="S", type=_seconds, default=_TIMEOUT_S, help=f"what one task may take, s ({_TIMEOUT_S:g})"
    )
    parser.add_argument("--threads", metavar="N", type=_count, help="of each task (cores / workers; at a scheduler 1)")
    parser.add_argument("--faces", metavar="N", type=faces_argument, help=f"at most N triangles, from {LEAST_FACES} on")
    parser.add_argument("--fill", action="store_true", help="close the holes within the ground, marked as filled")
    parser.add_argument("--no-sky", dest="sky", action="store_false", help="the images show no sky")
    parser.add_argument("--dashboard", action="store_true", help="Dask's own page at 127.0.0.1:8787 (needs bokeh)")
    for name, what in (("ca", "the authority's certificate"), ("cert", "one's own certificate"), ("key", "its key")):
        parser.add_argument(f"--tls-{name}", metavar="FILE", type=Path, help=f"of a tls:// scheduler: {what}, PEM")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:6]) >= 1 and len(text) < 5):
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 to 9999")
    return int(text)


def _number(text: str, what: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of {what} from {least:g} to {most:g}")
    return value


def _gigabytes(text: str) -> float:
    return _number(text, "GB", _LEAST_GB, 1e4)


def _seconds(text: str) -> float:
    return _number(text, "seconds", 1.0, 1e7)


def run(args: argparse.Namespace) -> int:
    """Do all tasks, say how far that is, and write the tables; 1 when some failed."""
    started = time.perf_counter()
    _check(args)
    with batch_folder(args.output) as token:
        plan = _plan(args)
        _say_plan(plan)
        interrupt.say_instead("stereo3d: interrupted; the products that are whole stay, and the same command goes on")
        workers, limits = _limits(args)
        order = Order(args.output.resolve(), token, program(), WORK, limits)
        names = {job.name for job in plan.jobs}
        sweep(order.folder, names)
        tally = Tally(plan)
        try:
            with _engine(args, order, workers) as engine, _telling(tally) as tell:
                run_batch(tally, order, engine, tell, write_tables)
        finally:
            if args.scheduler is None:
                sweep(order.folder, names)
            count_unheard(tally, order)
            trouble = try_to_write(write_tables, order.folder, tally)
            if trouble is not None:
                print(f"stereo3d: the tables are not up to date: {trouble}", file=sys.stderr)
    return _say_end(args.output, tally, started)


def _check(args: argparse.Namespace) -> None:
    """Raise OutputError for options that do not go together."""
    tls = [args.tls_ca, args.tls_cert, args.tls_key]
    encrypted = args.scheduler is not None and args.scheduler.startswith("tls://")
    if any(tls) and not (all(tls) and encrypted):
        raise OutputError(
            "--tls-ca, --tls-cert and --tls-key go together, and with a scheduler at tls://",
            expected="all three files, or none",
        )
    if encrypted and not all(tls):
        raise OutputError(
            f"{args.scheduler} asks for certificates", todo="give --tls-ca, --tls-cert and --tls-key, a file each"
        )
    if args.dashboard and args.scheduler is not None:
        raise OutputError("--dashboard is of the work on this machine", todo="ask the scheduler for its own page")


def _plan(args: argparse.Namespace) -> Plan:
    settings = {"whole": args.whole, "sky": args.sky, "faces": args.faces, "fill": args.fill}

    def work(progress: Progress) -> Plan:
        progress("looking for pairs", 0.0)
        return find_jobs(args.inputs, settings, args.output, lambda n: progress(f"looking for pairs: {n:,}", 0.0))

    return run_interruptible(work, "looking for pairs")


def _say_plan(plan: Plan) -> None:
    parts = [f"{len(plan.jobs):,} task{'s' if len(plan.jobs) != 1 else ''}"]
    parts += [f"{plan.alone:,} frames of one eye alone"] if plan.alone else []
    parts += [f"{plan.passed_over:,} other pictures passed over"] if plan.passed_over else []
    print("; ".join(parts), flush=True)
    for one in plan.unreadable[:_MAX_LINES]:
        print(f"stereo3d: {one.message}", file=sys.stderr)
    if len(plan.unreadable) > _MAX_LINES:
        print(f"stereo3d: and {len(plan.unreadable) - _MAX_LINES:,} more", file=sys.stderr)


def _limits(args: argparse.Namespace) -> tuple[int, Limits]:
    """How many workers, and what a task of one may use: what was asked for, or what the machine has."""
    from stereo3d.libraries import import_library

    free = 0.85 * import_library("psutil").virtual_memory().total / 1e9
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if args.scheduler is not None:
        return 0, Limits(int((args.memory or 2 * _USUAL_GB) * 1e9), args.timeout, args.threads or 1)
    workers = args.workers or max(1, min(cores, int(free / (args.memory or _USUAL_GB))))
    memory = args.memory or max(_LEAST_GB, free / workers)
    return workers, Limits(int(memory * 1e9), args.timeout, args.threads or max(1, cores // workers))


def _engine(args: argparse.Namespace, order: Order, workers: int) -> AbstractContextManager[DaskEngine]:
    if args.scheduler is None:
        return local_engine(workers, args.dashboard)
    tls = Tls(args.tls_ca, args.tls_cert, args.tls_key) if args.tls_ca is not None else None
    return remote_engine(args.scheduler, order, tls)


@contextmanager
def _telling(tally: Tally) -> Iterator[Callable[[Tally], None]]:
    """Progress on stderr: a bar with counts, rate and time to go; into a file or a pipe a line each minute."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("starting", total=max(1, len(tally.plan.jobs)))
        said = time.monotonic()

        def tell(tally: Tally) -> None:
            nonlocal said
            interrupt.raise_if_asked()
            bars.update(task, description=progress_line(tally), completed=len(tally.outcomes))
            if not console.is_terminal and time.monotonic() - said > _SAY_S:
                said = time.monotonic()
                print(progress_line(tally), file=sys.stderr, flush=True)

        yield tell


def progress_line(tally: Tally) -> str:
    """'12 done, 1 failed, 27 left; 8.1 a minute, 3 min to go'."""
    done = tally.count(State.DONE) + tally.count(State.KEPT)
    left = tally.count(State.WAITING)
    line = f"{done:,} done, {tally.count(State.FAILED):,} failed, {left:,} left"
    if tally.count(State.DONE):
        line += f"; {60 * tally.rate:.1f} a minute, {duration(left / tally.rate)} to go"
    return line


def _say_end(folder: Path, tally: Tally, started: float) -> int:
    """What came of it, in a few lines; the exit code."""
    made, kept, failed, left = (tally.count(s) for s in (State.DONE, State.KEPT, State.FAILED, State.WAITING))
    parts = [f"{made:,} made"] + ([f"{kept:,} kept"] if kept else [])
    if failed:
        why = ", ".join(f"{n:,} {failure.value}" for failure, n in tally.failures.most_common())
        parts.append(f"{failed:,} failed ({why})")
    parts += [f"{left:,} left"] if left else []
    print("; ".join(parts))
    print(f"wrote {folder / CSV} and {folder / INDEX}")
    print(f"done in {time.perf_counter() - started:.1f} s", flush=True)
    failures = [row for row in tally.rows() if row.state is State.FAILED and row.tries]
    for row in failures[:_MAX_LINES]:
        print(f"stereo3d: {row.name}: {row.message}", file=sys.stderr)
    if len(failures) > _MAX_LINES:
        print(f"stereo3d: and {len(failures) - _MAX_LINES:,} more, see {folder / CSV}", file=sys.stderr)
    if tally.stopped is not None:
        print(f"stereo3d: {tally.stopped}", file=sys.stderr)
    return 1 if failed or left else 0
