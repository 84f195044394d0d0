"""One task from beginning to end, as a Dask worker has it done."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stereo3d.cluster.folder import MARK, Pulse, sweep_process
from stereo3d.cluster.job import Failure, Job, Order, Outcome, State
from stereo3d.cluster.program import difference, program
from stereo3d.cluster.record import RUN, figures, is_task, is_whole, job_key, read_json
from stereo3d.cluster.supervise import CHILDREN
from stereo3d.errors import OutputError


def run_task(job: Job, order: Order) -> Outcome:
    """Have the products of a job made, unless they are there already, whole and of the same content.

    What happens to the job is in the outcome.  Raises OutputError only where nothing of this batch can be done here:
    the worker has another program, or does not see the folder.
    """
    wrong = difference(order.program, program())
    if wrong is not None:
        raise OutputError(f"a worker has another program: {wrong}", todo="install the same stereo3d for all workers")
    if not (order.folder / MARK).is_file():
        raise OutputError("a worker does not see this folder", file=order.folder, expected="the same paths everywhere")
    target = order.folder / job.name
    try:
        key = job_key(job, order.program)
    except OSError as error:
        return _failed(job, Failure.INPUT, f"{error.filename}: cannot be read: {error.strerror or error}")
    if is_whole(target, key):
        return _made(job, order, target, tries=0)
    if target.is_dir() and any(target.iterdir()) and not is_task(target):
        return _failed(job, Failure.OUTPUT, f"{target}: the folder was not made by a batch; move it away")
    pulse = Pulse(order.folder, order.token)
    message = asdict(job) | {"settings": dict(job.settings), "about": dict(job.about)}
    for number in range(1, order.limits.tries + 1):
        if not pulse.alive():
            return _failed(job, Failure.KILLED, "the batch was stopped", number)
        reply = CHILDREN.do(
            order.work,
            order.limits,
            {"job": message, "folder": str(order.folder), "token": order.token, "key": key},
            lambda: not pulse.alive(),
        )
        if not reply.alive:
            sweep_process(order.folder, job.name, reply.process)
        if reply.failure is None or is_whole(target, key):  # killed after its last word was written
            return _made(job, order, target, number)
        if reply.failure is not Failure.KILLED:
            return _failed(job, reply.failure, reply.message, number)
    return _failed(job, Failure.KILLED, f"{reply.message}; tried {order.limits.tries} times", order.limits.tries)


def about_worker(folder: Path, token: str) -> dict[str, Any]:
    """What the one who gives the order wants to know of a worker: its program, and whether it sees the folder."""
    return {"program": dict(program()), "sees": Pulse(folder, token).alive(), "cores": os.cpu_count() or 1}


def end_children() -> None:
    """End the idle child processes of a worker, at the end of a batch."""
    CHILDREN.end_idle()


def made_unheard(job: Job, order: Order) -> Outcome | None:
    """What became of a task of which nothing was heard: done, when its products of this run are there."""
    target = order.folder / job.name
    return _made(job, order, target, 1) if read_json(target / RUN).get("run") == order.token else None


def _made(job: Job, order: Order, target: Path, tries: int) -> Outcome:
    own = read_json(target / RUN).get("run") == order.token
    return Outcome(job.name, State.DONE if own else State.KEPT, tries=tries, figures=figures(target))


def _failed(job: Job, failure: Failure, message: str, tries: int = 1) -> Outcome:
    return Outcome(job.name, State.FAILED, failure, message, tries)
