"""Normals, positions, splats and AR packages: other people's readers find the known scene again."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.camera import unproject
from core.files.outputs import OUTPUTS, parse_outputs
from core.files.ply import HARMONIC, splats
from core.geometry.point_cloud import CloudOptions, cloud_from_depth
from core.geometry.provenance import SceneInfo
from tests.core import scenes
from tests.core.test_export import job

SLANT = np.array((0.3, -0.4, -np.sqrt(1 - 0.25)))  # of a wall, towards the camera
HOLE = (slice(30, 40), slice(50, 60))


@pytest.fixture
def wall() -> NDArray[np.float32]:
    """Depth of a slanting wall with a hole in it."""
    depth = scenes.plane(tuple(SLANT.tolist()), -2.5).astype(np.float32)
    depth[HOLE] = np.nan
    return depth


def written(folder: Path, name: str, depth: NDArray[np.float32]) -> Path:
    work = job(depth)
    work.prediction.intrinsics = scenes.CAMERA
    work.rgb[:] = scenes.picture()
    path = OUTPUTS[name].path(folder / "wall")
    OUTPUTS[name].write(path, work)
    return path


def test_normals_of_a_slanting_wall(tmp_path: Path, wall: NDArray[np.float32]) -> None:
    inside = np.isfinite(wall)
    with Image.open(written(tmp_path, "normals", wall)) as picture:
        steps = np.asarray(picture)
        assert picture.info["frame"].startswith("OpenCV")
    assert (steps[~inside] == 128).all()
    assert np.abs(steps[inside] / 127.5 - 1 - SLANT).max() < 0.006  # half a step and rounding
    openexr = pytest.importorskip("OpenEXR")
    with openexr.File(str(written(tmp_path, "normals_exr", wall)), separate_channels=True) as file:
        exr = np.stack([file.channels()[f"N.{axis}"].pixels for axis in "XYZ"], axis=2)
    assert np.isnan(exr[~inside]).all()
    assert np.abs(exr[inside] - SLANT).max() < 2e-3
    assert [output.name for output in parse_outputs("normals")] == ["normals", "normals_exr"]


def test_large_pictures_have_no_seams_between_strips(tmp_path: Path) -> None:
    v, u = np.mgrid[0:1100, 0:900]
    depth = (3 + np.sin(u / 90) * np.cos(v / 70)).astype(np.float32)
    work = job(depth)
    path = OUTPUTS["normals"].path(tmp_path / "waves")
    OUTPUTS["normals"].write(path, work)
    from core.files.writers_2d import normals_of

    whole = np.rint((normals_of(depth, work.prediction.intrinsics) + 1) * np.float32(127.5))
    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture), whole.astype(np.uint8))


def test_positions_are_those_of_the_point_cloud(tmp_path: Path, wall: NDArray[np.float32]) -> None:
    with av.open(str(written(tmp_path, "points_exr", wall))) as film:  # FFmpeg's own decoder
        frame = next(film.decode(video=0))
    y, z, x = (np.frombuffer(plane, np.float32).reshape(frame.height, -1)[:, : frame.width]
               for plane in frame.planes)  # fmt: skip
    points = np.stack((x, y, z), axis=2)
    np.testing.assert_allclose(points, unproject(wall, scenes.CAMERA), rtol=1e-6)
    inside = np.isfinite(wall)
    assert np.abs(points[inside] @ SLANT + 2.5).max() < 1e-5


def test_splats_lie_on_the_wall_and_leave_no_gap(tmp_path: Path, wall: NDArray[np.float32]) -> None:
    plyfile = pytest.importorskip("plyfile")
    found = plyfile.PlyData.read(written(tmp_path, "splat", wall))
    assert any("units metres" in line for line in found.comments)
    table = found["vertex"]
    points = np.stack([table[axis] for axis in "xyz"], axis=1)
    assert np.abs(points @ SLANT + 2.5).max() < 1e-4
    # Rotated by the quaternion w, x, y, z the third axis, the thin one, is the wall's normal.
    w, x, y, z = (table[f"rot_{i}"] for i in range(4))
    third = np.stack((2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)), axis=1)
    assert np.abs(third @ SLANT).min() > 1 - 1e-4
    sizes = np.exp(np.stack([table[f"scale_{i}"] for i in range(3)], axis=1))
    assert (sizes[:, 2] < 0.2 * sizes[:, 0]).all()
    # Neighbours in a row are farther apart than one standard deviation, and nearer than two.
    inner = np.isfinite(wall[10])
    row = unproject(wall, scenes.CAMERA)[10][inner]
    apart = np.linalg.norm(np.diff(row, axis=0), axis=1)
    assert 1 < np.median(apart) / np.median(sizes.max(axis=1)) < 2
    colours = 0.5 + HARMONIC * np.stack([table[f"f_dc_{i}"] for i in range(3)], axis=1)
    assert np.abs(colours[0] * 255 - scenes.picture()[0, 0]).max() < 1e-3
    assert (1 / (1 + np.exp(-table["opacity"])) > 0.9).all()


def test_splats_are_as_large_as_the_points_are_apart(wall: NDArray[np.float32]) -> None:
    def sizes(stride: int) -> float:
        options = CloudOptions(stride=stride, normals=True)
        scene = SceneInfo(scenes.CAMERA, (scenes.WIDTH, scenes.HEIGHT))
        return float(np.median(
            np.exp(splats(cloud_from_depth(wall, scenes.picture(), scene, options))[:, 10])
        ))  # fmt: skip

    assert sizes(3) / sizes(1) == pytest.approx(3, rel=0.05)


def test_a_phone_gets_the_surface_upright_and_in_metres(
    tmp_path: Path, wall: NDArray[np.float32]
) -> None:
    path = written(tmp_path, "usdz", wall)
    with zipfile.ZipFile(path) as package:
        first, picture = package.infolist()
        assert first.filename.endswith(".usda")
        for entry in (first, picture):
            assert entry.compress_type == zipfile.ZIP_STORED
            header = path.read_bytes()[entry.header_offset :][:30]
            name, extra = struct.unpack("<HH", header[26:30])
            assert (entry.header_offset + 30 + name + extra) % 64 == 0
        with package.open(picture) as file, Image.open(file) as photo:
            assert np.array_equal(np.asarray(photo), scenes.picture())

    usd = pytest.importorskip("pxr.Usd", reason="usd-core is not installed")
    from pxr import UsdGeom, UsdShade

    stage = usd.Stage.Open(str(path))
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert stage.GetRootLayer().customLayerData["units"] == "metres"
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/Photo/Surface"))
    points = np.array(mesh.GetPointsAttr().Get())
    assert np.abs(points * (1, -1, -1) @ SLANT + 2.5).max() < 1e-4
    st = np.array(UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st").Get())
    u = st[:, 0] * scenes.WIDTH - 0.5
    v = (1 - st[:, 1]) * scenes.HEIGHT - 0.5
    camera = scenes.CAMERA
    np.testing.assert_allclose(u, -points[:, 0] / points[:, 2] * camera.fx + camera.cx, atol=1e-3)
    np.testing.assert_allclose(v, points[:, 1] / points[:, 2] * camera.fy + camera.cy, atol=1e-3)
    material, _ = UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()
    assert material.GetPath() == "/Photo/Material"


def test_a_robot_reads_photo_depth_camera_and_points(
    tmp_path: Path, wall: NDArray[np.float32]
) -> None:
    """By the decoder of Foxglove's, which shares nothing with what writes."""
    decoder = pytest.importorskip("mcap_ros2.decoder", reason="mcap-ros2-support is missing")
    from mcap.reader import make_reader

    with written(tmp_path, "mcap", wall).open("rb") as file:
        reader = make_reader(file, decoder_factories=[decoder.DecoderFactory()])
        found = {c.topic: message for _, c, _, message in reader.iter_decoded_messages()}
    camera, depth = found["/camera/camera_info"], found["/camera/depth"]
    assert (camera.width, camera.height) == (scenes.WIDTH, scenes.HEIGHT)
    assert [camera.k[i] for i in (0, 4, 2, 5)] == [80.0, 82.0, 46.3, 37.1]
    assert (depth.encoding, depth.header.frame_id) == ("32FC1", "camera_optical_frame")
    metres = np.frombuffer(depth.data, np.float32).reshape(depth.height, depth.width)
    np.testing.assert_array_equal(metres, wall)
    photo = np.frombuffer(found["/camera/image"].data, np.uint8)
    assert np.array_equal(photo.reshape(scenes.HEIGHT, scenes.WIDTH, 3), scenes.picture())
    cloud = found["/camera/points"]
    assert [field.name for field in cloud.fields] == ["x", "y", "z", "rgb"]
    points = np.frombuffer(cloud.data, np.float32).reshape(-1, 4)
    assert cloud.width == len(points)
    assert np.abs(points[:, :3] @ SLANT + 2.5).max() < 1e-4
    packed = int(points[:1, 3].view(np.uint32)[0])
    assert [packed >> 16, packed >> 8 & 255, packed & 255] == scenes.picture()[0, 0].tolist()
    assert "metres" in found["/about"].data
