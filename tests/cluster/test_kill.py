"""``kill -9`` of a batch itself at random moments: no half product, no process left, and the same command goes on.

STEREO3D_KILLS names how many moments (3).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from stereo3d.cluster.folder import MARK
from stereo3d.cluster.record import RUN, TASK, is_whole, read_json

KILLS = int(os.environ.get("STEREO3D_KILLS", "3"))
TASKS = 6
BATCH = """
import sys
from pathlib import Path
from stereo3d.cluster.batch import Tally, run_batch
from stereo3d.cluster.engine import local_engine
from stereo3d.cluster.folder import batch_folder, sweep
from stereo3d.cluster.job import Job, Limits, Order, State
from stereo3d.cluster.page import write_tables
from stereo3d.cluster.plan import Plan
from stereo3d.cluster.program import program

inputs, out = Path(sys.argv[1]), Path(sys.argv[2])
settings = {"whole": False}
jobs = tuple(Job(path.stem, (str(path),), (), settings, {}) for path in sorted(inputs.iterdir()))
with batch_folder(out) as token:
    order = Order(out, token, program(), "works:work", Limits(2 * 10**9, 60.0))
    sweep(out, {job.name for job in jobs})
    tally = Tally(Plan(jobs, (), 0, 0))
    print("ready", flush=True)
    with local_engine(2) as engine:
        run_batch(tally, order, engine, lambda tally: None, write_tables, every_s=0.1)
    write_tables(out, tally)
    assert tally.count(State.DONE) + tally.count(State.KEPT) == len(jobs), tally.outcomes
"""


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(TASKS):
        (folder / f"t{number}.txt").write_text("slow 0.4")
    return folder


def start(inputs: Path, out: Path) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", BATCH, str(inputs), str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root}:{Path(__file__).parent}"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    return process


def gone(family: list[psutil.Process]) -> None:
    """Wait until all of them are."""
    until = time.monotonic() + 60
    while any(running(one) for one in family):
        assert time.monotonic() < until, "a process outlives its batch"
        time.sleep(0.02)


def running(one: psutil.Process) -> bool:
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.timeout(60 * KILLS + 240)
def test_killed_at_random_moments(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    kept: dict[str, tuple[int, str]] = {}
    for number in range(KILLS):
        with start(inputs, out) as process:
            delay_s = random.uniform(0.0, 4.0)
            try:
                process.wait(delay_s)
            except subprocess.TimeoutExpired:
                family = psutil.Process(process.pid).children(recursive=True)
                process.kill()
                process.wait()
                gone(family)
        for folder in (path for path in out.iterdir() if path.is_dir() and not path.name.startswith(".")):
            key = str(read_json(folder / TASK).get("key"))
            assert is_whole(folder, key), f"{folder.name} is not whole after kill {number}, at {delay_s:.3f} s"
            made = folder.stat().st_ino, str(read_json(folder / RUN).get("run"))
            assert kept.setdefault(folder.name, made) == made, f"{folder.name} was made twice"
    with start(inputs, out) as process:
        _, errors = process.communicate(timeout=200)
    assert (process.returncode, errors) == (0, "")
    assert {path.name for path in out.iterdir()} == {
        MARK, "batch.csv", "index.html", *(f"t{number}" for number in range(TASKS))
    }  # fmt: skip


def test_what_is_stuck_ends_with_the_batch(inputs: Path, tmp_path: Path) -> None:
    """No process of a batch that was killed waits for a task that never ends."""
    for path in inputs.iterdir():
        path.write_text("stuck")
    out = tmp_path / "out"
    with start(inputs, out) as process:
        until = time.monotonic() + 120
        while len(list(out.glob(".t*.partial-*"))) < 2:
            assert time.monotonic() < until
            time.sleep(0.02)
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 2
        process.kill()
        process.wait()
        gone(family)
