"""What each kind of room holds, and how its people arrange it."""

from __future__ import annotations

import math

import bpy

from scripts.synthesis import materials as paint
from scripts.synthesis.furniture import Room
from scripts.synthesis.layout import Spot
from scripts.synthesis.lights import lamp_colour, point_light
from scripts.synthesis.models import spin


def living_room(room: Room) -> None:
    """Sofa and low table on a rug, chairs, television, shelves, now and then a piano."""
    rng, plan = room.rng, room.shell.plan
    desk_things = ["desk thing", "small plant", "table lamp", "television"]
    if rng.random() < 0.4:
        room.built_in("mixed", rng.choice((0.5, 0.8, 2.1, room.shell.height)), 0.4, desk_things)
    sofa = room.wall("sofa")
    if sofa is not None:
        forward = (math.sin(sofa.yaw), -math.cos(sofa.yaw))
        room.clutter.rug(
            sofa.x + forward[0] * 1.3,
            sofa.y + forward[1] * 1.3,
            rng.uniform(1.6, 2.6),
            rng.uniform(1.2, 1.9),
            sofa.yaw,
        )
        low = room.pick("coffee table")
        spot = Spot(sofa.x + forward[0] * 1.35, sofa.y + forward[1] * 1.35, sofa.yaw)
        if plan.take(low.size, spot):
            room.store.place(low, spot.x, spot.y, spot.yaw, 0.0)
            room.clutter.on_top(
                low.footprint,
                low.size[2],
                spot,
                ["food", "desk thing", "small plant"],
                rng.randint(2, 7),
            )
    for _ in range(rng.randint(0, 3)):
        room.wall("armchair")
    if rng.random() < 0.7:
        stand = room.pick("low storage")
        place = plan.against_wall(stand.size)
        if place is not None:
            room.store.place(stand, place.x, place.y, place.yaw, 0.0)
            screen = room.pick("television")
            room.store.place(screen, place.x, place.y, place.yaw, stand.size[2])
    for group, chance in (
        ("fireplace", 0.2),
        ("piano", 0.15),
        ("storage", 0.6),
        ("storage", 0.4),
        ("floor lamp", 0.2),
    ):
        if rng.random() < chance:
            room.wall(group, ["food", "desk thing", "small plant"], 4)
    for _ in range(rng.choice((0, 1, 1, 2))):
        place = plan.against_wall((0.4, 0.4, 1.7))
        if place is not None:
            room.lamp(place.x, place.y, 0.0, rng.uniform(1.4, 1.9))
    room.shelves(rng.choice((0, 1, 1, 2, 3)))
    if plan.width * plan.depth > 16 or rng.random() < 0.4:
        room.table("table", "chair", ["food", "food", "desk thing"])
    room.floor(
        ["plant", "plant", "floor thing", "toy", "stool", "armchair", "clothes"], rng.randint(2, 9)
    )
    room.clutter.on_walls(room.shell, rng.randint(3, 12))


