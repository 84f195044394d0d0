"""A simulated pair as a scene folder that the readers take like any raw-feed pair."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CAHVORE
from stereo3d.errors import OutputError
from stereo3d.observation import Observation
from stereo3d.simulate.navcam import ATTITUDE, BINNING, DRIVE, POSITION_M, SITE, boresight_deg, middle, navcam_pair
from stereo3d.simulate.pair import level_pose, simulate_pair
from stereo3d.simulate.truth_file import write_truth
from stereo3d.stereo.truth import Truth

__all__ = ["ATTITUDE", "BINNING", "DRIVE", "SITE", "navcam_pair", "raw_feed_record", "write_scene"]


def write_scene(folder: Path, seed: int, samples: int = 3, binning: int = BINNING) -> Truth:
    """Simulate the scene of ``seed`` and write its folder, files of the same names replaced.

    The README.md of the folder is written by hand and left alone.  Raises OutputError.
    """
    left, right = navcam_pair(binning)
    pair, truth = simulate_pair(seed, left, right, level_from_rover=level_pose(SITE, DRIVE, ATTITUDE), samples=samples)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = [_write_eye(folder, observation, binning) for observation in (pair.left, pair.right)]
        write_truth(folder / "truth.tif", truth)
        _write_preview(folder / "preview.png", pair.left.image.rgb8)
        (folder / "scene.toml").write_text(
            "format = 1\n"
            f'name = "{folder.name}"\n'
            'title = "A simulated Jezero floor, seen by the Navcams of Perseverance"\n'
            "simulated = true\n"
            f"images = {json.dumps(names)}\n"
            'truth = "truth.tif"\n'
            'credit = "stereo3d (simulated; camera models: NASA/JPL-Caltech)"\n',
            encoding="utf-8",
        )
    except OSError as error:
        raise OutputError(f"the scene cannot be written: {error.strerror or error}", file=folder) from error
    return truth


def _write_eye(folder: Path, observation: Observation, binning: int) -> str:
    from PIL import Image

    name = f"{observation.product_id}.png"
    Image.fromarray(observation.image.rgb8).save(folder / name, optimize=True)
    record = raw_feed_record(observation, binning)
    text = json.dumps(record, indent=2) + "\n"
    (folder / f"{observation.product_id}.json").write_text(text, encoding="utf-8")
    return name


def _write_preview(path: Path, pixels: NDArray[np.uint8]) -> None:
    from PIL import Image

    small = Image.fromarray(pixels)
    small.thumbnail((480, 480))
    small.quantize(128).save(path, optimize=True)


def raw_feed_record(observation: Observation, binning: int) -> dict[str, object]:
    """The record of a simulated image, with the keys and the string forms of a Perseverance raw-feed record."""
    camera = observation.camera
    assert isinstance(camera, CAHVORE)
    model = ";".join(_tuple(getattr(camera, name)) for name in "CAHVORE")
    # The feed gives the direction of each eye's own boresight.
    _, axis = camera.ray(middle(camera))
    azimuth, elevation = boresight_deg(camera)
    eye = observation.eye.value.capitalize()
    identity = observation.product_id
    return {
        "mission": "simulated",
        "extended": {
            "mastAz": f"{azimuth:.6g}",
            "mastEl": f"{elevation:.6g}",
            "sclk": f"{observation.sclk_s:.3f}",
            "scaleFactor": str(binning),
            "xyz": _tuple(POSITION_M),
            "subframeRect": f"(1,1,{camera.width * binning},{camera.height * binning})",
            "dimension": f"({camera.width},{camera.height})",
        },
        "sol": observation.sol,
        "attitude": _tuple(ATTITUDE),
        "image_files": {"full_res": f"{identity}.png"},
        "imageid": identity,
        "camera": {
            "filter_name": "UNK",
            "camera_vector": "(" + ",".join(repr(float(v)) for v in axis) + ")",
            "camera_model_component_list": f"{model};{float(camera.pupil_type)};{float(camera.linearity)}",
            "camera_position": _tuple(camera.C),
            "instrument": observation.instrument,
            "camera_model_type": "CAHVORE",
        },
        "caption": f"SIMULATED by stereo3d: no spacecraft took this image. {eye} Navigation Camera (Navcam) model.",
        "sample_type": "Full",
        "date_taken_mars": "UNK",
        "credit": "stereo3d (simulated)",
        "date_taken_utc": "UNK",
        "json_link": "UNK",
        "link": "UNK",
        "drive": str(observation.drive),
        "title": f"SIMULATED: {eye} Navigation Camera (Navcam)",
        "site": observation.site,
        "date_received": "UNK",
    }


def _tuple(values: object) -> str:
    return "(" + ",".join(f"{float(v):.6g}" for v in np.asarray(values, dtype=np.float64)) + ")"
