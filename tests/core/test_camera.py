"""Intrinsics that move with the picture, their sources, and pixels <-> metres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from core.camera import (
    Intrinsics,
    assumed,
    choose_intrinsics,
    from_fov,
    project,
    unproject,
)
from core.errors import CameraError
from core.geometry.provenance import to_world
from core.images.exif import exif_focal_px

OFF_CENTRE = Intrinsics(31.0, 29.0, 13.5, 24.25)


@dataclass(frozen=True)
class Camera:
    width: int
    height: int
    fx: float
    fy: float


NYU = Camera(640, 480, 518.858, 519.470)


def random_depth(height: int, width: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).uniform(0.2, 80, (height, width)).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "fov"),
    [
        ((48, 64), 5.0),
        ((48, 64), 170.0),
        ((3000, 100), 5.0),
        ((100, 8000), 65.0),
        ((100, 8000), 170.0),
    ],
)
def test_projecting_unprojected_pixels_gives_them_back(size: tuple[int, int], fov: float) -> None:
    depth = random_depth(*size)
    intrinsics = from_fov(size[1], size[0], fov)
    uv, z = project(unproject(depth, intrinsics), intrinsics)
    v, u = np.indices(size)
    assert np.abs(uv[..., 0] - u).max() <= 1e-3
    assert np.abs(uv[..., 1] - v).max() <= 1e-3
    assert np.abs(z / depth - 1).max() <= 1e-4


def test_a_known_pixel_has_hand_computed_coordinates() -> None:
    depth = np.full((480, 640), 4.0, np.float32)
    points = unproject(depth, Intrinsics(500.0, 400.0, 300.0, 200.0))
    # (550 - 300) * 4 / 500 = 2 right; (100 - 200) * 4 / 400 = 1 up, which is -y.
    assert points[100, 550].tolist() == [2.0, -1.0, 4.0]


def test_cropping_keeps_the_points() -> None:
    depth = random_depth(40, 30)
    whole = unproject(depth, OFF_CENTRE)
    cut = unproject(depth[7:25, 4:22], OFF_CENTRE.cropped(4, 7))
    np.testing.assert_allclose(cut, whole[7:25, 4:22], rtol=1e-6, atol=1e-6)


def test_mirroring_mirrors_the_points() -> None:
    depth = random_depth(40, 30)
    mirrored = unproject(depth[:, ::-1], OFF_CENTRE.flipped(30))
    expected = unproject(depth, OFF_CENTRE)[:, ::-1] * np.float32([-1, 1, 1])
    np.testing.assert_allclose(mirrored, expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("turns", [1, 2, 3, 4, -1])
def test_turning_the_picture_turns_the_points(turns: int) -> None:
    depth = random_depth(40, 30)
    turned = unproject(np.rot90(depth, turns), OFF_CENTRE.rotated90(turns, 30, 40))
    expected = np.rot90(unproject(depth, OFF_CENTRE), turns)
    # A quarter turn anticlockwise takes the picture's x axis to -y (up) and y (down) to x.
    quarter = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    expected = expected @ np.linalg.matrix_power(quarter, turns % 4).T
    np.testing.assert_allclose(turned, expected, rtol=1e-5, atol=1e-5)


def test_halving_the_picture_puts_its_pixels_between_the_old_ones() -> None:
    depth = np.full((40, 30), 2.0, np.float32)
    whole = unproject(depth, OFF_CENTRE).astype(np.float64)
    half = unproject(depth[::2, ::2], OFF_CENTRE.resized(30, 40, 15, 20))
    expected = whole.reshape(20, 2, 15, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(half, expected, atol=1e-6)


@pytest.mark.parametrize(
    "tags",
    [
        {"focal_35mm": None},
        {"focal_35mm": 0.0},
        {"focal_35mm": math.nan},
        {"focal_35mm": 4.3},  # the true focal length of a phone, in the wrong tag
        {"focal_35mm": 5000.0},
        {"focal_35mm": 177.0, "focal_mm": 3.99},  # grows when the phone saves fewer pixels
        {"focal_35mm": 20.0, "focal_mm": 50.0},  # no sensor is that large
    ],
)
def test_exif_that_lies_is_not_believed(tags: dict[str, float | None]) -> None:
    assert exif_focal_px(4000, 3000, **tags) is None


def test_exif_digital_zoom_and_crop() -> None:
    plain = exif_focal_px(4000, 3000, 26.0, focal_mm=4.0)
    assert plain is not None
    zoomed = exif_focal_px(4000, 3000, 26.0, focal_mm=4.0, digital_zoom=2.0)
    assert zoomed == pytest.approx(2 * plain)
    included = exif_focal_px(4000, 3000, 52.0, focal_mm=4.0, digital_zoom=2.0, zoom_included=True)
    assert included == pytest.approx(2 * plain)
    assert exif_focal_px(4000, 3000, 26.0, digital_zoom=0.0) == pytest.approx(plain)
    # Cropped to a square afterwards: the lens has not changed; shrunk whole: it has, in pixels.
    assert exif_focal_px(2000, 1500, 26.0) == pytest.approx(plain / 2)


def test_the_assumed_camera_turns_with_the_photo() -> None:
    landscape = assumed(1280, 960, NYU)
    assert (landscape.fx, landscape.fy) == pytest.approx((2 * 518.858, 2 * 519.470))
    portrait = assumed(960, 1280, NYU)
    assert portrait.vfov(1280) == pytest.approx(landscape.hfov(1280))
    assert portrait.source == "assumed"
    wide = assumed(1920, 1080, NYU)
    assert wide.hfov(1920) == pytest.approx(landscape.hfov(1280))


def test_the_best_known_source_wins() -> None:
    chosen = partial(choose_intrinsics, (640, 480), camera=NYU)
    given = chosen(focal_px=500.0, given=(600, 601, 320, 240))
    assert given == Intrinsics(600, 601, 320, 240, "given")
    assert chosen(focal_px=500.0, fov=60).source == "given"
    assert chosen(focal_px=500.0) == Intrinsics(500, 500, 319.5, 239.5, "exif")
    assert chosen(focal_px=1e6).source == "assumed"
    assert chosen() == assumed(640, 480, NYU)
    assert chosen(given=Intrinsics(600, 600, 320, 240, "assumed")).source == "assumed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"given": (0, 500, 320, 240)},
        {"given": (500, -1, 320, 240)},
        {"given": (math.nan, 500, 320, 240)},
        {"given": (500, 500, math.inf, 240)},
        {"given": (1e7, 1e7, 320, 240)},
        {"given": (4.2, 4.2, 320, 240)},  # millimetres
        {"given": (5, 5, 1, 1)},  # 106 degrees, with the principal point in a corner
        {"given": (500, 0.1, 320, 240)},
        {"given": (500, 500, 5000, 240)},  # a principal point that no crop has
        {"given": (500, 500, 320, 1e6)},
        {"given": (500, 500)},
        {"fov": 4.9},
        {"fov": 170.1},
        {"fov": 0},
        {"fov": -60},
        {"fov": math.nan},
        {"fov": 60, "given": (500, 500, 320, 240)},
    ],
)
def test_cameras_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(CameraError) as caught:
        choose_intrinsics((640, 480), camera=NYU, **wrong)
    one_sentence(str(caught.value))


def test_to_world_turns_and_moves() -> None:
    pose = np.eye(4)
    pose[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]  # OpenCV camera to x forward, z up
    pose[:3, 3] = 10, 20, 30
    moved = to_world(np.array([[1.0, 2.0, 5.0]]), pose)
    assert moved.tolist() == [[15.0, 19.0, 28.0]]


@pytest.mark.parametrize(
    "pose",
    [
        np.eye(3),
        np.full((4, 4), np.nan),
        np.diag([2.0, 2.0, 2.0, 1.0]),
        np.diag([-1.0, 1.0, 1.0, 1.0]),
        np.eye(4) + np.eye(4, k=-3),
        "pose.txt",
    ],
)
def test_poses_that_cannot_be(pose: object) -> None:
    with pytest.raises(CameraError) as caught:
        to_world(np.zeros((1, 3)), pose)
    one_sentence(str(caught.value))


def one_sentence(message: str) -> None:
    """What was got, what was expected, what to do."""
    assert message.endswith(".")
    assert ": " in message
    assert "xpected" in message or "vertical" in message or "no rotation" in message
    assert "\n" not in message
