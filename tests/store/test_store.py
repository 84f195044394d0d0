"""The store: found again by content, damaged entries away, old ones out, several runs at once, nothing half written."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stereo3d.errors import OutputError
from stereo3d.store import Store, keys, recall, store, user_folder, user_limit
from stereo3d.store.keys import code_digest, digest


@dataclass(frozen=True, eq=False)
class Value:
    numbers: NDArray[np.float64]


KEY, OTHER = "a" * 64, "b" * 64
MB = 1_000_000


def value(seed=0, count=1000):
    return Value(np.random.default_rng(seed).random(count))


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def kept(tmp_path):
    """A store with one entry."""
    out = Store(tmp_path / "cache", 10 * MB)
    out.put("pair", KEY, value())
    return out


def test_a_value_comes_back_and_only_under_its_own_name(kept):
    assert names(kept.folder) == [f"pair-{KEY}.s3d"]
    np.testing.assert_array_equal(kept.get("pair", KEY, Value, {}).numbers, value().numbers)
    assert kept.get("pair", OTHER, Value, {}) is None
    assert kept.get("mesh", KEY, Value, {}) is None
    assert kept.taken == ["pair"]
    assert kept.note is None


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX systems")
def test_the_folder_and_its_files_are_the_users_own(kept):
    assert kept.folder.stat().st_mode & 0o077 == 0
    assert (kept.folder / f"pair-{KEY}.s3d").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other key", "no value", "other class"])
def test_a_damaged_entry_is_thrown_away_and_made_again(kept, damage):
    path = kept.folder / f"pair-{KEY}.s3d"
    whole = bytearray(path.read_bytes())
    if damage == "flip":
        whole[len(whole) // 2] ^= 4
    elif damage == "cut":
        whole = whole[:-100]
    elif damage == "empty":
        whole = bytearray()
    elif damage == "other key":
        kept.put("pair", OTHER, value(1))
        whole = bytearray((kept.folder / f"pair-{OTHER}.s3d").read_bytes())
        (kept.folder / f"pair-{OTHER}.s3d").unlink()
    else:
        text = whole[:-32].replace(b'"value":{', b'"worth":{') if damage == "no value" else whole[:-32].replace(
            b'"class":"Value"', b'"class":"Evil!"')  # fmt: skip
        assert text != whole[:-32]
        whole = text + hashlib.sha256(bytes(text)).digest()
    path.write_bytes(bytes(whole))
    assert kept.get("pair", KEY, Value, {}) is None
    assert names(kept.folder) == []
    kept.put("pair", KEY, value())
    assert kept.get("pair", KEY, Value, {}) is not None


def test_an_entry_that_does_not_fit_the_input_is_thrown_away(kept):
    assert kept.get("pair", KEY, Value, {}, lambda found: found.numbers.shape == (7,)) is None
    assert names(kept.folder) == []


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    folder, limit = tmp_path / "cache", 100_000  # room for four of 24 kB and a bit
    stamps = iter(range(1_000_000, 2_000_000, 1000))

    def put(key, seed):
        Store(folder, limit).put("pair", key, value(seed, 3000))  # each a run of its own
        os.utime(folder / f"pair-{key}.s3d", (now := next(stamps), now))

    for number, letter in enumerate("abcd"):
        put(letter * 64, number)
    kept = Store(folder, limit)
    assert [k.path.name[5] for k in kept.kept()] == list("abcd")
    assert kept.get("pair", "a" * 64, Value, {}) is not None  # used now
    put("e" * 64, 5)
    assert sorted(k.path.name[5] for k in kept.kept()) == list("acde")
    assert sum(k.bytes for k in kept.kept()) <= kept.limit
    assert kept.get("pair", "b" * 64, Value, {}) is None


def test_what_is_larger_than_the_whole_is_not_kept_and_throws_nothing_out(kept):
    run = Store(kept.folder, kept.limit)
    run.put("mesh", OTHER, value(1, 2 * MB))
    assert names(kept.folder) == [f"pair-{KEY}.s3d"]
    assert (
        run.note == f"the cache {kept.folder} is too small for all of this (0.01 GB); STEREO3D_CACHE_GB allows it more"
    )


def test_a_run_never_throws_out_what_it_read_or_wrote_itself(tmp_path):
    """Else a set that is larger than the cache would find its first pairs gone each time, and measure all anew."""
    folder, limit = tmp_path / "cache", 100_000
    for _ in range(2):
        run = Store(folder, limit)
        for number in range(6):
            if run.get("pair", f"{number:064x}", Value, {}) is None:
                run.put("pair", f"{number:064x}", value(number, 3000))
        assert [int(name[5:-4]) for name in names(folder)] == [0, 1, 2, 3]
        assert "too small" in (run.note or "")
        run.put("small", KEY, value(1, 100))  # there is room for this
        assert (folder / f"small-{KEY}.s3d").is_file()
        (folder / f"small-{KEY}.s3d").unlink()
    assert run.taken == ["pair"] * 4


def test_where_the_size_is_nothing_nothing_is_kept_read_or_thrown_out(kept):
    run = Store(kept.folder, 0)
    assert run.get("pair", KEY, Value, {}) is None
    run.put("pair", OTHER, value())
    assert names(kept.folder) == [f"pair-{KEY}.s3d"]
    assert run.note is None


def test_clearing_leaves_files_of_others(kept):
    stranger = kept.folder / "letter.txt"
    stranger.write_text("mine")
    assert kept.clear() > 8000
    assert names(kept.folder) == ["letter.txt"]
    stranger.unlink()
    kept.put("pair", KEY, value())
    kept.clear()
    assert not kept.folder.exists()


def test_a_disk_that_is_full_is_one_note_and_leaves_nothing(kept, monkeypatch):
    def full(file, header, parts):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "write_entry", full)
    for key in ("c" * 64, "d" * 64):
        kept.put("pair", key, value(2))
    assert kept.note == f"nothing is kept in the cache {kept.folder}: No space left on device"
    assert names(kept.folder) == [f"pair-{KEY}.s3d"]
    assert kept.get("pair", KEY, Value, {}) is not None


def test_a_place_that_cannot_be_written_to_is_one_note(tmp_path):
    (tmp_path / "file").write_text("")
    kept = Store(tmp_path / "file" / "cache", MB)
    assert recall(kept, "pair", ["errors"], Value, value) is not None
    assert "Not a directory" in (kept.note or "")
    assert kept.kept() == []


def test_a_store_that_may_only_be_read_is_read(kept, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert kept.get("pair", KEY, Value, {}) is not None
    kept.put("pair", OTHER, value())
    assert "Read-only" in (kept.note or "")


def test_closed_while_writing_leaves_nothing_and_writes_nothing_more(kept, monkeypatch):
    """As when Ctrl-C is answered beside a thread that goes on."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(file, header, parts):
        file.write(b"half")
        begun.set()
        go_on.wait(20)

    monkeypatch.setattr(store, "write_entry", slow)
    thread = threading.Thread(target=kept.put, args=("pair", OTHER, value()))
    thread.start()
    assert begun.wait(20)
    assert len(names(kept.folder)) == 2
    kept.close()
    assert names(kept.folder) == [f"pair-{KEY}.s3d"]
    go_on.set()
    thread.join(20)
    assert names(kept.folder) == [f"pair-{KEY}.s3d"]
    kept.put("pair", OTHER, value())
    assert names(kept.folder) == [f"pair-{KEY}.s3d"]
    assert kept.note is None


