"""What each kind of room holds, and how its people arrange it."""

from __future__ import annotations

import math

from scripts.synthesis import materials as paint
from scripts.synthesis.furniture import Room
from scripts.synthesis.layout import Spot


def living_room(room: Room) -> None:
    """Sofa and low table on a rug, chairs, television, shelves, now and then a piano."""
    rng, plan = room.rng, room.shell.plan
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
        ("floor lamp", 0.4),
    ):
        if rng.random() < chance:
            room.wall(group, ["food", "desk thing", "small plant"], 4)
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
            room.clutter.on_top(
                size, lying, spot, ["clothes", "toy", "desk thing"], rng.randint(0, 4)
            )
            for _ in range(rng.randint(0, 3)):
                room.clutter.cushion(
                    spot.x + rng.gauss(0, 0.25),
                    spot.y + rng.gauss(0, 0.3),
                    lying,
                    rng.uniform(0, 6),
                )
    for _ in range(rng.randint(1, 3)):
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
    """Rows of base units with wall units above, a fridge, a table."""
    rng, plan, shell = room.rng, room.shell.plan, room.shell
    front = paint.wood(rng) if rng.random() < 0.5 else paint.plain(paint.wall_colour(rng), 0.3)
    worktop, metal = paint.floor(rng, "stone"), paint.plain((0.5, 0.5, 0.5, 1), 0.3, 1.0)
    for side in rng.sample(range(4), rng.choice((1, 2, 2, 3))):
        along, length = 0.02, plan.wall_length(side)
        own = rng.random() < 0.5
        while along < length - 0.45:
            model = room.pick("fridge" if rng.random() < 0.12 else "base unit")
            width, deep, high = (
                model.size
                if not own or model.size[2] > 1.2
                else (rng.choice((0.4, 0.6, 0.8)), 0.58, 0.86)
            )
            spot = plan.on_wall(side, along + width / 2, deep / 2 + 0.01)
            blocked = plan.kept(side, along, along + width, min(high, 0.95))
            if (
                along + width > length
                or blocked
                or not plan.take((width, deep, high), spot, gap=-0.01)
            ):
                along += 0.15
                continue
            if own and high < 1.0:
                z = 0.1 + 0.38
                room.clutter.mesh.box(
                    (spot.x, spot.y, 0.05 + 0.4), (width - 0.004, deep, 0.8), front, spot.yaw
                )
                handle = plan.on_wall(side, along + width / 2, deep + 0.03)
                room.clutter.mesh.box(
                    (handle.x, handle.y, z + 0.3), (width * 0.4, 0.02, 0.015), metal, spot.yaw
                )
                room.clutter.mesh.box(
                    (spot.x, spot.y, 0.875), (width, deep + 0.04, 0.035), worktop, spot.yaw
                )
            else:
                room.store.place(model, spot.x, spot.y, spot.yaw, 0.0)
            if high < 1.0 and rng.random() < 0.75:
                top = 0.893 if own else (model.top or high)
                room.clutter.on_top(
                    (width, deep * 0.9), top, spot, ["kitchen thing", "food"], rng.randint(1, 4)
                )
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


def bathroom(room: Room) -> None:
    """Bath, lavatory, washbasin with a mirror, towels."""
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


def office(room: Room) -> None:
    """Desks with computers and papers, shelves, notices."""
    rng, plan = room.rng, room.shell.plan
    things = ["computer", "desk thing", "desk thing", "food"]
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
    y = 2.0
    while y < plan.depth - 0.8:
        x = 0.4 + desk.size[0] / 2
        while x < plan.width - desk.size[0] / 2 - 0.3:
            spot = Spot(
                x + rng.gauss(0, 0.04), y + rng.gauss(0, 0.04), math.pi + rng.gauss(0, 0.03)
            )
            if plan.take(desk.size, spot):
                room.store.place(desk, spot.x, spot.y, spot.yaw, 0.0)
                room.clutter.on_top(
                    desk.footprint, desk.size[2], spot, ["desk thing"], rng.randint(0, 4)
                )
                room.store.place(
                    chair, spot.x, spot.y + desk.size[1] / 2 + 0.2, rng.gauss(0, 0.25), 0.0
                )
            x += desk.size[0] + rng.choice((0.1, 0.5))
        y += desk.size[1] + chair.size[1] + 0.45
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
        long, high = plan.width - rng.uniform(1.8, 2.6), rng.uniform(1.1, 2.0)
        for turn in (0.0, math.pi):
            spot = Spot(plan.width / 2, y + (0.21 if turn else -0.21), turn)
            if long > 0.8 and plan.take((long, 0.4, high), spot, gap=-0.01):
                room.clutter.shelf(spot, (long, 0.4, high), 0.95)
        y += rng.uniform(1.7, 2.4)
    for _ in range(rng.randint(1, 4)):
        room.table("table", "chair", ["food", "toy", "desk thing", "kitchen thing", "clothes"])
    room.floor(
        ["lumber", "lumber", "floor thing", "toy", "plant", "person", "armchair", "storage"],
        rng.randint(6, 18),
    )
    room.clutter.on_walls(room.shell, rng.randint(2, 12), ("poster", "page", "painting"))
    for _ in range(rng.randint(0, 4)):
        room.clutter.on_wall_model(room.shell, room.pick("wall thing"))
