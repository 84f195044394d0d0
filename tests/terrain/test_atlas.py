"""The texture of many frames on a world whose colours are known: painted ground, blue rocks, a magenta rover."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from stereo3d.camera import CameraModel, inside, pixel_grid
from stereo3d.errors import FrameMismatchError, StereoError
from stereo3d.frames import ENU_FROM_NED, Frame, RigidTransform
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation
from stereo3d.simulate.navcam import ATTITUDE, DRIVE, SITE, navcam_pair
from stereo3d.simulate.surface import GROUND, AnalyticSurface
from stereo3d.stereo.rover import rover_volume
from stereo3d.terrain import atlas_layout
from stereo3d.terrain.atlas import Atlas, texture_ground
from stereo3d.terrain.mesh import FaceKind, TerrainMesh

POSE = RigidTransform.from_quaternion(Frame.site(SITE), Frame.rover(SITE, DRIVE), ATTITUDE, (3.0, -4.0, 0.5))
LEVEL = RigidTransform(Frame.local_level(SITE, DRIVE), Frame.rover(SITE, DRIVE), POSE.rotation)
BLUE, MAGENTA = (50.0, 70.0, 190.0), (230.0, 20.0, 230.0)
# North, east, down and radius, m.
ROCKS = np.array([[-3.2, 2.6, -0.25, 0.5], [4.4, -1.0, -0.3, 0.6], [2.0, 5.5, -0.2, 0.7], [-5.0, -4.0, -0.2, 0.8]])
AZIMUTHS = (8.0, 68.0, 128.0, 188.0, 248.0, 308.0)


@dataclass(frozen=True)
class Painted:
    """The world, in LOCAL_LEVEL."""

    surface: AnalyticSurface

    def colour(self, points: np.ndarray, body: np.ndarray) -> np.ndarray:
        """(n, 3) true colour of places (n, 3) on bodies (n,)."""
        out = np.empty((len(points), 3))
        north, east = points[:, 0], points[:, 1]
        wave = np.sin(2.1 * north) * np.cos(1.7 * east) + 0.5 * np.sin(0.6 * north - 0.9 * east)
        out[:] = np.array([150.0, 125.0, 80.0]) + wave[:, None] * np.array([35.0, 30.0, 20.0])
        out[body != GROUND] = np.array(BLUE) + 12.0 * np.sin(9.0 * points[body != GROUND, 2:])
        return out

    def taken(self, name: str, eye: Eye, camera: CameraModel, gain: float, offset: float) -> Observation:
        """A frame with a stretch of its own, the eye's fall-off, and the rover in it."""
        moved, volume = camera.moved(LEVEL), rover_volume("simulated")
        assert volume is not None
        grid = pixel_grid(camera.width, camera.height)
        total = np.zeros((camera.height * camera.width, 3))
        for shift in ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)):
            origins, rays = moved.ray((grid + shift).reshape(-1, 2))
            hits = self.surface.intersect(origins, rays)
            far = ~(hits.distance_m < 300.0)
            place = origins + rays * np.where(far, 0.0, hits.distance_m)[:, None]
            seen = self.colour(place, hits.body)
            seen[far] = 215.0
            total += seen / 4.0
        total[volume.grown(-0.05).hit(*camera.ray(grid.reshape(-1, 2)))] = MAGENTA
        centred = grid.reshape(-1, 2) / np.array([camera.width, camera.height]) - 0.5
        fall = 1.0 - 0.3 * (centred**2).sum(axis=1, keepdims=True)
        noise = np.random.default_rng([3, *name.encode()]).normal(0.0, 0.4, total.shape)
        pixels = np.clip(np.rint(gain * fall * total + offset + noise), 0, 255).astype(np.uint8)
        pixels = pixels.reshape(camera.height, camera.width, 3)
        valid = np.ones(pixels.shape[:2], dtype=bool)
        return Observation(name, "simulated", f"NAVCAM_{eye.name}", eye, Image(pixels, valid), camera, 0, SITE, DRIVE,
                           100.0, POSE)  # fmt: skip

    def seen_by(self, o: Observation, points: np.ndarray) -> np.ndarray:
        """(n,) which places (n, 3) a frame shows well: nothing before them, not at its edge, no rover."""
        volume = rover_volume("simulated")
        assert volume is not None
        camera = o.camera.moved(LEVEL)
        at = camera.project(points)
        out = inside(camera, at, 8.0)
        origins, rays = o.camera.ray(at[out])
        out[out] = ~volume.grown(0.15).hit(origins, rays)
        away = points[out] - camera.C
        distance = np.linalg.norm(away, axis=1)
        eye = np.broadcast_to(camera.C, away.shape)
        out[out] = ~self.surface.blocked(eye, away / distance[:, None], distance - 0.03)
        return out


