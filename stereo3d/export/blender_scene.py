"""A Blender scene of a terrain and the cameras that saw it.  Runs in Blender, and needs nothing of stereo3d there:

    blender --background --python blender_scene.py -- terrain.glb terrain_cameras.json scene.blend

Tried with Blender 5.0.  What comes out: the mesh ``terrain`` with its photograph, and with the attributes ``sigma_m``
(of vertices, one sigma of the range), ``slope_deg`` and ``kind`` (of faces; 0 measured, 1 filled, 2 extended); one
camera for each frame, with the undistorted frame in the background; the Sun as a light; the axes of rover and site as
empties.  X is east, Y north, Z up, the unit is the metre.

The photograph holds the light of its hour, so the material shines by itself: a picture from a rover's camera is the
frame.  Its node ``lit by the Sun`` at 1 makes it a rough grey surface under the scene's own lights instead.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

SENSOR_MM = 36.0
_MAX_BYTES = 1 << 26
_SUN_W_M2 = 3.0
_SUN_DEG = 0.35
"""The Sun's diameter seen from Mars."""


def build(glb: Path, description: Path, out: Path) -> None:
    """Make the scene of ``glb`` and ``description`` (a JSON file of stereo3d) and save it as ``out``."""
    if description.stat().st_size > _MAX_BYTES:
        raise ValueError(f"{description}: is too large to be a description of cameras")
    told = json.loads(description.read_text(encoding="utf-8"))
    if told.get("format") != 1:
        raise ValueError(f"{description}: format {told.get('format')!r}, expected 1")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.unit_settings.system = "METRIC"
    scene.unit_settings.scale_length = 1.0
    # The photograph's own colours, not a film's.
    scene.view_settings.view_transform = "Standard"
    for name, value in told.get("about", {}).items():
        scene[f"stereo3d {name}"] = str(value)
    add_terrain(glb)
    group = bpy.data.collections.new("frames")
    scene.collection.children.link(group)
    cameras = [add_camera(camera, description.parent, group) for camera in told["cameras"]]
    if cameras:
        scene.camera = cameras[0]
        scene.render.resolution_x = told["cameras"][0]["width"]
        scene.render.resolution_y = told["cameras"][0]["height"]
        scene.render.resolution_percentage = 100
    if told.get("sun"):
        add_sun(told["sun"])
        add_sky()
    for axes in told.get("axes", []):
        add_axes(axes)
    bpy.ops.file.pack_all()
    bpy.ops.wm.save_as_mainfile(filepath=str(out.resolve()), compress=True)


def add_terrain(glb: Path) -> Any:
    """The mesh of ``glb`` as the object ``terrain``, with attributes and material."""
    bpy.ops.import_scene.gltf(filepath=str(glb.resolve()))
    terrain = next(o for o in bpy.data.objects if o.type == "MESH")
    bpy.context.view_layer.update()
    world = terrain.matrix_world.copy()
    terrain.parent = None
    terrain.data.transform(world)
    terrain.matrix_world = Matrix.Identity(4)
    for other in [o for o in bpy.data.objects if o is not terrain]:
        bpy.data.objects.remove(other)
    terrain.name = terrain.data.name = "terrain"
    mesh = terrain.data
    add_attributes(mesh)
    for material in mesh.materials:
        shine(material)
    return terrain


def add_attributes(mesh: Any) -> None:
    """``sigma_m`` of vertices, ``slope_deg`` and ``kind`` of faces, in place of what the GLB carries."""
    sigma = _taken(mesh, "_SIGMA")
    kind = _taken(mesh, "_KIND")
    if sigma is not None:
        mesh.attributes.new("sigma_m", "FLOAT", "POINT").data.foreach_set("value", sigma)
    if kind is not None:
        first = np.empty(len(mesh.polygons), dtype=np.int32)
        mesh.polygons.foreach_get("loop_start", first)
        corner = np.empty(len(mesh.loops), dtype=np.int32)
        mesh.loops.foreach_get("vertex_index", corner)
        faces = np.rint(kind[corner[first]]).astype(np.int32)
        mesh.attributes.new("kind", "INT", "FACE").data.foreach_set("value", faces)
    normals = np.empty(3 * len(mesh.polygons), dtype=np.float32)
    mesh.polygons.foreach_get("normal", normals)
    slope = np.degrees(np.arccos(np.clip(normals[2::3], -1.0, 1.0))).astype(np.float32)
    mesh.attributes.new("slope_deg", "FLOAT", "FACE").data.foreach_set("value", slope)


def _taken(mesh: Any, name: str) -> Any:
    """The values of an attribute of vertices, which is removed; None when there is none."""
    attribute = mesh.attributes.get(name)
    if attribute is None:
        return None
    values = np.empty(len(mesh.vertices), dtype=np.float32)
    attribute.data.foreach_get("value", values)
    mesh.attributes.remove(attribute)
    return values


