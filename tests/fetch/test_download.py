"""What lies in the folder at the end: whole images with their records, whatever the server does, and nothing else."""

from __future__ import annotations

import errno
import hashlib
import json
import os

import pytest

from stereo3d.errors import FeedError, ImageFileError, OutputError
from stereo3d.fetch import download as downloads
from stereo3d.fetch import partial as partials
from stereo3d.fetch.download import download
from stereo3d.fetch.select import select
from stereo3d.fetch.web import Patience, UnreachableError
from stereo3d.read import read_pairs

PLACE = "m20_site005_drive1234"


@pytest.fixture
def pair(server):
    """The records of one pair."""
    return server.add_pair()


@pytest.fixture
def fetch(server, web, tmp_path):
    """``fetch()``: all that the server has, into ``tmp_path``/out."""

    def fetch(**more):
        stops = select(server.records, server.m20, (0, 9999), "navcam").stops
        return download(web, stops, tmp_path / "out", **more)

    return fetch


@pytest.fixture
def left(server, pair):
    """The path of the left image on the server."""
    return pair[0]["image_files"]["full_res"].removeprefix(server.base)


def whole(server, folder, simulated, missing=()):
    """Whether the folder holds every image but those ``missing``, byte for byte, each with its record, and no more."""
    expected = {}
    for record in server.records:
        path = record["image_files"]["full_res"].removeprefix(server.base)
        if path not in missing:
            expected[f"{PLACE}/{record['imageid']}.png"] = server.files[path]
            expected[f"{PLACE}/{record['imageid']}.json"] = record
    assert simulated.names(folder) == sorted(expected)
    for name, content in expected.items():
        data = (folder / name).read_bytes()
        assert (json.loads(data) if name.endswith(".json") else data) == content
    return True


def test_a_pair_comes_whole_and_can_be_read(server, simulated, pair, fetch, tmp_path, slept):
    told = []
    result = fetch(told=lambda images, size: told.append((images, size)))
    assert whole(server, tmp_path / "out", simulated)
    assert [done.new for done in result.done] == [True, True]
    assert result.failed == ()
    assert slept == []
    assert sum(size for _, size in told) == sum(done.bytes for done in result.done) > 20_000
    scene = read_pairs([tmp_path / "out" / PLACE])
    assert scene.pairs[0].name == pair[0]["imageid"]


def test_what_is_whole_is_not_fetched_again(server, simulated, pair, fetch, tmp_path):
    fetch()
    server.asked.clear()
    server.add_pair(sclk=700001000)
    result = fetch()
    assert sorted(done.new for done in result.done) == [False, False, True, True]
    assert len(server.paths()) == 2
    assert whole(server, tmp_path / "out", simulated)


def test_no_more_than_two_at_once(server, simulated, fetch, tmp_path):
    for n in range(6):
        server.add_pair(sclk=700000000 + 1000 * n)
    fetch()
    assert server.most_at_once <= 2
    assert whole(server, tmp_path / "out", simulated)


def test_busy_servers_are_waited_for_as_long_as_they_ask(server, simulated, left, fetch, tmp_path, slept):
    server.behaviour[left] = [
        lambda handler: handler.answer(503, b""),
        lambda handler: handler.answer(429, b"", {"Retry-After": "7"}),
        lambda handler: handler.answer(500, b"", {"Retry-After": "soon"}),
    ]
    assert fetch().failed == ()
    assert slept == [0.5, 7.0, 2.0]
    assert whole(server, tmp_path / "out", simulated)


def test_a_server_that_asks_for_an_hour_is_not_waited_for(server, left, fetch, tmp_path, slept):
    server.always[left] = lambda handler: handler.answer(429, b"", {"Retry-After": "3600"})
    [error] = fetch().failed
    assert "429 Too Many Requests, and asks to wait for 3600 s; run the same command again then" in str(error)
    assert slept == []


