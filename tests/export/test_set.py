"""A whole set in every format, as other programs read it: one ground all around, its texture, all of its cameras."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import trimesh
from PIL import Image as PilImage

from stereo3d.export.products import about_result, result_cloud
from stereo3d.export.solid import PrintSettings
from stereo3d.export.terrain import write_printable, write_terrain
from stereo3d.pipeline.pair import enu_from_rover

AROUND = """
import json, sys
import bpy
import numpy as np
scene_file, out, *chosen = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.wm.open_mainfile(filepath=scene_file)
scene = bpy.context.scene
mesh = bpy.data.objects["terrain"].data
points = np.empty(3 * len(mesh.vertices), dtype=np.float32)
mesh.vertices.foreach_get("co", points)
points = points.reshape(-1, 3)
cameras = {o.name: o for o in bpy.data.objects if o.type == "CAMERA"}
photograph = next(n.image for n in mesh.materials[0].node_tree.nodes if n.type == "TEX_IMAGE")
json.dump({
    "low": points.min(axis=0).tolist(),
    "high": points.max(axis=0).tolist(),
    "faces": len(mesh.polygons),
    "texture": list(photograph.size),
    "cameras": {name: list(o.matrix_world.translation) for name, o in cameras.items()},
    "backgrounds": {n: [b.image.name for b in o.data.background_images] for n, o in cameras.items()},
    "unpacked": [i.name for i in bpy.data.images if i.type == "IMAGE" and not i.packed_file],
}, open(out, "w"))
scene.render.engine = "CYCLES"
scene.cycles.device = "CPU"
scene.cycles.samples = 4
scene.cycles.use_denoising = False
scene.render.threads_mode = "FIXED"
scene.render.threads = 1
scene.render.film_transparent = True
for name, picture in zip(chosen[::2], chosen[1::2]):
    scene.camera = cameras[name]
    scene.render.filepath = picture
    bpy.ops.render.render(write_still=True)