def bedroom(room: Room) -> None:
    """Beds with tables beside them, wardrobes, a desk, clothes."""
    rng, plan = room.rng, room.shell.plan
    if rng.random() < 0.3:  # a closet all along a wall
        room.built_in("doors", rng.choice((2.1, room.shell.height)), 0.6, [])
    for _ in range(rng.choice((1, 1, 1, 2))):
        model = room.pick("bed")
        own = rng.random() < 0.65
        size, lying = model.size, model.top if model.top > 0.2 else model.size[2]
        if own:
            lying = rng.uniform(0.4, 0.7)
            size = (rng.choice((0.95, 1.0, 1.4, 1.6, 1.9)), rng.uniform(1.95, 2.15), lying)
        spot = plan.against_wall(size)
        if spot is None:
            continue
        if own:
            room.joiner.bed(spot, size)
            lying += 0.03
        else:
            room.store.place(model, spot.x, spot.y, spot.yaw, 0.0)
        for side in (-1, 1):
            table = room.pick("bedside")
            away = side * (size[0] / 2 + 0.35)
            near = Spot(
                spot.x + math.cos(spot.yaw) * away - math.sin(spot.yaw) * (size[1] / 2 - 0.3),
                spot.y + math.sin(spot.yaw) * away + math.cos(spot.yaw) * (size[1] / 2 - 0.3),
                spot.yaw,
            )
            if rng.random() < 0.7 and plan.take(table.size, near):
                room.store.place(table, near.x, near.y, near.yaw, 0.0)
                room.lamp(near.x, near.y, table.size[2], rng.uniform(0.35, 0.75))
        if own or size[2] < 1.3:
            room.clutter.on_top(
                (size[0] * 0.7, size[1] * 0.5),
                lying,
                spot,
                ["clothes", "toy", "desk thing"],
                rng.randint(0, 4),
            )
            for _ in range(rng.choice((0, 0, 1, 3))):
                room.clutter.heap(
                    spot.x + rng.gauss(0, 0.25), spot.y + rng.gauss(0, 0.35), lying - 0.01
                )
            for _ in range(rng.randint(0, 3)):
                room.clutter.cushion(
                    spot.x + rng.gauss(0, 0.25),
                    spot.y + rng.gauss(0, 0.3),
                    lying,
                    rng.uniform(0, 6),
                )
    if rng.random() < 0.6:  # a chest of drawers
        room.built_in("drawers", rng.uniform(0.7, 1.3), 0.48, ["clothes", "toy", "table lamp"])
    for _ in range(rng.randint(0, 2)):
        room.wall("storage", ["clothes", "toy", "desk thing", "table lamp"], 5)
    if rng.random() < 0.6:
        room.wall("desk", ["computer", "desk thing", "table lamp"], 6)
        room.open("office chair")
    if rng.random() < 0.5:
        room.clutter.rug(
            plan.width / 2,
            plan.depth / 2,
            rng.uniform(1, 2.2),
            rng.uniform(0.8, 1.8),
            rng.gauss(0, 0.3),
        )
    room.shelves(rng.choice((0, 1, 2)), tall=rng.random() < 0.6)
    room.floor(
        ["clothes", "clothes", "toy", "floor thing", "chair", "plant", "stool"], rng.randint(3, 11)
    )
    room.clutter.on_walls(room.shell, rng.randint(2, 10))


def kitchen(room: Room) -> None:
    """Rows of base units with wall units above, a fridge, an island, a table."""
    rng, plan, shell = room.rng, room.shell.plan, room.shell
    top, own, first = paint.worktop(rng), rng.random() < 0.7, rng.randrange(4)
    tiles = paint.wall(rng, "tile") if rng.random() < 0.6 else None
    upper_high = rng.uniform(0.6, min(1.0, shell.height - 1.5))
    for turn in range(rng.choice((1, 2, 2, 3))):
        side, along = (first + turn) % 4, 0.02
        while along < plan.wall_length(side) - 0.45:
            cold = rng.random() < 0.1
            model = room.pick("fridge" if cold else "base unit")
            width, deep, high = model.size
            if own and not cold:
                width, deep, high = rng.choice((0.4, 0.6, 0.8)), 0.6, 0.9
            spot = plan.on_wall(side, along + width / 2, deep / 2 + 0.01)
            if (
                along + width > plan.wall_length(side)
                or plan.kept(side, along, along + width, min(high, 0.95))
                or not plan.take((width, deep, high), spot, gap=-0.01)
            ):
                along += 0.05
                continue
            behind = plan.kept(side, along, along + width, 2.2)
            if own and not cold:
                _fitted_unit(room, spot, width, top, None if behind else tiles, upper_high)
            else:
                room.store.place(model, spot.x, spot.y, spot.yaw, 0.0)
                upper = room.pick("wall unit", width + 0.02)
                if rng.random() < 0.65 and not behind and upper.size[0] <= width + 0.03:
                    hung = plan.on_wall(side, along + width / 2, upper.size[1] / 2 + 0.005)
                    if high < 1.2:
                        room.store.place(upper, hung.x, hung.y, hung.yaw, 1.45)
            if high < 1.0 and rng.random() < 0.75:
                level = 0.9 if own else (model.top or high)
                things = ["kitchen thing", "kitchen thing", "food", "small plant"]
                room.clutter.on_top((width, deep * 0.9), level, spot, things, rng.randint(1, 4))
            along += width + 0.001
    if rng.random() < 0.5:  # an island
        size = (rng.uniform(1.0, 2.4), rng.uniform(0.7, 1.0), 0.92)
        place = plan.anywhere(size, rng.choice((0, 1, 2, 3)) * math.pi / 2)
        if place is not None:
            room.joiner.counter(place, size, top)
            things = ["food", "food", "kitchen thing", "desk thing", "small plant"]
            room.clutter.on_top(size[:2], size[2], place, things, rng.randint(1, 9))
    if plan.width * plan.depth > 9:
        room.table("table", rng.choice(("chair", "stool")), ["food", "food", "kitchen thing"])
    room.wall("storage", ["kitchen thing", "food"], 4)
    room.floor(["floor thing", "stool", "chair", "plant"], rng.randint(1, 5))
    room.clutter.on_walls(shell, rng.randint(1, 6))


