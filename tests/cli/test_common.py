"""What the commands share."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from stereo3d.cli import common
from stereo3d.cli.main import main
from stereo3d.errors import StereoError
from stereo3d.pipeline import Settings
from stereo3d.scene import Scene

MEASURING = {
    "view": ["--screenshot", "x.png"],
    "reconstruct": ["-o", "out"],
    "export": ["-o", "x.glb"],
    "evaluate": [],
    "explain": ["--pixel", "5,5"],
}


@pytest.mark.parametrize("command", MEASURING)
def test_every_command_that_measures_can_be_told_that_there_is_no_sky(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def reconstruct(scene: Scene, settings: Settings, *_: object) -> None:
        asked.append(settings)
        raise StereoError("enough")

    module = importlib.import_module(f"stereo3d.cli.{command}")
    monkeypatch.setattr(module if hasattr(module, "reconstruct") else common, "reconstruct", reconstruct)
    monkeypatch.chdir(tmp_path)
    for options in ([], ["--no-sky"]):
        assert main([command, *MEASURING[command], *options]) == 2
    assert [settings.sky for settings in asked] == [True, False]
