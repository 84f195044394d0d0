"""The public raw-image feeds of Mars 2020 and MSL: how they are asked, and what they answer.

NASA publishes no reference of either.  The parameters and shapes are those that the raw-image pages of mars.nasa.gov
use themselves, as public clients of the same feeds describe them: mars-raw-utils (both feeds: search, condition_2 and
condition_3 as "N:sol:gte" and "N:sol:lte", num or per_page, page from 0), nasa-photo-viewer (Mars 2020: condition_1 is
the mission alone; names in search are joined by "|"; num is cut to 100; beyond the end "error_message" is "No more
images." with an empty list; total_results counts records; numbers may be strings) and mars-photo-api (MSL: "items",
"more", "total", "https_url").  Mars 2020 is https://mars.nasa.gov/rss/api/, MSL
https://mars.nasa.gov/api/v1/raw_image_items/.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import urlencode

from stereo3d.errors import FeedError
from stereo3d.fetch.web import Web

PER_PAGE = 100
"""Records on a page; the feed of Mars 2020 gives no more, whatever is asked."""
MAX_PAGES = 100
MAX_PAGE_BYTES = 8 << 20
"""A page of 100 records has 0.25 MB."""
MAX_SOL = 99_999

Record = dict[str, object]


@dataclass(frozen=True)
class Feed:
    """One mission's feed: where it is, how it is asked, and where its answers hold what."""

    mission: str
    """What it is called on the command line, and the start of the folders' names: "m20" or "msl"."""
    title: str
    endpoint: str
    origins: tuple[str, ...]
    """Scheme and host of all that may be asked, the images included; nothing else ever is."""
    fixed: Mapping[str, str]
    """Parameters that are the same in every question."""
    count_name: str
    """The parameter that says how many records a page has."""
    list_name: str
    """The field of the answer that holds the records."""
    url_path: tuple[str, ...]
    """The fields of a record, outer first, that lead to the address of the full-resolution image."""
    cameras: Mapping[str, tuple[str, ...]]
    """The stereo cameras by the name that a person gives them: their instruments, both eyes."""

    def question(self, sols: tuple[int, int], camera: str, page: int) -> str:
        """The address of one page (from 0) of the records of ``camera`` in the sols ``sols``, both included."""
        values = {
            **self.fixed,
            self.count_name: str(PER_PAGE),
            "page": str(page),
            "search": "|".join(self.cameras[camera]),
            "condition_2": f"{sols[0]}:sol:gte",
            "condition_3": f"{sols[1]}:sol:lte",
        }
        return f"{self.endpoint}?{urlencode(values)}"

    def image_url(self, record: Mapping[str, object]) -> str | None:
        """Where the full-resolution image is, as the record says; None where it does not."""
        value: object = record
        for key in self.url_path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) and value else None


_HOST = ("https://mars.nasa.gov",)

M20 = Feed(
    mission="m20",
    title="Mars 2020",
    endpoint="https://mars.nasa.gov/rss/api/",
    origins=_HOST,
    fixed={
        "feed": "raw_images",
        "category": "mars2020",
        "feedtype": "json",
        "order": "sol asc",
        "condition_1": "mars2020:mission",
    },
    count_name="num",
    list_name="images",
    url_path=("image_files", "full_res"),
    cameras={
        "navcam": ("NAVCAM_LEFT", "NAVCAM_RIGHT"),
        "front-hazcam": tuple(f"FRONT_HAZCAM_{eye}_{side}" for side in "AB" for eye in ("LEFT", "RIGHT")),
        "rear-hazcam": ("REAR_HAZCAM_LEFT", "REAR_HAZCAM_RIGHT"),
    },
)
MSL = Feed(
    mission="msl",
    title="MSL",
    endpoint="https://mars.nasa.gov/api/v1/raw_image_items/",
    origins=_HOST,
    fixed={"order": "sol asc", "condition_1": "msl:mission"},
    count_name="per_page",
    list_name="items",
    url_path=("https_url",),
    cameras={
        camera: tuple(f"{name}_{eye}_{side}" for side in "AB" for eye in ("LEFT", "RIGHT"))
        for camera, name in (("navcam", "NAV"), ("front-hazcam", "FHAZ"), ("rear-hazcam", "RHAZ"))
    },
)
FEEDS = {feed.mission: feed for feed in (M20, MSL)}
CAMERAS = tuple(M20.cameras)


@dataclass(frozen=True)
class Page:
    """One answer of a feed."""

    records: tuple[Record, ...]
    last: bool
    """It says that there is no page after it."""
    total: int | None
    """The number of records in all pages, where it is said."""


def ask(
    web: Web, feed: Feed, sols: tuple[int, int], camera: str, told: Callable[[int], None] = lambda records: None
) -> list[Record]:
    """All records of ``camera`` in the sols, each once, in the order of the feed; ``told`` is told their number.

    Raises FeedError when the feed is not to be reached, answers what is no page of records or more than 100 pages, or
    does not heed the question.
    """
    found: list[Record] = []
    seen: set[bytes] = set()
    answered = 0
    for number in range(MAX_PAGES):
        url = feed.question(sols, camera, number)
        page = parse_page(feed, web.get(url, MAX_PAGE_BYTES), url)
        answered += len(page.records)
        fresh = []
        for record in page.records:
            key = _digest(record)
            if key not in seen:
                seen.add(key)
                fresh.append(record)
        if fresh and not any(_asked_for(record, sols) for record in fresh):
            _not_understood(url, f"answers with other sols than {sols[0]} to {sols[1]}")
        found += fresh
        told(len(found))
        # A feed that repeats its last page instead of ending has nothing new either.
        if page.last or not fresh or (page.total is not None and answered >= page.total):
            return found
    raise FeedError(
        f"there are more than {MAX_PAGES * PER_PAGE} records",
        file=feed.endpoint,
        todo="ask for fewer sols",
    )


def parse_page(feed: Feed, data: bytes, url: str) -> Page:
    """The records of an answer.  Raises FeedError for what is no JSON, or holds no list of records."""
    try:
        # NaN and Infinity are no JSON, and would be none in the record that is written.
        value: object = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        _not_understood(url, "does not answer in JSON")
    if not isinstance(value, dict):
        _not_understood(url, "answers without a list of records")
    message = value.get("error_message")
    records = value.get(feed.list_name)
    if isinstance(message, str) and message and not records:
        if message.lower().startswith("no more"):
            return Page((), last=True, total=None)
        _not_understood(url, f"says '{message[:200]}'")
    if not isinstance(records, list):
        _not_understood(url, f'answers without a list "{feed.list_name}"')
    # MSL's "total" counts its whole archive, whatever was asked; "more" is what it ends by.
    total = _count(value.get("total_results"))
    kept = tuple(record for record in records if isinstance(record, dict) and _shallow(record))
    return Page(kept, last=not records or value.get("more") is False, total=total)


def _shallow(value: object, levels: int = 6) -> bool:
    """Whether groups are nested in no more levels than that; a record of a feed has two."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(levels > 1 and _shallow(one, levels - 1) for one in inner if isinstance(one, (dict, list)))


def _digest(record: Record) -> bytes:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode("ascii")).digest()


def _asked_for(record: Mapping[str, object], sols: Sequence[int]) -> bool:
    sol = _count(record.get("sol"))
    return sol is not None and sols[0] <= sol <= sols[1]


def _count(value: object) -> int | None:
    """A number of records or sols, which may be a string."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _not_understood(url: str, what: str) -> NoReturn:
    raise FeedError(f"the feed {what}", file=url, todo="try again later; if it stays so, the feed has changed")
