"""USD and USDZ, read back and judged by USD's own library and validators."""

from __future__ import annotations

import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stereo3d.errors import MissingLibraryError
from stereo3d.export.terrain import check_target, write_terrain

pytest.importorskip("pxr", reason="usd-core is not installed: USD not checked")
from pxr import Usd, UsdGeom, UsdShade, UsdValidation


def complaints(stage):
    """What USD's own validators find wrong with a stage."""
    registry = UsdValidation.ValidationRegistry()
    validators = [v for v in registry.GetOrLoadAllValidators() if "Skel" not in v.GetMetadata().name]
    assert len(validators) > 15
    return [error.GetMessage() for error in UsdValidation.ValidationContext(validators).Validate(stage)]


@pytest.mark.parametrize("suffix", [".usd", ".usdz"])
def test_mesh_texture_axis_unit(textured, tmp_path, suffix):
    mesh = textured.mesh
    kind = np.arange(len(mesh.kind), dtype=np.uint8) % 3
    textured = replace(textured, mesh=replace(mesh, kind=kind))
    path = tmp_path / f"my crater{suffix}"
    written = write_terrain(textured, path, {"credit": "images: NASA/JPL-Caltech"})
    assert [p.name for p in written] == [path.name, *(["my_crater_texture.png"] if suffix == ".usd" else [])]
    stage = Usd.Stage.Open(str(path))
    assert complaints(stage) == []
    assert UsdGeom.GetStageUpAxis(stage) == "Z"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert stage.GetRootLayer().customLayerData["credit"] == "images: NASA/JPL-Caltech"
    prim = stage.GetPrimAtPath(stage.GetDefaultPrim().GetPath().AppendChild("ground"))
    body = UsdGeom.Mesh(prim)
    assert np.array(body.GetPointsAttr().Get()) == pytest.approx(mesh.vertices, abs=1e-4)
    assert (np.array(body.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3) == mesh.faces).all()
    assert np.array(body.GetNormalsAttr().Get()) == pytest.approx(mesh.normals)
    box = UsdGeom.BBoxCache(Usd.TimeCode.Default(), ["default"]).ComputeWorldBound(prim).ComputeAlignedRange()
    assert np.array(box.GetMin()) == pytest.approx(mesh.vertices.min(axis=0), abs=1e-3)
    assert np.array(box.GetMax()) == pytest.approx(mesh.vertices.max(axis=0), abs=1e-3)
    extras = UsdGeom.PrimvarsAPI(prim)
    assert np.array(extras.GetPrimvar("st").Get()) == pytest.approx(textured.uv)
    assert np.array(extras.GetPrimvar("sigma").Get()) == pytest.approx(mesh.sigma_m)
    assert (np.array(extras.GetPrimvar("kind").Get()) == kind).all()
    assert extras.GetPrimvar("kind").GetInterpolation() == "uniform"
    material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
    surface = material.ComputeSurfaceSource()[0]
    texture = UsdShade.Shader(surface.GetInput("diffuseColor").GetConnectedSources()[0][0].source)
    asset = texture.GetInput("file").Get()
    assert asset.resolvedPath
    if suffix == ".usd":
        pixels = Image.open(asset.resolvedPath)
    else:
        with zipfile.ZipFile(path) as package:
            name = next(n for n in package.namelist() if n.endswith(".png"))
            pixels = Image.open(package.open(name)).copy()
    assert (np.asarray(pixels) == textured.image).all()


def test_without_usd_the_package_is_named_before_the_work(tmp_path, monkeypatch):
    for name in [n for n in sys.modules if n.partition(".")[0] == "pxr"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pxr", None)
    with pytest.raises(MissingLibraryError, match="pip install usd-core"):
        check_target(tmp_path / "crater.usdz")
    assert list(tmp_path.iterdir()) == []
