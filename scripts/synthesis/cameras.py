"""Chooses views as a person would: from a free place, at something worth seeing."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

from scripts.synthesis.layout import Shell
from scripts.synthesis.render import View

_COLUMNS, _ROWS = 13, 9
_COMPARED = 8  # views of which the one at the distance that is liked best is taken


@dataclass(frozen=True)
class Wanted:
    """What a view must show.

    Attributes:
        nearest: metres; nothing but the lowest rows may be nearer.
        median: metres, lowest and highest median distance.
        things: least share of rays that must meet something else than walls, floor and ground.
        crowded: largest share of rays that may end nearer than 1.5 times `nearest`.
        sky: largest share of rays that may meet nothing.
    """

    nearest: float
    median: tuple[float, float]
    things: float
    crowded: float = 0.2
    sky: float = 0.25


def choose_view(
    draw: Callable[[], View | None],
    aspect: float,
    wanted: Wanted,
    liked: float = 0.0,
    tries: int = 60,
) -> View | None:
    """A drawn view that shows what is wanted; None if none of the tries does.

    Args:
        draw: draws a view, or None.
        aspect: width by height.
        wanted: what it must show.
        liked: metres; of the first few fit views the one whose median is nearest to it. 0 takes
            the first.
        tries: how many are drawn at most.
    """
    graph = bpy.context.evaluated_depsgraph_get()
    found: list[tuple[float, View]] = []
    for _ in range(tries):
        if len(found) == (_COMPARED if liked else 1):
            break
        view = draw()
        if view is None:
            continue
        depth, thing = probe(view, aspect, graph)
        seen = np.isfinite(depth)
        if seen.mean() < 1 - wanted.sky or thing.mean() < wanted.things:
            continue
        low, high = wanted.median
        upper, lower = depth[: _ROWS * 2 // 3], depth[_ROWS * 2 // 3 :]
        median = float(np.median(depth[seen]))
        if (
            low <= median <= high
            and (depth < 1.5 * wanted.nearest).mean() <= wanted.crowded
            and np.sort(upper.ravel())[3] > wanted.nearest
            and np.sort(lower.ravel())[3] > wanted.nearest * 0.6
        ):
            found.append((abs(math.log(median / liked)) if liked else 0.0, view))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def probe(view: View, aspect: float, graph: bpy.types.Depsgraph) -> tuple[np.ndarray, np.ndarray]:
    """Distances (rows, columns) in metres along a grid of rays, and whether each meets a thing."""
    scene, matrix = bpy.context.scene, view.matrix
    origin, turn = matrix.translation, matrix.to_3x3()
    half = math.tan(view.fov / 2)
    depth = np.full((_ROWS, _COLUMNS), np.inf)
    thing = np.zeros((_ROWS, _COLUMNS), bool)
    for row in range(_ROWS):
        for column in range(_COLUMNS):
            x = ((column + 0.5) / _COLUMNS * 2 - 1) * half
            y = (1 - (row + 0.5) / _ROWS * 2) * half / aspect
            direction = (turn @ Vector((x, y, -1))).normalized()
            hit, place, _, _, target, _ = scene.ray_cast(graph, origin, direction)
            if hit:
                depth[row, column] = (place - origin).length
                thing[row, column] = target.name.split(".")[0] not in ("shell", "outside", "ground")
    return depth, thing


def room_view(rng: random.Random, shell: Shell) -> View | None:
    """A person in a free place looks into the room or at a thing; None if the place is not free."""
    plan = shell.plan
    edge = min(0.25, plan.width / 5)
    x, y = rng.uniform(edge, plan.width - edge), rng.uniform(edge, plan.depth - edge)
    stand = rng.choice(("open", "wall", "wall", "corner", "door"))
    # One steps back for a picture: to a wall, into a corner, into the doorway.
    if stand == "corner" or (stand == "wall" and rng.random() < 0.5):
        x = rng.choice((edge, plan.width - edge))
    if stand == "corner" or (stand == "wall" and edge < x < plan.width - edge):
        y = rng.choice((edge, plan.depth - edge))
    doors = [(s, h) for s, holes in shell.holes.items() for h in holes if h.kind == "door"]
    if stand == "door" and doors:
        side, hole = rng.choice(doors)
        x, y, _ = shell.frame(side, (hole.start + hole.end) / 2, rng.uniform(0.05, 0.3), 0)
    z = min(shell.height - 0.35, max(0.6, rng.gauss(1.4, 0.25)))
    margin = 0.12
    for x0, y0, x1, y1, high in plan.taken:
        if x0 - margin < x < x1 + margin and y0 - margin < y < y1 + margin and z < high + 0.35:
            return None
    fov = math.radians(rng.choice((63.3, 63.3, 63.3, rng.uniform(45, 78))))
    roll = rng.gauss(0, 0.03)
    things = [t for t in plan.taken if t[4] > 0.1]
    if things and rng.random() < 0.6:  # at a thing
        x0, y0, x1, y1, high = rng.choice(things)
        goal = (rng.uniform(x0, x1), rng.uniform(y0, y1))
        level = min(high, 1.6) * rng.uniform(0.3, 1.1)
        away = max(1.2, math.dist(goal, (x, y)))
        pitch = math.atan2(level - z, away) + rng.gauss(0, 0.09)
    else:  # across the room, the camera nearly level
        goal = (rng.uniform(0, plan.width), rng.uniform(0, plan.depth))
        pitch = rng.gauss(-0.2, 0.13)
    if math.dist(goal, (x, y)) < 0.8:
        return None
    yaw = math.atan2(goal[1] - y, goal[0] - x) + rng.gauss(0, 0.2)
    return View((x, y, z), yaw, min(0.35, max(-0.75, pitch)), roll, fov)
