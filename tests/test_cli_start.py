"""The program answers at once, and a wrong command is one line and exit code 2."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from stereo3d import __version__
from stereo3d.cli.main import COMMANDS

SLOW = {"numpy", "cv2", "trimesh", "embreex", "pyvista", "vtkmodules", "PIL", "tifffile", "rich", "open3d", "rasterio"}
SLOW |= {"httpx", "shtab", "scipy", "numba", "distributed", "dask", "psutil"}


def stereo3d(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stereo3d", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_imports_nothing_slow(argument: str) -> None:
    """What keeps --help under 0.3 s, as a fact that does not depend on the machine."""
    code = (
        "import json, sys\n"
        "from stereo3d.cli.main import main\n"
        "try:\n"
        f"    main([{argument!r}])\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0, end.code\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(run.stderr)}
    assert "stereo3d" in loaded
    assert loaded & SLOW == set()


def test_help_names_every_command() -> None:
    run = stereo3d("--help")
    assert (run.returncode, run.stderr) == (0, "")
    for name, text in COMMANDS.items():
        assert name in run.stdout
        assert text.split(":")[0].split(",")[0][:30] in run.stdout


def test_version() -> None:
    run = stereo3d("--version")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(f"stereo3d {__version__} (Python {sys.version.split()[0]}, numpy {np.__version__}, ")
    assert run.stdout.endswith(")\n")
    assert run.stdout.count("\n") == 1


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str) -> None:
    run = stereo3d(name, "--help")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(f"usage: stereo3d {name} ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["--fly"], "COMMAND"),
        (["info", "--fly"], "--fly"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], words: str) -> None:
    run = stereo3d(*arguments)
    assert run.returncode == 2
    assert run.stdout == ""
    assert words in run.stderr
    assert run.stderr.count("\n") == 1
    assert "see 'stereo3d" in run.stderr
