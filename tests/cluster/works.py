"""Work for the child processes of the tests: what a task's first file says is what becomes of it."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path

from stereo3d.cluster.job import Job
from stereo3d.errors import OutputError, RecordError


def work(job: Job, folder: Path) -> None:
    """Write two products, or fail as the file asks: the first word says how."""
    said = Path(job.files[0]).read_text(encoding="utf-8")
    how, _, what = said.partition(" ")
    (folder / "xyz.tif").write_text(f"{said} {dict(job.settings)}", encoding="utf-8")
    if how == "poison":
        raise RecordError("is poison", file=job.files[0])
    if how == "defect":
        raise KeyError("a defect")
    if how == "full":
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise OutputError("cannot be written: No space left on device", file=folder) from error
    if how == "stuck":
        time.sleep(600)
    if how == "hungry":
        held = []
        for _ in range(100):
            held.append(bytearray(os.urandom(1 << 20)) * 50)
            time.sleep(0.02)
    if how == "greedy":
        bytearray(1 << 46)
    if how == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "crash-once":
        seen = Path(what)
        if not seen.exists():
            seen.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if how == "slow":
        time.sleep(float(what))
    (folder / "report.json").write_text('{"valid_share": 0.5, "triangles": 7}', encoding="utf-8")
    print("what a library prints is no answer")
