"""The compressed GLB of the page, read back by the decoder of meshoptimizer: same ground, same borders, all levels."""

from __future__ import annotations

import json
import struct

import meshopt
import numpy as np
import pytest
from scipy.spatial import cKDTree

from stereo3d.export.glb import GLTF_FROM_ENU

TYPES = {5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
SIZES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}


class Glb:
    """A reader of what EXT_meshopt_compression and KHR_mesh_quantization say."""

    def __init__(self, data: bytes) -> None:
        magic, version, length = struct.unpack_from("<4sII", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        size, kind = struct.unpack_from("<I4s", data, 12)
        assert kind == b"JSON"
        self.tree = json.loads(data[20 : 20 + size])
        size_bin, kind = struct.unpack_from("<I4s", data, 20 + size)
        assert kind == b"BIN\0"
        assert 28 + size + size_bin == len(data)
        self.binary = data[28 + size :]

    def array(self, number: int) -> np.ndarray:
        accessor = self.tree["accessors"][number]
        view = self.tree["bufferViews"][accessor["bufferView"]]
        packed = view["extensions"]["EXT_meshopt_compression"]
        part = self.binary[packed["byteOffset"] : packed["byteOffset"] + packed["byteLength"]]
        rows = meshopt.decode_gltf_buffer(
            part, packed["count"], packed["byteStride"], packed["mode"], packed.get("filter")
        )
        assert view["byteLength"] == packed["count"] * packed["byteStride"]
        kind, wide = TYPES[accessor["componentType"]], SIZES[accessor["type"]]
        values = np.ascontiguousarray(rows).view(np.uint8).reshape(accessor["count"], -1).view(kind)[:, :wide]
        if accessor.get("normalized"):
            values = values.astype(np.float64) / np.iinfo(kind).max
        return values[:, 0] if wide == 1 else values

    def node(self, name: str) -> dict[str, np.ndarray]:
        (node,) = [n for n in self.tree["nodes"] if n["name"] == name]
        (primitive,) = self.tree["meshes"][node["mesh"]]["primitives"]
        found = {key: self.array(number) for key, number in primitive["attributes"].items()}
        found["enu"] = found["POSITION"] * node["scale"][0] + node["translation"]
        assert node["scale"] == [node["scale"][0]] * 3
        found["faces"] = self.array(primitive["indices"]).reshape(-1, 3)
        return found


@pytest.fixture(scope="module")
def glb(page):
    return Glb(page.parts["mesh.glb"])


def test_it_says_what_a_reader_must_know(glb):
    tree = glb.tree
    assert set(tree["extensionsRequired"]) == {"EXT_meshopt_compression", "KHR_mesh_quantization"}
    assert set(tree["extensionsUsed"]) == set(tree["extensionsRequired"])
    root = tree["nodes"][tree["scenes"][0]["nodes"][0]]
    assert root["name"] == "enu"
    turn = np.array(root["matrix"]).reshape(4, 4).T
    assert np.array_equal(turn[:3, :3], GLTF_FROM_ENU)
    assert sorted(root["children"]) == list(range(len(tree["nodes"]) - 1))
    plain = tree["buffers"][1]
    assert plain["extensions"]["EXT_meshopt_compression"]["fallback"] is True
    assert plain["byteLength"] >= max(v["byteOffset"] + v["byteLength"] for v in tree["bufferViews"])
    for view in tree["bufferViews"]:
        assert view["byteOffset"] % 4 == 0
        assert view["extensions"]["EXT_meshopt_compression"]["byteOffset"] % 4 == 0
        assert view.get("byteStride", 4) % 4 == 0


def test_positions_bounds_are_true(glb):
    for mesh in glb.tree["meshes"]:
        accessor = glb.tree["accessors"][mesh["primitives"][0]["attributes"]["POSITION"]]
        values = glb.array(mesh["primitives"][0]["attributes"]["POSITION"])
        assert accessor["min"] == values.min(axis=0).tolist()
        assert accessor["max"] == values.max(axis=0).tolist()


def test_the_finest_level_is_the_ground(glb, page, made_up):
    """Every face of the mesh, its corners to a millimetre, normals to 0.3 degrees, sigma to 1 in 500."""
    mesh, terrain = made_up.terrain.mesh, made_up.terrain
    chunks = page.manifest["mesh"]["chunks"]
    assert page.manifest["mesh"]["faces"][0] == len(mesh.faces) == sum(c["faces"][0] for c in chunks)
    tree = cKDTree(mesh.vertices)
    seen_faces = []
    for chunk in chunks:
        found = glb.node(chunk["nodes"][0])
        away, nearest = tree.query(found["enu"])
        assert away.max() < 0.001
        assert np.abs(found["enu"].min(axis=0) - chunk["box"][0]).max() < 1e-4
        assert np.abs(found["enu"].max(axis=0) - chunk["box"][1]).max() < 1e-4
        assert (np.einsum("ij,ij->i", found["NORMAL"], mesh.normals[nearest]) > np.cos(np.radians(0.3))).all()
        uv = np.stack([terrain.uv[nearest, 0], 1.0 - terrain.uv[nearest, 1]], axis=1)
        assert np.abs(found["TEXCOORD_0"] - uv).max() < 1e-5
        assert np.abs(found["_SIGMA"] / mesh.sigma_m[nearest] - 1.0).max() < 0.002
        assert (found["_KIND"] == 0).all()
        assert set(np.unique(found["_SEEN"])) <= {0, 1}
        assert (found["_SEEN"] == 1).mean() > 0.97
        seen_faces.append(nearest[found["faces"]])
    rolled = np.concatenate(seen_faces)
    first = np.argmin(rolled, axis=1)[:, None]
    turned = np.take_along_axis(rolled, (first + np.arange(3)) % 3, axis=1)
    first = np.argmin(mesh.faces, axis=1)[:, None]
    wanted = np.take_along_axis(mesh.faces, (first + np.arange(3)) % 3, axis=1)
    assert sorted(map(tuple, turned.tolist())) == sorted(map(tuple, wanted.tolist()))


def test_levels_share_their_vertices_and_thin_out(glb, page):
    for chunk in page.manifest["mesh"]["chunks"]:
        numbers = []
        for name, faces in zip(chunk["nodes"], chunk["faces"], strict=True):
            (node,) = [n for n in glb.tree["nodes"] if n["name"] == name]
            primitive = glb.tree["meshes"][node["mesh"]]["primitives"][0]
            numbers.append(tuple(sorted(primitive["attributes"].items())))
            assert glb.tree["accessors"][primitive["indices"]]["count"] == 3 * faces
        assert len(set(numbers)) == 1
        assert chunk["faces"][0] > 2 * chunk["faces"][1] > 4 * chunk["faces"][2] > 0
        assert chunk["error_mm"][0] == 0.0
        assert chunk["error_mm"][1] < chunk["error_mm"][2]


def test_borders_are_the_same_places_to_the_last_bit(glb, page):
    """In single precision, as a graphics card adds them: what two pieces share is one place in both, in all levels."""
    owners: dict[tuple[float, ...], set[int]] = {}
    levels = []
    for number, chunk in enumerate(page.manifest["mesh"]["chunks"]):
        rims = []
        for name in chunk["nodes"]:
            (node,) = [n for n in glb.tree["nodes"] if n["name"] == name]
            found = glb.node(name)
            step, low = np.float32(node["scale"][0]), np.float32(node["translation"])
            single = found["POSITION"].astype(np.float32) * step + low
            assert (single == found["enu"]).all()
            used = single[np.unique(found["faces"])]
            rims.append(set(map(tuple, used.tolist())))
        for place in rims[0]:
            owners.setdefault(place, set()).add(number)
        levels.append(rims)
    shared = {place: who for place, who in owners.items() if len(who) > 1}
    assert len(levels) > 1
    assert len(shared) > 50
    for place, who in shared.items():
        assert all(place in level for number in who for level in levels[number])
    # No other vertices of two pieces are nearer than the ground's own: nothing was torn apart by rounding.
    rest = [np.array([p for p in rims[0] if p not in shared]) for rims in levels]
    for k, points in enumerate(rest):
        for others in rest[k + 1 :]:
            assert cKDTree(points).query(others)[0].min() > 0.002
