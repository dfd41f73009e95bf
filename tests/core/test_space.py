"""Files in three dimensions of a calibrated photo: each holds its scale, its camera, its metres."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import av
import numpy as np
import OpenEXR
import pytest
import trimesh
from mcap.reader import make_reader
from PIL import Image, ImageDraw
from plyfile import PlyData

from core.camera import from_fov
from core.errors import DepthError, ExportError
from core.files.outputs import OUTPUTS
from core.files.writers_2d import ExportJob
from core.geometry.find_scale import calibrated
from core.geometry.measure import Measurer
from core.geometry.point_cloud import CloudOptions, cloud_from_depth
from core.geometry.provenance import SceneInfo, read_pose
from core.geometry.three_d import SpaceOptions
from core.images.decode import Photo, decode
from core.prediction import Prediction
from core.predictor import Predictor
from core.scale.measurements import KnownLength
from tests.core.full_disk import full_disk
from tests.tiny_checkpoint import picture

WIDTH, HEIGHT = 128, 96
KNOWN = KnownLength((20, 30), (100, 60), 1.5)
CAMERA = (110.0, 112.0, 60.0, 50.0)


@pytest.fixture(scope="module")
def photo() -> Photo:
    return decode(picture(WIDTH, HEIGHT))


@pytest.fixture(scope="module")
def plain(tiny_predictor: Predictor, photo: Photo) -> Prediction:
    return tiny_predictor(photo, intrinsics=CAMERA)


@pytest.fixture(scope="module")
def scaled(plain: Prediction) -> Prediction:
    return calibrated(plain, KNOWN)


def test_a_known_length_comes_out_and_everything_else_grows_with_it(
    plain: Prediction, scaled: Prediction
) -> None:
    before, after = Measurer.of(plain), Measurer.of(scaled)
    assert after.distance(KNOWN.start, KNOWN.end).distance == pytest.approx(1.5, rel=1e-6)
    factor = 1.5 / before.distance(KNOWN.start, KNOWN.end).distance
    assert scaled.scale == pytest.approx(factor)
    assert after.box(5, 5, 50, 50).median == pytest.approx(factor * before.box(5, 5, 50, 50).median)
    np.testing.assert_allclose(scaled.depth, plain.depth * factor, rtol=1e-6)
    for level, old in zip(scaled.levels, plain.levels, strict=True):
        np.testing.assert_allclose(level.depth, old.depth * factor, rtol=1e-5)
        np.testing.assert_array_equal(level.residual, old.residual)
    again = calibrated(scaled, KnownLength(KNOWN.start, KNOWN.end, 3.0))
    assert again.scale == pytest.approx(2 * factor)
    np.testing.assert_allclose(again.depth, plain.depth * 2 * factor, rtol=1e-6)


def written(name: str, folder: Path, prediction: Prediction, photo: Photo, **options: object):
    path = OUTPUTS[name].path(folder / "photo")
    facts = OUTPUTS[name].write(path, ExportJob(prediction, photo.rgb, **options))
    return path, facts


def read_png(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def text_of(path: Path) -> str:
    """What a file says of itself, by readers that this program does not write with."""
    if path.suffix == ".png":
        with Image.open(path) as image:
            return str(image.text)
    if path.suffix == ".exr":
        return str(OpenEXR.File(str(path)).header()["comments"])
    if path.suffix == ".npz":
        return "\n".join(np.load(path)["origin"])
    if path.suffix == ".ply":
        return "\n".join(PlyData.read(path).comments)
    if path.suffix == ".glb":
        data = path.read_bytes()
        length = int.from_bytes(data[12:16], "little")
        return str(json.loads(data[20 : 20 + length])["asset"]["extras"])
    if path.suffix == ".mp4":
        with av.open(path) as film:
            return film.metadata["comment"]
    if path.suffix == ".mcap":
        with path.open("rb") as file:
            return "".join(
                m.data.decode(errors="replace")
                for _, c, m in make_reader(file).iter_messages(["/about"])
            )
    inside = "scene.usda" if path.suffix == ".usdz" else "photo.obj"
    with zipfile.ZipFile(path) as archive:
        return archive.read(inside).decode()


@pytest.mark.parametrize("name", [name for name in OUTPUTS if name not in ("npy", "levels")])
def test_every_file_says_its_model_camera_and_calibration(
    name: str, tmp_path: Path, scaled: Prediction, photo: Photo
) -> None:
    path, _ = written(name, tmp_path, scaled, photo)
    told = text_of(path)
    assert scaled.info.sha256 in told
    assert "fx fy cx cy = 110 112 60 50" in told
    assert "given" in told
    assert f"depth times {scaled.scale:.9g}" in told
    assert "(100, 60) are 1.5 m apart" in told


def test_the_metres_in_the_files_are_the_calibrated_ones(
    tmp_path: Path, scaled: Prediction, photo: Photo
) -> None:
    exr, _ = written("exr", tmp_path, scaled, photo)
    np.testing.assert_array_equal(OpenEXR.File(str(exr)).channels()["Z"].pixels, scaled.depth)
    png, facts = written("depth16", tmp_path, scaled, photo)
    stored = read_png(png) / facts["scale"]
    np.testing.assert_allclose(stored, scaled.depth, atol=0.51 / facts["scale"])
    ply, facts = written("ply", tmp_path, scaled, photo)
    vertex = PlyData.read(ply)["vertex"]
    assert len(vertex) == facts["points"]
    assert set(vertex["z"]) <= set(scaled.depth.ravel())


def test_an_obj_comes_in_one_zip_with_its_texture(
    tmp_path: Path, scaled: Prediction, photo: Photo
) -> None:
    path, facts = written("obj", tmp_path, scaled, photo)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["photo.mtl", "photo.obj", "photo_texture.png"]
        archive.extractall(tmp_path / "out")
    read = trimesh.load_mesh(tmp_path / "out" / "photo.obj", process=False)
    assert len(read.faces) == facts["triangles"]
    assert read.vertices[:, 2].max() < 0  # glTF's and Blender's axes: the scene is at -z
    assert -read.vertices[:, 2].min() == pytest.approx(scaled.depth.max(), rel=1e-5)
    assert read.visual.material.image.size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(
    name: str, tmp_path: Path, scaled: Prediction, photo: Photo
) -> None:
    whole, _ = written(name, tmp_path / "whole", scaled, photo)
    before = whole.read_bytes()
    # All but the last byte fits, over an older file; then next to nothing, into an empty folder.
    for folder, limit, left in (("whole", len(before) - 1, [before]), ("empty", 100, [])):
        (tmp_path / folder).mkdir(exist_ok=True)
        with full_disk(limit), pytest.raises(ExportError, match="could not be written") as caught:
            written(name, tmp_path / folder, scaled, photo)
        assert str(caught.value).count(". ") == 0
        assert "free some space" in str(caught.value)
        assert [path.read_bytes() for path in (tmp_path / folder).iterdir()] == left


def test_pictures_for_two_eyes_and_a_film(tmp_path: Path, scaled: Prediction, photo: Photo) -> None:
    pair = read_png(written("stereo", tmp_path, scaled, photo)[0])
    both = read_png(written("anaglyph", tmp_path, scaled, photo)[0])
    assert (pair.shape, both.shape) == ((HEIGHT, 2 * WIDTH, 3), (HEIGHT, WIDTH, 3))
    left, right = np.split(pair, 2, axis=1)
    np.testing.assert_array_equal(both[..., 1:], right[..., 1:])
    assert (left != right).any()
    clip, facts = written("clip", tmp_path, scaled, photo)
    with av.open(clip) as film:
        first, *rest = (frame.to_ndarray(format="rgb24") for frame in film.decode(video=0))
    assert 1 + len(rest) == facts["frames"]
    # Compressed, the film loses the noise: tiles of 4 x 4 pixels are compared.
    tiles = [frame.reshape(HEIGHT // 4, 4, WIDTH // 4, 4, 3).mean(axis=(1, 3))
             for frame in (photo.rgb, first, rest[8])]  # fmt: skip
    assert np.abs(tiles[1] - tiles[0]).mean() < 2
    assert np.abs(tiles[2] - tiles[0]).mean() > 1.5 * np.abs(tiles[1] - tiles[0]).mean()


def test_writing_is_not_mirrored_and_stands_upright(tmp_path: Path) -> None:
    sign = Image.new("RGB", (160, 60), "white")
    ImageDraw.Draw(sign).text((8, 4), "LEFT 47", fill="black", font_size=36)
    rgb = np.asarray(sign)
    depth = np.full((60, 160), 2.0, np.float32)
    scene = SceneInfo(from_fov(160, 60, 60), (160, 60))
    cloud_from_depth(depth, rgb, scene).save(tmp_path / "sign.glb", surface=False)
    (read,) = trimesh.load_scene(tmp_path / "sign.glb").geometry.values()
    # Seen as glTF's viewers do, from the origin towards -z with y up and x to the right.
    seen = np.zeros((60, 160), np.uint8)
    x, y = read.vertices[:, 0], read.vertices[:, 1]
    column = np.rint((x - x.min()) / np.ptp(x) * 159).astype(int)
    row = np.rint((y.max() - y) / np.ptp(y) * 59).astype(int)
    seen[row, column] = np.asarray(read.colors)[:, 0]
    dark, ink = seen < 128, rgb[..., 0] < 128
    assert 0.05 < ink.mean() < 0.3
    assert (dark == ink).mean() > 0.97
    assert (dark[:, ::-1] == ink).mean() < 0.9
    assert (dark[::-1] == ink).mean() < 0.9


def test_a_pose_puts_the_files_into_the_world(
    tmp_path: Path, scaled: Prediction, photo: Photo
) -> None:
    pose = read_pose("0 0 1 5\n-1 0 0 6\n0 -1 0 7\n0 0 0 1")
    path, _ = written("ply", tmp_path, scaled, photo, space=SpaceOptions(pose=pose))
    read = PlyData.read(path)
    assert any(line.startswith("camera_to_world 0 0 1 5 ") for line in read.comments)
    assert set(read["vertex"]["x"]) <= set((scaled.depth.astype(np.float64) + 5).astype(np.float32)
                                           .ravel())  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda: SpaceOptions(shape="cloud"), "expected one of points, surface, poisson"),
        (lambda: SpaceOptions(CloudOptions(voxel=0.1), "surface"), "grid of pixels"),
        (lambda: SpaceOptions(pose=(1.0,) * 16), "expected a rotation"),
        (lambda: SpaceOptions(pose=(1.0,) * 12), r"\(3, 4\)"),
        (lambda: read_pose("1 0 0 x"), "no number"),
        (lambda: read_pose("1 0 0 0"), "4 numbers"),
    ],
)
def test_what_cannot_be_built_is_one_sentence(wrong: object, match: str) -> None:
    with pytest.raises(DepthError, match=match) as caught:
        wrong()
    assert ". " not in str(caught.value)
    assert "expected" in str(caught.value)