def test_a_cut_connection_is_gone_on_with_where_it_broke(server, simulated, left, fetch, tmp_path, slept):
    data = server.files[left]
    server.behaviour[left] = [lambda handler, n=n: handler.file(data, cut_after=n) for n in (3000, 2000)]
    assert fetch().failed == ()
    assert [headers.get("Range") for path, headers in server.asked if path == left] == [
        None,
        "bytes=3000-",
        "bytes=5000-",
    ]
    assert whole(server, tmp_path / "out", simulated)
    assert slept == [0.5, 1.0]


def test_without_a_version_of_the_file_it_begins_anew(server, simulated, left, fetch, tmp_path):
    server.etags = False
    server.behaviour[left] = [lambda handler: handler.file(server.files[left], cut_after=3000)]
    assert fetch().failed == ()
    assert [headers.get("Range") for path, headers in server.asked if path == left] == [None, None]
    assert whole(server, tmp_path / "out", simulated)


def test_the_rest_of_another_version_is_not_put_behind_it(server, simulated, left, fetch, tmp_path):
    server.behaviour[left] = [lambda handler: handler.file(simulated.image("older"), cut_after=3000)]
    assert fetch().failed == ()
    assert [headers.get("Range") for path, headers in server.asked if path == left] == [None, "bytes=3000-", None]
    assert whole(server, tmp_path / "out", simulated)


def test_a_length_that_is_too_long_is_no_whole_image(server, simulated, left, fetch, tmp_path, slept):
    def lie(handler):
        data = server.files[left]
        handler.answer(200, data, length=len(data) + 10)
        handler.cut()

    server.always[left] = lie
    [error] = fetch().failed
    assert isinstance(error, UnreachableError)
    assert "4 times; run the same command again later: what is whole is kept" in str(error)
    assert len(slept) == 3
    assert whole(server, tmp_path / "out", simulated, missing=[left])


def test_a_length_that_is_too_short_is_no_whole_image(server, simulated, left, fetch, tmp_path):
    def lie(handler):
        handler.answer(200, server.files[left], length=len(server.files[left]) - 500)
        handler.close_connection = True

    server.always[left] = lie
    [error] = fetch().failed
    assert isinstance(error, ImageFileError)
    assert "cannot be decoded" in str(error)
    # Another image may be asked for again: what is left over on the connection can spoil the answer after this one.
    assert [path for path, _ in server.asked].count(left) == 1
    assert whole(server, tmp_path / "out", simulated, missing=[left])


@pytest.mark.parametrize("said", [True, False])
def test_an_answer_that_is_a_bomb_is_not_read_to_its_end(server, simulated, left, fetch, tmp_path, monkeypatch, said):
    monkeypatch.setattr(downloads, "MAX_IMAGE_BYTES", 100_000)
    server.always[left] = (
        (lambda handler: handler.answer(200, b"", length=100_001))
        if said
        else (lambda handler: handler.endless(b"\x89PNG" * 1000))
    )
    [error] = fetch().failed
    assert ("has 100001 bytes" if said else "has more than 100000 bytes") in str(error)
    assert whole(server, tmp_path / "out", simulated, missing=[left])


def test_a_picture_that_claims_to_be_enormous_is_not_decoded(server, simulated, left, fetch, tmp_path):
    data = bytearray(server.files[left])
    data[16:24] = b"\x00\x00\xff\xff" * 2
    server.files[left] = bytes(data)
    [error] = fetch().failed
    assert "claims to be 65535 x 65535 px" in str(error)
    assert whole(server, tmp_path / "out", simulated, missing=[left])


@pytest.mark.parametrize("what", ["size", "page", "nothing"])
def test_what_is_not_the_image_of_the_record_is_left_out(server, simulated, left, fetch, tmp_path, what):
    server.files[left] = {"size": simulated.image("x", (64, 96)), "page": b"<html>no</html>", "nothing": b""}[what]
    [error] = fetch().failed
    words = {"size": "is 64 x 96 px, its record says 128 x 96 px", "page": "is not a PNG", "nothing": "is empty"}
    assert words[what] in str(error)
    assert str(error).startswith(server.records[0]["imageid"])
    assert whole(server, tmp_path / "out", simulated, missing=[left])


