"""Which of a feed's records are worth an image: full frames, each once, that make pairs; by the rover's stops."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from stereo3d.errors import FeedError, RecordError, Stereo3dError
from stereo3d.fetch.feed import Feed, Record
from stereo3d.fetch.web import refuse_address
from stereo3d.observation import Eye
from stereo3d.read.product_name import parse_product_name
from stereo3d.read.protocol import Header
from stereo3d.read.raw_feed import header_of_record
from stereo3d.read.records import Fields, flattened
from stereo3d.read.shot_pixels import both_eyes, parts_of
from stereo3d.read.shots import Shot, shots_of, without_copies

SUFFIXES = (".png", ".jpg", ".jpeg")
_MAX_RECORD_BYTES = 1 << 18
_PLAIN = re.compile(r"[A-Z0-9_]{20,60}", re.ASCII)


@dataclass(frozen=True, eq=False)
class Wanted:
    """One image to fetch, and its record."""

    name: str
    """The image's file name: the product id, with the suffix of its address.  The record's ends in .json."""
    url: str
    record: bytes
    """The feed's record as it is written, JSON."""
    header: Header


@dataclass(frozen=True, eq=False)
class Stop:
    """What was taken where the rover stood: one scene folder."""

    folder: str
    """Its name."""
    site: int
    drive: int
    pairs: tuple[Shot[Header], ...]
    """In order of time; each of one or more tiles to each eye."""
    images: tuple[Wanted, ...]

    @property
    def sols(self) -> str:
        """As a person reads it: "755", or "755 to 756"."""
        sols = sorted({image.header.sol for image in self.images})
        return str(sols[0]) if len(sols) == 1 else f"{sols[0]} to {sols[-1]}"


@dataclass(frozen=True, eq=False)
class Selection:
    """What is fetched, and what is not and why."""

    stops: tuple[Stop, ...]
    left_out: Mapping[str, int]
    """How many records were left out, by reason."""
    complaints: tuple[Stereo3dError, ...]
    """One for each record that cannot be used."""


def select(
    records: Sequence[Record],
    feed: Feed,
    sols: tuple[int, int],
    camera: str,
    site: int | None = None,
    drive: int | None = None,
) -> Selection:
    """The pairs among a feed's records, by stop in the order of site and drive; ``site`` and ``drive`` choose.

    Records of thumbnails, of another camera, sol or stop than asked for, a second one of the same product, another
    product or scale of the same frame, and frames without the other eye's are left out and counted.  A record that is
    not understood, that names no safe file or an address elsewhere, is a complaint.
    """
    left_out: Counter[str] = Counter()
    complaints: list[Stereo3dError] = []
    wanted: dict[str, Wanted] = {}
    for record in records:
        fields = Fields(Path(feed.endpoint), flattened(record))
        if _is_thumbnail(fields):
            left_out["thumbnails"] += 1
            continue
        try:
            one = _wanted(record, fields, feed)
        except Stereo3dError as error:
            complaints.append(error)
            continue
        header = one.header
        if header.instrument.upper() not in feed.cameras[camera] or not sols[0] <= header.sol <= sols[1]:
            left_out["of another camera or sol"] += 1
        elif (site is not None and header.site != site) or (drive is not None and header.drive != drive):
            left_out["of another stop"] += 1
        elif wanted.setdefault(header.product_id, one) is not one:
            left_out["duplicates"] += 1
    headers, copies = without_copies(one.header for one in wanted.values())
    shots, others = shots_of(headers)
    pairs = [pair for shot in shots for part in parts_of(shot) for pair in both_eyes(part)]
    used = sum(len(pair.frames) for pair in pairs)
    left_out["duplicates"] += len(copies)
    left_out["other products or scales of a frame"] += len(others)
    left_out["without the other eye's"] += len(headers) - len(others) - used
    stops: dict[tuple[int, int], list[Shot[Header]]] = {}
    for pair in pairs:
        stops.setdefault((pair.frames[0].site, pair.frames[0].drive), []).append(pair)
    return Selection(
        tuple(_stop(feed, *place, stops[place], wanted) for place in sorted(stops)),
        {reason: count for reason, count in left_out.items() if count},
        tuple(complaints),
    )


def _stop(feed: Feed, site: int, drive: int, pairs: Sequence[Shot[Header]], wanted: Mapping[str, Wanted]) -> Stop:
    images = [wanted[frame.product_id] for pair in pairs for eye in (Eye.LEFT, Eye.RIGHT) for frame in pair.of(eye)]
    return Stop(f"{feed.mission}_site{site:03}_drive{drive:04}", site, drive, tuple(pairs), tuple(images))


def _is_thumbnail(fields: Fields) -> bool:
    """By the mark of MSL's feed, the type of sample, or the product's name."""
    kind = (fields.text("sample_type") or "").lower()
    name = parse_product_name((fields.text("imageid") or "")[:100])
    return fields.values.get("is_thumbnail") is True or kind == "thumbnail" or (name is not None and name.sample == "T")


def _wanted(record: Record, fields: Fields, feed: Feed) -> Wanted:
    """The image of a record.  Raises RecordError or FeedError for one that cannot be used."""
    product_id = fields.text("imageid") or ""
    # A product name has no dots and slashes, and is no name that a system keeps for itself.
    if not _PLAIN.fullmatch(product_id) or parse_product_name(product_id) is None:
        raise RecordError(
            f"the image id '{product_id[:100]}' is no product name", file=fields.file, todo="it is left out"
        )
    fields = Fields(Path(product_id), fields.values)
    url = feed.image_url(record)
    if url is None:
        raise FeedError("the record names no full-resolution image", file=product_id, todo="it is left out")
    try:
        refuse_address(url, feed.origins)
    except FeedError as error:
        raise FeedError(error.what, file=product_id, expected=error.expected, todo="it is left out") from error
    suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    if suffix not in SUFFIXES:
        raise FeedError(f"the image is a '{suffix[:20]}'", file=product_id, expected="a PNG or JPEG")
    try:
        text = (json.dumps(record, indent=2, allow_nan=False) + "\n").encode("ascii")
    except ValueError as error:  # 1e999 is JSON, and infinite
        raise RecordError("the record holds a number without bounds", file=product_id, todo="it is left out") from error
    if len(text) > _MAX_RECORD_BYTES:
        raise RecordError(
            f"the record has {len(text)} bytes", file=fields.file, expected=f"at most {_MAX_RECORD_BYTES}"
        )
    return Wanted(product_id + suffix, url, text, header_of_record(fields))
