"""What the fuzzing found stays found; a short run of each target, always the same.

The long one is ``python tests/fuzz/run.py --target all --inputs 200000``.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from stereo3d.errors import Stereo3dError

HERE = Path(__file__).parent
NAMES = ("record", "pds3", "pds3_label", "vicar", "pds4", "scene", "name", "pixels", "xyz_map", "annotations")
NAMES = (*NAMES, "bookmarks", "panorama", "store", "feed")
INPUTS = 300


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def targets() -> dict:
    return _module("run").sibling("targets").TARGETS


def read(target: object, folder: Path, data: bytes) -> None:
    """Read or refuse; anything else is the test's failure."""
    try:
        target.run(folder, data)
    except Stereo3dError as error:
        text = str(error)
        assert text.isprintable()
        assert len(text) < 2000


def test_each_target_is_run(targets: dict) -> None:
    assert tuple(targets) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_good_files_and_what_was_found(targets: dict, name: str, tmp_path: Path) -> None:
    """A seed's name begins with its target's."""
    folder = tmp_path / "work"
    folder.mkdir()
    good = targets[name].prepare(folder)
    for data in good:
        targets[name].run(folder, data)
    for seed in sorted((HERE / "seeds").glob(f"{name}-*")):
        read(targets[name], folder, seed.read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_damage_is_read_or_refused(targets: dict, name: str, tmp_path: Path) -> None:
    mutate, target = _module("mutate"), targets[name]
    folder = tmp_path / "work"
    folder.mkdir()
    good = target.prepare(folder)
    for number in range(INPUTS):
        data = mutate.mutated(name, 7, number, target.kind, good, target.tokens)
        try:
            read(target, folder, data)
        except BaseException:
            (tmp_path / "found.bin").write_bytes(data)
            print(f"input {number}: {data[:2000]!r}")
            raise


WATCHED = """
import json, logging, pickle, sys, types
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import run

run.CPU_S = 1.0
work = Path(sys.argv[2])
warden = run.Warden(work)

def loop(folder, data):
    while True:
        pass

def bad(folder, data):
    raise KeyError("a")

def refused(folder, data):
    raise run.Refused("told in one line")

def long(folder, data):
    raise run.Refused("a" * 3000)

run.Refused = type("Refused", (Exception,), {})
READS = {
    "good": lambda folder, data: (folder / "a").write_bytes(b"1"),
    "refused": refused,
    "long": long,
    "bad": bad,
    "loop": loop,
    "reads": lambda folder, data: open("/etc/hosts").close(),
    "writes": lambda folder, data: (folder.parent / "b").write_bytes(b"1"),
    "removes": lambda folder, data: (folder.parent / "c").unlink(missing_ok=True),
    "pickle": lambda folder, data: pickle.loads(pickle.dumps(Path)),
    "prints": lambda folder, data: logging.getLogger("some").warning("line"),
}
found = {}
for name, read in READS.items():
    error = warden.check(types.SimpleNamespace(run=read), work, b"", run.Refused)
    found[name] = type(error).__name__
print(json.dumps(found))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the runner's limits are those of Linux")
def test_the_runner_sees_what_it_looks_for(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    command = [sys.executable, "-c", WATCHED, str(HERE), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "good": "NoneType",
        "refused": "NoneType",
        "long": "AssertionError",
        "bad": "KeyError",
        "loop": "Hang",
        "reads": "Trespass",
        "writes": "Trespass",
        "removes": "Trespass",
        "pickle": "Trespass",
        "prints": "Trespass",
    }
