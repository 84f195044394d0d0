"""The public interface: ten names, lazily, typed and documented; the README's example as it stands."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import trimesh

import stereo3d

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {
    "numpy",
    "cv2",
    "numba",
    "scipy",
    "open3d",
    "pyvista",
    "vtkmodules",
    "trimesh",
    "PIL",
    "rasterio",
    "rich",
    "httpx",
}
NAMES = {
    "Reconstruction",
    "Settings",
    "Stereo3dError",
    "make_panorama",
    "read_frames",
    "read_scene",
    "reconstruct",
    "reconstruct_scene",
    "write_ground",
    "write_panorama",
}


def loaded_after(code: str) -> set[str]:
    """The modules of a new interpreter that ran ``code``."""
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(run.stdout))


def type_checkers_imports() -> dict[str, str]:
    """Name to module, of the imports that only type checkers see."""
    tree = ast.parse(Path(stereo3d.__file__).read_text())
    (block,) = (n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    return {alias.name: str(n.module) for n in block.body if isinstance(n, ast.ImportFrom) for alias in n.names}


def readme_example() -> str:
    found = re.search(r"<!-- example: python -->\n```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def test_exactly_ten_names() -> None:
    assert set(stereo3d.__all__) == NAMES
    assert len(stereo3d.__all__) == 10
    assert sorted(name for name in dir(stereo3d) if not name.startswith("_")) == sorted(NAMES)
    namespace: dict[str, object] = {}
    exec("from stereo3d import *", namespace)
    assert set(namespace) - {"__builtins__"} == NAMES


def test_import_loads_nothing_else() -> None:
    bare = loaded_after("")
    new = loaded_after("import stereo3d; dir(stereo3d)") - bare
    assert {name for name in new if name.partition(".")[0] == "stereo3d"} == {"stereo3d"}
    assert {name.partition(".")[0] for name in new} & HEAVY == set()
    assert len(new) <= 10, new  # the standard library's typing and what it takes


@pytest.mark.parametrize(
    ("name", "unwanted"),
    [
        ("Stereo3dError", HEAVY),
        ("read_scene", {"open3d", "pyvista", "vtkmodules", "rasterio"}),
        ("reconstruct", {"open3d", "pyvista", "vtkmodules", "rasterio"}),
        ("write_ground", {"open3d", "pyvista", "vtkmodules"}),
    ],
)
def test_a_name_loads_what_it_needs(name: str, unwanted: set[str]) -> None:
    loaded = {module.partition(".")[0] for module in loaded_after(f"from stereo3d import {name}")}
    assert loaded & unwanted == set()


def test_type_checkers_see_what_is_there() -> None:
    seen = type_checkers_imports()
    assert set(seen) == NAMES
    for name, module in seen.items():
        assert getattr(stereo3d, name) is getattr(sys.modules[module], name)
        assert stereo3d._HOMES[name] == module


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'stereo3d' has no attribute 'reconstrukt'"):
        stereo3d.reconstrukt  # noqa: B018
    assert not hasattr(stereo3d, "import_library")


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_is_documented(name: str) -> None:
    value = getattr(stereo3d, name)
    text = inspect.getdoc(value) or ""
    assert len(text) > 40
    if inspect.isfunction(value):
        assert "Raises" in text
        assert "return" in inspect.get_annotations(value)
        for parameter in inspect.signature(value).parameters:
            assert parameter in ("scene", "result", "panorama", "path") or f"``{parameter}" in text, parameter
    else:
        for attribute, found in vars(value).items():
            if isinstance(found, property) or (inspect.isfunction(found) and not attribute.startswith("_")):
                assert inspect.getdoc(found), attribute


@pytest.mark.parametrize("name", ["Reconstruction", "Settings"])
def test_every_field_is_documented(name: str) -> None:
    value = getattr(stereo3d, name)
    (tree,) = ast.parse(inspect.getsource(value)).body
    assert isinstance(tree, ast.ClassDef)
    for field, after in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign):
            assert isinstance(after, ast.Expr), ast.unparse(field)
            assert isinstance(after.value, ast.Constant), ast.unparse(field)


def test_readme_names_them_all() -> None:
    section = (ROOT / "README.md").read_text().partition("\n## Python\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)", row)} == NAMES


def test_readme_example_runs_as_it_stands(tmp_path: Path) -> None:
    """Pair in, mesh out, of the bundled scene."""
    example = readme_example()
    assert len([line for line in example.splitlines() if line.strip()]) == 5
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    x, y, z, sigma = (float(number) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", run.stdout))
    assert 2 < (x**2 + y**2) ** 0.5 < 60
    assert abs(z) < 5
    assert 0 < sigma < 0.2
    assert [path.name for path in tmp_path.iterdir()] == ["crater.glb"]
    mesh = trimesh.load(tmp_path / "crater.glb", force="mesh")
    assert len(mesh.faces) > 50_000
    assert mesh.visual.material.baseColorTexture.size == (1280, 960)


def test_inputs_may_be_text_or_paths_one_or_several(ring_folder: Path) -> None:
    """A text is a path, not a sequence of letters."""
    names = {
        tuple(observation.product_id for observation in stereo3d.read_frames(inputs).observations)
        for inputs in (str(ring_folder), ring_folder, [str(ring_folder)], (ring_folder,))
    }
    assert len(names) == 1
    left = next(path for path in sorted(ring_folder.iterdir()) if "LEFT" in path.name and path.suffix != ".json")
    assert len(stereo3d.read_scene(str(left)).pairs) == 1


def test_ground_and_panorama_go_to_files(ring_result: object, painted_ring: object, tmp_path: Path) -> None:
    written = stereo3d.write_ground(ring_result, str(tmp_path / "a.glb"), cameras=True)
    assert written[0] == tmp_path / "a.glb"
    assert all(path.is_file() for path in written)
    with pytest.raises(stereo3d.Stereo3dError, match="suffix"):
        stereo3d.write_ground(ring_result, "a.xyz")
    panorama = stereo3d.make_panorama(painted_ring)
    assert stereo3d.write_panorama(panorama, str(tmp_path / "p.png")) == [tmp_path / "p.png", tmp_path / "p.json"]
    assert "simulated" in json.loads((tmp_path / "p.json").read_text())["credit"]
