"""A panorama as a picture (PNG, TIFF, JPEG) with what its pixels stand for in a JSON file beside it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pil

from stereo3d.errors import MissingFileError, OutputError, RecordError
from stereo3d.export.atomic import atomic_files
from stereo3d.export.credit import SOFTWARE, png_text, signed
from stereo3d.export.graticule import draw_graticule
from stereo3d.export.photosphere import jpeg_segment, photosphere_xmp
from stereo3d.export.products import peak_memory_mb, plain_values
from stereo3d.panorama.projection import Projection, projection_from_json
from stereo3d.pipeline.panorama import Panorama

FORMAT = "stereo3d panorama 1"
_MAX_JSON_BYTES = 64_000_000
_MAX_JPEG_SIDE = 65_500
_TILE = 512
_XMP, _COPYRIGHT = 700, 33432
"""Tags of TIFF."""
_STRETCH = (0.1, 99.9)
_BIG = 4_000_000_000 - 50_000_000

Pixels = NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class PanoramaFile:
    """What the JSON file of a panorama says."""

    picture: str
    """Name of the picture's file, in the same folder."""
    projection: Projection
    """Of the picture; of an anaglyph: of its left eye, which is red."""
    right_projection: Projection | None
    """Of the right eye of an anaglyph."""
    report: dict[str, Any]
    """All of the file, plain values."""


def json_path(path: Path) -> Path:
    """The JSON file that goes with a picture."""
    return path.with_suffix(".json")


def _check_suffixes(path: Path, mask: Path | None) -> None:
    for target, known in ((path, tuple(WRITERS)), (mask, (".png",))):
        if target is not None and target.suffix.lower() not in known:
            what = f"the suffix '{target.suffix}' is not known" if target.suffix else "the name has no suffix"
            raise OutputError(what, file=target, expected=f"one of {', '.join(known)}")
    if mask is not None and mask.resolve() == path.resolve():
        raise OutputError("the mask would replace the picture", file=mask, expected="another name")


@contextmanager
def panorama_files(path: Path, mask: Path | None = None) -> Iterator[PanoramaWriter]:
    """What writes a panorama to ``path``, its JSON file beside it, and its mask (.png): all of them or none.

    Entering tells, before any work, what cannot be written: raises OutputError.  The writer may run in another thread.
    """
    _check_suffixes(path, mask)
    with ExitStack() as stack:
        folder = stack.enter_context(atomic_files(path))
        mask_folder = stack.enter_context(atomic_files(mask)) if mask is not None else None
        yield PanoramaWriter(path, mask, folder, mask_folder)


def write_panorama(
    panorama: Panorama,
    path: str | os.PathLike[str],
    *,
    grid: bool = False,
    mask: str | os.PathLike[str] | None = None,
) -> list[Path]:
    """Write what :func:`stereo3d.make_panorama` made as .png, .tif or .jpg, and beside it a JSON file that maps every
    pixel to its ray (:func:`read_panorama`); ``grid`` draws azimuth and elevation over the picture, ``mask`` (.png) is
    white where something was seen.  See :class:`PanoramaWriter`.

    Returns the files written, the picture first; all of them appear whole, or none.  Raises OutputError for a suffix
    that is not known and a file that cannot be written.
    """
    with panorama_files(Path(path), None if mask is None else Path(mask)) as writer:
        writer.write(panorama, grid)
    return writer.written


@dataclass(frozen=True)
class PanoramaWriter:
    """Where a panorama goes."""

    path: Path
    mask: Path | None
    folder: Path
    """Where ``path`` and its JSON file are made."""
    mask_folder: Path | None

    @property
    def written(self) -> list[Path]:
        """The files, the picture first."""
        return [self.path, json_path(self.path)] + ([self.mask] if self.mask is not None else [])

    def write(self, panorama: Panorama, grid: bool = False, seconds: Mapping[str, float] | None = None) -> None:
        """Make the files.

        What is unseen is transparent (PNG, TIFF) or black (JPEG); the mask is 255 where something was seen.  16 bits
        are kept in TIFF and stretched to 8 otherwise.  ``grid`` draws azimuth and elevation over the picture.
        ``seconds`` are added to the report's.
        """
        began = time.perf_counter()
        suffix = self.path.suffix.lower()
        pixels, stretch = panorama.pixels, None
        if pixels.dtype != np.uint8 and (grid or suffix not in (".tif", ".tiff")):
            pixels, stretch = _to_bytes(pixels, panorama.seen)
        alpha = panorama.seen
        if grid:
            pixels, drawn = draw_graticule(pixels, panorama.projection)
            alpha = alpha | drawn
        credit = str(panorama.report.get("credit", ""))
        WRITERS[suffix](self.folder / self.path.name, pixels, alpha, photosphere_xmp(panorama.projection), credit)
        if self.mask is not None and self.mask_folder is not None:
            Pil.fromarray(panorama.seen.astype(np.uint8) * np.uint8(255)).save(self.mask_folder / self.mask.name)
        right = panorama.right_projection
        content = {
            "format": FORMAT,
            "picture": self.path.name,
            "mask": self.mask.name if self.mask is not None else None,
            "projection": panorama.projection.as_json(),
            "right_projection": right.as_json() if right is not None else None,
            "stretch_dn": stretch,
            "grid": grid,
            "seen_share": round(float(panorama.seen.mean()), 5),
            **panorama.report,
            "seconds": {**panorama.report["seconds"], **(seconds or {}), "writing": time.perf_counter() - began},
            "peak_memory_mb": peak_memory_mb(),
        }
        text = json.dumps(plain_values(content), indent=1, allow_nan=False)
        (self.folder / json_path(self.path).name).write_text(text + "\n", encoding="utf-8")


