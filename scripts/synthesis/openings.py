"""What fills a wall's openings: window frames, blinds, curtains, doors, the next room."""

from __future__ import annotations

import itertools
import math
import random

import bpy

from scripts.synthesis import materials as paint
from scripts.synthesis.layout import THICK, Hole, Shell
from scripts.synthesis.lights import area_light
from scripts.synthesis.meshes import MeshBuilder


def glazing(
    rng: random.Random,
    mesh: MeshBuilder,
    shell: Shell,
    side: int,
    hole: Hole,
    trim: bpy.types.Material,
) -> None:
    """Frame and bars, the daylight, and curtains, blinds or nothing before it."""
    wide, high = hole.end - hole.start, hole.head - hole.sill
    middle, level, yaw = (hole.start + hole.end) / 2, (hole.sill + hole.head) / 2, shell.yaw(side)

    def bar(along: float, z: float, size_x: float, size_z: float) -> None:
        mesh.box(shell.frame(side, along, -0.08, z), (size_x, 0.05, size_z), trim, yaw)

    parts = rng.choice((1, 2, 2, 3))
    for k in range(parts + 1):
        bar(hole.start + wide * k / parts, level, 0.055, high)
    for z in (hole.sill + 0.02, hole.head - 0.02, *([level] if rng.random() < 0.3 else [])):
        bar(middle, z, wide, 0.05)
    if hole.sill > 0.3:
        mesh.box(shell.frame(side, middle, 0.06, hole.sill), (wide + 0.12, 0.18, 0.03), trim, yaw)
    closed = rng.random()
    if shell.day:
        power = wide * high * rng.lognormvariate(3.2, 0.5) * (1.0 if closed > 0.3 else 0.5)
        colour = (0.8, 0.9, 1.0) if rng.random() < 0.6 else (1.0, 0.95, 0.85)
        spot = shell.frame(side, middle, 0.03 if closed < 0.3 else -0.12, level)
        area_light(spot, yaw, (wide * 0.95, high * 0.95), power, colour)
    if closed < 0.3:
        _blind(rng, mesh, shell, side, hole)
    elif closed < 0.65:
        _curtains(rng, mesh, shell, side, hole)


def _blind(rng: random.Random, mesh: MeshBuilder, shell: Shell, side: int, hole: Hole) -> None:
    colour = paint.srgb(rng.uniform(0.05, 0.2), rng.uniform(0, 0.3), rng.uniform(0.6, 0.97))
    surface = paint.glow(colour, rng.uniform(0.3, 1.5) if shell.day else 0.0)
    middle, wide = (hole.start + hole.end) / 2, hole.end - hole.start
    low = hole.sill + (0 if rng.random() < 0.6 else (hole.head - hole.sill) * rng.random() * 0.7)
    if rng.random() < 0.5:  # slats
        z = hole.head
        while z > low + 0.03:
            mesh.box(
                shell.frame(side, middle, -0.03, z - 0.02),
                (wide, 0.02, 0.034),
                surface,
                shell.yaw(side),
            )
            z -= 0.042
    elif rng.random() < 0.4 and wide > 0.8:  # upright slats, the turn of each a little its own
        turn = rng.uniform(0.1, 1.0)
        for k in range(int(wide / 0.09)):
            at = shell.frame(side, hole.start + 0.09 * (k + 0.5), 0.02, (hole.head + low) / 2)
            yaw = shell.yaw(side) + turn + rng.gauss(0, 0.03)
            mesh.box(at, (0.088, 0.004, hole.head - low), surface, yaw)
    else:
        size = (wide, 0.01, hole.head - low)
        mesh.box(
            shell.frame(side, middle, -0.03, (hole.head + low) / 2), size, surface, shell.yaw(side)
        )


def _curtains(rng: random.Random, mesh: MeshBuilder, shell: Shell, side: int, hole: Hole) -> None:
    material = paint.cloth(rng)
    wide, length = hole.end - hole.start, shell.plan.wall_length(side)
    top = min(shell.height - 0.03, hole.head + rng.uniform(0.05, 0.3))
    foot = 0.03 if rng.random() < 0.6 else max(0.03, hole.sill - 0.15)
    cover = rng.choice((0.15, 0.25, 0.35, 0.52))
    phase = rng.uniform(0, 6)
    for at_left in (True, False):
        edge = hole.start - 0.12 if at_left else hole.end + 0.12
        span = wide * cover + 0.12
        steps = max(6, int(span / 0.025))
        a = edge if at_left else edge - span
        points = []
        for k in range(steps + 1):
            s = min(max(a + span * k / steps, 0.0), length)
            away = 0.09 + 0.035 * math.sin(phase + 55 * s)
            points.append((s, away))
        for (s0, d0), (s1, d1) in itertools.pairwise(points):
            mesh.quad(
                [
                    shell.frame(side, s0, d0, foot),
                    shell.frame(side, s1, d1, foot),
                    shell.frame(side, s1, d1, top),
                    shell.frame(side, s0, d0, top),
                ],
                material,
                (s0, foot),
            )
    rod = shell.frame(side, (hole.start + hole.end) / 2, 0.09, top)
    mesh.box(
        rod,
        (min(wide + 0.5, length), 0.025, 0.025),
        paint.plain(paint.thing_colour(rng)),
        shell.yaw(side),
    )


