"""The scan: what is seen, what is left out, and that it ends."""

from __future__ import annotations

import os

import pytest

from stereo3d.catalog.scan import IMAGES, RELEVANT, joined, signature, walk
from stereo3d.read.readers import READERS


def test_the_suffixes_are_those_of_the_readers():
    assert set(IMAGES) >= {suffix for reader in READERS for suffix in reader.suffixes}
    assert set(IMAGES) - {".vic"} <= {suffix for reader in READERS for suffix in reader.suffixes}
    assert {".json", ".toml", ".glb"} <= set(RELEVANT)


def test_folders_below_are_seen_hidden_ones_and_other_files_are_not(tmp_path):
    for name in ("a/b/x.PNG", "a/y.json", ".git/z.png", "a/.partial/z.png", "a/.z.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    found = {listing.path: [name for name, _, _ in listing.files] for listing in walk(str(tmp_path))}
    assert found == {b"": [], b"a": ["y.json"], b"a/b": ["x.PNG"]}


def test_links_are_counted_and_not_followed_and_cycles_end(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_text("x")
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "round").symlink_to(root)
    (root / "out").symlink_to(outside)
    (root / "out.png").symlink_to(outside / "secret.png")
    (root / "loop.png").symlink_to(root / "loop.png")
    found = list(walk(str(root)))
    assert [listing.path for listing in found] == [b"", b"a"]
    assert [listing.files for listing in found] == [(), ()]
    assert sum(listing.links for listing in found) == 4


def test_a_folder_that_cannot_be_listed_has_a_complaint_and_the_root_raises(tmp_path, monkeypatch):
    (tmp_path / "shut").mkdir()
    (tmp_path / "open").mkdir()
    real = os.scandir

    def scandir(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = {listing.path: listing.complaint for listing in walk(str(tmp_path))}
    assert found == {b"": None, b"open": None, b"shut": "the folder cannot be listed: Permission denied"}
    with pytest.raises(PermissionError):
        list(walk(str(tmp_path / "shut")))


def test_the_signature_tells_every_change():
    files = [("a", 1, 2), ("b", 3, 4)]
    others = [
        [("a", 1, 2)], [("a", 1, 2), ("c", 3, 4)], [("a", 9, 2), ("b", 3, 4)], [("a", 1, 2), ("b", 3, 9)],
        [("a", 3, 4), ("b", 1, 2)], [],
    ]  # fmt: skip
    assert len({signature(each) for each in [files, *others]}) == 1 + len(others)
    assert signature(list(files)) == signature(tuple(files))


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
def test_names_that_are_no_utf_8(tmp_path):
    name = b"caf\xe9.png"
    with open(os.fsencode(tmp_path) + b"/" + name, "wb"):
        pass
    (listing,) = walk(str(tmp_path))
    assert joined(b"x", listing.files[0][0]) == b"x/" + name
