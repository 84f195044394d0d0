"""``stereo3d batch`` on simulated pairs: all products, each once, the same bytes as alone, whatever is killed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from stereo3d.cli import batch
from stereo3d.cli.main import main
from stereo3d.cluster.record import file_sum
from stereo3d.export.products import PRODUCTS, RUN_STATISTICS
from stereo3d.simulate.scene_writer import write_ring, write_scene

psutil = pytest.importorskip("psutil", reason="BATCH NOT CHECKED: stereo3d[cluster] is not installed")
pytest.importorskip("distributed", reason="BATCH NOT CHECKED: stereo3d[cluster] is not installed")

MANY = 40
RUN = "from stereo3d.cli.main import console; console()"


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pairs of 160 x 120 px in folders of folders: four worlds, each in ten shades."""
    top = tmp_path_factory.mktemp("many")
    for world in range(4):
        write_scene(top / "worlds" / str(world), world, samples=1, binning=32)
        for shade in range(MANY // 4):
            darkened(top / "worlds" / str(world), top / f"stop{world}" / f"pair{shade}", world, shade)
    shutil.rmtree(top / "worlds")
    return top


def darkened(scene: Path, folder: Path, world: int, shade: int) -> None:
    """A copy of a pair, some grey values darker, under the number 10 * world + shade."""
    folder.mkdir(parents=True)
    for record in scene.glob("SIM*.json"):
        name = record.stem.replace(f"_{world:04d}", f"_{10 * world + shade:04d}")
        (folder / f"{name}.json").write_text(record.read_text().replace(record.stem, name))
        with Pil.open(record.with_suffix(".png")) as picture:
            Pil.fromarray(np.maximum(np.asarray(picture), shade) - np.uint8(shade)).save(folder / f"{name}.png")


class Batch:
    """The command as a process."""

    def __init__(self, *arguments: object, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, "batch", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def children(self) -> list[psutil.Process]:
        """The processes that measure."""
        try:
            family = psutil.Process(self.process.pid).children(recursive=True)
            return [one for one in family if any("stereo3d.cluster.child" in word for word in one.cmdline())]
        except psutil.NoSuchProcess:
            return []

    def end(self) -> tuple[int, str, str]:
        out, errors = self.process.communicate(timeout=500)
        return self.process.returncode, out, errors


def wait(until: Callable[[], object]) -> None:
    end = time.monotonic() + 280
    while not until():
        assert time.monotonic() < end
        time.sleep(0.01)


def sums(folder: Path) -> dict[str, str]:
    """The SHA-256 of every product of a task's folder, run.json aside."""
    return {path.name: file_sum(path) for path in folder.iterdir() if path.name != "run.json"}


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "batch.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.timeout(900)
def test_forty_pairs_on_two_workers_with_one_killed(many, tmp_path):
    out = tmp_path / "out"
    running = Batch(many, "-o", out, "--workers", "2", "--threads", "1")
    wait(lambda: len(list(out.glob("SIM*"))) >= MANY // 3 and list(out.glob(".SIM*.partial-*")))
    victim = next(out.glob(".SIM*.partial-*")).name
    at_work = victim.split(".")[1]
    os.kill(int(victim.split("-")[-2]), signal.SIGKILL)
    code, told, errors = running.end()
    assert (code, "stereo3d:" in errors, "Traceback" in errors) == (0, False, False), told + errors
    assert f"{MANY} tasks\n{MANY} made\n" in told
    names = sorted(path.name for path in out.iterdir())
    wanted = [f"SIM_NAVCAM_LEFT_{seed:04d}" for seed in range(MANY)]
    assert names == sorted([".stereo3d-batch", "batch.csv", "index.html", *wanted])
    table = {row["folder"]: row for row in rows(out)}
    assert len(table) == len(rows(out)) == MANY
    assert {row["state"] for row in table.values()} == {"done"}
    assert int(table[at_work]["tries"]) <= 2
    # Alone, another number of threads, another process: the same bytes.
    alone = tmp_path / "alone"
    some = sorted({at_work, wanted[0], wanted[-1]})
    images = [path for name in some for path in many.rglob(f"SIM*_{name[-4:]}.png")]
    assert main(["batch", *map(str, images), "-o", str(alone), "--workers", "1", "--threads", "2"]) == 0
    for name in some:
        assert set(sums(out / name)) == {*PRODUCTS, "task.json", "thumbnail.jpg"}
        assert sums(alone / name) == sums(out / name)
    # And those of reconstruct, whose report tells seconds and memory too.
    single = tmp_path / "single"
    number = int(some[0][-4:])
    assert (
        main(["reconstruct", str(many / f"stop{number % 4}" / f"pair{number}"), "-o", str(single), "--no-cache"]) == 0
    )
    both = sums(out / some[0]), sums(single)
    assert {name for name in PRODUCTS if both[0][name] != both[1][name]} == {"report.json"}
    reports = [json.loads((folder / "report.json").read_text()) for folder in (out / some[0], single)]
    assert {key: reports[1][key] for key in reports[1] if key not in RUN_STATISTICS} == reports[0]


def test_ctrl_c_ends_all_at_once_and_the_same_command_goes_on(many, tmp_path):
    out = tmp_path / "out"
    inputs = [many / "stop0" / f"pair{shade}" for shade in range(3)]
    running = Batch(*inputs, "-o", out, "--workers", "1")
    wait(lambda: list(out.glob("SIM*")) and list(out.glob(".SIM*.partial-*")))
    children = running.children()
    running.process.send_signal(signal.SIGINT)
    code, _, errors = running.end()
    assert code == 130
    assert errors.strip().endswith("the products that are whole stay, and the same command goes on")
    assert "Traceback" not in errors
    wait(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))
    assert not list(out.glob(".SIM*"))
    states = [row["state"] for row in rows(out)]
    assert states.count("done") == len(list(out.glob("SIM*"))) >= 1
    assert states.count("waiting") == 3 - states.count("done") >= 1
    before = {path.name: path.stat().st_ino for path in out.glob("SIM*")}
    assert Batch(*inputs, "-o", out, "--workers", "1").end()[0] == 0
    states = [row["state"] for row in rows(out)]
    assert (states.count("kept"), states.count("done")) == (len(before), 3 - len(before))
    assert {name: (out / name).stat().st_ino for name in before} == before


def test_bad_inputs_fail_alone_and_are_told(many, tmp_path, capsys):
    image = next((many / "stop1" / "pair1").glob("SIM*LEFT*.png"))
    bad = tmp_path / "in" / "<b>bad"
    bad.mkdir(parents=True)
    for path in image.parent.glob("SIM*"):
        (bad / path.name).write_bytes(path.read_bytes())
    (bad / image.name).write_bytes(image.read_bytes()[:8000])
    unknown = tmp_path / "in" / "unknown"
    unknown.mkdir()
    (unknown / "SIM.png").write_bytes(image.read_bytes())
    (unknown / "SIM.json").write_text("[]")
    out = tmp_path / "out"
    code = main(["batch", str(tmp_path / "in"), str(many / "stop2" / "pair2"), "-o", str(out), "--workers", "1"])
    told = capsys.readouterr()
    assert code == 1
    assert "1 made; 2 failed (1 input, 1 unreadable)" in told.out
    assert "SIM_NAVCAM_LEFT_0011: " in told.err
    found = {row["failure"]: row for row in rows(out)}
    assert set(found) == {"", "input", "unreadable"}
    assert found["input"]["tries"] == "1"
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "<b>bad" not in page
    assert "&lt;b&gt;bad" in page
    assert sorted(path.name for path in out.glob("*SIM*")) == ["SIM_NAVCAM_LEFT_0022"]


def test_what_is_not_there_leaves_no_folder(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["batch", str(tmp_path / "nothing"), "-o", str(out)]) == 2
    assert "no such file or folder" in capsys.readouterr().err
    assert not out.exists()
    out.mkdir()
    assert main(["batch", str(tmp_path / "nothing"), "-o", str(out)]) == 2
    assert out.is_dir()


def test_a_whole_stop_is_one_task(tmp_path):
    ring = tmp_path / "ring"
    write_ring(ring, 3, samples=1, binning=32)
    for path in ring.iterdir():
        if not path.stem.endswith(("_01", "_02")):  # two of the six pairs are enough
            path.unlink()
    out = tmp_path / "out"
    assert main(["batch", str(tmp_path / "ring"), "-o", str(out), "--whole", "--faces", "5000", "--workers", "1"]) == 0
    folder = out / "simulated_site001_drive0020"
    assert {"mesh.glb", "report.json", "pair-01", "run.json", "task.json", "thumbnail.jpg"} <= {
        path.name for path in folder.iterdir()
    }
    report = json.loads((folder / "report.json").read_text())
    assert report["settings"]["faces"] == 5000
    assert not set(report) & set(RUN_STATISTICS)
    assert rows(out)[0]["pairs"] == "2"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--workers", "0"], "'0' is no number"),
        (["--memory", "lots"], "'lots' is no number of GB"),
        (["--timeout", "nan"], "'nan' is no number of seconds"),
        (["--scheduler", "tcp://127.0.0.1:1", "--workers", "2"], "not allowed with"),
        (["--scheduler", "tls://127.0.0.1:1"], "asks for certificates"),
        (["--tls-ca", "ca.pem"], "go together"),
        (["--scheduler", "tcp://127.0.0.1:1", "--dashboard"], "--dashboard"),
        (["no-such-folder"], "no such file or folder"),
    ],
)
def test_wrong_usage_is_one_line(tmp_path, capsys, more, words):
    try:
        code = main(["batch", *more, str(tmp_path), "-o", str(tmp_path / "out")])
    except SystemExit as left:
        code = left.code
    told = capsys.readouterr()
    assert code == 2
    assert words in told.err
    assert told.err.count("\n") == 1


def test_without_dask_it_says_what_to_install(many, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["batch", str(many / "stop0" / "pair0"), "-o", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "stereo3d[cluster]" in told
    assert told.count("\n") == 1


def test_progress_is_one_line_of_counts():
    from stereo3d.cluster.batch import Tally
    from stereo3d.cluster.job import Job, Outcome, State
    from stereo3d.cluster.plan import Plan

    jobs = tuple(Job(str(n), (), (), {}) for n in range(10))
    tally = Tally(Plan(jobs, (), 0, 0), {"1": Outcome("1", State.KEPT), "2": Outcome("2", State.FAILED)})
    assert batch.progress_line(tally) == "1 done, 1 failed, 8 left"
    tally.outcomes["3"] = Outcome("3", State.DONE)
    tally.began = time.monotonic() - 6.0
    assert batch.progress_line(tally).startswith("2 done, 1 failed, 7 left; 10.0 a minute, 42 s to go")
