"""The stages of the main job come back from the store bit for bit, and only where nothing they depend on changed."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import grimp
import numpy as np
import pytest

from stereo3d.image import Image
from stereo3d.pipeline import Settings, floors, measure_pair, pair, reconstruct, reconstruct_scene, stored
from stereo3d.read import read_frames
from stereo3d.scene import Scene
from stereo3d.store import Store, keys
from stereo3d.terrain.mesh import MeshSettings

STAGES = {
    pair: ("_measured",),
    stored: ("refine_pointing", "fuse", "misfits", "mesh_around", "build_mesh", "decimated", "texture_ground"),
}


def assert_same(one, other, where="result"):
    """Equal in every bit: of arrays, of numbers, and in whether arrays may be written to."""
    assert type(one) is type(other) or isinstance(one, float), where
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape, one.flags.writeable) == (other.dtype, other.shape, other.flags.writeable), where
        assert one.tobytes() == other.tobytes(), where
    elif is_dataclass(one):
        for f in fields(one):
            if f.name != "report_values" and f.name != "report":  # with the seconds of each run
                assert_same(getattr(one, f.name), getattr(other, f.name), f"{where}.{f.name}")
    elif isinstance(one, (tuple, list)):
        assert len(one) == len(other), where
        for k, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{k}]")
    elif isinstance(one, dict):
        assert list(one) == list(other), where
        for key in one:
            assert_same(one[key], other[key], f"{where}[{key}]")
    else:
        assert one == other or (one != one and other != other), where


@pytest.fixture(scope="module")
def scene(ring_folder):
    """Two neighbouring pairs of the small ring."""
    whole = read_frames([ring_folder])
    return replace(whole, observations=whole.observations[:4])


@pytest.fixture(scope="module")
def first(scene, tmp_path_factory):
    """The first run, and the store that it filled."""
    store = Store(tmp_path_factory.mktemp("kept") / "cache", 10**9)
    made = reconstruct_scene(scene, Settings(faces=20_000), store=store)
    assert store.taken == []
    assert store.note is None
    return made, store


@pytest.fixture
def computed(monkeypatch):
    """The names of the stages that are computed, in turn."""
    calls = []
    for module, names in STAGES.items():
        for name in names:

            def watched(*args, was=getattr(module, name), name=name, **options):
                calls.append(name)
                return was(*args, **options)

            monkeypatch.setattr(module, name, watched)
    return calls


def again(first, limit=10**9):
    return Store(first[1].folder, limit)


def test_a_second_run_computes_nothing_and_is_the_same_to_the_bit(first, scene, computed):
    store = again(first)
    told = []
    found = reconstruct_scene(
        scene, Settings(faces=20_000), progress=lambda name, share: told.append((name, share)), store=store
    )
    assert computed == []
    assert store.taken == ["pointing", "pair", "pair", "fusion", "mesh", "thinning", "texture"]
    assert_same(found, first[0])
    assert found.report_values["from_cache"] == store.taken
    assert first[0].report_values["from_cache"] == []
    own = {"seconds", "from_cache"}
    reports = [{k: v for k, v in made.report_values.items() if k not in own} for made in (found, first[0])]
    assert_same(*reports, "report")
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_with_and_without_a_store_it_is_the_same(first, scene):
    assert_same(reconstruct_scene(scene, Settings(faces=20_000)), first[0])


def test_other_detail_takes_the_ground_from_the_store(first, scene, computed):
    store = again(first)
    made = reconstruct_scene(scene, Settings(faces=10_000), store=store)
    assert computed == ["decimated", "texture_ground"]
    assert len(made.terrain.mesh.faces) <= 10_000
    computed.clear()
    reconstruct_scene(scene, Settings(fill=True, faces=20_000), store=store)
    assert computed == ["mesh_around", "decimated", "texture_ground"]


def test_one_pair_takes_its_measurement_from_the_store(scene, computed, tmp_path):
    one = replace(scene, observations=scene.observations[:2])
    store = Store(tmp_path / "cache", 10**9)
    made, found = (reconstruct(one, store=store) for _ in range(2))
    assert computed == ["_measured"]
    assert_same(replace(found, report=None), replace(made, report=None))
    assert found.report.valid_share == made.report.valid_share
    assert (made.report.from_cache, found.report.from_cache) == ((), ("pair",))


@pytest.fixture
def measure(first, scene, monkeypatch):
    """Measure the first pair, or another one, which takes no time: how often it was measured."""
    known = first[0].pairs[0]
    calls = []

    def measured(*args):
        calls.append(1)
        return pair._Measurement(known.rectified, known.disparity, known.matches, known.xyz, known.calibration)

    monkeypatch.setattr(pair, "_measured", measured)
    store = Store(first[1].folder.parent / "stubs", 10**9)

    def count(measured_pair=scene.pairs[0], settings=Settings()):
        before = len(calls)
        made = measure_pair(measured_pair, settings, store=store)
        assert_same(made.xyz, known.xyz)
        return len(calls) - before

    count()
    yield count
    store.clear()


def test_nothing_changed_is_not_measured_again(measure, scene):
    assert measure() == 0
    moved = replace(scene.pairs[0], left=replace(scene.pairs[0].left, path="/elsewhere/left.png"))
    assert measure(moved) == 0
    assert measure(settings=Settings(mesh=MeshSettings(block_px=8), faces=5000, fill=True)) == 0


def test_another_input_or_setting_is_measured(measure, scene):
    eyes = scene.pairs[0]

    def with_right(**changes):
        return replace(eyes, right=replace(eyes.right, **changes))

    pixels = eyes.right.image.pixels.copy()
    pixels[100, 100] ^= 1
    valid = eyes.right.image.valid.copy()
    valid[100, 100] = False
    changed = [
        with_right(image=Image(pixels, eyes.right.image.valid)),
        with_right(image=Image(eyes.right.image.pixels, valid)),
        with_right(camera=replace(eyes.right.camera, H=eyes.right.camera.H * (1.0 + 1e-15))),
        with_right(instrument="ANOTHER"),
        with_right(mast_azimuth_deg=12.0),
    ]
    assert [measure(one) for one in changed] == [1] * len(changed)
    assert [measure(one) for one in changed] == [0] * len(changed)
    assert measure(settings=Settings(min_range_m=1.5)) == 1
    assert measure(settings=Settings(max_sigma_share=0.2)) == 1
    assert measure(settings=Settings(sky=False)) == 1


def test_a_changed_program_measures_anew(measure, monkeypatch):
    monkeypatch.setattr(keys, "__version__", "0.0.0-another")
    keys._code_digest.cache_clear()
    assert measure() == 1
    assert measure() == 0
    monkeypatch.undo()
    keys._code_digest.cache_clear()


def test_an_entry_of_another_size_is_not_taken(first, scene, monkeypatch, tmp_path):
    """A stranger's entry, well made, of another picture."""
    known = first[0].pairs[0]
    small = replace(known.xyz, **{
        n: getattr(known.xyz, n)[:100]
        for n in ("xyz", "range_m", "sigma_range_m", "miss_m", "reason", "noise_range_m", "contrast")
    })  # fmt: skip
    wrong = pair._Measurement(known.rectified, known.disparity, known.matches, small, known.calibration)
    right = replace(wrong, xyz=known.xyz)
    made = iter([wrong, right])
    monkeypatch.setattr(pair, "_measured", lambda *args: next(made))
    store = Store(tmp_path / "cache", 10**9)
    measure_pair(scene.pairs[0], store=store)
    assert measure_pair(scene.pairs[0], store=store).xyz.reason.shape == known.xyz.reason.shape
    assert store.taken == []


