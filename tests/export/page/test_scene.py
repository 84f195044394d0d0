"""The manifest and the pictures of a page: what the viewer relies on."""

from __future__ import annotations

import base64
import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image as Pil

from stereo3d.camera import CAHVOR, CAHVORE
from stereo3d.export.page.pictures import REASONS, camera_record, reason_words, reasons_png, shrunk
from stereo3d.export.page.scene import frame_side
from stereo3d.frames import Frame
from stereo3d.pipeline.surroundings import surroundings
from stereo3d.stereo.disparity import REASON_TEXT, Reason


def opened(page, name):
    return np.asarray(Pil.open(io.BytesIO(page.parts[name])))


def test_it_is_plain_json_with_all_its_parts(page):
    read = json.loads(page.scene_json)
    assert read == page.manifest
    named = {read["mesh"]["part"], read["texture"]["part"], read["panorama"]["part"]}
    for frame in read["frames"]:
        named.add(frame["part"])
        if "reason" in frame:
            named.add(frame["reason"]["part"])
    assert named == set(page.parts)
    assert read["format"] == 1
    assert read["simulated"] is True
    assert read["credit"] == "simulated by stereo3d: a made-up world, not Mars"
    assert read["notes"] == ["<b>made up</b>"]


def test_places_are_in_enu_and_come_back_to_the_site(page, made_up):
    left = made_up.pair.left
    assert np.allclose(page.manifest["eye"], made_up.enu_from_rover.apply(left.camera.C), atol=1e-12)
    to_site = page.manifest["site_from_enu"]
    eye_site = np.array(to_site["rotation"]) @ page.manifest["eye"] + to_site["translation"]
    assert np.allclose(eye_site, left.site_from_rover.apply(left.camera.C), atol=1e-9)
    to_rover = page.manifest["rover_from_enu"]
    eye_rover = np.array(to_rover["rotation"]) @ page.manifest["eye"] + to_rover["translation"]
    assert np.allclose(eye_rover, left.camera.C, atol=1e-9)


def test_frames_show_their_pictures_and_cameras(page, made_up):
    frames = page.manifest["frames"]
    assert [f["id"] for f in frames] == [o.product_id for o in made_up.observations]
    assert [f["eye"] for f in frames] == ["left", "right"]
    assert [f["pair"] for f in frames] == [0, 0]
    for frame, observation in zip(frames, made_up.observations, strict=True):
        shown = opened(page, frame["part"]).astype(int)
        assert shown.shape[:2] == (frame["picture_height"], frame["picture_width"]) == (240, 320)
        assert np.abs(shown - observation.image.rgb8).mean() < 4.0
        camera, record = observation.camera.moved(made_up.enu_from_rover), frame["camera"]
        assert record["model"] == "CAHV"
        assert set(record) == {"model", "C", "A", "H", "V"}
        place = np.array([4.0, 5.0, 0.3])
        d = place - record["C"]
        pixel = [d @ record["H"] / (d @ record["A"]), d @ record["V"] / (d @ record["A"])]
        assert np.allclose(pixel, camera.project(place), atol=1e-9)


def test_a_camera_of_each_model_is_written_whole():
    vectors = {name: np.eye(3)[k % 3] + 0.01 * k for k, name in enumerate("CAHVO")}
    frame = Frame.enu(1, 2)
    o = vectors.pop("O")
    o = o / np.linalg.norm(o)
    cahvor = CAHVOR(frame, 64, 48, **vectors, O=o, R=np.array([1e-6, 0.01, 0.02]))
    record = camera_record(cahvor)
    assert [k for k in record if k != "model"] == list("CAHVOR")
    assert record["R"] == [1e-6, 0.01, 0.02]
    cahvore = CAHVORE(frame, 64, 48, **vectors, O=o, R=np.zeros(3), E=np.full(3, 0.001), pupil_type=3, linearity=0.4)
    record = camera_record(cahvore)
    assert (record["model"], record["E"]) == ("CAHVORE", [0.001] * 3)
    assert (record["pupil_type"], record["linearity"]) == (3, 0.4)


def test_reasons_tell_the_cause_before_the_symptom(page, made_up):
    frame = page.manifest["frames"][0]
    words = page.manifest["reasons"]
    assert words == ["measured", *(REASON_TEXT[r] for r in REASONS)] == reason_words()
    index = opened(page, frame["reason"]["part"])
    assert frame["reason"]["scale"] == 1
    assert index.shape == (240, 320)
    assert np.array_equal(index == 0, made_up.xyz.reason == 0)
    assert "reason" not in page.manifest["frames"][1]
    both = np.full((6, 6), Reason.SKY | Reason.NO_MATCH, dtype=np.uint16)
    both[:, 3:] = Reason.NOT_CONVERGED
    small = np.asarray(Pil.open(io.BytesIO(reasons_png(both, 3))))
    assert [[words[k] for k in row] for row in small.tolist()] == [["sky", REASON_TEXT[Reason.NOT_CONVERGED]]] * 2


