"""Points are where analytic scenes say, are dropped and never moved, and read back elsewhere."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh
from PIL import Image
from plyfile import PlyData

import core
from core.camera import from_fov
from core.errors import DepthError, ExportError
from core.geometry.masks import sky
from core.geometry.point_cloud import CloudOptions, PointCloud, cloud_from_depth
from core.geometry.provenance import SceneInfo
from tests.core import scenes

ALL = CloudOptions(edge_tolerance=None)
SCENE = SceneInfo(scenes.CAMERA, (scenes.WIDTH, scenes.HEIGHT), "tiny", "ab12", True)


def cloud_of(
    depth: np.ndarray, options: CloudOptions = ALL, scene: SceneInfo = SCENE
) -> PointCloud:
    return cloud_from_depth(depth.astype(np.float32), scenes.picture(), scene, options)


def test_each_point_has_its_own_pixels_colour_and_is_not_moved() -> None:
    depth = scenes.sphere((0.0, 0.0, 3.0), 1.0, 6.0)
    options = CloudOptions(far=5.0, stride=2)
    cloud = cloud_of(depth, options)
    v, u = np.divmod(cloud.pixels, scenes.WIDTH)
    np.testing.assert_array_equal(cloud.colors, scenes.picture()[v, u])
    camera = scenes.CAMERA
    np.testing.assert_allclose(
        cloud.points[:, 0], (u - camera.cx) / camera.fx * depth[v, u], rtol=1e-5
    )
    np.testing.assert_allclose(cloud.points[:, 2], depth[v, u], rtol=1e-6)
    assert not (u % 2).any()
    assert not (v % 2).any()


def test_masks_drop_what_they_say() -> None:
    depth = scenes.plane((0.0, 0.0, 1.0), 3.0)
    depth[:10], depth[10:20], depth[20:25], depth[25:27] = 0, np.nan, 0.5, 50
    depth[27] = np.inf
    cloud = cloud_of(depth, CloudOptions(edge_tolerance=None, near=1, far=20))
    row = scenes.WIDTH
    assert cloud.dropped == {"no depth": 21 * row, "too near": 5 * row, "too far": 2 * row}
    assert np.unique(cloud.pixels // row).tolist() == list(range(28, scenes.HEIGHT))


def test_confidence_decides() -> None:
    depth = np.full((scenes.HEIGHT, scenes.WIDTH), 2, np.float32)
    confidence = np.linspace(0, 1, depth.size).reshape(depth.shape)
    options = CloudOptions(min_confidence=0.75)
    cloud = cloud_from_depth(depth, scenes.picture(), SCENE, options, confidence)
    assert len(cloud) == pytest.approx(depth.size / 4, abs=1)
    with pytest.raises(ExportError, match="confidence"):
        cloud_from_depth(depth, scenes.picture(), SCENE, options)


def test_the_default_keeps_every_pixel_of_a_sharp_scene() -> None:
    depth = scenes.staircase(4, first=4.0, tread=0.5, rise=0.25, bottom=1.4)
    assert len(cloud_of(depth, CloudOptions())) == depth.size


def test_voxels_keep_one_of_the_points_each_the_same_every_time() -> None:
    depth = scenes.sphere((0.0, 0.0, 3.0), 1.0, 6.0)
    full = {tuple(point) for point in cloud_of(depth).points}
    options = CloudOptions(edge_tolerance=None, voxel=0.25)
    cloud = cloud_of(depth, options)
    assert {tuple(point) for point in cloud.points} <= full
    cells = {tuple(np.floor(p.astype(np.float64) / 0.25).astype(int)) for p in cloud.points}
    every = {tuple(np.floor(np.array(p, np.float64) / 0.25).astype(int)) for p in full}
    assert cells == every
    assert len(cloud) == len(cells)
    np.testing.assert_array_equal(cloud.points, cloud_of(depth, options).points)
    with pytest.raises(ExportError, match="grid"):
        cloud.surface()


def test_a_pose_is_applied_and_both_it_and_the_scale_are_recorded() -> None:
    depth = scenes.plane((0.0, 0.0, 1.0), 3.0)
    pose = np.eye(4)
    pose[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    pose[:3, 3] = 1, 2, 3
    scene = SceneInfo(scenes.CAMERA, SCENE.photo_size, scale=2.0).with_pose(pose)
    cloud = cloud_of(depth, CloudOptions(edge_tolerance=None, normals=True), scene)
    np.testing.assert_allclose(cloud.points[:, 0], 3 + 1, rtol=1e-6)  # forward is the world's x
    assert cloud.normals is not None
    np.testing.assert_allclose(cloud.normals[0], [-1, 0, 0], atol=1e-6)
    comments = cloud.comments()
    assert comments["scale"] == "2"
    assert comments["camera_to_world"].split() == [f"{value:g}" for value in pose.ravel()]
    assert comments["frame"].startswith("world")


def test_ply_reads_back_elsewhere(tmp_path: Path) -> None:
    cloud = cloud_of(scenes.sphere((0.0, 0.0, 3.0), 1.0, 6.0), CloudOptions(normals=True))
    cloud.save(tmp_path / "a.ply")
    read = PlyData.read(tmp_path / "a.ply")
    vertex = read["vertex"]
    assert read.header.splitlines()[1] == "format binary_little_endian 1.0"
    names = ["x", "y", "z", "nx", "ny", "nz", "red", "green", "blue"]
    assert [p.name for p in vertex.properties] == names
    assert {vertex[name].dtype for name in "xyz"} == {np.dtype("<f4")}
    assert {vertex[name].dtype for name in names[6:]} == {np.dtype("u1")}
    for column, name in enumerate("xyz"):
        np.testing.assert_array_equal(vertex[name], cloud.points[:, column])
        np.testing.assert_array_equal(vertex["n" + name], cloud.normals[:, column])
    for column, name in enumerate(names[6:]):
        np.testing.assert_array_equal(vertex[name], cloud.colors[:, column])
    comments = dict(line.split(" ", 1) for line in read.comments)
    assert comments["model"] == "tiny"
    assert comments["model_sha256"] == "ab12"
    assert comments["units"] == "metres"
    assert "y down, z forward" in comments["frame"]
    assert comments["intrinsics"] == "fx fy cx cy = 80 82 46.3 37.1"
    assert comments["intrinsics_source"] == "given"
    assert comments["scale"] == "1"


def test_odd_names_stay_one_ascii_comment(tmp_path: Path) -> None:
    scene = SceneInfo(scenes.CAMERA, SCENE.photo_size, "模型\nend_header\nx")
    cloud = cloud_of(scenes.plane((0.0, 0.0, 1.0), 3.0), ALL, scene)
    cloud.save(tmp_path / "a.ply")
    assert PlyData.read(tmp_path / "a.ply")["vertex"].count == len(cloud)


def test_points_in_glb_read_back_with_gltf_axes(tmp_path: Path) -> None:
    cloud = cloud_of(scenes.sphere((0.0, 0.0, 3.0), 1.0, 6.0))
    cloud.save(tmp_path / "a.glb", surface=False)
    (read,) = trimesh.load_scene(tmp_path / "a.glb").geometry.values()
    np.testing.assert_array_equal(read.vertices, cloud.points * [1, -1, -1])
    # Vertex colours are linear light in glTF; back to sRGB by IEC 61966-2-1.
    linear = np.asarray(read.colors)[:, :3] / 255
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(srgb * 255 - cloud.colors)[cloud.colors > 40].max() < 4  # it reads 8 bits


@pytest.mark.parametrize(
    ("depth", "match"),
    [
        (np.full((72, 96), np.nan, np.float32), "no depth 6912"),
        (np.zeros((72, 96), np.float32), "at least one point"),
        (np.ones((72, 96), np.uint16), "uint16"),
        (np.ones((71, 96), np.float32), r"\(71, 96, 3\)"),
        (np.ones((72, 96, 1), np.float32), "height, width"),
        (np.ones((0, 0), np.float32), r"\(0, 0\)"),
    ],
)
def test_depth_that_makes_no_cloud(depth: np.ndarray, match: str) -> None:
    with pytest.raises(ExportError, match=match) as caught:
        cloud_from_depth(depth, scenes.picture(), SCENE)
    assert str(caught.value).count(". ") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"edge_tolerance": -0.1},
        {"edge_tolerance": float("nan")},
        {"near": 5, "far": 4},
        {"min_confidence": 2},
        {"stride": 0.5},
        {"max_points": 0},
        {"voxel": 0},
    ],
)
def test_options_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ExportError, match="expected"):
        CloudOptions(**wrong)


@pytest.mark.parametrize(("name", "surface"), [("a.xyz", None), ("a", None), ("a.obj", False)])
def test_endings_that_are_not_written(tmp_path: Path, name: str, surface: bool | None) -> None:
    with pytest.raises(DepthError, match=r"\.ply"):
        cloud_of(scenes.plane((0.0, 0.0, 1.0), 3.0)).save(tmp_path / name, surface=surface)
    assert list(tmp_path.iterdir()) == []


def test_sky_is_found_from_the_upper_border_only() -> None:
    rgb = np.zeros((60, 80, 3), np.uint8)
    rgb[:20] = 120, 170, 230  # sky
    rgb[20:40] = 60, 90, 40  # trees
    rgb[40:] = 120, 170, 230  # a lake
    rgb[5:10, 70:] = 200, 40, 30  # a roof that reaches into the sky
    found = sky(rgb)
    assert found[:20, :60].mean() > 0.99
    assert not found[20:].any()
    assert not found[5:10, 70:].any()
    depth = np.full((60, 80), 5, np.float32)
    cloud = cloud_from_depth(
        depth, rgb, SceneInfo(from_fov(80, 60, 60), (80, 60)), CloudOptions(drop_sky=True)
    )
    assert cloud.dropped["sky"] == found.sum()


def prediction(depth: np.ndarray, *, metric: bool = True) -> SimpleNamespace:
    """What `point_cloud` reads of a prediction."""
    return SimpleNamespace(
        depth=depth.astype(np.float32),
        confidence=None,
        intrinsics=scenes.CAMERA,
        photo_size=(scenes.WIDTH, scenes.HEIGHT),
        info=SimpleNamespace(name="tiny", sha256="ab12"),
        calibration=None,
        notes=(),
        is_metric=lambda *, rescaled: metric or rescaled,
    )


@pytest.mark.parametrize("form", ["array", "pil", "file", "photo"])
def test_a_prediction_and_its_photo_in_any_form(tmp_path: Path, form: str) -> None:
    picture = Image.fromarray(scenes.picture())
    picture.save(tmp_path / "photo.png")
    image = {
        "array": scenes.picture(),
        "pil": picture,
        "file": tmp_path / "photo.png",
        "photo": SimpleNamespace(rgb=scenes.picture()),
    }[form]
    cloud = core.point_cloud(prediction(scenes.plane((0.0, 0.0, 1.0), 3.0)), image, scale=1.5)
    assert len(cloud) == scenes.WIDTH * scenes.HEIGHT
    np.testing.assert_array_equal(cloud.colors, scenes.picture().reshape(-1, 3))
    np.testing.assert_allclose(cloud.points[:, 2], 4.5)
    comments = cloud.comments()
    assert (comments["model"], comments["model_sha256"], comments["scale"]) == (
        "tiny",
        "ab12",
        "1.5",
    )