def _fitted_unit(
    room: Room,
    spot: Spot,
    wide: float,
    top: bpy.types.Material,
    tiles: bpy.types.Material | None,
    upper_high: float,
) -> None:
    """One stretch of a fitted kitchen: cabinet, sink, stove or dishwasher; tiles; a wall unit."""
    rng, joiner = room.rng, room.joiner
    metal = paint.plain((0.55, 0.55, 0.55, 1), 0.25, 1.0)
    black = paint.plain((0.01, 0.01, 0.01, 1), 0.15)
    kind = rng.choice(("plain", "plain", "plain", "sink", "stove", "washer"))
    if wide < 0.55 or kind in ("plain", "sink"):
        joiner.counter(spot, (wide, 0.6, 0.9), top)
        if kind == "sink" and wide > 0.55:
            joiner.put(spot, (0, -0.02, 0.902), (wide - 0.1, 0.42, 0.006), metal)
            joiner.put(spot, (0, -0.02, 0.906), (wide - 0.16, 0.36, 0.002), black)
            joiner.put(spot, (0, 0.24, 1.02), (0.03, 0.03, 0.24), metal)
            joiner.put(spot, (0, 0.14, 1.13), (0.025, 0.2, 0.025), metal)
    else:
        face = rng.choice((metal, black, paint.plain((0.85, 0.85, 0.85, 1), 0.3)))
        joiner.put(spot, (0, 0, 0.43), (wide, 0.6, 0.86), face)
        joiner.put(spot, (0, -0.015, 0.88), (wide, 0.63, 0.04), black if kind == "stove" else top)
        joiner.put(spot, (0, -0.33, 0.72), (wide * 0.8, 0.03, 0.025), metal)
        if kind == "stove":
            joiner.put(spot, (0, -0.302, 0.42), (wide * 0.75, 0.01, 0.35), black)
            for x in (-0.25, 0.25):
                for y in (-0.13, 0.13):
                    place = (x * wide, y, 0.903)
                    joiner.put(spot, place, (0.18, 0.18, 0.02), black)
    if tiles is None:
        return
    joiner.put(spot, (0, 0.295, 1.175), (wide, 0.01, 0.55), tiles)
    if rng.random() < 0.8:
        x, y = spin(spot.yaw, 0, 0.12)
        if kind == "stove" and wide > 0.55 and rng.random() < 0.6:  # a hood
            joiner.put(spot, (0, 0.08, 1.55), (wide, 0.44, 0.12), metal)
            joiner.put(spot, (0, 0.17, 1.9), (wide * 0.4, 0.26, 0.7), metal)
        else:
            hung = Spot(spot.x + x, spot.y + y, spot.yaw)
            joiner.cabinet(hung, (wide, 0.35, upper_high), 1.45)


