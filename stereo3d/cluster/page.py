"""What came of a batch as pages to look at: ``index.html``, and ``index-2.html`` and so on where there is more.

They ask nothing of any other host and have no script; all links are relative and lead into the batch's own folder.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path, PurePath
from urllib.parse import quote

from stereo3d import __version__
from stereo3d.cluster.batch import Row, Tally
from stereo3d.cluster.job import Failure, State
from stereo3d.cluster.record import THUMBNAIL
from stereo3d.cluster.table import CSV, write_csv
from stereo3d.export.atomic import atomic_files
from stereo3d.export.products import PREVIEW, REPORT

INDEX = "index.html"
PER_PAGE = 240
"""Pictures on a page."""
MOST_FAILURES = 500
"""Failures that the first page lists; the table has all."""
_PAGE = re.compile(r"index-(\d{1,6})\.html")
_STYLE = """
:root { color-scheme: light dark; --ink: #241d18; --soft: #75685e; --paper: #f7f3ee; --card: #fff; --line: #e5dcd2;
  --mars: #b4502b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #eee6de; --soft: #a79a8f; --paper: #171310; --card: #211c18;
  --line: #372f29; --mars: #e08a5f; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1360px; padding: 2.5rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-weight: 600; font-size: 1.9rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; font-weight: 600; margin: 2.5rem 0 .75rem; }
p { margin: .25rem 0; color: var(--soft); }
a { color: var(--mars); text-decoration: none; }
a:hover { text-decoration: underline; }
dl.sum { display: flex; flex-wrap: wrap; gap: 1rem 2.75rem; margin: 1.5rem 0 0; }
dl.sum div { display: flex; flex-direction: column-reverse; }
dl.sum dt { color: var(--soft); font-size: .85rem; }
dl.sum dd { margin: 0; font-size: 1.7rem; font-variant-numeric: tabular-nums; line-height: 1.2; }
dl.sum .bad dd, .why { color: var(--bad); }
.bar { display: flex; height: 6px; border-radius: 3px; overflow: hidden; background: var(--line); margin-top: 1.25rem; }
.bar i { background: var(--mars); } .bar i.kept { opacity: .55; } .bar i.bad { background: var(--bad); }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .5rem .9rem; border-top: 1px solid var(--line); }
tr:first-child th { border-top: 0; color: var(--soft); font-weight: 500; font-size: .85rem; }
td { overflow-wrap: anywhere; min-width: 6rem; }
@media (max-width: 640px) { td, th, tr { display: block; } th { display: none; } td { border: 0; padding: .1rem .9rem; }
  tr { border-top: 1px solid var(--line); padding: .6rem 0; } tr:first-child { display: none; } }
