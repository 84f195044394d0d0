"""Exported meshes as Blender itself sees them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stereo3d.export.terrain import write_terrain

GLB = """
import json, sys
import bpy
source, out = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=source)
ob = next(o for o in bpy.data.objects if o.type == "MESH")
me = ob.data
world = [ob.matrix_world @ v.co for v in me.vertices]
uv = me.uv_layers.active.data
links = {l.vertex_index: l.index for l in me.loops}
some = list(range(0, len(world), max(1, len(world) // 50)))
nodes = ob.active_material.node_tree.nodes
image = next(n.image for n in nodes if n.type == "TEX_IMAGE")
bsdf = next(n for n in nodes if n.type == "BSDF_PRINCIPLED")
pixels = image.pixels[:]
w, h = image.size
def texel(u, v):
    k = 4 * (int(v * h) * w + int(u * w))
    return [round(255 * c) for c in pixels[k : k + 3]]
turn = ob.matrix_world.to_3x3()
json.dump({
    "vertices": [list(world[i]) for i in some],
    "low": [min(v[k] for v in world) for k in range(3)],
    "high": [max(v[k] for v in world) for k in range(3)],
    "normals": [list(turn @ me.corner_normals[links[i]].vector) for i in some],
    "face_up": min((turn @ p.normal)[2] for p in me.polygons),
    "colours": [texel(*uv[links[i]].uv) for i in some],
    "sigma": [me.attributes["_SIGMA"].data[i].value for i in some],
    "kind": [me.attributes["_KIND"].data[i].value for i in some],
    "metallic": bsdf.inputs["Metallic"].default_value,
    "roughness": bsdf.inputs["Roughness"].default_value,
    "linked": bsdf.inputs["Base Color"].is_linked,
}, open(out, "w"))
"""

EXTENTS = """
import json, sys
import bpy
out, *sources = sys.argv[sys.argv.index("--") + 1 :]
seen = {}
for source in sources:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if source.endswith((".usd", ".usdz")):
        bpy.ops.wm.usd_import(filepath=source)
    else:
        read = getattr(bpy.ops.wm, source.rpartition(".")[2] + "_import")
        read(filepath=source, forward_axis="Y", up_axis="Z")
    bpy.context.view_layer.update()
    ob = next(o for o in bpy.data.objects if o.type == "MESH")
    world = [ob.matrix_world @ v.co for v in ob.data.vertices]
    turn = ob.matrix_world.to_3x3()
    seen[source.rpartition(".")[2]] = {
        "low": [min(v[k] for v in world) for k in range(3)],
        "high": [max(v[k] for v in world) for k in range(3)],
        "face_up": min((turn @ p.normal)[2] for p in ob.data.polygons),
        "images": [list(i.size) for i in bpy.data.images if i.type == "IMAGE"],
        "attributes": [a.name for a in ob.data.attributes],
    }
json.dump(seen, open(out, "w"))
"""


def test_blender_sees_z_up_texture_and_normals(textured, tmp_path, in_blender):
    write_terrain(textured, tmp_path / "crater.glb")
    in_blender(GLB, tmp_path / "crater.glb", tmp_path / "seen.json")
    seen = json.loads((tmp_path / "seen.json").read_text())
    mesh = textured.mesh
    assert seen["low"] == pytest.approx(mesh.vertices.min(axis=0), abs=1e-3)
    assert seen["high"] == pytest.approx(mesh.vertices.max(axis=0), abs=1e-3)
    gap = np.linalg.norm(np.array(seen["vertices"])[:, None] - mesh.vertices[None], axis=2)
    index = gap.argmin(axis=1)
    assert gap.min(axis=1).max() < 1e-3
    assert seen["face_up"] > 0.5
    assert np.array(seen["normals"]) == pytest.approx(mesh.normals[index], abs=0.01)
    assert np.array(seen["colours"]) == pytest.approx(textured.image.reshape(-1, 3)[index], abs=1)
    assert seen["sigma"] == pytest.approx(mesh.sigma_m[index])
    assert set(seen["kind"]) == {0.0}
    assert (seen["metallic"], seen["roughness"], seen["linked"]) == (0.0, 1.0, True)


def test_blender_sees_the_same_extent_in_every_format(textured, tmp_path, in_blender):
    pytest.importorskip("pxr", reason="usd-core is not installed: USD not checked by Blender")
    suffixes = ("obj", "ply", "stl", "usd", "usdz")
    for suffix in suffixes:
        write_terrain(textured, tmp_path / f"crater.{suffix}")
    in_blender(EXTENTS, tmp_path / "seen.json", *(tmp_path / f"crater.{suffix}" for suffix in suffixes))
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert set(seen) == set(suffixes)
    for suffix in suffixes:
        assert seen[suffix]["low"] == pytest.approx(textured.mesh.vertices.min(axis=0), abs=1e-3)
        assert seen[suffix]["high"] == pytest.approx(textured.mesh.vertices.max(axis=0), abs=1e-3)
        assert seen[suffix]["face_up"] > 0.5
    for suffix in ("obj", "usd", "usdz"):
        assert seen[suffix]["images"] == [[41, 31]]
    assert "sigma" in seen["ply"]["attributes"]
    assert {"sigma", "kind"} <= set(seen["usd"]["attributes"])
