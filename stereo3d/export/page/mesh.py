"""The ground as the page draws it: pieces, each in levels of detail, in one compressed GLB."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d import __version__
from stereo3d.export.glb import GLTF_FROM_ENU
from stereo3d.export.page.gltf import Buffers
from stereo3d.libraries import import_library
from stereo3d.pipeline import Result
from stereo3d.pipeline.places import measured_by
from stereo3d.terrain.chunks import Chunk, chunked, welded
from stereo3d.terrain.texture import TexturedMesh

Float = NDArray[np.float64]

PART = "mesh.glb"
_STEPS = 65_535
"""Positions are whole steps of a power of two metres, so many to a piece: exact sums in single precision."""
_NORMAL_BITS, _SIGMA_BITS = 10, 10


@dataclass(frozen=True, eq=False)
class _Piece:
    """One chunk with vertices of its own."""

    vertex: NDArray[np.intp]
    """(n,) of the whole mesh."""
    kind: NDArray[np.uint8]
    """(n,) that of the faces which each vertex belongs to; a vertex between two kinds is there twice."""
    levels: tuple[NDArray[np.uint32], ...]
    """Faces (m, 3) of each level, of ``vertex``."""


def page_mesh(result: Result) -> tuple[bytes, dict[str, Any]]:
    """The GLB of a result, and the manifest's ``mesh``."""
    terrain, centre = result.terrain, result.eye_enu
    chunks = chunked(terrain.mesh, centre)
    pieces = [_piece(chunk) for chunk in chunks]
    steps = [_step(terrain.mesh.vertices[piece.vertex]) for piece in pieces]
    snapped = _snapped(terrain.mesh.vertices, pieces, steps)
    seen = measured_by(result, terrain.mesh.vertices)
    glb, boxes = _glb(terrain, pieces, steps, snapped, seen)
    faces = [[len(level) for level in chunk.levels] for chunk in chunks]
    described = [
        {
            "box": [[round(v, 4) for v in corner] for corner in box],
            "nodes": [_name(number, level) for level in range(len(chunk.levels))],
            "faces": faces[number],
            "error_mm": [round(e, 3) for e in chunk.error_mm],
        }
        for number, (chunk, box) in enumerate(zip(chunks, boxes, strict=True))
    ]
    errors = np.array([chunk.error_mm for chunk in chunks])
    weights = np.array([f[0] for f in faces], dtype=np.float64)
    return glb, {
        "part": PART,
        "faces": np.sum(faces, axis=0).tolist(),
        "error_mm": [round(float(e), 3) for e in weights @ errors / weights.sum()],
        "chunks": described,
    }


def _name(chunk: int, level: int) -> str:
    return f"c{chunk:03d}_l{level}"


def _piece(chunk: Chunk) -> _Piece:
    """Number the vertices of a chunk in the order in which its finest faces use them, alike for all levels."""
    corners = np.concatenate([level.ravel() for level in chunk.levels]).astype(np.int64)
    kinds = np.concatenate([np.repeat(kind, 3) for kind in chunk.kinds]).astype(np.int64)
    key, local = np.unique(corners * 256 + kinds, return_inverse=True)
    bounds = np.cumsum([0] + [level.size for level in chunk.levels])
    parts = [_cached(local.ravel()[a:b]) for a, b in pairwise(bounds)]
    flat = np.concatenate(parts)
    _, first = np.unique(flat, return_index=True)
    order = np.argsort(first)
    place = np.empty(len(key), dtype=np.uint32)
    place[order] = np.arange(len(key), dtype=np.uint32)
    levels = tuple(place[part].reshape(-1, 3) for part in parts)
    return _Piece((key[order] // 256).astype(np.intp), (key[order] % 256).astype(np.uint8), levels)


def _cached(corners: NDArray[np.intp]) -> NDArray[np.intp]:
    """The same faces in the order that a graphics card's cache of vertices likes, the vertices as they are."""
    if not len(corners):
        return corners
    used, local = np.unique(corners, return_inverse=True)
    ordered, place, _ = import_library("meshopt").reorder_mesh(local.ravel().astype(np.uint32), True, False)
    back = np.empty(len(used), dtype=np.intp)
    back[place[: len(used)]] = used
    return np.asarray(back[ordered])


def _step(vertices: Float) -> float:
    """The power of two, m, of which no more than ``_STEPS`` reach across the vertices, with room to snap."""
    extent = float((vertices.max(axis=0) - vertices.min(axis=0)).max())
    return 2.0 ** math.ceil(math.log2(max(extent, 1e-3) / (_STEPS - 4)))


def _snapped(vertices: Float, pieces: Sequence[_Piece], steps: Sequence[float]) -> Float:
    """(n, 3) on whole steps; what several pieces share on those of the coarsest, so that it is one place in all."""
    weld = welded(vertices)
    step = np.zeros(len(vertices))
    for piece, length in zip(pieces, steps, strict=True):
        at = weld[piece.vertex]
        step[at] = np.maximum(step[at], length)
    step = np.where(step > 0.0, step, 1.0)[weld][:, None]
    return np.asarray(np.rint(vertices / step) * step)


def _glb(
    terrain: TexturedMesh, pieces: Sequence[_Piece], steps: Sequence[float], snapped: Float, seen: NDArray[np.uint8]
) -> tuple[bytes, list[list[list[float]]]]:
    buffers = Buffers()
    nodes: list[dict[str, Any]] = []
    meshes: list[dict[str, Any]] = []
    boxes = []
    mesh = terrain.mesh
    for number, (piece, step) in enumerate(zip(pieces, steps, strict=True)):
        places = snapped[piece.vertex]
        low = np.floor(places.min(axis=0) / step) * step
        uv = terrain.uv[piece.vertex].astype(np.float64)
        attributes = {
            "POSITION": buffers.positions(np.rint((places - low) / step).astype(np.uint16)),
            "NORMAL": buffers.normals(mesh.normals[piece.vertex], _NORMAL_BITS),
            "TEXCOORD_0": buffers.shares(np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1)),
            "_SIGMA": buffers.floats(mesh.sigma_m[piece.vertex], _SIGMA_BITS),
            "_KIND": buffers.bytes_of(piece.kind),
            "_SEEN": buffers.bytes_of(seen[piece.vertex]),
        }
        for level, faces in enumerate(piece.levels):
            primitive = {"attributes": attributes, "indices": buffers.triangles(faces), "material": 0}
            meshes.append({"name": _name(number, level), "primitives": [primitive]})
            nodes.append(
                {
                    "name": _name(number, level),
                    "mesh": len(meshes) - 1,
                    "translation": low.tolist(),
                    "scale": [step] * 3,
                }
            )
        boxes.append([places.min(axis=0).tolist(), places.max(axis=0).tolist()])
    turn = np.eye(4)
    turn[:3, :3] = GLTF_FROM_ENU
    tree = {
        "asset": {"version": "2.0", "generator": f"stereo3d {__version__}"},
        "scene": 0,
        "scenes": [{"nodes": [len(nodes)]}],
        "nodes": [*nodes, {"name": "enu", "matrix": turn.T.ravel().tolist(), "children": list(range(len(nodes)))}],
        "meshes": meshes,
        "materials": [{"name": "terrain", "pbrMetallicRoughness": {"metallicFactor": 0.0}, "doubleSided": True}],
    }
    return buffers.glb(tree), boxes
