"""Frames in, one picture out: registered, level, with honest gaps, and with a clear line where it cannot be."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from stereo3d.errors import PanoramaError
from stereo3d.image import Image
from stereo3d.observation import Eye
from stereo3d.panorama.plan import CanvasWish
from stereo3d.pipeline.panorama import Panorama, PanoramaSettings, make_panorama
from stereo3d.scene import Scene


def shifts_px(panorama: Panorama, world, projection=None, channel: int = 0, size: int = 48) -> np.ndarray:
    """(n,) lengths of the shifts between windows of the picture and of what the canvas's rays truly show."""
    p = projection or panorama.projection
    picture = panorama.pixels if panorama.pixels.ndim == 2 else panorama.pixels[..., channel]
    truth = world.shown(*p.rays(np.stack(np.meshgrid(np.arange(p.width), np.arange(p.height)), axis=-1)))
    window = cv2.createHanningWindow((size, size), cv2.CV_64F)
    out = []
    for top in range(0, p.height - size, size // 2):
        for left in range(0, p.width - size, size // 2):
            part = slice(top, top + size), slice(left, left + size)
            if panorama.seen[part].all() and truth[part].std() > 6.0:
                a, b = (v[part].astype(np.float64) for v in (picture, truth))
                out.append(np.hypot(*cv2.phaseCorrelate(a - a.mean(), b - b.mean(), window)[0]))
    return np.array(out)


@pytest.fixture(scope="module")
def with_stereo(painted_pairs: Scene) -> Panorama:
    return make_panorama(painted_pairs, PanoramaSettings(refine=False))


def test_with_stereo_every_place_is_where_the_rays_see_it(with_stereo, painted_pairs, painted_world) -> None:
    assert with_stereo.report["ground"] == "measured"
    found = shifts_px(with_stereo, painted_world)
    assert len(found) > 40
    assert np.percentile(found, 80) < 0.5
    # The plane of the wheels is not where the ground is: without stereo near things stand up to pixels away.
    flat = make_panorama(painted_pairs, PanoramaSettings(refine=False, stereo=False))
    assert flat.report["ground"] == "plane of the wheels"
    assert np.percentile(shifts_px(flat, painted_world), 80) > 1.5 * np.percentile(found, 80)


def test_an_anaglyph_holds_both_eyes_with_their_own_rays(painted_pairs: Scene, painted_world) -> None:
    made = make_panorama(painted_pairs, PanoramaSettings(eye="anaglyph", refine=False))
    assert made.pixels.shape[2] == 3
    np.testing.assert_array_equal(made.pixels[..., 1], made.pixels[..., 2])
    assert made.right_projection is not None
    baseline = made.right_projection.path.at(0.0) - made.projection.path.at(0.0)
    assert baseline == pytest.approx([0.0, 0.424, 0.03], abs=0.01)
    left = shifts_px(made, painted_world, made.projection, 0)
    right = shifts_px(made, painted_world, made.right_projection, 1)
    crossed = shifts_px(made, painted_world, made.projection, 1)
    assert np.percentile(left, 75) < 0.5
    assert np.percentile(right, 75) < 0.5
    assert np.percentile(crossed, 75) > 3.0
    assert set(made.report["seam_step"]) == {"left", "right"}


def test_a_full_circle_has_no_seam_where_it_was_cut(painted_ring: Scene, painted_world) -> None:
    made = make_panorama(painted_ring, PanoramaSettings(CanvasWish(width=1000), refine=False, stereo=False))
    assert made.projection.full_circle
    assert made.projection.start_azimuth_deg == 0.0
    assert made.seen[120:160].all()
    steps = np.abs(np.diff(made.pixels[110:170].astype(float), axis=1, append=made.pixels[110:170, :1])).mean(axis=0)
    assert steps[-1] < 2.0 * np.median(steps)
    step = made.report["seam_step"]["left"]
    assert step["after"] < 0.012 < 0.05 < step["before"]
    gains = {f["frame"]: f["gain"][0] for f in made.report["radiometry"]["frames"]}
    assert gains["PAINTED_LEFT_2"] / gains["PAINTED_LEFT_0"] == pytest.approx(1.0 / 0.88, rel=0.02)


def test_a_gap_stays_a_gap_and_the_frames_are_listed(painted_ring: Scene) -> None:
    kept = tuple(o for o in painted_ring.observations if not o.product_id.endswith(("1", "4", "5")))
    made = make_panorama(replace(painted_ring, observations=kept), PanoramaSettings(stereo=False))
    columns = made.seen.any(axis=0)
    assert columns[[12, -12]].all()
    assert not columns.all()
    assert (made.pixels[~made.seen] == 0).all()
    frames = made.report["frames"]
    assert [f["frame"] for f in frames] == [o.product_id for o in kept]
    assert sum(f["share"] for f in frames) == pytest.approx(1.0, abs=1e-3)
    outline = np.concatenate(frames[0]["outlines_px"])
    inside = outline[len(outline) // 2]
    assert made.seen[np.clip(inside[1], 6, made.seen.shape[0] - 7), np.clip(inside[0], 6, made.seen.shape[1] - 7)]
    json.dumps(made.report["frames"])


def test_sixteen_bits_stay_sixteen(painted_ring: Scene) -> None:
    deep = tuple(
        replace(o, image=Image(o.image.pixels.astype(np.uint16) * 16, o.image.valid)) for o in painted_ring.observations
    )
    settings = PanoramaSettings(CanvasWish(width=500), refine=False, stereo=False)
    made, plain = (
        make_panorama(replace(painted_ring, observations=deep), settings),
        make_panorama(painted_ring, settings),
    )
    assert made.pixels.dtype == np.uint16
    assert plain.pixels.dtype == np.uint8
    difference = made.pixels[made.seen].astype(float) / 16.0 - plain.pixels[made.seen]
    assert np.percentile(np.abs(difference), 99) < 3.0


def test_the_picture_has_the_brightness_of_its_frames(painted_ring: Scene) -> None:
    made = make_panorama(painted_ring, PanoramaSettings(CanvasWish(width=500), refine=False, stereo=False))
    frames = np.concatenate([o.image.pixels.ravel() for o in painted_ring.observations])
    low, high = np.percentile(made.pixels[made.seen], [5, 95])
    assert (low, high) == pytest.approx(tuple(np.percentile(frames, [5, 95])), abs=12)


def test_an_eye_that_is_not_there_is_a_clear_line(painted_ring: Scene) -> None:
    for eye in ("right", "anaglyph"):
        with pytest.raises(PanoramaError, match="no frame of the right eye"):
            make_panorama(painted_ring, PanoramaSettings(eye=eye))
    with pytest.raises(PanoramaError, match="no eye 'third'"):
        PanoramaSettings(eye="third")
    alone = tuple(replace(o, eye=Eye.NONE) for o in painted_ring.observations[:2])
    made = make_panorama(replace(painted_ring, observations=alone), PanoramaSettings(CanvasWish(width=200)))
    assert list(made.report["seam_step"]) == ["none"]


def test_a_view_without_a_frame_is_a_clear_line(painted_ring: Scene) -> None:
    two = replace(painted_ring, observations=painted_ring.observations[:2])
    wish = CanvasWish("perspective", azimuth_deg=-70.0, elevation_deg=0.0, fov_deg=20.0, width=100)
    with pytest.raises(PanoramaError, match="no left frame lies in this perspective view"):
        make_panorama(two, PanoramaSettings(wish, refine=False, stereo=False))


def test_progress_goes_from_nothing_to_done(painted_ring: Scene) -> None:
    told: list[tuple[str, float]] = []
    settings = PanoramaSettings(CanvasWish(width=200), refine=False, stereo=False)
    make_panorama(painted_ring, settings, lambda name, share: told.append((name, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], told[-1]) == (0.0, ("done", 1.0))
    assert {"pointing", "planning", "balancing brightness", "mosaicking the left eye"} <= {name for name, _ in told}
