"""The linters and the type checker are tests, so that one command is the whole check."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def tool(name: str) -> str:
    """The tool that was installed beside this Python, not one of the same name elsewhere on the path."""
    found = shutil.which(name, path=sysconfig.get_path("scripts"))
    assert found, f"{name} is not installed: pip install -e '.[test]'"
    return found


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy", "--strict", "--python-executable", sys.executable],
        ["lint-imports"],
    ],
    ids=lambda command: "-".join(word for word in command[:2] if word.isidentifier() or "-" in word).replace("--", ""),
)
def test_code_quality(command: list[str]) -> None:
    run = subprocess.run(
        [tool(command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert run.returncode == 0, f"{' '.join(command)}\n{run.stdout}{run.stderr}"
