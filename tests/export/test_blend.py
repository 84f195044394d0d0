"""The Blender scene: cameras at their true places with undistorted frames, attributes, Sun, axes; in Blender itself."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PilImage

from stereo3d.errors import FrameMismatchError, MissingLibraryError, OutputError
from stereo3d.export import blend
from stereo3d.export.cloud import Cloud
from stereo3d.export.terrain import about_pair, check_target, write_terrain
from stereo3d.frames import Frame
from stereo3d.image import Image
from stereo3d.pipeline import reconstruct
from stereo3d.pipeline.pair import enu_from_rover
from stereo3d.read import read_scene
from stereo3d.scene import Scene
from stereo3d.stereo.levels import reduced


@pytest.fixture(scope="module")
def pair():
    """The bundled scene's first pair at 320 x 240."""
    return reduced(read_scene([], [], None).pairs[0], 4)


@pytest.fixture
def textured(textured, pair):
    """The hill, at the stop of the pair."""
    return replace(textured, mesh=replace(textured.mesh, frame=Frame.enu(*pair.left.frame.number)))


@pytest.fixture
def charted(pair):
    """The pair with images that tell their own pixels: red = column, green = row, in steps; blue 255."""

    def chart(observation):
        pixels = np.zeros((observation.image.height, observation.image.width, 3), np.uint8)
        pixels[..., 0] = np.rint(np.arange(observation.image.width) * 0.75)
        pixels[..., 1] = np.arange(observation.image.height)[:, None]
        pixels[..., 2] = 255
        valid = np.ones(pixels.shape[:2], bool)
        valid[100:110, 200:220] = False
        return replace(observation, image=Image(pixels, valid))

    return chart(pair.left), chart(pair.right)


def test_described_pinhole_sees_what_the_camera_sees(textured, charted, tmp_path):
    """Points at random: where the description says they are in the picture, the picture has the frame's own pixel."""
    path = tmp_path / "floor.glb"
    written = write_terrain(textured, path, {"credit": "nobody"}, observations=charted, cameras=True)
    names = [f"floor_cameras_{o.product_id}.png" for o in charted]
    assert [p.name for p in written] == ["floor.glb", "floor_cameras.json", *names]
    told = json.loads((tmp_path / "floor_cameras.json").read_text())
    assert told["about"] == {"credit": "nobody"}
    rng = np.random.default_rng(2)
    for observation, camera in zip(charted, told["cameras"], strict=True):
        assert camera["name"] == observation.product_id
        picture = np.asarray(PilImage.open(tmp_path / camera["image"])).astype(float)
        assert picture.shape == (camera["height"], camera["width"], 4)
        raw = np.stack([rng.uniform(3, 316, 400), rng.uniform(3, 236, 400)], axis=1)
        raw[:5] = [[209.5 + k, 104.5] for k in range(-2, 3)]
        origin, ray = observation.camera.ray(raw)
        point = enu_from_rover(observation).apply(origin + rng.uniform(4, 60, (400, 1)) * ray)
        offset = point - camera["position"]
        depth = -offset @ camera["back"]
        column = camera["principal_px"][0] + camera["focal_px"] * (offset @ camera["right"]) / depth
        row = camera["principal_px"][1] - camera["focal_px"] * (offset @ camera["up"]) / depth
        seen = picture[np.rint(row).astype(int), np.rint(column).astype(int)]
        # Rounding to a pixel of the picture is up to 0.7 px away, a pixel there is up to twice as coarse at the rim.
        void = (np.abs(raw - [209.5, 104.5]) < [14, 9]).all(axis=1)
        assert seen[~void, 0] == pytest.approx(raw[~void, 0] * 0.75, abs=1.5)
        assert seen[~void, 1] == pytest.approx(raw[~void, 1], abs=1.5)
        assert (seen[~void, 3] == 255).all()
        core = (np.abs(raw - [209.5, 104.5]) < [8, 3]).all(axis=1)
        assert (seen[core] == 0).all()


def test_sun_and_axes_are_described(textured, pair, tmp_path):
    write_terrain(textured, tmp_path / "floor.glb", observations=(pair.left, pair.right), cameras=True)
    told = json.loads((tmp_path / "floor_cameras.json").read_text())
    assert told["sun"] == {"azimuth_deg": pytest.approx(321.06, abs=0.01), "elevation_deg": 38.0}
    rover, site = told["axes"]
    assert rover["origin"] == [0, 0, 0]
    assert (rover["z"][2] < -0.99, rover["name"]) == (True, "ROVER_NAV(1, 20) axes")
    # SITE is north, east, down; the rover stands at (north, east, down) in it.
    assert np.array([site["x"], site["y"], site["z"]]) == pytest.approx(np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]]))
    north, east, down = pair.left.site_from_rover.translation
    assert site["origin"] == pytest.approx([-east, -north, down])
    dark = replace(pair.left, sun_deg=None, site_from_rover=None)
    write_terrain(textured, tmp_path / "dark.glb", observations=[dark], cameras=True)
    told = json.loads((tmp_path / "dark_cameras.json").read_text())
    assert told["sun"] is None
    assert len(told["axes"]) == 1