@pytest.mark.skipif(os.name != "posix", reason="processes of POSIX systems")
def test_what_a_killed_run_left_is_cleared_away_and_that_of_a_living_one_is_not(kept):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for pid in (gone.pid, os.getppid()):
        (kept.folder / f".partial-{pid}-0").write_text("half")
    kept.put("pair", OTHER, value())
    assert names(kept.folder) == [f".partial-{os.getppid()}-0", f"pair-{KEY}.s3d", f"pair-{OTHER}.s3d"]


def hammer(folder: str, seed: int) -> int:
    """Write, read and throw out the same few entries for a while; how often another value came back."""
    rng = np.random.default_rng(seed)
    wrong = 0
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        kept = Store(Path(folder), 150_000)
        number = int(rng.integers(6))
        key = f"{number:064x}"
        found = kept.get("pair", key, Value, {})
        if found is None:
            kept.put("pair", key, value(number, 4000))
        else:
            wrong += not np.array_equal(found.numbers, value(number, 4000).numbers)
        assert kept.note is None
    return wrong


def test_several_runs_at_once_never_see_half_an_entry(tmp_path):
    folder = tmp_path / "cache"
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.starmap(hammer, [(str(folder), seed) for seed in range(3)]) == [0, 0, 0]
    left = Store(folder, 150_000)
    assert 1 <= len(left.kept()) <= 6
    assert all(name.startswith("pair-") for name in names(folder))
    assert all(left.get("pair", k.path.name[5:-4], Value, {}) is not None for k in left.kept())


