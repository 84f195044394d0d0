"""stereo3d fetch as a person sees it, against a feed on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stereo3d.cli import fetch as command
from stereo3d.cli.main import main
from stereo3d.fetch.web import connected
from stereo3d.read import read_pairs

SERVER = Path(__file__).parents[1] / "fetch" / "server.py"
PLACE = "m20_site005_drive1234"
WORDS = ["fetch", "--mission", "m20", "--sol", "400"]


@pytest.fixture
def server(simulated, monkeypatch) -> Iterator[object]:
    """The feed that the command asks, without a moment of waiting."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    @contextmanager
    def impatient(origins):
        with connected(origins, simulated.impatient([])) as web:
            yield web

    with simulated.serving() as feed:
        monkeypatch.setattr(command, "FEEDS", {"m20": feed.m20, "msl": feed.msl})
        monkeypatch.setattr(command, "connected", impatient)
        yield feed


def test_a_sol_becomes_a_scene_folder_and_the_next_run_has_nothing_to_do(server, tmp_path, capsys):
    server.add_pair(early=True)
    server.add_pair(sclk=700001000)
    server.add("L", sclk=700002000)
    server.add("L", sclk=700003000, sample_type="Thumbnail")
    folder = tmp_path / "mars"
    assert main([*WORDS, "-o", str(folder)]) == 0
    out, err = capsys.readouterr()
    size = sum(len(server.files[path]) for path in set(server.paths()))
    assert err == ""
    lines = out.splitlines()
    assert lines[:2] == [
        "left out: 1 thumbnails, 1 without the other eye's",
        f"wrote {folder / PLACE} (4 new images, {size / 1e6:.1f} MB)",
    ]
    assert lines[2].startswith("done in ")
    assert len(read_pairs([folder / PLACE]).pairs) == 2
    server.asked.clear()
    assert main([*WORDS, "-o", str(folder)]) == 0
    assert f"kept {folder / PLACE} (0 new images, 0.0 MB; 4 there before)" in capsys.readouterr().out
    assert server.paths() == []


