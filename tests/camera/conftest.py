"""Cameras for the tests: the oracle's, those of the real image records, and a maker of random ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stereo3d.camera import CAHV, CAHVOR, CAHVORE, CameraModel
from stereo3d.frames import Frame

HERE = Frame("TEST")


def _camera(record: dict[str, Any]) -> CameraModel:
    """The camera of one entry of oracle_camera_models.json."""
    linear = (HERE, record["width"], record["height"], *(record[k] for k in "CAHV"))
    if record["type"] == "CAHV":
        return CAHV(*linear)
    if record["type"] == "CAHVOR":
        return CAHVOR(*linear, record["O"], record["R"])
    return CAHVORE(*linear, record["O"], record["R"], record["E"], record["mtype"], record["mparm"])


@pytest.fixture(scope="session")
def camera_of() -> Callable[[dict[str, Any]], CameraModel]:
    """Builds the camera of one entry of the oracle."""
    return _camera


@pytest.fixture(scope="session")
def oracle(shared_data: Path) -> list[dict[str, Any]]:
    """The 30 cameras of the oracle with their samples."""
    cameras = json.loads((shared_data / "calib" / "oracle_camera_models.json").read_text())["cameras"]
    assert len(cameras) == 30
    return list(cameras)


@pytest.fixture(scope="session")
def real_records(shared_data: Path) -> list[tuple[str, dict[str, Any], CAHVORE]]:
    """(image id, record, camera) of all Perseverance records with the usual component order."""
    found = []
    for path in sorted((shared_data / "perseverance").glob("*.json")):
        record = json.loads(path.read_text())
        parts = record["camera"]["camera_model_component_list"].split(";")
        vectors = [np.array([float(x) for x in part.strip("()").split(",")]) for part in parts[:7]]
        width, height = (int(x) for x in record["extended"]["dimension"].strip("()").split(","))
        camera = CAHVORE(HERE, width, height, *vectors, int(float(parts[7])), float(parts[8]))
        found.append((record["imageid"], record, camera))
    assert len(found) >= 16
    return found


def _random(seed: int, kind: str, pupil_type: int = 3, hard: bool = False) -> CameraModel:
    """A random but possible camera; ``hard`` draws distortions and pupils beyond those of real lenses."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    right, down, forward = turn
    width, height = int(rng.integers(200, 3000)), int(rng.integers(200, 3000))
    scale = max(width, height) * rng.uniform(0.4, 3.0)
    centre = np.array([width, height]) * rng.uniform(0.3, 0.7, 2)
    linear = (
        HERE,
        width,
        height,
        rng.normal(size=3) * 2.0,
        forward,
        scale * right + centre[0] * forward,
        scale * rng.uniform(0.99, 1.01) * (down + 0.01 * rng.normal() * right) + centre[1] * forward,
    )
    if kind == "CAHV":
        return CAHV(*linear)
    axis = forward + 0.01 * (rng.normal() * right + rng.normal() * down)
    axis /= np.linalg.norm(axis)
    r = rng.normal(size=3) * ([0.1, 0.5, 0.5] if hard else [1e-3, 0.05, 0.02])
    if kind == "CAHVOR":
        return CAHVOR(*linear, axis, r)
    e = rng.normal(size=3) * (0.03 if hard else 0.005)
    return CAHVORE(*linear, axis, r, e, pupil_type, float(rng.uniform(-1.0, 1.0)))


@pytest.fixture(scope="session")
def random_camera() -> Callable[..., CameraModel]:
    """Makes a random camera: (seed, kind, pupil_type, hard); all its vectors are exactly unit where they should be."""
    return _random
