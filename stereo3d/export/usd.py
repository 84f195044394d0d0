"""USD: the scene description of film and of AR, binary with the texture beside it, or all in one as USDZ."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

from stereo3d import __version__
from stereo3d.errors import OutputError
from stereo3d.export.content import Content
from stereo3d.export.credit import png_text
from stereo3d.libraries import import_library


def write_usd(content: Content, path: Path) -> None:
    """``NAME.usd`` and ``NAME_texture.png`` beside it; Z is up and the unit is one metre, and the file says so.

    Mesh /terrain/ground with normals, texture coordinates ``st``, the range sigma ``sigma`` (m, of each vertex) and
    the FaceKind ``kind`` of each face; the credits are its layer's custom data.
    """
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem)
    texture = path.with_name(f"{stem}_texture.png")
    PilImage.fromarray(content.textured.image).save(texture, pnginfo=png_text(content.about.get("credit", "")))
    _write_layer(content, path, texture.name)


def write_usdz(content: Content, path: Path) -> None:
    """The same in one file, as a package."""
    utils = import_library("pxr.UsdUtils")
    sdf = import_library("pxr.Sdf")
    with tempfile.TemporaryDirectory() as folder:
        texture = Path(folder) / "terrain_texture.png"
        PilImage.fromarray(content.textured.image).save(texture, pnginfo=png_text(content.about.get("credit", "")))
        layer = Path(folder) / "terrain.usdc"
        _write_layer(content, layer, texture.name)
        if not utils.CreateNewUsdzPackage(sdf.AssetPath(os.fspath(layer)), os.fspath(path)):
            raise OutputError("the USDZ package could not be written", file=path)


def _write_layer(content: Content, path: Path, texture: str) -> None:
    usd, geom, shade, sdf, vt = (import_library(f"pxr.{name}") for name in ("Usd", "UsdGeom", "UsdShade", "Sdf", "Vt"))
    mesh, uv = content.textured.mesh, content.textured.uv
    stage = usd.Stage.CreateInMemory()
    geom.SetStageUpAxis(stage, geom.Tokens.z)
    geom.SetStageMetersPerUnit(stage, 1.0)
    root = geom.Xform.Define(stage, "/terrain")
    stage.SetDefaultPrim(root.GetPrim())
    about = {**content.about, "generator": f"stereo3d {__version__}"}
    stage.GetRootLayer().customLayerData = about

    body = geom.Mesh.Define(stage, "/terrain/ground")
    points = mesh.vertices.astype(np.float32)
    body.CreatePointsAttr(vt.Vec3fArray.FromNumpy(points))
    body.CreateFaceVertexCountsAttr(vt.IntArray.FromNumpy(np.full(len(mesh.faces), 3, np.int32)))
    body.CreateFaceVertexIndicesAttr(vt.IntArray.FromNumpy(np.array(mesh.faces.ravel())))
    body.CreateNormalsAttr(vt.Vec3fArray.FromNumpy(np.array(mesh.normals)))
    body.SetNormalsInterpolation(geom.Tokens.vertex)
    body.CreateSubdivisionSchemeAttr(geom.Tokens.none)
    body.CreateDoubleSidedAttr(True)
    if len(points):
        body.CreateExtentAttr(vt.Vec3fArray.FromNumpy(np.stack([points.min(axis=0), points.max(axis=0)])))
    types, extras = sdf.ValueTypeNames, geom.PrimvarsAPI(body)
    for name, kind, where, values in (
        ("st", types.TexCoord2fArray, geom.Tokens.vertex, vt.Vec2fArray.FromNumpy(np.array(uv))),
        ("sigma", types.FloatArray, geom.Tokens.vertex, vt.FloatArray.FromNumpy(np.array(mesh.sigma_m))),
        ("kind", types.IntArray, geom.Tokens.uniform, vt.IntArray.FromNumpy(mesh.kind.astype(np.int32))),
    ):
        extras.CreatePrimvar(name, kind, where).Set(values)

    material = shade.Material.Define(stage, "/terrain/material")
    surface = shade.Shader.Define(stage, "/terrain/material/surface")
    surface.CreateIdAttr("UsdPreviewSurface")
    surface.CreateInput("roughness", types.Float).Set(1.0)
    surface.CreateInput("metallic", types.Float).Set(0.0)
    reader = shade.Shader.Define(stage, "/terrain/material/coordinates")
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    reader.CreateInput("varname", types.String).Set("st")
    image = shade.Shader.Define(stage, "/terrain/material/image")
    image.CreateIdAttr("UsdUVTexture")
    image.CreateInput("file", types.Asset).Set(sdf.AssetPath(f"./{texture}"))
    image.CreateInput("sourceColorSpace", types.Token).Set("sRGB")
    image.CreateInput("wrapS", types.Token).Set("clamp")
    image.CreateInput("wrapT", types.Token).Set("clamp")
    image.CreateInput("st", types.Float2).ConnectToSource(reader.CreateOutput("result", types.Float2))
    colour = surface.CreateInput("diffuseColor", types.Color3f)
    colour.ConnectToSource(image.CreateOutput("rgb", types.Float3))
    material.CreateSurfaceOutput().ConnectToSource(surface.CreateOutput("surface", types.Token))
    shade.MaterialBindingAPI.Apply(body.GetPrim()).Bind(material)
    if not stage.GetRootLayer().Export(os.fspath(path)):
        raise OutputError("cannot be written as USD", file=path)
