"""stereo3d export: from the command line to a file that another program reads."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import trimesh

from stereo3d.cli import export
from stereo3d.cli.main import main


@pytest.fixture
def no_work(monkeypatch):
    """Fail the test when the measuring starts."""
    monkeypatch.setattr(export, "measure", lambda args: pytest.fail("the work has begun"))


def test_bundled_scene_becomes_a_glb(tmp_path, capsys):
    path = tmp_path / "new folder" / "floor.glb"
    assert main(["export", "-o", str(path)]) == 0
    out = capsys.readouterr().out
    assert f"wrote {path} (" in out
    assert "done in " in out
    assert [p.name for p in path.parent.iterdir()] == ["floor.glb"]
    body = trimesh.load(path, process=False).geometry["terrain"]
    assert 50_000 < len(body.faces) < 900_000
    # glTF is Y up.  The floor of the crater lies about the rover's wheels, and its normals look up.
    near = np.hypot(body.vertices[:, 0], body.vertices[:, 2]) < 15.0
    assert near.sum() > 10_000
    assert abs(np.median(body.vertices[near, 1])) < 0.3
    assert np.median(body.vertex_normals[near, 1]) > 0.8
    assert body.visual.material.baseColorTexture.size == (1280, 960)


@pytest.mark.parametrize("name", ["crater.fbx", "crater", "crater.jpg"])
def test_unknown_suffix_is_told_before_the_work(name, tmp_path, capsys, no_work):
    assert main(["export", "-o", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert ".glb, .obj, .ply, .stl" in error
    assert list(tmp_path.iterdir()) == []


def test_target_that_cannot_be_written_is_told_before_the_work(tmp_path, capsys, no_work):
    (tmp_path / "file").write_text("")
    (tmp_path / "crater.glb").mkdir()
    for target in (tmp_path / "file" / "crater.glb", tmp_path / "crater.glb"):
        assert main(["export", "-o", str(target)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert str(target) in error


def test_bad_input_leaves_nothing(tmp_path, capsys):
    assert main(["export", str(tmp_path / "none.png"), str(tmp_path / "nil.png"), "-o", str(tmp_path / "x.obj")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_printable_solid_is_told_in_a_line(tmp_path, capsys):
    path = tmp_path / "floor.stl"
    assert main(["export", "-o", str(path), "--scale", "1:100", "--within", "10"]) == 0
    out = capsys.readouterr().out
    told = re.search(r"a solid at 1:100, (\d+) x (\d+) x (\d+) mm; (\d+) % of its ground was not measured", out)
    body = trimesh.load(path)
    assert body.is_watertight
    assert body.is_volume
    assert [round(float(e)) for e in body.extents] == [int(told[k]) for k in (1, 2, 3)]
    assert 60 <= max(body.extents) <= 200
    assert int(told[4]) < 30


def test_cameras_beside_a_glb_and_the_line_for_blender(tmp_path, capsys):
    path = tmp_path / "my floor.glb"
    assert main(["export", "-o", str(path), "--cameras"]) == 0
    line = next(s for s in capsys.readouterr().out.splitlines() if s.startswith("in Blender: "))
    command = shlex.split(line.removeprefix("in Blender: "))
    assert command[-3:] == ["my floor.glb", "my floor_cameras.json", "my floor.blend"]
    assert Path(command[command.index("--python") + 1]).is_file()
    told = json.loads((tmp_path / "my floor_cameras.json").read_text())
    assert [camera["eye"] for camera in told["cameras"]] == ["left", "right"]
    assert all((tmp_path / camera["image"]).is_file() for camera in told["cameras"])


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("crater.glb", ["--printable"], "the suffix .stl"),
        ("crater.ply", ["--size-mm", "80"], "the suffix .stl"),
        ("crater.stl", ["--cameras"], "the suffix .glb"),
    ],
)
def test_options_of_another_format_are_told_before_the_work(name, options, words, tmp_path, capsys, no_work):
    assert main(["export", "-o", str(tmp_path / name), *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [["--scale", "50"], ["--scale", "1:0"], ["--size-mm", "-3"], ["--within", "nan"]])
def test_absurd_sizes_are_one_line(options, tmp_path, capsys, no_work):
    with pytest.raises(SystemExit) as stop:
        main(["export", "-o", str(tmp_path / "crater.stl"), *options])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert options[0] in error


def test_output_is_required(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["export"])
    assert stop.value.code == 2
    assert "-o" in capsys.readouterr().err
