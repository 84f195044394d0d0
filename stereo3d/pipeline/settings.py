"""What the user may choose for the measuring of pairs."""

from __future__ import annotations

from dataclasses import dataclass, field

from stereo3d.terrain.mesh import MeshSettings


@dataclass(frozen=True)
class Settings:
    """What the user may choose.  Every number with its unit in its name."""

    min_range_m: float = 1.0
    """Nearest ground that is searched for, m along the viewing axis."""
    max_sigma_share: float = 0.1
    """Pixels whose range noise (sigma less what moves all alike) exceeds this share of the range are beyond range."""
    sky: bool = True
    """Look for sky.  Off for a picture that shows none, in which something smooth could be taken for it (indoors, a
    test bench, a close-up); a scene may say the same of itself."""
    mesh: MeshSettings = field(default_factory=MeshSettings)
    """How the pixels of one pair become triangles."""
    faces: int | None = None
    """The most triangles that the ground around the rover may have (1000 or more); None: as many as its error asks."""
    fill: bool = False
    """Close the holes that ground encloses (behind rocks) with faces that are marked as filled."""
