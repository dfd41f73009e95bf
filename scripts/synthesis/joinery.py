"""Own furniture of boards and cloth: cabinets along whole walls, counters, beds, pillows, heaps."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from scripts.synthesis import materials as paint
from scripts.synthesis.layout import Spot
from scripts.synthesis.meshes import MeshBuilder
from scripts.synthesis.models import spin

_BOARD = 0.02  # metres, a cabinet's front
_CELL = 0.06  # metres between the points of a cloth


class Joiner:
    """Builds cabinets of one style: a room's kitchen, wardrobe or wall of shelves."""

    def __init__(self, rng: random.Random, mesh: MeshBuilder) -> None:
        self.rng, self.mesh = rng, mesh
        painted = rng.random() < 0.35
        white = paint.srgb(rng.uniform(0.08, 0.14), rng.uniform(0, 0.15), rng.uniform(0.8, 0.95))
        colour = white if rng.random() < 0.7 else paint.wall_colour(rng)
        self.front = paint.plain(colour, 0.35) if painted else paint.wood(rng)
        dark = rng.uniform(0.05, 0.75)
        self.metal = paint.plain((dark, dark * 0.97, dark * 0.9, 1), 0.3, 1.0)
        self.framed = rng.random() < 0.6
        self.bar = rng.random() < 0.5

    def put(
        self,
        spot: Spot,
        centre: tuple[float, float, float],
        size: tuple[float, float, float],
        material: bpy.types.Material | None = None,
    ) -> None:
        """A box at `centre` as seen from the spot: right, back, up; of the front's material."""
        x, y = spin(spot.yaw, centre[0], centre[1])
        self.mesh.box((spot.x + x, spot.y + y, centre[2]), size, material or self.front, spot.yaw)

    def cabinet(
        self, spot: Spot, size: tuple[float, float, float], foot: float, kind: str = "doors"
    ) -> None:
        """A cabinet whose middle is the spot, its foot at that height.

        Args:
            spot: of its centre.
            size: metres.
            foot: metres above the floor.
            kind: "doors", "drawers", "both" (a drawer above each door) or "mixed".
        """
        rng, (wide, deep, high) = self.rng, size
        self.put(spot, (0, _BOARD / 2, foot + high / 2), (wide, deep - _BOARD, high), self.front)
        columns = max(1, round(wide / rng.uniform(0.42, 0.62)))
        each = wide / columns
        for column in range(columns):
            x = (column + 0.5) * each - wide / 2
            chosen = rng.choice(("doors", "drawers", "both")) if kind == "mixed" else kind
            if chosen == "drawers":
                rows = [1.0 / (n := max(2, round(high / 0.22)))] * n
            elif chosen == "both" and high > 0.5:
                rows = [1 - 0.15 / high, 0.15 / high]
            else:
                rows = [1.0]
            z = foot
            for part in rows:
                tall = part * high
                self._leaf(spot, x, z + tall / 2, each - 0.006, tall - 0.006, deep, column % 2 == 0)
                z += tall

    def _leaf(
        self, spot: Spot, x: float, z: float, wide: float, high: float, deep: float, left: bool
    ) -> None:
        """A door or a drawer's front, with its frame and handle."""
        y = -deep / 2
        self.put(spot, (x, y + _BOARD / 2, z), (wide, _BOARD, high), self.front)
        edge = min(0.06, high / 4)
        if self.framed:
            for dx, dz, w, h in (
                (0, (high - edge) / 2, wide, edge),
                (0, (edge - high) / 2, wide, edge),
                ((wide - edge) / 2, 0, edge, high - 2 * edge),
                ((edge - wide) / 2, 0, edge, high - 2 * edge),
            ):
                self.put(spot, (x + dx, y - 0.004, z + dz), (w, 0.009, h), self.front)
        door = high > 0.32
        side = (wide / 2 - 0.04) * (1 if left else -1) if door else 0.0
        up = (high / 2 - 0.12) * (1 if z > 1.3 else -1) * (-1 if door else 0)
        long = 0.12 if self.bar else 0.025
        size = (0.015, 0.025, long) if door else (long, 0.025, 0.015)
        self.put(spot, (x + side, y - 0.02, z + up), size, self.metal)

    def counter(
        self, spot: Spot, size: tuple[float, float, float], top: bpy.types.Material
    ) -> None:
        """Base cabinets on a plinth under a worktop; `size` is to the top's surface."""
        wide, deep, high = size
        plinth = paint.plain((0.03, 0.03, 0.03, 1), 0.7)
        self.put(spot, (0, 0.03, 0.05), (wide, deep - 0.06, 0.1), plinth)
        self.cabinet(spot, (wide, deep, high - 0.14), 0.1, self.rng.choice(("both", "mixed")))
        self.put(spot, (0, -0.015, high - 0.02), (wide, deep + 0.03, 0.04), top)

    def executive_desk(self, spot: Spot, size: tuple[float, float, float]) -> None:
        """A top on two pedestals of drawers, closed at the back."""
        wide, deep, high = size
        box = min(0.45, wide * 0.3)
        for side in (-1, 1):
            x, y = spin(spot.yaw, side * (wide - box) / 2, 0)
            stand = Spot(spot.x + x, spot.y + y, spot.yaw)
            self.cabinet(stand, (box, deep - 0.06, high - 0.08), 0.04, "drawers")
        self.put(spot, (0, deep / 2 - 0.05, high / 2), (wide - 0.04, 0.02, high - 0.06), self.front)
        self.put(spot, (0, 0, high - 0.02), (wide, deep, 0.04), self.front)

    def table(self, spot: Spot, size: tuple[float, float, float]) -> None:
        """A top on four legs or a block."""
        wide, deep, high = size
        self.put(spot, (0, 0, high - 0.02), (wide, deep, 0.04), self.front)
        self.put(spot, (0, 0, high - 0.08), (wide - 0.15, deep - 0.15, 0.09), self.front)
        thick = self.rng.uniform(0.04, 0.1)
        if self.rng.random() < 0.2:
            self.put(spot, (0, 0, high / 2), (wide * 0.5, deep * 0.3, high - 0.04), self.front)
            return
        for i in (-1, 1):
            for j in (-1, 1):
                at = (i * (wide - thick) / 2 * 0.95, j * (deep - thick) / 2 * 0.95, high / 2 - 0.02)
                self.put(spot, at, (thick, thick, high - 0.04), self.front)

    def curtain(self, spot: Spot, size: tuple[float, float]) -> None:
        """A shower curtain before a bath of that size, drawn some way, and its rod."""
        rng, (wide, deep) = self.rng, size
        self.put(spot, (0, -deep / 2, 1.98), (wide, 0.025, 0.025), self.metal)
        start = -wide / 2 if rng.random() < 0.5 else wide * rng.uniform(-0.3, 0.2)
        x, z = np.meshgrid(
            np.linspace(start, min(wide / 2, start + wide * rng.uniform(0.3, 0.8)), 60),
            np.linspace(0.2, 1.97, 8),
        )
        y = -deep / 2 - 0.02 + 0.03 * np.sin(x * rng.uniform(35, 70)) * (1.2 - z / 4)
        self.mesh.sheet(placed(np.stack((x, y, z), -1), spot), paint.bedding(rng))

    def bed(self, spot: Spot, size: tuple[float, float, float]) -> None:
        """Mattress, cover, pillows and headboard; `size` without the headboard, its head at +Y."""
        rng, (wide, long, high) = self.rng, size
        foot = rng.uniform(0.02, high * 0.5)
        self.put(spot, (0, 0, high * 0.55), (wide - 0.05, long, high * 0.88), paint.cloth(rng))
        self.put(spot, (0, 0, 0.1), (wide - 0.1, long - 0.1, 0.2), self.front)
        cover = paint.bedding(rng)
        from_head = rng.uniform(0.0, 0.35) * long
        points = cloth(rng, wide + 0.04, long - from_head + 0.04, high + 0.02, foot)
        points[..., 1] -= from_head / 2
        self.mesh.sheet(placed(points, spot), cover)
        if rng.random() < 0.4:  # a second blanket, half thrown back
            fold = heap(rng, wide * rng.uniform(0.4, 0.9), long * rng.uniform(0.2, 0.4), 0.12)
            fold[..., :2] += (rng.uniform(-0.1, 0.1) * wide, rng.uniform(-0.3, 0.2) * long)
            fold[..., 2] += high + 0.02
            self.mesh.sheet(placed(fold, spot), paint.bedding(rng))
        across = max(1, int(wide / 0.65))
        slips = [paint.bedding(rng) for _ in range(2)]
        for k in range(across * rng.choice((1, 1, 2))):
            x = ((k % across + 0.5) / across - 0.5) * wide
            y = long / 2 - 0.24 - 0.22 * (k // across)
            pillow = cushion(rng, min(0.68, wide / across * 0.95), 0.42, 0.17)
            pillow += (x, y, high + 0.09 + 0.05 * (k // across))
            self.mesh.sheet(placed(pillow, spot), slips[k // across])
        if rng.random() < 0.75:
            board = paint.cloth(rng) if rng.random() < 0.25 else self.front
            top = rng.uniform(0.85, 1.35)
            y = long / 2 + 0.03
            if rng.random() < 0.35:  # bars
                for k in range(n := int(wide / 0.12) + 1):
                    x = (k / (n - 1) - 0.5) * (wide - 0.03)
                    self.put(spot, (x, y, top / 2), (0.025, 0.025, top), board)
                self.put(spot, (0, y, top), (wide + 0.04, 0.04, 0.05), board)
            else:
                self.put(spot, (0, y, top / 2), (wide + 0.06, 0.05, top), board)


def placed(points: NDArray[np.float64], spot: Spot) -> NDArray[np.float64]:
    """Points as seen from a spot, in the room."""
    c, s = math.cos(spot.yaw), math.sin(spot.yaw)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    return np.asarray(points @ turn + (spot.x, spot.y, 0.0), np.float64)


def waves(
    rng: random.Random, x: NDArray[np.float64], y: NDArray[np.float64], lengths: Sequence[float]
) -> NDArray[np.float64]:
    """Ripples of those lengths (metres) in random directions, about one high at most."""
    total = np.zeros_like(x)
    for length in lengths:
        turn, phase = rng.uniform(0, math.pi), rng.uniform(0, 6.28)
        across = x * math.cos(turn) + y * math.sin(turn)
        bend = 0.4 * np.sin((x * math.sin(turn) - y * math.cos(turn)) * 3 / length)
        total += np.sin(across * 2 * math.pi / length + bend + phase)
    return total / len(lengths)


def cloth(
    rng: random.Random, wide: float, long: float, high: float, foot: float
) -> NDArray[np.float64]:
    """A cover that lies on a block and hangs down at both sides and its end, to that height."""
    hang = high - foot
    u = np.arange(-wide / 2 - hang, wide / 2 + hang + _CELL, _CELL)
    v = np.arange(-long / 2 - hang, long / 2, _CELL)
    u, v = np.meshgrid(u, v)
    side, end = np.maximum(np.abs(u) - wide / 2, 0), np.maximum(-long / 2 - v, 0)
    down = np.minimum(np.maximum(side, end), hang)
    folds = 0.03 * np.sin(9 * u + 9 * v + rng.uniform(0, 6)) * np.minimum(down * 3, 1)
    rumple = rng.choice((0.006, 0.015, 0.035)) * waves(rng, u, v, (0.22, 0.35, 0.6, 1.0))
    x = np.clip(u, -wide / 2, wide / 2) + np.sign(u) * np.where(side > 0, 0.03 + folds, 0)
    y = np.maximum(v, -long / 2) - np.where(end > 0, 0.03 + folds, 0)
    z = high - down + np.where(down > 0, 0, np.maximum(rumple, -0.015) + 0.01)
    return np.stack((x, y, z), -1)


def heap(rng: random.Random, wide: float, long: float, high: float) -> NDArray[np.float64]:
    """Clothes or a blanket thrown down: a bumpy mound that ends on the ground all round."""
    n = 15
    u, v = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n))
    radius = np.sqrt(u**2 + v**2) / 1.42
    mound = np.maximum(1 - radius**2 * 1.6, 0) ** 0.7
    bumps = 1 + 0.6 * waves(rng, u, v, (0.7, 1.1, 1.9))
    ragged = 1 + 0.15 * waves(rng, u, v, (1.2, 1.9))
    z = high * mound * np.maximum(bumps, 0.15)
    return np.stack((u * wide / 2 * ragged, v * long / 2 * ragged, z), -1)


def cushion(rng: random.Random, wide: float, long: float, thick: float) -> NDArray[np.float64]:
    """A pillow round the origin: thick in the middle, thin at its edges."""
    n = 13
    across, around = np.linspace(-1, 1, n), np.linspace(0, 2 * math.pi, 2 * n + 1)
    u, t = np.meshgrid(across, around)
    plump = np.maximum(1 - u**4, 0) ** 0.5
    v = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.7
    dents = 1 + 0.15 * waves(rng, u, v, (0.7, 1.2))
    z = np.sin(t) * plump * (1 - 0.6 * v**2) * dents * thick / 2
    return np.stack((u * wide / 2, v * (0.92 + 0.08 * plump) * long / 2, z), -1)
