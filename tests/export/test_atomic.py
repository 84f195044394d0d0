"""All or nothing, also when killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from stereo3d.errors import OutputError
from stereo3d.export import atomic
from stereo3d.export.atomic import atomic_files, atomic_folder

OURS = ("a.tif", "report.json")


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def write(context, error, *files):
    """Write ``files`` into the folder that ``context`` gives, then raise ``error``, if any."""
    with context as folder:
        for name in files:
            (folder / name).write_text("half")
        if error:
            raise error


def gone_pid():
    """The id of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def kill_inside(tmp_path, code):
    """Run ``code`` in another process until it prints, then kill it as nothing can prevent."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "half\n"
        child.send_signal(signal.SIGKILL)
        child.wait()


def test_files_appear_together(tmp_path):
    target = tmp_path / "x.obj"
    with atomic_files(target) as folder:
        (folder / "x.obj").write_text("mesh")
        (folder / "x.mtl").write_text("material")
        assert names(tmp_path) == [folder.name]
    assert names(tmp_path) == ["x.mtl", "x.obj"]
    assert target.read_text() == "mesh"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_of_interrupted_files(tmp_path, error):
    (tmp_path / "x.obj").write_text("old")
    with pytest.raises(error):
        write(atomic_files(tmp_path / "x.obj"), error, "x.obj")
    assert names(tmp_path) == ["x.obj"]
    assert (tmp_path / "x.obj").read_text() == "old"


def test_failing_rename_takes_back_what_was_moved(tmp_path, monkeypatch):
    real = os.replace

    def replace(source, target):
        if os.fspath(target).endswith("x.obj"):
            raise PermissionError(13, "Permission denied")
        real(source, target)

    monkeypatch.setattr(atomic.os, "replace", replace)
    with pytest.raises(OutputError, match="Permission denied"):
        write(atomic_files(tmp_path / "x.obj"), None, "x.obj", "x.mtl")
    assert names(tmp_path) == []


def test_file_target_that_is_a_folder(tmp_path):
    (tmp_path / "x.glb").mkdir()
    with pytest.raises(OutputError, match="this is a folder"), atomic_files(tmp_path / "x.glb"):
        pytest.fail("the work has begun")


def test_parents_are_made_and_taken_back(tmp_path):
    with pytest.raises(ValueError, match="stop"), atomic_files(tmp_path / "a" / "b" / "x.glb"):
        raise ValueError("stop")
    assert names(tmp_path) == []
    with atomic_files(tmp_path / "a" / "b" / "x.glb") as folder:
        (folder / "x.glb").write_text("mesh")
    assert names(tmp_path / "a" / "b") == ["x.glb"]


def test_parent_that_is_a_file(tmp_path):
    (tmp_path / "a").write_text("")
    for context in (atomic_files(tmp_path / "a" / "x.glb"), atomic_folder(tmp_path / "a" / "x", OURS)):
        with pytest.raises(OutputError, match=r"x.*cannot write here"), context:
            pytest.fail("the work has begun")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_parent_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="Permission denied"), atomic_files(tmp_path / "x.glb"):
            pytest.fail("the work has begun")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["n" * 250 + ".glb", "\u00e4" * 120 + ".glb"])
def test_long_names_fit(tmp_path, name):
    with atomic_files(tmp_path / name) as folder:
        (folder / name).write_text("mesh")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("before", ["absent", "empty", "ours"])
def test_folder_becomes_the_target(tmp_path, before):
    target = tmp_path / "out"
    if before != "absent":
        target.mkdir()
    if before == "ours":
        (target / "report.json").write_text("old")
    with atomic_folder(target, OURS) as folder:
        (folder / "a.tif").write_text("new")
        assert not (target / "a.tif").exists()
    assert names(target) == ["a.tif"]
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_interrupted_folder_leaves_the_old_one(tmp_path, error):
    target = tmp_path / "out"
    target.mkdir()
    (target / "report.json").write_text("old")
    with pytest.raises(error):
        write(atomic_folder(target, OURS), error, "report.json")
    assert names(tmp_path) == ["out"]
    assert (target / "report.json").read_text() == "old"


def test_stranger_is_named_before_the_work(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "report.json").write_text("old")
    (target / "thesis.tex").write_text("ten years of work")
    with pytest.raises(OutputError, match=r"out: the folder holds 'thesis\.tex'"), atomic_folder(target, OURS):
        pytest.fail("the work has begun")
    assert names(target) == ["report.json", "thesis.tex"]


def test_folder_with_the_name_of_a_product_is_a_stranger(tmp_path):
    (tmp_path / "out" / "a.tif").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"'a\.tif'"), atomic_folder(tmp_path / "out", OURS):
        pytest.fail("the work has begun")


def test_stranger_that_comes_during_the_work_is_spared(tmp_path):
    target = tmp_path / "out"
    target.mkdir()

    def work():
        with atomic_folder(target, OURS) as folder:
            (folder / "a.tif").write_text("new")
            (target / "thesis.tex").write_text("ten years of work")

    with pytest.raises(OutputError, match=r"'thesis\.tex'"):
        work()
    assert names(target) == ["thesis.tex"]
    assert names(tmp_path) == ["out"]


def test_folder_target_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="this is a file"), atomic_folder(tmp_path / "out", OURS):
        pytest.fail("the work has begun")


@pytest.mark.parametrize("what", ["a mount point", "the current folder"])
def test_folder_that_cannot_be_replaced(tmp_path, monkeypatch, what):
    if what == "a mount point":
        monkeypatch.setattr(atomic.os.path, "ismount", lambda path: path == tmp_path)
    else:
        monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=f"this is {what}"), atomic_folder(tmp_path, OURS):
        pytest.fail("the work has begun")
    assert names(tmp_path) == []


def test_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with atomic_folder(tmp_path / "link", OURS) as folder:
        (folder / "a.tif").write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path / "real") == ["a.tif"]


def test_failing_swap_brings_the_old_folder_back(tmp_path, monkeypatch):
    target = tmp_path / "out"
    target.mkdir()
    (target / "report.json").write_text("old")
    real = os.replace

    def replace(source, to):
        if ".partial-" in os.fspath(source):
            raise OSError(5, "Input/output error")
        real(source, to)

    monkeypatch.setattr(atomic.os, "replace", replace)
    with pytest.raises(OutputError, match="Input/output error"):
        write(atomic_folder(target, OURS), None, "report.json")
    assert names(tmp_path) == ["out"]
    assert (target / "report.json").read_text() == "old"


def test_killed_while_writing_a_folder(tmp_path):
    kill_inside(
        tmp_path,
        """
        import time
        from pathlib import Path
        from stereo3d.export.atomic import atomic_folder
        with atomic_folder(Path("out"), ["a.tif"]) as folder:
            (folder / "a.tif").write_text("half")
            print("half", flush=True)
            time.sleep(60)
        """,
    )
    assert not (tmp_path / "out").exists()
    assert len(names(tmp_path)) == 1  # the leftover, which no one takes for a product
    assert names(tmp_path)[0].startswith(".out.partial-")
    with atomic_folder(tmp_path / "out", OURS) as folder:
        (folder / "a.tif").write_text("new")
    assert names(tmp_path) == ["out"]


def test_killed_while_writing_files(tmp_path):
    kill_inside(
        tmp_path,
        """
        import time
        from pathlib import Path
        from stereo3d.export.atomic import atomic_files
        with atomic_files(Path("x.obj")) as folder:
            (folder / "x.obj").write_text("half")
            print("half", flush=True)
            time.sleep(60)
        """,
    )
    assert not (tmp_path / "x.obj").exists()
    with atomic_files(tmp_path / "x.obj") as folder:
        (folder / "x.obj").write_text("new")
    assert names(tmp_path) == ["x.obj"]


def test_folder_killed_between_the_two_renames_comes_back(tmp_path):
    old = tmp_path / f".out.replaced-{gone_pid()}-0"
    old.mkdir()
    (old / "report.json").write_text("old")
    with pytest.raises(ValueError, match="stop"), atomic_folder(tmp_path / "out", OURS):
        raise ValueError("stop")
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "report.json").read_text() == "old"


def test_only_what_is_surely_ours_and_stale_is_cleared(tmp_path):
    living = tmp_path / f".out.partial-{os.getppid()}-0"
    other = tmp_path / f".outer.partial-{gone_pid()}-0"
    a_file = tmp_path / f".out.partial-{gone_pid()}-1"
    odd = tmp_path / ".out.partial-me"
    for folder in (living, other, odd):
        folder.mkdir()
    a_file.write_text("")
    with atomic_folder(tmp_path / "out", OURS):
        pass
    assert names(tmp_path) == sorted([living.name, other.name, a_file.name, odd.name, "out"])


NESTED = frozenset({"a.tif", "part-1/b.tif", "part-2/b.tif"})


def test_folders_of_ours_are_replaced_with_all_they_hold(tmp_path):
    target = tmp_path / "out"
    for name in ("part-1", "part-2"):
        (target / name).mkdir(parents=True)
        (target / name / "b.tif").write_text("old")
    with atomic_folder(target, NESTED) as folder:
        (folder / "a.tif").write_text("new")
    assert [p.name for p in target.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("name", ["part-1/thesis.doc", "part-3/b.tif", "a.tif/b.tif", "part-1/part-2/b.tif", "b.tif"])
def test_strangers_in_folders_of_ours_are_left_alone(tmp_path, name):
    stranger = tmp_path / "out" / name
    stranger.parent.mkdir(parents=True)
    stranger.write_text("years of work")
    with pytest.raises(OutputError, match="which stereo3d did not write"), atomic_folder(tmp_path / "out", NESTED):
        pytest.fail("the work has begun")
    assert stranger.read_text() == "years of work"


def test_a_link_in_the_place_of_a_folder_of_ours_is_a_stranger(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-1").symlink_to(tmp_path / "home")
    with pytest.raises(OutputError, match="part-1"), atomic_folder(tmp_path / "out", NESTED):
        pytest.fail("the work has begun")
