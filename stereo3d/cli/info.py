"""stereo3d info: what files are, from their records and names, and from the camera model itself."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from stereo3d.camera import CameraModel
from stereo3d.camera.cahv import LinearPart
from stereo3d.camera.cahvore import CAHVORE
from stereo3d.cli.arguments import add_metadata_argument
from stereo3d.errors import MissingFileError, Stereo3dError
from stereo3d.frames import Float
from stereo3d.observation import Observation
from stereo3d.read import Header, bundled_scene, find_partner, reader_for
from stereo3d.read.product_name import parse_product_name
from stereo3d.read.raw_feed import header_of_record
from stereo3d.read.records import load_records
from stereo3d.read.scene_folder import image_files, read_scene_file

Facts = dict[str, object]
"""What ``--json`` prints for one input: None for what is not known."""


EXAMPLES = (
    ("stereo3d info LEFT.png", "product, sol, camera model, pointing, horizon, partner"),
    ("stereo3d info FOLDER --json", "the same of all images of a folder, for a program"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE..., --metadata, --json."""
    parser.add_argument(
        "inputs",
        metavar="FILE",
        nargs="*",
        type=Path,
        help="images, labels, JSON records or folders of images; without any, the bundled simulated scene",
    )
    add_metadata_argument(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON list, one object for each image")


def run(args: argparse.Namespace) -> int:
    """Print what each input is, in order; the first that cannot be read ends it with its error."""
    entries = (entry for path in args.inputs or [bundled_scene()] for entry in _entries(path, args.metadata))
    if args.json:
        print(json.dumps(list(entries), indent=2, allow_nan=False))
        return 0
    for count, entry in enumerate(entries):
        print(("\n" if count else "") + as_text(entry), flush=True)
    return 0


def facts_of(header: Header, observation: Observation | None = None, metadata: Sequence[Path] = ()) -> Facts:
    """Everything that is known of one image.

    Angles in degrees, lengths in metres.  Pointing is that of the ray through the middle of the frame: azimuth
    clockwise from north, elevation above the horizon; both None when the record has no attitude.
    """
    camera, name = header.camera, parse_product_name(header.product_id)
    image = None if observation is None else observation.image
    facts: Facts = {
        "product_id": header.product_id,
        "file": str(header.path) if header.path is not None else None,
        "record": str(header.record),
        "mission": header.mission,
        "instrument": header.instrument,
        "eye": header.eye.value,
        "product_type": name.product_type if name is not None else None,
        "tile": name.tile if name is not None else None,
        "sol": header.sol,
        "taken_utc": header.taken_utc,
        "sclk_s": header.sclk_s,
        "site": header.site,
        "drive": header.drive,
        "width_px": camera.width,
        "height_px": camera.height,
        "channels": None if image is None else 1 if image.pixels.ndim == 2 else 3,
        "data_type": None if image is None else str(image.pixels.dtype),
        "companding": header.companding,
        "processing": None if observation is None else list(observation.processing),
        "subframe": list(header.subframe) if header.subframe is not None else None,
        "scale_factor": header.scale_factor,
        "camera_model": type(camera).__name__,
        "pupil_type": camera.pupil_type if isinstance(camera, CAHVORE) else None,
        "camera_position_m": _known(camera.C),
        "camera_frame": str(camera.frame),
        "focal_length_px": focal_length_px(camera),
        "field_of_view_deg": list(field_of_view_deg(camera)),
        "rover_position_site_m": _known(header.site_from_rover.translation) if header.site_from_rover else None,
        "azimuth_deg": None,
        "elevation_deg": None,
        "mast_azimuth_deg": header.mast_azimuth_deg,
        "mast_elevation_deg": header.mast_elevation_deg,
        "horizon_row_px": None,
    }
    if header.site_from_rover is not None:
        middle = header.site_from_rover.rotate(camera.ray([(camera.width - 1) / 2, (camera.height - 1) / 2])[1])
        facts["azimuth_deg"] = float(np.degrees(np.arctan2(middle[1], middle[0])) % 360.0)
        facts["elevation_deg"] = float(_elevation_deg(middle))
        facts["horizon_row_px"] = horizon_row(header)
    facts["partner"] = _partner(header, metadata)
    return facts


def field_of_view_deg(camera: CameraModel) -> tuple[float | None, float | None]:
    """Angles (across, down) between the rays through the middles of opposite edges of the frame, in degrees."""
    x, y, right, low = (camera.width - 1) / 2, (camera.height - 1) / 2, camera.width - 0.5, camera.height - 0.5
    rays = camera.ray([[-0.5, y], [right, y], [x, -0.5], [x, low]])[1]
    across = math.degrees(math.atan2(float(np.linalg.norm(np.cross(rays[0], rays[1]))), float(rays[0] @ rays[1])))
    down = math.degrees(math.atan2(float(np.linalg.norm(np.cross(rays[2], rays[3]))), float(rays[2] @ rays[3])))
    return (across if math.isfinite(across) else None, down if math.isfinite(down) else None)


def focal_length_px(camera: CameraModel) -> list[float] | None:
    """Horizontal and vertical focal length of the linear part, px: |A x H| and |A x V| (Di & Li 2004, JGR 109)."""
    if not isinstance(camera, LinearPart):
        return None
    return [float(np.linalg.norm(np.cross(camera.A, vector))) for vector in (camera.H, camera.V)]


def horizon_row(header: Header) -> float | None:
    """The row in the middle column where a ray is level (elevation 0), px; None when it is outside the frame."""
    if header.site_from_rover is None:
        return None
    camera = header.camera
    pixels = np.stack([np.full(camera.height, (camera.width - 1) / 2), np.arange(camera.height)], axis=1)
    elevation = _elevation_deg(header.site_from_rover.rotate(camera.ray(pixels)[1]))
    above = np.flatnonzero((elevation[:-1] >= 0) & (elevation[1:] < 0))
    if above.size == 0:
        return None
    row = int(above[0])
    return float(row + elevation[row] / (elevation[row] - elevation[row + 1]))


def as_text(facts: Facts) -> str:
    """The facts of one image, or of a folder, as lines to read."""
    lines = _folder_lines(facts) if "folder" in facts else _image_lines(facts)
    text = [str(facts["folder"] if "folder" in facts else facts["product_id"])]
    text += [f"  {label:<11} {value}" for label, value in lines]
    # File names may hold terminal escapes.
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in text)


