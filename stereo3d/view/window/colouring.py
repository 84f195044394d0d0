"""The layer in hand: what colours the ground, and the scale that tells what the colours mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stereo3d.view.layers import LAYERS, ColourMap, colour_map, photo_at_vertices, shade
from stereo3d.view.sunlight import Sun, usual_sun, vertex_light
from stereo3d.view.window.ground import Ground
from stereo3d.view.window.world import World


class Colouring:
    """Layers on the ground; each is worked out once, when it is first shown, and the hillshade for each sun."""

    def __init__(self, world: World, ground: Ground) -> None:
        self._world, self._ground = world, ground
        self._maps: dict[str, ColourMap] = {}
        self._dim: NDArray[np.float32] | None = None
        self.layer = "image"
        self.sun = usual_sun(world.result)

    def show(self, layer: str) -> None:
        """Show one of LAYERS.  Raises KeyError for another name."""
        if layer == "image":
            self._ground.photograph()
        else:
            if layer not in self._maps:
                self._maps[layer] = colour_map(self._world.result, layer, self.sun)
            self._ground.colour(self._colours(self._maps[layer]))
        self.layer = layer

    def _colours(self, scale: ColourMap) -> NDArray[np.uint8]:
        """(vertices, 3) uint8 RGB."""
        if scale.sun is not None:
            return scale.colours(vertex_light(self._world.result, self._world.surface, scale.sun))
        colours = scale.colours(scale.values)
        if scale.bare:
            return colours
        return np.asarray(colours * self._dimmed()[:, None], dtype=np.uint8)

    def next(self) -> None:
        """Show the layer after this one."""
        self.show(LAYERS[(LAYERS.index(self.layer) + 1) % len(LAYERS)])

    def move_sun(self, azimuth_deg: float, elevation_deg: float) -> None:
        """Turn the hillshade's sun, and raise it, by so much; it stays above the horizon."""
        elevation = float(np.clip(self.sun.elevation_deg + elevation_deg, 1.0, 90.0))
        self.sun = Sun((self.sun.azimuth_deg + azimuth_deg) % 360.0, elevation)
        self._maps.pop("hillshade", None)
        if self.layer == "hillshade":
            self.show("hillshade")

    @property
    def scale(self) -> ColourMap | None:
        """What the colours mean; None for the photograph."""
        return self._maps.get(self.layer)

    def _dimmed(self) -> NDArray[np.float32]:
        """(vertices,) how much the photograph dims the colours, as in picture files."""
        if self._dim is None:
            self._dim = shade(photo_at_vertices(self._world.result.terrain))
        return self._dim
