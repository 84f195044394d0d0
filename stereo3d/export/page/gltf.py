"""A GLB whose buffers are compressed by EXT_meshopt_compression, put together view by view."""

from __future__ import annotations

import json
import struct
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stereo3d.libraries import import_library

Filter = Literal["NONE", "OCTAHEDRAL", "EXPONENTIAL"]

_EXTENSION = "EXT_meshopt_compression"
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_FLOAT, _UBYTE, _SHORT, _USHORT, _UINT = 5126, 5121, 5122, 5123, 5125


class Buffers:
    """Buffer views and accessors, as they are added."""

    def __init__(self) -> None:
        self._meshopt: Any = import_library("meshopt")
        self._data = bytearray()
        self._plain_length = 0
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def _add(self, rows: NDArray[np.generic], mode: str, filtered: Filter, target: int) -> int:
        count, stride = len(rows), rows.nbytes // len(rows)
        packed = self._meshopt.encode_gltf_buffer(rows, mode)
        extension = {
            "buffer": 0, "byteOffset": len(self._data), "byteLength": len(packed), "byteStride": stride,
            "count": count, "mode": mode,
        }  # fmt: skip
        if filtered != "NONE":
            extension["filter"] = filtered
        self._data += packed + bytes(-len(packed) % 4)
        view: dict[str, Any] = {
            "buffer": 1, "byteOffset": self._plain_length, "byteLength": count * stride, "target": target,
            "extensions": {_EXTENSION: extension},
        }  # fmt: skip
        if target == _ARRAY_BUFFER:
            view["byteStride"] = stride
        self._plain_length += count * stride + -(count * stride) % 4
        self.views.append(view)
        return len(self.views) - 1

    def _accessor(self, view: int, component: int, kind: str, count: int, **more: Any) -> int:
        accessor = {"bufferView": view, "componentType": component, "type": kind, "count": count, **more}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def triangles(self, corners: NDArray[np.uint32]) -> int:
        """Indices of faces (m, 3), m > 0."""
        small = int(corners.max()) < 1 << 16
        flat = corners.ravel().astype(np.uint16 if small else np.uint32)
        view = self._add(flat, "TRIANGLES", "NONE", _ELEMENT_ARRAY_BUFFER)
        return self._accessor(view, _USHORT if small else _UINT, "SCALAR", len(flat))

    def positions(self, steps: NDArray[np.uint16]) -> int:
        """Whole steps (n, 3) from the node's corner."""
        view = self._add(_padded(steps, 8), "ATTRIBUTES", "NONE", _ARRAY_BUFFER)
        low, high = steps.min(axis=0).tolist(), steps.max(axis=0).tolist()
        return self._accessor(view, _USHORT, "VEC3", len(steps), min=low, max=high)

    def normals(self, unit: NDArray[np.float32], bits: int) -> int:
        """Unit vectors (n, 3), to ``bits`` on each side of an octahedron."""
        four = np.concatenate([unit, np.ones((len(unit), 1), dtype=np.float32)], axis=1)
        rows = self._meshopt.encode_filter_oct(four, 8, bits)
        view = self._add(rows, "ATTRIBUTES", "OCTAHEDRAL", _ARRAY_BUFFER)
        return self._accessor(view, _SHORT, "VEC3", len(unit), normalized=True)

    def shares(self, values: NDArray[np.floating]) -> int:
        """Pairs (n, 2) of numbers from 0 to 1."""
        rows = np.clip(np.rint(values * 65535.0), 0, 65535).astype(np.uint16)
        view = self._add(rows, "ATTRIBUTES", "NONE", _ARRAY_BUFFER)
        return self._accessor(view, _USHORT, "VEC2", len(rows), normalized=True)

    def floats(self, values: NDArray[np.float32], bits: int) -> int:
        """Numbers (n,), each to ``bits`` of mantissa."""
        rows = self._meshopt.encode_filter_exp(values[:, None], bits, "Separate")
        view = self._add(rows, "ATTRIBUTES", "EXPONENTIAL", _ARRAY_BUFFER)
        return self._accessor(view, _FLOAT, "SCALAR", len(values))

    def bytes_of(self, values: NDArray[np.uint8]) -> int:
        """Small whole numbers (n,)."""
        view = self._add(_padded(values[:, None], 4), "ATTRIBUTES", "NONE", _ARRAY_BUFFER)
        return self._accessor(view, _UBYTE, "SCALAR", len(values))

    def glb(self, tree: dict[str, Any]) -> bytes:
        """The file: ``tree`` (asset, scenes, nodes, meshes, materials) and all that was added."""
        extensions = [_EXTENSION, "KHR_mesh_quantization"]
        whole = {
            **tree,
            "extensionsUsed": extensions,
            "extensionsRequired": extensions,
            "buffers": [
                {"byteLength": len(self._data)},
                {"byteLength": self._plain_length, "extensions": {_EXTENSION: {"fallback": True}}},
            ],
            "bufferViews": self.views,
            "accessors": self.accessors,
        }
        text = json.dumps(whole, allow_nan=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + len(self._data)
        head = struct.pack("<4sII", b"glTF", 2, total)
        json_head, data_head = struct.pack("<I4s", len(text), b"JSON"), struct.pack("<I4s", len(self._data), b"BIN\0")
        return b"".join((head, json_head, text, data_head, bytes(self._data)))


def _padded(rows: NDArray[Any], stride: int) -> NDArray[Any]:
    """(n, k) with zeros behind, so that a row takes ``stride`` bytes."""
    wide = np.zeros((len(rows), stride // rows.itemsize), dtype=rows.dtype)
    wide[:, : rows.shape[1]] = rows
    return wide
