"""Which records become images: pairs of full frames, each once, under names and from addresses that are safe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stereo3d.fetch.feed import M20, MSL
from stereo3d.fetch.select import select

SOLS = (400, 400)


def test_both_orders_of_components_are_one_camera(server):
    now, early = server.add("L"), server.add("R", early=True)
    found = select([now, early], server.m20, SOLS, "navcam")
    assert (found.left_out, found.complaints) == ({}, ())
    [stop] = found.stops
    assert (stop.folder, stop.sols, len(stop.pairs)) == ("m20_site005_drive1234", "400", 1)
    left, right = (image.header.camera for image in stop.images)
    assert left.C.tolist() == [0.9, -0.2, -1.9]
    assert right.C.tolist() == [0.9, 0.2, -1.9]
    assert left.H.tolist() == right.H.tolist()
    assert [image.name for image in stop.images] == [f"{now['imageid']}.png", f"{early['imageid']}.png"]
    assert json.loads(stop.images[1].record) == early


def test_nulls_and_unknowns_are_no_hindrance(server):
    server.add_pair(mastAz="UNK", mastEl=None, filter_name=None, caption=None, attitude=None, xyz="UNK")
    found = select(server.records, server.m20, SOLS, "navcam")
    assert len(found.stops[0].images) == 2
    assert found.stops[0].images[0].header.site_from_rover is None


def test_what_is_not_wanted_is_counted(server):
    server.add_pair()
    server.add("L", sclk=700001000, sample_type="Thumbnail")
    thumbnail = server.add("L", sclk=700002000)
    thumbnail["imageid"] = thumbnail["imageid"].replace("ECM_N", "ECM_T")
    server.records.append({**server.records[0], "date_received": "later"})
    version = {**server.records[0], "imageid": server.records[0]["imageid"] + "02"}
    server.records.append(version)
    server.add("R", sclk=700003000)
    server.add_pair(sclk=700004000, instrument="MCZ_LEFT")
    server.add_pair(sclk=700005000, sol=401)
    server.add_pair(sclk=700006000, drive=1300)
    colour = {**server.records[0], "imageid": server.records[0]["imageid"].replace("ECM", "EBY")}
    server.records.append(colour)
    found = select(server.records, server.m20, SOLS, "navcam", site=5, drive=1234)
    assert found.left_out == {
        "thumbnails": 2,
        "duplicates": 2,
        "without the other eye's": 1,
        "of another camera or sol": 4,
        "of another stop": 2,
        "other products or scales of a frame": 1,
    }
    assert found.complaints == ()
    assert [image.header.sclk_s for stop in found.stops for image in stop.images] == [700000001.5] * 2
    both = select(server.records, server.m20, (400, 401), "navcam").stops
    assert [(stop.folder[-4:], stop.sols, len(stop.pairs)) for stop in both] == [
        ("1234", "400 to 401", 2),
        ("1300", "400", 1),
    ]


def test_tiles_of_one_shot_are_one_pair(server):
    for tile in (1, 2):
        server.add_pair(tile=tile)
    server.add("L", tile=3)
    [stop] = select(server.records, server.m20, SOLS, "navcam").stops
    assert len(stop.pairs) == 1
    assert len(stop.images) == 4
    assert len({image.name for image in stop.images}) == 4


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "CON", "..", "", "a\\b", "NLF_0400\x00", "x" * 5000, 7, None, ["a"]]
)
def test_a_name_that_is_no_product_name_makes_no_file(server, name):
    server.add_pair()
    server.add("L", sclk=700001000)["imageid"] = name
    found = select(server.records, server.m20, SOLS, "navcam")
    assert len(found.stops[0].images) == 2
    [complaint] = found.complaints
    assert "is no product name" in str(complaint)
    assert str(complaint).isprintable()
    assert len(str(complaint)) < 300


@pytest.mark.parametrize(
    "url",
    [
        "http://mars.nasa.gov/a.png",
        "https://mars.nasa.gov.example.com/a.png",
        "https://mars.nasa.gov@example.com/a.png",
        "https://user@mars.nasa.gov/a.png",
        "https://mars.nasa.gov:444/a.png",
        "https://example.com/a.png",
        "https://[::1/a.png",
        "https://mars.nasa.gov\\@example.com/a.png",
        "https://mars.nasa.gov/a\n.png",
        "file:///etc/passwd.png",
        "//example.com/a.png",
        "a.png",
        "https://mars.nasa.gov/a.exe",
        None,
        {},
    ],
)
def test_an_image_that_is_elsewhere_or_something_else_is_a_complaint(server, url):
    for record in server.add_pair():
        record["image_files"]["full_res"] = "https://MARS.nasa.gov/" + record["imageid"] + ".png"
    server.add("L", sclk=700001000)["image_files"]["full_res"] = url
    found = select(server.records, M20, SOLS, "navcam")
    assert len(found.stops[0].images) == 2
    [complaint] = found.complaints
    assert str(complaint).startswith(server.records[2]["imageid"])
    assert str(complaint).isprintable()


def test_a_record_without_a_camera_or_with_too_much_is_a_complaint(server):
    server.add_pair()
    server.add("L", sclk=700001000, camera_model_component_list="UNK")
    server.add("R", sclk=700001000, caption="x" * 300_000)
    server.add("R", sclk=700002000, image_files="none")
    found = select(server.records, server.m20, SOLS, "navcam")
    assert len(found.stops[0].images) == 2
    told = " ".join(str(complaint) for complaint in found.complaints)
    assert "holds no camera model" in told
    assert "at most 262144" in told
    assert "no full-resolution image" in told


def test_the_records_of_msl(server):
    for letter in "LR":
        server.add_msl(letter)
    server.add_msl("L", is_thumbnail=True)
    server.add_msl("R", extended={"sample_type": "thumbnail"})
    found = select(server.records, server.msl, (1435, 1435), "navcam")
    [stop] = found.stops
    assert (stop.folder, found.left_out) == ("msl_site056_drive2034", {"thumbnails": 2})
    assert [image.name for image in stop.images] == [
        "NLB_524534514EDR_F0562034NCAM00280M_.jpg",
        "NRB_524534514EDR_F0562034NCAM00280M_.jpg",
    ]


def test_the_documented_records_of_both_feeds(shared_data: Path):
    early = json.loads((shared_data / "calib" / "m20_early_feed_order_sol2.json").read_text())
    early["image_files"] = {"full_res": "https://mars.nasa.gov/mars2020-raw-images/x.png"}
    found = select([early], M20, (2, 2), "rear-hazcam")
    assert (found.left_out, found.complaints) == ({"without the other eye's": 1}, ())
    items = json.loads((shared_data / "calib" / "msl_raw_image_items_record.json").read_text())["items"]
    for item, sol in zip(items, (3000, 4544), strict=True):
        found = select([item], MSL, (sol, sol), "navcam")
        assert found.left_out == {"without the other eye's": 1}, found.complaints
