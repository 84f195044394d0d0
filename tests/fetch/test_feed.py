"""How the feeds are asked, and what of their answers is believed."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from stereo3d.errors import FeedError
from stereo3d.fetch import feed as feeds
from stereo3d.fetch.feed import M20, MSL, ask, parse_page


def test_the_questions_are_those_that_public_clients_of_the_feeds_describe():
    url = urlsplit(M20.question((755, 760), "navcam", 3))
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://mars.nasa.gov/rss/api/"
    assert {key: values[0] for key, values in parse_qs(url.query, strict_parsing=True).items()} == {
        "feed": "raw_images",
        "category": "mars2020",
        "feedtype": "json",
        "num": "100",
        "page": "3",
        "order": "sol asc",
        "search": "NAVCAM_LEFT|NAVCAM_RIGHT",
        "condition_1": "mars2020:mission",
        "condition_2": "755:sol:gte",
        "condition_3": "760:sol:lte",
    }
    url = urlsplit(MSL.question((1435, 1435), "rear-hazcam", 0))
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://mars.nasa.gov/api/v1/raw_image_items/"
    assert {key: values[0] for key, values in parse_qs(url.query, strict_parsing=True).items()} == {
        "order": "sol asc",
        "per_page": "100",
        "page": "0",
        "search": "RHAZ_LEFT_A|RHAZ_RIGHT_A|RHAZ_LEFT_B|RHAZ_RIGHT_B",
        "condition_1": "msl:mission",
        "condition_2": "1435:sol:gte",
        "condition_3": "1435:sol:lte",
    }


def test_all_pages_are_asked_and_every_record_is_there_once(server, web):
    for n in range(5):
        server.add(sclk=700000000 + 100 * n)
    server.add(sclk=700000900, sol=401)
    server.records.insert(2, server.records[0])
    server.per_page = 2
    told = []
    found = ask(web, server.m20, (400, 400), "navcam", told.append)
    assert [r["imageid"] for r in found] == [r["imageid"] for r in [*server.records[:2], *server.records[3:6]]]
    assert [parse_qs(path[2:])["page"] for path, _ in server.asked] == [["0"], ["1"], ["2"]]
    assert told == [2, 3, 5]
    agent = server.asked[0][1]["User-Agent"]
    assert agent.startswith("stereo3d/")


def test_a_feed_without_totals_ends_with_no_more_images(server, web):
    server.add_pair()
    server.per_page = 1
    server.behaviour[""] = [
        lambda handler, n=n: handler.answer(200, json.dumps({"images": server.records[n : n + 1]}).encode())
        for n in range(2)
    ]
    assert len(ask(web, server.m20, (400, 400), "navcam")) == 2
    assert len(server.asked) == 3


def test_a_feed_that_repeats_its_page_ends_too(server, web):
    server.add_pair()
    server.always[""] = lambda handler: handler.answer(200, json.dumps({"images": server.records}).encode())
    assert len(ask(web, server.m20, (400, 400), "navcam")) == 2
    assert len(server.asked) == 2


def test_the_feed_of_msl_ends_when_there_is_no_more(server, web):
    for letter in "LR":
        server.add_msl(letter)
    server.per_page = 1
    assert [r["imageid"][:3] for r in ask(web, server.msl, (1435, 1435), "navcam")] == ["NLB", "NRB"]
    assert len(server.asked) == 2
    assert ask(web, server.msl, (1, 2), "navcam") == []


def test_more_pages_than_a_bound_are_one_line(server, web, monkeypatch):
    monkeypatch.setattr(feeds, "MAX_PAGES", 3)
    for n in range(5):
        server.add(sclk=700000000 + 100 * n)
    server.per_page = 1
    with pytest.raises(FeedError, match="there are more than 300 records; ask for fewer sols"):
        ask(web, server.m20, (400, 400), "navcam")
    assert len(server.asked) == 3


def test_a_feed_that_does_not_heed_the_question_is_not_read_to_its_end(server, web):
    server.add_pair()
    server.always[""] = lambda handler: handler.answer(200, json.dumps({"images": server.records}).encode())
    with pytest.raises(FeedError, match="answers with other sols than 755 to 760"):
        ask(web, server.m20, (755, 760), "navcam")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<html>down for maintenance</html>", "does not answer in JSON"),
        (b"\xff\xfe\x00", "does not answer in JSON"),
        (b'{"images": [{"sol": NaN}]}', "does not answer in JSON"),
        (b"[" * 100_000, "does not answer in JSON"),
        (b'{"images": [' + b"1" * 5000 + b"]}", "does not answer in JSON"),
        (b"[]", "answers without a list of records"),
        (b'{"items": []}', 'answers without a list "images"'),
        (b'{"images": {"a": 1}}', 'answers without a list "images"'),
        (b'{"images": [], "error_message": "Bad\\nthing"}', "says 'Bad thing'"),
    ],
)
def test_an_answer_that_is_no_page_is_one_line(data, words):
    with pytest.raises(FeedError) as error:
        parse_page(M20, data, "https://mars.nasa.gov/rss/api/?page=0")
    assert words in str(error.value)
    assert str(error.value).isprintable()


def test_what_is_no_record_in_a_page_is_passed_over():
    deep: object = {}
    for _ in range(50):
        deep = {"a": deep}
    page = parse_page(M20, json.dumps({"images": [1, None, [], deep, {"sol": 1}], "total_results": "7"}).encode(), "")
    assert page.records == ({"sol": 1},)
    assert (page.last, page.total) == (False, 7)


@pytest.mark.parametrize("said", [True, False])
def test_an_answer_without_end_is_not_read_to_its_end(server, web, said, monkeypatch):
    monkeypatch.setattr(feeds, "MAX_PAGE_BYTES", 100_000)
    server.always[""] = (
        (lambda handler: handler.answer(200, b"", length=100_001)) if said else (lambda h: h.endless(b" " * 5000))
    )
    with pytest.raises(FeedError, match="has 100001 bytes" if said else "has more than 100000 bytes"):
        ask(web, server.m20, (400, 400), "navcam")
    assert len(server.asked) == 1
