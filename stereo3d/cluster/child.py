"""The process that does the work of one task after the other, for the worker that started it.

It says that it is ready, reads orders, a line of JSON each, and answers each with a line of JSON.  It ends when its
worker does, when it is told nothing for a while, or when it is killed: what it had half written then is cleared away by
the worker.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from stereo3d.cluster.job import Failure, Job
from stereo3d.cluster.record import TASK_OURS, write_run, write_task
from stereo3d.errors import MissingLibraryError, OutputError, Stereo3dError
from stereo3d.export.atomic import atomic_folder

Work = Callable[[Job, Path], None]
"""Measures a task and writes its products into an existing, empty folder; raises Stereo3dError."""

IDLE_S = 120.0
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PR_SET_PDEATHSIG = 1
_CV_NO_MEMORY = -4
_M_ARENA_MAX = -8


def main() -> None:
    """``argv``: the work as ``module:function``, threads, bytes of memory, the worker's process number."""
    work_name, threads, memory, worker = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    _end_with(worker)
    _bound_memory(memory)
    share_arenas()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    orders: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    work = loaded(work_name)
    import cv2

    cv2.setNumThreads(threads)
    _answer(answers, {"ready": True})
    while True:
        try:
            order = json.loads(orders.get(timeout=IDLE_S))
        except queue.Empty:
            break
        _answer(answers, done(work, order))
    os._exit(0)  # the listening thread waits in a read that only the worker ends


def loaded(name: str) -> Work:
    """The function that ``module:function`` names."""
    module, _, function = name.partition(":")
    found: Work = getattr(importlib.import_module(module), function)
    return found


def done(work: Work, order: Mapping[str, Any]) -> dict[str, Any]:
    """Do the work of an order, all its products or none; the answer holds ``failure`` and ``message``, or neither."""
    started, processor = time.perf_counter(), time.process_time()
    job = Job(**order["job"])
    try:
        with atomic_folder(Path(order["folder"]) / job.name, TASK_OURS) as folder:
            work(job, folder)
            write_task(folder, order["key"], job)
            statistics = {
                "seconds": round(time.perf_counter() - started, 3),
                "processor_seconds": round(time.process_time() - processor, 3),
                "peak_megabytes": _peak_megabytes(),
                "finished_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            }
            write_run(folder, order["token"], statistics)
            _flush(folder)
    except Exception as error:
        failure = kind_of(error)
        if failure is Failure.DEFECT:
            traceback.print_exc()
        message = str(error) if isinstance(error, Stereo3dError) else f"{type(error).__name__}: {error}"
        if failure is Failure.DISK:  # what it names is a passing name
            message = "there is no room for its products on the disk"
        return {"failure": failure.value, "message": " ".join(message.split())[:1000]}
    finally:
        _give_back_memory()
    return {}


def kind_of(error: BaseException) -> Failure:
    """Why work failed, of what it raised."""
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in _NO_ROOM:
            return Failure.DISK
        if isinstance(one, MemoryError) or getattr(one, "code", None) == _CV_NO_MEMORY:
            return Failure.MEMORY
    if isinstance(error, OutputError):
        return Failure.OUTPUT
    if isinstance(error, Stereo3dError) and not isinstance(error, MissingLibraryError):
        return Failure.INPUT
    return Failure.DEFECT


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(20):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__


def share_arenas() -> None:
    """Let all threads take memory from two pools, where the C library can; called before there are threads.

    Else it makes a pool for each of many short-lived threads, each with holes of its own, and a process that keeps
    nothing grows by half over two hundred tasks.
    """
    with suppress(OSError, AttributeError, TypeError):  # there is one in glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _give_back_memory() -> None:
    """Give what the last task freed back to the system, where the C library can."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _flush(folder: Path) -> None:
    """Bring all files to the disk before their folder gets its name: a whole name then means whole files."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())


def _peak_megabytes() -> float | None:
    """The most resident memory since the last time that this was asked; of the whole life where it cannot be reset."""
    with suppress(OSError, StopIteration, ValueError):
        with open("/proc/self/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
        with suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as reset:
            reset.write("5")
        return round(int(line.split()[1]) * 1024 / 1e6, 1)
    return None


def _listen(orders: queue.Queue[str]) -> None:
    for line in sys.stdin:
        orders.put(line)
    os._exit(0)  # the worker is gone


def _answer(answers: TextIO, answer: Mapping[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _end_with(worker: int) -> None:
    """On Linux the kernel ends this process with its worker, even inside a call that no thread can interrupt."""
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != worker:
        os._exit(0)
    # Where memory runs out all the same, this process goes before its worker and its neighbours.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def _bound_memory(memory: int) -> None:
    """Refuse an allocation far beyond the limit at once; the worker watches what is really used."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = 2 * memory + (1 << 30)
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