ul.cards { list-style: none; margin: 0; padding: 0; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); }
.cards li { background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.cards img { display: block; width: 100%; aspect-ratio: 8 / 5; object-fit: cover; background: var(--line); }
.cards div { padding: .7rem .9rem .85rem; }
.cards b { display: block; font-weight: 600; font-size: .85rem; overflow-wrap: anywhere; line-height: 1.35; }
.cards span { display: block; color: var(--soft); font-size: .82rem; font-variant-numeric: tabular-nums; }
.cards nav { margin-top: .35rem; font-size: .82rem; display: flex; gap: .9rem; }
nav.pages { display: flex; flex-wrap: wrap; gap: .3rem .8rem; margin-top: 2rem; }
footer { margin-top: 3rem; font-size: .85rem; color: var(--soft); }
"""
_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_WHY = {
    Failure.UNREADABLE: "cannot be read",
    Failure.INPUT: "nothing to measure",
    Failure.MEMORY: "too much memory",
    Failure.TIME: "too long",
    Failure.KILLED: "killed",
    Failure.DISK: "disk full",
    Failure.OUTPUT: "cannot be written",
    Failure.DEFECT: "defect",
}


def write_tables(folder: Path, tally: Tally) -> None:
    """Write batch.csv and the pages, each all or nothing.  Raises OutputError."""
    rows = list(tally.rows())
    write_csv(folder, rows)
    shown = [row for row in rows if row.state in (State.DONE, State.KEPT)]
    count = max(1, math.ceil(len(shown) / PER_PAGE))
    with atomic_files(folder / INDEX) as partial:
        for number in range(1, count + 1):
            part = shown[(number - 1) * PER_PAGE : number * PER_PAGE]
            text = page(folder.resolve().name, tally, rows if number == 1 else (), part, number, count)
            (partial / page_name(number)).write_text(text, encoding="utf-8")
    for path in folder.iterdir():  # of an earlier, longer batch
        old = _PAGE.fullmatch(path.name)
        if old is not None and int(old[1]) > count and path.is_file():
            path.unlink()


def page_name(number: int) -> str:
    """The file of a page, counted from 1."""
    return INDEX if number == 1 else f"index-{number}.html"


def page(title: str, tally: Tally, rows: Sequence[Row], shown: Sequence[Row], number: int, count: int) -> str:
    """One page: the sums, of ``rows`` those that failed, and a card for each of ``shown``."""
    failed = [row for row in rows if row.state is State.FAILED]
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<header><h1>{escape(title)}</h1>",
        f"<p>{_spent(tally)} &middot; <a href='{CSV}'>all figures as CSV</a></p>",
        _sums(tally, rows) if rows else "",
        "</header>",
        _failures(failed),
        _cards(shown, number, count),
        _pages(number, count),
        f"<footer>stereo3d {escape(__version__)}. Mars images: NASA/JPL-Caltech.</footer></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _spent(tally: Tally) -> str:
    text = f"{duration(tally.seconds)} in this run"
    left = tally.count(State.WAITING)
    if tally.stopped is not None:
        text += f" &middot; <span class='why'>stopped: {escape(tally.stopped)}</span>"
    elif left and tally.rate > 0:
        text += f" &middot; about {duration(left / tally.rate)} to go"
    return text


def _sums(tally: Tally, rows: Sequence[Row]) -> str:
    made, kept, failed, left = (tally.count(s) for s in (State.DONE, State.KEPT, State.FAILED, State.WAITING))
    every = max(1, made + kept + failed + left)
    seconds = [row.values["processor_seconds"] for row in rows if "processor_seconds" in row.values]
    size = sum(row.values.get("megabytes", 0.0) for row in rows)
    told = [("made", f"{made:,}", "")]
    told += [("kept from before", f"{kept:,}", "")] if kept else []
    told += [("failed", f"{failed:,}", "bad")] if failed else []
    told += [("left", f"{left:,}", "")] if left else []
    told += [("of products", f"{size / 1e3:,.1f} GB" if size >= 1e3 else f"{size:,.0f} MB", "")]
    told += [("of a processor for each", f"{sum(seconds) / len(seconds):.1f} s", "")] if seconds else []
    sums = "".join(f'<div class="{kind}"><dt>{name}</dt><dd>{value}</dd></div>' for name, value, kind in told)
    bar = "".join(
        f'<i class="{kind}" style="width:{100 * n / every:.2f}%"></i>'
        for kind, n in (("", made), ("kept", kept), ("bad", failed))
    )
    return f'<dl class="sum">{sums}</dl><div class="bar">{bar}</div>'


def _failures(failed: Sequence[Row]) -> str:
    if not failed:
        return ""
    lines = "".join(
        f"<tr><td>{escape(PurePath(row.name).name)}</td><td class='why'>{_WHY[row.failure] if row.failure else ''}</td>"
        f"<td>{escape(row.message)}</td></tr>"
        for row in failed[:MOST_FAILURES]
    )
    more = len(failed) - MOST_FAILURES
    rest = f"<p>and {more:,} more in <a href='{CSV}'>{CSV}</a></p>" if more > 0 else ""
    head = "<tr><th>what</th><th>why</th><th>in full</th></tr>"
    return f"<h2>Failed</h2><div class='wide'><table>{head}{lines}</table></div>{rest}"


def _cards(shown: Sequence[Row], number: int, count: int) -> str:
    if not shown:
        return ""
    where = f", page {number} of {count}" if count > 1 else ""
    return f"<h2>Products{where}</h2><ul class='cards'>{''.join(_card(row) for row in shown)}</ul>"


def _card(row: Row) -> str:
    base = quote(row.name, safe="")
    links = "".join(
        f'<a href="{base}/{file}">{text}</a>'
        for file, text in ((REPORT, "report"), ("mesh.glb", "mesh"), ("cloud.ply", "cloud"), ("", "folder"))
    )
    lines = "".join(f"<span>{escape(line)}</span>" for line in _lines(row))
    return (
        f'<li><a href="{base}/{PREVIEW}"><img src="{base}/{THUMBNAIL}" alt="" loading="lazy"></a>'
        f"<div><b>{escape(row.name)}</b>{lines}<nav>{links}</nav></div></li>"
    )


def _lines(row: Row) -> list[str]:
    """The figures of a task in words: where; share of the ground, median range with its sigma; size and time."""
    v = row.values
    place = [f"sol {v['sol']}"] if "sol" in v else []
    place += [f"site {v['site']}, drive {v['drive']}"] if "site" in v and "drive" in v else []
    place += [f"{v['pairs']} pairs"] if isinstance(v.get("pairs"), int) and v["pairs"] > 1 else []
    share = v.get("overlap_share", v.get("measured_share"))
    found = [f"{100 * share:.1f} % measured"] if isinstance(share, float) else []
    if isinstance(v.get("median_range_m"), float) and isinstance(v.get("median_sigma_m"), float):
        found += [f"{v['median_range_m']:.1f} \u00b1 {v['median_sigma_m']:.3f} m"]
    cost = [f"{v['triangles']:,.0f} triangles"] if isinstance(v.get("triangles"), float) else []
    cost += [f"{v['megabytes']:.1f} MB"] if isinstance(v.get("megabytes"), float) else []
    cost += [f"{v['seconds']:.1f} s"] if isinstance(v.get("seconds"), float) else []
    return [" \u00b7 ".join(line) for line in (place, found, cost) if line]


def _pages(number: int, count: int) -> str:
    """Links to the other pages: the first, the last and those nearby."""
    if count == 1:
        return ""
    near = sorted({1, count, *range(max(1, number - 4), min(count, number + 4) + 1)})
    links = "".join(f"<b>{n}</b>" if n == number else f'<a href="{page_name(n)}">{n}</a>' for n in near)
    return f"<nav class='pages'>{links}</nav>"


def duration(seconds: float) -> str:
    """'42 s', '3 min', '2.5 h', '4 days'."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 2 * 86400 else f"{seconds / 86400:.1f} days"
