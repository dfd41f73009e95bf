"""Panoramas are cut into views and joined: a room whose distances are known by formula."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

import core
from core.camera import Intrinsics, project, unproject
from core.cli.main import main
from core.errors import CameraError
from core.geometry.find_scale import calibrated, profile_of
from core.geometry.measure import Measurer
from core.geometry.planes import surface_normals
from core.geometry.provenance import SceneInfo
from core.geometry.render import stereo_pair
from core.images.decode import Photo, decode
from core.images.decode_worker import decode_isolated
from core.images.projection import sphere_camera
from core.panorama.prediction import PanoramaPrediction, predicted
from core.panorama.views import VIEWS, cut
from core.prediction import Prediction
from core.predictor import Predictor
from core.scale.measurements import KnownLength
from tests.core.test_projection import XMP, sphere
from tests.tiny_checkpoint import picture

WIDTH, HEIGHT = 512, 256
ROOM = np.array([[-2.0, -1.1, -3.0], [2.5, 1.5, 2.0]])  # of the camera's walls: left, up, back; ...
_NEAR, _STEP = np.log(0.5), 0.0125  # what a colour says: log distance in steps of 1.25 %


def camera_of(width: int, height: int) -> Intrinsics:
    found = sphere_camera(decode(np.zeros((height, width, 3), np.uint8)), 360)
    assert found is not None
    return found


def distances(camera: Intrinsics, width: int, height: int) -> NDArray[np.float64]:
    """Along every ray to the walls of a room."""
    rays = camera.rays(np.arange(width), np.arange(height)[:, None])
    with np.errstate(divide="ignore"):
        walls = np.where(rays < 0, ROOM[0], ROOM[1]) / rays
    return walls.min(axis=-1)


def painted(distance: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A picture that says how far everything is."""
    steps = np.rint((np.log(distance) - _NEAR) / _STEP).clip(0, 255)
    return np.repeat(steps.astype(np.uint8)[..., None], 3, axis=2)


def save_png(pixels: NDArray[np.uint8], xmp: str, file: io.BytesIO) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp)
    Image.fromarray(pixels).save(file, "PNG", pnginfo=info)


class Seeing:
    """A network that is right about a view's shape, and wrong about its scale and tilt."""

    def __init__(self, predictor: Predictor, spread: float, tilt: float = 0.0) -> None:
        self._predictor, self._random = predictor, np.random.default_rng(3)
        self._spread, self._tilt = spread, tilt

    def __call__(self, view: Photo, camera: Intrinsics) -> Prediction:
        side = len(view.rgb)
        rays = camera.rays(np.arange(side), np.arange(side)[:, None])
        distance = np.exp(view.rgb[..., 0] * _STEP + _NEAR)
        across = np.linspace(-1, 1, side)
        wrong = self._random.normal(0, self._spread) + self._tilt * (
            self._random.normal() * across + self._random.normal() * across[:, None]
        )
        depth = distance / np.linalg.norm(rays, axis=-1) * np.exp(wrong)
        found = self._predictor(Image.fromarray(view.rgb))
        return replace(found, depth=depth.astype(np.float32), photo_size=(side, side))