def test_compressed_answers_are_not_unpacked(server, left, fetch):
    server.always[left] = lambda handler: handler.answer(200, b"x", {"Content-Encoding": "gzip"})
    [error] = fetch().failed
    assert "answers compressed" in str(error)
    assert all(headers["Accept-Encoding"] == "identity" for _, headers in server.asked)


def test_an_image_that_is_gone_is_one_line_and_the_rest_comes(server, simulated, left, fetch, tmp_path, slept):
    del server.files[left]
    [error] = fetch().failed
    assert str(error) == f"{server.base}{left}: answers 404 Not Found"
    assert slept == []
    assert whole(server, tmp_path / "out", simulated, missing=[left])


def redirect(place):
    return lambda handler: handler.answer(302, b"", {"Location": place})


def test_a_redirect_to_another_host_is_refused_and_not_asked(server, simulated, left, fetch, tmp_path):
    with simulated.serving() as other:
        other.files = server.files
        server.always[left] = redirect(other.base + left)
        [error] = fetch().failed
        assert f"the address {other.base}{left} is refused" in str(error)
        assert other.asked == []
    assert whole(server, tmp_path / "out", simulated, missing=[left])


def test_a_redirect_within_the_host_is_followed_a_few_times(server, simulated, left, fetch, tmp_path):
    server.files["/moved.png"] = server.files[left]
    server.behaviour[left] = [redirect("/moved.png")]
    assert fetch().failed == ()
    assert whole(server, tmp_path / "out", simulated)
    server.add_pair(sclk=700001000)
    path = server.records[-1]["image_files"]["full_res"].removeprefix(server.base)
    server.always[path] = redirect(path)
    [error] = fetch().failed
    assert "redirects more than 3 times" in str(error)
    assert server.paths().count(path) == 4
    server.always[path] = redirect("http://[::1")
    [error] = fetch().failed
    assert isinstance(error, FeedError)
    assert "Invalid URL in location header" in str(error)


@pytest.mark.parametrize("suffix", [".png", ".json"])
def test_another_file_of_the_name_is_kept_and_named(server, simulated, pair, fetch, tmp_path, suffix):
    target = tmp_path / "out" / PLACE / (pair[0]["imageid"] + suffix)
    target.parent.mkdir(parents=True)
    target.write_bytes(b"mine")
    [error] = fetch().failed
    assert isinstance(error, OutputError)
    assert str(error).startswith(f"{target}: there is another file of this name, which is kept as it is; move it away")
    assert target.read_bytes() == b"mine"
    assert len(simulated.names(tmp_path / "out")) == 3


def test_an_image_that_was_damaged_later_is_kept_and_named(server, pair, fetch, tmp_path):
    fetch()
    target = tmp_path / "out" / PLACE / (pair[0]["imageid"] + ".png")
    target.write_bytes(target.read_bytes()[:5000])
    [error] = fetch().failed
    assert "another file of this name" in str(error)
    assert target.stat().st_size == 5000


def test_the_same_image_without_its_record_gets_it(server, simulated, pair, left, fetch, tmp_path):
    target = tmp_path / "out" / PLACE / (pair[0]["imageid"] + ".png")
    target.parent.mkdir(parents=True)
    target.write_bytes(server.files[left])
    assert fetch().failed == ()
    assert whole(server, tmp_path / "out", simulated)


def test_a_file_that_appears_meanwhile_is_not_replaced(server, pair, left, fetch, tmp_path):
    target = tmp_path / "out" / PLACE / (pair[0]["imageid"] + ".png")

    def meanwhile(handler):
        target.write_bytes(b"mine")
        handler.file(server.files[left])

    server.behaviour[left] = [meanwhile]
    [error] = fetch().failed
    assert "another file of this name" in str(error)
    assert target.read_bytes() == b"mine"


def test_links_are_not_followed_out_of_the_folder(server, pair, fetch, tmp_path):
    elsewhere = tmp_path / "elsewhere.png"
    target = tmp_path / "out" / PLACE / (pair[0]["imageid"] + ".png")
    target.parent.mkdir(parents=True)
    target.symlink_to(elsewhere)
    [error] = fetch().failed
    assert "another file of this name" in str(error)
    assert not elsewhere.exists()


