"""Walls made straight and square: a room known by formula, bent as a network bends it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core import load_predictor
from core.camera import Intrinsics
from core.images.decode import decode
from core.images.manhattan import find_frame, lines
from core.images.surfaces import flatten_surfaces
from core.images.upsample import upsample_depth
from tests.core.pictures import scene

Map = NDArray[np.float64]

WIDTH, HEIGHT = 192, 144
CAMERA = Intrinsics(156.0, 156.0, 95.5, 71.5)
BOX = np.array([[-1.6, -1.2, -1.0], [2.0, 1.3, 3.4]])  # metres around the eye, y down


def turned(pitch: float, yaw: float, roll: float = 0.0) -> Map:
    """(3, 3), whose columns are the camera's right, down and ahead in the room."""
    p, y, r = np.radians((pitch, yaw, roll))
    tilt = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    around = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rolled = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(around @ tilt @ rolled)


def room(axes: Map) -> tuple[NDArray[np.uint8], Map, NDArray[np.intp]]:
    """A tiled box from within: (H, W, 3) colours, (H, W) depth, and which axis each face is on."""
    rays = CAMERA.rays(*np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))) @ axes.T
    with np.errstate(divide="ignore"):
        away = np.where(rays > 0, BOX[1] / rays, BOX[0] / rays)
    face, depth = away.argmin(-1), away.min(-1)
    tiles = np.floor((rays * depth[..., None] + 10) / 0.6).astype(int)
    tiles[np.arange(3) == face[..., None]] = 0
    light = 90 + 40 * face + 45 * (tiles.sum(-1) % 2)
    return np.repeat(light[..., None], 3, -1).astype(np.uint8), depth, face


def bent(depth: Map) -> NDArray[np.float32]:
    """As a network bends walls: slowly, by up to 8 %."""
    v, u = np.indices(depth.shape)
    wave = np.sin(u / 31 + 0.4) * np.cos(v / 27) + 0.5 * np.sin((u + v) / 45)
    return np.asarray(depth * np.exp(0.06 * wave), np.float32)


def slant(depth: NDArray[np.floating], truth: Map, face: NDArray[np.intp]) -> float:
    """Mean angle between surfaces and the truth's in degrees, away from edges."""
    found, true = (_normals(np.asarray(each, np.float64)) for each in (depth, truth))
    inner = np.ones_like(face, bool)
    for shift in (-5, 5):
        inner &= (np.roll(face, shift, 0) == face) & (np.roll(face, shift, 1) == face)
    cosine = np.abs((found * true).sum(-1))[5:-5, 5:-5][inner[5:-5, 5:-5]]
    return float(np.degrees(np.arccos(cosine.clip(0, 1))).mean())


def _normals(depth: Map) -> Map:
    points = CAMERA.rays(*np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))) * depth[..., None]
    normal = np.cross(np.gradient(points, axis=1), np.gradient(points, axis=0))
    return np.asarray(normal / np.linalg.norm(normal, axis=-1, keepdims=True))


@pytest.mark.parametrize(
    "pose", [(10, 20, 0), (-15, 40, 0), (30, 65, 0), (5, 0, 6), (0, 10, 90), (12, 35, -90)]
)
def test_walls_of_a_room_become_straight_and_square(pose: tuple[float, float, float]) -> None:
    rgb, truth, face = room(turned(*pose))
    depth = bent(truth)
    rippleless, straight = flatten_surfaces(depth), flatten_surfaces(depth, (rgb, CAMERA))
    assert straight.dtype == np.float32
    assert slant(straight, truth, face) < slant(rippleless, truth, face) / 2
    assert np.abs(np.log(straight / truth)).mean() < np.abs(np.log(rippleless / truth)).mean()


def test_a_room_that_is_straight_stays() -> None:
    rgb, truth, _ = room(turned(10, 20))
    straight = flatten_surfaces(truth.astype(np.float32), (rgb, CAMERA))
    assert np.abs(straight / truth - 1).mean() < 0.006


def test_the_frame_is_the_rooms() -> None:
    axes = turned(15, 33, 4)
    rgb, truth, _ = room(axes)
    small = CAMERA.resized(WIDTH, HEIGHT, WIDTH // 4, HEIGHT // 4)
    normals = _normals(bent(truth))[2::12, 2::12].reshape(-1, 3)
    frame = find_frame(normals, lines(rgb, 4, small))
    assert frame is not None
    assert np.allclose(frame @ frame.T, np.eye(3), atol=1e-9)
    assert np.degrees(np.arccos(np.abs(frame @ axes.T).max(1).min())) < 1.5


def test_what_faces_no_three_directions_is_left_alone() -> None:
    v, u = np.indices((HEIGHT, WIDTH))
    hills = (3 + np.sin(u / 9) * np.cos(v / 8) + 0.6 * np.sin((u - v) / 7)).astype(np.float32)
    grass = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    left = flatten_surfaces(hills, (grass, CAMERA))
    assert np.abs(np.log(left / flatten_surfaces(hills))).max() < 0.01


def test_faint_relief_goes_and_steps_stay() -> None:
    rgb, truth, face = room(turned(10, 20))
    v, u = np.indices(truth.shape)
    print_on_walls = truth * (1 + 0.004 * ((u // 2 + v // 2) % 2))
    flat = flatten_surfaces(print_on_walls.astype(np.float32), (rgb, CAMERA))
    assert slant(flat, truth, face) < slant(print_on_walls, truth, face) / 4
    near = np.where((u > 60) & (u < 90) & (v > 40) & (v < 80), 0.8 * truth, truth)
    step = flatten_surfaces(near.astype(np.float32), (rgb, CAMERA))
    assert np.abs(step[60, 52:60] / step[60, 61:69] * 0.8 - 1).max() < 0.03


@pytest.mark.parametrize("light", [0, 128, 255])
@pytest.mark.parametrize("metres", [1e-3, 0.5, 80.0])
def test_every_range_gives_finite_depth_near_the_networks(metres: float, light: int) -> None:
    noise = np.random.default_rng(0).normal(0, 0.3, (64, 96))
    depth = (metres * np.exp(noise)).astype(np.float32)
    blank = np.full((64, 96, 3), light, np.uint8)
    straight = flatten_surfaces(depth, (blank, Intrinsics(80, 80, 47.5, 31.5)))
    assert np.isfinite(straight).all()
    assert np.abs(straight / depth - 1).max() < 0.5


@pytest.mark.parametrize(("model", "straightens"), [("lite-indoor", True), ("lite-outdoor", False)])
def test_models_of_rooms_straighten_walls_and_others_do_not(model: str, straightens: bool) -> None:
    predictor = load_predictor(model)
    photo = decode(scene(240, 320))
    passed = predictor.passed(photo, 96)
    width, height = passed.settings["working_size"]
    assert passed.guide is not None
    camera = passed.intrinsics.resized(320, 240, width, height)
    room = (passed.guide.seen, camera) if straightens else None
    expected = upsample_depth(flatten_surfaces(passed.depth, room), passed.guide)
    assert np.array_equal(predictor.finished(passed, photo).depth, expected)
