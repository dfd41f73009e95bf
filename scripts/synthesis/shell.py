"""A room's shell: floor, ceiling, walls with windows and doors, the next room, the outside."""

from __future__ import annotations

import itertools
import random

import bpy

from scripts.synthesis import materials as paint
from scripts.synthesis.layout import THICK, Hole, Plan, Shell
from scripts.synthesis.meshes import MeshBuilder
from scripts.synthesis.openings import door_swing, glazing, next_room


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
            holes.append(
                Hole(start, start + wide, 0, min(rng.uniform(2.0, 2.2), height - 0.1), "door")
            )
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
                glazing(rng, mesh, shell, side, hole, trim)
            else:
                next_room(rng, mesh, shell, side, hole)
                door_swing(rng, mesh, shell, side, hole, trim)
                x, y, _ = shell.frame(side, (hole.start + hole.end) / 2, 0.4, 0)
                shell.plan.taken.append((x - 0.4, y - 0.4, x + 0.4, y + 0.4, 0.0))
    _juts(rng, mesh, shell, walls[0])
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
    mesh: MeshBuilder,
    shell: Shell,
    side: int,
    surface: bpy.types.Material,
    trim: bpy.types.Material,
) -> None:
    """The wall's face in cells between its openings, and the openings' reveals."""
    length, holes = shell.plan.wall_length(side), shell.holes[side]
    along = sorted({0.0, length, *(s for h in holes for s in (h.start, h.end))})
    up = sorted({0.0, shell.height, *(z for h in holes for z in (h.sill, h.head))})
    for a, b in itertools.pairwise(along):
        for low, high in itertools.pairwise(up):
            middle, level = (a + b) / 2, (low + high) / 2
            if any(h.start < middle < h.end and h.sill < level < h.head for h in holes):
                continue
            corners = [
                shell.frame(side, s, 0, z) for s, z in ((a, low), (b, low), (b, high), (a, high))
            ]
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


def _juts(rng: random.Random, mesh: MeshBuilder, shell: Shell, surface: bpy.types.Material) -> None:
    """More than a box: a corner that stands in, a pillar, a soffit, a low wall."""
    plan, high = shell.plan, shell.height
    for side in range(4):
        length, holes = plan.wall_length(side), shell.holes[side]
        if rng.random() < 0.25 and min(plan.width, plan.depth) > 2.4:
            size = (rng.uniform(0.3, length * 0.35), rng.uniform(0.2, 1.3), high)
            before = shell.holes[(side - 1) % 4]  # the wall that ends in this one's start
            end = plan.wall_length((side - 1) % 4) - size[1] - 0.1
            if all(h.start > size[0] + 0.1 for h in holes) and all(h.end < end for h in before):
                spot = plan.on_wall(side, size[0] / 2, size[1] / 2)
                if plan.take(size, spot, gap=0.0):
                    mesh.box((spot.x, spot.y, high / 2), size, surface, spot.yaw)
        drop, deep = rng.uniform(0.15, 0.4), rng.uniform(0.2, 0.7)
        if rng.random() < 0.12 and all(h.head < high - drop for h in holes):
            spot = plan.on_wall(side, length / 2, deep / 2)
            mesh.box((spot.x, spot.y, high - drop / 2), (length, deep, drop), surface, spot.yaw)
    if plan.width * plan.depth > 18:
        thing = rng.choice(("pillar", "low wall", "none", "none"))
        thick = rng.uniform(0.15, 0.5)
        size = (thick, thick, high)
        if thing == "low wall":
            size = (rng.uniform(0.8, 2.0), 0.15, rng.uniform(0.9, 1.2))
        place = plan.anywhere(size, rng.choice((0, 1.5708))) if thing != "none" else None
        if place is not None:
            mesh.box((place.x, place.y, size[2] / 2), size, surface, place.yaw)


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