def bathroom(room: Room) -> None:
    """Bath, lavatory, washbasin with a mirror, towels."""
    rng = room.rng
    if rng.random() < 0.6:
        _vanity(room)
    for group in ("bath", "toilet", "washbasin", "toilet"):
        if group != "toilet" or rng.random() < 0.8:
            model = room.pick(group, 1.9)
            spot = room.shell.plan.against_wall(model.size)
            if spot is None:
                continue
            room.store.place(model, spot.x, spot.y, spot.yaw)
            if group == "bath" and model.size[2] < 1.0 and rng.random() < 0.5:
                room.joiner.curtain(spot, model.footprint)
            if group == "washbasin":
                if model.size[2] < 1.2:
                    wide, high = rng.uniform(0.4, 0.9), rng.uniform(0.5, 0.9)
                    back = model.size[1] / 2 + 0.01
                    centre = (
                        spot.x - math.sin(spot.yaw) * back,
                        spot.y + math.cos(spot.yaw) * back,
                        1.5,
                    )
                    mirror = paint.plain((0.8, 0.8, 0.8, 1), 0.02, 1.0)
                    room.clutter.mesh.box(
                        centre, (wide, 0.02, high), room.clutter.covers[0], spot.yaw, mirror
                    )
                room.clutter.on_top(
                    (0.4, 0.3),
                    model.elevation + (model.top or model.size[2]),
                    spot,
                    ["bath thing"],
                    3,
                )
    for _ in range(rng.randint(1, 4)):
        room.clutter.on_wall_model(room.shell, room.pick("bath wall"))
    room.clutter.rug(
        room.shell.plan.width / 2, room.shell.plan.depth / 2, 0.8, 0.5, rng.choice((0, 1.57))
    )
    room.wall("low storage", ["bath thing", "food"], 4)
    room.floor(["floor thing", "stool", "clothes", "small plant"], rng.randint(2, 6))
    room.clutter.on_walls(room.shell, rng.randint(0, 3))


def _vanity(room: Room) -> None:
    """A cabinet with a basin in its top, a wide mirror and lights above it."""
    rng, joiner = room.rng, room.joiner
    size = (rng.uniform(0.7, 1.6), 0.55, rng.uniform(0.78, 0.9))
    spot = room.shell.plan.against_wall(size)
    if spot is None:
        return
    wide, _, high = size
    joiner.counter(spot, size, paint.worktop(rng))
    white = paint.plain((0.85, 0.85, 0.82, 1), 0.15)
    metal = paint.plain((0.6, 0.6, 0.6, 1), 0.2, 1.0)
    x, y = spin(spot.yaw, 0, -0.03)
    room.clutter.mesh.cylinder((spot.x + x, spot.y + y, high), 0.2, 0.05, white, 0.22)
    room.clutter.mesh.cylinder(
        (spot.x + x, spot.y + y, high + 0.051), 0.16, 0.001, paint.plain((0.5, 0.5, 0.5, 1), 0.2)
    )
    joiner.put(spot, (0, 0.2, high + 0.1), (0.03, 0.03, 0.2), metal)
    joiner.put(spot, (0, 0.13, high + 0.19), (0.025, 0.14, 0.02), metal)
    tall = rng.uniform(0.6, 1.0)
    mirror = paint.plain((0.8, 0.8, 0.8, 1), 0.02, 1.0)
    joiner.put(spot, (0, 0.28, high + 0.2 + tall / 2), (wide * 0.95, 0.01, tall), mirror)
    room.clutter.on_top((wide, 0.5), high, spot, ["bath thing", "bath thing", "small plant"], 5)
    if rng.random() < 0.6:
        colour, level = lamp_colour(rng), high + 0.3 + tall
        bulb = paint.glow((*colour, 1.0), 8)
        for k in (-0.2, 0.0, 0.2):
            joiner.put(spot, (k * wide, 0.2, level), (0.08, 0.08, 0.1), bulb)
        x, y = spin(spot.yaw, 0, 0.05)
        point_light((spot.x + x, spot.y + y, level), rng.uniform(10, 40), colour)


