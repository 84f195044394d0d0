"""Flat fields to files, in the form of ``calib/``."""

from __future__ import annotations

import json
import re
from pathlib import Path

from stereo3d.export.atomic import atomic_files
from stereo3d.radiometry.flat_field import FlatField
from stereo3d.read.calibration import FORMAT, KIND


def write_flat_field(field: FlatField, path: Path) -> None:
    """Write ``path``, whole or not at all; the same field gives the same bytes.  Raises OutputError."""
    about = field.provenance
    values = {
        "about": f"Flat field of {field.instrument} ({field.mission}); see calib/README.md",
        "kind": KIND,
        "format": FORMAT,
        "mission": field.mission,
        "instrument": field.instrument,
        "domain": field.domain,
        "sensor_px": list(field.sensor_px),
        "centre_px": list(field.centre_px),
        "coefficients": list(field.coefficients),
        "reach": field.reach,
        "sigma": field.sigma,
        "pattern": None if field.pattern is None else field.pattern.tolist(),
        "pattern_sigma": field.pattern_sigma,
        "provenance": {
            "products": list(about.products),
            "shots": about.shots,
            "first_utc": about.first_utc,
            "last_utc": about.last_utc,
            "program": about.program,
            "residual": about.residual,
        },
    }
    text = json.dumps(values, indent=1)
    # One line for each row of numbers, as the other files of calib/ have them.
    text = re.sub(
        r"\[\s+([-\d.,e\s]+?)\s+\]", lambda m: "[" + ", ".join(m.group(1).replace(",", " ").split()) + "]", text
    )
    with atomic_files(path) as folder:
        (folder / path.name).write_text(text + "\n", encoding="utf-8")
