"""The pairs of one stop of the rover, found among the frames of its catalogue as the readers find them in a folder."""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stereo3d.catalog.content import camera_name
from stereo3d.observation import Eye
from stereo3d.read.shot_pixels import both_eyes, parts_of
from stereo3d.read.shots import rig, shots_of, without_copies

Stop = tuple[str, int, int]
"""(mission, site, drive)."""
_MOST_OF_A_SHOT = 128
"""Frames: both eyes have 16 tiles each at most, in a few scales.  Which tiles hang together takes the square of it."""


@dataclass(frozen=True)
class FrameEntry:
    """A frame as the catalogue has it: a :class:`stereo3d.read.shots.Framed`."""

    id: int
    product_id: str
    mission: str
    instrument: str
    eye: Eye
    sol: int
    site: int
    drive: int
    sclk_s: float
    width: int
    height: int
    scale_factor: int
    subframe: tuple[int, int, int, int] | None
    path: Path
    """Below the catalogue's root."""
    record: Path


def pair_up(db: sqlite3.Connection, stop: Stop) -> None:
    """Find the pairs of ``stop`` anew, and which of its frames are copies of others."""
    db.execute("DELETE FROM pairs WHERE mission = ? AND site = ? AND drive = ?", stop)
    db.execute("UPDATE frames SET pair = NULL, copy = 1 WHERE mission = ? AND site = ? AND drive = ?", stop)
    frames, _ = without_copies(frames_of(db, stop))
    db.executemany("UPDATE frames SET copy = 0 WHERE id = ?", [(frame.id,) for frame in frames])
    shots, _ = shots_of(frames)
    shots = [shot for shot in shots if len(shot.frames) <= _MOST_OF_A_SHOT]
    for pair in (pair for shot in shots for part in parts_of(shot) for pair in both_eyes(part)):
        left, right = pair.of(Eye.LEFT)[0], pair.of(Eye.RIGHT)[0]
        about = camera_name(rig(left)), left.sol, left.sclk_s, left.product_id, right.product_id, len(pair.frames)
        number = db.execute(
            "INSERT INTO pairs (mission, site, drive, camera, sol, sclk_s, product, partner, frames) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*stop, *about),
        ).lastrowid
        db.executemany("UPDATE frames SET pair = ? WHERE id = ?", [(number, frame.id) for frame in pair.frames])


def frames_of(db: sqlite3.Connection, stop: Stop) -> list[FrameEntry]:
    """All frames of a stop, copies among them."""
    rows = db.execute(
        "SELECT frames.id, product, mission, instrument, eye, sol, site, drive, sclk_s, width, height, scale, path, "
        "name, record, subframe FROM frames JOIN folders ON folders.id = folder "
        "WHERE mission = ? AND site = ? AND drive = ?",
        stop,
    )
    return [_entry(*row) for row in rows]


def _entry(number: int, product: str, mission: str, instrument: str, eye: str, *rest: Any) -> FrameEntry:
    *numbers, folder, name, record, subframe = rest
    box = json.loads(subframe) if subframe is not None else None
    place = Path(os.fsdecode(folder))
    paths = place / os.fsdecode(name), place / os.fsdecode(record)
    sol, site, drive, sclk_s, width, height, scale = numbers
    return FrameEntry(
        number, product, mission, instrument, Eye(eye), sol, site, drive, sclk_s, width, height, scale,
        (box[0], box[1], box[2], box[3]) if box is not None else None, *paths,
    )  # fmt: skip
