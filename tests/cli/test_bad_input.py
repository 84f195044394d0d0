"""Every command that takes a pair: bad input is one line on stderr, exit code 2, nothing written."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stereo3d.cli.main import main
from stereo3d.read import bundled_scene

LEFT, RIGHT = "SIM_NAVCAM_LEFT_0001", "SIM_NAVCAM_RIGHT_0001"


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A folder with a copy of the bundled pair, without its scene.toml."""
    folder = tmp_path / "pair"
    folder.mkdir()
    for name in (LEFT, RIGHT):
        for suffix in (".png", ".json"):
            shutil.copy(bundled_scene() / (name + suffix), folder)
    return folder


def _edit(folder: Path, name: str, change: Callable[[dict], object]) -> None:
    record = json.loads((folder / f"{name}.json").read_text())
    change(record)
    (folder / f"{name}.json").write_text(json.dumps(record))


def _png_claiming(size: int) -> bytes:
    """A well-formed head of a grey PNG of size x size px, with hardly any data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def _picture(folder: Path, shape: tuple[int, int], value: int) -> None:
    Image.fromarray(np.full(shape, value, dtype=np.uint8)).save(folder / f"{LEFT}.png")


def _other_site(folder: Path) -> None:
    _edit(folder, RIGHT, lambda r: r.update(site=r["site"] + 1))


def _other_shot(folder: Path) -> None:
    _edit(folder, RIGHT, lambda r: r["extended"].update(sclk=str(float(r["extended"]["sclk"]) + 600)))


def _two_lefts(folder: Path) -> None:
    _edit(folder, RIGHT, lambda r: r["camera"].update(instrument="NAVCAM_LEFT"))


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no such file": (lambda f: (f / f"{LEFT}.png").unlink(), "no such file"),
    "truncated": (
        lambda f: (f / f"{LEFT}.png").write_bytes((f / f"{LEFT}.png").read_bytes()[:50_000]),
        "truncated|damaged|decode",
    ),
    "no record": (lambda f: (f / f"{LEFT}.json").unlink(), "record"),
    "no model": (lambda f: _edit(f, LEFT, lambda r: r["camera"].pop("camera_model_component_list")), "model"),
    "left and left": (_two_lefts, "left and left"),
    "other shot": (_other_shot, "different shots"),
    "other site": (_other_site, "different places"),
    "other size": (lambda f: _picture(f, (480, 640), 90), "640 x 480"),
    "1 x 1": (lambda f: _picture(f, (1, 1), 90), "1 x 1"),
    "all black": (lambda f: _picture(f, (960, 1280), 0), "black"),
    "bomb": (lambda f: (f / f"{LEFT}.png").write_bytes(_png_claiming(100_000)), "100000 x 100000"),
}


@pytest.mark.parametrize("command", ["view", "export", "reconstruct"])
@pytest.mark.parametrize("case", CASES)
def test_one_line_and_nothing_written(
    pair: Path, case: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    spoil, words = CASES[case]
    spoil(pair)
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.chdir(out)
    target = {
        "view": ["--screenshot", "picture.png"],
        "export": ["-o", "mesh.glb"],
        "reconstruct": ["-o", "products"],
    }[command]
    before = sorted(p.name for p in pair.iterdir())
    assert main([command, str(pair / f"{LEFT}.png"), str(pair / f"{RIGHT}.png"), *target]) == 2
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1, error
    assert any(word in error for word in words.split("|")), error
    assert "Traceback" not in error
    assert list(out.iterdir()) == []
    assert sorted(p.name for p in pair.iterdir()) == before


@pytest.mark.parametrize("name", ["mesh.xyz", "mesh", "nowhere/../mesh.fbx"])
def test_an_unknown_mesh_format_is_told_before_the_work(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    monkeypatch.setattr("stereo3d.cli.export.measure", lambda *_: pytest.fail("the work was started"))
    assert main(["export", "-o", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert ".glb" in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize("pair", ["7", "NLF_0001"])
def test_a_pair_that_is_not_there(pair: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["export", "--pair", pair, "-o", str(tmp_path / "out.glb")]) == 2
    error = capsys.readouterr().err
    assert f"there is no pair {pair} among" in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
