"""A whole set in every format, read back by other programs: python tests/benchmarks/bench_exports.py [FOLDER]

Prints figures and asserts none.  FOLDER holds several pairs of one stop; without it, all six pairs of the bundled
scene.  ``reader``: trimesh, USD's own tools, laspy, and Blender where there is one (STEREO3D_BLENDER).  ``off``: the
largest difference of a corner of the bounding box to that of the reconstruction.  ``up``: the share of the surface that
looks up, as the reader sees the file with its own axes turned to Z up.  --pictures FOLDER keeps what Blender renders
from the rover's cameras (--cameras of them), each beside the undistorted frame of that camera; correlations
are of the brightness, of its detail (less the mean around), and of the best detail a pixel off, which should be lower.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import laspy
import numpy as np
import trimesh
from PIL import Image
from pxr import Usd, UsdGeom, UsdShade
from rich.console import Console
from rich.table import Table

from stereo3d.errors import MissingLibraryError
from stereo3d.export.blend import blender_command, undistorted_frame
from stereo3d.export.products import about_result, result_cloud
from stereo3d.export.terrain import write_printable, write_terrain
from stereo3d.pipeline import GroundReconstruction, reconstruct_scene
from stereo3d.read import read_frames
from stereo3d.store import Store, user_folder, user_limit

Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Z up from Y up."""

SEEN = """
import json, sys
import bpy
import numpy as np
out, *sources = sys.argv[sys.argv.index("--") + 1 :]
seen = {}
for source in sources:
    suffix = source.rpartition(".")[2]
    if suffix == "blend":
        bpy.ops.wm.open_mainfile(filepath=source)
    else:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        if suffix == "glb":
            bpy.ops.import_scene.gltf(filepath=source)
        elif suffix == "usdz":
            bpy.ops.wm.usd_import(filepath=source)
        else:
            getattr(bpy.ops.wm, suffix + "_import")(filepath=source, forward_axis="Y", up_axis="Z")
    bpy.context.view_layer.update()
    ob = next(o for o in bpy.data.objects if o.type == "MESH")
    points = np.empty(3 * len(ob.data.vertices), dtype=np.float32)
    ob.data.vertices.foreach_get("co", points)
    matrix = np.array(ob.matrix_world)
    points = points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    normals = np.empty(3 * len(ob.data.polygons), dtype=np.float32)
    ob.data.polygons.foreach_get("normal", normals)
    area = np.empty(len(ob.data.polygons), dtype=np.float32)
    ob.data.polygons.foreach_get("area", area)
    up = (normals.reshape(-1, 3) @ matrix[:3, :3].T)[:, 2] > 0
    seen[suffix] = {
        "low": points.min(axis=0).tolist(), "high": points.max(axis=0).tolist(), "faces": len(ob.data.polygons),
        "up": float(area[up].sum() / area.sum()),
        "images": [list(i.size) for i in bpy.data.images if i.type == "IMAGE"],
        "cameras": sorted(o.name for o in bpy.data.objects if o.type == "CAMERA"),
    }
json.dump(seen, open(out, "w"))
"""

RENDER = """
import sys
import bpy
scene_file, *chosen = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.wm.open_mainfile(filepath=scene_file)
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.device = "CPU"
scene.cycles.samples = 4
scene.cycles.use_denoising = False
scene.render.film_transparent = True
for name, picture, width, height in zip(*[iter(chosen)] * 4):
    scene.camera = bpy.data.objects[name]
    scene.render.resolution_x, scene.render.resolution_y = int(width), int(height)
    scene.render.filepath = picture
    bpy.ops.render.render(write_still=True)
"""


