"""Readers: files of one source each to observations, behind one protocol."""

from stereo3d.read.frames import read_frames, read_stops
from stereo3d.read.inputs import count_pairs, find_partner, read_pairs, read_scene
from stereo3d.read.protocol import Header, Reader
from stereo3d.read.readers import read_observation, reader_for
from stereo3d.read.scene_folder import bundled_scene

__all__ = [
    "Header",
    "Reader",
    "bundled_scene",
    "count_pairs",
    "find_partner",
    "read_frames",
    "read_observation",
    "read_pairs",
    "read_scene",
    "read_stops",
    "reader_for",
]
