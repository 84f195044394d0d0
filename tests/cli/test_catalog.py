"""stereo3d catalog as a person sees it, and the commands that find their scene in it."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import PIL.Image
import pytest

from stereo3d.cli import common
from stereo3d.cli.main import main
from stereo3d.cli.stop import take_stop
from stereo3d.read import read_pairs

STEM = "N{}F_0400_07000{:05}_123ECM_N0051234NCAM00400_01_195J"


@pytest.fixture
def mars(tmp_path, monkeypatch) -> Path:
    """A folder with two pairs of one stop; indexes lie in a folder of the test's own."""
    path = Path(__file__).parents[1] / "read" / "conftest.py"
    spec = importlib.util.spec_from_file_location("made_up_products", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    folder = tmp_path / "mars"
    folder.mkdir()
    for letter in "LR":
        for clock in (700000000, 700001000):
            module._make(folder, letter, sclk=clock).write()
    monkeypatch.setenv("STEREO3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STEREO3D_CATALOG", raising=False)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return folder


def test_index_then_update_then_answer(mars, capsys):
    assert main(["catalog", str(mars)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert lines[0] == f"{mars}: 4 frames, 2 pairs, 1 stop, sol 400"
    assert lines[1] == "  read 8 files, new or changed"
    assert lines[2].split() == ["mission", "site", "drive", "sols", "cameras", "frames", "pairs"]
    assert lines[3].split() == ["Mars", "2020", "5", "1234", "400", "navcam", "4", "2"]
    assert lines[4].startswith("looked through 8 files in ")
    (mars / (STEM.format("L", 0) + ".png")).unlink()
    assert main(["catalog", str(mars), "--no-update"]) == 0
    assert f"{mars}: 4 frames, 2 pairs" in capsys.readouterr().out
    assert main(["catalog", str(mars)]) == 0
    out, _ = capsys.readouterr()
    assert f"{mars}: 3 frames, 1 pair, 1 stop" in out
    assert "  read 1 file, new or changed, forgot 1 entry\n" in out
    assert "  1 file not understood: --problems says why\n" in out


def test_json_is_all_of_it(mars, capsys):
    assert main(["catalog", str(mars), "--json", "--frames", "--limit", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["root"] == str(mars)
    assert (told["totals"]["frames"], told["totals"]["pairs"], told["totals"]["sols"]) == (4, 2, [400, 400])
    assert [frame["eye"] for frame in told["frames"]] == ["left", "right", "left", "right"]
    assert {frame["file"] for frame in told["frames"]} == {path.name for path in mars.glob("*.png")}
    assert main(["catalog", "--json"]) == 0
    assert [one["root"] for one in json.loads(capsys.readouterr().out)] == [str(mars)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--sols"], ["mission", "sol", "cameras", "frames", "pairs"]),
        (["--frames"], ["sol", "site", "drive", "camera", "eye", "UTC", "file"]),
        (["--pairs"], ["sol", "site", "drive", "camera", "left", "right", "frames"]),
        (["--products"], "no products"),
        (["--problems"], "no problems"),
        (["--sol", "1-399"], "no stops of that kind"),
        (["--pairs", "--camera", "hazcam"], "no pairs of that kind"),
    ],
)
def test_what_may_be_asked(mars, capsys, words, expected):
    assert main(["catalog", str(mars), *words]) == 0
    line = capsys.readouterr().out.splitlines()[2]
    assert (line.split() if isinstance(expected, list) else line) == expected


def test_limit(mars, capsys):
    assert main(["catalog", str(mars), "--frames", "--limit", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(STEM[3:9] in line for line in lines) == 3
    assert lines[-2].startswith("and more: choose with --mission")
    assert main(["catalog", str(mars), "--frames", "--limit", "0"]) == 0
    assert sum(STEM[3:9] in line for line in capsys.readouterr().out.splitlines()) == 4


def test_what_is_known(mars, capsys):
    assert main(["catalog"]) == 0
    assert capsys.readouterr().out == "nothing was catalogued yet: stereo3d catalog DIR\n"
    main(["catalog", str(mars)])
    mars.rename(mars.with_name("moved"))
    capsys.readouterr()
    assert main(["catalog"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{mars}: 4 frames, indexed 20")
    assert out.endswith("; the folder is not there now\n")


def test_problems_say_why_and_hold_no_escapes(mars, capsys):
    (mars / "a\x1b[31m[red].png").write_bytes(b"no picture")
    assert main(["catalog", str(mars), "--problems"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "a?[31m[red].png" in out
    assert "is not a PNG, JPEG or WebP image" in out


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
def test_names_that_are_no_utf_8(mars, capsys):
    with open(os.fsencode(mars) + b"/caf\xe9.png", "wb"):
        pass
    assert main(["catalog", str(mars), "--problems"]) == 0
    assert "caf?.png" in capsys.readouterr().out
    assert main(["catalog", str(mars), "--problems", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"][0]["file"] == "caf\\udce9.png"


def test_a_broken_index_is_one_line_and_the_next_update_makes_it_anew(mars, capsys):
    main(["catalog", str(mars)])
    (database,) = Path(os.environ["STEREO3D_CACHE"], "catalogs").glob("*.sqlite")
    database.write_bytes(b"something else" * 1000)
    capsys.readouterr()
    assert main(["catalog", str(mars), "--no-update"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "no catalogue of this program" in err
    assert main(["catalog", str(mars)]) == 0
    assert "4 frames" in capsys.readouterr().out


def test_cache_tells_of_indexes_and_clears_them(mars, capsys):
    main(["catalog", str(mars)])
    capsys.readouterr()
    assert main(["cache"]) == 0
    assert "  catalog       1 index " in capsys.readouterr().out
    assert main(["cache", "--clear"]) == 0
    assert main(["catalog", str(mars), "--no-update"]) == 2
    assert "not catalogued yet" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="no signals of this kind")
def test_ctrl_c_says_that_what_is_indexed_stays(mars, tmp_path):
    code = (
        "import sys, time\n"
        "from stereo3d.catalog import content\n"
        "real = content.read_group\n"
        "def slow(*args):\n"
        "    print('reading', flush=True)\n"
        "    time.sleep(60)\n"
        "content.read_group = slow\n"
        "sys.argv[0] = 'stereo3d'\n"
        "from stereo3d.cli.main import console\n"
        "console()\n"
    )
    words = [sys.executable, "-c", code, "catalog", str(mars)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "reading\n"
        began = time.monotonic()
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=50)
    assert run.returncode == 130
    assert time.monotonic() - began < 50
    assert err == "stereo3d: interrupted; what is indexed stays, and the same command goes on from there\n"


@pytest.fixture
def catalogued_ring(ring_folder, tmp_path, monkeypatch, capsys) -> Path:
    """The small simulated scene, catalogued."""
    monkeypatch.setenv("STEREO3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STEREO3D_CATALOG", raising=False)
    monkeypatch.chdir(tmp_path)
    main(["catalog", str(ring_folder.parent)])
    capsys.readouterr()
    return ring_folder


def test_view_finds_its_scene_by_site_and_drive(catalogued_ring, tmp_path, capsys):
    words = ["view", "--site", "1", "--drive", "20", "--pair", "2", "--screenshot", "v.png", "--size", "320x200"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"simulated site 1 drive 20, sol 0: pair 2 of 6 pairs of navcam in {catalogued_ring}\n")
    assert "wrote v.png" in out
    assert err == ""
    with PIL.Image.open(tmp_path / "v.png") as picture:
        assert picture.size == (320, 200)
        low, high = picture.convert("L").getextrema()
    assert high - low > 50


@pytest.mark.parametrize(
    "words",
    [
        ["view", "--screenshot", "v.png"], ["export", "-o", "v.glb"], ["map", "-o", "maps"],
        ["reconstruct", "-o", "all"], ["view", "--web", "--no-browser"],
    ],
)  # fmt: skip
def test_every_command_that_takes_a_scene_takes_a_stop(catalogued_ring, tmp_path, monkeypatch, words):
    class SeenError(Exception):
        pass

    def read(inputs, metadata, pair, whole):
        assert (list(inputs), pair) == ([catalogued_ring], None)
        assert len(read_pairs(inputs).pairs) == 6
        raise SeenError

    monkeypatch.setattr(common, "read_pairs", read)
    with pytest.raises(SeenError):
        main([*words, "--site", "1", "--catalog", str(catalogued_ring.parent)])
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_panorama_takes_a_stop(catalogued_ring, monkeypatch):
    import stereo3d.cli.panorama as command

    class SeenError(Exception):
        pass

    def read(inputs, metadata):
        assert list(inputs) == [catalogued_ring]
        raise SeenError

    monkeypatch.setattr(command, "read_frames", read)
    with pytest.raises(SeenError):
        main(["panorama", "-o", "p.png", "--site", "1", "--drive", "20"])


def test_a_stop_and_inputs_are_one_line(catalogued_ring, tmp_path, capsys):
    assert main(["view", str(catalogued_ring), "--site", "1", "--screenshot", "v.png"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "no INPUT beside them" in err
    assert main(["view", "--site", "1", "--drive", "9", "--screenshot", "v.png"]) == 2
    assert "it has simulated site 1 drive 20 (sol 0, navcam)" in capsys.readouterr().err
    assert not (tmp_path / "v.png").exists()


def test_without_a_stop_nothing_is_asked():
    import argparse

    args = argparse.Namespace(mission=None, sol=None, site=None, drive=None, camera=None, catalog=None, inputs=["a"])
    take_stop(args)
    assert args.inputs == ["a"]