def _entries(path: Path, metadata: Sequence[Path]) -> Iterator[Facts]:
    """The facts of a file, of each record in a JSON file, or of a folder and each image in it."""
    if path.is_dir():
        yield from _folder_entries(path, metadata)
    elif path.suffix.lower() == ".json":
        for record in load_records(path):
            yield facts_of(header_of_record(record))
    else:
        reader = reader_for(path)
        header = reader.header(path, metadata)
        yield facts_of(header, reader.read(path, metadata) if header.path is not None else None, metadata)


def _folder_entries(folder: Path, metadata: Sequence[Path]) -> Iterator[Facts]:
    described = read_scene_file(folder)
    images = list(described.images) if described is not None else image_files(folder)
    if not images:
        raise MissingFileError("the folder holds no images", file=folder, expected="PNG or JPEG images with records")
    if described is not None:
        yield {
            "folder": str(folder),
            "name": described.name,
            "title": described.title,
            "simulated": described.simulated,
            "images": [image.name for image in images],
            "truth": described.truth.name if described.truth is not None else None,
            "credit": described.credit,
        }
    for image in images:
        yield from _entries(image, metadata)


def _folder_lines(facts: Facts) -> list[tuple[str, str]]:
    images = facts["images"]
    assert isinstance(images, list)
    kind = "simulated: rendered from a made-up world, not taken on Mars" if facts["simulated"] else "real images"
    return [
        ("scene", f"{facts['name']}: {facts['title']}" if facts["title"] else str(facts["name"])),
        ("kind", kind),
        ("images", ", ".join(images)),
        ("truth", str(facts["truth"] or "none")),
        ("credit", str(facts["credit"] or "none given")),
    ]