def gone_pid():
    """The number of a process that was, and is no more."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def test_the_piece_of_a_killed_run_is_gone_on_with(server, simulated, pair, left, fetch, tmp_path):
    data = server.files[left]
    version = f'{server.base}{left}\n"{hashlib.sha256(data).hexdigest()[:8]}"'
    tag = "a" + hashlib.sha256(version.encode()).hexdigest()[:15]
    folder = tmp_path / "out" / PLACE
    folder.mkdir(parents=True)
    pid, name = gone_pid(), pair[0]["imageid"]
    (folder / f".{name}.png.{tag}.{pid}.part").write_bytes(data[:4000])
    (folder / f".{name}.png.0.{pid}.part").write_bytes(b"of no version")
    (folder / f".{name}.json.0.{pid}.part").write_bytes(b"{")
    assert fetch().failed == ()
    assert [headers.get("Range") for path, headers in server.asked if path == left] == ["bytes=4000-"]
    assert whole(server, tmp_path / "out", simulated)


def test_what_a_bad_line_brought_is_left_for_the_next_run(server, simulated, pair, left, fetch, tmp_path):
    server.behaviour[left] = [lambda handler: handler.file(server.files[left], cut_after=2000)] * 4
    [error] = fetch().failed
    assert "cuts the connection" in str(error)
    [part] = [name for name in simulated.names(tmp_path / "out") if name.endswith(".part")]
    assert (tmp_path / "out" / part).stat().st_size == 8000
    assert fetch().failed == ()
    assert server.asked[-1][1]["Range"] == "bytes=8000-"
    assert whole(server, tmp_path / "out", simulated)


def test_an_interruption_leaves_only_whole_files(server, simulated, pair, left, fetch, tmp_path):
    server.always[left] = lambda handler: handler.endless(b"\x89PNG" * 100)
    here = []

    def check():
        here.append(simulated.names(tmp_path / "out"))
        if sum(name.endswith((".png", ".json")) for name in here[-1]) >= 2 and len(here[-1]) > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(check=check)
    assert any(name.endswith(".part") for name in here[-1])
    assert whole(server, tmp_path / "out", simulated, missing=[left])


def test_an_interruption_before_anything_is_whole_leaves_no_folder(server, pair, fetch, tmp_path):
    def check():
        raise KeyboardInterrupt

    for record in pair:
        path = record["image_files"]["full_res"].removeprefix(server.base)
        server.always[path] = lambda handler: handler.endless(b"\x89PNG" * 100)
    with pytest.raises(KeyboardInterrupt):
        fetch(check=check)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_it_in_one_line(server, simulated, pair, fetch, tmp_path, monkeypatch):
    def full(self, piece):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(partials.Partial, "add", full)
    with pytest.raises(OutputError, match="out: cannot be written: No space left on device"):
        fetch()
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_one_line(pair, fetch, tmp_path):
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write here"):
        fetch()


def test_a_server_that_is_gone_is_not_asked_for_every_image(server, fetch, tmp_path):
    for n in range(20):
        for record in server.add_pair(sclk=700000000 + 1000 * n):
            path = record["image_files"]["full_res"].removeprefix(server.base)
            server.always[path] = lambda handler: handler.answer(503, b"")
    with pytest.raises(UnreachableError, match="answers 503 Service Unavailable, 4 times"):
        fetch()
    assert len(set(server.paths())) <= 6
    assert not (tmp_path / "out").exists()


def test_a_drip_is_not_waited_for(server, simulated, left, fetch, tmp_path, web, monkeypatch):
    clock = iter(range(0, 10**9, 500))
    monkeypatch.setattr(web, "patience", Patience(attempts=2, sleep=lambda s: None, clock=lambda: next(clock)))
    server.always[left] = lambda handler: handler.endless(b"\x89PNG" * 100)
    failed = fetch().failed
    assert any("does not answer in time, 2 times" in str(error) for error in failed)
