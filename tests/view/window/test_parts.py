"""The window's small parts that need no display."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.errors import OutputError
from stereo3d.view.viewpoint import camera_viewpoint
from stereo3d.view.window.anaglyph import EYE_BASES_M, eyes_of, next_base, red_cyan, told_scale
from stereo3d.view.window.commands import Choice, Command, Commands, Menu, key_name, shown_key
from stereo3d.view.window.files import free_path, write_whole
from stereo3d.view.window.levels import face_levels, sectors
from stereo3d.view.window.pace import SLOWEST_S, Pace
from stereo3d.view.window.prompt import Prompt
from stereo3d.view.window.world import Box


def test_levels_are_fewer_faces_of_the_same_vertices(made_up):
    mesh = made_up.terrain.mesh
    eye = made_up.eye_enu
    levels = face_levels(mesh, eye, (8000, 2000))
    assert [len(levels[0]), 8000 >= len(levels[1]) > 6000, 2000 >= len(levels[2]) > 1000] == [
        len(mesh.faces), True, True]  # fmt: skip
    for faces in levels[1:]:
        corners = mesh.vertices[faces]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert (np.linalg.norm(across, axis=1) > 0).mean() > 0.99
        # The coarse ground lies on the fine one: its area from above is the same.
        area = 0.5 * np.abs(across[:, 2]).sum()
        fine = mesh.vertices[mesh.faces]
        whole = 0.5 * np.abs(np.cross(fine[:, 1] - fine[:, 0], fine[:, 2] - fine[:, 0])[:, 2]).sum()
        assert area == pytest.approx(whole, rel=0.03)
        # No triangle is stretched over the texture.
        assert np.percentile(np.ptp(made_up.terrain.uv[faces], axis=1).max(axis=1), 99) < 0.2


def test_a_small_ground_has_one_level(made_up):
    assert len(face_levels(made_up.terrain.mesh, made_up.eye_enu, (30_000,))) == 1


def test_sectors_hold_every_face_once(made_up):
    mesh = made_up.terrain.mesh
    parts = sectors(mesh.vertices, mesh.faces, mesh.vertices.mean(axis=0), 8)
    assert len(parts) == 8
    everything = np.concatenate(parts)
    assert sorted(map(tuple, everything.tolist())) == sorted(map(tuple, mesh.faces.tolist()))
    middle = mesh.vertices.mean(axis=0)
    for part in parts:
        away = mesh.vertices[part[:, 0]] - middle
        azimuth = np.arctan2(away[:, 0], away[:, 1])
        assert np.ptp(azimuth) <= 2 * np.pi / 8 + 1e-9


def test_pace_goes_coarser_when_slow_and_finer_when_quick():
    pace = Pace([900_000, 250_000, 80_000, 25_000])
    assert pace.level == 2
    pace.tell(1.5 * SLOWEST_S)
    assert pace.level == 3
    pace.tell(0.1 * SLOWEST_S)
    assert pace.level == 2
    pace.tell(0.9 * SLOWEST_S)
    assert pace.level == 2
    for _ in range(20):
        pace.tell(0.001 * SLOWEST_S)
    assert pace.level == 0


def test_pace_begins_with_all_of_a_small_ground():
    pace = Pace([30_000])
    pace.tell(10.0)
    assert pace.level == 0


def test_a_ray_in_a_box():
    box = Box(np.array([0.0, 0.0, 0.0]), np.array([2.0, 2.0, 2.0]))
    assert box.span(np.array([-1.0, 1.0, 1.0]), np.array([2.0, 0.0, 0.0])) == pytest.approx((0.5, 1.5))
    assert box.span(np.array([1.0, 1.0, 1.0]), np.array([0.0, 0.0, -1.0])) == pytest.approx((0.0, 1.0))
    assert box.span(np.array([-1.0, 3.0, 1.0]), np.array([1.0, 0.0, 0.0])) is None
    assert box.span(np.array([3.0, 1.0, 1.0]), np.array([1.0, 0.0, 0.0])) is None
    np.testing.assert_allclose(box.grown(2.0).low, [-1.0, -1.0, 0.0])


def test_eyes_see_the_focus_at_one_place_of_the_picture(made_up):
    view = camera_viewpoint(made_up, 1.5)
    left, right = eyes_of(view, 4.0, 0.3)
    assert np.linalg.norm(right.view.eye - left.view.eye) == pytest.approx(0.3)
    focus, far = view.eye + 4.0 * view.forward, view.eye + 40.0 * view.forward
    # Px from the shifted frame's middle, in a picture 2 px high.
    places = [[e.view.project(p, (3, 2))[0] - 1.0 - e.shift for e in (left, right)] for p in (focus, far)]
    assert places[0] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert places[1][0] < -0.01 < 0.01 < places[1][1]


def test_red_is_the_left_eye():
    left, right = np.full((1, 1, 3), 200, np.uint8), np.full((1, 1, 3), 90, np.uint8)
    np.testing.assert_array_equal(red_cyan(left, right), [[[200, 90, 90]]])


def test_eye_bases_and_their_scale():
    assert "true size" in told_scale(0.065)
    assert "1 : 6.5" in told_scale(0.4244)
    assert "two cameras" in told_scale(0.4244)
    assert "2 : 1" in told_scale(0.0325)
    assert next_base(0.065, 1) == 0.13
    assert next_base(EYE_BASES_M[-1], 1) == EYE_BASES_M[-1]


def test_keys_have_names():
    assert [key_name("W", True), key_name("w", False), key_name("KP_Enter", False), key_name("KP_Add", False)] == [
        "shift-w", "w", "return", "plus"]  # fmt: skip
    assert key_name("equal", False) == "plus"
    assert [shown_key("shift-w"), shown_key("return"), shown_key("f1")] == ["Shift+W", "Enter", "F1"]


def test_commands_menus_and_help():
    done: list[str] = []
    commands = Commands(
        [Command("a", "letters", "say a", lambda: done.append("a"))],
        [
            Menu("m", "more", (
                Choice("a", lambda: "say b", lambda: done.append("b")),
                Choice("t", lambda: "toggle", lambda: done.append("t"), stays=True),
            ))
        ],
    )  # fmt: skip
    assert commands.press("a")
    assert not commands.press("z")
    assert commands.press("m")
    assert commands.open is not None
    assert any("say b" in line for line in commands.open.lines())
    commands.press("t")
    assert commands.open is not None
    commands.press("a")
    assert commands.open is None
    assert done == ["a", "t", "b"]
    commands.press("m")
    commands.press("escape")
    assert commands.open is None
    text = "\n".join(commands.help([("mouse", "click", "pick")]))
    assert all(word in text for word in ("mouse", "click", "pick", "say a", "more"))
    assert all(word in "\n".join(commands.help([], 2)) for word in ("more", "say b", "toggle"))


def test_a_key_that_stands_twice_is_refused():
    one = Command("a", "x", "y", lambda: None)
    with pytest.raises(ValueError, match="stand twice: a"):
        Commands([one, one], [])


def test_a_prompt_takes_letters():
    prompt, got = Prompt(), []
    prompt.ask("name", got.append)
    for key, letter in (("r", "r"), ("o", "o"), ("x", "x"), ("backspace", "\x08"), ("space", " "), ("1", "1")):
        prompt.press(key, letter)
    assert prompt.lines()[1] == "> ro 1_"
    prompt.press("return", "\r")
    assert got == ["ro 1"]
    assert not prompt.asking
    prompt.ask("name", got.append)
    prompt.press("escape", "\x1b")
    assert (got, prompt.asking, prompt.lines()) == (["ro 1"], False, [])


def test_files_take_the_next_free_number(tmp_path):
    (tmp_path / "a-001.csv").touch()
    path = free_path(tmp_path, "a", (".png", ".csv"))
    assert path.name == "a-002.png"
    write_whole(path, lambda file: file.write_text("x"))
    assert path.read_text() == "x"
    assert free_path(tmp_path, "a", (".png", ".csv")).name == "a-003.png"

    def broken(file):
        file.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OutputError, match="a-003"):
        write_whole(tmp_path / "a-003.png", broken)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a-001.csv", "a-002.png"]