def joined(photo: Photo, look: Seeing, fov: float | None = 360) -> PanoramaPrediction:
    camera = sphere_camera(photo, fov)
    assert camera is not None

    def enlarge(depth: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
        large = Image.fromarray(depth).resize(photo.rgb.shape[1::-1], Image.Resampling.BILINEAR)
        return np.array(large)

    return predicted(photo, camera, 96, look, enlarge)


@pytest.mark.parametrize(("spread", "tilt"), [(0.0, 0.0), (0.2, 0.0), (0.2, 0.1)])
def test_a_room_is_right_up_to_one_scale(
    tiny_predictor: Predictor, spread: float, tilt: float
) -> None:
    camera = camera_of(WIDTH, HEIGHT)
    truth = distances(camera, WIDTH, HEIGHT)
    found = joined(decode(painted(truth)), Seeing(tiny_predictor, spread, tilt))
    off = np.log(found.depth / truth)
    assert abs(float(np.median(off))) < 0.12  # the mean of 22 wrong scales
    assert float(np.mean(np.abs(np.expm1(off - np.median(off))))) < (0.02 if tilt == 0 else 0.05)
    # No seam where the ends meet: neighbours there are as alike as in the truth.
    ends = np.log(found.depth[:, 0] / found.depth[:, -1])
    assert float(np.abs(ends).max()) < 0.06
    assert found.metric
    assert found.intrinsics.projection == "equirectangular"


def test_without_joining_the_same_views_would_be_wrong(tiny_predictor: Predictor) -> None:
    """What the scales are worth: 20 % of error at first, a tenth of it at last."""
    truth = distances(camera_of(WIDTH, HEIGHT), WIDTH, HEIGHT)
    found = joined(decode(painted(truth)), Seeing(tiny_predictor, 0.2))
    depths = [look.depth for look in found.looks]
    assert found.joining is not None
    plain = replace(found.joining, fields=np.zeros_like(found.joining.fields))
    before = plain.distance(depths, found.intrinsics, (WIDTH, HEIGHT))
    errors = [np.log(each / truth) for each in (before, found.depth)]
    first, last = (float(np.std(each)) for each in errors)
    assert last < first / 5
    assert found.joining.spread < 0.03


def test_a_part_of_the_sphere(tiny_predictor: Predictor) -> None:
    """A phone's sweep: GPano says where on the sphere it lies."""
    camera = camera_of(WIDTH, HEIGHT)
    truth = distances(camera, WIDTH, HEIGHT)[60:190, 100:400]
    file = io.BytesIO()
    tags = {
        "ProjectionType": "equirectangular", "FullPanoWidthPixels": WIDTH,
        "FullPanoHeightPixels": HEIGHT, "CroppedAreaLeftPixels": 100,
        "CroppedAreaTopPixels": 60, "CroppedAreaImageWidthPixels": 300,
        "CroppedAreaImageHeightPixels": 130,
    }  # fmt: skip
    xmp = XMP.format(" ".join(f'GPano:{name}="{value}"' for name, value in tags.items()))
    save_png(painted(truth), xmp, file)
    photo = decode(file.getvalue())
    assert photo.sphere is not None
    assert decode_isolated(file.getvalue()).sphere == photo.sphere
    part = sphere_camera(photo)
    assert part is not None
    np.testing.assert_allclose(
        [part.fx, part.fy, part.cx, part.cy],
        [camera.fx, camera.fy, camera.cx - 100, camera.cy - 60],
    )
    assert part.source == "exif"
    found = joined(photo, Seeing(tiny_predictor, 0.2), None)
    assert len(found.looks) < len(VIEWS)
    off = np.log(found.depth / truth)
    assert np.isfinite(off).all()
    assert float(np.abs(np.expm1(off - np.median(off))).mean()) < 0.03


@pytest.mark.parametrize(
    "tags",
    [
        "FullPanoWidthPixels='10' FullPanoHeightPixels='5'",
        "FullPanoWidthPixels='512' FullPanoHeightPixels='256' CroppedAreaLeftPixels='400' "
        "CroppedAreaTopPixels='0' CroppedAreaImageWidthPixels='256' "
        "CroppedAreaImageHeightPixels='128'",
        "FullPanoWidthPixels='0' FullPanoHeightPixels='0' CroppedAreaLeftPixels='0' "
        "CroppedAreaTopPixels='0' CroppedAreaImageWidthPixels='0' CroppedAreaImageHeightPixels='0'",
    ],
)
def test_tags_that_cannot_be_are_not_believed(tags: str) -> None:
    file = io.BytesIO()
    xmp = XMP.format('GPano:ProjectionType="equirectangular" ' + tags)
    save_png(picture(256, 128), xmp, file)
    photo = decode(file.getvalue())
    assert photo.sphere is None
    assert sphere_camera(photo) == replace(camera_of(256, 128), source="assumed")


def test_every_direction_is_seen_twice_but_for_the_poles() -> None:
    camera = camera_of(256, 128)
    rays = camera.rays(np.arange(256), np.arange(128)[:, None])
    seen = np.zeros((128, 256), int)
    for view in VIEWS:
        seen += view.places(rays)[0]
    assert seen.min() >= 1
    assert (seen >= 2).mean() > 0.75


def test_a_view_looks_where_it_says() -> None:
    """The panorama's colours are its directions: each view's middle is its own."""
    camera = camera_of(WIDTH, HEIGHT)
    rays = camera.rays(np.arange(WIDTH), np.arange(HEIGHT)[:, None])
    for each in cut(np.rint(127.5 + 127 * rays).astype(np.uint8), camera, 64):
        middle = each.rgb[31:33, 31:33].reshape(-1, 3).mean(axis=0)
        np.testing.assert_allclose((middle - 127.5) / 127, each.view.rotation[:, 2], atol=0.03)
        right = each.rgb[32, 63] / 127.0 - each.rgb[32, 0] / 127.0
        assert float(right @ each.view.rotation[:, 0]) > 1


def test_points_go_to_pixels_and_back() -> None:
    camera = camera_of(64, 32)
    depth = np.random.default_rng(0).uniform(1, 5, (32, 64)).astype(np.float32)
    points = unproject(depth, camera)
    uv, far = project(points, camera)
    np.testing.assert_allclose(far, depth, rtol=1e-6)
    np.testing.assert_allclose(uv[..., 0], np.tile(np.arange(64), (32, 1)), atol=1e-4)
    np.testing.assert_allclose(uv[..., 1], np.tile(np.arange(32)[:, None], (1, 64)), atol=1e-4)
    # Straight forward is the middle, the right quarter is the right-hand side, the top is up.
    forward, right, up = camera.rays([31.5, 47.5, 31.5], [15.5, 15.5, -0.5])
    np.testing.assert_allclose([forward, right, up], [[0, 0, 1], [1, 0, 0], [0, -1, 0]], atol=1e-9)


def test_a_rooms_normals_lengths_areas_and_floor() -> None:
    camera = camera_of(1024, 512)
    truth = distances(camera, 1024, 512).astype(np.float32)
    normals = surface_normals(truth, camera)
    points = unproject(truth, camera)
    floor = np.isclose(points[..., 1], ROOM[1, 1], atol=1e-4)
    inner = floor[1:-1, 1:-1] & floor[:-2, 1:-1] & floor[1:-1, :-2] & floor[1:-1, 2:]
    np.testing.assert_allclose(normals[1:-1, 1:-1][inner][:, 1], -1, atol=2e-3)
    ruler = Measurer(truth, SceneInfo(camera, (1024, 512)))
    plane = ruler.floor()
    assert plane.camera_height == pytest.approx(ROOM[1, 1], rel=0.01)
    # Corner to corner of the wall ahead, at the height of the camera.
    left = float(np.arctan2(ROOM[0, 0], ROOM[1, 2]) * camera.fx + camera.cx)
    right = float(np.arctan2(ROOM[1, 0], ROOM[1, 2]) * camera.fx + camera.cx)
    across = ruler.distance((left, camera.cy), (right, camera.cy)).distance
    assert across == pytest.approx(ROOM[1, 0] - ROOM[0, 0], rel=0.01)
    box = (camera.cx - 60, camera.cy - 40, camera.cx + 60, camera.cy + 40)
    inside = points[int(box[1]) : int(box[3]) + 1, int(box[0]) : int(box[2]) + 1]
    width, height = np.ptp(inside[..., 0].mean(axis=0)), np.ptp(inside[..., 1].mean(axis=1))
    assert ruler.area(*box).area == pytest.approx(width * height, rel=0.03)


def panorama_file(folder: Path) -> Path:
    path = folder / "round.jpg"
    xmp = XMP.format('GPano:ProjectionType="equirectangular"').encode()
    Image.fromarray(sphere(256)).save(path, xmp=xmp)
    return path


def test_command_line_and_python_agree_and_say_what_it_is(
    tmp_path: Path, tiny_predictor: Predictor, capsys: pytest.CaptureFixture[str]
) -> None:
    path, model = panorama_file(tmp_path), ["--model", str(tiny_predictor.info.path)]
    saves = ["--save", "color,depth16,npy,exr,levels,normals,points_exr,ply,glb,splat"]
    assert main(["predict", str(path), "--out", str(tmp_path / "a"), *saves, *model]) == 0
    assert "22 views" in capsys.readouterr().err
    depth = np.load(tmp_path / "a" / "round_depth.npy")
    prediction = tiny_predictor(path)  # once more: the levels of the views are asked for below
    np.testing.assert_allclose(depth, prediction.depth, rtol=1e-4)
    assert depth.shape == (128, 256)
    about = json.loads((tmp_path / "a" / "round.json").read_text())
    assert about["depth"]["axis"].startswith("along each ray")
    assert about["intrinsics"]["projection"] == "equirectangular"
    assert (about["depth"]["unit"], about["model"]["metric"]) == ("m", True)
    assert about["settings"]["views"] == len(VIEWS)
    cloud = core.point_cloud(prediction, path)
    assert (cloud.points.min(axis=0) < 0).all()  # on all sides
    assert (cloud.points.max(axis=0) > 0).all()
    assert [level.depth.shape[1] for level in prediction.levels] == [16, 32, 64, 128, 256]
    assert prediction.levels[0].band.shape == (8, 16, 3)
    assert main(["predict", str(path), "--out", str(tmp_path / "b"), "--save", "stereo", *model])
    assert "panorama" in capsys.readouterr().err


def test_what_needs_one_direction_of_view_is_refused(
    tiny_predictor: Predictor, tmp_path: Path
) -> None:
    prediction = tiny_predictor(panorama_file(tmp_path))
    length = KnownLength((10, 60), (60, 60), 1.0)
    with pytest.raises(CameraError, match="panorama"):
        profile_of("mine", [("round.jpg", prediction, [length])])
    known = calibrated(prediction, length)  # a length gives it its scale, as any photo
    assert known.metric
    assert Measurer.of(known).distance((10, 60), (60, 60)).distance == pytest.approx(1, rel=1e-4)
    assert known.levels[-1].depth.max() == pytest.approx(
        prediction.levels[-1].depth.max() * known.scale, rel=1e-4
    )
    surface = core.point_cloud(prediction, sphere(256)).surface()
    with pytest.raises(CameraError, match="panorama"):
        stereo_pair(surface)


def test_the_field_of_view_says_otherwise(tiny_predictor: Predictor, tmp_path: Path) -> None:
    path = panorama_file(tmp_path)
    flat = tiny_predictor(path, fov=90)
    assert not flat.metric
    assert "360-degree" in flat.notes[0]
    plain = Image.fromarray(picture(256, 128))
    assert tiny_predictor(plain).intrinsics.projection == "pinhole"
    around = tiny_predictor(plain, fov=360)
    assert (around.intrinsics.projection, around.intrinsics.source) == ("equirectangular", "given")
    assert around.intrinsics.hfov(256) == pytest.approx(360)
    with pytest.raises(CameraError, match="twice as wide as high"):
        tiny_predictor(Image.fromarray(picture(320, 240)), fov=360)
    with pytest.raises(CameraError, match="200 degrees"):
        tiny_predictor(plain, fov=200)
