"""Furnished rooms: living, bed, dining, kitchen, bath, office, corridor, class room, store."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from scripts.synthesis import furnishing as furnish
from scripts.synthesis import materials as paint
from scripts.synthesis.catalog import Catalog
from scripts.synthesis.clutter import Clutter
from scripts.synthesis.furniture import Room
from scripts.synthesis.layout import THICK, Shell
from scripts.synthesis.lights import area_light, lamp_colour, point_light, surroundings
from scripts.synthesis.models import ModelStore
from scripts.synthesis.outside import build_outside
from scripts.synthesis.shell import build_shell


def build_room(rng: random.Random, store: ModelStore, catalog: Catalog) -> tuple[str, Shell]:
    """Builds a room of a random kind into the empty scene; returns its kind and shell."""
    kind = rng.choices(tuple(_KINDS), [weight for weight, *_ in _KINDS.values()])[0]
    _, wide, deep, high, options, furnish = _KINDS[kind]
    if kind == "bath" and rng.random() < 0.45:
        options = {**options, "wall_style": "tile"}
    shell = build_shell(rng, rng.uniform(*wide), rng.uniform(*deep), rng.uniform(*high), **options)
    room = Room(rng, shell, store, catalog, Clutter(rng, store, catalog))
    furnish(room)
    room.clutter.outlets(shell, rng.randint(1, 5))
    if rng.random() < 0.25 and kind != "bath":
        room.open("person")
    if rng.random() < 0.06:
        room.open("pet")
    _next_rooms(room)
    room.clutter.mesh.build()
    _lamps(room, bool(options.get("office")))
    build_outside(rng, shell)
    surroundings(
        rng,
        seen=rng.lognormvariate(1.5, 0.7) if shell.day else 0.3,
        fill=rng.uniform(0.02, 0.3),
        day=shell.day,
    )
    return kind, shell


def _next_rooms(room: Room) -> None:
    """Furniture in the rooms that open doors show."""
    rng, shell = room.rng, room.shell
    groups = ("sofa", "armchair", "storage", "storage", "table", "chair", "plant", "bed", "desk")
    for side, start, end, deep in shell.beyond:
        placed: list[tuple[float, float, float]] = []
        for _ in range(rng.randint(1, 7)):
            model = room.pick(rng.choice(groups), 2.4)
            radius = max(model.size[:2]) / 2
            if end - start < 2 * radius + 0.2 or deep < 2 * radius + 0.8:
                continue
            along = rng.uniform(start + radius, end - radius)
            back = model.size[1] / 2 + 0.03  # most stand against the far wall
            away = -deep + (back if rng.random() < 0.6 else rng.uniform(radius, deep - 0.7))
            if any(math.hypot(along - a, away - b) < radius + r for a, b, r in placed):
                continue
            placed.append((along, away, radius))
            x, y, _ = shell.frame(side, along, away - THICK, 0)
            room.store.place(model, x, y, shell.yaw(side), 0.0)


def _lamps(room: Room, office: bool) -> None:
    """What hangs from the ceiling, in rows of small spots now and then."""
    rng, shell = room.rng, room.shell
    area = shell.plan.width * shell.plan.depth
    lit = 0.55 if shell.day else 1.0
    colour = lamp_colour(rng)
    # By day the window may be all there is, in the evening a lamp on a table.
    if not office and rng.random() < (0.4 if shell.day else 0.15):
        return
    power = rng.uniform(2.5, 8) * area * lit
    count = max(1, round(area / 9)) if office else rng.choice((1, 1, 2, 3))
    mesh = room.clutter.mesh.__class__("lamps")
    bright = paint.glow((*colour, 1.0), rng.uniform(4, 14))
    if not office and rng.random() < 0.25:
        along, across = (max(1, round(s / 1.5)) for s in (shell.plan.width, shell.plan.depth))
        for i in range(along):
            for j in range(across):
                x = shell.plan.width * (i + 0.5) / along
                y = shell.plan.depth * (j + 0.5) / across
                mesh.cylinder((x, y, shell.height - 0.012), 0.06, 0.01, bright)
                watts = power / along / across
                area_light((x, y, shell.height - 0.02), None, (0.1, 0.1), watts, colour)
        count = 0
    for k in range(count):
        x = (
            shell.plan.width * (k + 0.5) / count
            if office
            else rng.uniform(0.6, shell.plan.width - 0.6)
        )
        y = shell.plan.depth * rng.uniform(0.3, 0.7)
        if office:
            mesh.box((x, y, shell.height - 0.004), (0.3, 1.2, 0.008), bright)
            area_light((x, y, shell.height - 0.02), None, (0.3, 1.2), power / count, colour)
        elif rng.random() < 0.5:
            model = room.pick("hanging lamp")
            foot = shell.height - model.size[2]
            room.store.place(model, x, y, 0.0, foot)
            point_light((x, y, foot - 0.08), power / count, colour)
        else:
            mesh.cylinder((x, y, shell.height - 0.09), 0.16, 0.09, bright, 0.2, 16)
            point_light((x, y, shell.height - 0.2), power / count, colour)
    mesh.build()


_HOME = ((2.8, 6.5), (3.0, 7.0), (2.3, 2.9))
Kind = tuple[
    float,
    tuple[float, float],
    tuple[float, float],
    tuple[float, float],
    dict[str, Any],
    Callable[[Room], None],
]
_KINDS: dict[str, Kind] = {
    "living": (3.0, *_HOME, {}, furnish.living_room),
    "bed": (3.0, (2.6, 5.0), (2.8, 5.5), (2.3, 2.8), {}, furnish.bedroom),
    "dining": (1.5, (3.0, 6.5), (3.0, 6.5), (2.3, 3.0), {}, furnish.dining_room),
    "kitchen": (3.0, (2.2, 5.0), (2.5, 5.5), (2.3, 2.8), {}, furnish.kitchen),
    "bath": (
        1.3,
        (1.7, 3.2),
        (1.9, 3.5),
        (2.2, 2.7),
        {"windows": 0.25, "floor_style": "tile"},
        furnish.bathroom,
    ),
    "office": (2.0, (2.8, 8.0), (3.0, 9.0), (2.4, 3.0), {"office": True}, furnish.office),
    "corridor": (0.7, (1.2, 2.4), (4.5, 18.0), (2.3, 2.9), {"windows": 0.15}, furnish.corridor),
    "class": (
        1.0,
        (5.0, 8.5),
        (5.5, 9.5),
        (2.6, 3.4),
        {"office": True, "windows": 0.7},
        furnish.class_room,
    ),
    "store": (1.5, (4.0, 12.0), (5.0, 18.0), (2.5, 4.5), {"windows": 0.35}, furnish.store_room),
}
