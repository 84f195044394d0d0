"""A batch as its leader sees it: outcomes come in, are counted and told, and lie in the folder as tables."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stereo3d.cluster.engine import Engine
from stereo3d.cluster.job import Failure, Job, Order, Outcome, State
from stereo3d.cluster.plan import Plan
from stereo3d.cluster.task import made_unheard
from stereo3d.errors import Stereo3dError

MOST_FULL = 5
"""After so many tasks in a row that found no room the batch stops: smaller ones may fit, but not for ever."""
TABLE_S = 60.0
"""The tables are written so often during a run, s; less often where writing them takes long."""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    """Of the task's folder; of an unreadable file its path."""
    state: State
    failure: Failure | None
    message: str
    tries: int
    values: dict[str, Any]
    """What the records say (``about`` of the job) and, of what is done, its figures."""


@dataclass
class Tally:
    """How far a batch is."""

    plan: Plan
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    stopped: str | None = None
    """Why the batch did not go to its end, one line."""
    began: float = field(default_factory=time.monotonic)

    def count(self, state: State) -> int:
        """How many tasks stand there; unreadable files count as failed."""
        if state is State.WAITING:
            return len(self.plan.jobs) - len(self.outcomes)
        found = sum(outcome.state is state for outcome in self.outcomes.values())
        return found + (len(self.plan.unreadable) if state is State.FAILED else 0)

    @property
    def seconds(self) -> float:
        """Since the batch began."""
        return time.monotonic() - self.began

    @property
    def rate(self) -> float:
        """Tasks made per second of this run, which those that an earlier one made do not flatter."""
        return self.count(State.DONE) / max(1e-3, self.seconds)

    @property
    def failures(self) -> Counter[Failure]:
        """How many failed, by reason."""
        found = Counter(o.failure for o in self.outcomes.values() if o.failure is not None)
        if self.plan.unreadable:
            found[Failure.UNREADABLE] += len(self.plan.unreadable)
        return found

    def rows(self) -> Iterator[Row]:
        """A row for each task in order of the plan, then one for each unreadable file."""
        for job in self.plan.jobs:
            o = self.outcomes.get(job.name) or Outcome(job.name, State.WAITING, tries=0)
            yield Row(job.name, o.state, o.failure, o.message, o.tries, {**job.about, **o.figures})
        for one in self.plan.unreadable:
            yield Row(str(one.path), State.FAILED, Failure.UNREADABLE, one.message, 0, {})


Write = Callable[[Path, Tally], None]
"""Writes the tables of a batch into its folder; raises OutputError."""


def run_batch(
    tally: Tally, order: Order, engine: Engine, tell: Callable[[Tally], None], write: Write, every_s: float = TABLE_S
) -> None:
    """Have all tasks done; ``tally`` is up to date whenever this returns or raises.

    ``tell`` is called about twice a second, ``write`` now and then; a table that cannot be written is left for the
    next time.  Raises what the engine raises.
    """
    full_in_turn = 0
    last = time.monotonic()
    jobs: tuple[Job, ...] = tally.plan.jobs
    for outcome in engine.outcomes(jobs, order):
        if outcome is not None:
            tally.outcomes[outcome.name] = outcome
            full_in_turn = full_in_turn + 1 if outcome.failure is Failure.DISK else 0
            if full_in_turn >= MOST_FULL:
                tally.stopped = (
                    f"the disk of {order.folder} is full: {full_in_turn} tasks in a row found no room; "
                    "make room, and the same command goes on from there"
                )
                tell(tally)
                return
        tell(tally)
        now = time.monotonic()
        if now - last > every_s:
            try_to_write(write, order.folder, tally)
            last = time.monotonic() + 20 * (time.monotonic() - now)


def count_unheard(tally: Tally, order: Order) -> None:
    """Count what became whole while the batch was ending, so that the tables tell of all that is there."""
    for job in tally.plan.jobs:
        outcome = made_unheard(job, order) if job.name not in tally.outcomes else None
        if outcome is not None:
            tally.outcomes[job.name] = outcome


def try_to_write(write: Write, folder: Path, tally: Tally) -> str | None:
    """Write the tables; the reason in one line when that cannot be."""
    try:
        write(folder, tally)
    except Stereo3dError as error:
        return str(error)
    return None
