"""A raw-image feed on this machine, in the shapes that the public ones are described in, that misbehaves when asked."""

from __future__ import annotations

import hashlib
import io
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import PIL.Image

from stereo3d.fetch.feed import M20, MSL, Feed
from stereo3d.fetch.web import Patience

WIDTH, HEIGHT = 128, 96
ELSEWHERE = "https://example.com"


def text(*numbers: float) -> str:
    return "(" + ",".join(f"{n:g}" for n in numbers) + ")"


def components(letter: str, *, early: bool = False, msl: bool = False) -> str:
    """A camera that looks ahead, in the order of the components that the feed writes, or wrote in its first days."""
    parts = {
        "C": text(0.9, -0.2 if letter == "L" else 0.2, -1.9),
        "A": text(1, 0, 0),
        "H": text((WIDTH - 1) / 2, 100, 0),
        "V": text((HEIGHT - 1) / 2, 0, 100),
        "O": text(1, 0, 0),
        "R": text(1e-6, 0.05, -0.017),
        "E": text(0, 0, 0),
        "T": "2.0",
        "P": "0.0",
    }
    return ";".join(parts[key] for key in ("CAHVOR" if msl else "TPVORECAH" if early else "CAHVORETP"))


def image(name: str, size: tuple[int, int] = (WIDTH, HEIGHT), suffix: str = ".png") -> bytes:
    """A picture of noise, another one for each name."""
    rng = np.random.default_rng(sum(name.encode()))
    data = io.BytesIO()
    PIL.Image.fromarray(rng.integers(1, 255, (size[1], size[0]), dtype=np.uint8)).save(
        data, {".png": "PNG", ".jpg": "JPEG"}[suffix]
    )
    return data.getvalue()


@dataclass
class FeedServer:
    """What it has, how it behaves, and what it was asked."""

    base: str = ""
    records: list[dict] = field(default_factory=list)
    per_page: int = 100
    files: dict[str, bytes] = field(default_factory=dict)
    """Path to bytes."""
    behaviour: dict[str, list[Callable[[Handler], None]]] = field(default_factory=dict)
    """Path to what is done instead, one for each request in turn; "" for the feed itself."""
    always: dict[str, Callable[[Handler], None]] = field(default_factory=dict)
    """The same for all requests of a path."""
    etags: bool = True
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path (or query of the feed) and headers, in turn."""
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def m20(self) -> Feed:
        return replace(M20, endpoint=f"{self.base}/rss/api/", origins=(self.base,))

    @property
    def msl(self) -> Feed:
        return replace(MSL, endpoint=f"{self.base}/api/v1/raw_image_items/", origins=(self.base,))

    def paths(self) -> list[str]:
        """The images that were asked for, in turn."""
        return [path for path, _ in self.asked if not path.startswith("/?")]

    def add(self, letter: str = "L", *, early: bool = False, tile: int = 1, **changes: object) -> dict:
        """A record of Mars 2020's feed with its image; ``changes`` are of its fields, in whatever group."""
        sclk, site, drive = (int(str(changes.pop(key, value))) for key, value in PLACE.items())
        sol = int(str(changes.get("sol", 400)))
        stem = f"N{letter}F_{sol:04d}_{sclk:010d}_123ECM_N{site:03d}{drive:04d}NCAM00400_{tile:02d}_195J"
        path = f"/mars2020-raw-images/{stem}01.png"
        record = {
            "imageid": stem,
            "sol": sol,
            "site": site,
            "drive": str(drive),
            "attitude": "(1,0,0,0)",
            "date_taken_utc": "2022-04-05T01:02:03.456",
            "sample_type": "Full",
            "caption": None,
            "image_files": {"full_res": self.base + path, "small": f"{self.base}/{stem}01_320.jpg"},
            "camera": {
                "instrument": "NAVCAM_LEFT" if letter == "L" else "NAVCAM_RIGHT",
                "camera_model_type": "CAHVORE",
                "camera_model_component_list": components(letter, early=early),
                "filter_name": "UNK",
            },
            "extended": {
                "sclk": f"{sclk + 1}.5",
                "dimension": text(WIDTH, HEIGHT),
                "subframeRect": text(1 + (tile - 1) * 240, 1, 2 * WIDTH, 2 * HEIGHT),
                "scaleFactor": "2",
                "mastAz": "0.5",
                "mastEl": "UNK",
                "xyz": "(10,20,-3)",
            },
        }
        for key, value in changes.items():
            group = next((g for g in (record["camera"], record["extended"]) if key in g), record)
            group[key] = value
        self.files.setdefault(path, image(stem))
        self.records.append(record)
        return record

    def add_pair(self, **changes: object) -> list[dict]:
        return [self.add(letter, **changes) for letter in "LR"]

    def add_msl(self, letter: str = "L", **changes: object) -> dict:
        """A record of MSL's feed with its image."""
        stem = f"N{letter}B_524534514EDR_F0562034NCAM00280M_"
        path = f"/msl-raw-images/{stem}.JPG"
        record = {
            "imageid": stem,
            "sol": 1435,
            "site": 56,
            "drive": 2034,
            "instrument": f"NAV_{'LEFT' if letter == 'L' else 'RIGHT'}_B",
            "is_thumbnail": False,
            "attitude": None,
            "camera_model_type": "CAHVOR",
            "camera_model_component_list": components(letter, msl=True),
            "subframe_rect": text(1, 1, WIDTH, HEIGHT),
            "scale_factor": 1,
            "date_taken": "2016-08-19T07:08:33.000Z",
            "https_url": self.base + path,
            "url": self.base.replace("http", "ftp") + path,
            "extended": {"sample_type": "full", "mast_az": "UNK", "mast_el": None},
            **changes,
        }
        self.files.setdefault(path, image(stem, suffix=".jpg"))
        self.records.append(record)
        return record