def test_layers_and_palettes(page, made_up):
    layers, palettes = page.manifest["layers"], page.manifest["palettes"]
    assert list(layers) == ["elevation", "slope", "range", "sigma", "seen"]
    for layer in layers.values():
        assert layer["limits"][0] < layer["limits"][1]
        assert len(base64.b64decode(palettes[layer["palette"]])) == 256 * 3
        assert not layer["logarithmic"] or layer["limits"][0] > 0
    viridis = np.frombuffer(base64.b64decode(palettes["viridis"]), np.uint8).reshape(256, 3)
    assert (
        viridis[0].tolist() == cv2.applyColorMap(np.zeros((1, 1), np.uint8), cv2.COLORMAP_VIRIDIS)[0, 0, ::-1].tolist()
    )
    reach = np.linalg.norm(made_up.terrain.mesh.vertices - made_up.eye_enu, axis=1)
    assert layers["range"]["limits"] == pytest.approx(np.percentile(reach, [2, 98]), rel=1e-3)


def test_texture_is_the_photograph(page, made_up):
    shown = opened(page, "texture.webp")
    assert shown.shape == (page.manifest["texture"]["height"], page.manifest["texture"]["width"], 3)
    assert np.abs(shown.astype(int) - made_up.terrain.image).mean() < 3.0
    assert 1.0 <= page.manifest["texture"]["brightness"] <= 2.0


def test_the_panorama_shows_ground_where_it_lies(page, made_up):
    """A measured place looks in the panorama as in the frame that it was measured in."""
    told = page.manifest["panorama"]
    shown = opened(page, "panorama.webp")
    assert shown.shape == (told["height"], told["width"], 4)
    rng = np.random.default_rng(5)
    on = np.argwhere(made_up.xyz.measured[20:-20, 20:-20]) + 20
    picked = on[rng.integers(0, len(on), 400)]
    enu = made_up.enu_from_rover.apply(made_up.xyz.xyz[picked[:, 0], picked[:, 1]])
    east, north, up = (enu - made_up.eye_enu).T
    azimuth = np.degrees(np.arctan2(east, north))
    x = ((azimuth - told["azimuth_left_deg"]) % 360.0) / told["deg_per_px"] - 0.5
    y = (told["elevation_top_deg"] - np.degrees(np.arctan2(up, np.hypot(east, north)))) / told["deg_per_px"] - 0.5
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    inside = (column >= 0) & (column < told["width"]) & (row >= 0) & (row < told["height"])
    assert inside.mean() > 0.95
    there, frame = shown[row[inside], column[inside]], made_up.pair.left.image.rgb8
    assert (there[:, 3] == 255).mean() > 0.95
    wanted = cv2.blur(frame, (3, 3))[picked[inside][:, 0], picked[inside][:, 1]].astype(float)
    grey, expected = there[:, :3].mean(axis=1), wanted.mean(axis=1)
    assert np.corrcoef(grey, expected)[0, 1] > 0.9
    assert shown[..., 3].min() == 0
    # Displayed, it is as bright as the ground on which it lies.
    ground = made_up.terrain.image[picked[inside][:, 0], picked[inside][:, 1]] * page.manifest["texture"]["brightness"]
    ratio = (grey * told["brightness"]) / ground.mean(axis=1)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.05)


def test_a_panorama_is_kept_to_its_width(made_up):
    whole = surroundings(made_up)
    small = surroundings(made_up, whole.pixels.shape[1] // 2)
    assert small.pixels.shape[1] == whole.pixels.shape[1] // 2
    assert small.deg_per_px == pytest.approx(2.0 * whole.deg_per_px, rel=0.02)
    assert small.elevation_top_deg == pytest.approx(whole.elevation_top_deg, abs=0.2)
    assert small.azimuth_left_deg == pytest.approx(whole.azimuth_left_deg)


def test_pictures_shrink_by_their_longer_side():
    picture = np.zeros((100, 300, 3), dtype=np.uint8)
    assert shrunk(picture, 300) is picture
    assert shrunk(picture, 150).shape == (50, 150, 3)


def test_frames_of_large_sets_are_smaller():
    assert frame_side(2) == frame_side(24) == 1280
    assert frame_side(96) == 640
    assert frame_side(10_000) == 320
