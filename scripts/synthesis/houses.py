"""Houses with recessed windows, doors and roofs, and what encloses their gardens."""

from __future__ import annotations

import math
import random

from scripts.synthesis import materials as paint
from scripts.synthesis.meshes import MeshBuilder
from scripts.synthesis.roads import Street


def house(
    rng: random.Random,
    mesh: MeshBuilder,
    foot: tuple[float, float, float],
    wide: float,
    high: float,
    yaw: float,
) -> None:
    """A house whose front (towards the road) has recessed windows, sills, doors, a roof.

    `foot` is the middle of the front's lower edge; the front faces the direction -Y turned by
    `yaw`.
    """
    surface = paint.wall(rng, rng.choice(("brick", "plaster", "paint", "paint", "panel")))
    trim, roof = paint.plain(paint.wall_colour(rng), 0.5), paint.wall(rng, "brick")
    glass = paint.plain(paint.srgb(0.6, 0.3, rng.uniform(0.03, 0.3)), 0.08)
    door = paint.plain(paint.thing_colour(rng), 0.4)
    deep, c, s = rng.uniform(6, 10), math.cos(yaw), math.sin(yaw)

    def at(x: float, y: float, z: float) -> tuple[float, float, float]:
        return foot[0] + c * x - s * y, foot[1] + s * x + c * y, foot[2] + z - 0.3

    floors = max(1, round(high / 3))
    step, columns = high / floors, max(1, int(wide / rng.uniform(1.9, 3.2)))
    cell, recess = wide / columns, rng.uniform(0.08, 0.25)
    window = (min(cell * 0.7, rng.uniform(0.8, 1.5)), min(step * 0.6, rng.uniform(1.0, 1.7)))
    entrance = rng.randrange(columns)
    for floor_ in range(floors):
        for column in range(columns):
            x0, z0 = -wide / 2 + column * cell, floor_ * step
            is_door = floor_ == 0 and column == entrance
            w, h = (1.1, 2.1) if is_door else window
            low = z0 + (0.3 if is_door else step * 0.32 + 0.3 / (floor_ + 1))
            h = min(h, z0 + step - low - 0.1)
            left, right, head = x0 + (cell - w) / 2, x0 + (cell + w) / 2, low + h
            for a, b, p, q in (
                (x0, left, z0, z0 + step),
                (right, x0 + cell, z0, z0 + step),
                (left, right, z0, low),
                (left, right, head, z0 + step),
            ):
                mesh.quad([at(a, 0, p), at(b, 0, p), at(b, 0, q), at(a, 0, q)], surface, (a, p))
            rim = ((left, low), (right, low), (right, head), (left, head))
            for (a, p), (b, q) in zip(rim, (*rim[1:], rim[0]), strict=True):
                mesh.quad([at(a, 0, p), at(b, 0, q), at(b, recess, q), at(a, recess, p)], trim)
            pane = door if is_door else glass
            mesh.quad(
                [
                    at(left, recess, low),
                    at(right, recess, low),
                    at(right, recess, head),
                    at(left, recess, head),
                ],
                pane,
            )
            if not is_door:
                middle = at((left + right) / 2, recess - 0.02, (low + head) / 2)
                mesh.box(middle, (0.06, 0.04, h), trim, yaw)
                mesh.box(
                    at((left + right) / 2, -0.04, low - 0.04), (w + 0.15, 0.14, 0.07), trim, yaw
                )
    half = wide / 2
    for x in (-half, half):
        mesh.quad([at(x, 0, 0), at(x, deep, 0), at(x, deep, high), at(x, 0, high)], surface)
    mesh.quad(
        [at(-half, deep, 0), at(half, deep, 0), at(half, deep, high), at(-half, deep, high)],
        surface,
    )
    ridge, over = high + rng.choice((0.4, rng.uniform(1.5, 3.5))), rng.uniform(0.15, 0.5)
    for y0 in (-over, deep + over):
        eaves = [at(-half - over, y0, high - 0.1), at(half + over, y0, high - 0.1)]
        mesh.quad(
            [*eaves, at(half + over, deep / 2, ridge), at(-half - over, deep / 2, ridge)], roof
        )
    for x in (-half, half):
        tip = at(x, deep / 2, ridge)
        mesh.quad([at(x, 0, high), at(x, deep, high), tip, tip], surface)
    if rng.random() < 0.5:
        mesh.box(
            at(rng.uniform(-half, half) * 0.7, deep / 2, ridge + 0.2), (0.6, 0.6, 1.4), surface, yaw
        )
    if floors > 1 and rng.random() < 0.3:  # balconies
        for column in range(columns):
            x = -half + (column + 0.5) * cell
            mesh.box(at(x, -0.5, step), (cell * 0.7, 1.0, 0.12), trim, yaw)
            mesh.box(at(x, -0.98, step + 0.5), (cell * 0.7, 0.05, 0.9), door, yaw)


def fence(
    rng: random.Random,
    mesh: MeshBuilder,
    street: Street,
    side: int,
    away: float,
    start: float,
    end: float,
) -> None:
    """A hedge, a wall, or palings."""
    kind, high = rng.choice(("hedge", "wall", "palings", "palings")), rng.uniform(0.7, 1.7)
    material = {"hedge": paint.leaves, "wall": paint.wall}.get(kind, paint.wood)(rng)
    y = start
    while y < end:
        x, py, z = street.at(side * away, y)
        if kind == "palings":
            mesh.box((x, py, z + high / 2), (0.03, 0.09, high), material)
            y += 0.16
        else:
            thick = rng.uniform(0.6, 0.9) if kind == "hedge" else 0.25
            wave = rng.uniform(-0.08, 0.08) if kind == "hedge" else 0.0
            size = (thick, 1.05, high + wave)
            mesh.box((x, py + 0.5, z + size[2] / 2), size, material, street.heading(y))
            y += 1.0
