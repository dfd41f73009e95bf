"""The road itself: its course, surface, kerbs and markings, and how one looks along it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import bpy

from scripts.synthesis import materials as paint
from scripts.synthesis.meshes import MeshBuilder
from scripts.synthesis.render import View

NEAR, FAR = -40.0, 150.0  # metres along the road, which runs along +Y


@dataclass(frozen=True)
class Street:
    """A built street; the road's middle is x = 0.

    Attributes:
        half: metres from the middle of the road to the kerb.
        walk: width of the pavements, metres.
        rise: metres per metre.
        bend: x of the road's middle is bend * y^2.
    """

    half: float
    walk: float
    rise: float
    bend: float

    def at(self, x: float, y: float, z: float = 0.0) -> tuple[float, float, float]:
        """A point beside the road's middle, above its surface."""
        return x + self.bend * y * y, y, z + self.rise * max(0.0, y)

    def heading(self, y: float) -> float:
        """Turn of things that stand along the road, radians about the vertical."""
        return -math.atan(2 * self.bend * y)


def street_view(rng: random.Random, street: Street) -> View:
    """From a car (1.65 m, wide) or on foot."""
    y = rng.uniform(0, 60)
    if rng.random() < 0.65:
        x, z = rng.uniform(-0.1, 0.75) * street.half, rng.choice((1.65, rng.uniform(1.2, 1.7)))
        aim, tilt = rng.gauss(0, 0.05), rng.gauss(-0.01, 0.015)
        fov = rng.choice((80.5, 80.5, rng.uniform(60, 85)))
    else:
        x = rng.choice((-1, 1)) * (street.half + rng.uniform(-0.5, max(0.4, street.walk - 0.5)))
        z, aim, tilt = rng.uniform(1.4, 1.75), rng.gauss(0, 0.5), rng.gauss(-0.03, 0.05)
        fov = rng.uniform(55, 78)
    if rng.random() < 0.25:
        aim += math.pi
        y += 30
    position = street.at(x, y, z)
    slope = math.atan(street.rise) * math.cos(aim)
    yaw = math.pi / 2 + street.heading(y) + aim
    return View(position, yaw, slope + tilt, rng.gauss(0, 0.012), math.radians(fov))


def _strip(
    mesh: MeshBuilder,
    street: Street,
    left: float,
    right: float,
    z: float,
    material: bpy.types.Material,
    start: float = NEAR,
    end: float = FAR,
    step: float = 6.0,
) -> None:
    """A band along the road, between two distances from its middle."""
    y = start
    while y < end - 1e-6:
        far = min(y + step, end)
        corners = [
            street.at(left, y, z),
            street.at(right, y, z),
            street.at(right, far, z),
            street.at(left, far, z),
        ]
        mesh.quad(corners, material, (left, y))
        y = far


def build_road(rng: random.Random, mesh: MeshBuilder, street: Street, kind: str) -> None:
    """Surface, kerbs, pavements, markings, the ground on both sides and hills at the end."""
    grey = paint.srgb(rng.uniform(0.05, 0.65), rng.uniform(0, 0.08), rng.uniform(0.28, 0.5))
    asphalt = _mottled(rng, grey)
    paved = (
        paint.floor(rng, "tile") if rng.random() < 0.5 else _mottled(rng, paint.shade(grey, 1.5))
    )
    grass = paint.leaves(rng)
    half, walk = street.half, street.walk
    _strip(mesh, street, -half, half, 0.0, asphalt)
    kerb = paint.plain(paint.srgb(0.1, 0.04, 0.6), 0.9)
    for side in (-1, 1):
        edge = side * (half + walk)
        if walk:
            _strip(mesh, street, min(side * half, edge), max(side * half, edge), 0.13, paved)
            y = -40.0
            while y < FAR:
                start, end = (street.at(side * half, v, 0.0) for v in (y, y + 6))
                up = [(p[0], p[1], p[2] + 0.13) for p in (end, start)]
                mesh.quad([start, end, *up], kerb)
                y += 6
        verge = 0.1 if walk else -0.02
        _strip(mesh, street, min(edge, side * 90), max(edge, side * 90), verge, grass, step=12)
    # Beyond the road's end the ground goes on, and hills close the view.
    flat = street.at(0, FAR)
    z = flat[2] - 0.05
    mesh.quad([(-400, FAR - 1, z), (400, FAR - 1, z), (400, 420, z), (-400, 420, z)], grass)
    hill = paint.leaves(rng)
    for _ in range(rng.randint(2, 7)):
        x, wide, high = rng.uniform(-250, 250), rng.uniform(60, 200), rng.uniform(4, 30)
        mesh.cylinder((x, rng.uniform(190, 400), z - 1), wide, high, hill, wide * 0.4, 20)
    white = paint.plain(paint.srgb(0.1, 0.03, rng.uniform(0.75, 0.95)), 0.8)
    if rng.random() < 0.75:
        dash, gap = rng.choice(((3, 4), (2, 3), (100, 0)))
        y = -20.0
        while y < FAR - dash:
            _strip(mesh, street, -0.07, 0.07, 0.006, white, y, y + dash, 3)
            y += dash + gap
    if kind in ("country", "avenue"):
        for x in (-half + 0.25, half - 0.25):
            _strip(mesh, street, x - 0.06, x + 0.06, 0.006, white)
    if rng.random() < 0.3:
        y = rng.uniform(12, 60)
        for k in range(int(2 * half / 0.9)):
            x = -half + 0.2 + 0.9 * k
            _strip(mesh, street, x, x + 0.5, 0.007, white, y, y + 3, 3)


def _mottled(rng: random.Random, colour: paint.Colour) -> bpy.types.Material:
    surface = paint.Surface("asphalt", 0.9)
    coarse = surface.noise(surface.uv(), rng.uniform(0.3, 1.0), 4)
    fine = surface.noise(surface.uv(), rng.uniform(30, 80), 1)
    patched = surface.mix(coarse, paint.shade(colour, 0.6), paint.shade(colour, 1.25))
    return surface.paint(surface.mix(fine, patched, paint.shade(colour, 0.8)))
