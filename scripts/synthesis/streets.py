"""Streets: road, pavements, house fronts of true relief, cars, trees, people, slopes."""

from __future__ import annotations

import math
import random

from scripts.synthesis import materials as paint
from scripts.synthesis.catalog import Catalog, Model
from scripts.synthesis.houses import fence, house
from scripts.synthesis.lights import sun, surroundings
from scripts.synthesis.meshes import MeshBuilder
from scripts.synthesis.models import ModelStore
from scripts.synthesis.outside import Trees
from scripts.synthesis.roads import FAR, Street, build_road


def build_street(rng: random.Random, store: ModelStore, catalog: Catalog) -> tuple[str, Street]:
    """Builds a street into the empty scene; returns its kind and shape."""
    kind = rng.choices(("town", "suburb", "country", "avenue"), (3, 4, 2, 1))[0]
    half = rng.uniform(2.6, 4.2) if kind != "avenue" else rng.uniform(6, 9)
    walk = rng.uniform(1.4, 3.5) if kind != "country" else 0.0
    rise = rng.choice((0.0, 0.0, rng.gauss(0, 0.03)))
    street = Street(half, walk, rise, rng.choice((0.0, rng.gauss(0, 0.0006))))
    ground = MeshBuilder("ground")
    build_road(rng, ground, street, kind)
    mesh = MeshBuilder("street")
    for side in (-1, 1):
        _front(rng, mesh, street, side, kind, store, catalog)
        _furniture(rng, mesh, street, side, kind, store, catalog)
    ground.build()
    mesh.build()
    _traffic(rng, street, store, catalog)
    sunny = rng.random() < 0.65
    if sunny:
        sun(rng, rng.uniform(2.5, 6), 0.35, 1.1)
    surroundings(rng, seen=rng.uniform(0.9, 2.2), fill=rng.uniform(0.5, 1.3), reach=8.0)
    return kind, street


def _front(
    rng: random.Random,
    mesh: MeshBuilder,
    street: Street,
    side: int,
    kind: str,
    store: ModelStore,
    catalog: Catalog,
) -> None:
    """What lines the road: houses in a row, houses with gardens, or fields and trees."""
    y = rng.uniform(-12, -4)
    edge = street.half + street.walk
    trees = Trees(rng)
    while y < FAR:
        length = rng.uniform(7, 18) if kind != "country" else rng.uniform(4, 20)
        away = {"town": rng.uniform(0, 0.4), "avenue": rng.uniform(0.5, 4)}.get(
            kind, rng.uniform(3, 9)
        )
        if rng.random() < {"town": 0.95, "avenue": 0.8, "suburb": 0.8}.get(kind, 0.12):
            middle = y + length / 2
            centre = street.at(side * (edge + away), middle)
            high = rng.uniform(2.7, 3.3) * (
                rng.randint(2, 5) if kind in ("town", "avenue") else rng.choice((1, 2, 2))
            )
            house(
                rng,
                mesh,
                centre,
                length * (1 if kind == "town" else 0.8),
                high,
                street.heading(middle) - side * math.pi / 2,
            )
            if away > 2.5 and rng.random() < 0.6:
                fence(rng, mesh, street, side, edge + 0.2, y, y + length)
        gap = 0.0 if kind == "town" else rng.uniform(1, 8)
        for _ in range(rng.randint(0, 3) if kind != "town" else 0):
            spot = street.at(
                side * (edge + rng.uniform(0.8, 14)), rng.uniform(y, y + length + gap), 0.0
            )
            if rng.random() < 0.25:
                group = rng.choice(("tree", "bush"))
                store.place(rng.choice(catalog[group]), *spot[:2], rng.uniform(0, 6), spot[2])
            else:
                trees.plant(spot, rng.uniform(2, 11))
        y += length + gap
    if kind == "country":
        for _ in range(rng.randint(8, 24)):
            spot = street.at(side * (edge + rng.uniform(2, 45)), rng.uniform(0, 145), 0.0)
            trees.plant(spot, rng.uniform(3, 13))


def _furniture(
    rng: random.Random,
    mesh: MeshBuilder,
    street: Street,
    side: int,
    kind: str,
    store: ModelStore,
    catalog: Catalog,
) -> None:
    """Lamp posts, poles with wires, signs, benches, people, bicycles on the pavement."""
    edge = street.half + 0.5
    post, step = rng.choice(catalog["lamp post"]), rng.uniform(18, 35)
    metal = paint.plain(paint.srgb(0.3, 0.1, rng.uniform(0.2, 0.7)), 0.4, 0.6)
    if rng.random() < 0.7:
        y = rng.uniform(0, step)
        while y < 140:
            x, py, z = street.at(side * edge, y, 0.12)
            if rng.random() < 0.5:
                store.place(post, x, py, street.heading(y) - side * math.pi / 2, z)
            else:
                mesh.cylinder((x, py, z), 0.07, rng.uniform(3, 8), metal, 0.04, 10)
            y += step
    for _ in range(rng.randint(1, 6)):  # traffic signs
        x, y, z = street.at(side * edge, rng.uniform(5, 110), 0.1)
        mesh.cylinder((x, y, z), 0.035, 2.4, metal, sides=8)
        sign, size = paint.picture(rng, "poster", 0.6, 0.6), (0.6, 0.02, 0.6)
        mesh.box((x, y - 0.05, z + 2.2), size, metal, 0.0, front=sign)
    if kind == "country":
        return
    for group, most in (("person", 5), ("street thing", 4), ("two wheels", 2), ("pet", 1)):
        for _ in range(rng.randint(0, most)):
            spot = street.at(
                side * (street.half + rng.uniform(0.4, max(0.5, street.walk))),
                rng.uniform(4, 70),
                0.13,
            )
            model = rng.choice(catalog[group])
            store.place(model, *spot[:2], rng.uniform(0, 2 * math.pi), spot[2])


def _traffic(rng: random.Random, street: Street, store: ModelStore, catalog: Catalog) -> None:
    """Parked cars along the kerbs, moving ones on the lanes."""
    for side in (-1, 1):
        if rng.random() < 0.75:
            y, dense = rng.uniform(-8, 6), rng.uniform(0.3, 0.95)
            while y < 140:
                car = rng.choice(catalog["car"])
                if rng.random() < dense:
                    x = side * (street.half - car.size[0] / 2 - rng.uniform(-0.1, 0.35))
                    _drive(
                        street, store, car, x, y + car.size[1] / 2, rng.choice((0, math.pi)), rng
                    )
                y += car.size[1] + rng.uniform(0.5, 2.5)
        for _ in range(rng.choice((0, 1, 1, 2, 4))):
            group = "large vehicle" if rng.random() < 0.12 else "car"
            model = rng.choice(catalog[group])
            y = rng.uniform(10, 130)
            _drive(
                street,
                store,
                model,
                side * street.half * 0.28,
                y,
                0.0 if side < 0 else math.pi,
                rng,
            )


def _drive(
    street: Street,
    store: ModelStore,
    model: Model,
    x: float,
    y: float,
    yaw: float,
    rng: random.Random,
) -> None:
    spot = street.at(x, y)
    placed = store.place(
        model, spot[0], spot[1], street.heading(y) + yaw + rng.gauss(0, 0.02), spot[2]
    )
    if street.rise:
        for thing in placed:
            thing.rotation_mode = "XYZ"
            tilt = math.atan(street.rise) * (1 if abs(math.cos(yaw) - 1) < 0.1 else -1)
            thing.rotation_euler[0] = tilt
