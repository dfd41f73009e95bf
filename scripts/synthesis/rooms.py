"""Furnished rooms: living, bed, kitchen, bath, office, corridor, class room, store."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from scripts.synthesis import furnishing as furnish
from scripts.synthesis import materials as paint
from scripts.synthesis.catalog import Catalog
from scripts.synthesis.clutter import Clutter
from scripts.synthesis.furniture import Room
from scripts.synthesis.layout import Shell
from scripts.synthesis.lights import area_light, lamp_colour, point_light, surroundings
from scripts.synthesis.models import ModelStore
from scripts.synthesis.outside import build_outside
from scripts.synthesis.shell import build_shell


def build_room(rng: random.Random, store: ModelStore, catalog: Catalog) -> tuple[str, Shell]:
    """Builds a room of a random kind into the empty scene; returns its kind and shell."""
    kind = rng.choices(tuple(_KINDS), [weight for weight, *_ in _KINDS.values()])[0]
    _, wide, deep, high, options, furnish = _KINDS[kind]
    shell = build_shell(rng, rng.uniform(*wide), rng.uniform(*deep), rng.uniform(*high), **options)
    room = Room(rng, shell, store, catalog, Clutter(rng, store, catalog))
    furnish(room)
    room.clutter.outlets(shell, rng.randint(1, 5))
    if rng.random() < 0.25 and kind != "bath":
        room.open("person")
    if rng.random() < 0.06:
        room.open("pet")
    room.clutter.mesh.build()
    _lamps(room, bool(options.get("office")))
    build_outside(rng, shell)
    surroundings(
        rng,
        seen=rng.uniform(1.5, 6) if shell.day else 0.3,
        fill=rng.uniform(0.05, 0.4),
        day=shell.day,
    )
    return kind, shell


def _lamps(room: Room, office: bool) -> None:
    """Ceiling lights, table and floor lamps; at night they are all there is."""
    rng, shell = room.rng, room.shell
    area = shell.plan.width * shell.plan.depth
    lit = 0.55 if shell.day else 1.0
    colour = lamp_colour(rng)
    if not office and shell.day and rng.random() < 0.3:
        return
    power = rng.uniform(2.5, 8) * area * lit
    count = max(1, round(area / 9)) if office else rng.choice((1, 1, 2, 3))
    mesh = room.clutter.mesh.__class__("lamps")
    bright = paint.glow((*colour, 1.0), rng.uniform(4, 14))
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
    "kitchen": (2.5, (2.2, 5.0), (2.5, 5.5), (2.3, 2.8), {}, furnish.kitchen),
    "bath": (
        1.3,
        (1.7, 3.2),
        (1.9, 3.5),
        (2.2, 2.7),
        {"windows": 0.25, "floor_style": "tile"},
        furnish.bathroom,
    ),
    "office": (2.0, (2.8, 8.0), (3.0, 9.0), (2.4, 3.0), {"office": True}, furnish.office),
    "corridor": (0.7, (1.3, 2.4), (4.5, 12.0), (2.3, 2.9), {"windows": 0.15}, furnish.corridor),
    "class": (
        1.0,
        (5.0, 8.5),
        (5.5, 9.5),
        (2.6, 3.4),
        {"office": True, "windows": 0.7},
        furnish.class_room,
    ),
    "store": (1.5, (4.0, 9.0), (5.0, 12.0), (2.5, 4.0), {"windows": 0.35}, furnish.store_room),
}
