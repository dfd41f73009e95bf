"""Furnished rooms: living, bed, kitchen, bath, office, corridor, class room, store."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from scripts.synthesis import materials as paint
from scripts.synthesis.catalog import Catalog, Model
from scripts.synthesis.clutter import Clutter
from scripts.synthesis.layout import Spot
from scripts.synthesis.lights import area_light, lamp_colour, point_light, surroundings
from scripts.synthesis.models import ModelStore
from scripts.synthesis.outside import build_outside
from scripts.synthesis.shell import Shell, build_shell


@dataclass
class Room:
    """A room being furnished."""

    rng: random.Random
    shell: Shell
    store: ModelStore
    catalog: Catalog
    clutter: Clutter

    def pick(self, group: str, limit: float = 9.0) -> Model:
        """A model of the group that is not wider than `limit` metres."""
        models = [m for m in self.catalog[group] if max(m.size[:2]) <= limit]
        return self.rng.choice(models or self.catalog[group])

    def wall(self, group: str, things: list[str] | None = None, count: int = 0) -> Spot | None:
        """A model against a wall, with `count` things on top."""
        limit = min(self.shell.plan.width, self.shell.plan.depth) * 0.9
        model = self.pick(group, limit)
        spot = self.shell.plan.against_wall(model.size)
        if spot is not None:
            self.store.place(model, spot.x, spot.y, spot.yaw, 0.0 if model.elevation < 0.3 else None)
            if things and model.size[2] < 1.5:
                size = (model.size[0] * 0.9, model.size[1] * 0.8)
                self.clutter.on_top(size, model.size[2], spot, things, count)
        return spot

    def open(self, group: str, yaw: float | None = None) -> Spot | None:
        """A model in the open."""
        model = self.pick(group)
        spot = self.shell.plan.anywhere(model.size, yaw)
        if spot is not None:
            self.store.place(model, spot.x, spot.y, spot.yaw, 0.0)
        return spot

    def table(self, group: str, seats: str, things: list[str], spot: Spot | None = None) -> None:
        """A table or desk with chairs round it and things on it."""
        rng, plan = self.rng, self.shell.plan
        model, chair = self.pick(group), self.pick(seats)
        if spot is None:
            spot = plan.anywhere(model.size, rng.choice((0, math.pi / 2)) + rng.gauss(0, 0.05))
        if spot is None:
            return
        self.store.place(model, spot.x, spot.y, spot.yaw, 0.0)
        top = model.top if model.top > 0.4 else model.size[2]
        self.clutter.on_top(model.footprint, top, spot, things, rng.randint(2, 9))
        for seat in plan.around(model.size, spot, chair.size[1]):
            if rng.random() < 0.75 and plan.take(chair.size, seat, gap=-0.35):
                self.store.place(chair, seat.x, seat.y, seat.yaw, 0.0)

    def shelves(self, count: int, tall: bool = True) -> None:
        """Open shelves full of books against the walls."""
        for _ in range(count):
            rng = self.rng
            high = rng.uniform(1.3, min(2.3, self.shell.height - 0.1)) if tall else rng.uniform(0.6, 1.1)
            size = (rng.uniform(0.5, 2.2), rng.uniform(0.22, 0.4), high)
            spot = self.shell.plan.against_wall(size)
            if spot is not None:
                self.clutter.shelf(spot, size, rng.uniform(0.55, 0.95))

    def floor(self, groups: list[str], count: int) -> None:
        """Things left standing about: many along walls, some in the way."""
        for _ in range(count):
            model = self.pick(self.rng.choice(groups), 1.6)
            plan = self.shell.plan
            along = self.rng.random() < 0.5
            spot = plan.against_wall(model.size) if along else plan.anywhere(model.size)
            if spot is not None:
                self.store.place(model, spot.x, spot.y, spot.yaw, 0.0)


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


def _living(room: Room) -> None:
    rng, plan = room.rng, room.shell.plan
    sofa = room.wall("sofa")
    if sofa is not None:
        forward = (math.sin(sofa.yaw), -math.cos(sofa.yaw))
        room.clutter.rug(sofa.x + forward[0] * 1.3, sofa.y + forward[1] * 1.3, rng.uniform(1.6, 2.6), rng.uniform(1.2, 1.9), sofa.yaw)
        low = room.pick("coffee table")
        spot = Spot(sofa.x + forward[0] * 1.35, sofa.y + forward[1] * 1.35, sofa.yaw)
        if plan.take(low.size, spot):
            room.store.place(low, spot.x, spot.y, spot.yaw, 0.0)
            room.clutter.on_top(low.footprint, low.size[2], spot, ["food", "desk thing", "small plant"], rng.randint(2, 7))
    for _ in range(rng.randint(0, 3)):
        room.wall("armchair")
    if rng.random() < 0.7:
        stand = room.pick("low storage")
        spot = plan.against_wall(stand.size)
        if spot is not None:
            room.store.place(stand, spot.x, spot.y, spot.yaw, 0.0)
            screen = room.pick("television")
            room.store.place(screen, spot.x, spot.y, spot.yaw, stand.size[2])
    for group, chance in (("fireplace", 0.2), ("piano", 0.15), ("storage", 0.6), ("storage", 0.4), ("floor lamp", 0.4)):
        if rng.random() < chance:
            room.wall(group, ["food", "desk thing", "small plant"], 4)
    room.shelves(rng.choice((0, 1, 1, 2, 3)))
    if plan.width * plan.depth > 16 or rng.random() < 0.4:
        room.table("table", "chair", ["food", "food", "desk thing"])
    room.floor(["plant", "plant", "floor thing", "toy", "stool", "armchair", "clothes"], rng.randint(2, 9))
    room.clutter.on_walls(room.shell, rng.randint(3, 12))


def _bed(room: Room) -> None:
    rng, plan = room.rng, room.shell.plan
    for _ in range(rng.choice((1, 1, 1, 2))):
        model = room.pick("bed")
        spot = plan.against_wall(model.size)
        if spot is None:
            continue
        room.store.place(model, spot.x, spot.y, spot.yaw, 0.0)
        lying = model.top if model.top > 0.2 else model.size[2]
        for side in (-1, 1):
            table = room.pick("bedside")
            away = side * (model.size[0] / 2 + 0.35)
            near = Spot(
                spot.x + math.cos(spot.yaw) * away - math.sin(spot.yaw) * (model.size[1] / 2 - 0.3),
                spot.y + math.sin(spot.yaw) * away + math.cos(spot.yaw) * (model.size[1] / 2 - 0.3),
                spot.yaw,
            )
            if rng.random() < 0.7 and plan.take(table.size, near):
                room.store.place(table, near.x, near.y, near.yaw, 0.0)
                room.store.place(room.pick("table lamp", 0.5), near.x, near.y, 0, table.size[2])
        if model.size[2] < 1.3:
            size = (model.size[0] * 0.7, model.size[1] * 0.5)
            room.clutter.on_top(size, lying, spot, ["clothes", "toy", "desk thing"], rng.randint(0, 4))
            for _ in range(rng.randint(0, 3)):
                room.clutter.cushion(spot.x + rng.gauss(0, 0.25), spot.y + rng.gauss(0, 0.3), lying, rng.uniform(0, 6))
    for _ in range(rng.randint(1, 3)):
        room.wall("storage", ["clothes", "toy", "desk thing", "table lamp"], 5)
    if rng.random() < 0.6:
        room.wall("desk", ["computer", "desk thing", "table lamp"], 6)
        room.open("office chair")
    if rng.random() < 0.5:
        room.clutter.rug(plan.width / 2, plan.depth / 2, rng.uniform(1, 2.2), rng.uniform(0.8, 1.8), rng.gauss(0, 0.3))
    room.shelves(rng.choice((0, 1, 2)), tall=rng.random() < 0.6)
    room.floor(["clothes", "clothes", "toy", "floor thing", "chair", "plant", "stool"], rng.randint(3, 11))
    room.clutter.on_walls(room.shell, rng.randint(2, 10))


def _kitchen(room: Room) -> None:
    rng, plan, shell = room.rng, room.shell.plan, room.shell
    front = paint.wood(rng) if rng.random() < 0.5 else paint.plain(paint.wall_colour(rng), 0.3)
    worktop, metal = paint.floor(rng, "stone"), paint.plain((0.5, 0.5, 0.5, 1), 0.3, 1.0)
    for side in rng.sample(range(4), rng.choice((1, 2, 2, 3))):
        along, length = 0.02, plan.wall_length(side)
        own = rng.random() < 0.5
        while along < length - 0.45:
            model = room.pick("fridge" if rng.random() < 0.12 else "base unit")
            width, deep, high = model.size if not own or model.size[2] > 1.2 else (rng.choice((0.4, 0.6, 0.8)), 0.58, 0.86)
            spot = plan.on_wall(side, along + width / 2, deep / 2 + 0.01)
            blocked = plan.kept(side, along, along + width, min(high, 0.95))
            if along + width > length or blocked or not plan.take((width, deep, high), spot, gap=-0.01):
                along += 0.15
                continue
            if own and high < 1.0:
                z = 0.1 + 0.38
                room.clutter.mesh.box((spot.x, spot.y, 0.05 + 0.4), (width - 0.004, deep, 0.8), front, spot.yaw)
                handle = plan.on_wall(side, along + width / 2, deep + 0.03)
                room.clutter.mesh.box((handle.x, handle.y, z + 0.3), (width * 0.4, 0.02, 0.015), metal, spot.yaw)
                room.clutter.mesh.box((spot.x, spot.y, 0.875), (width, deep + 0.04, 0.035), worktop, spot.yaw)
            else:
                room.store.place(model, spot.x, spot.y, spot.yaw, 0.0)
            if high < 1.0 and rng.random() < 0.75:
                top = 0.893 if own else (model.top or high)
                room.clutter.on_top((width, deep * 0.9), top, spot, ["kitchen thing", "food"], rng.randint(1, 4))
            if rng.random() < 0.65 and not plan.kept(side, along, along + width, 2.2):
                upper = room.pick("wall unit", width + 0.02)
                if upper.size[0] <= width + 0.03 and high < 1.2:
                    hung = plan.on_wall(side, along + width / 2, upper.size[1] / 2 + 0.005)
                    if own:
                        size = (width - 0.004, 0.34, 0.7)
                        room.clutter.mesh.box((hung.x, hung.y, 1.8), size, front, hung.yaw)
                    else:
                        room.store.place(upper, hung.x, hung.y, hung.yaw, 1.45)
            along += width + 0.002
    if plan.width * plan.depth > 9:
        room.table("table", rng.choice(("chair", "stool")), ["food", "food", "kitchen thing"])
    room.wall("storage", ["kitchen thing", "food"], 4)
    room.floor(["floor thing", "stool", "chair", "plant"], rng.randint(1, 5))
    room.clutter.on_walls(shell, rng.randint(1, 6))


def _bath(room: Room) -> None:
    rng = room.rng
    for group in ("bath", "toilet", "washbasin", "toilet"):
        if group != "toilet" or rng.random() < 0.8:
            model = room.pick(group, 1.9)
            spot = room.shell.plan.against_wall(model.size)
            if spot is None:
                continue
            room.store.place(model, spot.x, spot.y, spot.yaw)
            if group == "washbasin":
                if model.size[2] < 1.2:
                    wide, high = rng.uniform(0.4, 0.9), rng.uniform(0.5, 0.9)
                    back = model.size[1] / 2 + 0.01
                    centre = (spot.x - math.sin(spot.yaw) * back, spot.y + math.cos(spot.yaw) * back, 1.5)
                    mirror = paint.plain((0.8, 0.8, 0.8, 1), 0.02, 1.0)
                    room.clutter.mesh.box(centre, (wide, 0.02, high), room.clutter.covers[0], spot.yaw, mirror)
                room.clutter.on_top((0.4, 0.3), model.elevation + (model.top or model.size[2]), spot, ["bath thing"], 3)
    for _ in range(rng.randint(1, 4)):
        room.clutter.on_wall_model(room.shell, room.pick("bath wall"))
    room.clutter.rug(room.shell.plan.width / 2, room.shell.plan.depth / 2, 0.8, 0.5, rng.choice((0, 1.57)))
    room.wall("low storage", ["bath thing", "food"], 4)
    room.floor(["floor thing", "stool", "clothes", "small plant"], rng.randint(2, 6))
    room.clutter.on_walls(room.shell, rng.randint(0, 3))


def _office(room: Room) -> None:
    rng, plan = room.rng, room.shell.plan
    things = ["computer", "desk thing", "desk thing", "food"]
    for _ in range(rng.randint(1, 2 + int(plan.width * plan.depth / 9))):
        desk = room.pick("desk")
        facing = rng.random() < 0.5
        spot = plan.against_wall(desk.size) if facing else plan.anywhere(desk.size, rng.choice((0, 1.571, 3.1416)))
        if spot is None:
            continue
        room.store.place(desk, spot.x, spot.y, spot.yaw, 0.0)
        top = desk.top if desk.top > 0.4 else desk.size[2]
        room.clutter.on_top(desk.footprint, top, spot, things, rng.randint(4, 12))
        chair = room.pick("office chair")
        away = desk.size[1] / 2 + rng.uniform(0.1, 0.4)
        seat = Spot(spot.x + math.sin(spot.yaw) * away, spot.y - math.cos(spot.yaw) * away, spot.yaw + math.pi + rng.gauss(0, 0.5))
        if plan.take(chair.size, seat, gap=-0.4):
            room.store.place(chair, seat.x, seat.y, seat.yaw, 0.0)
    room.shelves(rng.randint(1, 4), tall=rng.random() < 0.7)
    room.wall("storage", ["desk thing"], 5)
    room.floor(["floor thing", "floor thing", "plant", "office chair", "clothes"], rng.randint(3, 10))
    room.clutter.on_walls(room.shell, rng.randint(2, 12), ("page", "poster", "painting", "photo"))


def _corridor(room: Room) -> None:
    rng = room.rng
    for group in ("storage", "low storage", "plant", "stool", "floor thing"):
        if rng.random() < 0.6:
            room.wall(group, ["clothes", "desk thing", "small plant"], 3)
    room.shelves(rng.choice((0, 1, 2)), tall=rng.random() < 0.5)
    room.floor(["clothes", "floor thing", "plant", "person"], rng.randint(2, 7))
    room.clutter.on_walls(room.shell, rng.randint(4, 14), ("page", "poster", "painting"))


def _class(room: Room) -> None:
    rng, plan = room.rng, room.shell.plan
    desk, chair = room.pick("table", 1.6), room.pick("chair")
    y = 2.0
    while y < plan.depth - 0.8:
        x = 0.4 + desk.size[0] / 2
        while x < plan.width - desk.size[0] / 2 - 0.3:
            spot = Spot(x + rng.gauss(0, 0.04), y + rng.gauss(0, 0.04), math.pi + rng.gauss(0, 0.03))
            if plan.take(desk.size, spot):
                room.store.place(desk, spot.x, spot.y, spot.yaw, 0.0)
                room.clutter.on_top(desk.footprint, desk.size[2], spot, ["desk thing"], rng.randint(0, 4))
                room.store.place(chair, spot.x, spot.y + desk.size[1] / 2 + 0.2, rng.gauss(0, 0.25), 0.0)
            x += desk.size[0] + rng.choice((0.1, 0.5))
        y += desk.size[1] + chair.size[1] + 0.45
    board = paint.plain(rng.choice(((0.01, 0.05, 0.03, 1), (0.02, 0.02, 0.02, 1), (0.9, 0.9, 0.9, 1))), 0.4)
    spot = plan.on_wall(0, plan.width / 2, 0.02)
    if not any(h.start < plan.width * 0.75 and h.end > plan.width * 0.25 for h in room.shell.holes[0]):
        room.clutter.mesh.box((spot.x, spot.y, 1.5), (plan.width * 0.5, 0.03, 1.1), board, spot.yaw)
    room.shelves(rng.randint(1, 5), tall=False)
    room.wall("storage", ["desk thing", "toy"], 5)
    room.floor(["floor thing", "toy", "clothes", "person", "plant"], rng.randint(2, 9))
    room.clutter.on_walls(room.shell, rng.randint(8, 20), ("page", "poster", "poster", "painting"))


def _store(room: Room) -> None:
    rng, plan = room.rng, room.shell.plan
    room.shelves(rng.randint(3, 8))
    y = rng.uniform(1.6, 2.2)
    while y < plan.depth - 1.4 and rng.random() < 0.8:  # racks back to back in rows
        long, high = plan.width - rng.uniform(1.8, 2.6), rng.uniform(1.1, 2.0)
        for turn in (0.0, math.pi):
            spot = Spot(plan.width / 2, y + (0.21 if turn else -0.21), turn)
            if long > 0.8 and plan.take((long, 0.4, high), spot, gap=-0.01):
                room.clutter.shelf(spot, (long, 0.4, high), 0.95)
        y += rng.uniform(1.7, 2.4)
    for _ in range(rng.randint(1, 4)):
        room.table("table", "chair", ["food", "toy", "desk thing", "kitchen thing", "clothes"])
    room.floor(["lumber", "lumber", "floor thing", "toy", "plant", "person", "armchair", "storage"], rng.randint(6, 18))
    room.clutter.on_walls(room.shell, rng.randint(2, 12), ("poster", "page", "painting"))
    for _ in range(rng.randint(0, 4)):
        room.clutter.on_wall_model(room.shell, room.pick("wall thing"))


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
        x = shell.plan.width * (k + 0.5) / count if office else rng.uniform(0.6, shell.plan.width - 0.6)
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
Kind = tuple[float, tuple[float, float], tuple[float, float], tuple[float, float], dict[str, object], Callable[[Room], None]]
_KINDS: dict[str, Kind] = {
    "living": (3.0, *_HOME, {}, _living),
    "bed": (3.0, (2.6, 5.0), (2.8, 5.5), (2.3, 2.8), {}, _bed),
    "kitchen": (2.5, (2.2, 5.0), (2.5, 5.5), (2.3, 2.8), {}, _kitchen),
    "bath": (1.3, (1.7, 3.2), (1.9, 3.5), (2.2, 2.7), {"windows": 0.25, "floor_style": "tile"}, _bath),
    "office": (2.0, (2.8, 8.0), (3.0, 9.0), (2.4, 3.0), {"office": True}, _office),
    "corridor": (0.7, (1.3, 2.4), (4.5, 12.0), (2.3, 2.9), {"windows": 0.15}, _corridor),
    "class": (1.0, (5.0, 8.5), (5.5, 9.5), (2.6, 3.4), {"office": True, "windows": 0.7}, _class),
    "store": (1.5, (4.0, 9.0), (5.0, 12.0), (2.5, 4.0), {"windows": 0.35}, _store),
}
