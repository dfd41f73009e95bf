"""Close-ups: things on a table or shelf at arm's length, from a hand-held camera."""

from __future__ import annotations

import math
import random

from scripts.synthesis import materials as paint
from scripts.synthesis.catalog import Catalog
from scripts.synthesis.clutter import Clutter
from scripts.synthesis.layout import Spot
from scripts.synthesis.lights import area_light, lamp_colour, point_light, surroundings
from scripts.synthesis.meshes import MeshBuilder
from scripts.synthesis.models import ModelStore
from scripts.synthesis.render import View

_GROUPS = [
    "food",
    "food",
    "desk thing",
    "kitchen thing",
    "toy",
    "small plant",
    "clothes",
    "bath thing",
]


def build_closeup(rng: random.Random, store: ModelStore, catalog: Catalog) -> tuple[float, float]:
    """Builds a laid table before a wall; returns its size, metres (top at height 0)."""
    wide, deep = rng.uniform(0.7, 1.8), rng.uniform(0.5, 1.0)
    mesh, clutter = MeshBuilder("shell"), Clutter(rng, store, catalog)
    top = rng.choice((paint.wood, paint.wood, paint.cloth))(rng)
    mesh.box((0, 0, -0.02), (wide, deep, 0.04), top)
    back = deep / 2 + rng.choice((0.02, rng.uniform(0.1, 2.5)))
    ground, wall = paint.floor(rng), paint.wall(rng)
    mesh.quad([(-4, -3, -0.75), (4, -3, -0.75), (4, back, -0.75), (-4, back, -0.75)], ground)
    mesh.quad([(-4, back, -0.75), (4, back, -0.75), (4, back, 1.9), (-4, back, 1.9)], wall)
    for x in (-4, 4):
        mesh.quad([(x, -3, -0.75), (x, back, -0.75), (x, back, 1.9), (x, -3, 1.9)], wall)
    white = paint.plain((0.8, 0.8, 0.78, 1), 0.9)
    mesh.quad([(-4, -3, 1.9), (4, -3, 1.9), (4, back, 1.9), (-4, back, 1.9)], white)
    mesh.quad([(-4, -3, -0.75), (4, -3, -0.75), (4, -3, 1.9), (-4, -3, 1.9)], wall)
    clutter.on_top(
        (wide * 0.95, deep * 0.95), 0.0, Spot(0, 0, 0), rng.sample(_GROUPS, 4), rng.randint(25, 60)
    )
    if rng.random() < 0.6:
        clutter.shelf(
            Spot(rng.uniform(-1, 1), back - 0.17, 0),
            (rng.uniform(0.8, 2), 0.3, rng.uniform(0.4, 1.6)),
        )
    for _ in range(rng.randint(0, 4)):
        size = (rng.uniform(0.2, 0.7), 0.02, rng.uniform(0.2, 0.6))
        art = paint.picture(rng, "poster", size[0], size[2])
        spot = (rng.uniform(-1.5, 1.5), back - 0.011, rng.uniform(0.3, 1.2))
        mesh.box(spot, size, clutter.covers[0], 0.0, front=art)
    for side in (-1, 1):
        if rng.random() < 0.6:
            chair = rng.choice(catalog["chair"])
            store.place(
                chair,
                side * (wide / 2 + rng.uniform(0.3, 0.6)),
                rng.uniform(-0.2, 0.5),
                rng.uniform(0, 6),
                -0.75,
            )
    clutter.mesh.build()
    mesh.build()
    colour = lamp_colour(rng)
    if rng.random() < 0.6:
        area_light(
            (rng.uniform(-2, 2), rng.uniform(-2, 0.5), 1.85),
            None,
            (0.5, 0.5),
            rng.uniform(20, 60),
            colour,
        )
    else:
        spot = (rng.choice((-3.8, 3.8)), rng.uniform(-2, 0), 0.6)
        area_light(
            spot,
            math.copysign(math.pi / 2, spot[0]) * -1 if spot[0] < 0 else -math.pi / 2,
            (1.4, 1.2),
            80,
            (0.85, 0.93, 1),
        )
    if rng.random() < 0.35:
        point_light(
            (rng.uniform(-0.6, 0.6), rng.uniform(0, deep / 2), rng.uniform(0.3, 0.6)),
            rng.uniform(1, 5),
            colour,
        )
    surroundings(rng, seen=0.3, fill=rng.uniform(0.05, 0.4), reach=0.8)
    return wide, deep


def closeup_view(rng: random.Random, size: tuple[float, float]) -> View:
    """Looks down at a spot of the table from 0.25 to 1.2 m."""
    goal = (
        rng.uniform(-0.4, 0.4) * size[0],
        rng.uniform(-0.4, 0.4) * size[1],
        rng.uniform(0, 0.12),
    )
    away, down = rng.uniform(0.28, 1.15), rng.uniform(0.15, 1.15)
    around = -math.pi / 2 + rng.gauss(0, 0.5)
    flat = away * math.cos(down)
    position = (
        goal[0] + flat * math.cos(around),
        goal[1] + flat * math.sin(around),
        goal[2] + away * math.sin(down),
    )
    yaw = math.atan2(goal[1] - position[1], goal[0] - position[0]) + rng.gauss(0, 0.08)
    fov = math.radians(rng.choice((63.3, 68.0, rng.uniform(45, 75))))
    return View(position, yaw, -down + rng.gauss(0.03, 0.08), rng.gauss(0, 0.06), fov)
