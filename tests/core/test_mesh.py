"""Surfaces: cut at borders and only there, textured, and the same when others read them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from core.camera import from_fov
from core.geometry.mesh import Mesh
from core.geometry.point_cloud import CloudOptions, PointCloud, cloud_from_depth
from core.geometry.provenance import SceneInfo
from tests.core import scenes

SCENE = SceneInfo(scenes.CAMERA, (scenes.WIDTH, scenes.HEIGHT), "tiny", "ab12")
CELLS = (scenes.WIDTH - 1) * (scenes.HEIGHT - 1)


def cloud_of(depth: np.ndarray, **options: float) -> PointCloud:
    settings = CloudOptions(edge_tolerance=None, **options)
    return cloud_from_depth(depth.astype(np.float32), scenes.picture(), SCENE, settings)


def face_normals(mesh: Mesh) -> np.ndarray:
    a, b, c = (mesh.vertices[mesh.faces[:, corner]].astype(np.float64) for corner in range(3))
    return np.cross(b - a, c - a)


def test_a_wall_becomes_two_triangles_a_cell_of_its_true_area() -> None:
    mesh = cloud_of(scenes.plane((0.0, 0.0, 1.0), 4.0)).surface()
    assert mesh.faces.shape == (2 * CELLS, 3)
    width = (scenes.WIDTH - 1) / scenes.CAMERA.fx * 4
    height = (scenes.HEIGHT - 1) / scenes.CAMERA.fy * 4
    assert mesh.area == pytest.approx(width * height, rel=1e-5)


def test_triangles_face_the_camera() -> None:
    mesh = cloud_of(scenes.plane((0.3, -0.2, 1.0), 4.0)).surface()
    towards = -mesh.vertices[mesh.faces[:, 0]]
    assert ((face_normals(mesh) * towards).sum(axis=1) > 0).all()


def test_no_triangle_spans_a_border() -> None:
    depth = scenes.sphere((0.0, 0.0, 3.0), 0.8, 6.0)
    mesh = cloud_of(depth).surface()
    corner_depth = mesh.vertices[mesh.faces][..., 2]
    is_wall = corner_depth > 5.9
    assert (is_wall.all(axis=1) | ~is_wall.any(axis=1)).all()
    assert len(mesh.faces) > 1.9 * CELLS


def test_a_step_just_above_and_below_the_tolerance() -> None:
    depth = scenes.plane((0.0, 0.0, 1.0), 4.0)
    depth[:, 48:] *= 1.08
    assert len(cloud_of(depth).surface(edge_tolerance=0.10).faces) == 2 * CELLS
    cut = cloud_of(depth).surface(edge_tolerance=0.06)
    assert len(cut.faces) == 2 * CELLS - 2 * (scenes.HEIGHT - 1)


def test_a_floor_at_a_grazing_angle_is_not_cut() -> None:
    camera = from_fov(64, 48, 60)
    row = np.arange(48, dtype=np.float64) - camera.cy
    depth = np.where(row > 2, 1.5 * camera.fy / np.maximum(row, 1), 0)  # floor 1.5 m below
    depth = np.repeat(depth[:, None], 64, axis=1).astype(np.float32)
    steps = depth[:-1][depth[:-1] > 0] / depth[1:][depth[:-1] > 0]
    assert steps.max() > 1.3  # from row to row up to 30 % deeper: far above the tolerance
    rgb = np.zeros((48, 64, 3), np.uint8)
    cloud = cloud_from_depth(depth, rgb, SceneInfo(camera, (64, 48)))
    rows = int((depth[:, 0] > 0).sum())
    assert len(cloud) == rows * 64
    assert len(cloud.surface().faces) == 2 * (rows - 1) * 63


def test_holes_are_left_out_and_three_corners_still_make_a_triangle() -> None:
    depth = scenes.plane((0.0, 0.0, 1.0), 4.0)
    depth[30, 40] = 0
    mesh = cloud_of(depth).surface()
    assert len(mesh.faces) == 2 * CELLS - 4  # four cells lose one of their two triangles


@pytest.mark.parametrize("size", [(96, 72), (1200, 900)])
def test_glb_reads_back_with_axes_and_texture(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    v, u = np.indices((height, width))
    rgb = np.stack((u * 255 // width, v * 255 // height, 255 * (u > v)), -1).astype(np.uint8)
    depth = (3 + v / height + 0.5 * u / width).astype(np.float32)
    scene = SceneInfo(from_fov(width, height, 60), size)
    options = CloudOptions(max_points=20_000)
    cloud = cloud_from_depth(depth, rgb, scene, options)
    cloud.save(tmp_path / "a.glb")
    (read,) = trimesh.load_scene(tmp_path / "a.glb", process=False).geometry.values()
    np.testing.assert_array_equal(read.vertices, cloud.points * [1, -1, -1])
    np.testing.assert_array_equal(read.faces, cloud.surface().faces)
    # Upright and not mirrored: the colours say which pixel a vertex was, the axes where it is.
    colors = read.visual.to_color().vertex_colors[:, :3].astype(int)
    tolerance = 0 if size == (96, 72) else 40  # a JPEG at the hard border of the blue triangle
    assert np.abs(colors - cloud.colors)[:, :2].max() <= tolerance
    right = read.vertices[:, 0] > 0.2
    up = read.vertices[:, 1] > 0.2
    assert colors[right, 0].min() > 127 > colors[read.vertices[:, 0] < -0.2, 0].max()
    assert colors[up, 1].max() < 128
    assert (read.vertices[:, 2] < 0).all()


def test_glb_is_well_formed(tmp_path: Path) -> None:
    mesh = cloud_of(scenes.plane((0.3, -0.2, 1.0), 4.0), normals=True).surface()
    mesh.save(tmp_path / "a.glb")
    data = (tmp_path / "a.glb").read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    json_length, json_kind = struct.unpack_from("<I4s", data, 12)
    document = json.loads(data[20 : 20 + json_length])
    body_length, body_kind = struct.unpack_from("<I4s", data, 20 + json_length)
    assert (json_kind, body_kind) == (b"JSON", b"BIN\0")
    assert json_length % 4 == 0
    assert body_length == document["buffers"][0]["byteLength"] == len(data) - 28 - json_length
    sizes = {5126: 4, 5125: 4}
    counts = {"VEC3": 3, "VEC2": 2, "SCALAR": 1}
    for accessor in document["accessors"]:
        view = document["bufferViews"][accessor["bufferView"]]
        assert view["byteOffset"] % 4 == 0
        item = sizes[accessor["componentType"]] * counts[accessor["type"]]
        assert view["byteLength"] == accessor["count"] * item
    position = document["accessors"][0]
    in_gltf = mesh.vertices * [1, -1, -1]
    assert position["min"] == in_gltf.min(axis=0).tolist()
    assert position["max"] == in_gltf.max(axis=0).tolist()
    assert document["asset"]["extras"]["model_sha256"] == "ab12"
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    assert set(attributes) == {"POSITION", "NORMAL", "TEXCOORD_0"}


def test_a_world_pose_moves_the_mesh_and_keeps_its_texture() -> None:
    depth = scenes.sphere((0.0, 0.0, 3.0), 0.8, 6.0).astype(np.float32)
    turned = np.array([[0, 0, 1, 5], [-1, 0, 0, 6], [0, -1, 0, 7], [0, 0, 0, 1.0]])
    here = cloud_from_depth(depth, scenes.picture(), SCENE).surface()
    there = cloud_from_depth(depth, scenes.picture(), SCENE.with_pose(turned)).surface()
    np.testing.assert_array_equal(there.faces, here.faces)
    np.testing.assert_allclose(there.uv, here.uv, atol=1e-5)
    np.testing.assert_array_equal(there.colors, here.colors)
    np.testing.assert_allclose(there.vertices[:, 0], here.vertices[:, 2] + 5, rtol=1e-6)
