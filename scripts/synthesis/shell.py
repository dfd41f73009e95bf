"""A room's shell: floor, ceiling, walls with windows and doors, the next room, the outside."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

import bpy

from scripts.synthesis import materials as paint
from scripts.synthesis.layout import Plan
from scripts.synthesis.lights import area_light
from scripts.synthesis.meshes import MeshBuilder

THICK = 0.16  # metres, walls


@dataclass
class Hole:
    """An opening in a wall: from, to (metres along it), sill, head; and what it is."""

    start: float
    end: float
    sill: float
    head: float
    kind: str  # "window" or "door"


@dataclass
class Shell:
    """The room as built; `holes` per wall."""

    plan: Plan
    height: float
    holes: dict[int, list[Hole]] = field(default_factory=dict)
    day: bool = True

    def frame(self, side: int, along: float, away: float, z: float) -> tuple[float, float, float]:
        spot = self.plan.on_wall(side, along, away)
        return spot.x, spot.y, z

    def yaw(self, side: int) -> float:
        return self.plan.on_wall(side, 0, 0).yaw


def build_shell(
    rng: random.Random,
    width: float,
    depth: float,
    height: float,
    *,
    windows: float = 0.5,
    wall_style: str | None = None,
    floor_style: str | None = None,
    office: bool = False,
) -> Shell:
    """Builds the room from (0, 0) to (width, depth), with what is seen through its openings.

    Args:
        rng: decides everything.
        width, depth, height: metres.
        windows: how likely a wall has one.
        wall_style, floor_style: of `materials`, drawn if None.
        office: a grid ceiling with light panels.
    """
    shell = Shell(Plan(width, depth, rng), height, day=rng.random() < 0.7)
    mesh = MeshBuilder("shell")
    walls = [paint.wall(rng, wall_style)] * 4
    if rng.random() < 0.35:
        walls[rng.randrange(4)] = paint.wall(rng)
    ground = paint.floor(rng, floor_style)
    mesh.quad([(0, 0, 0), (width, 0, 0), (width, depth, 0), (0, depth, 0)], ground)
    _ceiling(rng, mesh, shell, office)
    trim = paint.wood(rng) if rng.random() < 0.5 else paint.plain(paint.srgb(0.1, 0.05, 0.9), 0.4)
    door_side = rng.randrange(4)
    for side in range(4):
        length = shell.plan.wall_length(side)
        shell.holes[side] = holes = []
        if side == door_side or (rng.random() < 0.2 and length > 2.5):
            wide = rng.choice((0.85, 0.9, rng.uniform(1.0, min(2.4, length * 0.6))))
            start = rng.uniform(0.1, max(0.11, length - wide - 0.1))
            holes.append(Hole(start, start + wide, 0, min(rng.uniform(2.0, 2.2), height - 0.1), "door"))
        elif rng.random() < windows and length > 1.5:
            _windows(rng, holes, length, height)
        for hole in holes:
            sill = 0.0 if hole.kind == "door" else hole.sill
            shell.plan.keep.setdefault(side, []).append((hole.start - 0.05, hole.end + 0.05, sill))
        _wall(mesh, shell, side, walls[side], trim)
    if rng.random() < 0.8:
        _skirting(rng, mesh, shell, trim)
    for side, holes in shell.holes.items():
        for hole in holes:
            if hole.kind == "window":
                _glazing(rng, mesh, shell, side, hole, trim)
            else:
                _next_room(rng, mesh, shell, side, hole)
                _door_swing(rng, mesh, shell, side, hole, trim)
                x, y, _ = shell.frame(side, (hole.start + hole.end) / 2, 0.4, 0)
                shell.plan.taken.append((x - 0.4, y - 0.4, x + 0.4, y + 0.4, 0.0))
    mesh.build()
    return shell


def _windows(rng: random.Random, holes: list[Hole], length: float, height: float) -> None:
    count = 1 if length < 3 else rng.choice((1, 1, 2))
    sill = rng.choice((0.05, rng.uniform(0.5, 1.1), rng.uniform(0.75, 1.0)))
    head = min(height - 0.15, max(sill + 0.6, rng.uniform(1.9, 2.4)))
    room = length / count
    for k in range(count):
        wide = rng.uniform(0.6, min(2.8, room - 0.5))
        start = k * room + rng.uniform(0.2, room - wide - 0.2)
        holes.append(Hole(start, start + wide, sill, head, "window"))


def _wall(
    mesh: MeshBuilder, shell: Shell, side: int, surface: bpy.types.Material, trim: bpy.types.Material
) -> None:
    """The wall's face in cells between its openings, and the openings' reveals."""
    length, holes = shell.plan.wall_length(side), shell.holes[side]
    along = sorted({0.0, length, *(s for h in holes for s in (h.start, h.end))})
    up = sorted({0.0, shell.height, *(z for h in holes for z in (h.sill, h.head))})
    for a, b in zip(along, along[1:], strict=False):
        for low, high in zip(up, up[1:], strict=False):
            middle, level = (a + b) / 2, (low + high) / 2
            if any(h.start < middle < h.end and h.sill < level < h.head for h in holes):
                continue
            corners = [shell.frame(side, s, 0, z) for s, z in ((a, low), (b, low), (b, high), (a, high))]
            mesh.quad(corners, surface, (a, low))
    for h in holes:
        edge = ((h.start, h.sill), (h.end, h.sill), (h.end, h.head), (h.start, h.head))
        for (s0, z0), (s1, z1) in zip(edge, (*edge[1:], edge[0]), strict=True):
            mesh.quad(
                [
                    shell.frame(side, s0, 0, z0),
                    shell.frame(side, s1, 0, z1),
                    shell.frame(side, s1, -THICK, z1),
                    shell.frame(side, s0, -THICK, z0),
                ],
                trim,
            )


def _skirting(
    rng: random.Random, mesh: MeshBuilder, shell: Shell, trim: bpy.types.Material
) -> None:
    high = rng.uniform(0.05, 0.14)
    for side in range(4):
        doors = [h for h in shell.holes[side] if h.sill < 0.2]
        cuts = sorted((h.start, h.end) for h in doors)
        start = 0.0
        for a, b in [*cuts, (shell.plan.wall_length(side), 0.0)]:
            if a - start > 0.02:
                centre = shell.frame(side, (start + a) / 2, 0.008, high / 2)
                mesh.box(centre, (a - start, 0.016, high), trim, shell.yaw(side))
            start = b


def _ceiling(rng: random.Random, mesh: MeshBuilder, shell: Shell, office: bool) -> None:
    w, d, h = shell.plan.width, shell.plan.depth, shell.height
    white = paint.srgb(0.12, rng.uniform(0, 0.1), rng.uniform(0.75, 0.95))
    if office:
        surface = paint.Surface("grid ceiling", 0.9)
        tile = surface.node(
            "ShaderNodeTexBrick",
            Vector=surface.uv(),
            Color1=white,
            Color2=white,
            Mortar=paint.shade(white, 0.5),
            Scale=1.0,
            Mortar_Size=0.012,
            Brick_Width=0.6,
            Row_Height=rng.choice((0.6, 1.2)),
        )
        tile.node.offset = 0.0
        material = surface.paint(tile)
    elif rng.random() < 0.1:
        material = paint.wood(rng)
    else:
        material = paint.plain(white, 0.9)
    mesh.quad([(0, 0, h), (0, d, h), (w, d, h), (w, 0, h)], material)
    if rng.random() < 0.12:
        beams = paint.wood(rng)
        for k in range(1, int(w / 0.9)):
            mesh.box((k * 0.9, d / 2, h - 0.07), (0.12, d, 0.14), beams)


def _glazing(
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
        power = wide * high * rng.uniform(12, 45) * (1.0 if closed > 0.3 else 0.5)
        colour = (0.8, 0.9, 1.0) if rng.random() < 0.6 else (1.0, 0.95, 0.85)
        spot = shell.frame(side, middle, 0.03 if closed < 0.3 else -0.12, level)
        area_light(spot, yaw, (wide * 0.95, high * 0.95), power, colour)
    if closed < 0.3:
        _blind(rng, mesh, shell, side, hole)
    elif closed < 0.65:
        _curtains(rng, mesh, shell, side, hole)


def _blind(
    rng: random.Random, mesh: MeshBuilder, shell: Shell, side: int, hole: Hole
) -> None:
    colour = paint.srgb(rng.uniform(0.05, 0.2), rng.uniform(0, 0.3), rng.uniform(0.6, 0.97))
    surface = paint.glow(colour, rng.uniform(0.3, 1.5) if shell.day else 0.0)
    middle, wide = (hole.start + hole.end) / 2, hole.end - hole.start
    low = hole.sill + (0 if rng.random() < 0.6 else (hole.head - hole.sill) * rng.random() * 0.7)
    if rng.random() < 0.5:  # slats
        z = hole.head
        while z > low + 0.03:
            mesh.box(shell.frame(side, middle, -0.03, z - 0.02), (wide, 0.02, 0.034), surface, shell.yaw(side))
            z -= 0.042
    else:
        size = (wide, 0.01, hole.head - low)
        mesh.box(shell.frame(side, middle, -0.03, (hole.head + low) / 2), size, surface, shell.yaw(side))


def _curtains(
    rng: random.Random, mesh: MeshBuilder, shell: Shell, side: int, hole: Hole
) -> None:
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
        for (s0, d0), (s1, d1) in zip(points, points[1:], strict=False):
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
    mesh.box(rod, (min(wide + 0.5, length), 0.025, 0.025), paint.plain(paint.thing_colour(rng)), shell.yaw(side))


def _next_room(
    rng: random.Random, mesh: MeshBuilder, shell: Shell, side: int, hole: Hole
) -> None:
    """A box beyond a door, with floor, walls and a picture, lit more or less."""
    deep, low, high = rng.uniform(1.2, 5), rng.uniform(0.2, 2.5), rng.uniform(0.2, 2.5)
    a, b, top = hole.start - low, hole.end + high, shell.height
    surface, ground = paint.wall(rng), paint.floor(rng)
    far = -THICK - deep

    def face(points: list[tuple[float, float, float]], material: bpy.types.Material) -> None:
        mesh.quad([shell.frame(side, s, away, z) for s, away, z in points], material)

    face([(a, far, 0), (b, far, 0), (b, far, top), (a, far, top)], surface)
    for s in (a, b):
        face([(s, far, 0), (s, -THICK, 0), (s, -THICK, top), (s, far, top)], surface)
    for s0, s1, z0 in ((a, hole.start, 0), (hole.end, b, 0), (hole.start, hole.end, hole.head)):
        face([(s0, -THICK, z0), (s1, -THICK, z0), (s1, -THICK, top), (s0, -THICK, top)], surface)
    face([(a, far, 0), (b, far, 0), (b, 0, 0), (a, 0, 0)], ground)
    face([(a, far, top), (b, far, top), (b, -THICK, top), (a, -THICK, top)], paint.plain((0.8, 0.8, 0.75, 1)))
    wide, tall = rng.uniform(0.3, 1.1), rng.uniform(0.3, 0.8)
    spot = shell.frame(side, (hole.start + hole.end) / 2 + rng.gauss(0, 0.3), far + 0.02, rng.uniform(1.2, 1.7))
    art = paint.picture(rng, "painting", wide, tall)
    mesh.box(spot, (wide, 0.03, tall), paint.wood(rng), shell.yaw(side), front=art)
    for _ in range(rng.randint(0, 3)):  # a chest, a shelf, a box
        size = (rng.uniform(0.4, 1.4), rng.uniform(0.3, 0.5), rng.uniform(0.4, 2.0))
        spot = shell.frame(side, rng.uniform(a, b), far + size[1] / 2 + 0.02, size[2] / 2)
        mesh.box(spot, size, paint.wood(rng), shell.yaw(side))
    if rng.random() < 0.75:
        x, y, _ = shell.frame(side, (a + b) / 2, far / 2, 0)
        warm = rng.random() < 0.5
        light = (1, 0.8, 0.6) if warm else (0.9, 0.95, 1)
        area_light((x, y, top - 0.05), None, (0.4, 0.4), rng.uniform(6, 40), light)


def _door_swing(
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
    knob = shell.frame(side, hole.start + (wide - 0.1) * math.cos(swing), -0.06 - math.sin(swing) * (wide - 0.1) + 0.05, 1.0)
    mesh.box(knob, (0.12, 0.05, 0.03), paint.plain((0.6, 0.55, 0.4, 1), 0.3, 1.0), turned)