def shine(material: Any) -> None:
    """Let the photograph shine by itself, with a node that hands it over to the lights."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    photograph = next(n for n in nodes if n.type == "TEX_IMAGE")
    rough = next(n for n in nodes if n.type == "BSDF_PRINCIPLED")
    output = next(n for n in nodes if n.type == "OUTPUT_MATERIAL")
    emission = nodes.new("ShaderNodeEmission")
    mix = nodes.new("ShaderNodeMixShader")
    lit = nodes.new("ShaderNodeValue")
    lit.name = lit.label = "lit by the Sun"
    lit.outputs[0].default_value = 0.0
    links.new(photograph.outputs["Color"], emission.inputs["Color"])
    links.new(lit.outputs[0], mix.inputs[0])
    links.new(emission.outputs[0], mix.inputs[1])
    links.new(rough.outputs[0], mix.inputs[2])
    links.new(mix.outputs[0], output.inputs["Surface"])
    for node, place in ((lit, (-200, 300)), (emission, (-200, 150)), (mix, (150, 250)), (output, (400, 250))):
        node.location = place


def add_camera(told: dict[str, Any], folder: Path, group: Any) -> Any:
    """A camera whose picture is the undistorted frame, pixel on pixel, with that frame in its background."""
    data = bpy.data.cameras.new(told["name"])
    width, height = int(told["width"]), int(told["height"])
    column, row = told["principal_px"]
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = SENSOR_MM
    data.sensor_height = SENSOR_MM * height / width
    data.lens = told["focal_px"] * SENSOR_MM / width
    data.shift_x = ((width - 1) / 2.0 - column) / width
    data.shift_y = (row - (height - 1) / 2.0) / width
    data.clip_start, data.clip_end = 0.01, 100_000.0
    camera = bpy.data.objects.new(told["name"], data)
    camera.matrix_world = _placed(told["position"], told["right"], told["up"], told["back"])
    for key in ("instrument", "eye", "sclk_s"):
        if key in told:
            camera[key] = told[key]
    group.objects.link(camera)
    # Only the name counts: a description cannot point out of its folder.
    image = bpy.data.images.load(str((folder / Path(told["image"]).name).resolve()))
    if tuple(image.size) != (width, height):
        raise ValueError(f"{image.name} has {image.size[0]} x {image.size[1]} px, its camera {width} x {height}")
    image.name = f"{told['name']} undistorted"
    data.show_background_images = True
    background = data.background_images.new()
    background.image = image
    background.alpha = 1.0
    background.display_depth = "BACK"
    background.frame_method = "FIT"
    return camera


def add_sun(told: dict[str, float]) -> Any:
    """The Sun as a light at an azimuth (clockwise from north) and an elevation, degrees."""
    azimuth, elevation = math.radians(told["azimuth_deg"]), math.radians(told["elevation_deg"])
    toward = Vector(
        (math.cos(elevation) * math.sin(azimuth), math.cos(elevation) * math.cos(azimuth), math.sin(elevation))
    )
    light = bpy.data.lights.new("Sun", "SUN")
    light.energy = _SUN_W_M2
    light.angle = math.radians(_SUN_DEG)
    sun = bpy.data.objects.new("Sun", light)
    # A light of this kind shines against its own Z, wherever it stands.
    sun.rotation_mode = "QUATERNION"
    sun.rotation_quaternion = toward.to_track_quat("Z", "Y")
    sun.location = 20.0 * toward
    sun["azimuth_deg"], sun["elevation_deg"] = told["azimuth_deg"], told["elevation_deg"]
    bpy.context.scene.collection.objects.link(sun)
    return sun


def add_sky() -> None:
    """Dusty light from all sides, a quarter of the Sun's: what falls into the shadows."""
    world = bpy.data.worlds.new("dusty sky")
    world.use_nodes = True
    background = next(n for n in world.node_tree.nodes if n.type == "BACKGROUND")
    background.inputs["Color"].default_value = (0.30, 0.25, 0.18, 1.0)
    bpy.context.scene.world = world


def add_axes(told: dict[str, Any]) -> Any:
    """The axes of a frame as an empty with arrows of one metre."""
    empty = bpy.data.objects.new(told["name"], None)
    empty.empty_display_type = "ARROWS"
    empty.empty_display_size = 1.0
    empty.matrix_world = _placed(told["origin"], told["x"], told["y"], told["z"])
    bpy.context.scene.collection.objects.link(empty)
    return empty


def _placed(origin: list[float], x: list[float], y: list[float], z: list[float]) -> Any:
    rows = [[x[k], y[k], z[k], origin[k]] for k in range(3)]
    return Matrix([*rows, [0.0, 0.0, 0.0, 1.0]])


def main(arguments: list[str]) -> int:
    """``... -- terrain.glb terrain_cameras.json scene.blend``."""
    names = arguments[arguments.index("--") + 1 :] if "--" in arguments else arguments[1:]
    if len(names) != 3:
        print("usage: blender --background --python blender_scene.py -- terrain.glb terrain_cameras.json scene.blend")
        return 2
    build(*map(Path, names))
    return 0


if __name__ == "__main__":
    code = main(sys.argv)
    if code:
        sys.exit(code)
