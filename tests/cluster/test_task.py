"""One task: its limits, its retries, and what it leaves."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import cv2
import pytest

from stereo3d.cluster.batch import Tally, count_unheard
from stereo3d.cluster.child import kind_of
from stereo3d.cluster.folder import MARK
from stereo3d.cluster.job import Failure, State
from stereo3d.cluster.plan import Plan
from stereo3d.cluster.program import difference, program
from stereo3d.cluster.supervise import CHILDREN
from stereo3d.cluster.task import run_task
from stereo3d.errors import MissingLibraryError, OutputError, StereoError

MADE = ["report.json", "run.json", "task.json", "xyz.tif"]


def names(order):
    """What lies in the folder of the batch."""
    return sorted(path.name for path in order.folder.iterdir() if path.name != MARK)


def test_its_products_appear_and_are_kept(order, job):
    one = job("one", "fine 1")
    made = run_task(one, order)
    assert (made.state, made.failure, made.tries) == (State.DONE, None, 1)
    assert made.figures["measured_share"] == 0.5
    assert made.figures["seconds"] >= 0
    assert sorted(path.name for path in (order.folder / "one").iterdir()) == MADE
    inode = (order.folder / "one").stat().st_ino
    assert run_task(one, order).state is State.DONE  # asked again by the same run
    again = run_task(one, replace(order, limits=replace(order.limits, threads=2), work="no_such:work"))
    assert again.state is State.DONE
    assert (order.folder / "one").stat().st_ino == inode


def test_of_an_earlier_run_it_is_kept(order, job):
    one = job("one", "fine 1")
    run_task(one, order)
    run = order.folder / "one" / "run.json"
    run.write_text(run.read_text().replace(order.token, "0" * 32))
    assert run_task(one, order).state is State.KEPT


def test_what_was_made_but_not_heard_of_is_counted_in_the_end(order, job):
    made, earlier, _ = jobs = tuple(job(name, "fine 1") for name in ("made", "earlier", "left"))
    run_task(made, order)
    run_task(earlier, replace(order, token="0" * 32))
    tally = Tally(Plan(jobs, (), 0, 0))
    count_unheard(tally, order)
    assert [(name, outcome.state) for name, outcome in tally.outcomes.items()] == [("made", State.DONE)]
    assert tally.outcomes["made"].figures["measured_share"] == 0.5


@pytest.mark.parametrize("what", ["input", "setting", "program", "bytes", "missing"])
def test_what_is_not_right_is_made_anew(order, job, what):
    one = job("one", "fine 1")
    run_task(one, order)
    product = order.folder / "one" / "xyz.tif"
    inode = (order.folder / "one").stat().st_ino
    text = product.read_text()
    if what == "input":
        one = job("one", "fine 2")
    elif what == "setting":
        one = replace(one, settings={**one.settings, "fill": True})
    elif what == "bytes":
        product.write_text(text.replace("fine", "fime"))
    elif what == "missing":
        product.unlink()
    else:
        task = product.with_name("task.json")
        task.write_text(task.read_text().replace('"key": "', '"key": "0'))
    assert run_task(one, order).state is State.DONE
    assert (order.folder / "one").stat().st_ino != inode
    wanted = {"input": text.replace("fine 1", "fine 2"), "setting": text.replace("'fill': False", "'fill': True")}
    assert product.read_text() == wanted.get(what, text)
    assert names(order) == ["one"]


@pytest.mark.parametrize(
    ("said", "failure", "words"),
    [
        ("poison x", Failure.INPUT, "is poison"),
        ("defect x", Failure.DEFECT, "KeyError: 'a defect'"),
        ("full x", Failure.DISK, "no room"),
        ("greedy x", Failure.MEMORY, "MemoryError"),
    ],
)
def test_a_failure_is_its_own_and_tried_once(order, job, said, failure, words):
    outcome = run_task(job("one", said), order)
    assert (outcome.state, outcome.failure, outcome.tries) == (State.FAILED, failure, 1)
    assert words in outcome.message
    assert "\n" not in outcome.message
    assert names(order) == []
    before = CHILDREN.processes()
    assert run_task(job("two", "fine"), order).state is State.DONE
    assert before == CHILDREN.processes()  # the process lives on


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (OSError(errno.EDQUOT, "Disk quota exceeded"), Failure.DISK),
        (StereoError("no ground"), Failure.INPUT),
        (OutputError("cannot be written"), Failure.OUTPUT),
        (MissingLibraryError("numba is not installed"), Failure.DEFECT),
        (PermissionError(errno.EACCES, "Permission denied"), Failure.DEFECT),
        (IndexError(), Failure.DEFECT),
    ],
)
def test_what_was_raised_says_why(error, failure):
    assert kind_of(error) is failure


def test_no_memory_is_told_whatever_it_is_wrapped_in():
    wrapped = StereoError("no ground")
    wrapped.__cause__ = MemoryError()
    assert kind_of(wrapped) is Failure.MEMORY
    no_room = cv2.error("Insufficient memory")
    no_room.code = cv2.Error.StsNoMem
    assert kind_of(no_room) is Failure.MEMORY


def test_what_is_stuck_is_ended_at_its_time(order, job):
    before = CHILDREN.processes()
    outcome = run_task(job("one", "stuck"), replace(order, limits=replace(order.limits, timeout_s=0.5)))
    assert (outcome.failure, outcome.tries) == (Failure.TIME, 1)
    assert "0.5 s" in outcome.message
    assert names(order) == []
    assert CHILDREN.processes() == before


def test_what_eats_memory_is_ended_and_not_tried_again(order, job):
    outcome = run_task(job("one", "hungry"), replace(order, limits=replace(order.limits, memory_bytes=800_000_000)))
    assert (outcome.failure, outcome.tries) == (Failure.MEMORY, 1)
    assert "0.8 GB" in outcome.message
    assert names(order) == []


def test_what_is_killed_is_tried_again(order, job, tmp_path):
    outcome = run_task(job("one", f"crash-once {tmp_path / 'seen'}"), order)
    assert (outcome.state, outcome.tries) == (State.DONE, 2)
    assert names(order) == ["one"]


def test_what_is_killed_each_time_is_given_up(order, job):
    outcome = run_task(job("one", "crash"), order)
    assert (outcome.failure, outcome.tries) == (Failure.KILLED, 3)
    assert "SIGKILL" in outcome.message
    assert names(order) == []


def test_a_folder_of_somebody_else_stays(order, job):
    mine = order.folder / "one" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    outcome = run_task(job("one", "fine"), order)
    assert outcome.failure is Failure.OUTPUT
    assert "not made by a batch" in outcome.message
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]


def test_a_stranger_in_a_task_s_folder_is_not_thrown_away(order, job):
    run_task(job("one", "fine 1"), order)
    (order.folder / "one" / "notes.txt").write_text("mine")
    outcome = run_task(job("one", "fine 2"), order)
    assert outcome.failure is Failure.OUTPUT
    assert "notes.txt" in outcome.message
    assert (order.folder / "one" / "notes.txt").read_text() == "mine"


def test_an_input_that_went_away_is_told(order, job):
    one = job("one", "fine")
    os.unlink(one.files[0])
    outcome = run_task(one, order)
    assert outcome.failure is Failure.INPUT
    assert one.files[0] in outcome.message


def test_a_worker_with_another_program_does_nothing(order, job):
    other = replace(order, program={**program(), "Python": "3.99.1"})
    with pytest.raises(OutputError, match=r"another program: Python is .*, not 3\.99\.1"):
        run_task(job("one", "fine"), other)
    assert difference(program(), program()) is None
    assert difference({"code": "a"}, {"code": "b"}) == (
        "the code of stereo3d, or of the libraries it computes with, is not the same"
    )


def test_a_worker_that_does_not_see_the_folder_does_nothing(order, job, tmp_path):
    with pytest.raises(OutputError, match="does not see this folder"):
        run_task(job("one", "fine"), replace(order, folder=tmp_path / "elsewhere"))


def test_a_task_of_a_run_that_is_gone_is_not_begun(order, job):
    outcome = run_task(job("one", "fine"), replace(order, token="f" * 32))
    assert (outcome.failure, outcome.message) == (Failure.KILLED, "the batch was stopped")
    assert names(order) == []
