"""Blender: the terrain with its cameras as a .blend, or as a GLB with files beside it that become one.

Blender runs as a program of its own and reads :mod:`stereo3d.export.blender_scene`: its Python may be another one, and
the module bpy changes the process that it runs in.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from stereo3d import __version__
from stereo3d.camera import CAHV
from stereo3d.camera.linearize import raw_pixels, square_pinholes
from stereo3d.errors import MissingLibraryError, OutputError
from stereo3d.export.content import Content
from stereo3d.export.credit import png_text
from stereo3d.export.glb import write_glb
from stereo3d.frames import RigidTransform
from stereo3d.observation import Observation, credit_of
from stereo3d.pipeline.pair import enu_from_rover

PROGRAM = "STEREO3D_BLENDER"
"""Environment variable: a Blender, or a Python that has the module bpy."""
SCRIPT = Path(__file__).with_name("blender_scene.py")
_LIMIT_S = 1800.0


def blender_command(script: Path = SCRIPT) -> list[str]:
    """The command that runs ``script`` in Blender, to which "--" and arguments are added.

    It is of ``STEREO3D_BLENDER``, else of this Python's bpy, else ``blender``.
    Raises MissingLibraryError when there is none.
    """
    named = os.environ.get(PROGRAM)
    program = named and shutil.which(named)
    if named and program is None:
        raise MissingLibraryError(f"{PROGRAM} names no program", file=named, expected="a Blender, or a Python with bpy")
    if program is None and importlib.util.find_spec("bpy") is not None:
        program = sys.executable
    program = program or shutil.which("blender")
    if program is None:
        raise MissingLibraryError(
            "Blender is not installed: no program blender, no Python module bpy",
            todo=f"install Blender; or, for Python 3.13: python -m pip install bpy; or name one with {PROGRAM}; "
            "or write a .glb with --cameras",
        )
    if "python" in Path(program).name.lower():
        # -I: the script's folder holds modules that are none of Blender's business.
        return [program, "-I", os.fspath(script)]
    return [program, "--background", "--factory-startup", "--python-exit-code", "1", "--python", os.fspath(script)]


def write_blend(content: Content, path: Path) -> None:
    """The scene that blender_scene.py describes.  Raises OutputError with Blender's last word when it fails."""
    command = blender_command()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mesh, cameras, scene = folder / "terrain.glb", folder / "cameras.json", folder / "scene.blend"
        write_glb(content, mesh)
        write_cameras(content, cameras)
        try:
            done = subprocess.run(
                [*command, "--", *map(os.fspath, (mesh, cameras, scene))],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_LIMIT_S,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OutputError(f"Blender could not be run: {error}", file=path) from error
        if done.returncode or not scene.is_file():
            words = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            last = words[-1] if words else "it said nothing"
            raise OutputError(f"Blender could not make the scene: {last}", file=path)
        shutil.copyfile(scene, path)


def write_cameras(content: Content, path: Path) -> None:
    """``path``, a JSON file, and beside it the undistorted frame of each camera as NAME_PRODUCT.png (RGBA).

    Positions and directions are in the frame of the mesh (X east, Y north, Z up, m).  A camera looks against ``back``;
    its picture of ``width`` x ``height`` px is exactly that of a pinhole with ``focal_px`` and the principal point
    ``principal_px`` (column, row; the centre of the first pixel is 0, 0); where the frame has nothing it is
    transparent.
    """
    observations = list(content.observations)
    cameras = []
    if observations:
        pinholes = square_pinholes([observation.camera for observation in observations])
        for observation, pinhole in zip(observations, pinholes, strict=True):
            name = re.sub(r"[^A-Za-z0-9._-]+", "_", observation.product_id)
            image = path.with_name(f"{path.stem}_{name}.png")
            PilImage.fromarray(undistorted_frame(observation, pinhole)).save(
                image, compress_level=3, pnginfo=png_text(credit_of(observation.mission))
            )
            cameras.append(_camera(observation, pinhole, image.name))
    description: dict[str, Any] = {
        "format": 1,
        "generator": f"stereo3d {__version__}",
        "about": dict(content.about),
        "frame": "X east, Y north, Z up, m; origin at the rover",
        "cameras": cameras,
        "sun": _sun(observations),
        "axes": _axes(observations),
    }
    path.write_text(json.dumps(description, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def undistorted_frame(observation: Observation, pinhole: CAHV) -> NDArray[np.uint8]:
    """(height, width, 4) uint8 RGBA: the frame as ``pinhole`` sees it, alpha 0 where it holds no data."""
    pixels = raw_pixels(pinhole, observation.camera).astype(np.float32)
    maps = np.nan_to_num(pixels[..., 0], nan=-9.0), np.nan_to_num(pixels[..., 1], nan=-9.0)
    image = observation.image
    colour = cv2.remap(image.rgb8, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.remap(image.valid.astype(np.uint8), *maps, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    return np.dstack([colour * seen[..., None], seen * np.uint8(255)])


def _camera(observation: Observation, pinhole: CAHV, image: str) -> dict[str, Any]:
    camera = pinhole.moved(enu_from_rover(observation))
    column, row = float(camera.H @ camera.A), float(camera.V @ camera.A)
    right, down = camera.H - column * camera.A, camera.V - row * camera.A
    focal = float(np.linalg.norm(right))
    return {
        "name": observation.product_id,
        "instrument": observation.instrument,
        "eye": observation.eye.value,
        "sclk_s": observation.sclk_s,
        "image": image,
        "width": camera.width,
        "height": camera.height,
        "focal_px": focal,
        "principal_px": [column, row],
        "position": camera.C.tolist(),
        "right": (right / focal).tolist(),
        "up": (-down / focal).tolist(),
        "back": (-camera.A).tolist(),
    }


def _sun(observations: list[Observation]) -> dict[str, float] | None:
    """Where the Sun stood at the middle one of the frames that say so."""
    known = sorted((o.sclk_s, o.sun_deg) for o in observations if o.sun_deg is not None)
    if not known:
        return None
    azimuth, elevation = known[len(known) // 2][1]
    return {"azimuth_deg": azimuth, "elevation_deg": elevation}


def _axes(observations: list[Observation]) -> list[dict[str, Any]]:
    """The rover's and the site's axes in the frame of the mesh: origin, and the directions of X, Y, Z."""
    if not observations:
        return []
    first = observations[0]
    rover = enu_from_rover(first)
    frames: list[RigidTransform] = [rover]
    if first.site_from_rover is not None and np.isfinite(first.site_from_rover.translation).all():
        frames.append(rover @ first.site_from_rover.inverse())
    return [
        {
            "name": f"{t.source} axes",
            "origin": t.translation.tolist(),
            "x": t.rotation[:, 0].tolist(),
            "y": t.rotation[:, 1].tolist(),
            "z": t.rotation[:, 2].tolist(),
        }
        for t in frames
    ]
