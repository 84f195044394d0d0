"""The GLB as Blender itself sees it.  Needs the module bpy (pip install bpy), and says so where it is absent."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest

from stereo3d.export.terrain import write_terrain

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("bpy") is None, reason="Blender's module bpy is not installed: GLB not checked by Blender"
)

# In a process of its own: Blender changes the process that it runs in.
SCRIPT = """
import json, sys
import bpy
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=sys.argv[1])
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
    "metallic": bsdf.inputs["Metallic"].default_value,
    "roughness": bsdf.inputs["Roughness"].default_value,
    "linked": bsdf.inputs["Base Color"].is_linked,
}, open(sys.argv[2], "w"))
"""


def test_blender_sees_z_up_texture_and_normals(textured, tmp_path):
    write_terrain(textured, tmp_path / "crater.glb")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "crater.glb"), str(tmp_path / "seen.json")]
    subprocess.run(command, check=True, timeout=200, capture_output=True)
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
    assert (seen["metallic"], seen["roughness"], seen["linked"]) == (0.0, 1.0, True)
