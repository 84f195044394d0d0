"""From folders to tasks: every pair once, under a safe name, and nothing that is none."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from stereo3d.cluster.plan import Plan, find_jobs
from stereo3d.errors import MissingFileError, PairError
from stereo3d.simulate.scene_writer import write_ring, write_scene

SETTINGS = {"whole": False, "sky": True, "faces": None, "fill": False}


def plan(*inputs: Path, output: Path = Path("no-such-folder"), **settings: object) -> Plan:
    return find_jobs(inputs, {**SETTINGS, **settings}, output)


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mars/first and mars/deep/second, one pair each, without scene.toml."""
    top = tmp_path_factory.mktemp("inputs") / "mars"
    for seed, name in ((1, "first"), (2, "deep/second")):
        write_scene(top / name, seed, samples=1, binning=32)
        (top / name / "scene.toml").unlink()
    return top


@pytest.fixture
def copy(pairs: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pairs, tmp_path / "mars"))


def renamed(folder: Path, number: int, eye: str, name: object) -> None:
    """Give the image of one eye another image id."""
    record = folder / f"SIM_NAVCAM_{eye}_{number:04d}.json"
    content = json.loads(record.read_text())
    content["imageid"] = name
    record.write_text(json.dumps(content))


def test_folders_of_folders_become_a_task_for_each_pair(pairs):
    found = plan(pairs)
    assert [job.name for job in found.jobs] == ["SIM_NAVCAM_LEFT_0002", "SIM_NAVCAM_LEFT_0001"]
    job = found.jobs[1]
    assert [Path(f).name for f in job.files] == ["SIM_NAVCAM_LEFT_0001.png", "SIM_NAVCAM_RIGHT_0001.png"]
    assert [Path(f).name for f in job.records] == ["SIM_NAVCAM_LEFT_0001.json", "SIM_NAVCAM_RIGHT_0001.json"]
    assert all(Path(f).is_absolute() and Path(f).is_file() for f in (*job.files, *job.records))
    assert job.about == {
        "product": "SIM_NAVCAM_LEFT_0001", "mission": "simulated", "sol": 0, "site": 1, "drive": 20, "pairs": 1,
    }  # fmt: skip
    assert (found.unreadable, found.alone, found.passed_over) == ((), 0, 2)  # the two previews


def test_an_input_counts_once_however_often_it_is_named(pairs):
    images = sorted((pairs / "first").glob("SIM*.png"))
    again = Path(os.path.relpath(images[0])), Path(os.path.relpath(images[1]))
    found = plan(pairs, pairs / "first", pairs / "first" / ".." / "first", *images, *again)
    assert len(found.jobs) == 2


def test_loose_frames_are_paired(pairs):
    images = sorted((pairs / "first").glob("SIM*.png"))
    assert [job.name for job in plan(*images).jobs] == ["SIM_NAVCAM_LEFT_0001"]
    with pytest.raises(PairError, match="no pair was found, but 1 frames of one eye alone"):
        plan(images[0])


def test_a_scene_says_which_images_it_has_and_whether_there_is_sky(copy):
    toml = 'format = 1\nimages = ["SIM_NAVCAM_LEFT_0001.png", "SIM_NAVCAM_RIGHT_0001.png"]\nsky = false\n'
    (copy / "first" / "scene.toml").write_text(toml)
    jobs = {job.name: job for job in plan(copy).jobs}
    assert jobs["SIM_NAVCAM_LEFT_0001"].settings["sky"] is False
    assert jobs["SIM_NAVCAM_LEFT_0002"].settings["sky"] is True
    assert plan(copy, sky=False).jobs[0].settings["sky"] is False


def test_a_ring_is_six_pairs_or_one_whole(tmp_path):
    write_ring(tmp_path / "ring", 3, samples=1, binning=32)
    assert len(plan(tmp_path).jobs) == 6
    (whole,) = plan(tmp_path, whole=True).jobs
    assert whole.name == "simulated_site001_drive0020"
    assert (len(whole.files), whole.about["pairs"]) == (12, 6)


def test_two_stops_of_one_name_get_a_name_each(pairs):
    names = [job.name for job in plan(pairs, whole=True).jobs]
    assert len(set(names)) == 2
    assert all(name.startswith("simulated_site001_drive0020.") for name in names)
    assert names[1:] + names[:1] == [job.name for job in plan(pairs / "first", pairs, whole=True).jobs]


def test_what_a_batch_made_and_where_it_writes_is_no_input(copy):
    made = copy / "first" / "made"
    shutil.copytree(copy / "deep" / "second", made)
    (made / "task.json").write_text("{}")
    shutil.copytree(copy / "deep" / "second", copy / "out" / "again")
    shutil.copytree(copy / "deep" / "second", copy / ".hidden")
    (copy / "link").symlink_to(copy / "first")
    assert len(plan(copy, output=copy / "out").jobs) == 2
    assert len(plan(copy, output=copy / "elsewhere").jobs) == 3


@pytest.mark.parametrize("name", ["..", "...", "index.html", "batch.csv", "-rf", ".hidden"])
def test_a_hostile_product_name_becomes_a_plain_folder(copy, name):
    renamed(copy / "first", 1, "LEFT", name)
    made = next(job for job in plan(copy).jobs if job.about["product"] == name).name
    assert made not in ("", ".", "..", "index.html", "batch.csv")
    assert not made.startswith((".", "-"))
    assert Path(made).name == made


def test_names_that_a_file_system_may_take_for_one_are_told_apart(copy):
    renamed(copy / "first", 1, "LEFT", "Same")
    renamed(copy / "deep" / "second", 2, "LEFT", "SAME")
    names = [job.name for job in plan(copy).jobs]
    assert len({name.casefold() for name in names}) == 2


def test_what_was_meant_and_cannot_be_read_is_told(copy):
    (copy / "first" / "SIM_NAVCAM_LEFT_0001.json").write_text("{")
    (copy / "bad").mkdir()
    (copy / "bad" / "scene.toml").write_text("format = 7")
    (copy / "holiday.png").write_bytes(b"no picture")
    found = plan(copy)
    assert [job.name for job in found.jobs] == ["SIM_NAVCAM_LEFT_0002"]
    assert {one.path.name for one in found.unreadable} == {"SIM_NAVCAM_LEFT_0001.png", "bad"}
    assert (found.alone, found.passed_over) == (1, 3)


def test_an_input_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(MissingFileError, match="no such file or folder"):
        plan(tmp_path / "nowhere")
    with pytest.raises(PairError, match="nothing to do"):
        plan(tmp_path)
