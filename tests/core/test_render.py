"""Rendering on the CPU: hidden surfaces, parallax of known size, clips; objects in the photo."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from core.camera import Intrinsics
from core.files.writers_3d import save_clip
from core.geometry.measure import Measurer
from core.geometry.mesh import Mesh
from core.geometry.open3d_tools import RayCaster
from core.geometry.point_cloud import CloudOptions, cloud_from_depth
from core.geometry.provenance import SceneInfo
from core.geometry.render import anaglyph, camera_move, render, side_by_side, stereo_pair
from core.geometry.virtual_object import place
from tests.core import scenes

SCENE = SceneInfo(scenes.CAMERA, (scenes.WIDTH, scenes.HEIGHT))


def mesh_of(depth: np.ndarray) -> Mesh:
    options = CloudOptions(edge_tolerance=None)
    return cloud_from_depth(depth.astype(np.float32), scenes.picture(), SCENE, options).surface()


def test_the_photos_own_view_is_the_photo() -> None:
    view = render(mesh_of(scenes.plane((0.2, -0.3, 1.0), 4.0)))
    np.testing.assert_array_equal(view.rgb, scenes.picture())
    np.testing.assert_allclose(view.depth, scenes.plane((0.2, -0.3, 1.0), 4.0), rtol=1e-5)


def test_the_nearest_triangle_hides_the_others_in_any_order() -> None:
    camera = Intrinsics(10, 10, 4.5, 4.5)
    square = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float64)
    vertices = np.concatenate([square * s + (0, 0, z) for s, z in ((1.0, 5.0), (0.4, 2.0))])
    quads = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    values = np.repeat([[1.0], [2.0]], 4, axis=0)
    for faces in (quads, quads[::-1], quads[:, ::-1]):
        drawn = RayCaster(vertices, faces, values).drawn(camera, (10, 10))
        assert drawn.values[4, 4] == 2
        assert drawn.depth[4, 4] == pytest.approx(2)
        assert drawn.values[3, 3] == 2
        assert np.isinf(drawn.depth[0, 0])
    far_only = RayCaster(vertices, quads[:2], values).drawn(camera, (10, 10))
    assert (far_only.values[3:7, 3:7] == 1).all()


def test_interpolation_is_perspective_correct() -> None:
    camera = Intrinsics(50, 50, 49.5, 49.5)
    # One large slanted quad from z = 2 (left) to z = 6 (right), its value being its own z.
    vertices = np.array([[-2, -2, 2], [6, -6, 6], [6, 6, 6], [-2, 2, 2]], np.float64)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    drawn = RayCaster(vertices, faces, vertices[:, 2:]).drawn(camera, (100, 100))
    seen = np.isfinite(drawn.depth)
    assert seen.mean() > 0.9
    np.testing.assert_allclose(drawn.values[..., 0][seen], drawn.depth[seen], rtol=1e-5)


def column_of(picture: np.ndarray, row: int, color: tuple[int, int, int]) -> float:
    return float(np.flatnonzero((picture[row] == color).all(axis=-1)).mean())


def test_the_eyes_see_parallax_of_the_right_size_and_sign() -> None:
    depth = scenes.plane((0.0, 0.0, 1.0), 6.0)
    depth[20:50, 30:50] = 1.5
    rgb = np.zeros((scenes.HEIGHT, scenes.WIDTH, 3), np.uint8)
    rgb[20:50, 40], rgb[20:50, 70] = (255, 0, 0), (0, 255, 0)  # a near and a far mark
    options = CloudOptions(edge_tolerance=None)
    mesh = cloud_from_depth(depth.astype(np.float32), rgb, SCENE, options).surface()
    left, right = stereo_pair(mesh)
    near = column_of(left, 35, (255, 0, 0)) - column_of(right, 35, (255, 0, 0))
    far = column_of(left, 35, (0, 255, 0)) - column_of(right, 35, (0, 255, 0))
    # Disparity f b (1 / z - 1 / median) at a base of 1.5 / 30 m: 80 * 0.05 * (1/1.5 - 1/6) pixels.
    assert near == pytest.approx(2, abs=0.51)
    assert far == pytest.approx(0, abs=0.51)
    assert side_by_side(left, right).shape == (scenes.HEIGHT, 2 * scenes.WIDTH, 3)
    both = anaglyph(left, right)
    np.testing.assert_array_equal(both[..., 1:], right[..., 1:])
    assert both[35, round(column_of(left, 35, (255, 0, 0))), 0] == 76  # 0.299 * 255, of the left


def test_holes_take_the_background() -> None:
    depth = scenes.plane((0.0, 0.0, 1.0), 6.0)
    depth[:, 40:60] = 2.0
    rgb = np.full((scenes.HEIGHT, scenes.WIDTH, 3), 50, np.uint8)
    rgb[:, 40:60] = 200
    options = CloudOptions(edge_tolerance=None)
    mesh = cloud_from_depth(depth.astype(np.float32), rgb, SCENE, options).surface()
    pose = np.eye(4)
    pose[0, 3] = 0.4
    view = render(mesh, pose=pose)
    hole = np.isinf(view.depth[30])
    assert hole.sum() > 5
    assert (view.rgb[30][hole] == 50).all()


def test_a_camera_move_begins_at_the_photo_and_moves() -> None:
    depth = scenes.sphere((0.0, 0.0, 3.0), 0.8, 6.0)
    frames = list(camera_move(mesh_of(depth), frames=4))
    assert len(frames) == 4
    own = render(mesh_of(depth)).rgb
    np.testing.assert_array_equal(frames[0], own)
    assert (frames[1] != own).mean() > 0.1
    assert render(mesh_of(depth), width=48).rgb.shape == (36, 48, 3)


def test_a_film_reads_back_with_its_pictures_and_where_they_come_from(tmp_path: Path) -> None:
    shades = [np.full((37, 51, 3), level, np.uint8) for level in (40, 120, 200)]
    save_clip(tmp_path / "a.mp4", shades, fps=18, comments={"model": "tiny", "scale": "2"})
    with av.open(tmp_path / "a.mp4") as film:
        stream = film.streams.video[0]
        assert (stream.codec.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 18
        assert film.metadata["comment"] == "model: tiny; scale: 2"
        read = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert [frame.shape for frame in read] == [(38, 52, 3)] * 3  # even sides
    assert [round(float(frame.mean())) for frame in read] == pytest.approx([40, 120, 200], abs=3)


def room() -> np.ndarray:
    depth = scenes.plane((0.0, 0.0, 1.0), 6.0)
    floor = scenes.plane((0.0, 1.0, 0.0), 1.2)
    return np.where((floor > 0) & (floor < depth), floor, depth)


@pytest.mark.parametrize("kind", ["ball", "cube"])
def test_an_object_stands_where_it_was_put(kind: str) -> None:
    ruler = Measurer(room().astype(np.float32), SCENE)
    before = scenes.picture()
    placed = place(before, ruler, 46, 65, kind=kind, size=0.5, color=(255, 0, 0))
    # Row 65 sees the floor at z = 1.2 * 82 / 27.9 = 3.53 m.
    assert placed.distance == pytest.approx(3.53, abs=0.02)
    assert placed.visible > 0.97
    changed = (placed.rgb != before).any(axis=-1)
    rows, columns = np.nonzero(changed)
    # 0.5 m at 3.5 m with f = 82: about 12 px, its foot at the chosen pixel.
    assert 65 - 2 <= rows.max() <= 65 + 4
    assert rows.max() - rows.min() == pytest.approx(12, abs=4)
    assert columns.mean() == pytest.approx(46, abs=1)


def test_an_object_is_hidden_by_what_stands_nearer() -> None:
    depth = room()
    depth[:, 46:] = 1.0  # a pillar in front of the right half
    ruler = Measurer(depth.astype(np.float32), SCENE)
    before = scenes.picture()
    placed = place(before, ruler, 45, 65, size=0.5)
    changed = (placed.rgb != before).any(axis=-1)
    assert changed[:, :46].any()
    assert not changed[:, 46:].any()
    assert placed.visible == pytest.approx(0.5, abs=0.15)
    away = place(before, ruler, 60, 36, size=0.2, nearer=-1.0)
    assert away.visible == 0
    np.testing.assert_array_equal(away.rgb, before)
