"""Images of two stops on the command line: refused without a word for it, one ground with --across-drives."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from stereo3d.cli import common
from stereo3d.cli.main import main
from stereo3d.read import read_stops
from stereo3d.simulate.scene_writer import write_frames


@pytest.fixture(scope="module")
def folders(drive_stops, tmp_path_factory):
    """A folder of frames for each stop."""
    folder = tmp_path_factory.mktemp("drive")
    for k, stop in enumerate(drive_stops):
        write_frames(folder / f"stop{k + 1}", stop.observations)
    return [str(folder / f"stop{k + 1}") for k in range(len(drive_stops))]


@pytest.fixture
def measured_once(drive_result, monkeypatch):
    """The commands read the stops; they are measured once for all tests.  Holds the drives that were read."""
    read = []

    def reconstruct_stops(scenes, settings, progress, store):
        read.extend(scene.observations[0].drive for scene in scenes)
        return drive_result

    monkeypatch.setattr(common, "reconstruct_stops", reconstruct_stops)
    return read


def test_stops_never_merge_silently(folders, tmp_path, capsys):
    path = tmp_path / "both.glb"
    assert main(["export", *folders, "-o", str(path)]) == 2
    told = capsys.readouterr().err
    assert "2 stops of the rover" in told
    assert "--across-drives (view, export, map)" in told
    assert not path.exists()


def test_stops_become_one_file_and_their_places_are_told(folders, tmp_path, capsys, measured_once, drive_result):
    path = tmp_path / "both.glb"
    assert main(["export", *folders, "--across-drives", "-o", str(path)]) == 0
    told = capsys.readouterr().out
    assert measured_once == [20, 120]
    assert "stop 1: site 1 drive 20" in told
    assert "stop 2: site 1 drive 120" in told
    assert "(sigma " in told
    assert "mm as placed" in told
    body = trimesh.load(path, process=False).geometry["terrain"]
    assert len(body.faces) == len(drive_result.terrain.mesh.faces)


def test_the_first_folder_is_the_origin(folders, tmp_path, measured_once):
    assert main(["export", *folders[::-1], "--across-drives", "-o", str(tmp_path / "both.ply")]) == 0
    assert measured_once == [120, 20]


def test_maps_and_pictures_of_both(folders, tmp_path, measured_once, capsys):
    assert main(["map", *folders, "--across-drives", "--resolution", "0.1", "-o", str(tmp_path / "maps")]) == 0
    assert (tmp_path / "maps" / "dem.tif").is_file()
    picture = tmp_path / "top.png"
    top = ["view", *folders, "--across-drives", "--screenshot", str(picture), "--size", "320x200", "--viewpoint", "top"]
    assert main(top) == 0
    assert picture.is_file()


def test_one_pair_and_all_stops_do_not_go_together(folders, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["export", *folders, "--across-drives", "--pair", "1", "-o", str(tmp_path / "x.glb")])
    assert stop.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_what_is_written_of_a_stop_is_what_is_read(folders, drive_stops):
    scenes = read_stops([*folders])
    for scene, stop in zip(scenes, drive_stops, strict=True):
        told, read = stop.observations[0].site_from_rover, scene.observations[0].site_from_rover
        assert np.allclose(told.rotation, read.rotation, atol=3e-6)
        assert np.allclose(told.translation, read.translation, atol=1e-4)
        assert len(scene.pairs) == 1
