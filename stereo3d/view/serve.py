"""The page served to the browser of this machine: a fixed table of names, and nothing else."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from stereo3d import __version__
from stereo3d.errors import OutputError
from stereo3d.export.page.html import content_policy
from stereo3d.export.page.parts import LICENSES, SCRIPT, STYLE, Page, viewer

LOOPBACK = "127.0.0.1"
ANYWHERE = ("", "0.0.0.0", "::")
SECONDS = 15.0
"""A request that is not whole after so long is dropped, and a browser that takes no more of an answer for as long."""
_MOST_HEADERS, _MOST_LINE, _MOST_CONNECTIONS = 64, 4096, 64
_PIECE = 1 << 18

HEADERS = {
    "Content-Security-Policy": content_policy("'self'", "'self'", "'self'") + "; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""With every answer."""

_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "glb": "model/gltf-binary",
    "webp": "image/webp",
    "png": "image/png",
}


@dataclass(frozen=True)
class Answer:
    """What one name gives."""

    kind: str
    """Its media type."""
    data: bytes


def answers(page: Page) -> dict[str, Answer]:
    """Path to answer, of a page and of the viewer's own files: all that there is."""
    files = viewer()
    table = {
        "/": Answer(_TYPES["html"], files.index_of(page).encode()),
        f"/{SCRIPT}": Answer(_TYPES["js"], files.script.encode()),
        f"/{STYLE}": Answer(_TYPES["css"], files.style.encode()),
        f"/{LICENSES}": Answer(_TYPES["txt"], files.licenses.encode()),
        "/scene.json": Answer(_TYPES["json"], page.scene_json),
    }
    for name, data in page.parts.items():
        table[f"/part/{quote(name, safe='')}"] = Answer(_TYPES[name.rpartition(".")[2]], data)
    return table


class PageServer:
    """A port of this machine, and from :meth:`serve` on a page there, in threads of its own, until :meth:`close`."""

    def __init__(self, host: str = LOOPBACK, port: int = 0) -> None:
        """Take ``port`` of ``host``; 0 is any free one.  Raises OutputError where that is not possible."""
        try:
            self._server = _Server(host, port)
        except (OSError, OverflowError, UnicodeError) as error:
            raise OutputError(
                f"cannot serve at {host or 'any address'}, port {port}: {getattr(error, 'strerror', None) or error}",
                todo="name another port, or none for a free one",
            ) from error
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the page is, for a browser of this machine."""
        host, port = self._server.server_address[:2]
        name = LOOPBACK if str(host) in ANYWHERE else str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}/"

    @property
    def is_private(self) -> bool:
        """Whether only this machine reaches it."""
        return _is_loopback(str(self._server.server_address[0]))

    def serve(self, page: Page) -> None:
        """Answer requests from now on."""
        self._server.table = answers(page)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop at once; what is being sent is cut off."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # Elsewhere this lets a port be had again that was just left; on Windows it would take over another program's.
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.table: Mapping[str, Answer] = {}
        self._room = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self._silent: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        super().__init__((host, port), _Handler)
        self._names = {"localhost"}
        if not _is_loopback(str(self.server_address[0])):
            self._names |= {host.lower(), socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"}

    def server_bind(self) -> None:
        """Without HTTPServer's question after this machine's name, which may wait for a name server."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def knows(self, host: str) -> bool:
        """Whether a request may call this machine so: by an address, or by its own name.

        The page of another site can point a name of its own here; its requests then call this machine by that name.
        """
        name, _, port = host.rpartition(":") if re.search(r":\d+$", host) else (host, "", "80")
        if port != str(self.server_port):
            return False
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return address.is_loopback or not _is_loopback(self.server_name)

    def silent(self, connection: socket.socket, waits: bool) -> None:
        """Note that a connection begins to wait for a request, or that the request is there."""
        with self._lock:
            if waits:
                self._silent[connection] = time.monotonic()
            else:
                self._silent.pop(connection, None)

    def service_actions(self) -> None:
        """Drop connections whose request is not whole in time, however its bytes drip."""
        with self._lock:
            late = [c for c, since in self._silent.items() if time.monotonic() - since > SECONDS]
        for connection in late:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread, unless there are too many."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """To its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.silent(request, False)
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SECONDS
    server: _Server
    raw_requestline: bytes

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        status = self._refused()
        if status is not None:
            self.send_error(status)
            return
        answer = self.server.table.get(self.path.partition("?")[0])
        if answer is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.data)))
        self.end_headers()
        if body:
            # The time limit holds for each write.
            for start in range(0, len(answer.data), _PIECE):
                self.wfile.write(answer.data[start : start + _PIECE])

    def handle_one_request(self) -> None:
        """One request, from the moment it is waited for."""
        self.server.silent(self.connection, True)
        super().handle_one_request()

    def _refused(self) -> HTTPStatus | None:
        """Why a request is not answered: it calls this machine by a stranger's name, or comes from another site's page,
        or brings something."""
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1:
            return HTTPStatus.BAD_REQUEST
        if not self.server.knows(hosts[0].lower()):
            return HTTPStatus.MISDIRECTED_REQUEST
        origin = self.headers.get("Origin")
        if origin is not None and origin.lower() != f"http://{hosts[0].lower()}":
            return HTTPStatus.FORBIDDEN
        # A link on another site may lead here; what another site's page fetches, frames or draws may not.
        fetch = [self.headers.get(f"Sec-Fetch-{name}") for name in ("Site", "Mode", "Dest")]
        if fetch[0] not in (None, "none", "same-origin") and fetch[1:] != ["navigate", "document"]:
            return HTTPStatus.FORBIDDEN
        if "Transfer-Encoding" in self.headers or self.headers.get("Content-Length", "0") != "0":
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return None

    def parse_request(self) -> bool:
        """Refuses what is too long before anything else is looked at."""
        if len(self.raw_requestline) > _MOST_LINE:
            self.requestline, self.request_version, self.command = "", "HTTP/1.1", ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return False
        if not super().parse_request():
            return False
        self.server.silent(self.connection, False)
        if self.command not in ("GET", "HEAD"):
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
            return False
        if len(self.headers) > _MOST_HEADERS:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return False
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A line of plain text without anything of the request in it; the connection ends."""
        status = HTTPStatus(code)
        data = f"{status.value} {status.phrase}\n".encode()
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", _TYPES["txt"])
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def version_string(self) -> str:
        """Of the Server header."""
        return f"stereo3d/{__version__}"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal is the user's."""
