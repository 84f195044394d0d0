"""Two stops of one simulated drive become one ground about the first."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from stereo3d.errors import FrameMismatchError
from stereo3d.export.products import about_result, plain_values, result_cloud
from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.pipeline import reconstruct_stops
from stereo3d.pipeline.drives import check_stops
from stereo3d.pipeline.surroundings import surroundings
from stereo3d.scene import Scene
from stereo3d.view.viewpoint import viewpoint


def moved(scene, **changes):
    """The scene as of another stop."""
    frames = []
    for o in scene.observations:
        rover = Frame.rover(changes.get("site", o.site), changes.get("drive", o.drive))
        pose = changes.get("site_from_rover", o.site_from_rover)
        if pose is not None:
            pose = RigidTransform(Frame.site(rover.number[0]), rover, pose.rotation, pose.translation)
        frames.append(replace(o, **(changes | {"site_from_rover": pose}), camera=replace(o.camera, frame=rover)))
    return replace(scene, observations=tuple(frames))


def test_the_second_stop_stands_nearer_to_where_it_is_than_telemetry_says(drive_stops, drive_result):
    told = drive_stops[1].observations[0].site_from_rover
    true, first = drive_stops[1].true_pose, drive_stops[0].true_pose
    off = ENU_FROM_NED @ (told.translation - true.translation)
    placed = drive_result.placement.moved[1].translation - ENU_FROM_NED @ (true.translation - first.translation)
    sigma = drive_result.placement.sigma_m(1)
    assert drive_result.placement.aligned == (False, True)
    assert np.linalg.norm(placed) < 0.6 * np.linalg.norm(off)
    assert (np.abs(placed) < 3.0 * sigma).all()
    (fit,) = drive_result.placement.overlaps
    assert fit.after_mm < 0.5 * fit.before_mm


def test_one_ground_in_the_frame_of_the_first(drive_result):
    mesh = drive_result.terrain.mesh
    assert mesh.frame == drive_result.stops[0].terrain.mesh.frame
    assert len(np.unique(drive_result.joined.stop)) == 2
    for k, stop in enumerate(drive_result.stops):
        move = drive_result.placement.moved[k]
        own = move.apply(stop.terrain.mesh.vertices)
        away = np.linalg.norm(own - move.apply(stop.eye_enu), axis=1)
        # Near its own rover a stop is left alone, near the other's it gives way.
        best = drive_result.seen_best(own, k)
        assert best[away < 3.3].mean() > 0.85
        assert best[away < 3.3].mean() > best[(away > 5.0) & (away < 6.5)].mean() + 0.1
        assert (drive_result.joined.stop == k).sum() > 0.2 * len(own)


def test_each_vertex_knows_its_eye(drive_result):
    eyes = drive_result.vertex_eyes
    first = drive_result.joined.stop == 0
    assert (eyes[first] == drive_result.eye_enu).all()
    assert (np.linalg.norm(eyes[~first] - drive_result.eye_enu, axis=1) > 5.0).all()


def test_sigma_of_the_second_holds_that_of_its_placement(drive_result):
    at = drive_result.joined.stop == 1
    mesh = drive_result.terrain.mesh
    more = drive_result.placement_sigma(mesh.vertices[at], 1)
    assert more.min() > 0.01
    assert (mesh.sigma_m[at] >= more * 0.999).all()
    assert drive_result.placement_sigma(mesh.vertices[:5], 0).tolist() == [0.0] * 5


def test_frames_of_all_stops_look_at_the_ground_that_they_show(drive_result):
    """A place that the second stop measured projects into its frame where it was measured."""
    measured = drive_result.pairs[-1]
    assert measured.pair.left.product_id == drive_result.stops[1].pairs[-1].pair.left.product_id
    rows, columns = np.nonzero(measured.xyz.measured)
    some = slice(None, None, 997)
    pixels = measured.pair.left.camera.project(measured.xyz.xyz[rows[some], columns[some]])
    assert np.abs(pixels - np.column_stack([columns[some], rows[some]])).max() < 0.05
    assert {o.frame for o in drive_result.observations} == {drive_result.stops[0].observations[0].frame}
    assert [o.product_id for o in drive_result.observations] == [
        o.product_id for s in drive_result.stops for o in s.observations
    ]


def test_the_cloud_has_each_place_once_with_its_sigma(drive_result):
    cloud = result_cloud(drive_result)
    alone = [len(result_cloud(s).xyz) for s in drive_result.stops]
    assert max(alone) < len(cloud.xyz) < sum(alone)
    assert cloud.frame == drive_result.terrain.mesh.frame
    assert np.isfinite(cloud.sigma_m).all()


def test_report_and_views_take_it(drive_result):
    text = json.dumps(plain_values(drive_result.report_values), allow_nan=False)
    first, second = json.loads(text)["stops"]
    assert first["sigma_m"] == [0.0, 0.0, 0.0]
    assert second["drive"] == 120
    assert np.allclose(np.subtract(second["position_m"], second["told_m"]), second["shift_m"], atol=1e-3)
    about = about_result(drive_result)
    assert about["place"].startswith("2 stops of site 1, drives 20, 120")
    assert "origin at the rover of the first stop" in about["frame"]
    for name in ("camera", "oblique", "top"):
        assert np.isfinite(viewpoint(drive_result, name, 1.6).eye).all()


def test_the_panorama_is_that_of_the_first_stop_alone(drive_result):
    found = surroundings(drive_result, 300)
    columns = np.flatnonzero(found.seen.any(axis=0))
    # One frame that looks down towards 70 degrees; the other stop's looks back.
    assert 90.0 < np.ptp(columns) * found.deg_per_px < 150.0
    middle = found.azimuth_left_deg + columns.mean() * found.deg_per_px
    assert abs((middle - 70.0 + 180.0) % 360.0 - 180.0) < 8.0


def test_what_cannot_be_placed_is_refused(drive_stops):
    one, other = (Scene(f"stop-{k}", stop.observations) for k, stop in enumerate(drive_stops))
    cases = (
        ((one, moved(other, site=2)), "several sites: stop-0: site 1, stop-1: site 2"),
        ((one, moved(other, mission="MSL")), "2 missions"),
        ((one, moved(other, drive=20)), "two of the stops are one"),
        ((one, moved(other, site_from_rover=None)), "stop-1: its records do not tell"),
    )
    for scenes, message in cases:
        with pytest.raises(FrameMismatchError, match=message):
            check_stops(scenes)
    with pytest.raises(FrameMismatchError, match="several sites"):
        reconstruct_stops((one, moved(other, site=2)))
