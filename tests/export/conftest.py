"""A textured terrain small enough to look at: a hill of 2 m on a plane of 40 x 30 m in the ENU frame."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import numpy as np
import pytest

from stereo3d.errors import MissingLibraryError
from stereo3d.export.blend import blender_command
from stereo3d.frames import Frame
from stereo3d.terrain.mesh import TerrainMesh
from stereo3d.terrain.texture import TexturedMesh

ROWS, COLUMNS = 31, 41


@pytest.fixture
def textured() -> TexturedMesh:
    """Vertex (row, column) lies east of the origin by column + 5 m, north by 30 - row m; its pixel is red = 6 * column,
    green = 8 * row, blue = 100."""
    row, column = (a.ravel() for a in np.mgrid[0:ROWS, 0:COLUMNS])
    height = 2.0 * np.exp(-((column - 20.0) ** 2 + (row - 10.0) ** 2) / 30.0)
    vertices = np.stack([column + 5.0, 30.0 - row, height], axis=1)
    a = (np.arange(ROWS - 1)[:, None] * COLUMNS + np.arange(COLUMNS - 1)).ravel()
    faces = np.concatenate([np.stack([a, a + COLUMNS, a + 1], 1), np.stack([a + 1, a + COLUMNS, a + COLUMNS + 1], 1)])
    # The slope of the hill, differentiated by hand.
    slope = np.stack([-(column - 20.0) / 15.0 * height, (row - 10.0) / 15.0 * height], axis=1)
    normals = np.concatenate([-slope, np.ones((len(row), 1))], axis=1)
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    mesh = TerrainMesh(
        frame=Frame.enu(1, 2),
        vertices=vertices,
        faces=faces.astype(np.int32),
        normals=normals.astype(np.float32),
        pixels=np.stack([column, row], axis=1).astype(np.float32),
        sigma_m=(0.01 + 0.001 * column).astype(np.float32),
        kind=np.zeros(len(faces), np.uint8),
    )
    image = np.zeros((ROWS, COLUMNS, 3), np.uint8)
    image[..., 0] = 6 * np.arange(COLUMNS)
    image[..., 1] = 8 * np.arange(ROWS)[:, None]
    image[..., 2] = 100
    uv = np.stack([(column + 0.5) / COLUMNS, 1.0 - (row + 0.5) / ROWS], axis=1).astype(np.float32)
    return TexturedMesh(mesh, uv, image)


@pytest.fixture(scope="session")
def in_blender(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """``run(code, *arguments)``: run a script in Blender, a process of its own; the test is skipped without one."""
    try:
        blender_command()
    except MissingLibraryError as error:
        pytest.skip(f"NOT CHECKED IN BLENDER: {error}")
    folder = tmp_path_factory.mktemp("scripts")

    def run(code: str, *arguments: object) -> None:
        script = folder / "script.py"
        script.write_text(code)
        command = [*blender_command(script), "--", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=250)
        assert done.returncode == 0, done.stdout + done.stderr

    return run
