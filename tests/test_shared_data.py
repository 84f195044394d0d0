"""A run without the shared data says so in capitals: a silent skip would look like a pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest

def test_one(shared_data):
    assert shared_data.is_dir()

def test_two(shared_data):
    assert (shared_data / "README.md").is_file()

def test_of_another_helper():
    pytest.skip("needs ../shared/data/perseverance")

def test_of_yet_another_helper():
    pytest.skip("no shared data here")

def test_without_data():
    pytest.skip("not on this system")
"""


def run_tests(project: Path) -> str:
    (project / "tests").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("conftest.py"), project / "tests")
    (project / "tests" / "test_some.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(project), "tests"]
    run = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_skips_for_want_of_data_are_counted_in_capitals(tmp_path: Path) -> None:
    out = run_tests(tmp_path / "project")
    assert "5 skipped" in out
    assert "4 TESTS SKIPPED: NO SHARED DATA" in out


def test_with_the_data_the_fixture_is_its_folder(tmp_path: Path) -> None:
    data = tmp_path / "shared" / "data"
    data.mkdir(parents=True)
    (data / "README.md").touch()
    out = run_tests(tmp_path / "project")
    assert "2 passed, 3 skipped" in out
    assert "2 TESTS SKIPPED" in out


def test_the_fixture_here(shared_data: Path) -> None:
    assert shared_data.parts[-2:] == ("shared", "data")
    assert (shared_data / "README.md").is_file()
