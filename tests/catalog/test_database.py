"""The database: made, shared, and not trusted."""

from __future__ import annotations

import os
import sqlite3
import threading

import pytest

from stereo3d.catalog.database import APPLICATION_ID, VERSION, reading, writing
from stereo3d.catalog.place import catalogue_of, known
from stereo3d.catalog.query import Wish, frames, totals
from stereo3d.catalog.update import update
from stereo3d.errors import MissingFileError, OutputError, RecordError


def never():
    pytest.fail("there is nobody to wait for")


def spoil_marks(db):
    db.execute(f"PRAGMA user_version = {VERSION + 1}")


def spoil_with_a_trigger(db):
    db.execute("CREATE TRIGGER t AFTER DELETE ON pairs BEGIN DELETE FROM frames; END")


def spoil_with_a_view(db):
    db.execute("ALTER TABLE problems RENAME TO p")
    db.execute("CREATE VIEW problems AS SELECT * FROM p")


def spoil_the_rows(db):
    db.execute("DELETE FROM about")


@pytest.mark.parametrize("spoil", [spoil_marks, spoil_with_a_trigger, spoil_with_a_view, spoil_the_rows])
def test_a_database_that_is_not_ours_is_one_line_to_read_and_made_anew_to_write(spoil, mars, make_pair, indexed):
    make_pair()
    catalogue, _ = indexed(mars)
    db = sqlite3.connect(catalogue.database, isolation_level=None)
    spoil(db)
    db.close()
    with pytest.raises(RecordError, match="no catalogue of this program") as error, reading(catalogue.database, mars):
        pass
    assert str(mars) in str(error.value)
    assert known() == []
    assert len(indexed(mars)[1]) == 2


@pytest.mark.parametrize("data", [b"", b"not SQLite at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_garbage_is_one_line_to_read_and_made_anew_to_write(data, mars, make_pair, indexed):
    make_pair()
    catalogue = catalogue_of(mars)
    catalogue.database.parent.mkdir(parents=True)
    catalogue.database.write_bytes(data)
    with pytest.raises(RecordError, match=r"made anew|cannot be read"), reading(catalogue.database, mars):
        pass
    assert len(indexed(mars)[1]) == 2


def test_damage_inside_is_one_line(mars, make_pair, indexed):
    for clock in range(700000000, 700004000, 100):
        make_pair(sclk=clock)
    catalogue, _ = indexed(mars)
    data = bytearray(catalogue.database.read_bytes())
    assert len(data) > 16 * 4096
    for start in range(8 * 4096, len(data), 4096):
        data[start : start + 64] = b"\xff" * 64
    catalogue.database.write_bytes(data)

    def ask():
        with reading(catalogue.database, mars) as db:
            totals(db)
            frames(db, Wish())

    with pytest.raises(RecordError):
        ask()


def test_a_link_in_the_place_of_the_database_is_replaced_not_followed(tmp_path, mars, make_pair, indexed):
    make_pair()
    catalogue, _ = indexed(mars)
    elsewhere = tmp_path / "elsewhere.sqlite"
    os.replace(catalogue.database, elsewhere)
    catalogue.database.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    with pytest.raises(RecordError), reading(catalogue.database, mars):
        pass
    indexed(mars)
    assert not catalogue.database.is_symlink()
    assert elsewhere.read_bytes() == before


def test_the_database_of_another_folder_under_this_name_is_not_taken(tmp_path, mars, make_pair, make, indexed):
    make_pair()
    other = tmp_path / "other"
    for clock in (700000000, 700001000, 700002000):
        make("L", folder=other, sclk=clock)
    theirs, _ = indexed(other)
    os.replace(theirs.database, catalogue_of(mars).database)
    assert known() == []
    with pytest.raises(RecordError, match="no catalogue"), reading(catalogue_of(mars).database, mars):
        pass
    assert len(indexed(mars)[1]) == 2


def test_paths_that_lead_out_are_refused(mars, make_pair, indexed):
    make_pair()
    catalogue, _ = indexed(mars)
    for folder, name in ((b"..", b"a.png"), (b"", b"../a.png"), (b"a/../..", b"b.png"), (b"", b"a\0b")):
        db = sqlite3.connect(catalogue.database, isolation_level=None)
        db.execute("UPDATE folders SET path = ?", (folder,))
        db.execute("UPDATE frames SET name = ?", (name,))
        db.close()
        with reading(catalogue.database, mars) as db, pytest.raises(ValueError, match="leads out"):
            frames(db, Wish())


def test_who_reads_can_change_nothing(mars, make_pair, indexed):
    make_pair()
    catalogue, _ = indexed(mars)
    with pytest.raises(RecordError, match="readonly"), reading(catalogue.database, mars) as db:
        db.execute("DELETE FROM frames")
    assert len(indexed(mars)[1]) == 2


def test_no_database_is_one_line(mars):
    with pytest.raises(MissingFileError, match="not catalogued yet"), reading(catalogue_of(mars).database, mars):
        pass


def test_a_second_writer_waits_for_the_first_and_may_give_up(mars, make_pair):
    make_pair()
    catalogue = catalogue_of(mars)

    class GaveUpError(Exception):
        pass

    waited = threading.Event()

    def give_up():
        waited.set()
        raise GaveUpError

    def second():
        with writing(catalogue.database, catalogue.root, give_up):
            pytest.fail("both write")

    with writing(catalogue.database, catalogue.root, never), pytest.raises(GaveUpError):
        second()
    assert waited.is_set()
    assert update(catalogue).read == 4


def test_a_lock_that_somebody_wrote_over_is_no_obstacle(mars, make_pair, indexed):
    make_pair()
    catalogue = catalogue_of(mars)
    catalogue.database.parent.mkdir(parents=True)
    catalogue.database.with_name(catalogue.database.name + ".lock").write_bytes(b"something else " * 100)
    assert len(indexed(mars)[1]) == 2


def test_where_nothing_can_be_written_that_is_one_line(mars, own_catalogs):
    (own_catalogs / "catalogs").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written") as error:
        update(catalogue_of(mars))
    assert "STEREO3D_CACHE" in str(error.value)


def test_the_marks_are_in_the_file(mars, make_pair, indexed):
    make_pair()
    catalogue, _ = indexed(mars)
    head = catalogue.database.read_bytes()[:100]
    assert int.from_bytes(head[68:72], "big") == APPLICATION_ID
    assert int.from_bytes(head[60:64], "big") == VERSION
    assert os.name == "nt" or catalogue.database.stat().st_mode & 0o077 == 0