PLACE = {"sclk": 700000000, "site": 5, "drive": 1234}


class Handler(BaseHTTPRequestHandler):
    """Answers one request of the server's ``feed_server``."""

    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self) -> None:
        feed: FeedServer = self.server.feed_server
        parts = urlsplit(self.path)
        is_feed = parts.path in ("/rss/api/", "/api/v1/raw_image_items/")
        with feed.lock:
            feed.asked.append((f"/?{parts.query}" if is_feed else parts.path, dict(self.headers)))
            feed.at_once += 1
            feed.most_at_once = max(feed.most_at_once, feed.at_once)
            key = "" if is_feed else parts.path
            turns = feed.behaviour.get(key, [])
            turn = turns.pop(0) if turns else feed.always.get(key)
        try:
            if turn is not None:
                turn(self)
            elif is_feed:
                self.page(feed, parse_qs(parts.query), parts.path.startswith("/rss"))
            elif parts.path in feed.files:
                self.file(feed.files[parts.path])
            else:
                self.answer(404, b"nothing here")
        finally:
            with feed.lock:
                feed.at_once -= 1

    def page(self, feed: FeedServer, query: dict[str, list[str]], m20: bool) -> None:
        """The page that was asked for, of those records that are of the sols that were asked for."""
        first, last = (int(query[f"condition_{n}"][0].partition(":")[0]) for n in (2, 3))
        found = [r for r in feed.records if not isinstance(r["sol"], int) or first <= r["sol"] <= last]
        number = int(query["page"][0])
        size = min(feed.per_page, int(query["num" if m20 else "per_page"][0]))
        part = found[number * size : (number + 1) * size]
        if not m20:
            # The total is that of the whole archive, whatever was asked.
            said = {"items": part, "more": (number + 1) * size < len(found), "total": 1388223, "page": number}
        elif not part:
            said = {"images": [], "error_message": "No more images.", "total_results": len(found)}
        else:
            said = {"images": part, "per_page": str(size), "page": number, "total_results": str(len(found))}
            said |= {"total_images": 4 * len(found), "type": "mars2020-images-list-1.1"}
        self.answer(200, json.dumps(said).encode(), {"Content-Type": "application/json"})

    def file(self, data: bytes, cut_after: int | None = None) -> None:
        """The bytes, or the range of them that was asked for; the connection is cut after some of them."""
        tag = {"ETag": f'"{hashlib.sha256(data).hexdigest()[:8]}"'} if self.server.feed_server.etags else {}
        span = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(span[1]) if span else 0
        if first >= len(data) and span:
            self.answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
        if span:
            tag["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        if cut_after is None:
            self.answer(206 if span else 200, data[first:], tag)
            return
        self.answer(206 if span else 200, data[first : first + cut_after], tag, length=len(data) - first)
        self.cut()

    def answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def endless(self, piece: bytes) -> None:
        """The piece again and again, in chunks, until nobody reads."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            while True:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # the tests wait for them: nothing is left open

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what some tests are about."""


@contextmanager
def serving() -> Iterator[FeedServer]:
    server = _Server(("127.0.0.1", 0), Handler)
    feed = FeedServer(f"http://127.0.0.1:{server.server_address[1]}")
    server.feed_server = feed
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield feed
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def impatient(slept: list[float]) -> Patience:
    """Four attempts without a moment of waiting; what would have been waited is in ``slept``."""
    return Patience(attempts=4, timeout_s=10.0, sleep=slept.append, dice=lambda: 0.0)


def names(folder: Path) -> list[str]:
    """All files below a folder, hidden ones included."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
