"""What runs keep, as a person sees it: the second is quick and says so, --no-cache is heeded, Ctrl-C leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from stereo3d.cli.main import main
from stereo3d.pipeline import pair
from stereo3d.store import Store


@pytest.fixture(autouse=True)
def usual_size(monkeypatch):
    """Unlike the other tests these keep something, as a user's commands do."""
    monkeypatch.delenv("STEREO3D_CACHE_GB")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "kept"
    monkeypatch.setenv("STEREO3D_CACHE", str(folder))
    return folder


def test_a_second_export_is_the_same_file_and_says_where_it_comes_from(
    ring_folder, cache, tmp_path, capsys, monkeypatch
):
    words = ["export", str(ring_folder), "--pair", "2", "-o"]
    assert main([*words, str(tmp_path / "one.glb")]) == 0
    assert "cache" not in capsys.readouterr().out
    assert main(["cache"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{cache}: ")
    assert "pair          1 entry" in out
    monkeypatch.setattr(pair, "_measured", lambda *args: pytest.fail("it is measured again"))
    assert main([*words, str(tmp_path / "two.glb")]) == 0
    out = capsys.readouterr().out
    assert "from the cache: pair (--no-cache measures anew)" in out
    assert (tmp_path / "one.glb").read_bytes() == (tmp_path / "two.glb").read_bytes()
    assert main(["cache", "--clear"]) == 0
    assert f" MB from {cache}" in capsys.readouterr().out
    assert not cache.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["export", "-o", "x.ply"],
        ["map", "-o", "maps"],
        ["reconstruct", "-o", "products"],
        ["view", "--screenshot", "x.png"],
        ["evaluate"],
        ["explain", "--pixel", "160,180"],
        ["panorama", "-o", "p.png"],
    ],
)
def test_every_command_that_measures_heeds_the_cache_and_no_cache(
    words, ring_folder, cache, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    frames = [str(path) for path in sorted(ring_folder.glob("*_0[12].webp"))]
    assert len(frames) == 4
    line = [words[0], *(frames if words[0] == "panorama" else [str(ring_folder), "--pair", "1"]), *words[1:]]
    assert main([*line, "--no-cache"]) == 0
    assert not cache.exists()
    assert main(line) == 0
    assert {k.stage for k in Store(cache, 10**9).kept()} >= {"pair"}
    capsys.readouterr()
    monkeypatch.setattr(pair, "_measured", lambda *args: pytest.fail("it is measured again"))
    assert main(line) == 0
    assert "from the cache: " in capsys.readouterr().out


def test_a_cache_that_cannot_be_written_is_one_note(ring_folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STEREO3D_CACHE", str(tmp_path / "file" / "cache"))
    assert main(["export", str(ring_folder), "--pair", "2", "-o", str(tmp_path / "x.ply")]) == 0
    error = capsys.readouterr().err
    assert error == f"stereo3d: nothing is kept in the cache {tmp_path / 'file' / 'cache'}: Not a directory\n"
    assert (tmp_path / "x.ply").is_file()


def test_a_size_that_is_none_is_one_line_before_the_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STEREO3D_CACHE_GB", "plenty")
    assert main(["export", "-o", str(tmp_path / "x.ply")]) == 2
    assert "STEREO3D_CACHE_GB is 'plenty'; expected a number of GB" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


SLOWLY = """
import sys, time
from stereo3d.store import entry, store
whole = store.write_entry
def slowly(file, header, parts):
    file.write(b"half")
    print("writing", flush=True)
    time.sleep(30)
    whole(file, header, parts)
store.write_entry = slowly
from stereo3d.cli.main import console
console()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
def test_ctrl_c_while_the_cache_is_written_leaves_no_half_entry(ring_folder, cache, tmp_path):
    command = [sys.executable, "-c", SLOWLY, "export", str(ring_folder), "--pair", "2", "-o", str(tmp_path / "x.glb")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "writing\n"
        assert len(list(cache.iterdir())) == 1
        began = time.monotonic()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)
    assert time.monotonic() - began < 15
    assert running.returncode == 130
    assert errors.strip() == "stereo3d: interrupted; nothing was written"
    assert list(cache.iterdir()) == []
    assert not (tmp_path / "x.glb").exists()