def in_blender(code: str, *arguments: object) -> None:
    """Run a script in Blender."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.py"
        script.write_text(code)
        command = [*blender_command(script), "--", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)


def by_trimesh(path: Path) -> dict[str, Any]:
    """What trimesh sees."""
    loaded = trimesh.load(path, process=False)
    body = next(iter(loaded.geometry.values())) if isinstance(loaded, trimesh.Scene) else loaded
    turn = Y_UP if path.suffix == ".glb" else np.eye(3)
    points = body.vertices @ turn.T
    up = (body.face_normals @ turn.T)[:, 2] > 0
    material = getattr(body.visual, "material", None)
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    return {
        "low": points.min(axis=0),
        "high": points.max(axis=0),
        "faces": len(body.faces),
        "up": body.area_faces[up].sum() / body.area,
        "images": [] if image is None else [list(image.size)],
    }


def by_usd(path: Path) -> dict[str, Any]:
    """What USD's own tools see."""
    stage = Usd.Stage.Open(str(path))
    mesh = UsdGeom.Mesh(next(p for p in stage.Traverse() if p.IsA(UsdGeom.Mesh)))
    assert UsdGeom.GetStageUpAxis(stage) == "Z"
    points = np.array(mesh.GetPointsAttr().Get()) * UsdGeom.GetStageMetersPerUnit(stage)
    corners = points[np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(across, axis=1)
    material = UsdShade.MaterialBindingAPI(mesh.GetPrim()).ComputeBoundMaterial()[0]
    files = [s.GetInput("file").Get() for p in Usd.PrimRange(material.GetPrim())
             if (s := UsdShade.Shader(p)) and s.GetIdAttr().Get() == "UsdUVTexture"]  # fmt: skip
    return {
        "low": points.min(axis=0),
        "high": points.max(axis=0),
        "faces": len(corners),
        "up": area[across[:, 2] > 0].sum() / area.sum(),
        "images": [f.resolvedPath.rpartition("[")[2].rstrip("]") for f in files],
    }


def by_laspy(path: Path) -> dict[str, Any]:
    """What laspy sees."""
    las = laspy.read(path)
    points = np.stack([las.x, las.y, las.z], axis=1)
    return {"low": points.min(axis=0), "high": points.max(axis=0), "points": len(points), "images": []}


def cell(seen: dict[str, Any], low: np.ndarray, high: np.ndarray) -> list[str]:
    """Elements, largest difference of the bounding box, mm, share that looks up, images."""
    off = 1e3 * max(np.abs(np.array(seen["low"]) - low).max(), np.abs(np.array(seen["high"]) - high).max())
    count = f"{seen['faces']:,} faces" if "faces" in seen else f"{seen['points']:,} points"
    up = f"{seen['up']:.2%}" if "up" in seen else "-"
    images = [i if isinstance(i, str) else " x ".join(map(str, i)) for i in seen["images"]]
    told = [i if (n := images.count(i)) == 1 else f"{n} of {i}" for i in dict.fromkeys(images)]
    return [count, f"{off:.3f}", up, ", ".join(told) or "-"]


def detail(picture: np.ndarray, both: np.ndarray, half: int) -> np.ndarray:
    """Brightness less its mean over a square about each pixel, of what both pictures show."""
    size = (2 * half + 1, 2 * half + 1)
    grey, seen = np.where(both, picture[..., :3].astype(float).mean(axis=2), 0.0), both.astype(float)
    return (grey - cv2.blur(grey, size) / np.maximum(cv2.blur(seen, size), 1e-9))[both]


def correlations(picture: np.ndarray, frame: np.ndarray) -> tuple[float, float, float, float]:
    """Of the brightness where both show something; of its detail; the best of that a pixel off; the share of the frame.

    The texture of a set is levelled: the single frame's gain and vignetting are not in it, and so count against the
    first figure.
    """

    def one(picture: np.ndarray, half: int) -> float:
        both = (picture[..., 3] == 255) & (frame[..., 3] == 255)
        return float(np.corrcoef(detail(picture, both, half), detail(frame, both, half))[0, 1])

    half = frame.shape[1] // 45
    moved = [one(np.roll(picture, shift, (0, 1)), half) for shift in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    both = (picture[..., 3] == 255) & (frame[..., 3] == 255)
    share = float(both.sum() / (frame[..., 3] == 255).sum())
    return one(picture, frame.shape[1]), one(picture, half), max(moved), share


def from_cameras(made: GroundReconstruction, scene: Path, count: int, keep: Path, console: Console) -> None:
    """Render from rover cameras in Blender, compare with the frames, keep both side by side."""
    from stereo3d.camera.linearize import square_pinholes

    pinholes = square_pinholes([o.camera for o in made.observations])
    number = np.unique(np.linspace(0, len(pinholes) - 1, count).astype(int))
    chosen: list[object] = []
    for k in number:
        picture = keep / f"{made.observations[k].product_id}_blender.png"
        chosen += [made.observations[k].product_id, picture, pinholes[k].width, pinholes[k].height]
    began = time.perf_counter()
    in_blender(RENDER, scene, *chosen)
    seconds = time.perf_counter() - began
    table = Table(title=f"pictures from rover cameras in Blender, {seconds / len(number):.0f} s each")
    for name in ("camera", "size", "correlation", "of detail", "1 px off", "of the frame"):
        table.add_column(name, justify="right")
    for k in number:
        name = made.observations[k].product_id
        frame = undistorted_frame(made.observations[k], pinholes[k])
        picture = np.asarray(Image.open(keep / f"{name}_blender.png").convert("RGBA"))
        *found, share = correlations(picture, frame)
        size = f"{frame.shape[1]} x {frame.shape[0]}"
        table.add_row(name, size, *(f"{value:.4f}" for value in found), f"{share:.1%}")
        Image.fromarray(np.hstack([picture[..., :3], frame[..., :3]])).save(keep / f"{name}_beside_frame.png")
    console.print(table)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--pictures", type=Path, help="keep the files and the pictures from the rover's cameras here")
    parser.add_argument("--cameras", type=int, default=2, help="render from so many of them (2)")
    arguments = parser.parse_args()
    console = Console(width=150)
    store = Store(user_folder(), user_limit())
    began, clock = time.perf_counter(), time.process_time()
    made = reconstruct_scene(read_frames([arguments.folder] if arguments.folder else []), store=store)
    took = f"{time.perf_counter() - began:.1f} s ({time.process_time() - clock:.1f} s of processor)"
    console.print(f"{made.name}: {len(made.terrain.mesh.faces):,} faces in {took}; from the cache: {store.taken}")
    with tempfile.TemporaryDirectory() as temporary:
        keep = arguments.pictures or Path(temporary)
        keep.mkdir(parents=True, exist_ok=True)
        read_back(made, keep, arguments.cameras, console)


def read_back(made: GroundReconstruction, keep: Path, cameras: int, console: Console) -> None:
    """Write every format into ``keep`` and have it read."""
    try:
        blender_command()
        has_blender = True
    except MissingLibraryError as error:
        console.print(f"NOT CHECKED IN BLENDER: {error}")
        has_blender = False
    mesh, cloud = made.terrain.mesh, result_cloud(made)
    table = Table(title="every format, read back")
    for name in ("file", "MB", "written in s", "reader", "holds", "off mm", "up", "textures"):
        table.add_column(name, justify="right")
    readers: dict[str, Callable[[Path], dict[str, Any]] | None] = {
        ".glb": by_trimesh, ".obj": by_trimesh, ".ply": by_trimesh, ".stl": by_trimesh,
        ".usdz": by_usd, ".laz": by_laspy, ".blend": None,
    }  # fmt: skip
    rows, written = [], {}
    for suffix, reader in readers.items():
        if suffix == ".blend" and not has_blender:
            continue
        path = keep / f"set{suffix}"
        began = time.perf_counter()
        files = write_terrain(made.terrain, path, about_result(made), observations=made.observations, cloud=cloud)
        seconds, size = time.perf_counter() - began, sum(f.stat().st_size for f in files) / 1e6
        points = cloud.xyz if suffix == ".laz" else mesh.vertices
        box = points.min(axis=0), points.max(axis=0)
        written[suffix] = [path.name, f"{size:.1f}", f"{seconds:.1f}"]
        if reader is not None:
            rows.append([*written[suffix], reader.__name__[3:], *cell(reader(path), *box)])
    if has_blender:
        suffixes = [s for s in written if s != ".laz"]
        in_blender(SEEN, keep / "seen.json", *(keep / f"set{s}" for s in suffixes))
        seen = json.loads((keep / "seen.json").read_text())
        box = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
        rows += [[*written[s], "Blender", *cell(seen[s[1:]], *box)] for s in suffixes]
    for row in sorted(rows):
        table.add_row(*row)
    console.print(table)
    solid = keep / "set_print.stl"
    _, printed = write_printable(made.terrain, solid)
    body = trimesh.load(solid)
    size = " x ".join(f"{side:.0f}" for side in body.extents)
    console.print(
        f"to print: {solid.stat().st_size / 1e6:.1f} MB, {len(body.faces):,} faces, closed: {body.is_watertight}, a "
        f"volume: {body.is_volume}, {size} mm, 1:{printed.scale:.0f}, {printed.filled:.0%} filled"
    )
    if has_blender:
        names = [o.product_id for o in made.observations]
        found = seen["blend"]["cameras"]
        console.print(f"cameras in the .blend: {len(found)} of {len(names)}, names equal {found == sorted(names)}")
        from_cameras(made, keep / "set.blend", cameras, keep, console)


if __name__ == "__main__":
    main()
