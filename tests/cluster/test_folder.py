"""The folder of a batch: one run at a time, and nobody else's folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from stereo3d.cluster import folder as folders
from stereo3d.cluster.folder import MARK, Pulse, batch_folder, sweep, sweep_process
from stereo3d.errors import OutputError

HOLD = (
    "import sys, time; from pathlib import Path; from stereo3d.cluster.folder import batch_folder\n"
    "with batch_folder(Path(sys.argv[1])) as token:\n"
    "    print(token, flush=True); time.sleep(600)\n"
)


@pytest.fixture
def holder(tmp_path):
    """Another process that has the folder."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "out")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.token = process.stdout.readline().decode().strip()
        yield process
        process.kill()


def test_one_run_at_a_time_and_a_killed_one_holds_nothing(holder, tmp_path):
    with (
        pytest.raises(OutputError, match=f"another batch is at work in this folder, process {holder.pid} on "),
        batch_folder(tmp_path / "out"),
    ):
        pass
    assert Pulse(tmp_path / "out", holder.token).alive()
    holder.kill()
    holder.wait()
    with batch_folder(tmp_path / "out") as token:
        assert token != holder.token
        assert not Pulse(tmp_path / "out", holder.token).alive()
        assert Pulse(tmp_path / "out", token).alive()
    assert not Pulse(tmp_path / "out", token).alive()
    with batch_folder(tmp_path / "out"):
        pass


@pytest.mark.parametrize("name", ["index.html", "photo.png", ".hidden"])
def test_a_folder_that_is_none_of_a_batch_is_refused(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match="is not one of a batch"), batch_folder(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="this is a file"), batch_folder(tmp_path / "out"):
        pass


def test_a_mark_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "out" / MARK).symlink_to(tmp_path / "precious")
    with pytest.raises(OutputError, match="cannot write here"), batch_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "precious").read_text() == "mine"


def test_an_error_within_passes_as_it_is(tmp_path):
    with pytest.raises(FileNotFoundError), batch_folder(tmp_path / "out"):
        raise FileNotFoundError("something of its own")


def test_a_run_that_is_silent_for_long_is_gone(tmp_path, monkeypatch):
    """A worker on another machine sees the mark alone."""
    now = [1000.0]
    monkeypatch.setattr(folders, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now[0])}))

    def later(seconds: float) -> bool:
        """Whether it is alive after being asked every ten seconds."""
        for _ in range(int(seconds / 10)):
            now[0] += 10.0
            alive = pulse.alive()
        return alive

    with batch_folder(tmp_path / "out") as token:
        pulse = Pulse(tmp_path / "out", token)
        assert pulse.alive()
        assert later(folders.SILENT_S - 20)
        os.utime(tmp_path / "out" / MARK, (1, 1))  # a beat
        assert later(folders.SILENT_S - 20)
        now[0] += 10 * folders.SILENT_S  # this machine slept
        assert pulse.alive()
        assert not later(folders.SILENT_S + 20)


def test_the_run_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "BEAT_S", 0.01)
    with batch_folder(tmp_path / "out"):
        os.utime(tmp_path / "out" / MARK, (1, 1))
        until = time.monotonic() + 60
        while (tmp_path / "out" / MARK).stat().st_mtime < 10 and time.monotonic() < until:
            time.sleep(0.01)
        assert (tmp_path / "out" / MARK).stat().st_mtime > 10


def test_what_killed_processes_left_of_its_tasks_is_cleared_away(tmp_path):
    for name in (".one.partial-5-0", ".one.replaced-5-1", ".two.replaced-7-0", ".three.partial-5-0", "one"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "xyz.tif").write_text(name)
    (tmp_path / ".one.partial-6-0").symlink_to(tmp_path / ".three.partial-5-0")
    sweep(tmp_path, {"one", "two"})
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"one", "two", ".three.partial-5-0", ".one.partial-6-0"}
    assert (tmp_path / "two" / "xyz.tif").read_text() == ".two.replaced-7-0"  # killed between two renames


def test_what_one_process_left_of_one_task(tmp_path):
    for name in (".one.partial-5-0", ".one.partial-55-0", ".ones.partial-5-0", ".one.replaced-5-0"):
        (tmp_path / name).mkdir()
    sweep_process(tmp_path, "one", 5)
    assert {path.name for path in tmp_path.iterdir()} == {"one", ".one.partial-55-0", ".ones.partial-5-0"}
