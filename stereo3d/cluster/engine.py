"""Where tasks run: threads of this process on this machine, or the workers of a Dask scheduler."""

from __future__ import annotations

import logging
import queue
import re
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from stereo3d.cluster.job import Failure, Job, Order, Outcome, State
from stereo3d.cluster.program import difference
from stereo3d.cluster.supervise import CHILDREN
from stereo3d.cluster.task import about_worker, end_children, run_task
from stereo3d.errors import MissingFileError, OutputError, Stereo3dError
from stereo3d.libraries import import_library

CONNECT_S = 20.0
"""So long a scheduler, and the first of its workers, are waited for."""
_AHEAD = 3
"""Tasks given to the scheduler for each that can run: few enough to stop quickly, enough that no worker waits."""
_SLOTS_S = 5.0
"""How often the number of workers is asked for."""
_WORKER_DEATHS = 2
"""A task on which so many Dask workers died, and one more, fails."""


class LostSchedulerError(Stereo3dError, ConnectionError):
    """The scheduler cannot be reached, or went away."""


@dataclass(frozen=True)
class Tls:
    """The files of an encrypted connection, as Dask takes them."""

    ca: Path
    cert: Path
    key: Path


class Engine(Protocol):
    """Tasks in, outcomes out."""

    @property
    def slots(self) -> int:
        """How many tasks can run at a time now."""

    def outcomes(self, jobs: Sequence[Job], order: Order) -> Iterator[Outcome | None]:
        """The outcome of each job as it comes; None every half second or so in between.

        Raises LostSchedulerError, and OutputError when no worker can do anything of this batch.
        """


@dataclass(frozen=True)
class DaskEngine:
    """A Dask client."""

    client: Any
    local: bool

    @property
    def slots(self) -> int:
        with suppress(Exception):  # the scheduler may just have gone
            return max(1, int(sum(self.client.nthreads().values())))
        return 1

    def outcomes(self, jobs: Sequence[Job], order: Order) -> Iterator[Outcome | None]:
        left, at_work = deque(jobs), dict[Any, Job]()
        finished: queue.Queue[Any] = queue.Queue()
        most, asked = 0, -1e9
        while left or at_work:
            if time.monotonic() - asked > _SLOTS_S:  # workers come and go
                most, asked = _AHEAD * self.slots, time.monotonic()
            while left and len(at_work) < most:
                job = left.popleft()
                future = self._submitted(job, order)
                at_work[future] = job
                future.add_done_callback(finished.put)
            try:
                future = finished.get(timeout=0.5)
            except queue.Empty:
                if not self.local and self.client.status != "running":
                    raise _lost(self.client) from None
                yield None
                continue
            yield self._outcome(future, at_work.pop(future))
            future.release()

    def _submitted(self, job: Job, order: Order) -> Any:
        try:
            # The key names the run: a scheduler that others use must not take this for something it has.
            return self.client.submit(run_task, job, order, key=f"stereo3d-{order.token}-{job.name}", pure=False)
        except Exception as error:
            raise _lost(self.client) from error

    def _outcome(self, future: Any, job: Job) -> Outcome:
        if future.status == "cancelled" or future.status == "lost":
            raise _lost(self.client)
        error = future.exception(timeout=CONNECT_S) if future.status == "error" else None
        if isinstance(error, Stereo3dError):
            raise error
        if error is not None:
            killed = type(error).__name__ == "KilledWorker"
            message = (
                f"{_WORKER_DEATHS + 1} workers died while they had it" if killed else f"{type(error).__name__}: {error}"
            )
            failure = Failure.KILLED if killed else Failure.DEFECT
            return Outcome(job.name, State.FAILED, failure, " ".join(message.split())[:1000])
        try:
            found: Outcome = future.result(timeout=CONNECT_S)
        except Exception as lost:
            raise _lost(self.client) from lost
        return found


