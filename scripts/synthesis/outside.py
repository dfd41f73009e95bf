"""What is seen through a window: ground, houses, hedges, trees; simple, at true distances."""

from __future__ import annotations

import math
import random

from scripts.synthesis import materials as paint
from scripts.synthesis.lights import sun
from scripts.synthesis.meshes import MeshBuilder
from scripts.synthesis.shell import Shell


def build_outside(rng: random.Random, shell: Shell) -> None:
    """The surroundings of a room that has a window."""
    windows = [(s, h) for s, holes in shell.holes.items() for h in holes if h.kind == "window"]
    if not windows:
        return
    mesh = MeshBuilder("outside")
    below = -rng.choice((0.15, 0.4, 3.0, 6.0))
    ground = paint.leaves(rng) if rng.random() < 0.6 else paint.floor(rng, "stone")
    mesh.quad([(-80, -80, below), (80, -80, below), (80, 80, below), (-80, 80, below)], ground)
    bricks, green = [paint.wall(rng, s) for s in ("brick", "paint")], [paint.leaves(rng), paint.leaves(rng)]
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
            tree(rng, mesh, (x, y, below), rng.uniform(1.0, 7.0), rng.choice(green))
    mesh.build()
    if shell.day and rng.random() < 0.7:
        sun(rng, rng.uniform(1.0, 6.0))


def tree(
    rng: random.Random,
    mesh: MeshBuilder,
    foot: tuple[float, float, float],
    height: float,
    leaves: object,
    trunk: object | None = None,
) -> None:
    """A trunk and a crown of many small leaf clusters (tilted quads)."""
    bark = trunk or paint.plain(paint.srgb(0.08, 0.4, rng.uniform(0.15, 0.4)), 0.9)
    clear = height * rng.uniform(0.1, 0.4)
    mesh.cylinder(foot, height * 0.03, height * 0.7, bark, height * 0.012, 8)
    wide = height * rng.uniform(0.18, 0.38)
    for _ in range(int(140 + 40 * height)):
        t, a = rng.random(), rng.uniform(0, 2 * math.pi)
        r = wide * math.sqrt(rng.random()) * math.sin(math.pi * (0.12 + 0.8 * t))
        c = (foot[0] + r * math.cos(a), foot[1] + r * math.sin(a), foot[2] + clear + t * (height - clear))
        e = height * rng.uniform(0.02, 0.05)
        u = [rng.gauss(0, e) for _ in range(3)]
        v = [rng.gauss(0, e) for _ in range(3)]
        corners = [tuple(c[k] + i * u[k] + j * v[k] for k in range(3)) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        mesh.quad(corners, leaves)
