"""What an installed stereo3d carries: every package, and the data of calib/ and scenes/."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from stereo3d import __version__

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("stereo3d", "calib", "scenes")


def data_files(folder: str) -> set[str]:
    """Names below calib/ or scenes/, relative to it."""
    top = ROOT / folder
    return {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()}


def modules() -> list[Path]:
    """All of the package's; npm's packages, which a developer's clone may hold, bring some of their own."""
    return [path for path in (ROOT / "stereo3d").rglob("*.py") if "node_modules" not in path.parts]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a build reads, so that no build litter falls into the clone."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, copy)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    return copy


def build(kind: str, tree: Path, into: Path) -> Path:
    """Build a "wheel" or an "sdist" of ``tree`` without network; returns the archive."""
    into.mkdir(exist_ok=True)
    code = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(into)], cwd=tree, check=True, capture_output=True, timeout=120)
    (archive,) = into.iterdir()
    return archive


@pytest.fixture(scope="module")
def sdist(tree: Path) -> Path:
    return build("sdist", tree, tree.parent / "sdist")


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from the unpacked sdist: what it holds went through both."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    # Not tarfile: its filter argument is missing in Python 3.11.2 (Debian 12), and wanted by a warning in 3.12.
    subprocess.run(["tar", "-xzf", str(sdist)], cwd=unpacked, check=True, timeout=60)
    (tree,) = unpacked.iterdir()
    return build("wheel", tree, tmp_path_factory.mktemp("wheel") / "out")


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_pyproject_lists_every_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {path.parent.relative_to(ROOT) for path in modules() if path.name == "__init__.py"}
    mapped = set(settings["package-dir"])
    assert set(settings["packages"]) == {".".join(folder.parts) for folder in folders} | mapped
    assert mapped == {"stereo3d._calib", "stereo3d._scenes"}


def test_every_folder_with_modules_is_a_package() -> None:
    """A folder without __init__.py would import in the clone and be lost from the wheel."""
    folders = {module.parent for module in modules()}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_wheel_holds_every_module(names: set[str]) -> None:
    assert {path.relative_to(ROOT).as_posix() for path in modules()} | {"stereo3d/py.typed"} <= names


def test_wheel_holds_the_page_and_not_what_it_is_built_of(names: set[str]) -> None:
    prefix = "stereo3d/export/page/web/"
    found = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    assert found == {"index.html", "style.css", "dist/stereo3d.js", "dist/LICENSES.txt"}


@pytest.mark.parametrize("folder", ["calib", "scenes"])
def test_wheel_holds_the_data(names: set[str], folder: str) -> None:
    files = data_files(folder)
    assert files, f"{folder}/ is empty"
    prefix = f"stereo3d/_{folder}/"
    assert {name.removeprefix(prefix) for name in names if name.startswith(prefix)} == files


def test_wheel_holds_nothing_else(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"stereo3d", f"stereo3d-{__version__}.dist-info"}
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc")] == []
    assert f"stereo3d-{__version__}.dist-info/licenses/LICENSE" in names


def test_unpacked_wheel_finds_its_data_far_from_the_clone(wheel: Path, tmp_path: Path) -> None:
    """Published cameras and the bundled scene come from the installed package alone."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import stereo3d\n"
        "from stereo3d.camera.published import published_names\n"
        "from stereo3d.read import bundled_scene, read_scene\n"
        "assert published_names()\n"
        "from stereo3d.export.page.parts import viewer\n"
        "assert len(read_scene([], []).pairs) == 1\n"
        "assert viewer().script and viewer().licenses\n"
        "print(stereo3d.__file__, bundled_scene(), sep='\\n')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    package = tmp_path / "site" / "stereo3d"
    module, scene = map(Path, run.stdout.splitlines())
    assert module == package / "__init__.py"
    assert scene.is_relative_to(package / "_scenes")
