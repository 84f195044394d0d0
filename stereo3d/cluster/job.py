"""The values of a batch: what a task is, what it may use, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any


class Failure(Enum):
    """Why a task has no products."""

    UNREADABLE = "unreadable"
    """The file is no frame: it is part of no pair, and nothing was tried."""
    INPUT = "input"
    """The images or records do not give what was asked for.  Another try would say the same."""
    MEMORY = "memory"
    """It wanted more memory than a task may have.  Another try would do the same."""
    TIME = "time"
    """It took longer than a task may."""
    KILLED = "killed"
    """Its process was ended from outside, or crashed, each time it was tried."""
    DISK = "disk"
    """There was no room for its products."""
    OUTPUT = "output"
    """Its folder cannot be written, or is not the batch's own."""
    DEFECT = "defect"
    """The program failed in a way that it does not know: a defect of stereo3d or of a library."""


class State(Enum):
    """Where a task of the batch stands."""

    WAITING = "waiting"
    DONE = "done"
    """Made by this run."""
    KEPT = "kept"
    """Made by an earlier run, and found whole."""
    FAILED = "failed"


@dataclass(frozen=True)
class Job:
    """One task: the frames of a pair, or of a stop, and the folder that their products go to."""

    name: str
    """Of its folder in the folder of the batch: safe in any file system, unique within the batch."""
    files: tuple[str, ...]
    """Absolute paths of the images, in order."""
    records: tuple[str, ...]
    """Absolute paths of the other files that the frames are read from."""
    settings: Mapping[str, Any]
    """Plain values for the work: ``whole``, ``sky``, ``faces``, ``fill``."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Plain values for the table: ``product``, ``mission``, ``sol``, ``site``, ``drive``, ``pairs``."""


@dataclass(frozen=True)
class Limits:
    """What one task may use."""

    memory_bytes: int
    timeout_s: float
    threads: int = 1
    tries: int = 3
    """How often a task whose process is killed is tried in all."""


@dataclass(frozen=True)
class Order:
    """What all tasks of one run of a batch share."""

    folder: Path
    token: str
    """Names this run of the batch: it stands in the folder's lock file as long as the run lives."""
    program: Mapping[str, str]
    """As of :func:`stereo3d.cluster.program.program`, of the machine that gave the order."""
    work: str
    """``module:function`` that measures and writes, see :mod:`stereo3d.cluster.child`."""
    limits: Limits


@dataclass(frozen=True)
class Outcome:
    """What came of a task."""

    name: str
    state: State
    failure: Failure | None = None
    message: str = ""
    """Of a failure, one line."""
    tries: int = 1
    figures: Mapping[str, Any] = field(default_factory=dict)
    """Of a success: what report.json and run.json tell, as :func:`stereo3d.cluster.record.figures` takes them."""
