"""What stands beside the package: changelog, citation, the README's pictures and the script that makes them."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest
from PIL import ExifTags
from PIL import Image as Pil

from stereo3d import __version__
from stereo3d.cli.main import build_parser

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / ".readme"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("readme_pictures", PICTURES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_picture_has_its_command_and_carries_it(make: ModuleType) -> None:
    assert {path.name for path in PICTURES.iterdir() if path.suffix != ".py" and path.is_file()} == set(make.PICTURES)
    for name, command in make.PICTURES.items():
        program, *arguments = shlex.split(command)
        assert program == "stereo3d"
        assert build_parser(arguments[:1]).parse_args(arguments).command == arguments[0]
        with Pil.open(PICTURES / name) as picture:
            assert picture.getexif()[ExifTags.Base.ImageDescription] == command


def test_pictures_are_small_enough_for_every_clone(make: ModuleType) -> None:
    assert make.MOST_BYTES <= 2_500_000
    assert sum(path.stat().st_size for path in PICTURES.iterdir() if path.is_file()) < make.MOST_BYTES


def test_readme_shows_only_what_is_there(make: ModuleType) -> None:
    shown = re.findall(r"\]\(\.readme/([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown
    assert set(shown) <= set(make.PICTURES)


def test_changelog_tells_of_this_version() -> None:
    text = (ROOT / ".release" / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert __version__ in headings
    assert headings.index(__version__) <= 1
    assert set(re.findall(r"^### (\w+)", text, re.MULTILINE)) <= {
        "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"
    }  # fmt: skip


def test_citation_is_of_this_version() -> None:
    text = (ROOT / ".release" / "CITATION.cff").read_text(encoding="utf-8")
    for line in ("cff-version: 1.2.0", "type: software", f"version: {__version__}", "license: MIT"):
        assert f"\n{line}\n" in f"\n{text}"
