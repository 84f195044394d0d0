"""Simulated pairs and rings as scene folders that the readers take like any images of the raw feed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from stereo3d.camera import CAHVORE
from stereo3d.errors import OutputError
from stereo3d.observation import Observation
from stereo3d.simulate.navcam import ATTITUDE, BINNING, DRIVE, POSITION_M, SITE, boresight_deg, middle, navcam_pair
from stereo3d.simulate.pair import level_pose, simulate_pair
from stereo3d.simulate.ring import Ring, simulate_ring
from stereo3d.simulate.ring_truth import write_pointing_truth, write_ranges
from stereo3d.simulate.truth_file import write_truth
from stereo3d.stereo.truth import Truth

__all__ = [
    "ATTITUDE",
    "BINNING",
    "DRIVE",
    "SITE",
    "navcam_pair",
    "raw_feed_record",
    "write_frames",
    "write_ring",
    "write_scene",
]


def write_scene(folder: Path, seed: int, samples: int = 3, binning: int = BINNING) -> Truth:
    """Simulate one exact pair of ``seed`` and write its folder (PNG), files of the same names replaced.

    Raises OutputError.
    """
    left, right = navcam_pair(binning)
    pair, truth = simulate_pair(seed, left, right, level_from_rover=level_pose(SITE, DRIVE, ATTITUDE), samples=samples)
    with _written(folder):
        names = [_write_image(folder, observation, binning, ".png") for observation in (pair.left, pair.right)]
        write_truth(folder / "truth.tif", truth)
        small = Image.fromarray(pair.left.image.rgb8)
        small.thumbnail((480, 480))
        small.quantize(128).save(folder / "preview.png", optimize=True)
        _write_toml(folder, names, "A simulated Jezero floor, seen by the Navcams of Perseverance", {})
    return truth


def write_ring(
    folder: Path,
    seed: int,
    samples: int = 3,
    binning: int = BINNING,
    progress: Callable[[str, float], None] | None = None,
) -> Ring:
    """Simulate the ring of ``seed`` and write its folder (lossless WebP), files of the same names replaced.

    truth.tif is that of the first pair.  The README.md of the folder is written by hand and left alone.  Raises
    OutputError.
    """
    with _written(folder):
        ring = simulate_ring(seed, binning=binning, samples=samples, progress=progress)
        names = [_write_image(folder, observation, binning, ".webp") for observation in ring.observations]
        write_truth(folder / "truth.tif", ring.truth(0, told=True))
        write_pointing_truth(folder / "truth.json", ring)
        write_ranges(folder / "ranges.tif", ring)
        _contact_sheet(ring).quantize(128).save(folder / "preview.png", optimize=True)
        title = "A simulated Jezero floor, all around, seen by the Navcams of Perseverance"
        _write_toml(folder, names, title, {"true_pointing": "truth.json", "true_ranges": "ranges.tif"})
    return ring


def write_frames(folder: Path, observations: Sequence[Observation]) -> None:
    """Frames of one stop with their records, and nothing more, as a folder of the feed's images (PNG).

    Raises OutputError.
    """
    with _written(folder):
        for observation in observations:
            _write_image(folder, observation, observation.scale_factor, ".png")


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    """The folder made, and OutputError for what the system refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise OutputError(f"the scene cannot be written: {error.strerror or error}", file=folder) from error


def _write_toml(folder: Path, images: list[str], title: str, more: dict[str, str]) -> None:
    lines = ["format = 1", f'name = "{folder.name}"', f'title = "{title}"', "simulated = true"]
    lines.append("images = [\n" + "".join(f'    "{image}",\n' for image in images) + "]")
    lines.append('truth = "truth.tif"')
    lines += [f'{key} = "{value}"' for key, value in more.items()]
    lines.append('credit = "stereo3d (simulated; camera models: NASA/JPL-Caltech)"')
    (folder / "scene.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_image(folder: Path, observation: Observation, binning: int, suffix: str) -> str:
    name = observation.product_id + suffix
    pixels = Image.fromarray(observation.image.rgb8)
    if suffix == ".webp":
        pixels.save(folder / name, lossless=True, quality=75, method=4)  # more effort gains 0.2 %
    else:
        pixels.save(folder / name, optimize=True)
    record = raw_feed_record(observation, binning, name)
    text = json.dumps(record, indent=2) + "\n"
    (folder / f"{observation.product_id}.json").write_text(text, encoding="utf-8")
    return name


def _contact_sheet(ring: Ring, width: int = 240, across: int = 3) -> Image.Image:
    """The left images, side by side in rows of ``across``."""
    lefts = [pair.left.image for pair in ring.pairs]
    height = round(width * lefts[0].height / lefts[0].width)
    sheet = Image.new("RGB", (width * across, height * -(-len(lefts) // across)))
    for number, image in enumerate(lefts):
        small = Image.fromarray(image.rgb8).resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(small, (number % across * width, number // across * height))
    return sheet


def raw_feed_record(observation: Observation, binning: int, file_name: str) -> dict[str, object]:
    """The record of a simulated image, with the keys and the string forms of a Perseverance raw-feed record."""
    camera = observation.camera
    assert isinstance(camera, CAHVORE)
    model = ";".join(_tuple(getattr(camera, name)) for name in "CAHVORE")
    # The feed gives the direction of each eye's own boresight.
    _, axis = camera.ray(middle(camera))
    azimuth, elevation = boresight_deg(camera)
    eye = observation.eye.value.capitalize()
    identity = observation.product_id
    attitude: ArrayLike = ATTITUDE
    position: ArrayLike = POSITION_M
    if observation.drive != DRIVE and observation.site_from_rover is not None:
        attitude, position = observation.site_from_rover.quaternion, observation.site_from_rover.translation
    sun = {}
    if observation.sun_deg is not None:
        sun = {"sunAz": f"{observation.sun_deg[0]:.6g}", "sunEl": f"{observation.sun_deg[1]:.6g}"}
    return {
        "mission": "simulated",
        "extended": {
            "mastAz": f"{azimuth:.6g}",
            "mastEl": f"{elevation:.6g}",
            **sun,
            "sclk": f"{observation.sclk_s:.3f}",
            "scaleFactor": str(binning),
            "xyz": _tuple(position),
            "subframeRect": f"(1,1,{camera.width * binning},{camera.height * binning})",
            "dimension": f"({camera.width},{camera.height})",
        },
        "sol": observation.sol,
        "attitude": _tuple(attitude),
        "image_files": {"full_res": file_name},
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
