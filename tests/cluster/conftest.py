"""Small batches whose work is made up, in real child processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stereo3d.cluster.folder import batch_folder
from stereo3d.cluster.job import Job, Limits, Order
from stereo3d.cluster.program import program

pytest.importorskip("distributed", reason="BATCH NOT CHECKED: distributed is not installed")

HERE = Path(__file__).parent


@pytest.fixture(scope="session", autouse=True)
def children() -> Iterator[None]:
    """The child processes go from test to test, as from task to task, and end with the last one."""
    from stereo3d.cluster.supervise import CHILDREN

    yield
    CHILDREN.stop()


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Order]:
    """A run of a batch whose work is :mod:`works`."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    folder = tmp_path / "out"
    with batch_folder(folder) as token:
        yield Order(folder, token, program(), "works:work", Limits(2 * 10**9, 60.0))


@pytest.fixture
def job(tmp_path: Path) -> Callable[[str, str], Job]:
    """Makes a task of a name whose only file says what becomes of it."""

    def make(name: str, said: str) -> Job:
        path = tmp_path / f"{name}.txt"
        path.write_text(said, encoding="utf-8")
        settings = {"whole": False, "sky": True, "faces": None, "fill": False}
        return Job(name, (str(path),), (), settings, {"product": name, "sol": 3, "pairs": 1})

    return make
