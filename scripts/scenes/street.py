"""A quiet street with parked cars, seen from 1.65 m above the road, 78 m deep."""

from __future__ import annotations

import numpy as np

from scripts.scenes.render import Camera, Light, Scene
from scripts.scenes.shapes import Array, Box, Cylinder, Ellipsoid, Material, Shape
from scripts.scenes.textures import bricks, facade, foliage, linear, noise, plain, surface_uv

FLOOR = 1.65  # metres from the camera down to the road
END = 78.0
KERB, PAVEMENT = 4.6, 7.4  # metres from the middle of the road to the kerb and to the houses
CAMERA = Camera(width=1024, height=448, focal=700.0, pitch=2.0, position=(0.9, 0.0, 0.0))


def build() -> Scene:
    """The street at noon."""
    sun = Light((-45.0, -70.0, 15.0), linear(255, 244, 225) * 2.3, far=True, spread=(2, 2, 2))
    return Scene(
        shapes=[*_ground(), *_houses(), *_cars(), *_lamps(), *_trees(), *_small_things()],
        lights=[sun],
        ambient=linear(200, 215, 240) * 0.85,
        sky=(linear(222, 232, 242), linear(110, 165, 235)),
        reach=3.0,
        exposure=0.95,
        haze=420.0,
    )


def _on_road(x: float, height: float, z: float, lift: float = 0.0) -> tuple[float, float, float]:
    return x, FLOOR - lift - height / 2, z


def _asphalt(points: Array, normals: Array) -> Array:
    u, v = surface_uv(points, normals)
    v = v + END / 2  # from the box's middle to the camera
    grey = linear(104, 104, 108) * (0.75 + 0.5 * noise(u * 14, v * 14, 2))[:, None]
    worn = 0.9 + 0.2 * noise(u * 0.5, v * 0.12, 6)
    dash = (np.abs(u) < 0.07) & (np.mod(v, 6.0) < 3.0)
    edge = np.abs(np.abs(u) - 2.35) < 0.05
    paint = linear(225, 225, 220) * (0.8 + 0.3 * noise(u * 20, v * 20, 9))[:, None]
    return np.where((dash | edge)[:, None], paint, grey * worn[:, None])


def _paving(points: Array, normals: Array) -> Array:
    u, v = surface_uv(points, normals)
    slab = (np.mod(u, 0.6) < 0.02) | (np.mod(v, 0.6) < 0.02)
    tone = linear(172, 168, 160) * (0.8 + 0.35 * noise(u * 8, v * 8, 3))[:, None]
    return np.where(slab[:, None], tone * 0.6, tone)


def _ground() -> list[Shape]:
    far = plain(linear(120, 128, 110), 0.2, 0.4)
    middle = END / 2
    walk = PAVEMENT - KERB
    shapes: list[Shape] = [
        Box((0, FLOOR + 0.1, middle), (2 * KERB, 0.2, END + 20), _asphalt),
        Box(
            (0, FLOOR - 4.5, END + 4),
            (60, 9, 1),
            bricks(linear(150, 92, 74), linear(170, 165, 158)),
        ),
        Box((0, FLOOR + 0.3, middle), (80, 0.2, END + 40), far),
    ]
    for side in (-1, 1):
        x = side * (KERB + walk / 2)
        shapes.append(Box((x, FLOOR, middle), (walk, 0.28, END + 20), _paving))
        stone = plain(linear(188, 186, 180), 0.15)
        shapes.append(Box((side * (KERB - 0.06), FLOOR, middle), (0.14, 0.26, END + 20), stone))
    return shapes


def _houses() -> list[Shape]:
    glass, frame = linear(70, 88, 105), linear(238, 236, 230)
    mortar = linear(185, 180, 170)
    walls: list[Material] = [
        bricks(linear(150, 78, 60), mortar),
        plain(linear(226, 205, 165), 0.08, 2.0),
        bricks(linear(172, 120, 88), mortar),
        plain(linear(200, 212, 205), 0.08, 2.0),
        plain(linear(235, 228, 215), 0.08, 2.0),
    ]
    roof = bricks(linear(118, 66, 56), linear(80, 50, 45), 0.3, 0.25)
    shapes: list[Shape] = []
    for side, first, widths in (
        (-1, 3.0, (11, 9, 13, 8, 12, 10, 14)),
        (1, 0.0, (9, 12, 8, 14, 9, 12, 13)),
    ):
        z = first
        for i, width in enumerate(widths):
            tall = 6.6 + 1.7 * ((i * 5 + (side > 0) * 3) % 4)
            back = 0.35 * ((i * 3 + side) % 3)
            wall = facade(
                walls[(2 * i + side + 1) % 5], glass, frame, (width / round(width / 2.9), 2.9)
            )
            x = side * (PAVEMENT + 4 + back)
            middle = z + width / 2
            shapes.append(Box((x, FLOOR - tall / 2, middle), (8, tall, width - 0.02), wall))
            shapes.append(Box((x, FLOOR - tall - 0.12, middle), (8.5, 0.24, width), roof))
            door = plain(linear(60 + 40 * (i % 3), 78, 60 + 30 * (i % 2)), 0.05)
            face = side * (PAVEMENT + back - 0.03)
            shapes.append(Box(_on_road(face, 2.2, z + 1.5, 0.14), (0.12, 2.2, 1.05), door))
            z += width
    return shapes


