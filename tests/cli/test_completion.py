"""stereo3d completion: the scripts, in the shells themselves."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from stereo3d.cli.completion import SHELLS, completion_script, path_arguments
from stereo3d.cli.main import COMMANDS, build_parser, commands_of, main

TYPED = [
    ("recon", ["reconstruct"]),
    ("view --screensh", ["view", "--screenshot"]),
    ("view --layer hills", ["view", "--layer", "hillshade"]),
    ("panorama --projection equi", ["panorama", "--projection", "equirectangular"]),
    ("completion zs", ["completion", "zsh"]),
    ("help pano", ["help", "panorama"]),
    ("info pho", ["info", "photograph.png"]),
    ("view photograph.png oth", ["view", "photograph.png", "other.png"]),
    ("view --metadata rec", ["view", "--metadata", "record.json"]),
    ("explain --pixel 3,4 --picture wh", ["explain", "--pixel", "3,4", "--picture", "why.png"]),
    # An -o DIR is a folder: the file of the same beginning is not offered.
    ("map -o frames-o", ["map", "-o", "frames-of-a-stop"]),
    ("info 'two words/le", ["info", "two words/left.png"]),
]
"""What is typed before Tab, and the words that stand there after it."""
FISH_TYPED = [(typed, words[-1]) for typed, words in TYPED[:-1]]
"""fish lists what may stand there, without quoting it."""

READY = {
    "bash": ["bash", "--noprofile", "--norc", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
LOAD = {
    "bash": 'eval "$(cat _stereo3d)"\n',
    "zsh": "fpath=($PWD $fpath); autoload -U compinit; compinit -u -D\n",
}
SAY = "stereo3d() { printf 'word=%s;' \"$@\"; printf 'said\\n'; }\n"
"""In the place of the program: what it was called with."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the shell stands."""
    for name in ("photograph.png", "other.png", "record.json", "why.png", "frames-of-a-stop.txt"):
        (tmp_path / name).touch()
    (tmp_path / "frames-of-a-stop").mkdir()
    (tmp_path / "two words").mkdir()
    (tmp_path / "two words" / "left.png").touch()
    return tmp_path


def shell_or_skip(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"COMPLETION NOT CHECKED IN {name.upper()}: it is not installed (apt-get install {name})")
    return path


class Terminal:
    """An interactive shell at a pseudo-terminal."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:  # pragma: no cover - the child
            os.chdir(folder)
            os.environ.update(TERM="dumb", PS1="$ ", HISTFILE="", HOME=str(folder))
            os.execvp(command[0], command)

    def send(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def read_until(self, end: str) -> str:
        """All that is shown up to ``end``; fails after a minute without it."""
        shown, deadline = "", time.monotonic() + 60
        while end not in shown:
            if not select.select([self.fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                pytest.fail(f"no {end!r} in {shown!r}")
            shown += os.read(self.fd, 4096).decode(errors="replace")
        return shown

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tab_completes_in_the_shell(shell: str, folder: Path) -> None:
    command = READY[shell]
    command = [shell_or_skip(command[0]), *command[1:]]
    (folder / "_stereo3d").write_text(completion_script(shell))
    terminal = Terminal(command, folder)
    try:
        terminal.send(LOAD[shell] + SAY + "stereo3d ready\n")
        terminal.read_until("word=ready;said")
        for typed, words in TYPED:
            terminal.send(f"stereo3d {typed}\t\n")
            shown = terminal.read_until(";said")
            found = [part.partition("word=")[2] for part in shown.split(";") if "word=" in part]
            # zsh takes the slash of a completed folder away again when the line is sent.
            assert [word.removesuffix("/") for word in found] == words, (typed, shown)
    finally:
        terminal.close()


@pytest.mark.parametrize(("typed", "word"), FISH_TYPED)
def test_fish_offers_what_may_stand_there(typed: str, word: str, folder: Path) -> None:
    shell = shell_or_skip("fish")
    (folder / "script").write_text(completion_script("fish"))
    run = subprocess.run(
        [shell, "--no-config", "-c", f"source script; complete -C 'stereo3d {typed}'"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stderr == ""
    assert [line.partition("\t")[0].removesuffix("/") for line in run.stdout.splitlines()] == [word]


@pytest.mark.parametrize("shell", SHELLS)
def test_script_names_every_command_and_option(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert set(SHELLS) == {"bash", "zsh", "fish"}
    for name, parser in commands_of(build_parser(COMMANDS)).items():
        assert name in script
        for action in parser._actions:
            for option in action.option_strings:
                assert (f"-l {option[2:]}" if shell == "fish" and option.startswith("--") else option) in script


def test_what_reads_files_has_file_arguments() -> None:
    """Completion knows files by the type Path: an argument with another type would complete nothing."""
    parsers = commands_of(build_parser(COMMANDS))
    for name, parser in parsers.items():
        named = [a for a in parser._actions if a.metavar in ("FILE", "DIR", "INPUT")]
        assert path_arguments(parser) == named, name
    assert sum(len(path_arguments(parser)) for parser in parsers.values()) > 20


def test_unknown_shell_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["completion", "tcsh"])
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert "invalid choice: 'tcsh'" in told
    assert told.count("\n") == 1
