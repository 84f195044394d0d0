"""Which catalogue is asked."""

from __future__ import annotations

import os

import pytest

from stereo3d.catalog.place import asked, catalogs_folder, catalogue_of, files, known
from stereo3d.errors import MissingFileError


@pytest.fixture
def two(tmp_path, make, indexed):
    """Two catalogued folders, the second one later."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        make("L", folder=folder / "below")
        indexed(folder)
    return folders


def roots(catalogues):
    return [one.root for one in catalogues]


def test_the_named_one_alone(two, tmp_path, monkeypatch):
    monkeypatch.setenv("STEREO3D_CATALOG", str(two[1]))
    assert roots(asked(two[0])) == [str(two[0])]
    with pytest.raises(MissingFileError, match="not catalogued yet; run stereo3d catalog"):
        asked(tmp_path / "three")


def test_then_that_of_the_environment(two, monkeypatch):
    monkeypatch.chdir(two[1])
    monkeypatch.setenv("STEREO3D_CATALOG", str(two[0]))
    assert roots(asked(None)) == [str(two[0])]


def test_then_that_which_the_current_folder_is_in(two, monkeypatch):
    monkeypatch.chdir(two[0] / "below")
    assert roots(asked(None)) == [str(two[0])]


def test_then_all_the_latest_first(two, indexed):
    assert roots(asked(None)) == [str(two[1]), str(two[0])]
    indexed(two[0])
    assert roots(asked(None)) == [str(two[0]), str(two[1])]


def test_nothing_at_all_is_one_line():
    with pytest.raises(MissingFileError, match="nothing was catalogued yet"):
        asked(None)


def test_a_folder_has_one_catalogue_by_whatever_name(two, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(two[0])
    monkeypatch.chdir(tmp_path)
    assert len({catalogue_of(path) for path in (two[0], tmp_path / "link", tmp_path / "two" / ".." / "one")}) == 1
    assert catalogue_of(two[0]).database.parent == catalogs_folder()


def test_files_are_those_of_catalogues_alone(two):
    (catalogs_folder() / "mine.sqlite").write_text("x")
    assert {path.suffix for path in files()} == {".sqlite", ".lock"}
    assert len(files()) == 4
    assert [(one.frames, one.complete) for one in known()] == [(1, True), (1, True)]
    assert not list(two[0].glob(".*")), "something was written into the user's folder"
    assert os.listdir(two[0]) == ["below"]
