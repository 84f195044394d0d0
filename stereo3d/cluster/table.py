"""What came of a batch as ``batch.csv``."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from stereo3d.cluster.batch import Row
from stereo3d.export.atomic import atomic_files

CSV = "batch.csv"
ABOUT = ("product", "mission", "sol", "site", "drive", "pairs")
FIGURES = (
    "measured_share",
    "overlap_share",
    "median_range_m",
    "median_sigma_m",
    "triangles",
    "seconds",
    "processor_seconds",
    "peak_megabytes",
    "megabytes",
    "finished_utc",
)
COLUMNS = ("folder", "state", "failure", "message", "tries", *ABOUT, *FIGURES)


def write_csv(folder: Path, rows: Iterable[Row]) -> None:
    """Write the table, a line for each task, all or nothing.  Raises OutputError."""
    path = folder / CSV
    with atomic_files(path) as partial, (partial / CSV).open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for row in rows:
            failure = "" if row.failure is None else row.failure.value
            values: list[object] = [row.name, row.state.value, failure, row.message, row.tries]
            values += [row.values.get(name) for name in (*ABOUT, *FIGURES)]
            out.writerow([_cell(value) for value in values])


def _cell(value: object) -> str:
    """The value as text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
