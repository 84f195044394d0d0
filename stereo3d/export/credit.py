"""Credit and program in the metadata of pictures, so that they are not lost with the caption."""

from __future__ import annotations

from typing import Any

from PIL import ExifTags
from PIL import Image as Pil
from PIL.PngImagePlugin import PngInfo

from stereo3d import __version__

SOFTWARE = f"stereo3d {__version__}"


def png_text(credit: str) -> PngInfo:
    """The standard's own keywords Software and Copyright, as text of a PNG."""
    info = PngInfo()
    info.add_text("Software", SOFTWARE)
    info.add_text("Copyright", credit)
    return info


def signed(credit: str, kind: str) -> dict[str, Any]:
    """What Pillow's ``save`` takes beside the pixels to write both into a file of ``kind``, "PNG" or "JPEG" (Exif)."""
    if kind == "PNG":
        return {"pnginfo": png_text(credit)}
    exif = Pil.Exif()
    exif[ExifTags.Base.Software] = SOFTWARE
    exif[ExifTags.Base.Copyright] = credit
    return {"exif": exif}
