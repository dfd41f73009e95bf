"""Small things: books, papers, pictures on walls, cushions, rugs, what lies on tops and floors."""

from __future__ import annotations

import math
import random

from scripts.synthesis import joinery
from scripts.synthesis import materials as paint
from scripts.synthesis.catalog import Catalog, Model
from scripts.synthesis.layout import Shell, Spot
from scripts.synthesis.lights import lamp_colour, point_light
from scripts.synthesis.meshes import MeshBuilder
from scripts.synthesis.models import ModelStore, spin


class Clutter:
    """Drops small things where they belong; own shapes go into one mesh."""

    def __init__(self, rng: random.Random, store: ModelStore, catalog: Catalog) -> None:
        self.rng, self.store, self.catalog = rng, store, catalog
        self.mesh = MeshBuilder("clutter")
        self.covers = [
            paint.plain(paint.thing_colour(rng), rng.uniform(0.3, 0.9)) for _ in range(14)
        ]
        self.covers += [paint.picture(rng, "poster", 0.2, 0.25) for _ in range(3)]
        self.pages = [paint.picture(rng, "page", 0.21, 0.297) for _ in range(3)]

    def on_top(
        self, size: tuple[float, float], z: float, spot: Spot, groups: list[str], count: int
    ) -> None:
        """Things on a top of that size (metres) at height z, none on another."""
        rng, occupied = self.rng, list[tuple[float, float, float]]()
        for _ in range(count):
            for _ in range(6):
                dx, dy = (rng.uniform(-0.46, 0.46) * s for s in size)
                model = None
                kind = rng.random()
                if kind < 0.6:
                    model = rng.choice(self.catalog[rng.choice(groups)])
                    radius = max(model.size[:2]) / 2
                    if model.size[2] > 0.8:
                        continue
                else:
                    radius = rng.uniform(0.07, 0.17)
                room = min(size[0] / 2 - abs(dx), size[1] / 2 - abs(dy))
                if room < radius * 0.6 or any(
                    math.hypot(dx - a, dy - b) < radius * 0.9 + r for a, b, r in occupied
                ):
                    continue
                occupied.append((dx, dy, radius))
                turned_x, turned_y = spin(spot.yaw, dx, dy)
                x, y = spot.x + turned_x, spot.y + turned_y
                yaw = spot.yaw + rng.choice((0, 0, 0, rng.uniform(0, 6.28))) + rng.gauss(0, 0.2)
                if model is not None:
                    self.store.place(model, x, y, yaw, z)
                else:
                    self._own(x, y, z, radius, yaw)
                break

    def _own(self, x: float, y: float, z: float, radius: float, yaw: float) -> None:
        rng = self.rng
        kind = rng.choice(("stack", "stack", "paper", "paper", "box", "can", "bottle", "heap"))
        cover = rng.choice(self.covers)
        if kind == "stack":
            for _ in range(rng.randint(1, 6)):
                thick = rng.uniform(0.01, 0.045)
                size = (radius * rng.uniform(1.0, 1.5), radius * rng.uniform(0.8, 1.2), thick)
                self.mesh.box(
                    (x, y, z + thick / 2), size, rng.choice(self.covers), yaw + rng.gauss(0, 0.15)
                )
                z += thick
        elif kind == "paper":
            for _ in range(rng.randint(1, 5)):
                z += 0.0015
                self._sheet(
                    x + rng.gauss(0, 0.05), y + rng.gauss(0, 0.05), z, yaw + rng.gauss(0, 0.4)
                )
        elif kind == "box":
            high = rng.uniform(0.05, 0.25)
            self.mesh.box((x, y, z + high / 2), (radius * 1.3, radius, high), cover, yaw)
        elif kind == "heap":
            for _ in range(rng.randint(3, 8)):
                edge = radius * rng.uniform(0.2, 0.6)
                spot = (x + rng.gauss(0, radius / 3), y + rng.gauss(0, radius / 3), z + edge / 4)
                self.mesh.box(
                    spot, (edge, edge * 0.6, edge / 2), rng.choice(self.covers), rng.uniform(0, 3)
                )
        else:
            thin = min(radius * 0.5, 0.05)
            high = rng.uniform(0.08, 0.15) if kind == "can" else rng.uniform(0.15, 0.24)
            self.mesh.cylinder((x, y, z), thin, high, cover)
            if kind == "bottle":
                self.mesh.cylinder((x, y, z + high), thin * 0.9, thin, cover, thin * 0.35)
                self.mesh.cylinder(
                    (x, y, z + high + thin), thin * 0.35, 0.05, rng.choice(self.covers)
                )

    def _sheet(self, x: float, y: float, z: float, yaw: float) -> None:
        c, s = math.cos(yaw), math.sin(yaw)
        corners = [
            (x + c * a * 0.105 - s * b * 0.1485, y + s * a * 0.105 + c * b * 0.1485, z)
            for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        self.mesh.quad(corners, self.rng.choice(self.pages))

    def shelf(self, spot: Spot, size: tuple[float, float, float], fill: float = 0.8) -> None:
        """An open shelf with boards, books and things at their true depth."""
        rng = self.rng
        wide, deep, high = size
        body = paint.wood(rng) if rng.random() < 0.7 else paint.plain(paint.wall_colour(rng), 0.5)
        thick = 0.022

        def put(
            dx: float,
            dy: float,
            z: float,
            part: tuple[float, float, float],
            surface: object,
            turn: float = 0,
        ) -> None:
            x, y = spin(spot.yaw, dx, dy)
            self.mesh.box((spot.x + x, spot.y + y, z), part, surface, spot.yaw + turn)

        for side in (-1, 1):
            put(side * (wide - thick) / 2, 0, high / 2, (thick, deep, high), body)
        if rng.random() < 0.8:
            put(0, deep / 2 - 0.005, high / 2, (wide, 0.01, high), body)
        levels = max(2, round(high / rng.uniform(0.28, 0.42)))
        step = (high - thick) / levels
        for level in range(levels + 1):
            z = thick / 2 + level * step
            put(0, 0, z, (wide, deep, thick), body)
            if level == levels:
                break
            x = -wide / 2 + thick
            while x < wide / 2 - 0.06:
                kind = rng.random()
                if kind > fill:
                    x += rng.uniform(0.05, 0.3)
                elif kind < fill * 0.72:  # a run of books
                    for _ in range(rng.randint(3, 14)):
                        w, h = rng.uniform(0.012, 0.05), step * rng.uniform(0.5, 0.88)
                        if x + w > wide / 2 - thick:
                            break
                        d = min(deep - 0.03, rng.uniform(0.13, 0.24))
                        middle = z + thick / 2 + h / 2
                        put(
                            x + w / 2,
                            deep / 2 - d / 2 - 0.015,
                            middle,
                            (w, d, h),
                            rng.choice(self.covers),
                        )
                        x += w + 0.001
                else:
                    w, h = rng.uniform(0.08, 0.3), step * rng.uniform(0.25, 0.8)
                    if x + w < wide / 2 - thick:
                        d = min(deep - 0.04, rng.uniform(0.1, 0.3))
                        put(
                            x + w / 2,
                            0,
                            z + thick / 2 + h / 2,
                            (w * 0.9, d, h),
                            rng.choice(self.covers),
                        )
                    x += w + 0.01

    def on_walls(
        self, shell: Shell, count: int, kinds: tuple[str, ...] = ("painting", "poster", "photo")
    ) -> None:
        """Framed pictures and posters where the wall is free."""
        rng = self.rng
        for _ in range(count):
            side = rng.randrange(4)
            length = shell.plan.wall_length(side)
            wide, high = rng.uniform(0.2, 1.2), rng.uniform(0.2, 0.9)
            if length < wide + 0.3:
                continue
            along = rng.uniform(wide / 2 + 0.1, length - wide / 2 - 0.1)
            level = min(shell.height - high / 2 - 0.1, rng.gauss(1.55, 0.2))
            start, end = along - wide / 2 - 0.08, along + wide / 2 + 0.08
            if any(
                start < h.end and end > h.start and level - high / 2 < h.head
                for h in shell.holes[side]
            ):
                continue
            kind = rng.choice(kinds)
            framed = kind != "poster" and rng.random() < 0.8
            edge = rng.uniform(0.015, 0.05) if framed else 0.0
            art = paint.picture(rng, kind, wide, high)
            yaw = shell.yaw(side)
            if framed:
                frame = paint.wood(rng) if rng.random() < 0.6 else rng.choice(self.covers)
                size = (wide + 2 * edge, 0.025, high + 2 * edge)
                self.mesh.box(shell.frame(side, along, 0.013, level), size, frame, yaw)
            self.mesh.box(
                shell.frame(side, along, 0.02, level),
                (wide, 0.02, high),
                self.covers[0],
                yaw,
                front=art,
            )

    def outlets(self, shell: Shell, count: int) -> None:
        """Switches and sockets, and a radiator now and then."""
        rng = self.rng
        for _ in range(count):
            self.on_wall_model(shell, rng.choice(self.catalog["outlet"]))

    def on_wall_model(self, shell: Shell, model: Model) -> None:
        """A model that hangs, at its own elevation."""
        rng, side = self.rng, self.rng.randrange(4)
        length, half = shell.plan.wall_length(side), model.size[0] / 2
        if length < 2 * half + 0.3 or model.elevation + model.size[2] > shell.height:
            return
        along = rng.uniform(half + 0.1, length - half - 0.1)
        if any(along - half < h.end and along + half > h.start for h in shell.holes[side]):
            return
        spot = shell.plan.on_wall(side, along, model.size[1] / 2 + 0.003)
        self.store.place(model, spot.x, spot.y, spot.yaw)

    def rug(self, x: float, y: float, wide: float, deep: float, yaw: float) -> None:
        """A thin rug with a border."""
        self.mesh.box((x, y, 0.004), (wide, deep, 0.008), paint.cloth(self.rng), yaw)
        inner = (wide * 0.86, deep * 0.86, 0.01)
        self.mesh.box((x, y, 0.006), inner, paint.cloth(self.rng), yaw)

    def cushion(self, x: float, y: float, z: float, yaw: float) -> None:
        """A cushion or pillow that lies there."""
        points = joinery.cushion(self.rng, self.rng.uniform(0.35, 0.6), 0.4, 0.16)
        points[..., 2] += z + 0.06
        self.mesh.sheet(joinery.placed(points, Spot(x, y, yaw)), paint.cloth(self.rng))

    def heap(self, x: float, y: float, z: float) -> None:
        """Clothes or a blanket thrown down."""
        size = (self.rng.uniform(0.3, 0.8), self.rng.uniform(0.25, 0.6))
        points = joinery.heap(self.rng, *size, self.rng.uniform(0.06, 0.25))
        points[..., 2] += z
        spot = Spot(x, y, self.rng.uniform(0, 6.28))
        self.mesh.sheet(joinery.placed(points, spot), paint.bedding(self.rng))

    def lamp(self, x: float, y: float, z: float, high: float, watts: float) -> None:
        """A foot, a stem and a shade, which glows if it has any watts."""
        rng, wide = self.rng, self.rng.uniform(0.11, 0.2)
        body, colour = rng.choice(self.covers), lamp_colour(rng)
        tall = wide * rng.uniform(1.0, 1.6)
        self.mesh.cylinder((x, y, z), wide * 0.6, 0.03, body)
        thick = rng.uniform(0.008, 0.05 if high < 1 else 0.015)
        self.mesh.cylinder((x, y, z + 0.03), thick, high - tall, body)
        pale = paint.srgb(0.1, 0.25, 0.9)
        shade = paint.glow((*colour, 1.0), rng.uniform(1.5, 6)) if watts else paint.plain(pale)
        narrow = wide * rng.uniform(0.55, 1.0)
        self.mesh.cylinder((x, y, z + high - tall), wide, tall, shade, narrow)
        if watts:
            point_light((x, y, z + high + 0.08), watts, colour)
