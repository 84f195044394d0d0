"""A process that does one task after the other keeps nothing of them (the long run is benchmarks/bench_soak.py)."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from stereo3d.cli.batch_work import make_products
from stereo3d.cluster.child import done
from stereo3d.cluster.plan import find_jobs
from stereo3d.simulate.scene_writer import write_scene

WARM_UP, MORE = 2, 2
MOST_BYTES = 300_000
"""What may be left more after ``MORE`` tasks: less than their XYZ, of 160 x 120 px, each."""


@pytest.fixture
def traced():
    """All memory that Python and numpy take is counted."""
    tracemalloc.start()
    yield lambda: (gc.collect(), tracemalloc.get_traced_memory()[0])[1]
    tracemalloc.stop()


def test_nothing_of_a_task_is_kept(tmp_path: Path, traced) -> None:
    write_scene(tmp_path / "in", 1, samples=1, binning=32)
    (job,) = find_jobs([tmp_path / "in"], {"whole": False, "sky": True, "faces": None, "fill": False}, tmp_path).jobs
    process = psutil.Process()
    found = []
    for number in range(WARM_UP + MORE):
        order = {"job": asdict(job), "folder": str(tmp_path / "out"), "token": "soak", "key": str(number)}
        assert done(make_products, order) == {}
        found.append((traced(), process.num_fds(), threading.active_count()))
    (first, files, threads), (last, more_files, more_threads) = found[WARM_UP - 1], found[-1]
    assert last - first < MOST_BYTES, found
    assert (more_files, more_threads) == (files, threads)
