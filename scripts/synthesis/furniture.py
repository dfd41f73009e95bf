"""Puts furniture into a room: against walls, round tables, on the floor, with things on top."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from scripts.synthesis.catalog import Catalog, Model
from scripts.synthesis.clutter import Clutter
from scripts.synthesis.joinery import Joiner
from scripts.synthesis.layout import Shell, Spot
from scripts.synthesis.models import ModelStore


@dataclass
class Room:
    """A room being furnished."""

    rng: random.Random
    shell: Shell
    store: ModelStore
    catalog: Catalog
    clutter: Clutter

    def __post_init__(self) -> None:
        self.joiner = Joiner(self.rng, self.clutter.mesh)

    def pick(self, group: str, limit: float = 9.0) -> Model:
        """A model of the group that is not wider than `limit` metres."""
        models = [m for m in self.catalog[group] if max(m.size[:2]) <= limit]
        return self.rng.choice(models or self.catalog[group])

    def wall(self, group: str, things: list[str] | None = None, count: int = 0) -> Spot | None:
        """A model against a wall, with `count` things on top."""
        limit = min(self.shell.plan.width, self.shell.plan.depth) * 0.9
        model = self.pick(group, limit)
        spot = self.shell.plan.against_wall(model.size)
        if spot is not None:
            self.store.place(
                model, spot.x, spot.y, spot.yaw, 0.0 if model.elevation < 0.3 else None
            )
            if things and model.size[2] < 1.5:
                size = (model.size[0] * 0.9, model.size[1] * 0.8)
                self.clutter.on_top(size, model.size[2], spot, things, count)
        return spot

    def open(self, group: str, yaw: float | None = None) -> Spot | None:
        """A model in the open."""
        model = self.pick(group)
        spot = self.shell.plan.anywhere(model.size, yaw)
        if spot is not None:
            self.store.place(model, spot.x, spot.y, spot.yaw, 0.0)
        return spot

    def table(self, group: str, seats: str, things: list[str], spot: Spot | None = None) -> None:
        """A table or desk with chairs round it and things on it."""
        rng, plan = self.rng, self.shell.plan
        model, chair = self.pick(group), self.pick(seats)
        size = model.size
        own = rng.random() < 0.5
        if own:
            size = (rng.uniform(1.0, 2.4), rng.uniform(0.7, 1.2), rng.uniform(0.7, 0.78))
        if spot is None:
            spot = plan.anywhere(size, rng.choice((0, math.pi / 2)) + rng.gauss(0, 0.05))
        if spot is None:
            return
        top = size[2]
        if own:
            self.joiner.table(spot, size)
        else:
            self.store.place(model, spot.x, spot.y, spot.yaw, 0.0)
            top = model.top if model.top > 0.4 else size[2]
        self.clutter.on_top(size[:2], top, spot, things, rng.randint(0, 10))
        for seat in plan.around(size, spot, chair.size[1]):
            if rng.random() < 0.75 and plan.take(chair.size, seat, gap=-0.35):
                self.store.place(chair, seat.x, seat.y, seat.yaw, 0.0)

    def lamp(self, x: float, y: float, z: float, high: float) -> None:
        """A table or floor lamp, at night and on dull days often lit, now and then very bright."""
        lit = self.rng.random() < (0.35 if self.shell.day else 0.75)
        self.clutter.lamp(x, y, z, high, self.rng.lognormvariate(3.2, 0.6) if lit else 0.0)

    def built_in(self, kind: str, high: float, deep: float, things: list[str]) -> None:
        """Cabinets along a stretch of a wall, often all of it; things on those that are low."""
        rng, plan = self.rng, self.shell.plan
        side = rng.randrange(4)
        length = plan.wall_length(side)
        wide = min(length - 0.04, rng.choice((length, rng.uniform(0.8, 2.4))))
        for _ in range(8):
            along = rng.uniform(wide / 2 + 0.01, length - wide / 2)
            spot = plan.on_wall(side, along, deep / 2 + 0.01)
            if not plan.kept(side, along - wide / 2, along + wide / 2, high) and plan.take(
                (wide, deep, high), spot
            ):
                self.joiner.cabinet(spot, (wide, deep, high - 0.03), 0.0, kind)
                self.joiner.put(spot, (0, -0.01, high - 0.015), (wide, deep + 0.03, 0.03))
                if high < 1.4:
                    self.clutter.on_top((wide, deep), high, spot, things, rng.randint(1, 9))
                return
            wide = max(0.6, wide * 0.75)

    def shelves(self, count: int, tall: bool = True) -> None:
        """Open shelves full of books against the walls."""
        for _ in range(count):
            rng = self.rng
            high = (
                rng.uniform(1.3, min(2.3, self.shell.height - 0.1))
                if tall
                else rng.uniform(0.6, 1.1)
            )
            size = (rng.uniform(0.5, 2.2), rng.uniform(0.22, 0.4), high)
            spot = self.shell.plan.against_wall(size)
            if spot is not None:
                self.clutter.shelf(spot, size, rng.uniform(0.55, 0.95))

    def floor(self, groups: list[str], count: int) -> None:
        """Things left standing about: many along walls, some in the way."""
        for _ in range(count):
            model = self.pick(self.rng.choice(groups), 1.6)
            plan = self.shell.plan
            along = self.rng.random() < 0.5
            spot = plan.against_wall(model.size) if along else plan.anywhere(model.size)
            if spot is not None:
                self.store.place(model, spot.x, spot.y, spot.yaw, 0.0)