def next_room(rng: random.Random, mesh: MeshBuilder, shell: Shell, side: int, hole: Hole) -> None:
    """A box beyond a door, with floor, walls and a picture, lit more or less."""
    deep, low, high = rng.uniform(1.2, 7), rng.uniform(0.2, 2.5), rng.uniform(0.2, 2.5)
    a, b, top = hole.start - low, hole.end + high, shell.height
    surface, ground = paint.wall(rng), paint.floor(rng)
    far = -THICK - deep
    shell.beyond.append((side, a, b, deep))

    def face(points: list[tuple[float, float, float]], material: bpy.types.Material) -> None:
        mesh.quad([shell.frame(side, s, away, z) for s, away, z in points], material)

    face([(a, far, 0), (b, far, 0), (b, far, top), (a, far, top)], surface)
    for s in (a, b):
        face([(s, far, 0), (s, -THICK, 0), (s, -THICK, top), (s, far, top)], surface)
    for s0, s1, z0 in ((a, hole.start, 0), (hole.end, b, 0), (hole.start, hole.end, hole.head)):
        face([(s0, -THICK, z0), (s1, -THICK, z0), (s1, -THICK, top), (s0, -THICK, top)], surface)
    face([(a, far, 0), (b, far, 0), (b, 0, 0), (a, 0, 0)], ground)
    face(
        [(a, far, top), (b, far, top), (b, -THICK, top), (a, -THICK, top)],
        paint.plain((0.8, 0.8, 0.75, 1)),
    )
    wide, tall = rng.uniform(0.3, 1.1), rng.uniform(0.3, 0.8)
    spot = shell.frame(
        side, (hole.start + hole.end) / 2 + rng.gauss(0, 0.3), far + 0.02, rng.uniform(1.2, 1.7)
    )
    art = paint.picture(rng, "painting", wide, tall)
    mesh.box(spot, (wide, 0.03, tall), paint.wood(rng), shell.yaw(side), front=art)
    if rng.random() < 0.75:
        x, y, _ = shell.frame(side, (a + b) / 2, far / 2, 0)
        warm = rng.random() < 0.5
        light = (1, 0.8, 0.6) if warm else (0.9, 0.95, 1)
        area_light((x, y, top - 0.05), None, (0.4, 0.4), rng.uniform(6, 40), light)


def door_swing(
    rng: random.Random,
    mesh: MeshBuilder,
    shell: Shell,
    side: int,
    hole: Hole,
    trim: bpy.types.Material,
) -> None:
    """Jambs, and a leaf that stands open, ajar or shut."""
    wide, yaw = hole.end - hole.start, shell.yaw(side)
    for s in (hole.start - 0.03, hole.end + 0.03):
        mesh.box(shell.frame(side, s, 0.01, hole.head / 2), (0.07, 0.03, hole.head), trim, yaw)
    top = shell.frame(side, (hole.start + hole.end) / 2, 0.01, hole.head + 0.035)
    mesh.box(top, (wide + 0.13, 0.03, 0.07), trim, yaw)
    if wide > 1.0 or rng.random() < 0.2:
        return
    leaf = paint.wood(rng) if rng.random() < 0.6 else paint.plain(paint.wall_colour(rng), 0.4)
    swing = rng.choice((0.0, 0.0, rng.uniform(0.3, 1.2), rng.uniform(1.3, 1.75)))
    away = -0.06 - math.sin(swing) * wide / 2
    along = hole.start + wide / 2 * math.cos(swing)
    centre = shell.frame(side, along, away, hole.head / 2)
    turned = yaw - swing
    mesh.box(centre, (wide - 0.02, 0.04, hole.head - 0.01), leaf, turned)
    knob = shell.frame(
        side,
        hole.start + (wide - 0.1) * math.cos(swing),
        -0.06 - math.sin(swing) * (wide - 0.1) + 0.05,
        1.0,
    )
    mesh.box(knob, (0.12, 0.05, 0.03), paint.plain((0.6, 0.55, 0.4, 1), 0.3, 1.0), turned)