def _grid_faces(rows: int, columns: int) -> np.ndarray:
    n = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = n[:-1], np.roll(n, -1, 1)[:-1], n[1:], np.roll(n, -1, 1)[1:]
    return np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])


def _mesh() -> TerrainMesh:
    """Ground from 1 to 14 m, which goes on beneath the rocks, and the rocks."""
    turn = np.linspace(0.0, 2 * np.pi, 180, endpoint=False)
    radius = np.geomspace(1.0, 14.0, 70)[:, None]
    ground = np.stack([radius * np.cos(turn), radius * np.sin(turn), 0.0 * radius * turn], -1).reshape(-1, 3)
    vertices, faces = [ground], [_grid_faces(70, 180)[:, ::-1]]
    count = len(ground)
    tilt = np.linspace(0.02, 0.65 * np.pi, 30)[:, None]
    turn = np.linspace(0.0, 2 * np.pi, 60, endpoint=False)
    ball = np.stack([np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), -np.cos(tilt) + 0.0 * turn], -1)
    for *centre, size in ROCKS:
        vertices.append(ball.reshape(-1, 3) * size + np.array(centre))
        faces.append(_grid_faces(30, 60)[:, ::-1] + count)
        count += ball[..., 0].size
    v, f = np.concatenate(vertices) @ ENU_FROM_NED.T, np.concatenate(faces).astype(np.int32)
    kind = np.full(len(f), FaceKind.MEASURED, dtype=np.uint8)
    kind[::7] = FaceKind.FILLED
    nan, up = np.full((len(v), 2), np.nan), np.broadcast_to([0.0, 0.0, 1.0], v.shape)
    return TerrainMesh(Frame.enu(SITE, DRIVE), v, f, up, nan, np.zeros(len(v)), kind)


@pytest.fixture(scope="module")
def world() -> Painted:
    return Painted(AnalyticSurface(spheres=ROCKS))


@pytest.fixture(scope="module")
def frames(world: Painted) -> list[Observation]:
    out = []
    for number, azimuth in enumerate(AZIMUTHS):
        for eye, camera in zip((Eye.LEFT, Eye.RIGHT), navcam_pair(16, azimuth), strict=True):
            gain = 1.0 - 0.09 * ((number + (eye is Eye.RIGHT)) % 3)
            out.append(world.taken(f"{eye.name}_{number}", eye, camera, gain, 4.0 * (number % 2)))
    return out


@pytest.fixture(scope="module")
def mesh() -> TerrainMesh:
    return _mesh()


@pytest.fixture(scope="module")
def atlas(mesh: TerrainMesh, frames: list[Observation]) -> Atlas:
    return texture_ground(mesh, frames)


@pytest.fixture(scope="module")
def middle(mesh: TerrainMesh) -> np.ndarray:
    """(faces, 3) in LOCAL_LEVEL."""
    return np.asarray(mesh.vertices[mesh.faces].mean(axis=1) @ ENU_FROM_NED)


@pytest.fixture(scope="module")
def shown(world: Painted, middle: np.ndarray, frames: list[Observation]) -> np.ndarray:
    """(faces, frames): which faces' middles each frame shows."""
    return np.stack([world.seen_by(o, middle) for o in frames], axis=1)