def test_list_says_what_there_is_and_fetches_nothing(server, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for tile in (1, 2):
        server.add_pair(tile=tile, mastAz="12.34", mastEl="-20")
    server.add_pair(drive=1300, sol=401)
    assert main(["fetch", "--mission", "m20", "--sol", "400-401", "--list"]) == 0
    first, second = (record["imageid"] for record in (server.records[0], server.records[4]))
    assert capsys.readouterr().out.splitlines() == [
        "site 5, drive 1234, sol 400: 1 pair, 4 images",
        f"  {first}  128 x 96 px in 2 tiles, mast at 12.3, -20.0 deg",
        "site 5, drive 1300, sol 401: 1 pair, 2 images",
        f"  {second}  128 x 96 px",
    ]
    assert server.paths() == []
    assert list(tmp_path.iterdir()) == []
    assert main(["fetch", "--mission", "m20", "--sol", "400-401", "--list", "--drive", "1300", "--site", "5"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("site 5, drive 1300")


def test_what_fails_is_a_line_each_and_the_code_is_2(server, tmp_path, capsys):
    for n in range(4):
        server.add_pair(sclk=700000000 + 1000 * n)
    for record in server.records[:7]:
        del server.files[record["image_files"]["full_res"].removeprefix(server.base)]
    server.add("R", sclk=700009000)["imageid"] = "../../../x"
    assert main([*WORDS, "-o", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert "the image id '../../../x' is no product name; it is left out" in lines[0]
    assert sum("answers 404 Not Found" in line for line in lines) == 5
    assert lines[-1] == "stereo3d: and 2 more like these"
    assert "(1 new image, " in out
    assert "; 7 not fetched)" in out


def test_the_feed_of_msl(server, tmp_path, capsys):
    for letter in "LR":
        server.add_msl(letter)
    assert main(["fetch", "--mission", "msl", "--sol", "1435", "-o", str(tmp_path)]) == 0
    assert read_pairs([tmp_path / "msl_site056_drive2034"]).pairs[0].left.mission == "MSL"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--sol", "400"], "no folder is named for the images; name one with -o DIR, or ask with --list alone"),
        (["--sol", "399", "--list"], "has no navcam pair of sol 399; ask for other sols, or another camera"),
        (["--sol", "400", "--site", "6", "--list"], "has no navcam pair of sol 400 at that stop"),
    ],
)
def test_nothing_to_fetch_is_one_line(server, capsys, words, told):
    server.add_pair()
    assert main(["fetch", "--mission", "m20", *words]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("sol", ["", "-5", "760-755", "7.5", "1e3", "٣", "1000000", "99999-100000", "755-", "755-a"])
def test_what_is_no_sol_is_one_line(capsys, sol):
    with pytest.raises(SystemExit) as end:
        main(["fetch", "--mission", "m20", f"--sol={sol}", "--list"])
    assert end.value.code == 2
    assert "argument --sol" in capsys.readouterr().err


def test_no_address_can_be_given(capsys):
    with pytest.raises(SystemExit):
        main(["fetch", "--help"])
    told = capsys.readouterr().out
    assert "--url" not in told
    assert "--host" not in told
    assert {feed.origins for feed in command.FEEDS.values()} == {("https://mars.nasa.gov",)}
    assert all(feed.endpoint.startswith("https://mars.nasa.gov/") for feed in command.FEEDS.values())


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_keeps_whole_images_alone_and_says_so(simulated, tmp_path):
    """A whole image is there, and half of another one, when the signal comes."""
    run = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('raw_feed_server', {str(SERVER)!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules[spec.name] = module\n"
        "spec.loader.exec_module(module)\n"
        "from stereo3d.cli import fetch\n"
        "fetch.FEEDS = {'m20': module.FeedServer(sys.argv[1]).m20}\n"
        f"sys.argv[1:] = [*{WORDS!r}, '-o', sys.argv[2]]\n"
        "from stereo3d.cli.main import console\n"
        "console()\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with simulated.serving() as feed:
        left, _ = feed.add_pair()
        path = left["image_files"]["full_res"].removeprefix(feed.base)
        feed.always[path] = lambda handler: handler.endless(b"\x89PNG" * 100)
        words = [sys.executable, "-c", run, feed.base, str(tmp_path / "out")]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean) as process:
            until = time.monotonic() + 60
            while time.monotonic() < until and process.poll() is None:
                here = simulated.names(tmp_path)
                if any(name.endswith("J.png") for name in here) and any(name.endswith(".part") for name in here):
                    break
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=10)
    assert err == ("stereo3d: interrupted; the images that are whole stay, and the same command goes on from there\n")
    assert process.returncode == 128 + signal.SIGINT
    right = feed.records[1]["imageid"]
    assert simulated.names(tmp_path / "out") == [f"{PLACE}/{right}.json", f"{PLACE}/{right}.png"]


def test_real_records_and_images_come_through_as_they_are(server, shared_data, tmp_path, capsys):
    for file in sorted((shared_data / "perseverance").glob("N??_1110_*.json")):
        record = json.loads(file.read_text())
        path = record["image_files"]["full_res"].removeprefix("https://mars.nasa.gov")
        record["image_files"]["full_res"] = server.base + path
        server.records.append(record)
        server.files[path] = file.with_suffix(".png").read_bytes()
    assert main(["fetch", "--mission", "m20", "--sol", "1110", "-o", str(tmp_path)]) == 0
    assert "(4 new images" in capsys.readouterr().out
    [folder] = tmp_path.iterdir()
    assert folder.name == "m20_site051_drive2578"
    for image in folder.glob("*.png"):
        assert image.read_bytes() == (shared_data / "perseverance" / image.name).read_bytes()
    assert len(read_pairs([folder]).pairs) >= 1
