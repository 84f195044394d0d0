"""Shared by all tests: the data beside the project, and a loud count of the tests that went without it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from stereo3d.pipeline import DrivesReconstruction, GroundReconstruction
    from stereo3d.scene import Scene
    from stereo3d.simulate.painted import PaintedWorld
    from stereo3d.simulate.stops import Stop

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real products beside the project (../shared/data); the test is skipped without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no shared data: ../shared/data is not beside the project")
    return SHARED_DATA


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in capitals how many tests did not run for want of the shared data: a silent skip looks like a pass."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    blender = sum("NOT CHECKED IN BLENDER" in reason for reason in reasons)
    if blender:
        terminalreporter.write_line(
            f"{blender} TESTS SKIPPED: NO BLENDER (pip install bpy, or STEREO3D_BLENDER)", red=True
        )
    browser = sum("NOT CHECKED IN A BROWSER" in reason for reason in reasons)
    if browser:
        terminalreporter.write_line(
            f"{browser} TESTS SKIPPED: NO CHROMIUM (apt-get install chromium; pip install playwright)", red=True
        )
    count = sum("shared data" in reason or "shared/data" in reason for reason in reasons)
    if count:
        terminalreporter.write_sep("!", red=True)
        terminalreporter.write_line(
            f"{count} {'TEST' if count == 1 else 'TESTS'} SKIPPED: NO SHARED DATA (../shared/data) BESIDE THE PROJECT",
            red=True,
            bold=True,
        )
        terminalreporter.write_sep("!", red=True)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tests leave the user's cache alone; each measures anew, whatever ran before, unless it asks for a cache."""
    folder = tmp_path_factory.mktemp("cache") / "stereo3d"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEREO3D_CACHE", str(folder))
        patch.setenv("STEREO3D_CACHE_GB", "0")
        yield folder


@pytest.fixture(scope="session")
def simulated() -> ModuleType:
    """The module tests/fetch/server.py: a feed of raw images on this machine."""
    path = Path(__file__).parent / "fetch" / "server.py"
    spec = importlib.util.spec_from_file_location("raw_feed_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def painted_world() -> PaintedWorld:
    """A plane that falls 6 % to the north and rises 3 % to the east: neither level nor that of the wheels."""
    from stereo3d.simulate.painted import painted_plane

    return painted_plane(5, (-0.06, 0.03, 1.0))


@pytest.fixture(scope="session")
def painted_ring(painted_world: PaintedWorld) -> Scene:
    """Six pointings of the left eye, all around."""
    from stereo3d.observation import Eye
    from stereo3d.simulate.painted import painted_scene

    return painted_scene(painted_world, range(10, 370, 60), [Eye.LEFT])


@pytest.fixture(scope="session")
def painted_pairs(painted_world: PaintedWorld) -> Scene:
    """Three pointings of both eyes."""
    from stereo3d.observation import Eye
    from stereo3d.simulate.painted import painted_scene

    return painted_scene(painted_world, (20, 70, 120), [Eye.LEFT, Eye.RIGHT])


@pytest.fixture(scope="session")
def ring_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene folder: six simulated pairs of 320 x 240 px all around, of seed 3."""
    from stereo3d.simulate.scene_writer import write_ring

    folder = tmp_path_factory.mktemp("scenes") / "small-ring"
    write_ring(folder, 3, samples=1, binning=16)
    return folder


@pytest.fixture(scope="session")
def ring_told() -> list[tuple[str, float]]:
    """The progress that ``ring_result`` told, (stage, share), once it is made."""
    return []


@pytest.fixture(scope="session")
def ring_result(ring_folder: Path, ring_told: list[tuple[str, float]]) -> GroundReconstruction:
    """The one ground of ``ring_folder``."""
    from stereo3d.pipeline import reconstruct_scene
    from stereo3d.read import read_frames

    return reconstruct_scene(read_frames([ring_folder]), progress=lambda *told: ring_told.append(told))


@pytest.fixture(scope="session")
def drive_stops() -> tuple[Stop, ...]:
    """Two simulated stops 8 m apart that look at each other, a pair each, the second told 0.3 m wrong."""
    from stereo3d.simulate.stops import DriveError, Parking, simulate_stops

    parkings = (Parking(0.0, 0.0, 69.08, (70.0,)), Parking(2.7, 7.4, 160.0, (250.0,)))
    return simulate_stops(6, parkings, error=DriveError(0.2, 0.3, 0.1), binning=12, samples=1)


@pytest.fixture(scope="session")
def drive_result(drive_stops: tuple[Stop, ...]) -> DrivesReconstruction:
    """The one ground of ``drive_stops``."""
    from stereo3d.pipeline import reconstruct_stops
    from stereo3d.scene import Scene

    return reconstruct_stops([Scene(f"stop-{k}", s.observations, simulated=True) for k, s in enumerate(drive_stops)])
