"""The panorama of the frames, linked with the ground: around it as a dome, and along the lower edge as a strip."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageDraw

from stereo3d.libraries import import_library
from stereo3d.view.layers import brightness
from stereo3d.view.overlay import Overlay
from stereo3d.view.panorama_link import PanoramaLink, surroundings_of
from stereo3d.view.viewpoint import Viewpoint
from stereo3d.view.window.marks import OTHER, Marks
from stereo3d.view.window.stage import Stage
from stereo3d.view.window.world import World

Float = NDArray[np.float64]
RGBA = NDArray[np.uint8]

COLUMNS = 4096
"""Of the panorama, at most."""
_STRIP_SHARE = 0.2
"""Of the window's height, at most."""
_HIGHEST_DEG, _LOWEST_DEG = 8.0, -35.0
"""Elevations that the strip shows, where the panorama has them."""
_DOME_STEP_DEG = 3.0
_NEAREST_M, _FURTHEST_M = 30.0, 400.0
_CURSOR = 23
_UNSEEN = np.array([16, 18, 22], dtype=np.float32)


class Around:
    """Dome and strip; the panorama is made when one of them is first shown."""

    def __init__(self, stage: Stage, world: World, marks: Marks) -> None:
        self._stage, self._world, self._marks = stage, world, marks
        self._made: tuple[RGBA, PanoramaLink] | None = None
        self._tried = False
        self._dome: Any = None
        self.dome = self.strip = False
        self._place = (0, 0, 0, 0)
        """Left, width, height (px) of the strip in the window, first row of the panorama in it; 0 wide: not shown."""
        self._laid: tuple[tuple[int, int], Pil.Image] | None = None
        self._pointed: tuple[float, float] | None = None

    def _panorama(self) -> tuple[RGBA, PanoramaLink] | None:
        """Pixels and their directions, brightened as the ground is; None where nothing can be shown."""
        if not self._tried:
            self._tried = True
            found = surroundings_of(self._world.result, COLUMNS)
            if found is not None:
                pixels = found[0].copy()
                light = pixels[..., :3] * np.float32(brightness(self._world.result.terrain)) + 0.5
                pixels[..., :3] = np.clip(light, 0, 255).astype(np.uint8)
                self._made = pixels, found[1]
        return self._made

    def toggle_dome(self) -> None:
        """Show the panorama around the ground, or not."""
        self.dome = not self.dome
        if self._dome is None and self.dome:
            made = self._panorama()
            if made is not None:
                self._dome = self._dome_actor(*made)
                self._stage.around.AddActor(self._dome)
        if self._dome is not None:
            self._dome.SetVisibility(self.dome)

    def _dome_actor(self, pixels: RGBA, link: PanoramaLink) -> Any:
        """A part of a sphere about the eye, seen from within only."""
        pv = import_library("pyvista")
        away = np.linalg.norm(self._world.surface.mesh.vertices - self._world.eye, axis=1)
        radius = float(np.clip(np.percentile(away, 99.0), _NEAREST_M, _FURTHEST_M))
        height, width = pixels.shape[:2]
        columns = np.linspace(-0.5, width - 0.5, max(2, int(width * link.deg_per_px / _DOME_STEP_DEG) + 1))
        rows = np.linspace(-0.5, height - 0.5, max(2, int(height * link.deg_per_px / _DOME_STEP_DEG) + 1))
        grid = np.stack(np.meshgrid(columns, rows), axis=-1)
        points = (link.eye + radius * link.direction(grid)).reshape(-1, 3)
        number = np.arange(len(points)).reshape(grid.shape[:2])
        corners = [number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]]
        quads = np.stack([np.full(corners[0].size, 4), *(c.ravel() for c in corners)], axis=1)
        shell = pv.PolyData(points, faces=quads.ravel())
        at = (grid.reshape(-1, 2) + 0.5) / np.array([width, height])
        shell.active_texture_coordinates = np.stack([at[:, 0], 1.0 - at[:, 1]], axis=1).astype(np.float32)
        actor = pv.Actor(mapper=pv.DataSetMapper(shell))
        texture = pv.Texture(pixels)
        texture.interpolate = True
        actor.SetTexture(texture)
        actor.mapper.scalar_visibility = False
        actor.prop.lighting, actor.prop.color, actor.prop.culling = False, "white", "back"
        return actor

    def toggle_strip(self) -> None:
        """Show the panorama along the window's lower edge, or not."""
        self.strip = not self.strip
        if self.strip and self._panorama() is None:
            self.strip = False
        self._marks.clear("pointed")
        self._pointed = None

    def place_strip(self, overlay: Overlay, size: tuple[int, int], view: Viewpoint, show: bool) -> int:
        """Draw the strip and its cursors into the overlay; returns how many px of the lower edge it takes."""
        made = self._made
        if made is None or not (self.strip and show):
            for name in ("strip", "strip-cursor", "strip-heading"):
                overlay.hide(name)
            self._place = (0, 0, 0, 0)
            return 0
        if self._laid is None or self._laid[0] != size or not overlay.shown("strip"):
            self._laid = (size, self._strip(made[0], made[1], size))
            overlay.picture("strip", self._laid[1], self._place[0], 0)
        self._cursor(overlay, "strip-cursor", self._pointed)
        heading = made[1].pixel(np.array([*view.forward[:2], 0.0]) if not view.parallel else view.up)
        self._cursor(overlay, "strip-heading", (float(heading[0]), -1.0))
        return self._place[2]

    def _strip(self, pixels: RGBA, link: PanoramaLink, size: tuple[int, int]) -> Pil.Image:
        """The panorama's part about the horizon, as wide as the window allows."""
        first, last = (
            int(np.clip((link.elevation_top_deg - edge) / link.deg_per_px, 0, link.height - 1))
            for edge in (_HIGHEST_DEG, _LOWEST_DEG)
        )
        last = max(last, first + 1)
        part = pixels[first:last]
        scale = min(size[0] / part.shape[1], _STRIP_SHARE * size[1] / part.shape[0])
        width, high = (max(1, round(side * scale)) for side in (part.shape[1], part.shape[0]))
        small = cv2.resize(part, (width, high), interpolation=cv2.INTER_AREA)
        self._place = ((size[0] - width) // 2, width, high, first)
        seen = small[..., 3:] / np.float32(255.0)
        return Pil.fromarray((_UNSEEN * (1 - seen) + small[..., :3] * seen).astype(np.uint8))

    def _cursor(self, overlay: Overlay, name: str, pixel: tuple[float, float] | None) -> None:
        """A ring at a pixel of the panorama, or a tick at the strip's upper edge (row -1)."""
        if pixel is None or self._made is None:
            overlay.hide(name)
            return
        left, width, high, first = self._place
        scale = width / self._made[0].shape[1]
        x, y = left + (pixel[0] + 0.5) * scale, high - (pixel[1] - first + 0.5) * scale
        if not (left <= x <= left + width and (0 <= y <= high or pixel[1] < 0)):
            overlay.hide(name)
            return
        image = Pil.new("RGBA", (_CURSOR, _CURSOR), (0, 0, 0, 0))
        pen = ImageDraw.Draw(image)
        if pixel[1] < 0:
            pen.polygon([(4, 0), (_CURSOR - 5, 0), (_CURSOR // 2, 10)], fill=(255, 255, 255, 235))
            overlay.picture(name, image, x - _CURSOR / 2, high - _CURSOR)
            return
        pen.ellipse([3, 3, _CURSOR - 4, _CURSOR - 4], outline=(54, 197, 255, 255), width=3)
        overlay.picture(name, image, x - _CURSOR / 2, y - _CURSOR / 2)

    def on_strip(self, x: int, y: int) -> bool:
        """Whether (x, y), px from the window's lower left corner, lies on the strip."""
        left, width, high, _ = self._place
        return width > 0 and y < high and left <= x < left + width

    def ray(self, x: int, y: int) -> tuple[Float, Float] | None:
        """Origin and direction, ENU, of what the strip shows at (x, y); None beside the strip."""
        if self._made is None or not self.on_strip(x, y):
            return None
        left, width, high, first = self._place
        scale = width / self._made[0].shape[1]
        pixel = ((x - left + 0.5) / scale - 0.5, (high - y - 0.5) / scale - 0.5 + first)
        return self._made[1].eye, self._made[1].direction(pixel)

    def hover(self, ray: tuple[Float, Float], at: tuple[int, int]) -> bool:
        """The pointer is at a place of the window whose ray (as shown) this is; whether a cursor has moved."""
        if not self.strip or self._made is None:
            return False
        place = self._world.hit(*ray)
        self._marks.clear("pointed")
        if place is not None and self.on_strip(*at):
            self._marks.dots("pointed", place, OTHER, 14)
        before = self._pointed
        pixel = None if place is None else self._made[1].pixel_of(place)
        self._pointed = None if pixel is None else (float(pixel[0]), float(pixel[1]))
        return self._pointed != before or self.on_strip(*at)
