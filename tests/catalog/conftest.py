"""Folders of small made-up frames in every form, and the index of a test's own."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from stereo3d.catalog.database import reading
from stereo3d.catalog.place import Catalogue, catalogue_of
from stereo3d.catalog.query import Row, Wish, frames
from stereo3d.catalog.update import update


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    """The module tests/read/conftest.py, which makes images and records."""
    path = Path(__file__).parents[1] / "read" / "conftest.py"
    spec = importlib.util.spec_from_file_location("made_up_products", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def own_catalogs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Indexes lie in a folder of the test's own, and the current folder is an empty one."""
    cache = tmp_path_factory.mktemp("index")
    monkeypatch.setenv("STEREO3D_CACHE", str(cache))
    monkeypatch.delenv("STEREO3D_CATALOG", raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
    return cache


@pytest.fixture
def mars(tmp_path: Path) -> Path:
    """The folder that is catalogued."""
    folder = tmp_path / "mars"
    folder.mkdir()
    return folder


@pytest.fixture
def make(made_up: ModuleType, mars: Path) -> Callable[..., object]:
    """``make("L", folder=mars, sclk=..., site=..., drive=..., sol=...)``: a written image with its record."""

    def make(letter: str = "L", folder: Path = mars, sol: int = 400, **changes: int):
        folder.mkdir(parents=True, exist_ok=True)
        image = made_up._make(folder, letter, **changes)
        return image.set(sol=sol).write()

    return make


@pytest.fixture
def make_pair(make) -> Callable[..., tuple[object, object]]:
    """Both eyes of ``make``."""
    return lambda **changes: (make("L", **changes), make("R", **changes))


@pytest.fixture
def indexed() -> Callable[[Path], tuple[Catalogue, list[Row]]]:
    """Bring the index of a folder up to date; gives its catalogue, and all of its frames."""

    def indexed(folder: Path) -> tuple[Catalogue, list[Row]]:
        catalogue = catalogue_of(folder)
        update(catalogue)
        with reading(catalogue.database, folder) as db:
            return catalogue, frames(db, Wish())

    return indexed


@pytest.fixture
def report() -> Callable[..., None]:
    """``report(folder, **inputs)`` writes the report.json of a reconstruction."""

    def write(folder: Path, **inputs: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        place = {"mission": "Mars 2020", "sol": 400, "site": 5, "drive": 1234, "left": "A", "right": "B"}
        (folder / "report.json").write_text(json.dumps({"version": "1", "inputs": {**place, **inputs}}))
        (folder / "preview.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    return write


@pytest.fixture
def make_labelled_in(made_up: ModuleType) -> Callable[[Path, str], object]:
    """``make_labelled_in(folder, "a.IMG")``: an image with a label of the archives, not written yet."""
    import numpy as np

    def make(folder: Path, name: str) -> object:
        groups = {"": dict(made_up.IDENTIFICATION), "GEOMETRIC_CAMERA_MODEL": dict(made_up.MODEL)}
        groups["ROVER_COORDINATE_SYSTEM"] = dict(made_up.ROVER)
        groups["INSTRUMENT_STATE_PARMS"] = dict(made_up.STATE)
        pixels = np.random.default_rng(7).integers(1, 200, (made_up.HEIGHT, made_up.WIDTH)).astype(">i2")
        return made_up.LabelledImage(folder / name, pixels, groups)

    return make


@pytest.fixture
def make_glb() -> Callable[[Path, dict[str, str]], None]:
    """``make_glb(path, extras)`` writes the head of a GLB with these extras of its asset, and no mesh."""

    def make(path: Path, extras: dict[str, str]) -> None:
        data = json.dumps({"asset": {"version": "2.0", "extras": extras}}).encode()
        data += b" " * (-len(data) % 4)
        head = b"glTF" + (2).to_bytes(4, "little") + (20 + len(data)).to_bytes(4, "little")
        path.write_bytes(head + len(data).to_bytes(4, "little") + b"JSON" + data)

    return make
