"""What an exporter is given: the textured ground, where it comes from, and what was seen and measured beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stereo3d.export.cloud import Cloud
from stereo3d.export.page.parts import Page
from stereo3d.observation import Observation
from stereo3d.terrain.texture import TexturedMesh, colours_at

About = Mapping[str, str]
"""Where the data come from, by name: product, mission, credit, ...; written into the file where its format can."""


@dataclass(frozen=True, eq=False)
class Content:
    """All that a file may hold; each format takes what it has a place for."""

    textured: TexturedMesh
    """In ENU (X east, Y north, Z up, m)."""
    about: About = field(default_factory=dict)
    observations: Sequence[Observation] = ()
    """The frames that become cameras, of the same stop."""
    cloud: Cloud | None = None
    """The measured points, in the frame of the mesh; without them a cloud is the vertices of the mesh."""
    page: Page | None = None
    """The same ground packed for the viewer, see :func:`stereo3d.export.page.scene.page_of`."""


def vertex_colours(textured: TexturedMesh) -> NDArray[np.uint8]:
    """(n, 3) uint8: the texel that each vertex lies in."""
    return colours_at(textured, textured.uv)
