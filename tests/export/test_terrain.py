"""Exported meshes, read back by trimesh as another program would."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from stereo3d.errors import OutputError
from stereo3d.export.glb import GLTF_FROM_ENU
from stereo3d.export.terrain import FORMATS, Format, check_target, write_terrain
from stereo3d.frames import Frame, RigidTransform


def sampled(image, uv):
    """Colours (n, 3) of the texel that each uv (n, 2), OpenGL convention, falls into."""
    pixels = np.asarray(image.convert("RGB"))
    column = np.floor(uv[:, 0] * pixels.shape[1]).astype(int)
    row = np.floor((1.0 - uv[:, 1]) * pixels.shape[0]).astype(int)
    return pixels[row, column]


def nearest(points, vertices):
    """Index of the vertex at each point; asserts that it lies within 0.1 mm."""
    gap = np.linalg.norm(points[:, None] - vertices[None], axis=2)
    assert gap.min(axis=1).max() < 1e-4
    return gap.argmin(axis=1)


def glb_json(path):
    data = path.read_bytes()
    assert data[:4] == b"glTF"
    assert struct.unpack("<I", data[8:12])[0] == len(data)
    length = struct.unpack("<I", data[12:16])[0]
    return json.loads(data[20 : 20 + length])


def test_glb_has_y_up_texture_normals_sigma_and_origin(textured, tmp_path):
    path = tmp_path / "crater.glb"
    assert write_terrain(textured, path, {"product": "NLF_1", "credit": "images: NASA/JPL-Caltech"}) == [path]
    body = trimesh.load(path, process=False).geometry["terrain"]
    mesh = textured.mesh
    back = body.vertices @ GLTF_FROM_ENU
    assert np.ptp(back, axis=0) == pytest.approx(np.ptp(mesh.vertices, axis=0), abs=1e-3)
    # East, up, -north: the standard's right-handed axes with Y up.
    assert body.vertices[:, 1].max() == pytest.approx(mesh.vertices[:, 2].max(), abs=1e-4)
    assert body.vertices[:, 2].min() == pytest.approx(-30.0, abs=1e-4)
    index = nearest(back, mesh.vertices)
    assert sampled(body.visual.material.baseColorTexture, body.visual.uv) == pytest.approx(
        textured.image[mesh.pixels[index, 1].astype(int), mesh.pixels[index, 0].astype(int)]
    )
    assert (body.face_normals[:, 1] > 0.5).all()
    assert body.vertex_normals @ GLTF_FROM_ENU == pytest.approx(mesh.normals[index], abs=1e-5)
    assert body.vertex_attributes["_SIGMA"].ravel() == pytest.approx(mesh.sigma_m[index])
    tree = glb_json(path)
    assert tree["asset"]["extras"]["product"] == "NLF_1"
    assert tree["asset"]["copyright"] == "images: NASA/JPL-Caltech"
    assert tree["asset"]["generator"].startswith("stereo3d")
    pbr = tree["materials"][0]["pbrMetallicRoughness"]
    assert (pbr["metallicFactor"], pbr["roughnessFactor"]) == (0.0, 1.0)
    assert "NORMAL" in tree["meshes"][0]["primitives"][0]["attributes"]
    assert "uri" not in tree["images"][0]
    assert tree["images"][0]["mimeType"] == "image/png"


def test_obj_with_material_and_texture_beside_it(textured, tmp_path):
    path = tmp_path / "my crater.obj"
    written = write_terrain(textured, path, {"product": "NLF_1\nv 0 0 0"})
    assert [p.name for p in written] == ["my crater.obj", "my_crater.mtl", "my_crater_texture.png"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in written)
    lines = path.read_text().splitlines()
    assert "mtllib my_crater.mtl" in lines
    assert "map_Kd my_crater_texture.png" in written[1].read_text().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    assert any("Z up" in line for line in comments)
    assert "# product: NLF_1 v 0 0 0" in comments
    assert sum(line.startswith("v ") for line in lines) == len(textured.mesh.vertices)
    body = trimesh.load(path, process=False)
    index = nearest(body.vertices, textured.mesh.vertices)
    expected = textured.image[textured.mesh.pixels[index, 1].astype(int), textured.mesh.pixels[index, 0].astype(int)]
    assert sampled(body.visual.material.image, body.visual.uv) == pytest.approx(expected)
    assert (body.face_normals[:, 2] > 0.5).all()
    assert body.vertex_normals == pytest.approx(textured.mesh.normals[index], abs=1e-4)


def test_ply_has_colour_normal_and_sigma(textured, tmp_path):
    path = tmp_path / "crater.PLY"
    write_terrain(textured, path)
    header = path.read_bytes()[:1000].split(b"end_header")[0].decode()
    assert "format binary_little_endian 1.0" in header
    assert {"property float nx", "property uchar red", "property float sigma"} <= set(header.splitlines())
    body = trimesh.load(path, process=False)
    mesh = textured.mesh
    assert body.vertices == pytest.approx(mesh.vertices, abs=1e-5)
    assert (body.faces == mesh.faces).all()
    assert (body.visual.vertex_colors[:, :3] == textured.image.reshape(-1, 3)).all()
    assert body.vertex_normals == pytest.approx(mesh.normals, abs=1e-5)
    assert body.metadata["_ply_raw"]["vertex"]["data"]["sigma"] == pytest.approx(mesh.sigma_m)


def test_kinds_of_faces_reach_glb_and_ply(textured, tmp_path):
    kind = (np.arange(len(textured.mesh.faces)) // 7 % 3).astype(np.uint8)
    textured = replace(textured, mesh=replace(textured.mesh, kind=kind))
    mesh = textured.mesh
    write_terrain(textured, tmp_path / "crater.ply")
    faces = trimesh.load(tmp_path / "crater.ply", process=False).metadata["_ply_raw"]["face"]["data"]
    assert (np.ravel(faces["kind"]) == kind).all()

    write_terrain(textured, tmp_path / "crater.glb")
    body = trimesh.load(tmp_path / "crater.glb", process=False).geometry["terrain"]
    corners = body.vertex_attributes["_KIND"].ravel()[body.faces]
    assert (corners == kind[:, None]).all()
    # Vertices are written again for another kind only, with all that belongs to them.
    assert len(mesh.vertices) < len(body.vertices) < 3 * len(mesh.vertices)
    index = nearest(body.vertices @ GLTF_FROM_ENU, mesh.vertices)
    assert (index[body.faces] == mesh.faces).all()
    assert body.vertex_attributes["_SIGMA"].ravel() == pytest.approx(mesh.sigma_m[index])
    assert body.visual.uv == pytest.approx(textured.uv[index])
    assert body.vertex_normals @ GLTF_FROM_ENU == pytest.approx(mesh.normals[index], abs=1e-5)


def test_colours_come_from_the_texture_not_from_pixels(textured, tmp_path):
    """A fused mesh has no pixels of one image."""
    mesh = replace(textured.mesh, pixels=np.full_like(textured.mesh.pixels, np.nan))
    write_terrain(replace(textured, mesh=mesh), tmp_path / "crater.ply")
    body = trimesh.load(tmp_path / "crater.ply", process=False)
    assert (body.visual.vertex_colors[:, :3] == textured.image.reshape(-1, 3)).all()


def test_stl_is_binary_with_outward_normals(textured, tmp_path):
    path = tmp_path / "crater.stl"
    write_terrain(textured, path)
    assert path.stat().st_size == 84 + 50 * len(textured.mesh.faces)
    body = trimesh.load(path)
    assert body.bounds == pytest.approx(np.array([[5, 0, 0], [45, 30, textured.mesh.vertices[:, 2].max()]]), abs=1e-3)
    assert (body.face_normals[:, 2] > 0.5).all()


@pytest.mark.parametrize("name", ["crater.fbx", "crater", "crater.glb.zip", ".glb"])
def test_unknown_suffix_names_the_known_ones(textured, tmp_path, name):
    for action in (lambda p: check_target(p), lambda p: write_terrain(textured, p)):
        with pytest.raises(OutputError, match=r"expected one of \.glb, \.obj, \.ply, \.stl"):
            action(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_mesh_of_another_frame_is_refused(textured, tmp_path):
    rover = Frame.rover(1, 2)
    moved = replace(textured, mesh=textured.mesh.moved(RigidTransform(rover, textured.mesh.frame)))
    with pytest.raises(OutputError, match="ROVER_NAV"):
        write_terrain(moved, tmp_path / "crater.glb")
    assert list(tmp_path.iterdir()) == []


def test_check_leaves_nothing(tmp_path):
    check_target(tmp_path / "new" / "crater.glb")
    assert list(tmp_path.iterdir()) == []


def test_overwrites_an_earlier_export(textured, tmp_path):
    path = tmp_path / "crater.glb"
    path.write_bytes(b"old")
    write_terrain(textured, path)
    assert path.read_bytes()[:4] == b"glTF"
    assert [p.name for p in tmp_path.iterdir()] == ["crater.glb"]


def test_failing_writer_keeps_the_earlier_export(textured, tmp_path, monkeypatch):
    path = tmp_path / "crater.obj"
    path.write_text("old")

    def half(_content, target):
        target.with_suffix(".mtl").write_text("half")
        target.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(FORMATS, ".obj", Format(half))
    with pytest.raises(OutputError, match="No space left"):
        write_terrain(textured, path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["crater.obj"]
