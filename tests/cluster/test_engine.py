"""Dask at work: threads of this process, and a scheduler elsewhere whose workers die, differ or vanish."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from stereo3d.cluster.batch import MOST_FULL, Tally, run_batch
from stereo3d.cluster.engine import LostSchedulerError, Tls, local_engine, remote_engine
from stereo3d.cluster.folder import batch_folder
from stereo3d.cluster.job import Failure, Job, Order, State
from stereo3d.cluster.page import write_tables
from stereo3d.cluster.plan import Plan
from stereo3d.cluster.supervise import CHILDREN
from stereo3d.errors import MissingFileError, OutputError

CLUSTER = """
import json, os, sys, time
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address="127.0.0.1:0",
                           host="127.0.0.1", protocol="tcp://", memory_limit=None, silence_logs=50)
    pids = [worker.pid for worker in cluster.workers.values()]
    print(json.dumps({"address": cluster.scheduler_address, "workers": pids}), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def elsewhere(order: Order, tmp_path: Path) -> Iterator[Callable[[int], dict]]:
    """Starts a scheduler with so many workers, in processes of their own."""
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    started = []

    def start(count: int) -> dict:
        process = subprocess.Popen(
            [sys.executable, str(script), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": f"{Path(__file__).parents[2]}:{os.environ['PYTHONPATH']}"},
        )
        started.append(process)
        assert process.stdout is not None
        return {**json.loads(process.stdout.readline()), "process": process}

    yield start
    for process in started:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        for one in family:
            one.kill()
        process.kill()
        with process:
            process.wait()


def tally_of(jobs: list[Job]) -> Tally:
    return Tally(Plan(tuple(jobs), (), 0, 0))


def silent(tally: Tally) -> None:
    """Nobody is told."""


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not until():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_here_every_task_is_done_and_a_bad_one_is_alone(order, job):
    jobs = [job(f"t{n}", "poison" if n == 3 else "hungry" if n == 5 else f"fine {n}") for n in range(12)]
    tally = tally_of(jobs)
    told = []
    limited = replace(order, limits=replace(order.limits, memory_bytes=800_000_000))
    with local_engine(2) as engine:
        assert engine.slots == 2
        ports = [c for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN]
        assert {c.laddr.ip for c in ports} <= {"127.0.0.1"}
        run_batch(tally, limited, engine, lambda t: told.append(t.count(State.WAITING)), write_tables, every_s=0.0)
        assert len(CHILDREN.processes()) <= 2
    assert CHILDREN.processes() == []
    assert tally.failures == {Failure.INPUT: 1, Failure.MEMORY: 1}
    assert (tally.count(State.DONE), tally.count(State.WAITING)) == (10, 0)
    assert told[-1] == 0
    assert (order.folder / "batch.csv").is_file()
    assert (order.folder / "index.html").is_file()


def test_a_full_disk_stops_the_batch_after_a_while(order, job):
    """Not at the first: a smaller one may fit."""
    said = ["full", "fine", *["full"] * (MOST_FULL + 20)]
    tally = tally_of([job(f"t{n}", words) for n, words in enumerate(said)])
    with local_engine(1) as engine:
        run_batch(tally, order, engine, silent, write_tables)
    assert tally.stopped is not None
    assert "the disk of" in tally.stopped
    assert tally.count(State.DONE) == 1
    assert tally.failures == {Failure.DISK: MOST_FULL + 1}
    write_tables(order.folder, tally)
    with (order.folder / "batch.csv").open(newline="") as file:
        states = [row["state"] for row in csv.DictReader(file)]
    assert states.count("waiting") == tally.count(State.WAITING) > 0


def test_leaving_ends_what_is_at_work(order, job):
    with local_engine(2) as engine:
        for _ in engine.outcomes([job("one", "stuck"), job("two", "stuck")], order):
            if len(processes := CHILDREN.processes()) == 2:
                break
    wait(lambda: not any(psutil.pid_exists(p) for p in processes))
    CHILDREN.resume()


def test_elsewhere_a_killed_worker_costs_nothing(order, job, elsewhere):
    cluster = elsewhere(2)
    jobs = [job(f"t{n}", "slow 0.5") for n in range(8)]
    tally = tally_of(jobs)
    killed = []

    def tell(tally: Tally) -> None:
        if not killed and any(order.folder.glob(".t*.partial-*")):
            partial = next(order.folder.glob(".t*.partial-*")).name
            child = psutil.Process(int(partial.split("-")[-2]))
            killed.append(child)
            os.kill(child.ppid(), signal.SIGKILL)

    with remote_engine(cluster["address"], order) as engine:
        run_batch(tally, order, engine, tell, write_tables)
    assert killed
    assert tally.count(State.DONE) == 8
    assert all((order.folder / one.name / "xyz.tif").is_file() for one in jobs)
    wait(lambda: not killed[0].is_running() or killed[0].status() == psutil.STATUS_ZOMBIE)


def test_elsewhere_a_lost_scheduler_is_one_line(order, job, elsewhere):
    cluster = elsewhere(1)

    def tell(tally: Tally) -> None:
        if any(order.folder.glob(".one.partial-*")) and cluster["process"].poll() is None:
            cluster["process"].kill()
            cluster["process"].wait()

    with (
        pytest.raises(LostSchedulerError, match=r"was lost; start it again; what was made stays"),
        remote_engine(cluster["address"], order) as engine,
    ):
        run_batch(tally_of([job("one", "stuck")]), order, engine, tell, write_tables)


def test_elsewhere_tasks_end_when_their_run_does(order, job, elsewhere, tmp_path):
    """Ctrl-C, or kill -9: the mark tells the workers, wherever they are."""
    address = elsewhere(1)["address"]
    with batch_folder(tmp_path / "other") as token:
        own = replace(order, folder=tmp_path / "other", token=token)
        with remote_engine(address, own) as engine:
            for _ in engine.outcomes([job("one", "stuck")], own):
                if partial := next(own.folder.glob(".one.partial-*"), None):
                    break
        child = psutil.Process(int(partial.name.split("-")[-2]))
        assert child.is_running()
    wait(lambda: not child.is_running())
    wait(lambda: not partial.exists())


def entered(address: str, order: Order, tls: Tls | None = None) -> None:
    """Enter and leave."""
    with remote_engine(address, order, tls):
        pass


def test_elsewhere_another_program_or_folder_is_refused(order, elsewhere, tmp_path):
    address = elsewhere(1)["address"]
    with pytest.raises(OutputError, match=r"the worker tcp://127\S+ has another program: stereo3d is .*, not 99\.1"):
        entered(address, replace(order, program={**order.program, "stereo3d": "99.1"}))
    with pytest.raises(OutputError, match=r"Python is 3\.\d+\.\d+, not 3\.99\.1"):
        entered(address, replace(order, program={**order.program, "Python": "3.99.1"}))
    with pytest.raises(OutputError, match="does not see this folder"):
        entered(address, replace(order, folder=tmp_path / "elsewhere"))


def test_no_scheduler_is_one_line(order, monkeypatch, tmp_path):
    monkeypatch.setattr("stereo3d.cluster.engine.CONNECT_S", 0.5)
    with pytest.raises(LostSchedulerError, match=r"127\.0\.0\.1:1 cannot be reached"):
        entered("tcp://127.0.0.1:1", order)
    with pytest.raises(MissingFileError, match="PEM"):
        entered("tls://127.0.0.1:1", order, Tls(tmp_path / "a", tmp_path / "b", tmp_path / "c"))
