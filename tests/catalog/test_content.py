"""What this program writes is told for what it is; what others write is not."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from stereo3d.catalog import content
from stereo3d.catalog.content import Found, Product, groups_of, read_group
from stereo3d.export.maps import REPORT as MAP_REPORT
from stereo3d.export.panorama import FORMAT
from stereo3d.export.products import PREVIEW, REPORT, about_result, write_report
from stereo3d.export.terrain import write_terrain
from stereo3d.pipeline.report import _inputs


@pytest.fixture(scope="module")
def made():
    """The made-up ground of the view tests: simulated, sol 7."""
    path = Path(__file__).parents[1] / "view" / "conftest.py"
    spec = importlib.util.spec_from_file_location("made_up_ground", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_reconstruction()


def test_the_files_of_a_reconstruction(made, tmp_path):
    left = made.pair.left
    write_terrain(made.terrain, tmp_path / "mesh.glb", about_result(made))
    (found,) = read_group(tmp_path, ["mesh.glb"]).products
    assert found == Product("mesh.glb", "mesh", "simulated", 7, left.site, left.drive, 0)
    told = {"inputs": _inputs(made.pair), "seconds": {}}
    write_report(SimpleNamespace(report_values=told), tmp_path, {})
    (found,) = read_group(tmp_path, ["report.json"]).products
    assert found == Product("report.json", "reconstruction", "simulated", 7, left.site, left.drive, 1)
    assert read_group(tmp_path, ["mesh.glb"]) == Found()  # it is a part of the reconstruction


def test_names_and_formats_are_those_of_the_writers():
    assert FORMAT.startswith(content._PANORAMA)
    assert set(content._KINDS) == {REPORT, MAP_REPORT}
    assert content._OWN_PICTURES[PREVIEW] == REPORT


GLB = b"glTF\2\0\0\0\0\0\0\0"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"glTF", b"glTF" + b"\xff" * 16, GLB + b"\xff\xff\xff\xffJSON{}", GLB + b"\2\0\0\0JSON{}",
        GLB + b"\4\0\0\0JSON[[[[", GLB + b"\4\0\0\0JSON[1] ",
    ],
)  # fmt: skip
def test_a_glb_of_others_or_a_broken_one_is_nothing(tmp_path, data):
    (tmp_path / "x.glb").write_bytes(data)
    assert read_group(tmp_path, ["x.glb"]) == Found()


@pytest.mark.parametrize("extras", [{"place": "sol 1, site 2, drive x", "mission": "M"}, {"place": 5}, [], None])
def test_a_glb_that_names_no_place_is_nothing(tmp_path, make_glb, extras):
    make_glb(tmp_path / "x.glb", extras)
    assert read_group(tmp_path, ["x.glb"]) == Found()


def test_json_of_others_is_nothing(tmp_path):
    for number, value in enumerate(({}, [], {"inputs": {}}, {"format": 1}, "text", {"images": []})):
        name = f"{number}.json"
        (tmp_path / name).write_text(json.dumps(value))
        assert read_group(tmp_path, [name]) == Found()


def test_a_record_without_its_image_is_a_problem(make, mars):
    image = make("L")
    image.path.unlink()
    (problem,) = read_group(mars, [image.json.name]).problems
    assert problem.reason == "is a record without its image"


def test_names_of_one_product_go_together():
    names = ["A.IMG", "A.LBL", "A.json", "A_800.jpg", "B.png", "b.png"]
    assert list(groups_of(names).values()) == [["A.IMG", "A.LBL", "A.json", "A_800.jpg"], ["B.png"], ["b.png"]]
    assert groups_of([*names, "scene.toml"]) == {"scene.toml": [*names, "scene.toml"]}