@pytest.fixture(scope="module")
def on_rock(middle: np.ndarray, frames: list[Observation]) -> np.ndarray:
    """(faces,): faces of the rocks' sides that look at the mast; at their rims pixels hold ground too."""
    out = np.zeros(len(middle), dtype=bool)
    to_mast = LEVEL.apply(np.mean([o.camera.C for o in frames], axis=0)) - middle
    for centre in ROCKS:
        up = middle - centre[:3]
        cosine = np.einsum("ij,ij->i", up, to_mast) / np.linalg.norm(to_mast, axis=1) / centre[3]
        out |= (np.linalg.norm(up, axis=1) < 1.01 * centre[3]) & (middle[:, 2] < -0.1) & (cosine > 0.5)
    return out


def colours(atlas: Atlas) -> np.ndarray:
    """(faces, 3): the texture at the middle of each face, bilinear."""
    image, uv = atlas.terrain.image, atlas.terrain.uv[atlas.terrain.mesh.faces].mean(axis=1)
    x, y = uv[:, 0] * image.shape[1] - 0.5, (1.0 - uv[:, 1]) * image.shape[0] - 0.5
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    s, t = (x - x0)[:, None], (y - y0)[:, None]
    rows, columns = np.clip([y0, y0 + 1], 0, image.shape[0] - 1), np.clip([x0, x0 + 1], 0, image.shape[1] - 1)
    above = image[rows[0], columns[0]] * (1 - s) + image[rows[0], columns[1]] * s
    below = image[rows[1], columns[0]] * (1 - s) + image[rows[1], columns[1]] * s
    return above * (1 - t) + below * t


def on_ground(mesh: TerrainMesh) -> np.ndarray:
    return np.asarray(np.abs(mesh.vertices[mesh.faces][..., 2]).max(axis=1) < 1e-9)


def blue(rgb: np.ndarray) -> np.ndarray:
    return np.asarray(rgb[:, 2] - rgb[:, 0])


def test_what_frames_show_has_its_true_colour(world, mesh, middle, on_rock, atlas, shown) -> None:
    ground = on_ground(mesh)
    sure = shown[:, ::2].any(axis=1) & (ground | on_rock)
    true = world.colour(middle, np.where(ground, GROUND, 0))[sure]
    found = colours(atlas)[sure]
    for c in range(3):
        # The scale of the whole is free.
        scale, offset = np.polyfit(found[:, c], true[:, c], 1)
        miss = np.abs(found[:, c] * scale + offset - true[:, c])
        assert np.median(miss) < 1.5
        assert np.percentile(miss, 95) < 6.0
        assert 0.8 < scale < 1.3
    assert sure.sum() > 0.3 * len(sure)
    assert (sure & on_rock).sum() > 1000


def test_no_step_at_the_seams(atlas) -> None:
    assert atlas.seam_step_before > 0.04
    assert atlas.seam_step_after < 0.01


def test_what_stands_behind_a_rock_is_not_painted_with_it(mesh, middle, on_rock, atlas, shown) -> None:
    hidden = on_ground(mesh) & ~shown.any(axis=1)
    close = np.zeros(len(middle), dtype=bool)
    for north, east, down, size in ROCKS:
        from_rock = np.hypot(middle[:, 0] - north, middle[:, 1] - east)
        close |= (from_rock < 3.0 * size) & (from_rock > np.hypot(size, down))
    assert (hidden & close).sum() > 200
    assert (blue(colours(atlas)[hidden & close]) > 0.0).mean() < 0.02
    assert (blue(colours(atlas)[on_rock & shown[:, ::2].any(axis=1)]) > 60.0).mean() > 0.99


def test_the_rover_is_on_no_face(mesh, atlas) -> None:
    rgb = colours(atlas)
    assert (np.minimum(rgb[:, 0], rgb[:, 2]) - rgb[:, 1]).max() < 40.0


def test_the_surface_is_the_same_cut_open(mesh, atlas) -> None:
    out = atlas.terrain.mesh
    assert np.array_equal(out.vertices[out.faces], mesh.vertices[mesh.faces])
    assert np.array_equal(out.kind, mesh.kind)
    assert len(out.vertices) > len(mesh.vertices)
    uv = atlas.terrain.uv
    assert uv.min() >= 0.0
    assert uv.max() <= 1.0
    # No face reaches over the whole picture where the circle is cut.
    assert np.ptp(uv[out.faces][..., 0], axis=1).max() < 0.1