def _car(x: float, z: float, colour: Array, long: float = 4.3) -> list[Shape]:
    """A parked car as a few boxes and wheels; `long` along z."""
    paint = plain(colour, 0.03, 2.0)
    rubber = plain(linear(38, 38, 40), 0.1)
    lights = plain(linear(190, 40, 35), 0.02)
    parts: list[Shape] = [
        Box(_on_road(x, 0.55, z, 0.28), (1.72, 0.55, long), paint),
        Box(_on_road(x, 0.10, z, 0.22), (1.66, 0.10, long + 0.12), rubber),
        Ellipsoid((x, FLOOR - 0.83, z + 0.1), (1.66, 1.26, long * 0.74), _cabin(colour)),
        Box(_on_road(x, 0.12, z - long / 2, 0.62), (1.6, 0.12, 0.04), lights),
        Box(_on_road(x, 0.12, z - long / 2, 0.42), (0.5, 0.12, 0.04), plain(linear(235, 235, 225))),
    ]
    for a in (-0.76, 0.76):
        for b in (-0.3, 0.3):
            parts.append(Ellipsoid((x + a, FLOOR - 0.31, z + b * long), (0.24, 0.62, 0.62), rubber))
    return parts


def _cabin(colour: Array) -> Material:
    """Roof and pillars in the car's colour, windows between them."""

    def material(points: Array, normals: Array) -> Array:
        roof = points[:, 1] < -0.47
        pillar = (np.abs(points[:, 0]) > 0.56) & (np.abs(points[:, 2]) > 0.9)
        middle = np.abs(points[:, 2]) < 0.05
        body = (roof | pillar | middle)[:, None]
        sheen = 0.8 + 0.5 * noise(points[:, 0] * 2, points[:, 1] * 3, 51)
        return np.where(body, colour, linear(58, 70, 82) * sheen[:, None])

    return material


def _cars() -> list[Shape]:
    return [
        *_car(3.55, 9.0, linear(165, 40, 42)),
        *_car(3.5, 15.2, linear(215, 215, 212), 4.5),
        *_car(3.55, 27.0, linear(48, 74, 120)),
        *_car(3.5, 45.0, linear(90, 95, 98), 4.6),
        *_car(-3.5, 12.5, linear(40, 85, 75), 4.1),
        *_car(-3.55, 22.0, linear(205, 165, 60), 4.2),
        *_car(-3.5, 36.0, linear(200, 202, 205), 4.5),
        *_car(-1.1, 32.0, linear(60, 60, 66), 4.4),
    ]


def _lamps() -> list[Shape]:
    steel = plain(linear(78, 86, 84), 0.04)
    shapes: list[Shape] = []
    for i in range(4):
        z, side = 11.0 + 17.0 * i, 1 if i % 2 else -1
        x = side * (KERB + 0.45)
        shapes += [
            Cylinder(_on_road(x, 5.2, z, 0.14), (0.13, 5.2, 0.13), steel),
            Box((x - side * 0.45, FLOOR - 5.34, z), (1.1, 0.07, 0.10), steel),
            Ellipsoid(
                (x - side * 0.9, FLOOR - 5.28, z), (0.5, 0.16, 0.24), plain(linear(235, 235, 225))
            ),
        ]
    return shapes


def _trees() -> list[Shape]:
    bark = plain(linear(92, 74, 56), 0.4, 14.0)
    shapes: list[Shape] = []
    for i, (side, z) in enumerate(((1, 20.5), (-1, 17.5), (1, 36.0), (-1, 44.0), (1, 58.0))):
        x, leaf = side * (KERB + 0.8), foliage(linear(96, 135, 62), 41 + i)
        shapes.append(Cylinder(_on_road(x, 2.7, z, 0.14), (0.26, 2.7, 0.26), bark))
        for a, b, c, size in ((0, 0, 0, 2.3), (0.6, 0.5, 0.4, 1.6), (-0.6, 0.4, -0.5, 1.7)):
            place = (x + a, FLOOR - 3.7 + b, z + c)
            shapes.append(Ellipsoid(place, (size, 0.9 * size, size), leaf))
    return shapes


def _small_things() -> list[Shape]:
    green = plain(linear(52, 88, 66), 0.05)
    red = plain(linear(176, 44, 40), 0.03)
    return [
        Box(_on_road(-5.35, 1.1, 8.6, 0.14), (0.6, 1.1, 0.6), green),
        Cylinder(_on_road(5.5, 0.95, 12.0, 0.14), (0.42, 0.95, 0.42), red),
        Box(_on_road(5.9, 0.46, 7.0, 0.14), (0.5, 0.08, 1.6), plain(linear(140, 98, 60), 0.2, 20)),
        Box(_on_road(5.9, 0.40, 6.5, 0.14), (0.4, 0.40, 0.06), green),
        Box(_on_road(5.9, 0.40, 7.5, 0.14), (0.4, 0.40, 0.06), green),
    ]