def test_recalled_once_computed_once(tmp_path):
    kept, calls = Store(tmp_path / "cache", MB), []

    def compute():
        calls.append(1)
        return value()

    for _ in range(3):
        found = recall(kept, "pair", ["errors"], Value, compute, 1, "x")
        np.testing.assert_array_equal(found.numbers, value().numbers)
    assert len(calls) == 1
    for changed in ((1, "y"), (1.0, "x"), (True, "x"), (1, "x", None)):
        recall(kept, "pair", ["errors"], Value, compute, *changed)
    recall(kept, "mesh", ["errors"], Value, compute, 1, "x")
    recall(kept, "pair", ["errors", "frames"], Value, compute, 1, "x")
    assert len(calls) == 7
    recall(None, "pair", ["errors"], Value, compute, 1, "x")
    assert len(calls) == 8


def test_an_error_of_the_computation_passes_and_is_not_kept(tmp_path):
    kept = Store(tmp_path / "cache", MB)

    def fail():
        raise ValueError("no ground")

    for _ in range(2):
        with pytest.raises(ValueError, match="no ground"):
            recall(kept, "pair", ["errors"], Value, fail)
    assert kept.kept() == []


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A package of its own in the place of the program's; keys are not remembered."""
    package = tmp_path / "package"
    (package / "stereo").mkdir(parents=True)
    (package / "errors.py").write_text("A = 1\n")
    (package / "stereo" / "match.py").write_text("B = 1\n")
    (tmp_path / "calib").mkdir()
    (tmp_path / "calib" / "rover.json").write_text("{}")
    monkeypatch.setattr(keys, "PACKAGE", package)
    keys._code_digest.cache_clear()
    yield package
    keys._code_digest.cache_clear()


def test_changed_code_data_or_libraries_have_other_keys(copied, monkeypatch):
    def now():
        keys._code_digest.cache_clear()
        return code_digest(["errors", "stereo"]), code_digest(["errors"])

    first = now()
    assert None not in first
    assert first[0] != first[1]
    assert now() == first
    (copied / "stereo" / "match.py").write_text("B = 2\n")
    second = now()
    assert second[0] != first[0]
    assert second[1] == first[1]
    (copied / "stereo" / "more.py").write_text("")
    third = now()
    assert third[0] not in (first[0], second[0])
    (copied.parent / "calib" / "rover.json").write_text("{} ")
    fourth = now()
    assert fourth[0] != third[0]
    assert fourth[1] != third[1]
    monkeypatch.setattr(keys, "version", lambda name: "9")
    assert now()[1] != fourth[1]


def test_without_sources_nothing_is_kept(copied, tmp_path):
    (copied / "errors.py").unlink()
    keys._code_digest.cache_clear()
    assert code_digest(["errors", "stereo"]) is None
    kept = Store(tmp_path / "cache", MB)
    recall(kept, "pair", ["errors", "stereo"], Value, value)
    assert kept.kept() == []


def test_the_key_tells_values_apart_by_their_bits():
    nan = np.array([np.nan])
    other = (nan.view(np.uint64) ^ 1).view(np.float64)
    kinds = [0, 0.0, -0.0, False, None, "0", (), [()], np.zeros(2), np.zeros((2, 1)), np.zeros((1, 2)), nan, other,
             np.zeros(2, np.float32), np.zeros(4, np.int32), {}, {"a": 1}, {"a": 2}, ("a", 1), ("a1",),
             value(0), value(1), slice(0, 1)]  # fmt: skip
    found = [digest(kind) for kind in kinds]
    assert digest([]) == digest(())
    assert len(set(found)) == len(found)
    assert digest("ab", "c") != digest("a", "bc")
    assert digest(np.arange(6).reshape(2, 3).T) == digest(np.arange(6).reshape(2, 3).T.copy())
    with pytest.raises(TypeError, match="no key"):
        digest(object())


def test_the_place_is_the_named_one_or_the_systems(monkeypatch, tmp_path):
    monkeypatch.setenv("STEREO3D_CACHE", str(tmp_path / "mine"))
    assert user_folder() == tmp_path / "mine"
    monkeypatch.setenv("STEREO3D_CACHE", "")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    if os.name != "nt":
        assert user_folder() == tmp_path / "xdg" / "stereo3d"
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        assert user_folder() == tmp_path / ".cache" / "stereo3d"
        monkeypatch.setattr(sys, "platform", "darwin")
        assert user_folder() == tmp_path / "Library" / "Caches" / "stereo3d"
        monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as of a user without a home
        assert user_folder().is_absolute()


def test_the_size_is_the_named_one_or_four_gigabytes(monkeypatch):
    monkeypatch.delenv("STEREO3D_CACHE_GB")
    assert user_limit() == 4_000_000_000
    monkeypatch.setenv("STEREO3D_CACHE_GB", "0.5")
    assert user_limit() == 500_000_000
    for text in ("much", "-1", "nan", "1e9"):
        monkeypatch.setenv("STEREO3D_CACHE_GB", text)
        with pytest.raises(OutputError, match="a number of GB"):
            user_limit()
