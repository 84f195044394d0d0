"""What a task's folder says of itself: ``task.json`` (of what, by what, and the products' sums) and ``run.json``.

``task.json``, like all products, follows from the inputs, the settings and the program alone; what differs from run to
run (seconds, memory, date) is in ``run.json``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stereo3d.cluster.job import Job
from stereo3d.export.products import OURS, REPORT
from stereo3d.store.keys import digest

TASK = "task.json"
RUN = "run.json"
THUMBNAIL = "thumbnail.jpg"
TASK_OURS = OURS | {TASK, RUN, THUMBNAIL}
"""All that a task may leave in its folder."""
_FORMAT = "stereo3d batch task 1"
_MAX_JSON_BYTES = 8 << 20


def job_key(job: Job, program: Mapping[str, str]) -> str:
    """The identity of a task: the content of its files, their names, its settings and the program.

    Raises OSError for a file that cannot be read.
    """
    files = sorted((os.path.basename(path), file_sum(Path(path))) for path in {*job.files, *job.records})
    return digest(_FORMAT, files, dict(sorted(job.settings.items())), dict(sorted(program.items())))


def file_sum(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_task(folder: Path, key: str, job: Job) -> None:
    """Write task.json for all files that lie in the folder now, those of run.json and task.json aside."""
    found = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in (TASK, RUN))
    files = {p.relative_to(folder).as_posix(): [p.stat().st_size, file_sum(p)] for p in found}
    content = {"format": _FORMAT, "key": key, "inputs": [os.path.basename(f) for f in job.files], "files": files}
    _write_json(folder / TASK, content)


def write_run(folder: Path, token: str, statistics: Mapping[str, Any]) -> None:
    """Write run.json: what another run of the same task would tell otherwise."""
    _write_json(folder / RUN, {"run": token, **statistics})


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """An object from a file of at most 8 MB; empty where there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_JSON_BYTES + 1)
        value = json.loads(data) if len(data) <= _MAX_JSON_BYTES else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def is_task(folder: Path) -> bool:
    """Whether a batch made this folder."""
    return read_json(folder / TASK).get("format") == _FORMAT


def is_whole(folder: Path, key: str) -> bool:
    """Whether the folder holds the products of this key, all of them, each with the bytes that were written."""
    task = read_json(folder / TASK)
    files = task.get("files")
    if task.get("format") != _FORMAT or task.get("key") != key or not isinstance(files, dict) or not files:
        return False
    try:
        for name, told in files.items():
            path = folder / name
            if name not in TASK_OURS or not isinstance(told, list) or len(told) != 2:
                return False
            if path.stat().st_size != told[0] or file_sum(path) != told[1]:
                return False
    except OSError:
        return False
    return True


def figures(folder: Path) -> dict[str, Any]:
    """What the table shows of a task's folder, as plain values; what is not there is left out."""
    report, run, task = (read_json(folder / name) for name in (REPORT, RUN, TASK))
    files = task.get("files")
    sizes = [told[0] for told in files.values()] if isinstance(files, dict) else []
    shares = report.get("valid_share")
    found: dict[str, Any] = {
        "megabytes": round(sum(sizes) / 1e6, 3),
        "triangles": report.get("triangles"),
        "measured_share": sum(shares) / len(shares) if isinstance(shares, list) and shares else shares,
        "overlap_share": report.get("overlap_share"),
        "seconds": run.get("seconds"),
        "processor_seconds": run.get("processor_seconds"),
        "peak_megabytes": run.get("peak_megabytes"),
    }
    for name, group, key in (
        ("median_range_m", "range_percentiles_m", "p50"),
        ("median_sigma_m", "sigma_percentiles_m", "p50"),
    ):
        values = report.get(group)
        found[name] = values.get(key) if isinstance(values, dict) else None
    known = {name: float(v) for name, v in found.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}
    finished = run.get("finished_utc")
    return known | ({"finished_utc": finished[:40]} if isinstance(finished, str) else {})
