"""Where things stand in a rectangular room: along walls, round tables, in rows; no Blender."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

THICK = 0.16  # metres, walls


@dataclass(frozen=True)
class Spot:
    """A place for a thing: centre of its foot (metres) and the turn of its front from -Y."""

    x: float
    y: float
    yaw: float


@dataclass
class Plan:
    """A room's floor from (0, 0) to (width, depth), and what is taken of it.

    Attributes:
        taken: rectangles x0, y0, x1, y1 in metres with the height of what stands there.
        keep: per wall (0 front y=0, 1 right, 2 back, 3 left) the stretches, in metres from the
            wall's start, that doors and low windows need.
    """

    width: float
    depth: float
    rng: random.Random
    taken: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    keep: dict[int, list[tuple[float, float, float]]] = field(default_factory=dict)

    def wall_length(self, side: int) -> float:
        return self.width if side % 2 == 0 else self.depth

    def on_wall(self, side: int, along: float, away: float) -> Spot:
        """The spot `along` metres from the start of a wall, `away` from it, facing the room."""
        w, d = self.width, self.depth
        return (
            Spot(along, away, math.pi),
            Spot(w - away, along, -math.pi / 2),
            Spot(w - along, d - away, 0.0),
            Spot(away, d - along, math.pi / 2),
        )[side]

    def free(self, box: tuple[float, float, float, float], gap: float = 0.02) -> bool:
        """True if a rectangle lies in the room and touches nothing."""
        x0, y0, x1, y1 = box
        if x0 < 0 or y0 < 0 or x1 > self.width or y1 > self.depth:
            return False
        return all(
            x1 + gap < a or x0 - gap > c or y1 + gap < b or y0 - gap > d
            for a, b, c, d, _ in self.taken
        )

    def take(self, size: tuple[float, float, float], spot: Spot, gap: float = 0.02) -> bool:
        """Occupies the spot if it is free."""
        box = footprint(size, spot)
        if not self.free(box, gap):
            return False
        self.taken.append((*box, size[2]))
        return True

    def against_wall(
        self, size: tuple[float, float, float], sides: tuple[int, ...] = (0, 1, 2, 3)
    ) -> Spot | None:
        """A free spot with its back to a wall, clear of doors (and of windows if tall)."""
        for _ in range(12):
            side = self.rng.choice(sides)
            half, length = size[0] / 2, self.wall_length(side)
            if length < size[0] + 0.05:
                continue
            along = self.rng.uniform(half + 0.02, length - half - 0.02)
            if self.rng.random() < 0.35:  # into the corner
                along = self.rng.choice((half + 0.03, length - half - 0.03))
            if self.kept(side, along - half, along + half, size[2]):
                continue
            spot = self.on_wall(side, along, size[1] / 2 + self.rng.uniform(0.015, 0.06))
            if self.take(size, spot):
                return spot
        return None

    def kept(self, side: int, start: float, end: float, height: float) -> bool:
        """True if a door, or a window whose sill is lower than `height`, is in the way."""
        return any(
            start < b and end > a and height > sill for a, b, sill in self.keep.get(side, [])
        )

    def anywhere(self, size: tuple[float, float, float], yaw: float | None = None) -> Spot | None:
        """A free spot in the open."""
        for _ in range(10):
            turn = self.rng.uniform(0, 2 * math.pi) if yaw is None else yaw
            spot = Spot(self.rng.uniform(0, self.width), self.rng.uniform(0, self.depth), turn)
            if self.take(size, spot):
                return spot
        return None

    def around(self, size: tuple[float, float, float], spot: Spot, seat: float) -> list[Spot]:
        """Spots for chairs round a table, facing it; `seat` is a chair's depth."""
        spots = []
        for turn in (0.0, math.pi / 2, math.pi, -math.pi / 2):
            side, across = (size[0], size[1]) if abs(math.cos(turn)) > 0.5 else (size[1], size[0])
            count = max(1, int(side / 0.62))
            for k in range(count):
                along = (k - (count - 1) / 2) * side / count
                away = across / 2 + seat * self.rng.uniform(0.2, 0.6)
                yaw = spot.yaw + turn
                x = spot.x + math.cos(yaw) * along + math.sin(yaw) * away
                y = spot.y + math.sin(yaw) * along - math.cos(yaw) * away
                spots.append(Spot(x, y, yaw + math.pi + self.rng.gauss(0, 0.15)))
        return spots


def footprint(size: tuple[float, float, float], spot: Spot) -> tuple[float, float, float, float]:
    """The rectangle x0, y0, x1, y1 round a thing as it stands."""
    c, s = abs(math.cos(spot.yaw)), abs(math.sin(spot.yaw))
    half_x = (size[0] * c + size[1] * s) / 2
    half_y = (size[0] * s + size[1] * c) / 2
    return spot.x - half_x, spot.y - half_y, spot.x + half_x, spot.y + half_y


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
    beyond: list[tuple[int, float, float, float]] = field(default_factory=list)
    """Per room next door: the wall, from, to (metres along it) and how deep it is."""

    def frame(self, side: int, along: float, away: float, z: float) -> tuple[float, float, float]:
        spot = self.plan.on_wall(side, along, away)
        return spot.x, spot.y, z

    def yaw(self, side: int) -> float:
        return self.plan.on_wall(side, 0, 0).yaw