def dining_room(room: Room) -> None:
    """A long table with chairs of one kind under a lamp, a rug, a cabinet for china."""
    rng, plan = room.rng, room.shell.plan
    size = (rng.uniform(1.3, 2.6), rng.uniform(0.85, 1.2), rng.uniform(0.7, 0.78))
    chair, turn = room.pick("chair"), rng.choice((0.0, math.pi / 2))
    spot = Spot(plan.width * rng.uniform(0.4, 0.6), plan.depth * rng.uniform(0.4, 0.6), turn)
    if plan.take(size, spot):
        if rng.random() < 0.5:
            room.clutter.rug(spot.x, spot.y, size[0] + 1.2, size[1] + 1.2, turn)
        room.joiner.table(spot, size)
        things = ["food", "food", "small plant", "desk thing"]
        room.clutter.on_top(size[:2], size[2], spot, things, rng.randint(0, 14))
        for seat in plan.around(size, spot, chair.size[1]):
            if plan.take(chair.size, seat, gap=-0.35):
                room.store.place(chair, seat.x, seat.y, seat.yaw, 0.0)
        lamp = room.pick("hanging lamp")
        foot = room.shell.height - lamp.size[2]
        if foot > size[2] + 0.5:
            room.store.place(lamp, spot.x, spot.y, 0.0, foot)
    for _ in range(rng.randint(1, 2)):
        room.built_in("mixed", rng.choice((0.85, 1.0, 2.0)), 0.45, ["food", "small plant"])
    room.shelves(rng.choice((0, 0, 1, 2)))
    room.wall("storage", ["food", "desk thing"], 4)
    room.floor(["plant", "chair", "floor thing", "toy"], rng.randint(1, 5))
    room.clutter.on_walls(room.shell, rng.randint(2, 9))


def office(room: Room) -> None:
    """Desks with computers and papers, shelves, notices; or a long table for meetings."""
    rng, plan = room.rng, room.shell.plan
    things = ["computer", "desk thing", "desk thing", "food"]
    if rng.random() < 0.2:
        size = (rng.uniform(1.8, 3.6), rng.uniform(0.9, 1.4), 0.74)
        spot = Spot(plan.width / 2, plan.depth / 2, rng.choice((0.0, math.pi / 2)))
        if plan.take(size, spot):
            room.joiner.table(spot, size)
            room.clutter.on_top(size[:2], size[2], spot, things, rng.randint(0, 6))
            chair = room.pick("office chair")
            for seat in plan.around(size, spot, chair.size[1]):
                if plan.take(chair.size, seat, gap=-0.35):
                    room.store.place(chair, seat.x, seat.y, seat.yaw, 0.0)
    if rng.random() < 0.4:
        size = (rng.uniform(1.3, 1.9), rng.uniform(0.7, 0.9), 0.75)
        place = plan.against_wall(size) if rng.random() < 0.5 else plan.anywhere(size, 0.0)
        if place is not None:
            room.joiner.executive_desk(place, size)
            room.clutter.on_top(size[:2], size[2], place, things, rng.randint(4, 14))
    if rng.random() < 0.35:
        room.built_in("mixed", rng.choice((0.75, 2.1)), 0.45, things)
    for _ in range(rng.randint(1, 2 + int(plan.width * plan.depth / 9))):
        desk = room.pick("desk")
        facing = rng.random() < 0.5
        spot = (
            plan.against_wall(desk.size)
            if facing
            else plan.anywhere(desk.size, rng.choice((0, 1.571, 3.1416)))
        )
        if spot is None:
            continue
        room.store.place(desk, spot.x, spot.y, spot.yaw, 0.0)
        top = desk.top if desk.top > 0.4 else desk.size[2]
        room.clutter.on_top(desk.footprint, top, spot, things, rng.randint(4, 12))
        chair = room.pick("office chair")
        away = desk.size[1] / 2 + rng.uniform(0.1, 0.4)
        seat = Spot(
            spot.x + math.sin(spot.yaw) * away,
            spot.y - math.cos(spot.yaw) * away,
            spot.yaw + math.pi + rng.gauss(0, 0.5),
        )
        if plan.take(chair.size, seat, gap=-0.4):
            room.store.place(chair, seat.x, seat.y, seat.yaw, 0.0)
    room.shelves(rng.randint(1, 4), tall=rng.random() < 0.7)
    room.wall("storage", ["desk thing"], 5)
    room.floor(
        ["floor thing", "floor thing", "plant", "office chair", "clothes"], rng.randint(3, 10)
    )
    room.clutter.on_walls(room.shell, rng.randint(2, 12), ("page", "poster", "painting", "photo"))