def test_texels_are_as_fine_as_pixels(mesh, atlas, frames, shown) -> None:
    camera = frames[0].camera.moved(RigidTransform(mesh.frame, LEVEL.to, ENU_FROM_NED) @ LEVEL)
    faces = np.flatnonzero(shown[:, 0])
    pixels = camera.project(mesh.vertices[mesh.faces[faces]])
    texels = atlas.terrain.uv[atlas.terrain.mesh.faces[faces]] * np.array(atlas.terrain.image.shape[1::-1])

    def width(corners: np.ndarray) -> np.ndarray:
        return np.asarray(np.ptp(corners[..., 0], axis=1))

    wide = width(pixels) > 2.0
    assert np.median(width(texels)[wide] / width(pixels)[wide]) > 0.9


def test_one_eye_gives_the_colour_where_it_can(mesh, atlas, frames) -> None:
    rows, columns = atlas.label.shape
    at = atlas.terrain.uv * np.array([columns, -rows]) + np.array([-0.5, rows - 0.5])
    label = atlas.label[np.rint(at[:, 1]).astype(int), np.rint(at[:, 0]).astype(int)]
    right = np.array([o.eye is Eye.RIGHT for o in frames])[label[label >= 0]]
    assert 0.0 < right.mean() < 0.1


def test_the_eye_in_colour_gives_it(mesh, frames) -> None:
    some = [
        replace(o, image=Image(o.image.pixels[..., 1], o.image.valid)) if o.eye is Eye.LEFT else o for o in frames[:4]
    ]
    made = texture_ground(mesh, some)
    right = np.array([o.eye is Eye.RIGHT for o in some])
    seen = made.label[made.label >= 0]
    assert right[seen].mean() > 0.9


def test_a_pair_in_grey_of_sixteen_bits(mesh, frames) -> None:
    some = [replace(o, image=Image(o.image.pixels[..., 1].astype(np.uint16) * 9, o.image.valid)) for o in frames[:2]]
    made = texture_ground(mesh, some)
    image = made.terrain.image
    assert np.array_equal(image[..., 0], image[..., 2])
    assert image.std() > 20.0
    assert made.unseen_share > 0.3


def test_masked_pixels_are_not_used(mesh, frames) -> None:
    all_of_it = {o.product_id: np.ones(o.image.valid.shape, dtype=bool) for o in frames[:4:2]}
    made = texture_ground(mesh, frames[:4], masked=all_of_it)
    assert set(np.unique(made.label)) == {-1, 1, 3}


def test_where_stereo_told_the_rover_its_envelope_hides_no_ground(mesh, frames) -> None:
    nothing = {o.product_id: np.zeros(o.image.valid.shape, dtype=bool) for o in frames}
    told, envelope = texture_ground(mesh, frames, masked=nothing), texture_ground(mesh, frames)
    assert told.unseen_share < 0.7 * envelope.unseen_share


def test_an_image_is_no_larger_than_graphics_cards_take(mesh, frames, monkeypatch) -> None:
    monkeypatch.setattr(atlas_layout, "MAX_SIDE", 700)
    made = texture_ground(mesh, frames)
    assert 500 < made.terrain.image.shape[1] <= 700
    assert made.terrain.image.shape[0] <= 700


def test_errors(mesh, frames) -> None:
    with pytest.raises(FrameMismatchError, match="LEFT_0"):
        texture_ground(replace(mesh, frame=Frame.enu(SITE, DRIVE + 1)), frames)
    with pytest.raises(StereoError, match="at least one frame"):
        texture_ground(mesh, [])
    dark = [replace(o, image=Image(o.image.pixels, np.zeros(o.image.valid.shape, dtype=bool))) for o in frames[:2]]
    with pytest.raises(StereoError, match="no frame shows"):
        texture_ground(mesh, dark)
