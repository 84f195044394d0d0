"""Questions: by mission, sol, site, drive and camera."""

from __future__ import annotations

import pytest

from stereo3d.catalog.content import camera_name
from stereo3d.catalog.database import reading
from stereo3d.catalog.place import catalogue_of
from stereo3d.catalog.query import Wish, file_name, frames, mission_name, pairs, sols, stops, totals


@pytest.fixture
def db(mars, make_pair, make, report, indexed):
    """Three stops on three sols; pairs of the Navcam, one frame of the front Hazcam, a reconstruction, and one of a
    place that has no frames."""
    make_pair(sol=400, drive=100)
    make_pair(sol=400, drive=100, sclk=700001000)
    make_pair(sol=401, drive=100, sclk=700090000)
    make_pair(sol=403, drive=300, sclk=700300000)
    make("L", sol=403, drive=300, sclk=700300500).set(instrument="FRONT_HAZCAM_LEFT_A").write_record()
    report(mars / "made", drive=100, sol=401)
    report(mars / "made-elsewhere", site=9, drive=1, sol=700)
    catalogue, _ = indexed(mars)
    with reading(catalogue.database, mars) as db:
        yield db


def test_stops(db):
    keys = ("site", "drive", "first_sol", "last_sol", "frames", "pairs", "reconstructions", "panoramas")
    assert [tuple(row[key] for key in keys) for row in stops(db, Wish())] == [
        (5, 100, 400, 401, 6, 3, 1, 0),
        (5, 300, 403, 403, 3, 1, 0, 0),
        (9, 1, 700, 700, 0, 0, 1, 0),
    ]
    assert [row["cameras"] for row in stops(db, Wish())] == [["navcam"], ["front-hazcam", "navcam"], []]


def test_sols(db):
    found = [(row["sol"], row["frames"], row["pairs"], row["reconstructions"]) for row in sols(db, Wish())]
    assert found == [(400, 4, 2, 0), (401, 2, 1, 1), (403, 3, 1, 0), (700, 0, 0, 1)]


@pytest.mark.parametrize(
    ("wish", "count"),
    [
        (Wish(), 9), (Wish(mission="m20"), 9), (Wish(mission="mars 2020"), 9), (Wish(mission="msl"), 0),
        (Wish(sols=(401, 403)), 5), (Wish(sols=(402, 402)), 0), (Wish(site=5), 9), (Wish(site=5, drive=300), 3),
        (Wish(camera="navcam"), 8), (Wish(camera="Front_Hazcam"), 1), (Wish(camera="front"), 1), (Wish(camera="%"), 0),
        (Wish("Perseverance", (403, 403), 5, 300, "navcam"), 2), (Wish(mission="' OR 1 --"), 0),
    ],
)  # fmt: skip
def test_a_wish_chooses(db, wish, count):
    assert len(frames(db, wish)) == count


def test_order_and_limit(db):
    found = [(row["drive"], row["sclk_s"]) for row in frames(db, Wish())]
    assert found == sorted(found)
    assert frames(db, Wish(), 2) == frames(db, Wish())[:2]
    assert [row["sol"] for row in pairs(db, Wish(sols=(401, 403)))] == [401, 403]
    assert len(pairs(db, Wish(), 1)) == 1


def test_totals(db):
    found = totals(db)
    assert (found.frames, found.pairs, found.stops, found.sols) == (9, 4, 2, (400, 403))
    assert (found.products, found.problems, found.links, found.complete) == ({"reconstruction": 2}, 0, 0, True)


def test_an_empty_folder_has_nothing(mars, indexed):
    indexed(mars)
    with reading(catalogue_of(mars).database, mars) as db:
        assert (totals(db).frames, totals(db).sols, stops(db, Wish()), sols(db, Wish())) == (0, None, [], [])


@pytest.mark.parametrize(
    ("rig", "name"),
    [("NAVCAM", "navcam"), ("NAV B", "navcam"), ("N", "navcam"), ("FRONT HAZCAM A", "front-hazcam"),
     ("FHAZ B", "front-hazcam"), ("REAR HAZCAM", "rear-hazcam"), ("RHAZ A", "rear-hazcam"), ("MCZ", "mcz"), ("", "")],
)  # fmt: skip
def test_cameras_as_a_person_calls_them(rig, name):
    assert camera_name(rig) == name


def test_missions_as_a_person_calls_them():
    words = ["m20", "Mars2020", "Curiosity", "mer-b", "MER-A", "spirit", "InSight", "simulated", "Viking 1"]
    names = ["Mars 2020", "Mars 2020", "MSL", "MER-B", "MER-A", "MER-A", "InSight", "simulated", "Viking 1"]
    assert [mission_name(word) for word in words] == names


def test_a_path_is_below_the_root():
    assert file_name(b"a/b", b"c.png") == "a/b/c.png"
    assert file_name(b"", b"c.png") == "c.png"
    for bad in (("a", b"b"), (b"a", None), (b"../a", b"b"), (b"a", b"..")):
        with pytest.raises(ValueError):
            file_name(*bad)
