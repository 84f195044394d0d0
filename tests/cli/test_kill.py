"""``kill -9`` at random moments: the output holds whole products or none, and the next run completes, without litter.

Each command is killed at STEREO3D_KILLS moments (3), in turn one of all the time that it takes and one while it writes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="SIGKILL and process groups"),
    pytest.mark.timeout(900),
]

KILLS = int(os.environ.get("STEREO3D_KILLS", "3"))
RUN = "import sys; from stereo3d.cli.main import console; console()"
SERVER = Path(__file__).parents[1] / "fetch" / "server.py"
FETCH = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location('raw_feed_server', {str(SERVER)!r})
module = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = module
spec.loader.exec_module(module)
from stereo3d.cli import fetch
fetch.FEEDS = {{'m20': module.FeedServer(sys.argv.pop(1)).m20}}
from stereo3d.cli.main import console
console()
"""


class Killed:
    """A command that is run again and again, in a place of its own."""

    def __init__(self, folder: Path, code: str, *words: str) -> None:
        self.place = folder / "place"
        self.cache, self.temporary = folder / "cache", folder / "temporary"
        for each in (self.place, self.cache, self.temporary):
            each.mkdir()
        self._command = [sys.executable, "-c", code, *words]
        clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        own = {"STEREO3D_CACHE": str(self.cache), "STEREO3D_CACHE_GB": "1", "TMPDIR": str(self.temporary)}
        self._environment = {**clean, **own}

    def run(self) -> float:
        """To its end; the seconds that it took."""
        started = time.monotonic()
        done = subprocess.run(self._command, cwd=self.place, env=self._environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return time.monotonic() - started

    def kill(self, after_s: float, writing: bool) -> None:
        """Begin it, and kill it with all its children ``after_s`` seconds later, or after its first file appears."""
        process = subprocess.Popen(
            self._command,
            cwd=self.place,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        before = len(self._paths())
        while writing and process.poll() is None and len(self._paths()) == before:
            time.sleep(0.002)
        time.sleep(after_s)
        with contextlib.suppress(ProcessLookupError):  # it came to its end, and its children too
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _paths(self) -> list[Path]:
        return [Path(folder, name) for folder, _, names in os.walk(self.place) for name in names]

    def files(self) -> dict[str, str]:
        """Everything in its place: name to digest; of a report, which tells seconds, the name alone."""
        return {
            str(path.relative_to(self.place)): "" if path.name == "report.json" else digest(path)
            for path in sorted(self._paths())
        }

    def prove(self, check: Callable[[dict[str, str], dict[str, str]], None]) -> None:
        """Run it undisturbed, then from nothing and killed; ``check(there, whole)`` after each kill."""
        took = self.run()
        whole = self.files()
        shutil.rmtree(self.place)
        self.place.mkdir()
        for number in range(KILLS):
            if number % 2 == 0:  # at any moment, and without what the cache keeps of runs that were killed
                shutil.rmtree(self.cache)
                self.cache.mkdir()
                self.kill(took * (number + random.random()) / KILLS, writing=False)
            else:
                self.kill(random.choice((0.0, 0.01, 0.1)) * random.random(), writing=True)
            check(self.files(), whole)
        self.run()
        assert self.files() == whole
        litter = [path.name for path in [*self.place.rglob("*"), *self.cache.rglob("*")] if path.name.startswith(".")]
        assert [name for name in litter if "partial" in name or "part" in name.split(".")] == []


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def all_or_nothing(there: dict[str, str], whole: dict[str, str]) -> None:
    """Beside what is under a temporary name (hidden), either everything or nothing."""
    seen = {name: value for name, value in there.items() if not name.startswith(".")}
    assert seen in ({}, whole)


def test_reconstruct(ring_folder: Path, tmp_path: Path) -> None:
    Killed(tmp_path, RUN, "reconstruct", str(ring_folder), "--pair", "1", "-o", "products").prove(all_or_nothing)


def test_export(ring_folder: Path, tmp_path: Path) -> None:
    def named_last(there: dict[str, str], whole: dict[str, str]) -> None:
        """Three files of one mesh: each whole, and that which was named only beside the others."""
        seen = {name: value for name, value in there.items() if not name.startswith(".")}
        assert seen.items() <= whole.items()
        assert "ground.obj" not in seen or seen == whole

    Killed(tmp_path, RUN, "export", str(ring_folder), "--pair", "1", "-o", "ground.obj").prove(named_last)


@pytest.fixture
def feed(simulated) -> Iterator[object]:
    """A feed of six pairs, each image a little while in coming."""

    def slowly(handler) -> None:
        time.sleep(0.05)
        handler.file(feed.files[handler.path])

    with simulated.serving() as feed:
        for number in range(6):
            feed.add_pair(sclk=700000000 + 1000 * number)
        feed.always = dict.fromkeys(feed.files, slowly)
        yield feed


def test_fetch(feed, tmp_path: Path) -> None:
    def each_whole(there: dict[str, str], whole: dict[str, str]) -> None:
        seen = {name: value for name, value in there.items() if not Path(name).name.startswith(".")}
        assert seen.items() <= whole.items()
        images = {name for name in seen if name.endswith(".png")}
        assert {str(Path(name).with_suffix(".json")) for name in images} <= seen.keys()

    Killed(tmp_path, FETCH, feed.base, "fetch", "--mission", "m20", "--sol", "400", "-o", "mars").prove(each_whole)
