"""What a task of ``stereo3d batch`` does: measure a pair or a stop and write every product."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image as Pil

from stereo3d.cluster.job import Job
from stereo3d.cluster.record import THUMBNAIL
from stereo3d.errors import PairError
from stereo3d.export.products import PREVIEW, write_products, write_report
from stereo3d.pipeline import Result, Settings, reconstruct, reconstruct_scene
from stereo3d.read import read_frames
from stereo3d.view.screenshot import render_picture

_PREVIEW_PX = (1280, 800)
_PICTURE_PX = (1280, 766)
"""The preview without its caption, which is too small to read in a thumbnail."""
_THUMBNAIL_PX = (480, 287)


def make_products(job: Job, folder: Path) -> None:
    """Write the products of ``stereo3d reconstruct`` and a thumbnail into an empty folder.

    All of it follows from the job's files, its settings and the program: report.json without seconds and memory.
    Raises what reading and measuring raise.
    """
    settings = Settings(sky=job.settings["sky"], faces=job.settings["faces"], fill=job.settings["fill"])
    scene = read_frames([Path(path) for path in job.files])
    scene = replace(scene, sky=settings.sky)
    if not scene.pairs or (len(scene.pairs) > 1 and not job.settings["whole"]):
        raise PairError(
            f"the frames make {len(scene.pairs)} pairs" + "".join(f"; {note}" for note in scene.notes[:1]),
            file=job.files[0],
            expected="the left and the right image of one shot",
        )
    result: Result
    if len(scene.pairs) == 1 and settings.faces is None and not settings.fill:
        result = reconstruct(scene, settings)
    else:
        result = reconstruct_scene(scene, settings)
    write_products(result, folder, lambda path: render_picture(result, path, _PREVIEW_PX, "oblique"))
    write_report(result, folder, None)
    with Pil.open(folder / PREVIEW) as picture:
        small = picture.convert("RGB").crop((0, 0, *_PICTURE_PX)).resize(_THUMBNAIL_PX, Pil.Resampling.LANCZOS)
    small.save(folder / THUMBNAIL, quality=82)
