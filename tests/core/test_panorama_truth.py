"""A shipped model's panorama of a room whose distances are known by formula."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.panorama import measured
from core.predictor import load_predictor

Map = NDArray[np.float64]

HEIGHT = 400
EYE = np.array([1.9, -1.45, 2.0])  # metres: x right, y down from the floor, z ahead
ROOM = np.array([[0.0, -2.5, 0.0], [4.2, 0.0, 5.0]])
THINGS = [  # two corners, and a colour: a bed, a table, a wardrobe, a shelf
    ((2.4, -0.5, 2.9), (4.2, 0.0, 4.9), (150, 160, 190)),
    ((0.2, -0.75, 3.6), (1.4, 0.0, 4.3), (130, 90, 55)),
    ((0.0, -2.0, 0.0), (0.6, 0.0, 1.6), (185, 165, 140)),
    ((2.8, -1.1, 0.0), (4.0, 0.0, 0.4), (110, 75, 45)),
]
LAMP = np.array([2.1, -2.3, 2.5])


def directions(height: int) -> Map:
    """(H, 2 H, 3) unit vectors of an equirectangular picture, the middle looking ahead."""
    down = (np.arange(height)[:, None] + 0.5) * np.pi / height - np.pi / 2
    around = (np.arange(2 * height) + 0.5) * np.pi / height - np.pi
    flat = np.cos(down)
    y = np.broadcast_to(np.sin(down), (height, 2 * height))
    return np.stack((flat * np.sin(around), y, flat * np.cos(around)), axis=-1)


def furnished(height: int = HEIGHT) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A picture of the room, (H, 2 H, 3), and the distance along every ray, metres."""
    rays = directions(height)
    distance, axis = hit(rays, ROOM, inside=True)
    colour = walls(EYE + distance[..., None] * rays, axis)
    for low, high, paint in THINGS:
        near, side = hit(rays, np.array([low, high]), inside=False)
        closer = near < distance
        distance, axis = np.where(closer, near, distance), np.where(closer, side, axis)
        colour[closer] = paint
    place = EYE + distance[..., None] * rays
    towards = LAMP - place
    away = np.linalg.norm(towards, axis=-1)
    facing = np.abs(np.take_along_axis(towards, axis[..., None], -1)[..., 0]) / away
    grain = np.random.default_rng(0).normal(0, 3, colour.shape)
    light = 0.45 + 1.1 * facing / (1 + 0.25 * away**2)
    rgb = np.clip(colour * light[..., None] + grain, 0, 255).astype(np.uint8)
    return rgb, distance.astype(np.float32)


def hit(rays: Map, box: Map, *, inside: bool) -> tuple[Map, NDArray[np.intp]]:
    """Distance to a box along every ray (infinite where it is missed), and the face's axis."""
    with np.errstate(divide="ignore"):
        ends = np.sort((box[:, None, None] - EYE) / rays, axis=0)
    first, last = ends[0].max(axis=-1), ends[1].min(axis=-1)
    if inside:
        return last, ends[1].argmin(axis=-1)
    return np.where((first < last) & (first > 0), first, np.inf), ends[0].argmax(axis=-1)


def walls(place: Map, axis: NDArray[np.intp]) -> Map:
    """Boards on the floor, a plain ceiling, a door, a window and pictures on the walls."""
    x, y, z = np.moveaxis(place, -1, 0)
    boards = np.array([165, 120, 80]) * (0.85 + 0.15 * np.sin(37 * np.floor(z / 0.14)))[..., None]
    boards[(z % 0.14 < 0.008) | ((x + 0.5 * np.floor(z / 0.14)) % 1.3 < 0.008)] *= 0.5
    along = np.where(axis == 0, z, x)
    plain = np.array([222, 214, 200.0]) * np.ones((*y.shape, 1))
    plain[(y > -0.1)] = 235  # skirting
    door = (axis == 2) & (z < 1) & (along > 1.2) & (along < 2.1) & (y > -2.02)
    plain[door] = (150, 110, 75)
    window = (axis == 2) & (z > 1) & (along > 1.2) & (along < 2.9) & (y > -2.1) & (y < -0.95)
    plain[window] = (245, 250, 255)
    frames = (axis == 0) & ((along + 0.4) % 1.5 < 0.6) & (y > -1.9) & (y < -1.3)
    plain[frames] = (70, 95, 120)
    flat = axis[..., None] == 1
    return np.where(flat & (y[..., None] > -0.1), boards, np.where(flat, 240.0, plain))


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = Path(tmp_path_factory.mktemp("room")) / "room.jpg"
    rgb, distance = furnished()
    Image.fromarray(rgb).save(path, quality=92)
    np.save(path.with_suffix(".npy"), distance)
    return measured(load_predictor("lite-indoor"), path)


def test_the_room_is_as_its_formula_says() -> None:
    _, distance = furnished(180)
    assert distance[-1].mean() == pytest.approx(-EYE[1], rel=0.01)  # straight down
    assert distance[0].mean() == pytest.approx(2.5 + EYE[1], rel=0.01)
    assert distance[89:91, 0].mean() == pytest.approx(2.0, rel=0.01)  # behind: the door's wall
    assert distance[89:91, 90].mean() == pytest.approx(1.9, rel=0.01)  # left


def test_a_shipped_models_panorama_is_right_round_the_horizon(figures: dict[str, Any]) -> None:
    """And no further off above and below than documented: the models know few ceilings."""
    assert figures["horizon"]["scaled_abs_rel"] < 0.1
    assert figures["all"]["scaled_abs_rel"] < 0.25
    assert (
        figures["horizon"]["scaled_abs_rel"] < figures["horizon_without_joining"]["scaled_abs_rel"]
    )
    assert figures["step_at_borders"] < 1.3 * figures["step_elsewhere"] + 0.005
