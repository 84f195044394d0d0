"""The camera models against the compiled JPL routine: 1e-6 px, 1e-9 rad, 1e-9 m."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stereo3d.camera import CameraModel
from stereo3d.camera.published import calib_file, published_camera


def _compare(camera: CameraModel, samples: list[dict[str, Any]]) -> None:
    pixel, origin, direction, point, point_pixel = (
        np.array([s[k] for s in samples]) for k in ("pixel", "ray_origin", "ray_direction", "point", "point_pixel")
    )
    origins, directions = camera.ray(pixel)
    # The oracle's directions are as far from unit as the published O: compare angles.
    angle = np.arctan2(
        np.linalg.norm(np.cross(directions, direction), axis=1), np.einsum("ij,ij->i", directions, direction)
    )
    assert angle.max() < 1e-9
    assert np.abs(origins - origin).max() < 1e-9
    assert np.abs(camera.project(point) - point_pixel).max() < 1e-6
    assert np.abs(np.linalg.norm(directions, axis=1) - 1.0).max() < 1e-12


@pytest.mark.parametrize("index", range(30))
def test_every_camera_agrees_with_the_oracle(
    oracle: list[dict[str, Any]], camera_of: Callable[[dict[str, Any]], CameraModel], index: int
) -> None:
    record = oracle[index]
    assert len(record["samples"]) == 28
    _compare(camera_of(record), record["samples"])


def test_published_cameras_agree_with_the_extract_of_the_oracle() -> None:
    samples = defaultdict(list)
    for sample in json.loads(calib_file("oracle_extract.json").read_text())["samples"]:
        samples[sample["camera"]].append(sample)
    assert {"NAVL", "NAVR", "HAZFLA", "HAZRR", "MCAM_Z_LEFT-Z034", "WATSON"} == set(samples)
    for name, some in samples.items():
        assert len(some) == 3
        _compare(published_camera(name), some)
