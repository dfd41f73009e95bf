"""Puts furniture into a room: against walls, round tables, on the floor, with things on top."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from scripts.synthesis.catalog import Catalog, Model
from scripts.synthesis.clutter import Clutter
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
        if spot is None:
            spot = plan.anywhere(model.size, rng.choice((0, math.pi / 2)) + rng.gauss(0, 0.05))
        if spot is None:
            return
        self.store.place(model, spot.x, spot.y, spot.yaw, 0.0)
        top = model.top if model.top > 0.4 else model.size[2]
        self.clutter.on_top(model.footprint, top, spot, things, rng.randint(2, 9))
        for seat in plan.around(model.size, spot, chair.size[1]):
            if rng.random() < 0.75 and plan.take(chair.size, seat, gap=-0.35):
                self.store.place(chair, seat.x, seat.y, seat.yaw, 0.0)

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
