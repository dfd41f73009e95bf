"""A living room: 5.2 x 5.6 m, 2.6 m high, seen from 1.45 m above the floor."""

from __future__ import annotations

import numpy as np

from scripts.scenes.render import Camera, Light, Scene
from scripts.scenes.shapes import Box, Cylinder, Ellipsoid, Material, Shape
from scripts.scenes.textures import (
    books,
    linear,
    painting,
    panes,
    plain,
    planks,
    rug,
    wallpaper,
)

FLOOR, CEILING = 1.45, -1.15  # metres below and above the camera
LEFT, RIGHT, BACK, FRONT = -2.6, 2.6, 4.9, -0.7
CAMERA = Camera(width=1024, height=768, focal=820.0, yaw=2.0, pitch=10.0)  # 64 degrees across


def build() -> Scene:
    """The furnished room with its window and lamp."""
    return Scene(
        shapes=[*_shell(), *_sofa(), *_table(), *_shelf(), *_lamp(), *_small_things()],
        lights=[
            Light((-2.35, -0.15, 2.9), linear(255, 248, 235) * 4.2, spread=(0, 1.3, 1.4)),
            Light((1.12, -0.13, 4.3), linear(255, 190, 120) * 0.8, spread=(0.2, 0.2, 0.2)),
            Light((0.4, -1.05, 0.2), linear(255, 246, 235) * 1.5, spread=(0.6, 0, 0.6)),
        ],
        ambient=linear(225, 222, 220) * 0.42,
        exposure=1.15,
    )


def _on_floor(x: float, height: float, z: float) -> tuple[float, float, float]:
    """The centre of something of that height that stands on the floor."""
    return x, FLOOR - height / 2, z


def _shell() -> list[Shape]:
    thick, tall = 0.2, FLOOR - CEILING
    middle, depth = (BACK + FRONT) / 2, BACK - FRONT
    y = (FLOOR + CEILING) / 2
    paint = plain(linear(236, 232, 222), 0.02)
    paper = wallpaper(linear(196, 205, 196), linear(150, 170, 162))
    wide = RIGHT - LEFT
    skirting = plain(linear(245, 243, 238), 0.02)
    sky = panes(linear(190, 215, 245) * 2.2, linear(245, 245, 242), 2, 3, (1.5, 1.4))
    return [
        Box((0, FLOOR + thick / 2, middle), (wide, thick, depth), planks(linear(176, 126, 78))),
        Box((0, CEILING - thick / 2, middle), (wide, thick, depth), paint),
        Box((LEFT - thick / 2, y, middle), (thick, tall, depth), paint),
        Box((RIGHT + thick / 2, y, middle), (thick, tall, depth), paint),
        Box((0, y, BACK + thick / 2), (wide, tall, thick), paper),
        Box((0, y, FRONT - thick / 2), (wide, tall, thick), paint),
        Box((0, FLOOR - 0.05, BACK - 0.01), (wide, 0.1, 0.02), skirting),
        Box((LEFT + 0.01, FLOOR - 0.05, middle), (0.02, 0.1, depth), skirting),
        Box((RIGHT - 0.01, FLOOR - 0.05, middle), (0.02, 0.1, depth), skirting),
        Box((LEFT + 0.01, -0.15, 2.9), (0.02, 1.4, 1.5), sky, glow=0.9),
        Box((LEFT + 0.06, 0.58, 2.9), (0.12, 0.04, 1.7), skirting),
        Box((-0.35, -0.2, BACK - 0.02), (1.5, 0.95, 0.04), painting(1.5, 0.95)),
        Box((-0.4, FLOOR - 0.006, 2.75), (2.5, 0.012, 1.7), _rug()),
    ]


def _rug() -> Material:
    return rug(linear(150, 60, 50), linear(225, 205, 170), (1.25, 0.85))


def _sofa() -> list[Shape]:
    cloth = plain(linear(62, 92, 118), 0.14, 70.0, 3)
    x, z = -0.35, 4.3
    seats = [
        Box((x + side * 0.46, FLOOR - 0.44, z - 0.05), (0.88, 0.14, 0.72), cloth)
        for side in (-1, 1)
    ]
    return [
        Box(_on_floor(x, 0.38, z), (1.9, 0.38, 0.8), cloth),
        Box((x, FLOOR - 0.62, z + 0.36), (1.9, 0.6, 0.18), cloth),
        Box((x - 1.02, FLOOR - 0.31, z), (0.18, 0.62, 0.84), cloth),
        Box((x + 1.02, FLOOR - 0.31, z), (0.18, 0.62, 0.84), cloth),
        *seats,
        Ellipsoid((x - 0.62, FLOOR - 0.68, z + 0.17), (0.46, 0.42, 0.24), _cushion(), 12),
        Ellipsoid((x + 0.66, FLOOR - 0.68, z + 0.17), (0.44, 0.42, 0.24), _cushion(), -14),
    ]


