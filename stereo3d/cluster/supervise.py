"""Child processes and their limits: how a worker has a task done that it can end at any time."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from stereo3d.cluster.job import Failure, Limits
from stereo3d.libraries import import_library
from stereo3d.store.keys import PACKAGE

_POLL_S = 0.1
_START_S = 300.0
"""A process that is not ready by then, on however busy a machine, is ended; the time limit counts from there on."""
_MOST_JOBS = 200
"""A child is replaced after so many tasks, whatever it may have gathered."""
_START = "import sys; sys.path.append({root!r}); from stereo3d.cluster.child import main; main()"
_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


@dataclass(frozen=True)
class Reply:
    """How a child took an order."""

    failure: Failure | None
    message: str
    process: int
    """The number of the child's process."""
    alive: bool
    """Whether the child can take another order."""


class Child:
    """One process of :mod:`stereo3d.cluster.child`."""

    def __init__(self, work: str, limits: Limits) -> None:
        self.jobs = 0
        self._ready = False
        self._limits = limits
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the child)
        environment = os.environ | dict.fromkeys(_THREADS, str(limits.threads))
        code = _START.format(root=str(PACKAGE.parent))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", code, work, str(limits.threads), str(limits.memory_bytes), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            start_new_session=True,  # Ctrl-C is the batch's to answer
        )
        self._watched = import_library("psutil").Process(self._process.pid)
        self._answers: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def process(self) -> int:
        """The number of its process."""
        return self._process.pid

    def do(self, order: Mapping[str, Any], stopped: Callable[[], bool]) -> Reply:
        """Have the order done within the limits; the child is ended when ``stopped()`` says so."""
        self.jobs += 1
        assert self._process.stdin is not None
        with suppress(OSError):  # it is gone: its silence tells
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        until = time.monotonic() + (self._limits.timeout_s if self._ready else _START_S)
        while True:
            try:
                line = self._answers.get(timeout=_POLL_S)
            except queue.Empty:
                pass
            else:
                answer = json.loads(line) if line else None
                if answer is None:
                    return self._gone()
                if not answer.get("ready"):
                    return self._reply(answer)
                self._ready, until = True, time.monotonic() + self._limits.timeout_s
            if self._bytes() > self._limits.memory_bytes:
                most = f"{self._limits.memory_bytes / 1e9:g} GB"
                return self._ended(Failure.MEMORY, f"wanted more than {most} of memory; --memory allows more")
            if time.monotonic() > until and not self._ready:
                return self._ended(Failure.KILLED, f"its process did not start within {_START_S:g} s")
            if time.monotonic() > until:
                most = f"{self._limits.timeout_s:g} s"
                return self._ended(Failure.TIME, f"took longer than {most}; --timeout allows more")
            if stopped():
                return self._ended(Failure.KILLED, "the batch was stopped")

    def end(self) -> None:
        """End it at once, whatever it is at."""
        with suppress(OSError):
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            with suppress(OSError):
                if stream is not None:
                    stream.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with suppress(OSError, ValueError):
            for line in self._process.stdout:
                self._answers.put(line)
        self._answers.put(b"")

    def _bytes(self) -> int:
        try:
            return int(self._watched.memory_info().rss)
        except Exception:  # psutil's own family of errors: it is gone, and its silence tells
            return 0

    def _reply(self, answer: Mapping[str, Any]) -> Reply:
        failure = Failure(answer["failure"]) if "failure" in answer else None
        return Reply(failure, str(answer.get("message", "")), self.process, alive=True)

    def _ended(self, failure: Failure, message: str) -> Reply:
        self.end()
        return Reply(failure, message, self.process, alive=False)

    def _gone(self) -> Reply:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        code, said = self._process.poll(), self._last_words()
        how = "ended" if code is None else f"was ended by {_signal_name(-code)}" if code < 0 else f"left with {code}"
        return self._ended(Failure.KILLED, f"its process {how}" + (f": {said}" if said else ""))

    def _last_words(self) -> str:
        with suppress(OSError, ValueError):
            size = self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(0, size - 2000))
            lines = self._errors.read().decode(errors="replace").split("\n")
            return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")
        return ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Children:
    """The child processes of this worker; those that are idle wait for the next task."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[tuple[str, Limits], Child]] = []
        self._all: set[Child] = set()
        self._stopped = False

    def do(self, work: str, limits: Limits, order: Mapping[str, Any], stopped: Callable[[], bool]) -> Reply:
        """Have an order done by an idle child, or by a new one."""
        child = self._taken((work, limits))
        if child is None:
            return Reply(Failure.KILLED, "the batch was stopped", 0, alive=False)
        reply = child.do(order, lambda: self._stopped or stopped())
        with self._lock:
            if reply.alive and child.jobs < _MOST_JOBS and not self._stopped:
                self._idle.append(((work, limits), child))
                return reply
            self._all.discard(child)
        child.end()
        return reply

    def processes(self) -> list[int]:
        """The numbers of all of them."""
        with self._lock:
            return [child.process for child in self._all]

    def stop(self) -> None:
        """End all of them at once, and start none until :meth:`resume`."""
        with self._lock:
            self._stopped = True
        self.end_idle()
        with self._lock:
            busy = list(self._all)
        for child in busy:
            with suppress(OSError):
                os.kill(child.process, getattr(signal, "SIGKILL", signal.SIGTERM))

    def end_idle(self) -> None:
        """End those that are at no task: others may be at one of another batch."""
        with self._lock:
            idle, self._idle = [child for _, child in self._idle], []
            self._all.difference_update(idle)
        for child in idle:
            child.end()

    def resume(self) -> None:
        """Take orders again."""
        with self._lock:
            self._stopped = False

    def _taken(self, key: tuple[str, Limits]) -> Child | None:
        with self._lock:
            if self._stopped:
                return None
            for number, (other, child) in enumerate(self._idle):
                if other == key:
                    del self._idle[number]
                    return child
            child = Child(*key)
            self._all.add(child)
            return child


CHILDREN = Children()
"""Those of this process."""