def test_no_blender_is_told_before_the_work(tmp_path, monkeypatch):
    monkeypatch.delenv(blend.PROGRAM, raising=False)
    monkeypatch.setattr(blend.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingLibraryError, match=r"pip install bpy.*STEREO3D_BLENDER.*--cameras"):
        check_target(tmp_path / "scene.blend")
    monkeypatch.setenv(blend.PROGRAM, str(tmp_path / "none"))
    with pytest.raises(MissingLibraryError, match=r"none: STEREO3D_BLENDER names no program"):
        check_target(tmp_path / "scene.blend")
    program = tmp_path / "blender"
    program.write_text("#!/bin/sh\necho Error: no memory\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.delenv(blend.PROGRAM)
    assert blend.blender_command()[:2] == [str(program), "--background"]


def test_blender_that_fails_leaves_nothing_but_its_last_word(textured, tmp_path, monkeypatch):
    program = tmp_path / "blender"
    program.write_text("#!/bin/sh\necho Error: no memory\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv(blend.PROGRAM, str(program))
    with pytest.raises(OutputError, match=r"scene\.blend: Blender could not make the scene: Error: no memory"):
        write_terrain(textured, tmp_path / "new" / "scene.blend")
    assert [p.name for p in tmp_path.iterdir()] == ["blender"]


def test_frames_of_another_stop_are_refused(textured, pair, tmp_path):
    elsewhere = replace(textured, mesh=replace(textured.mesh, frame=Frame.enu(1, 2)))
    with pytest.raises(FrameMismatchError, match=r"ENU\(1, 2\).*ENU\(1, 20\)"):
        write_terrain(elsewhere, tmp_path / "floor.glb", observations=[pair.left], cameras=True)
    none = np.zeros((0, 3)), np.zeros((0, 3), np.uint8), np.zeros(0, np.float32), np.zeros(0, np.uint8)
    cloud = Cloud(Frame.enu(1, 3), *none)
    with pytest.raises(FrameMismatchError, match=r"ENU\(1, 3\)"):
        write_terrain(elsewhere, tmp_path / "floor.las", cloud=cloud)
    assert list(tmp_path.iterdir()) == []


def test_cameras_go_with_a_glb_only(textured, tmp_path):
    with pytest.raises(OutputError, match=r"expected the suffix \.glb"):
        write_terrain(textured, tmp_path / "floor.obj", cameras=True)
    assert list(tmp_path.iterdir()) == []


LOOK = """
import json, sys
import bpy
scene_file, out, *pictures = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.wm.open_mainfile(filepath=scene_file)
scene = bpy.context.scene
terrain = bpy.data.objects["terrain"]
mesh = terrain.data
values = lambda name: [a.value for a in mesh.attributes[name].data]
sun = bpy.data.objects["Sun"]
cameras = sorted((o for o in bpy.data.objects if o.type == "CAMERA"), key=lambda o: o.name)
json.dump({
    "kinds": sorted(o.type for o in bpy.data.objects),
    "low": [min(v.co[k] for v in mesh.vertices) for k in range(3)],
    "high": [max(v.co[k] for v in mesh.vertices) for k in range(3)],
    "faces": len(mesh.polygons),
    "sigma": [min(values("sigma_m")), max(values("sigma_m"))],
    "kind": values("kind"),
    "slope": values("slope_deg"),
    "domains": {a.name: a.domain for a in mesh.attributes},
    "to_sun": list(sun.matrix_world.to_3x3() @ __import__("mathutils").Vector((0, 0, 1))),
    "cameras": {c.name: list(c.matrix_world.translation) for c in cameras},
    "backgrounds": [b.image.name for c in cameras for b in c.data.background_images],
    "packed": [bool(i.packed_file) for i in bpy.data.images if i.type == "IMAGE"],
    "unit": [scene.unit_settings.system, scene.unit_settings.scale_length],
    "active": scene.camera.name,
    "size": [scene.render.resolution_x, scene.render.resolution_y],
}, open(out, "w"))
scene.render.engine = "CYCLES"
scene.cycles.device = "CPU"
scene.cycles.samples = 4
scene.cycles.use_denoising = False
scene.render.threads_mode = "FIXED"
scene.render.threads = 1
scene.render.film_transparent = True
for camera, picture in zip(cameras, pictures):
    scene.camera = camera
    scene.render.filepath = picture
    bpy.ops.render.render(write_still=True)
"""


@pytest.fixture(scope="module")
def observations(pair):
    """Both eyes, and the corner of the left frame as a frame of its own: its axis lies outside of it."""
    left = pair.left
    image = Image(left.image.pixels[100:220, 170:310], left.image.valid[100:220, 170:310])
    tile = replace(left, product_id="TILE", image=image, camera=left.camera.crop(170, 100, 140, 120), subframe=None)
    return pair.left, pair.right, tile


@pytest.fixture(scope="module")
def scene(pair, observations, tmp_path_factory, in_blender):
    """The pair's reconstruction as a .blend, what Blender finds in it, and its pictures from the three cameras."""
    folder = tmp_path_factory.mktemp("blend")
    result = reconstruct(Scene("small", (pair.left, pair.right), simulated=True))
    path = folder / "scene.blend"
    written = write_terrain(result.terrain, path, about_pair(pair), observations=observations)
    assert written == [path]
    in_blender(LOOK, path, folder / "seen.json", *(folder / f"picture_{o.product_id}.png" for o in observations))
    write_terrain(result.terrain, folder / "same.glb", observations=observations, cameras=True)
    return result, json.loads((folder / "seen.json").read_text()), folder


def test_blender_finds_terrain_cameras_sun_and_axes(scene, pair, observations):
    result, seen, _ = scene
    mesh = result.terrain.mesh
    assert seen["kinds"] == ["CAMERA", "CAMERA", "CAMERA", "EMPTY", "EMPTY", "LIGHT", "MESH"]
    assert seen["low"] == pytest.approx(mesh.vertices.min(axis=0), abs=1e-3)
    assert seen["high"] == pytest.approx(mesh.vertices.max(axis=0), abs=1e-3)
    assert seen["faces"] == len(mesh.faces)
    assert seen["sigma"] == pytest.approx([mesh.sigma_m.min(), mesh.sigma_m.max()])
    assert (np.array(seen["kind"]) == mesh.kind).all()
    assert {seen["domains"][name] for name in ("kind", "slope_deg")} == {"FACE"}
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    slope = np.degrees(np.arccos(across[:, 2] / np.linalg.norm(across, axis=1)))
    assert np.median(np.abs(np.array(seen["slope"]) - slope)) < 0.05
    azimuth, elevation = np.radians(pair.left.sun_deg)
    toward = [np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth), np.sin(elevation)]
    assert seen["to_sun"] == pytest.approx(toward, abs=1e-5)
    for eye in observations:
        assert seen["cameras"][eye.product_id] == pytest.approx(enu_from_rover(eye).apply(eye.camera.C), abs=1e-5)
    assert sorted(seen["backgrounds"]) == [f"{e.product_id} undistorted" for e in observations]
    assert seen["packed"] == [True] * 4
    assert seen["unit"] == ["METRIC", 1.0]
    assert seen["active"] == pair.left.product_id


@pytest.mark.parametrize(
    ("number", "least", "covered", "apart"), [(0, 0.97, 0.4, 2.0), (1, 0.95, 0.3, 8.0), (2, 0.97, 0.5, 2.0)]
)
def test_picture_from_the_rovers_camera_is_the_frame(scene, observations, capsys, number, least, covered, apart):
    _, seen, folder = scene
    # The photograph is the left eye's; the right one has a gain of its own.
    name = observations[number].product_id
    picture = np.asarray(PilImage.open(folder / f"picture_{name}.png").convert("RGBA")).astype(float)
    frame = np.asarray(PilImage.open(folder / f"same_cameras_{name}.png")).astype(float)
    assert picture.shape == frame.shape == (seen["size"][1], seen["size"][0], 4)
    both = (picture[..., 3] == 255) & (frame[..., 3] == 255)
    assert both.sum() > covered * (frame[..., 3] == 255).sum()
    grey = [image[..., :3].mean(axis=2) for image in (picture, frame)]
    here = np.corrcoef(grey[0][both], grey[1][both])[0, 1]
    with capsys.disabled():
        print(f"\npicture from the camera of {name} against its frame: correlation {here:.4f}")
    assert here > least
    assert np.median(np.abs(grey[0] - grey[1])[both]) < apart
    # Nowhere else does it fit as well: the camera stands and looks as it should, to a pixel.
    for shift in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        moved = np.roll(grey[0], shift, (0, 1))
        assert np.corrcoef(moved[both], grey[1][both])[0, 1] < here - 0.01


def test_script_makes_the_same_of_a_glb(scene, in_blender):
    """What people who have Blender do themselves."""
    _, seen, folder = scene
    command = blend.blender_command()
    arguments = [str(folder / name) for name in ("same.glb", "same_cameras.json", "again.blend")]
    subprocess.run([*command, "--", *arguments], check=True, capture_output=True, timeout=200)
    in_blender(LOOK, folder / "again.blend", folder / "again.json")
    again = json.loads((folder / "again.json").read_text())
    assert again == seen
