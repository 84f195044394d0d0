"""The index follows its folder: new, changed, removed and moved files, in every form; interrupted and two at a time."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stereo3d.catalog import content
from stereo3d.catalog import pairs as pairing
from stereo3d.catalog import update as updating
from stereo3d.catalog.database import reading
from stereo3d.catalog.find import find_scene
from stereo3d.catalog.place import catalogue_of
from stereo3d.catalog.query import Wish, frames, pairs, problems, products, stops, totals
from stereo3d.catalog.update import update
from stereo3d.errors import MissingFileError


@pytest.fixture
def read(monkeypatch):
    """The groups that were read, in turn."""
    seen = []
    real = content.read_group

    def read_group(folder, names):
        seen.append(sorted(names))
        return real(folder, names)

    monkeypatch.setattr(content, "read_group", read_group)
    return seen


def asked(folder, question, *args):
    with reading(catalogue_of(folder).database, folder) as db:
        return question(db, *args)


def test_frames_and_pairs_of_many_stops_in_one_folder(mars, make_pair, make, indexed):
    for number in range(30):
        make_pair(sclk=700000000 + 100 * number, drive=1000 + number % 3)
    make("L", sclk=700100000, drive=1000)
    _, found = indexed(mars)
    assert len(found) == 61
    assert {(row["site"], row["drive"]) for row in found} == {(5, 1000), (5, 1001), (5, 1002)}
    assert {row["camera"] for row in found} == {"navcam"}
    by_pair = {}
    for row in found:
        by_pair.setdefault(row["pair"], []).append(row["eye"])
    assert by_pair.pop(None) == ["left"]
    assert len(by_pair) == 30
    assert all(sorted(eyes) == ["left", "right"] for eyes in by_pair.values())


def test_what_a_frame_tells(mars, make, indexed):
    image = make("R", folder=mars / "sol 400")
    (row,) = indexed(mars)[1]
    assert row["file"] == f"sol 400/{image.path.name}"
    assert row["record"] == f"sol 400/{image.json.name}"
    told = {"product": image.stem, "mission": "Mars 2020", "instrument": "NAVCAM_RIGHT", "eye": "right", "sol": 400}
    told |= {"site": 5, "drive": 1234, "width_px": 128, "height_px": 96, "scale_factor": 2, "sclk_s": 700000001.5}
    told |= {"taken_utc": "2022-04-05T01:02:03.456", "mast_azimuth_deg": 0.5, "mast_elevation_deg": None}
    assert {key: row[key] for key in told} == told


def test_nothing_is_read_again_unless_it_changed(mars, make_pair, read):
    first, second = make_pair(folder=mars / "a"), make_pair(folder=mars / "b", sclk=700001000)
    catalogue = catalogue_of(mars)
    changes = update(catalogue)
    assert (changes.files, changes.folders, changes.read, changes.gone) == (8, 3, 8, 0)
    assert len(read) == 4
    read.clear()
    told = []
    assert update(catalogue, lambda what, done, total: told.append(what)).read == 0
    assert read == []
    assert set(told) == {"looking"}
    second[0].set(sol=401).write_record()
    os.utime(second[0].json, ns=(1, 1))
    assert update(catalogue).read == 2
    assert read == [[second[0].json.name, second[0].path.name]]
    assert {row["sol"] for row in asked(mars, frames, Wish())} == {400, 401}
    shutil.copy(first[0].path, mars / "a" / "x.txt")
    assert update(catalogue).read == 0


def test_removed_and_moved_files_go_and_their_pairs_with_them(mars, make_pair, indexed):
    first, second = make_pair(folder=mars / "a"), make_pair(folder=mars / "b", sclk=700001000)
    indexed(mars)
    first[1].path.unlink()
    first[1].json.unlink()
    (mars / "b").rename(mars / "c")
    _, found = indexed(mars)
    assert sorted(row["file"] for row in found) == [f"a/{first[0].path.name}"] + [f"c/{i.path.name}" for i in second]
    assert [row["pair"] is None for row in sorted(found, key=lambda row: row["file"])] == [True, False, False]
    assert len(asked(mars, pairs, Wish())) == 1
    shutil.rmtree(mars / "c")
    assert [row["file"] for row in indexed(mars)[1]] == [f"a/{first[0].path.name}"]
    assert asked(mars, pairs, Wish()) == []


def test_a_partner_that_comes_later_makes_the_pair(mars, make, indexed):
    make("L", folder=mars / "left")
    indexed(mars)
    assert asked(mars, pairs, Wish()) == []
    make("R", folder=mars / "right")
    indexed(mars)
    (pair,) = asked(mars, pairs, Wish())
    assert (pair["left"][1], pair["right"][1], pair["frames"]) == ("L", "R", 2)


def test_a_record_that_comes_later_ends_the_problem(mars, make, indexed, read):
    image = make("L", folder=mars)
    text = image.json.read_text()
    image.json.unlink()
    assert indexed(mars)[1] == []
    (problem,) = asked(mars, problems)
    assert problem["file"] == image.path.name
    assert "no record with its camera model" in problem["reason"]
    image.json.write_text(text)
    assert len(indexed(mars)[1]) == 1
    assert asked(mars, problems) == []


def test_the_archives_forms_are_indexed_too(mars, make_labelled_in, indexed):
    for name, write in (("a.IMG", "pds3"), ("b.VIC", "vicar"), ("c.IMG", "detached")):
        labelled = make_labelled_in(mars, name)
        labelled.groups[""]["PRODUCT_ID"] = f"'{name[0]}'"
        labelled.pds3(detached=True) if write == "detached" else getattr(labelled, write)()
    _, found = indexed(mars)
    assert {(row["product"], row["file"], row["record"]) for row in found} == {
        ("a", "a.IMG", "a.IMG"),
        ("b", "b.VIC", "b.VIC"),
        ("c", "c.IMG", "c.LBL"),
    }
    assert {(row["mission"], row["site"], row["drive"], row["camera"]) for row in found} == {("MSL", 5, 6, "navcam")}
    assert asked(mars, problems) == []


def test_pds4_with_its_image_and_without(mars, indexed):
    path = Path(__file__).parents[1] / "read" / "test_pds4.py"
    spec = importlib.util.spec_from_file_location("made_up_pds4", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (mars / "a.xml").write_text(module.label())
    assert indexed(mars)[1] == []
    assert "label without its image" in asked(mars, problems)[0]["reason"]
    (mars / "a.IMG").write_bytes(bytes(40) + bytes(range(1, 97)) * (3 * 128))
    (row,) = indexed(mars)[1]
    assert (row["file"], row["record"], row["site"], row["drive"], row["sol"]) == ("a.IMG", "a.xml", 5, 60, 629)
    assert asked(mars, problems) == []


def test_the_real_products(shared_data, indexed):
    _, found = indexed(shared_data)
    assert {row["mission"] for row in found} >= {"Mars 2020", "MSL", "MER-B", "InSight"}
    assert {row["sol"] for row in asked(shared_data, pairs, Wish())} >= {60, 340, 395, 718, 755, 903, 1110, 1280}
    (tiles,) = asked(shared_data, pairs, Wish(sols=(1110, 1110)))
    assert tiles["frames"] == 4
    taken = find_scene([catalogue_of(shared_data)], Wish(site=37, drive=2562))
    assert {path.parent.name for path in taken.inputs} == {"perseverance"}
    assert len(taken.inputs) == 2


def test_a_detached_label_in_another_name_is_read_again_when_its_folder_changes(mars, make_labelled_in, indexed):
    labelled = make_labelled_in(mars, "pixels.IMG")
    labelled.pds3(detached=True)
    (mars / "pixels.LBL").rename(mars / "label.LBL")
    _, found = indexed(mars)
    assert [(row["file"], row["record"]) for row in found] == [("pixels.IMG", "label.LBL")]
    labelled.path.unlink()
    assert indexed(mars)[1] == []
    assert "no such file" in asked(mars, problems)[0]["reason"]


def test_a_scene_folder_is_what_it_says(mars, make_pair, make, indexed):
    images = make_pair(folder=mars / "scene")
    make("L", folder=mars / "scene", sclk=700009000)
    (mars / "scene" / "preview.png").write_bytes(b"no frame")
    toml = mars / "scene" / "scene.toml"
    toml.write_text("format = 1\nimages = [" + ", ".join(f'"{i.path.name}"' for i in images) + "]\n")
    assert len(indexed(mars)[1]) == 2
    assert asked(mars, problems) == []
    toml.write_text("format = 1\nimages = 3\n")
    assert len(indexed(mars)[1]) == 3
    assert [row["file"] for row in asked(mars, problems)] == ["scene/preview.png", "scene/scene.toml"]


def test_copies_are_told_and_make_no_second_pair(mars, make_pair, indexed):
    make_pair(folder=mars / "a")
    shutil.copytree(mars / "a", mars / "b")
    _, found = indexed(mars)
    assert sorted(row["copy"] for row in found) == [0, 0, 1, 1]
    assert len(asked(mars, pairs, Wish())) == 1
    assert asked(mars, totals).frames == 4
    assert [row["frames"] for row in asked(mars, stops, Wish())] == [2]


def test_products_are_told_by_their_own_files(mars, report, indexed, make_glb):
    report(mars / "one")
    report(mars / "many", pairs=[{"left": "A", "right": "B"}] * 3)
    place = {"mission": "Mars 2020", "sol": 400, "site": 5, "drive": 1234}
    pano = {"format": "stereo3d panorama 1", **place, "frames": [{}] * 6}
    (mars / "pano.json").write_text(json.dumps(pano))
    (mars / "pano.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (mars / "maps").mkdir()
    (mars / "maps" / "map.json").write_text(json.dumps({"inputs": {**place, "left": "A", "right": "B"}}))
    (mars / "maps" / "hillshade.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    make_glb(mars / "floor.glb", {"mission": "Mars 2020", "place": "sol 400, site 5, drive 1234"})
    make_glb(mars / "theirs.glb", {"place": "Paris"})
    (mars / "package.json").write_text('{"name": "something else"}')
    indexed(mars)
    found = asked(mars, products, Wish(site=5, drive=1234))
    assert [(row["kind"], row["file"], row["made_of"]) for row in found] == [
        ("map", "maps/map.json", 1),
        ("mesh", "floor.glb", 0),
        ("panorama", "pano.json", 6),
        ("reconstruction", "many/report.json", 3),
        ("reconstruction", "one/report.json", 1),
    ]
    assert asked(mars, problems) == []


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"inputs": {"mission": "M", "sol": -1, "site": 1, "drive": 1}}', '{"inputs": {"mission": "M"}}',
     '{"inputs": {"mission": "M", "sol": 1e99, "site": 1, "drive": 1}}', "[" * 100000],
)  # fmt: skip
def test_a_product_that_is_not_understood_is_a_problem(text, mars, indexed):
    (mars / "report.json").write_text(text)
    indexed(mars)
    assert asked(mars, products, Wish()) == []
    assert [row["file"] for row in asked(mars, problems)] == ["report.json"]


def test_an_update_that_is_cut_short_leaves_what_is_whole_and_the_next_goes_on(mars, make_pair, monkeypatch, read):
    for number in range(10):
        make_pair(sclk=700000000 + 100 * number)
    catalogue = catalogue_of(mars)
    monkeypatch.setattr(updating, "COMMIT_EVERY_S", -1.0)

    def stop(what, done, total):
        if what == "reading" and done >= 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update(catalogue, stop)
    assert asked(mars, totals).complete is False
    whole = asked(mars, frames, Wish())
    assert 10 <= len(whole) < 20
    # The left images come first by their names: those of the right eye that are there have their partners.
    assert len(asked(mars, pairs, Wish())) == len(whole) - 10 > 0
    before = len(read)
    update(catalogue)
    assert len(read) - before == 20 - len(whole)
    assert (asked(mars, totals).complete, len(asked(mars, pairs, Wish()))) == (True, 10)


def test_an_update_that_is_cut_short_before_it_commits_leaves_what_was(mars, make_pair, indexed):
    make_pair()
    indexed(mars)
    make_pair(sclk=700001000)

    def stop(what, done, total):
        if what == "reading":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update(catalogue_of(mars), stop)
    assert (asked(mars, totals).complete, asked(mars, totals).frames) == (True, 2)


def test_a_folder_that_became_what_it_was_while_an_update_was_cut_short(mars, make_pair, indexed, monkeypatch):
    make_pair()
    indexed(mars)
    more = make_pair(sclk=600000000)
    monkeypatch.setattr(updating, "COMMIT_EVERY_S", -1.0)

    def stop(what, done, total):
        if what == "reading" and done >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update(catalogue_of(mars), stop)
    assert len(asked(mars, frames, Wish())) == 3
    for image in more:
        image.path.unlink()
        image.json.unlink()
    assert len(indexed(mars)[1]) == 2


def test_two_programs_at_a_time_make_one_index(mars, make_pair):
    for number in range(40):
        make_pair(sclk=700000000 + 100 * number)
    words = [sys.executable, "-m", "stereo3d", "catalog", str(mars), "--json"]
    runs = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    ends = [run.communicate(timeout=200) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], ends
    for out, err in ends:
        told = json.loads(out)["totals"]
        assert (told["frames"], told["pairs"], told["complete"], err) == (80, 40, True, b"")


def test_a_folder_that_is_gone_is_one_line(tmp_path):
    with pytest.raises(MissingFileError, match="no such folder"):
        update(catalogue_of(tmp_path / "nowhere"))


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
def test_names_that_are_no_utf_8(mars, make, indexed):
    image = make("L", folder=mars)
    folder = os.fsencode(mars) + b"/sol\xff"
    os.mkdir(folder)
    for path in (image.path, image.json):
        os.rename(path, folder + b"/" + os.fsencode(path.name))
    with open(folder + b"/bad\xe9.png", "wb"):
        pass
    (row,) = indexed(mars)[1]
    assert os.fsencode(row["file"]) == b"sol\xff/" + os.fsencode(image.path.name)
    (problem,) = asked(mars, problems)
    assert os.fsencode(problem["file"]) == b"sol\xff/bad\xe9.png"
    assert problem["reason"].isprintable()


def test_a_shot_of_absurdly_many_frames_makes_no_pair(mars, make_pair, indexed, monkeypatch):
    monkeypatch.setattr(pairing, "_MOST_OF_A_SHOT", 1)
    make_pair()
    indexed(mars)
    assert (asked(mars, totals).frames, asked(mars, totals).pairs) == (2, 0)


def test_what_a_reader_did_not_foresee_is_a_problem_of_one_file(mars, make_pair, indexed, monkeypatch):
    _, right = make_pair()
    real = content.reader_for

    def reader_for(path):
        if path == right.path:
            raise ZeroDivisionError
        return real(path)

    monkeypatch.setattr(content, "reader_for", reader_for)
    assert len(indexed(mars)[1]) == 1
    assert asked(mars, problems) == [{"file": right.path.name, "reason": "ZeroDivisionError"}]


def test_a_file_that_cannot_be_read_is_a_problem(mars, make, indexed, monkeypatch):
    image = make("L", folder=mars)
    other = make("R", folder=mars)
    image.json.unlink()
    image.json.mkdir()
    _, found = indexed(mars)
    assert [row["file"] for row in found] == [other.path.name]
    assert [row["file"] for row in asked(mars, problems)] == [image.path.name]
