"""batch.csv and the pages: true sums, and nothing in a name or a message gets out of its place."""

from __future__ import annotations

import csv
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import pytest

from stereo3d.cluster import page as pages
from stereo3d.cluster.batch import Tally, run_batch, try_to_write
from stereo3d.cluster.job import Failure, Job, Outcome, State
from stereo3d.cluster.page import duration, write_tables
from stereo3d.cluster.plan import Plan, Unreadable
from stereo3d.errors import OutputError

EVIL = "<script>alert(1)</script>\" onerror='x' &amp; \u202e\n=cmd()"


class Links(HTMLParser):
    """The tags of a page, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def job(name: str, **about: object) -> Job:
    return Job(name, ("/in/left.png",), (), {}, {"product": name, "sol": 7, "pairs": 1, **about})


def made(name: str, state: State = State.DONE) -> Outcome:
    figures = {"measured_share": 0.5, "overlap_share": 0.9, "megabytes": 12.5, "processor_seconds": 4.0, "seconds": 3.0}
    return Outcome(name, state, figures={**figures, "triangles": 1234.0})


@pytest.fixture
def tally() -> Tally:
    jobs = [job("one"), job("two"), job("evil", product=EVIL, mission=EVIL), job("late")]
    plan = Plan(tuple(jobs), (Unreadable(Path("/in") / EVIL, EVIL),), 0, 0)
    outcomes = [made("one"), made("two", State.KEPT), Outcome("evil", State.FAILED, Failure.INPUT, EVIL)]
    return Tally(plan, {o.name: o for o in outcomes})


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "batch.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_tells_each_task(tally, tmp_path):
    write_tables(tmp_path, tally)
    rows = rows_of(tmp_path)
    assert [row["state"] for row in rows] == ["done", "kept", "failed", "waiting", "failed"]
    assert [row["failure"] for row in rows] == ["", "", "input", "", "unreadable"]
    assert (rows[0]["folder"], rows[0]["sol"], rows[0]["megabytes"], rows[0]["triangles"]) == (
        "one",
        "7",
        "12.5",
        "1234",
    )
    assert all("\n" not in value and not value.startswith("=") for row in rows for value in row.values())


def test_a_cell_is_no_formula(tmp_path):
    plan = Plan((job("one", product="=1+1", mission="@x"),), (), 0, 0)
    write_tables(tmp_path, Tally(plan))
    (row,) = rows_of(tmp_path)
    assert (row["product"], row["mission"]) == ("'=1+1", "'@x")


def test_the_page_tells_the_sums_and_escapes_what_is_told(tally, tmp_path):
    write_tables(tmp_path, tally)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    found = Links(text)
    assert "script" not in found.tags
    assert "<dt>made</dt><dd>1</dd>" in text
    assert "<dt>kept from before</dt><dd>1</dd>" in text
    assert "<dt>failed</dt><dd>2</dd>" in text
    assert "<dt>left</dt><dd>1</dd>" in text
    assert "25 MB" in text
    assert "90.0 % measured" in text
    assert found.tags.count("img") == 2
    assert "default-src 'none'" in text


def test_all_links_lead_into_the_folder(tally, tmp_path):
    odd = "100%/../..?x#y"
    tally = Tally(replace(tally.plan, jobs=(job(odd),)), {odd: made(odd)})
    write_tables(tmp_path, tally)
    for link in Links((tmp_path / "index.html").read_text(encoding="utf-8")).links:
        parts = urlsplit(link)
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
        first = PurePosixPath(parts.path).parts[0]
        assert first == "batch.csv" or unquote(first) == odd


def test_long_batches_have_pages_and_old_ones_go(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "PER_PAGE", 10)
    jobs = tuple(job(f"t{n:03d}") for n in range(35))
    tally = Tally(Plan(jobs, (), 0, 0), {one.name: made(one.name) for one in jobs})
    (tmp_path / "index-mine.html").write_text("mine")
    write_tables(tmp_path, tally)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["batch.csv", "index-2.html", "index-3.html", "index-4.html", "index-mine.html", "index.html"]
    texts = [(tmp_path / name).read_text() for name in ("index.html", "index-2.html", "index-3.html", "index-4.html")]
    assert [text.count("<img") for text in texts] == [10, 10, 10, 5]
    assert ["<dd>" in text for text in texts] == [True, False, False, False]
    assert 'href="index-4.html"' in texts[0]
    write_tables(tmp_path, Tally(Plan(jobs[:12], (), 0, 0), tally.outcomes))
    assert sorted(path.name for path in tmp_path.glob("index*")) == ["index-2.html", "index-mine.html", "index.html"]


def test_tables_that_cannot_be_written_are_no_failure(tally, tmp_path):
    """A full disk: the batch goes on, and the old table stays."""

    def write(folder: Path, tally: Tally) -> None:
        raise OutputError("no room", file=folder)

    class Engine:
        slots = 1

        def outcomes(self, jobs, order):
            yield None
            yield made("late")

    assert "no room" in try_to_write(write, tmp_path, tally)
    order = type("Order", (), {"folder": tmp_path})()
    run_batch(tally, order, Engine(), lambda tally: None, write, every_s=-1.0)
    assert tally.outcomes["late"].state is State.DONE


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (600, "10 min"), (9000, "2.5 h"), (864000, "10.0 days")]
)
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text