def test_a_damaged_stage_is_computed_again_and_the_rest_is_not(first, scene, computed):
    for path in first[1].folder.glob("fusion-*"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(bytes(content))
    made = reconstruct_scene(scene, Settings(faces=20_000), store=again(first))
    assert computed == ["fuse", "misfits"]
    assert_same(made, first[0])


def test_a_store_with_no_room_changes_nothing(first, scene, tmp_path):
    store = Store(tmp_path / "cache", 1000)
    one = Scene("one", scene.observations[:2], simulated=True)
    made = reconstruct(one, store=store)
    assert store.kept() == []
    assert "too small" in store.note
    assert made.xyz.measured.any()


def test_the_key_of_a_stage_holds_every_floor_that_it_stands_on():
    """Whatever the stages import, however deep, is among the sources whose change makes their results old."""
    graph = grimp.build_graph("stereo3d")
    for name in graph.find_modules_directly_imported_by("stereo3d"):  # its public names, through which no work goes
        graph.remove_import(importer="stereo3d", imported=name)
    for tops, listed in (
        (("stereo3d.stereo",), floors.STEREO),
        (("stereo3d.stereo", "stereo3d.pointing"), floors.POINTING),
        (("stereo3d.terrain", "stereo3d.panorama", "stereo3d.pipeline"), floors.TERRAIN),
    ):
        below = {name for top in tops for name in graph.find_upstream_modules(top, as_package=True)} | set(tops)
        needed = {name.split(".")[1] for name in below if name != "stereo3d"}
        assert needed <= set(listed)
        assert keys.code_digest(listed) is not None
    assert floors.STEREO[-1] == "stereo"