def read_panorama(path: Path) -> PanoramaFile:
    """The JSON file of a panorama, by its own name or the picture's.

    Raises MissingFileError where it is not there, RecordError where it is not such a file.
    """
    path = json_path(Path(path))
    content = _json_of(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RecordError("this does not describe a panorama", file=path, expected=f'"format": "{FORMAT}"')
    picture, right = content.get("picture"), content.get("right_projection")
    plain = isinstance(picture, str) and picture.isprintable() and 0 < len(picture) <= 255 and picture != ".."
    if not plain or Path(str(picture)).name != picture:
        raise RecordError("the picture's name is missing or no plain name", file=path)
    try:
        projection = projection_from_json(content.get("projection"))
        right_projection = projection_from_json(right) if right is not None else None
    except RecordError as error:
        raise RecordError(error.what, file=path, expected=error.expected) from error
    return PanoramaFile(str(picture), projection, right_projection, content)


def _json_of(path: Path) -> Any:
    try:
        if path.exists() and not path.is_file():  # a pipe never answers
            raise RecordError("is not a regular file", file=path, expected="the JSON file of a panorama")
        with path.open("rb") as file:
            data = file.read(_MAX_JSON_BYTES + 1)
    except FileNotFoundError:
        raise MissingFileError("no such file", file=path, todo="keep the JSON file beside the panorama") from None
    except OSError as error:
        raise RecordError(f"cannot be read: {error.strerror or error}", file=path) from error
    if len(data) > _MAX_JSON_BYTES:
        raise RecordError("the file is too large to describe a panorama", file=path)
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise RecordError(f"this is no JSON file ({str(error)[:200]})", file=path) from error


def _to_bytes(pixels: Pixels, seen: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], list[float]]:
    """The picture stretched to 8 bits, and the DN that became 0 and 255."""
    some = pixels[seen][::37].astype(np.float32)
    low, high = (float(v) for v in np.percentile(some, _STRETCH)) if some.size else (0.0, 1.0)
    levels = np.arange(np.iinfo(np.uint16).max + 1, dtype=np.float64)
    # Unseen pixels stay 0; what is seen is never quite that.
    table = np.clip(np.rint((levels - low) * 255.0 / max(high - low, 1.0)), 1, 255).astype(np.uint8)
    out: NDArray[np.uint8] = table[pixels.astype(np.uint16)]
    out[~seen] = 0
    return out, [low, high]


def _with_alpha(pixels: Pixels, alpha: NDArray[np.bool_]) -> Pixels:
    """(rows, columns, 2 or 4); as it is where all is seen."""
    if alpha.all():
        return pixels
    planes = pixels if pixels.ndim == 3 else pixels[..., None]
    full = np.iinfo(pixels.dtype).max  # type: ignore[type-var]
    out = np.empty((*alpha.shape, planes.shape[2] + 1), dtype=pixels.dtype)
    out[..., :-1] = planes
    np.multiply(alpha, full, out=out[..., -1], casting="unsafe")  # np.where would hold 8 bytes for each pixel
    return out


def _write_png(path: Path, pixels: Pixels, alpha: NDArray[np.bool_], xmp: str | None, credit: str) -> None:
    info = png_text(credit)
    if xmp is not None:
        info.add_itxt("XML:com.adobe.xmp", xmp)
    # Level 2 takes a third of the time of the usual 6 and is 6 % larger.
    Pil.fromarray(_with_alpha(pixels, alpha)).save(path, pnginfo=info, compress_level=2)


def _write_jpeg(path: Path, pixels: Pixels, alpha: NDArray[np.bool_], xmp: str | None, credit: str) -> None:
    if max(alpha.shape) > _MAX_JPEG_SIDE:
        raise OutputError("a JPEG cannot be so large", file=path, expected=f"at most {_MAX_JPEG_SIDE} px a side")
    extra = jpeg_segment(xmp) if xmp is not None else b""
    Pil.fromarray(pixels).save(path, quality=92, extra=extra, **signed(credit, "JPEG"))


def _write_tiff(path: Path, pixels: Pixels, alpha: NDArray[np.bool_], xmp: str | None, credit: str) -> None:
    planes = _with_alpha(pixels, alpha)
    colour = pixels.ndim == 3
    tags: list[tuple[int, str, int, object, bool]] = [(_COPYRIGHT, "s", 0, credit, True)] if credit else []
    if xmp is not None:
        tags.append((_XMP, "B", len(xmp.encode()), xmp.encode(), True))
    tifffile.imwrite(
        path,
        planes,
        bigtiff=planes.nbytes > _BIG,
        photometric="rgb" if colour else "minisblack",
        planarconfig="contig" if planes.ndim == 3 else None,
        extrasamples=["unassalpha"] if planes.ndim == 3 and planes.shape[2] in (2, 4) else None,
        tile=(_TILE, _TILE),
        compression="zlib",
        compressionargs={"level": 2},
        predictor=True,
        metadata=None,
        software=SOFTWARE,
        extratags=tags,
    )


WRITERS: dict[str, Callable[[Path, Pixels, NDArray[np.bool_], str | None, str], None]] = {
    ".png": _write_png,
    ".tif": _write_tiff,
    ".tiff": _write_tiff,
    ".jpg": _write_jpeg,
    ".jpeg": _write_jpeg,
}
"""Suffix to writer: ``write(path, pixels, alpha, xmp, credit)``."""
