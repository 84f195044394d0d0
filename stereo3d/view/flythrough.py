"""A flight along bookmarks as an MP4: no display, no OpenGL, the pictures are ray-cast.

The video is VP9, written by the FFmpeg that comes with OpenCV, which this program needs anyway: browsers and the usual
players play it.  That FFmpeg has no encoder for H.264, and one with it would be another 30 MB of dependency.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont

from stereo3d.errors import OutputError, RecordError
from stereo3d.export.atomic import atomic_files
from stereo3d.pipeline import Result
from stereo3d.terrain.surface import Surface
from stereo3d.view.annotate import north, outlined
from stereo3d.view.bookmarks import Bookmark, along
from stereo3d.view.layers import colour_map
from stereo3d.view.navigation import aimed, angles
from stereo3d.view.plot import credit
from stereo3d.view.raycast import Painter
from stereo3d.view.viewpoint import UP, Viewpoint, camera_viewpoint, viewpoint

RGB = NDArray[np.uint8]

FPS = 20
SIZE = (960, 540)
SECONDS_A_LEG = 2.0
_SIDE_PX = (64, 3840)
_EASE = 0.15
"""Share of the flight in which it gathers speed, and loses it."""
_AROUND_SHARE = 0.2
"""With more of the ground behind the camera than this the flight goes all around."""


def check_video_path(path: Path) -> None:
    """Raise OutputError when no video could be written there; call it before long work starts."""
    if path.suffix.lower() != ".mp4":
        raise OutputError(f"a video cannot be written as '{path.suffix or 'no suffix'}'", file=path, expected=".mp4")
    if path.is_dir():
        raise OutputError("this is a folder", file=path, expected="the name of a video file")


def write_video(path: Path, pictures: Iterable[RGB], size: tuple[int, int], fps: float = FPS) -> Path:
    """Write pictures (height, width, 3) uint8 RGB as an MP4 (VP9), whole or not at all.

    ``size`` is (width, height), both even.  What the iterable raises ends the work, and nothing is left.  Raises
    OutputError when it cannot be written, or there is no picture.
    """
    check_video_path(path)
    width, height = size
    if width % 2 or height % 2 or not all(_SIDE_PX[0] <= s <= _SIDE_PX[1] for s in size):
        raise OutputError(
            f"a video of {width} x {height} px is not possible", file=path,
            expected=f"even sides from {_SIDE_PX[0]} to {_SIDE_PX[1]} px",
        )  # fmt: skip
    with atomic_files(path) as folder:
        code = cv2.VideoWriter.fourcc(*"vp09")
        writer = cv2.VideoWriter(str(folder / path.name), cv2.CAP_FFMPEG, code, float(fps), size)
        count = 0
        try:
            if not writer.isOpened():
                raise OutputError(
                    "this OpenCV cannot write VP9",
                    file=path,
                    todo="install it with 'pip install opencv-python-headless'",
                )
            for picture in pictures:
                if picture.shape != (height, width, 3):
                    raise ValueError(f"a picture is {picture.shape}, not {(height, width, 3)}")
                writer.write(np.ascontiguousarray(picture[..., ::-1]))
                count += 1
        finally:
            writer.release()
        if not count:
            raise OutputError("there is no picture to make a video of", file=path)
    return path


def default_bookmarks(result: Result) -> tuple[Bookmark, ...]:
    """A short flight over the ground: all around, a little above the cameras, or up, to the side and back."""
    start = camera_viewpoint(result, SIZE[0] / SIZE[1])
    azimuth, _ = angles(start)
    vertices = result.terrain.mesh.vertices
    away = np.array([np.sin(azimuth), np.cos(azimuth), 0.0])
    if ((vertices - start.eye) @ away < 0.0).mean() > _AROUND_SHARE:
        middle = result.eye_enu + 1.0 * UP
        stops = []
        for step in range(7):
            turn = azimuth + step * math.pi / 3.0
            outward = np.array([np.sin(turn), np.cos(turn), 0.0])
            stops.append(aimed(start, middle + 1.5 * outward, turn, math.radians(-16.0)))
    else:
        oblique = viewpoint(result, "oblique", SIZE[0] / SIZE[1])
        reach = float(np.linalg.norm(oblique.eye - start.eye)) + 1.0
        side = np.cross(away, UP)
        stops = [
            start,
            aimed(start, start.eye + 0.35 * reach * away + 0.25 * reach * UP, azimuth, math.radians(-24.0)),
            aimed(start, start.eye + 0.6 * reach * side + 0.35 * reach * UP, azimuth - 0.35, math.radians(-22.0)),
            oblique,
            start,
        ]
    return tuple(Bookmark(f"stop {n}", "fly", v, v.eye + 5.0 * v.forward) for n, v in enumerate(stops, start=1))


def check_stops(stops: Sequence[Bookmark], path: Path | None) -> None:
    """Raise RecordError (about ``path``, the bookmarks' file) when there is no way to fly along."""
    if sum(not b.view.parallel for b in stops) < 2:
        raise RecordError("a flight needs two bookmarks that are no maps", file=path)


def flight_views(stops: Sequence[Bookmark], count: int) -> Iterator[tuple[Viewpoint, str]]:
    """``count`` views along the bookmarks, which gather speed and lose it, each with the layer of the bookmark that it
    has passed last."""
    flown = [b for b in stops if not b.view.parallel]
    for number in range(count):
        share = eased(number / max(1, count - 1))
        yield along(flown, share), flown[min(int(share * (len(flown) - 1)), len(flown) - 2)].layer


def eased(share: float) -> float:
    """The way gone after a ``share`` (0 to 1) of the time: even, but for a start and a stop that are soft."""
    s, e = min(max(share, 0.0), 1.0), _EASE
    top = 1.0 / (1.0 - e)
    if s < e:
        return 0.5 * top * s * s / e
    if s > 1.0 - e:
        return 1.0 - 0.5 * top * (1.0 - s) ** 2 / e
    return top * (s - 0.5 * e)


def write_flythrough(
    result: Result,
    path: Path,
    stops: Sequence[Bookmark] | None = None,
    size: tuple[int, int] = SIZE,
    seconds: float | None = None,
    fps: int = FPS,
    tell: Callable[[float], None] = lambda share: None,
) -> Path:
    """Write a flight along ``stops`` (:func:`default_bookmarks` without any) as an MP4 of ``size`` (width, height).

    It takes ``seconds``, two for each leg without.  Odd sides are made even.  ``tell`` hears the share of the work
    done.  Raises OutputError, and RecordError for fewer than two stops.
    """
    check_video_path(path)
    stops = default_bookmarks(result) if stops is None else stops
    check_stops(stops, None)
    legs = sum(not b.view.parallel for b in stops) - 1
    count = max(2, round((SECONDS_A_LEG * legs if seconds is None else seconds) * fps))
    even = (size[0] // 2 * 2, size[1] // 2 * 2)

    def pictures() -> Iterator[RGB]:
        surface = Surface(result.terrain.mesh)
        painters: dict[str, Painter] = {}
        for number, (view, layer) in enumerate(flight_views(stops, count)):
            if layer not in painters:
                colours = None if layer == "image" else colour_map(result, layer)
                painters[layer] = Painter(result.terrain, surface, colours)
            yield _captioned(painters[layer].draw(view, even).rgb, view, result, layer)
            tell((number + 1) / count)

    return write_video(path, pictures(), even, fps)


def _captioned(rgb: RGB, view: Viewpoint, result: Result, layer: str) -> RGB:
    """With north, the product's name, what is shown and whom to thank."""
    height, width = rgb.shape[:2]
    image = Pil.fromarray(rgb)
    pen = ImageDraw.Draw(image, "RGBA")
    unit = max(9.0, height / 36.0)
    font = ImageFont.load_default(unit)
    north(pen, view, (width - 3.4 * unit, 3.2 * unit), 1.8 * unit, font)
    name = "".join(c if c.isprintable() else " " for c in result.name)[:60]
    what = name if layer == "image" else f"{name}  \u00b7  {layer}"
    outlined(pen, (0.8 * unit, height - 0.8 * unit), what, font, "ls")
    outlined(pen, (width - 0.8 * unit, height - 0.8 * unit), credit(result.pairs[0].pair.left.mission), font, "rs")
    return np.asarray(image)
