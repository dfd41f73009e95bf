"""What is seen through a window: ground, houses, hedges, trees; simple, at true distances."""

from __future__ import annotations

import math
import random

import bpy

from scripts.synthesis import materials as paint
from scripts.synthesis.layout import Shell
from scripts.synthesis.lights import sun
from scripts.synthesis.meshes import MeshBuilder


def build_outside(rng: random.Random, shell: Shell) -> None:
    """The surroundings of a room that has a window."""
    windows = [(s, h) for s, holes in shell.holes.items() for h in holes if h.kind == "window"]
    if not windows:
        return
    mesh = MeshBuilder("outside")
    below = -rng.choice((0.15, 0.4, 3.0, 6.0))
    ground = paint.leaves(rng) if rng.random() < 0.6 else paint.floor(rng, "stone")
    mesh.quad([(-80, -80, below), (80, -80, below), (80, 80, below), (-80, 80, below)], ground)
    bricks, trees = [paint.wall(rng, s) for s in ("brick", "paint")], Trees(rng, 2)
    glass = paint.plain((0.03, 0.04, 0.05, 1), 0.1)
    for side, hole in windows:
        for _ in range(rng.randint(1, 3)):
            away, wide, high = rng.uniform(5, 35), rng.uniform(5, 16), rng.uniform(3, 11)
            along = (hole.start + hole.end) / 2 + rng.gauss(0, away * 0.35)
            x, y, _ = shell.frame(side, along, -away - 3, 0)
            yaw = shell.yaw(side)
            mesh.box((x, y, below + high / 2), (wide, 6, high), rng.choice(bricks), yaw)
            for k in range(int(wide / 2)):
                for z in range(int(high / 2.8)):
                    s = along + (k + 0.5) * 2 - wide / 2
                    px, py, _ = shell.frame(side, s, -away + 0.02, 0)
                    mesh.box((px, py, below + 1.7 + 2.8 * z), (1.0, 0.05, 1.3), glass, yaw)
        for _ in range(rng.randint(0, 5)):
            x, y, _ = shell.frame(side, rng.uniform(-4, 8), -rng.uniform(2.5, 14), 0)
            trees.plant((x, y, below), rng.uniform(1.0, 7.0))
    mesh.build()
    if shell.day and rng.random() < 0.75:  # strong enough that what it lights is blown out
        sun(rng, rng.lognormvariate(1.9, 0.7))


class Trees:
    """A few procedural trees, copied all over a scene."""

    def __init__(self, rng: random.Random, variants: int = 3) -> None:
        self.rng = rng
        self._meshes = [_tree(rng) for _ in range(variants)]

    def plant(self, foot: tuple[float, float, float], height: float) -> None:
        """Puts a tree of that height (metres) there."""
        thing = bpy.data.objects.new("tree", self.rng.choice(self._meshes))
        slim = height * self.rng.uniform(0.7, 1.2)
        thing.location, thing.scale = foot, (slim, slim, height)
        thing.rotation_euler[2] = self.rng.uniform(0, 2 * math.pi)
        bpy.context.scene.collection.objects.link(thing)


def _tree(rng: random.Random) -> bpy.types.Mesh:
    """A trunk and a crown of leaf clusters (tilted quads), one metre high."""
    mesh, green = MeshBuilder("tree"), [paint.leaves(rng) for _ in range(2)]
    bark = paint.plain(paint.srgb(0.08, 0.4, rng.uniform(0.15, 0.4)), 0.9)
    clear, wide = rng.uniform(0.02, 0.4), rng.uniform(0.18, 0.38)
    mesh.cylinder((0, 0, -0.05), 0.03, 0.75, bark, 0.012, 8)
    leaf = rng.uniform(0.01, 0.02)
    for _ in range(int(0.45 / leaf**2)):
        t, a = rng.random(), rng.uniform(0, 2 * math.pi)
        r = wide * math.sqrt(rng.random()) * math.sin(math.pi * (0.12 + 0.8 * t))
        x, y, z = r * math.cos(a), r * math.sin(a), clear + t * (1 - clear)
        p, q, s, u, v, w = (rng.gauss(0, leaf) for _ in range(6))
        corners = [
            (x + i * p + j * u, y + i * q + j * v, z + i * s + j * w)
            for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        mesh.quad(corners, green[r < wide * 0.5])
    thing = mesh.build()
    if thing is None:
        raise AssertionError("a tree has leaves")
    made = thing.data
    bpy.data.objects.remove(thing)
    return made
