"""The predictor's contract: sizes, defaults, levels, intrinsics, errors, threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import core
from core.camera import Intrinsics
from core.errors import CameraError, ConfigError, EngineError, ImageError
from core.model import accumulate
from core.predictor import Predictor, load_predictor
from tests.tiny_checkpoint import CAMERA, picture, save_tiny


@pytest.fixture(scope="module")
def canonical(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A model whose depth is that of a camera of 100 px at the network's input."""
    path = save_tiny(tmp_path_factory.mktemp("models"), focal=100.0)
    return load_predictor(path, engine="torch")


class _Scripted:
    """An engine that gives what a test wants."""

    name, device, precision = "scripted", "cpu", "float32"

    def __init__(self, value: float) -> None:
        self.value = value

    def run(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        n, _, height, width = image.shape
        return [
            np.full((n, 1, height // stride, width // stride), self.value, np.float32)
            for stride in (16, 8, 4, 2, 1)
        ]


@pytest.mark.parametrize("size", [(400, 300), (300, 400), (131, 97), (40, 30), (700, 50), (8, 900)])
def test_depth_has_the_photos_size_and_the_models_range(
    tiny_predictor: Predictor, size: tuple[int, int]
) -> None:
    prediction = tiny_predictor(picture(*size))
    assert prediction.depth.shape == size[::-1]
    assert prediction.depth.dtype == np.float32
    assert prediction.depth.flags.c_contiguous
    assert prediction.depth.min() > 0.018 * 10
    assert prediction.depth.max() < 0.994 * 10
    assert prediction.photo_size == size
    assert prediction.confidence is None
    assert prediction.milliseconds > 0


def test_a_photo_of_the_working_size_is_neither_resampled_nor_filtered(
    tiny_predictor: Predictor,
) -> None:
    photo = picture(128, 96)
    prediction = tiny_predictor(photo)
    assert prediction.settings["working_size"] == [128, 96]
    assert np.array_equal(prediction.depth, prediction.levels[-1].depth)
    assert np.array_equal(prediction.working.rgb, photo)


def test_levels_are_what_the_depth_is_summed_from(canonical: Predictor) -> None:
    prediction = canonical(picture(320, 240), fov=70)
    levels = prediction.levels
    assert [level.stride for level in levels] == [16, 8, 4, 2, 1]
    width, height = prediction.settings["working_size"]
    for level in levels:
        h, w = height // level.stride, width // level.stride
        assert level.residual.shape == level.depth.shape == (h, w)
        assert level.band.shape == (h, w, 3)
    outputs = [torch.from_numpy(level.residual / 10.0)[None, None] for level in levels]
    for total, level in zip(accumulate(outputs), levels, strict=True):
        expected = prediction.focal_scale * 10.0 / (1 + np.exp(-total[0, 0].double().numpy()))
        np.testing.assert_allclose(level.depth, expected, rtol=2e-6)
    image = levels[0].band
    for level in levels[1:]:
        doubled = torch.nn.functional.interpolate(
            torch.from_numpy(image).permute(2, 0, 1)[None], scale_factor=2, mode="bilinear"
        )
        image = doubled[0].permute(1, 2, 0).numpy() + level.band
    seen = prediction.working.rgb / 255.0
    expected = (seen - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(image, expected, atol=1e-5)
    assert prediction.levels is levels  # computed once


def test_levels_nobody_asked_for_are_not_computed(tiny_predictor: Predictor) -> None:
    prediction = tiny_predictor(picture(128, 96))
    assert not {"levels", "confidence"} & vars(prediction).keys()
    assert len(prediction.levels) == 5


def test_flipping_averages_the_mirrored_photo_and_leaves_the_levels_alone(
    tiny_predictor: Predictor,
) -> None:
    photo = picture(128, 96)
    plain, mirrored = tiny_predictor(photo), tiny_predictor(photo[:, ::-1])
    both = tiny_predictor(photo, flip=True)
    expected = (plain.depth + mirrored.depth[:, ::-1]) / 2
    np.testing.assert_allclose(both.depth, expected, rtol=1e-5)
    np.testing.assert_allclose(both.levels[-1].depth, plain.depth, rtol=1e-5)
    assert np.abs(both.depth - plain.depth).max() > 1e-3


def test_a_photo_can_come_as_path_bytes_pillow_array_or_decoded(
    tiny_predictor: Predictor, tmp_path: Path
) -> None:
    photo = picture(90, 70)
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    expected = tiny_predictor(photo).depth
    for source in (path, str(path), path.read_bytes(), Image.open(path), core.decode(path)):
        assert np.array_equal(tiny_predictor(source).depth, expected)


def test_intrinsics_say_where_they_come_from(tiny_predictor: Predictor) -> None:
    photo = picture(320, 240)
    assumed = tiny_predictor(photo).intrinsics
    assert assumed.source == "assumed"
    assert assumed.fx == pytest.approx(CAMERA.fx / 2)
    by_angle = tiny_predictor(photo, fov=90).intrinsics
    assert by_angle.source == "given"
    assert by_angle.fx == pytest.approx(160)
    given = Intrinsics(250, 251, 150, 110)
    assert tiny_predictor(photo, intrinsics=given).intrinsics == given
    assert tiny_predictor(photo, intrinsics=[250, 251, 150, 110]).intrinsics == given


def test_without_a_canonical_focal_length_the_camera_does_not_change_the_networks_depth(
    tiny_predictor: Predictor,
) -> None:
    photo = picture(320, 240)
    near, far = tiny_predictor(photo, fov=30), tiny_predictor(photo, fov=100)
    assert near.focal_scale == far.focal_scale == 1.0
    assert np.array_equal(near.levels[-1].depth, far.levels[-1].depth)


def test_depth_grows_with_the_focal_length_at_the_networks_input(canonical: Predictor) -> None:
    photo = picture(320, 240)  # worked on at 128x96
    wide = canonical(photo, intrinsics=[250.0, 250.0, 159.5, 119.5])
    long = canonical(photo, intrinsics=[500.0, 500.0, 159.5, 119.5])
    assert wide.focal_scale == pytest.approx(250 * 96 / 240 / 100)
    np.testing.assert_allclose(long.levels[-1].depth, 2 * wide.levels[-1].depth, rtol=1e-5)
    # The same view, shown at another size, is as far away as before.
    twice = canonical(picture(640, 480), intrinsics=[500.0, 500.0, 319.5, 239.5])
    assert twice.focal_scale == pytest.approx(wide.focal_scale)


def test_unusable_settings_are_refused(tiny_predictor: Predictor) -> None:
    photo = picture(64, 48)
    with pytest.raises(ConfigError, match="resolution"):
        tiny_predictor(photo, resolution=80)
    with pytest.raises(CameraError, match="field of view"):
        tiny_predictor(photo, fov=3)
    with pytest.raises(CameraError):
        tiny_predictor(photo, fov=60, intrinsics=[50, 50, 32, 24])
    with pytest.raises(ImageError):
        tiny_predictor(np.zeros((4, 5), np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_reported_and_never_drawn(
    tiny_predictor: Predictor, value: float
) -> None:
    broken = Predictor(tiny_predictor.info, _Scripted(value))
    with pytest.raises(EngineError, match="not finite"):
        broken(picture(64, 48))


def test_many_threads_get_the_same_depth_as_one(tiny_predictor: Predictor) -> None:
    photos = [picture(60 + 7 * i, 80, seed=i) for i in range(4)]
    alone = [tiny_predictor(photo).depth for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda photo: tiny_predictor(photo).depth, photos * 3))
    for index, depth in enumerate(together):
        assert np.array_equal(depth, alone[index % 4])


def test_the_public_names_are_exactly_these() -> None:
    assert core.__all__ == [
        "DepthError",
        "Photo",
        "Prediction",
        "Predictor",
        "__version__",
        "decode",
        "load_predictor",
        "point_cloud",
    ]
    from core.geometry.point_cloud import point_cloud  # binds the module to the package's name

    assert core.point_cloud is point_cloud
    assert core.load_predictor is load_predictor
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        core.nonsense  # noqa: B018
