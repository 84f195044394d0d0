"""The photosphere metadata (Google's GPano in XMP) by which phones and web viewers show a panorama as a sphere."""

from __future__ import annotations

import struct
from typing import Any

from stereo3d.panorama.projection import Equirectangular, Projection

_NAMESPACE = "http://ns.google.com/photos/1.0/panorama/"
_JPEG_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"


def photosphere(projection: Projection) -> dict[str, Any] | None:
    """The GPano properties of an equirectangular canvas; None for any other.

    The full sphere begins at the canvas's left edge, so its middle, the pose's heading, is half a turn from there.
    """
    if not isinstance(projection, Equirectangular):
        return None
    scale = projection.px_per_deg
    full_width = max(round(360.0 * scale), projection.width)
    top = max(round(90.0 * scale - (projection.horizon_row + 0.5)), 0)
    heading = (projection.start_azimuth_deg + 180.0) % 360.0
    look = (projection.start_azimuth_deg + 0.5 * projection.width / scale) % 360.0
    return {
        "ProjectionType": "equirectangular",
        "UsePanoramaViewer": "True",
        "CroppedAreaImageWidthPixels": projection.width,
        "CroppedAreaImageHeightPixels": projection.height,
        "FullPanoWidthPixels": full_width,
        "FullPanoHeightPixels": max(round(full_width / 2), top + projection.height),
        "CroppedAreaLeftPixels": 0,
        "CroppedAreaTopPixels": top,
        "PoseHeadingDegrees": f"{heading:.4f}",
        "PosePitchDegrees": "0.0",
        "PoseRollDegrees": "0.0",
        "InitialViewHeadingDegrees": f"{look:.0f}",
    }


def photosphere_xmp(projection: Projection) -> str | None:
    """The XMP packet of an equirectangular canvas; None for any other."""
    values = photosphere(projection)
    if values is None:
        return None
    lines = "\n".join(f'   GPano:{name}="{value}"' for name, value in values.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'  <rdf:Description rdf:about="" xmlns:GPano="{_NAMESPACE}"\n{lines}/>\n'
        " </rdf:RDF>\n"
        "</x:xmpmeta>\n"
        '<?xpacket end="w"?>'
    )


def jpeg_segment(xmp: str) -> bytes:
    """The packet as an APP1 segment of a JPEG file.  Raises ValueError where it does not fit into one."""
    body = _JPEG_HEADER + xmp.encode()
    if len(body) + 2 > 0xFFFF:
        raise ValueError("an XMP packet of a JPEG file has at most 65 kB")
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