"""


@pytest.fixture(scope="module")
def box(ring_result):
    """The lowest and the highest corner of the ground."""
    vertices = ring_result.terrain.mesh.vertices
    return vertices.min(axis=0), vertices.max(axis=0)


def z_up(points):
    """Points (n, 3) of a file with Y up."""
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1)


def assert_in_box(points, box):
    assert points.min(axis=0) == pytest.approx(box[0], abs=1e-3)
    assert points.max(axis=0) == pytest.approx(box[1], abs=1e-3)


def assert_looks_up(normals, areas):
    """All around the rover more of the ground looks up than not, whatever stands on it."""
    assert (areas * np.sign(normals[:, 2])).sum() > 0.95 * areas.sum()


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply", ".stl"])
def test_trimesh_sees_the_ground_of_the_set(ring_result, box, tmp_path, suffix):
    path = tmp_path / f"set{suffix}"
    written = write_terrain(ring_result.terrain, path, about_result(ring_result))
    loaded = trimesh.load(path, process=False)
    body = next(iter(loaded.geometry.values())) if isinstance(loaded, trimesh.Scene) else loaded
    turned = z_up if suffix == ".glb" else np.asarray
    assert_in_box(turned(body.vertices), box)
    assert len(body.faces) == len(ring_result.terrain.mesh.faces)
    assert_looks_up(turned(body.face_normals), body.area_faces)
    height, width = ring_result.terrain.image.shape[:2]
    if suffix in (".glb", ".obj"):
        material = body.visual.material
        image = material.baseColorTexture if suffix == ".glb" else material.image
        assert image.size == (width, height)
        assert len(written) == (1 if suffix == ".glb" else 3)
    if suffix == ".ply":
        colours = np.asarray(body.visual.vertex_colors)[:, :3].astype(int)
        assert np.median(colours[:, 0] - colours[:, 2]) > 15  # the floor's ochre


def test_usd_sees_the_ground_of_the_set(ring_result, box, tmp_path):
    usd = pytest.importorskip("pxr.Usd", reason="usd-core is not installed: USD not checked")
    from pxr import UsdGeom, UsdShade

    path = tmp_path / "set.usdz"
    write_terrain(ring_result.terrain, path, about_result(ring_result))
    stage = usd.Stage.Open(str(path))
    assert UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    (prim,) = (p for p in stage.Traverse() if p.IsA(UsdGeom.Mesh))
    found = UsdGeom.BBoxCache(usd.TimeCode.Default(), ["default"]).ComputeWorldBound(prim).ComputeAlignedRange()
    assert np.array(found.GetMin()) == pytest.approx(box[0], abs=1e-3)
    assert np.array(found.GetMax()) == pytest.approx(box[1], abs=1e-3)
    mesh = UsdGeom.Mesh(prim)
    corners = np.array(mesh.GetPointsAttr().Get())[np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(across, axis=1)
    assert_looks_up(across, areas)
    material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
    shaders = [UsdShade.Shader(p) for p in usd.PrimRange(material.GetPrim()) if p.IsA(UsdShade.Shader)]
    (image,) = (s.GetInput("file").Get() for s in shaders if s.GetIdAttr().Get() == "UsdUVTexture")
    assert image.resolvedPath.endswith("terrain_texture.png]")


def test_laspy_sees_each_place_of_the_set_once(ring_result, tmp_path):
    laspy = pytest.importorskip("laspy", reason="laspy is not installed: LAS not checked")
    path = tmp_path / "set.laz"
    cloud = result_cloud(ring_result)
    write_terrain(ring_result.terrain, path, about_result(ring_result), cloud=cloud)
    las = laspy.read(path)
    points = np.stack([las.x, las.y, las.z], axis=1)
    assert points == pytest.approx(cloud.xyz, abs=0.00051)
    assert len(points) == ring_result.ground.fused.xyz.measured.sum()
    assert (las["count"] == cloud.count).all()
    azimuth = np.degrees(np.arctan2(points[:, 0], points[:, 1])) % 360.0
    # The deck hides one direction, seen from the rover's origin a part of two, as far as so small pictures can measure.
    assert np.sort(np.histogram(azimuth, 24, (0.0, 360.0))[0])[2] > 50


def test_a_set_to_print_is_one_closed_solid_around_the_rover(ring_result, tmp_path):
    _, solid = write_printable(ring_result.terrain, tmp_path / "set.stl", PrintSettings(within_m=8.0))
    body = trimesh.load(tmp_path / "set.stl")
    assert body.is_watertight
    assert body.is_volume
    assert body.body_count == 1
    assert body.extents == pytest.approx(solid.size_mm, abs=1e-3)
    # The same ground: as wide as what lies within 8 m to all sides.
    assert body.extents[:2] * solid.scale / 1e3 == pytest.approx([16.0, 16.0], abs=1.0)


@pytest.fixture(scope="module")
def in_scene(ring_result, tmp_path_factory, in_blender):
    """What Blender finds in the .blend of the set, and its pictures from a left and a right camera far apart."""
    folder = tmp_path_factory.mktemp("set")
    chosen = [ring_result.observations[k].product_id for k in (2, 7)]
    path = folder / "set.blend"
    write_terrain(ring_result.terrain, path, about_result(ring_result), observations=ring_result.observations)
    pictures = {name: folder / f"{name}.png" for name in chosen}
    in_blender(AROUND, path, folder / "seen.json", *(word for pair in pictures.items() for word in pair))
    write_terrain(ring_result.terrain, folder / "set.glb", observations=ring_result.observations, cameras=True)
    return json.loads((folder / "seen.json").read_text()), pictures, folder


def test_blender_finds_the_ground_and_every_camera_of_the_set(ring_result, box, in_scene):
    seen, _, _ = in_scene
    assert seen["low"] == pytest.approx(box[0], abs=1e-3)
    assert seen["high"] == pytest.approx(box[1], abs=1e-3)
    assert seen["faces"] == len(ring_result.terrain.mesh.faces)
    assert seen["texture"] == list(ring_result.terrain.image.shape[1::-1])
    assert len(seen["cameras"]) == 12
    for eye in ring_result.observations:  # with the refined pointing
        assert seen["cameras"][eye.product_id] == pytest.approx(enu_from_rover(eye).apply(eye.camera.C), abs=1e-4)
        assert seen["backgrounds"][eye.product_id] == [f"{eye.product_id} undistorted"]
    assert seen["unpacked"] == []


def detail(picture, both, half=10):
    """Brightness less its mean over a square about each pixel, of what both pictures show.

    The texture of a set is levelled: vignetting and gain of the single frame are not in it.
    """
    size = (2 * half + 1, 2 * half + 1)
    grey, seen = np.where(both, picture[..., :3].mean(axis=2), 0.0), both.astype(float)
    return (grey - cv2.blur(grey, size) / np.maximum(cv2.blur(seen, size), 1e-9))[both]


def test_blenders_picture_from_a_rovers_camera_is_its_frame(in_scene, capsys):
    _, pictures, folder = in_scene
    for name, path in pictures.items():
        picture = np.asarray(PilImage.open(path).convert("RGBA")).astype(float)
        frame = np.asarray(PilImage.open(folder / f"set_cameras_{name}.png")).astype(float)
        assert picture.shape == frame.shape

        def correlation(picture=picture, frame=frame):
            both = (picture[..., 3] == 255) & (frame[..., 3] == 255)
            assert both.sum() > 0.2 * (frame[..., 3] == 255).sum()
            return np.corrcoef(detail(picture, both), detail(frame, both))[0, 1]

        here = correlation()
        moved = [correlation(np.roll(picture, shift, (0, 1))) for shift in ((0, 1), (0, -1), (1, 0), (-1, 0))]
        with capsys.disabled():
            print(
                f"\nset: picture from the camera of {name} against its frame: {here:.4f}, a pixel off {max(moved):.4f}"
            )
        assert here > (0.9 if "LEFT" in name else 0.75)  # the texture is of the left eyes
        assert here > max(moved) + 0.02
