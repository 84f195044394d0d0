"""stereo3d view --web and export -o NAME.html: the port, the words, the end."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stereo3d.cli import export, view
from stereo3d.cli import main as command_line
from stereo3d.cli import page as cli_page
from stereo3d.cli.interrupt import Interrupted
from stereo3d.errors import PairError
from stereo3d.export.page.parts import Page

PAGE = Page({"format": 1, "name": "crater"}, {"mesh.glb": b"ground"})


@pytest.fixture
def served(monkeypatch):
    """What a browser finds at the address that is printed, before Ctrl-C comes."""
    found, opened = {}, []

    def interrupted():
        url = found["server"].url
        connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=10)
        connection.request("GET", "/part/mesh.glb")
        found["part"] = connection.getresponse().read()
        connection.close()
        raise Interrupted

    class Kept(view.PageServer):
        def __init__(self, *args):
            super().__init__(*args)
            found["server"] = self

    monkeypatch.setattr(view, "PageServer", Kept)
    monkeypatch.setattr(view, "measured_page", lambda args: PAGE)
    monkeypatch.setattr(view, "raise_if_asked", interrupted)
    monkeypatch.setattr(view.webbrowser, "open", opened.append)
    monkeypatch.setattr(view, "has_display", lambda: True)
    found["opened"] = opened
    return found


def test_it_serves_until_ctrl_c(served, capsys):
    assert command_line.main(["view", "--web"]) == 130
    told = capsys.readouterr()
    (url,) = re.findall(r"^the page is at (http://127\.0\.0\.1:\d+/) until Ctrl-C$", told.out, re.MULTILINE)
    assert served["part"] == b"ground"
    assert served["opened"] == [url]
    assert told.err == "stereo3d: interrupted; nothing was written\n"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1].rstrip("/"))), timeout=5)


def test_no_browser_where_there_is_none_to_open(served, monkeypatch):
    assert command_line.main(["view", "--web", "--no-browser"]) == 130
    monkeypatch.setattr(view, "has_display", lambda: False)
    assert command_line.main(["view", "--web"]) == 130
    assert served["opened"] == []


@pytest.mark.parametrize("words", [["--port", "0"], ["--no-browser"], ["--host", "127.0.0.1"]])
def test_what_web_takes_means_web(served, words):
    assert command_line.main(["view", *words]) == 130
    assert served["part"] == b"ground"


def test_a_picture_is_not_served(served, capsys, tmp_path):
    assert command_line.main(["view", "--port", "0", "--screenshot", str(tmp_path / "a.png")]) == 2
    assert "needs no server" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_another_host_is_warned_about(served, capsys):
    assert command_line.main(["view", "--web", "--host", "0.0.0.0", "--no-browser"]) == 130
    assert "warning: whoever reaches this machine over the network can see this scene" in capsys.readouterr().err


def test_a_port_in_use_is_told_before_the_work(monkeypatch, capsys):
    monkeypatch.setattr(view, "measured_page", lambda args: pytest.fail("measured for nothing"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert command_line.main(["view", "--web", "--port", str(port)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"port {port}: Address already in use" in told


@pytest.mark.parametrize("words", [["--port", "65536"], ["--port", "-1"], ["--port", "x"], ["--screenshot", "a.png"]])
def test_arguments_that_make_no_sense(words, capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.main(["view", "--web", *words])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_error_of_the_work_frees_the_port(served, monkeypatch, capsys):
    def failing(args):
        raise PairError("these are no pair")

    monkeypatch.setattr(view, "measured_page", failing)
    assert command_line.main(["view", "--web"]) == 2
    assert "these are no pair" in capsys.readouterr().err


def test_export_packs_a_page_for_html_alone(monkeypatch, tmp_path, capsys):
    written = []
    monkeypatch.setattr(export, "measure", lambda args: Made)
    monkeypatch.setattr(export, "packed", lambda result: PAGE)

    def write_ground(result, path, *, cameras, page):
        path.write_bytes(b"x")
        written.append((path.name, page))
        return [path]

    monkeypatch.setattr(export, "write_ground", write_ground)
    for name in ("crater.html", "crater.HTML", "crater.glb"):
        assert command_line.main(["export", "-o", str(tmp_path / name)]) == 0
    assert written == [("crater.html", PAGE), ("crater.HTML", PAGE), ("crater.glb", None)]
    assert capsys.readouterr().out.count("wrote ") == 3


class Made:
    terrain = None
    observations = ()


def test_packing_answers_ctrl_c_at_once(monkeypatch):
    """The work goes on in its own thread; the caller does not wait for it."""
    release = threading.Event()
    monkeypatch.setattr(cli_page, "page_of", lambda *args: release.wait(30))
    monkeypatch.setattr(cli_page, "about_result", lambda result: {})
    from stereo3d.cli import common

    def asked():
        raise Interrupted

    monkeypatch.setattr(common, "raise_if_asked", asked)
    with pytest.raises(Interrupted):
        cli_page.packed(Made)
    release.set()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_real_ctrl_c_ends_the_server_at_once():
    code = (
        "import sys\n"
        "from stereo3d.cli import main, view\n"
        "from stereo3d.export.page.parts import Page\n"
        "view.measured_page = lambda args: Page({'format': 1, 'name': 'crater'}, {})\n"
        "sys.argv = ['stereo3d', 'view', '--web', '--no-browser']\n"
        "main.console()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert "the page is at" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert (out, err) == ("", "stereo3d: interrupted; nothing was written\n")