def _image_lines(facts: Facts) -> list[tuple[str, str]]:
    product = "" if facts["product_type"] is None else f", product type {facts['product_type']}"
    product += "" if facts["tile"] is None else f", tile {facts['tile']}"
    eye = "not one of a stereo rig" if facts["eye"] == "none" else f"{facts['eye']} eye"
    pixels = "" if facts["channels"] is None else f", {'grey' if facts['channels'] == 1 else 'colour'}"
    pixels += "" if facts["data_type"] is None else f", {facts['data_type']}"
    pupil = "" if facts["pupil_type"] is None else f", pupil type {facts['pupil_type']}"
    kind = "record" if str(facts["record"]).lower().endswith(".json") else "label"
    taken = "date not known" if facts["taken_utc"] is None else f"{facts['taken_utc']} UTC"
    lines = [
        ("file", str(facts["file"] or f"none: this is a {kind} without its image")),
        ("record", str(facts["record"])),
        ("taken by", f"{facts['mission']}, {facts['instrument']}, {eye}{product}"),
        ("taken on", f"sol {facts['sol']}, {taken}, clock {facts['sclk_s']:.3f} s"),
        (
            "place",
            f"site {facts['site']}, drive {facts['drive']}, "
            f"rover at {_vector(facts['rover_position_site_m'])} in the site frame",
        ),
        ("size", f"{facts['width_px']} x {facts['height_px']} px{pixels}"),
        *([("pixels", "; ".join(notes))] if (notes := _notes(facts)) else []),
        ("subframe", _subframe(facts)),
        (
            "camera",
            f"{facts['camera_model']}{pupil}, at {_vector(facts['camera_position_m'])} in {facts['camera_frame']}",
        ),
        (
            "lens",
            f"focal length {_pair(facts['focal_length_px'])} px, field of view {_pair(facts['field_of_view_deg'])} deg",
        ),
        ("pointing", _pointing(facts)),
        ("horizon", _horizon(facts)),
    ]
    if facts["file"] is not None:
        lines.append(("partner", str(facts["partner"] or "not found beside it")))
    return lines


def _notes(facts: Facts) -> list[str]:
    """What was done to the pixels, and what is known of them without the image."""
    notes = facts["processing"]
    if isinstance(notes, list):
        return [str(note) for note in notes]
    return [] if facts["companding"] is None else [f"companded by {facts['companding']}"]


def _subframe(facts: Facts) -> str:
    box, scale = facts["subframe"], facts["scale_factor"]
    if not isinstance(box, list):
        return f"not known, {scale} sensor pixels per pixel"
    return f"first sensor pixel ({box[0]}, {box[1]}), {box[2]} x {box[3]}, {scale} sensor pixels per pixel"


def _pointing(facts: Facts) -> str:
    mast = "mast angles not known"
    if facts["mast_azimuth_deg"] is not None and facts["mast_elevation_deg"] is not None:
        mast = f"mast at {facts['mast_azimuth_deg']:.2f}, {facts['mast_elevation_deg']:.2f} deg in the rover frame"
    if facts["azimuth_deg"] is None:
        return f"not known, the record has no attitude; {mast}"
    where = f"azimuth {facts['azimuth_deg']:.2f} deg from north, elevation {facts['elevation_deg']:.2f} deg"
    return f"{where} (middle of the frame); {mast}"


def _horizon(facts: Facts) -> str:
    if facts["azimuth_deg"] is None:
        return "not known"
    row = facts["horizon_row_px"]
    return "outside the middle column" if row is None else f"row {row:.1f} in the middle column"


def _partner(header: Header, metadata: Sequence[Path]) -> str | None:
    try:
        found = find_partner(header, metadata)
    except Stereo3dError:  # a folder that cannot be listed is no reason to be silent about the image
        return None
    return found.path.name if found is not None and found.path is not None else None


def _elevation_deg(directions: Float) -> Float:
    """Degrees above the horizon of unit directions (..., 3) in a frame whose Z points down."""
    return np.degrees(np.arcsin(np.clip(-directions[..., 2], -1.0, 1.0)))


def _known(vector: Float) -> list[float] | None:
    return [float(v) for v in vector] if np.isfinite(vector).all() else None


def _vector(value: object) -> str:
    return f"({', '.join(f'{v:.3f}' for v in value)}) m" if isinstance(value, list) else "a position not known"


def _pair(value: object) -> str:
    return " x ".join("?" if v is None else f"{v:.1f}" for v in value) if isinstance(value, list) else "not known"