@contextmanager
def local_engine(workers: int, dashboard: bool = False) -> Iterator[DaskEngine]:
    """Scheduler and workers as threads of this process: no connection leaves it, and no port answers another machine.

    The tasks' own processes are ended at once when this ends.  Raises MissingLibraryError.
    """
    distributed = import_library("distributed")
    import_library("psutil")
    dask = import_library("dask")
    if dashboard:
        import_library("bokeh")
    _quiet()
    settings = {
        "distributed.scheduler.allowed-failures": _WORKER_DEATHS,
        "distributed.worker.http.routes": [],
        "distributed.worker.use-file-locking": False,
    }
    if not dashboard:
        settings["distributed.scheduler.http.routes"] = []
    CHILDREN.resume()
    with tempfile.TemporaryDirectory(prefix="stereo3d-batch-") as scratch, dask.config.set(settings):
        cluster = distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=workers,
            processes=False,
            memory_limit=None,
            # Dask's own little web servers, which even without a dashboard listen: without an answer to anything.
            dashboard_address="127.0.0.1:8787" if dashboard else "127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            local_directory=scratch,
        )
        client = distributed.Client(cluster)
        try:
            yield DaskEngine(client, local=True)
        finally:
            CHILDREN.stop()
            with suppress(Exception):
                client.close(timeout=5)
            with suppress(Exception):
                cluster.close(timeout=5)


@contextmanager
def remote_engine(address: str, order: Order, tls: Tls | None = None) -> Iterator[DaskEngine]:
    """The workers of a scheduler that runs already; each must have this very program, and see the batch's folder.

    Raises MissingLibraryError, LostSchedulerError, MissingFileError, OutputError.
    """
    distributed = import_library("distributed")
    import_library("psutil")
    _quiet()
    security = None
    if tls is not None:
        for file in (tls.ca, tls.cert, tls.key):
            if not file.is_file():
                raise MissingFileError("no such file", file=file, expected="a PEM file of the TLS connection")
        security = distributed.Security(
            tls_ca_file=str(tls.ca),
            tls_client_cert=str(tls.cert),
            tls_client_key=str(tls.key),
            require_encryption=True,
        )
    try:
        client = distributed.Client(address, timeout=CONNECT_S, security=security, set_as_default=False)
    except Exception as error:
        raise LostSchedulerError(
            f"the scheduler {address} cannot be reached: {_first_line(error)}",
            expected="the address of a dask scheduler, tcp://HOST:8786 or tls://HOST:8786",
        ) from error
    try:
        _check_workers(client, address, order)
        yield DaskEngine(client, local=False)
    finally:
        with suppress(Exception):
            if client.status == "running":
                client.run(end_children, on_error="ignore")
        with suppress(Exception):
            client.close(timeout=5)


def _check_workers(client: Any, address: str, order: Order) -> None:
    """Raise one line for a scheduler without workers, or whose workers cannot do this batch."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except Exception as error:
        raise LostSchedulerError(
            f"the scheduler {address} has no workers",
            todo=f"start some, each machine with: dask worker {address} --nworkers N --nthreads 1",
        ) from error
    try:
        pythons = client.get_versions(check=False)["workers"]
    except Exception as error:
        raise _lost(client) from error
    for worker, told in pythons.items():
        theirs = str(dict(told.get("host", {})).get("python", "")).rpartition(".final")[0]
        ours = order.program["Python"]
        if not (theirs == ours or theirs.startswith(f"{ours}.")):
            raise _other_program(worker, f"Python is {theirs or 'unknown'}, not {ours}")
    answers = client.run(about_worker, order.folder, order.token, on_error="return")
    for worker, about in answers.items():
        if isinstance(about, BaseException):
            raise _other_program(worker, f"it cannot run stereo3d: {_first_line(about)}")
        wrong = difference(order.program, about["program"])
        if wrong is not None:
            raise _other_program(worker, wrong)
        if not about["sees"]:
            raise OutputError(
                f"the worker {worker} does not see this folder",
                file=order.folder,
                expected="one file system for all workers, under the same paths",
            )


def _other_program(worker: str, how: str) -> OutputError:
    return OutputError(
        f"the worker {worker} has another program: {how}", todo="install the same stereo3d on the same Python for all"
    )


def _lost(client: Any) -> LostSchedulerError:
    return LostSchedulerError(
        f"the scheduler {getattr(client.scheduler, 'address', 'of this batch')} was lost",
        todo="start it again; what was made stays, and the same command goes on from there",
    )


def _first_line(error: BaseException) -> str:
    text = re.sub(r"^in <.*>: ", "", str(error).strip())  # Dask's own name of a connection
    return (text.splitlines()[0] if text else type(error).__name__)[:200]


def _quiet() -> None:
    """What Dask has to say of its inner life is told as outcomes."""
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