def _cushion() -> Material:
    return wallpaper(linear(222, 170, 70), linear(250, 235, 200), 0.11)


def _table() -> list[Shape]:
    wood = planks(linear(120, 76, 42), 0.2, 3.0, 9)
    x, z, yaw = -0.35, 2.7, 14.0
    c, s = np.cos(np.deg2rad(yaw)), np.sin(np.deg2rad(yaw))
    legs: list[Shape] = []
    for a in (-0.46, 0.46):
        for b in (-0.22, 0.22):
            place = _on_floor(x + c * a + s * b, 0.38, z - s * a + c * b)
            legs.append(Cylinder(place, (0.05, 0.38, 0.05), wood))
    cover = plain(linear(190, 70, 60), 0.05)
    paper = plain(linear(235, 230, 215), 0.03)
    mug = plain(linear(240, 240, 235), 0.02)
    return [
        Box((x, FLOOR - 0.40, z), (1.1, 0.045, 0.62), wood, yaw),
        *legs,
        Box((x - 0.22, FLOOR - 0.441, z + 0.06), (0.24, 0.035, 0.32), cover, 40),
        Box((x - 0.22, FLOOR - 0.474, z + 0.06), (0.20, 0.03, 0.27), paper, 22),
        Cylinder((x + 0.26, FLOOR - 0.473, z - 0.08), (0.085, 0.10, 0.085), mug),
        Cylinder((x + 0.05, FLOOR - 0.50, z + 0.14), (0.13, 0.155, 0.13), _vase()),
        Ellipsoid((x + 0.05, FLOOR - 0.68, z + 0.14), (0.30, 0.26, 0.30), _leaves()),
    ]


def _vase() -> Material:
    return plain(linear(90, 130, 150), 0.05)


def _leaves() -> Material:
    return plain(linear(78, 125, 62), 0.9, 26.0, 14)


def _shelf() -> list[Shape]:
    wood = planks(linear(150, 104, 62), 0.3, 4.0, 12)
    x, z, width, depth, tall = 1.98, BACK - 0.2, 1.0, 0.34, 1.9
    colours = np.stack(
        [
            linear(150, 50, 45),
            linear(45, 70, 110),
            linear(215, 190, 130),
            linear(60, 95, 70),
            linear(95, 70, 110),
            linear(225, 220, 210),
        ]
    )
    middle = FLOOR - tall / 2
    shapes: list[Shape] = [
        Box((x, middle, z + depth / 2), (width, tall, 0.02), wood),
        Box((x - width / 2, middle, z), (0.03, tall, depth), wood),
        Box((x + width / 2, middle, z), (0.03, tall, depth), wood),
    ]
    for level in range(5):
        y = FLOOR - 0.05 - level * 0.46
        shapes.append(Box((x, y, z), (width, 0.03, depth), wood))
        if level < 4:
            tallness, length = 0.30 - 0.03 * (level % 3), 0.80 - 0.15 * (level % 3)
            place = (x + 0.06 * (level - 1.5), y - 0.015 - tallness / 2, z - 0.02)
            shapes.append(Box(place, (length, tallness, 0.2), books(colours, 0.045, 8 + level)))
    return shapes


def _lamp() -> list[Shape]:
    metal = plain(linear(60, 58, 55), 0.03)
    shade = plain(linear(255, 222, 170), 0.03)
    x, z = 1.12, 4.3
    return [
        Cylinder(_on_floor(x, 0.03, z), (0.3, 0.03, 0.3), metal),
        Cylinder(_on_floor(x, 1.5, z), (0.03, 1.5, 0.03), metal),
        Cylinder((x, FLOOR - 1.58, z), (0.40, 0.30, 0.40), shade, glow=1.1),
    ]


def _small_things() -> list[Shape]:
    pot = plain(linear(180, 98, 62), 0.06)
    wicker = wallpaper(linear(170, 130, 80), linear(110, 80, 45), 0.05)
    ball = wallpaper(linear(235, 235, 230), linear(200, 50, 45), 0.13)
    leaf = _leaves()
    return [
        Cylinder(_on_floor(-2.15, 0.36, 4.35), (0.40, 0.36, 0.40), pot),
        Cylinder((-2.15, FLOOR - 0.6, 4.35), (0.04, 0.5, 0.04), plain(linear(90, 65, 40))),
        Ellipsoid((-2.15, FLOOR - 1.15, 4.35), (0.75, 0.95, 0.7), leaf),
        Ellipsoid((-1.95, FLOOR - 0.85, 4.2), (0.5, 0.4, 0.45), leaf),
        Cylinder(_on_floor(1.5, 0.34, 3.2), (0.42, 0.34, 0.42), wicker),
        Ellipsoid(_on_floor(1.05, 0.22, 2.75), (0.22, 0.22, 0.22), ball, 30),
        Box(
            _on_floor(-1.75, 0.42, 3.05), (0.55, 0.42, 0.55), plain(linear(205, 190, 165), 0.1), 24
        ),
    ]