def corridor(room: Room) -> None:
    """A narrow room with what stands along its walls."""
    rng = room.rng
    for group in ("storage", "low storage", "plant", "stool", "floor thing"):
        if rng.random() < 0.6:
            room.wall(group, ["clothes", "desk thing", "small plant"], 3)
    room.shelves(rng.choice((0, 1, 2)), tall=rng.random() < 0.5)
    room.floor(["clothes", "floor thing", "plant", "person"], rng.randint(2, 7))
    room.clutter.on_walls(room.shell, rng.randint(4, 14), ("page", "poster", "painting"))


def class_room(room: Room) -> None:
    """Rows of desks before a board, shelves, posters."""
    rng, plan = room.rng, room.shell.plan
    desk, chair = room.pick("table", 1.6), room.pick("chair")
    size, own = desk.size, rng.random() < 0.6
    if own:
        size = (rng.uniform(0.7, 1.6), rng.uniform(0.5, 0.7), rng.uniform(0.65, 0.76))
    y = 2.0
    while y < plan.depth - 0.8:
        x = 0.4 + size[0] / 2
        while x < plan.width - size[0] / 2 - 0.3:
            spot = Spot(
                x + rng.gauss(0, 0.04), y + rng.gauss(0, 0.04), math.pi + rng.gauss(0, 0.03)
            )
            if plan.take(size, spot):
                if own:
                    room.joiner.table(spot, size)
                else:
                    room.store.place(desk, spot.x, spot.y, spot.yaw, 0.0)
                room.clutter.on_top(size[:2], size[2], spot, ["desk thing"], rng.randint(0, 4))
                room.store.place(chair, spot.x, spot.y + size[1] / 2 + 0.2, rng.gauss(0, 0.25), 0.0)
            x += size[0] + rng.choice((0.1, 0.5))
        y += size[1] + chair.size[1] + 0.45
    board = paint.plain(
        rng.choice(((0.01, 0.05, 0.03, 1), (0.02, 0.02, 0.02, 1), (0.9, 0.9, 0.9, 1))), 0.4
    )
    spot = plan.on_wall(0, plan.width / 2, 0.02)
    if not any(
        h.start < plan.width * 0.75 and h.end > plan.width * 0.25 for h in room.shell.holes[0]
    ):
        room.clutter.mesh.box((spot.x, spot.y, 1.5), (plan.width * 0.5, 0.03, 1.1), board, spot.yaw)
    room.shelves(rng.randint(1, 5), tall=False)
    room.wall("storage", ["desk thing", "toy"], 5)
    room.floor(["floor thing", "toy", "clothes", "person", "plant"], rng.randint(2, 9))
    room.clutter.on_walls(room.shell, rng.randint(8, 20), ("page", "poster", "poster", "painting"))


def store_room(room: Room) -> None:
    """Racks and tables full of things: a shop, a workshop, an attic."""
    rng, plan = room.rng, room.shell.plan
    room.shelves(rng.randint(3, 8))
    y = rng.uniform(1.6, 2.2)
    while y < plan.depth - 1.4 and rng.random() < 0.8:  # racks back to back in rows
        long, high = plan.width - rng.uniform(1.8, 2.6), rng.uniform(1.1, 2.4)
        for turn in (0.0, math.pi):
            spot = Spot(plan.width / 2, y + (0.21 if turn else -0.21), turn)
            if long > 0.8 and plan.take((long, 0.4, high), spot, gap=-0.01):
                room.clutter.shelf(spot, (long, 0.4, high), 0.95)
        y += rng.uniform(1.4, 2.4)
    for _ in range(rng.randint(1, 4)):
        room.table("table", "chair", ["food", "toy", "desk thing", "kitchen thing", "clothes"])
    room.floor(
        ["lumber", "lumber", "floor thing", "toy", "plant", "person", "armchair", "storage"],
        rng.randint(6, 18),
    )
    room.clutter.on_walls(room.shell, rng.randint(2, 12), ("poster", "page", "painting"))
    for _ in range(rng.randint(0, 4)):
        room.clutter.on_wall_model(room.shell, room.pick("wall thing"))
