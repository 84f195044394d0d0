"""The server of the page: what it gives, and what it refuses."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from urllib.parse import quote

import pytest

from stereo3d.errors import OutputError
from stereo3d.export.page.parts import Page, viewer
from stereo3d.view import serve
from stereo3d.view.serve import HEADERS, PageServer

BIG = bytes(range(256)) * 20_000
PAGE = Page({"format": 1, "name": "<crater> & co"}, {"mesh.glb": BIG, "a b.webp": b"webp", "reason-00.png": b"png"})


@pytest.fixture(scope="module")
def server():
    with PageServer() as made:
        made.serve(PAGE)
        yield made


def port_of(server):
    return int(server.url.rsplit(":", 1)[1].rstrip("/"))


def ask(server, path="/", method="GET", headers=None, body=None):
    """(status, headers, body) of one request; ``headers`` replace the usual ones, None leaves one out."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
    given = {"Host": f"127.0.0.1:{port_of(server)}", **(headers or {})}
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def raw(server, request, wait=10.0):
    """All that comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=wait) as connection:
        connection.sendall(request)
        found = b""
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65536):
                found += piece
        return found


def test_it_gives_the_page_and_its_parts(server):
    status, headers, body = ask(server)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"<title>&lt;crater&gt; &amp; co \xc2\xb7 stereo3d</title>" in body
    kinds = {
        "/stereo3d.js": ("text/javascript; charset=utf-8", viewer().script.encode()),
        "/style.css": ("text/css; charset=utf-8", viewer().style.encode()),
        "/LICENSES.txt": ("text/plain; charset=utf-8", viewer().licenses.encode()),
        "/scene.json": ("application/json", PAGE.scene_json),
        "/part/mesh.glb": ("model/gltf-binary", BIG),
        f"/part/{quote('a b.webp')}": ("image/webp", b"webp"),
        "/part/reason-00.png": ("image/png", b"png"),
    }
    for path, (kind, data) in kinds.items():
        status, headers, body = ask(server, path)
        assert (status, headers["Content-Type"], headers["Content-Length"]) == (200, kind, str(len(data))), path
        assert body == data


def test_head_tells_the_same_without_the_body(server):
    status, headers, body = ask(server, "/part/mesh.glb", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, str(len(BIG)), b"")


@pytest.mark.parametrize(
    "path", ["/", "/scene.json", "/nothing", "/part/mesh.glb"], ids=["index", "scene", "unknown", "part"]
)
def test_every_answer_is_strict(server, path):
    _, headers, _ = ask(server, path)
    for name, value in HEADERS.items():
        assert headers.get_all(name) == [value]
    policy = headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe-inline" not in policy
    assert "'unsafe-eval'" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml", "/part/../../../etc/passwd", "/part/..%2f..%2fetc%2fpasswd", "/part/%2e%2e/index.html",
        "//etc/passwd", "/part/mesh.glb/", "/part/MESH.GLB", "/index.html", "/part/", "/part/a", "/%00", "*",
        "http://other.example/", "/scene.json/x", "/dist/stereo3d.js", "/src/main.js",
    ],
)  # fmt: skip
def test_what_is_not_in_the_table_is_not_there(server, path):
    status, _, body = ask(server, path)
    assert (status, body) == (404, b"404 Not Found\n")


def test_a_question_mark_changes_nothing(server):
    assert ask(server, "/scene.json?x=../../etc/passwd")[2] == PAGE.scene_json


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "8.8.8.8:{port}", "0.0.0.0:{port}",
        "localhost.evil.example:{port}", "127.0.0.1:{port}@evil", "", "[::1",
    ],
)  # fmt: skip
def test_another_name_for_this_machine_is_refused(server, host):
    """DNS rebinding: the browser believes it still talks to the other site."""
    assert ask(server, headers={"Host": host.format(port=port_of(server))})[0] == 421


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_its_own_names_are_taken(server, host):
    assert ask(server, headers={"Host": host.format(port=port_of(server))})[0] == 200


def test_no_host_or_two_are_refused(server):
    assert ask(server, headers={"Host": None})[0] == 400
    two = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port_of(server)}\r\nHost: evil.example\r\n\r\n"
    assert raw(server, two.encode()).startswith(b"HTTP/1.1 400 ")


def test_other_sites_are_refused(server):
    own = f"http://127.0.0.1:{port_of(server)}"
    assert ask(server, headers={"Origin": own})[0] == 200
    others = (
        "http://evil.example",
        "null",
        own.replace("http", "https"),
        "http://127.0.0.1:1",
        f"http://localhost:{port_of(server)}",
    )
    for origin in others:
        assert ask(server, headers={"Origin": origin})[0] == 403, origin
    for site in ("cross-site", "same-site"):
        assert ask(server, "/scene.json", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})[0] == 403
        framed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
        assert ask(server, headers=framed)[0] == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ask(server, headers=link)[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "EVAL"])
def test_only_get_and_head(server, method):
    status, headers, body = ask(server, method=method)
    assert (status, headers["Allow"], body) == (405, "GET, HEAD", b"405 Method Not Allowed\n")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_requests_that_bring_something_are_refused(server):
    assert ask(server, headers={"Content-Length": "3"}, body=b"abc")[0] == 413
    assert ask(server, headers={"Transfer-Encoding": "chunked"}, body=b"0\r\n\r\n")[0] == 413


def test_requests_too_long_are_refused(server):
    host = f"Host: 127.0.0.1:{port_of(server)}\r\n".encode()
    assert ask(server, "/" + "a" * 5000)[0] == 414
    assert raw(server, b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + host + b"\r\n").startswith(b"HTTP/1.1 414 ")
    many = b"".join(b"X-%d: 1\r\n" % k for k in range(80))
    assert raw(server, b"GET / HTTP/1.1\r\n" + host + many + b"\r\n").startswith(b"HTTP/1.1 431 ")
    assert raw(server, b"GET / HTTP/9.9\r\n" + host + b"\r\n").startswith(b"505 ")
    assert b"\x1b" not in raw(server, b"\x1b[31m\r\n\r\n")


def test_one_connection_serves_several_requests(server):
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
    for _ in range(3):
        connection.request("GET", "/scene.json")
        assert connection.getresponse().read() == PAGE.scene_json
    connection.close()


def test_a_request_that_drips_is_dropped(monkeypatch):
    """However its bytes come, a request has a limited time."""
    monkeypatch.setattr(serve, "SECONDS", 0.5)
    with PageServer() as server:
        server.serve(PAGE)
        with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as connection:
            connection.sendall(b"GET / HT")
            started = time.monotonic()
            dropped = False
            while not dropped and time.monotonic() - started < 8.0:
                try:
                    connection.sendall(b"T")
                    connection.settimeout(0.1)
                    dropped = connection.recv(100) == b""
                except TimeoutError:
                    continue
                except ConnectionError:
                    dropped = True
            assert dropped
        assert ask(server)[0] == 200


def test_more_connections_than_there_is_room_for_are_closed(monkeypatch):
    monkeypatch.setattr(serve, "_MOST_CONNECTIONS", 4)
    with PageServer() as server:
        server.serve(PAGE)
        held = [socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) for _ in range(8)]
        time.sleep(0.5)
        closed = 0
        for connection in held:
            connection.settimeout(0.1)
            try:
                closed += connection.recv(1) == b""
            except TimeoutError:
                pass
            except ConnectionError:
                closed += 1
        assert closed == 4
        for connection in held:
            connection.close()
        time.sleep(0.5)
        assert ask(server)[0] == 200


def test_a_browser_that_goes_away_is_no_news(server, capfd):
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as connection:
        connection.sendall(f"GET /part/mesh.glb HTTP/1.1\r\nHost: 127.0.0.1:{port_of(server)}\r\n\r\n".encode())
        connection.recv(10)
    time.sleep(0.3)
    assert ask(server)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_it_is_bound_to_loopback_unless_told_otherwise():
    with PageServer() as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert server.is_private
    with PageServer("0.0.0.0") as server:
        server.serve(PAGE)
        assert server.url.startswith("http://127.0.0.1:")
        assert not server.is_private
        port = port_of(server)
        assert ask(server, headers={"Host": f"192.0.2.7:{port}"})[0] == 200
        assert ask(server, headers={"Host": f"{socket.gethostname()}:{port}"})[0] == 200
        assert ask(server, headers={"Host": f"evil.example:{port}"})[0] == 421


def test_a_port_in_use_is_one_clear_line(server):
    with pytest.raises(
        OutputError, match=rf"cannot serve at 127.0.0.1, port {port_of(server)}: Address already in use"
    ):
        PageServer(port=port_of(server))
    with pytest.raises(OutputError, match=r"cannot serve at no\.such\.host\.invalid"):
        PageServer("no.such.host.invalid")


def test_closing_ends_it():
    with PageServer() as server:
        server.serve(PAGE)
        port = port_of(server)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
