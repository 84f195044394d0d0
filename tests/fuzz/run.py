"""Fuzz the readers: ``python tests/fuzz/run.py --target pds4 --inputs 200000 --seed 1`` (``--target all`` for each).

Each input is read in this process.  A finding is any exception but Stereo3dError, more than 2 s of processor time, more
than 512 MB of memory, a file opened or changed outside of the work folder, or a program, a connection or a pickle; it
is told by the last line of its traceback and written, made smaller, to ``--out``.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

CPU_S = 2.0
MEMORY_MB = 512
_HERE = Path(__file__).resolve().parent
_NEVER = ("pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect")
_CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.truncate")


def sibling(name: str) -> ModuleType:
    """A module of this folder; the tests' folders are no packages."""
    key = f"fuzz_{name}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, _HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[key] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[key])
    return sys.modules[key]


class Hang(BaseException):
    """An input that takes too long.  No Exception, for readers turn those into their own."""


class Trespass(BaseException):
    """A reader that touches what it must not."""


class Noise(logging.Handler):
    """In place of what prints a library's warnings on the terminal: an error is one line, and nothing else."""

    said: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what would be printed."""
        self.said = f"{record.name} prints: {record.getMessage()[:100]}"


class Warden:
    """Looks on while inputs are read: at time, memory and files."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder) + os.sep
        self._watching = False
        self._trespass: str | None = None
        # Modules are imported, and their data read, while inputs are read.
        self._known = tuple(
            {sys.prefix, sys.base_prefix, str(_HERE.parents[1]), "/usr/lib", "/proc", "/sys", "/dev/null"}
        )
        self._noise = logging.lastResort = Noise(logging.WARNING)
        sys.addaudithook(self._audit)
        signal.signal(signal.SIGPROF, self._late)

    def check(self, target: Any, folder: Path, data: bytes, error_type: type[Exception]) -> BaseException | None:
        """Read one input; the finding, if it is one."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._trespass, self._watching = None, True
        signal.setitimer(signal.ITIMER_PROF, CPU_S)
        found: BaseException | None = None
        try:
            try:
                target.run(folder, data)
            except error_type as error:
                text = str(error)
                if not text.isprintable() or len(text) > 2000:
                    found = AssertionError(f"an error of {len(text)} letters that is no line")
            except Exception as error:
                found = error
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
        except Hang as error:  # which may come as late as in the lines above
            found = error
        self._watching = False
        if self._noise.said is not None and found is None:
            found, self._noise.said = Trespass(self._noise.said), None
        if self._trespass is not None:
            return Trespass(self._trespass)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        return found or (MemoryError(f"{grown >> 10} MB") if grown >> 10 > MEMORY_MB else None)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        if event in _NEVER:
            self._trespass = event
        elif event == "open" and isinstance(args[0], (str, bytes)):
            path, mode = os.fsdecode(args[0]), args[1]
            flags = args[2] if isinstance(args[2], int) else 0
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or flags & (os.O_WRONLY | os.O_RDWR)
            self._touches(f"open {mode}", path, bool(writes))
        elif event in _CHANGES:
            self._touches(event, os.fsdecode(args[0]), True)

    def _touches(self, what: str, path: str, writes: bool) -> None:
        real = os.path.realpath(path)
        if not (real + os.sep).startswith(self._folder) and (writes or not real.startswith(self._known)):
            self._trespass = f"{what} {real[:200]}"

    def _late(self, number: int, frame: FrameType | None) -> None:
        raise Hang(f"more than {CPU_S} s")


def place(error: BaseException) -> str:
    """Kind and last place within the program: one finding for all inputs that lead there."""
    steps = traceback.extract_tb(error.__traceback__)
    own = [s for s in steps if "stereo3d" in Path(s.filename).parts or s.filename.endswith("targets.py")]
    where = f"{Path(own[-1].filename).name}:{own[-1].lineno} ({own[-1].line})" if own else str(error)[:60]
    return f"{type(error).__name__} at {where}"[:160]


def smaller(data: bytes, still: Any, tries: int = 400) -> bytes:
    """A part of ``data`` for which ``still`` holds, by leaving out ever shorter pieces."""
    step = max(1, len(data) // 2)
    while step and tries > 0:
        at, cut = 0, False
        while at < len(data) and tries > 0:
            tries -= 1
            shorter = data[:at] + data[at + step :]
            if still(shorter):
                data, cut = shorter, True
            else:
                at += step
        step = step if cut else step // 2
    return data


def fuzz(name: str, first: int, count: int, seed: int, out: Path) -> dict[str, int]:
    """Read inputs ``first`` to ``first + count`` of a target; how often each finding came."""
    from stereo3d.errors import Stereo3dError

    mutate, targets = sibling("mutate"), sibling("targets")
    target = targets.TARGETS[name]
    room = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    folder = room / "work"
    folder.mkdir()
    found: dict[str, int] = {}
    began, cpu = time.perf_counter(), time.process_time()
    try:
        seeds = target.prepare(folder)
        for data in seeds:
            target.run(folder, data)  # a good file is read, and all modules with it
        warden = Warden(folder)
        longest = 0.0
        for number in range(first, first + count):
            data = mutate.mutated(name, seed, number, target.kind, seeds, target.tokens)
            start = time.process_time()
            error = warden.check(target, folder, data, Stereo3dError)
            longest = max(longest, time.process_time() - start)
            if error is not None:
                key = place(error)
                found[key] = found.get(key, 0) + 1
                if found[key] == 1:
                    _keep(name, number, data, error, key, out, target, folder, warden, Stereo3dError)
            if (number + 1) % 10_000 == 0:
                rate = (number + 1 - first) / (time.process_time() - cpu)
                print(f"{name}: {number + 1} inputs, {rate:.0f}/s of processor, {len(found)} findings", flush=True)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"{name}: {count} inputs (seed {seed}, from {first}) in {wall:.0f} s, {used:.0f} s of processor, "
        f"{count / max(used, 1e-9):.0f}/s; longest {longest:.2f} s; peak {peak} MB; {len(found)} findings",
        flush=True,
    )
    return found


def _keep(
    name: str,
    number: int,
    data: bytes,
    error: Any,
    key: str,
    out: Path,
    target: Any,
    folder: Path,
    warden: Any,
    own: Any,
) -> None:
    """Tell a finding, and write its input, made smaller."""

    def still(part: bytes) -> bool:
        again = warden.check(target, folder, part, own)
        return again is not None and place(again) == key

    out.mkdir(parents=True, exist_ok=True)
    short = data if isinstance(error, (Hang, MemoryError)) else smaller(data, still)
    path = out / f"{name}-{number}.bin"
    path.write_bytes(short)
    print(f"FOUND {name} {number}: {key}: {str(error)[:150]!r}; {len(short)} bytes in {path}", flush=True)


def main() -> int:
    """Run; 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="all", help="a reader's name, several with commas, or all")
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("out/fuzz"))
    args = parser.parse_args()
    sys.path.insert(0, str(_HERE.parents[1]))
    os.environ["STEREO3D_CACHE_GB"] = "0"
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    warnings.simplefilter("error")
    names = list(sibling("targets").TARGETS) if args.target == "all" else args.target.split(",")
    out = args.out.resolve()
    found = {name: fuzz(name, args.first, args.inputs, args.seed, out) for name in names}
    for name, each in found.items():
        for key, times in each.items():
            print(f"{name}: {times} x {key}")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
