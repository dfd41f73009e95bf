"""The worlds that can be rendered: how each is built and looked at."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from scripts.synthesis.cameras import Wanted, choose_view, room_view
from scripts.synthesis.catalog import Catalog
from scripts.synthesis.closeups import build_closeup, closeup_view
from scripts.synthesis.models import ModelStore
from scripts.synthesis.render import View
from scripts.synthesis.roads import street_view
from scripts.synthesis.rooms import build_room
from scripts.synthesis.streets import build_street


@dataclass(frozen=True)
class Built:
    """A scene as built; `view` draws a camera for it, or None if it finds none."""

    kind: str
    view: Callable[[random.Random, float], View | None]


@dataclass(frozen=True)
class World:
    """How a world is built, and the size of its pictures."""

    build: Callable[[random.Random, ModelStore, Catalog], Built]
    size: str


def _rooms(rng: random.Random, store: ModelStore, catalog: Catalog) -> Built:
    kind, shell = build_room(rng, store, catalog)

    def view(draw: random.Random, aspect: float) -> View | None:
        # How far people stand from what they photograph in rooms: half of them 2.5 to 3.8 m.
        liked = draw.lognormvariate(1.12, 0.32)
        wanted = Wanted(nearest=0.6, median=(1.1, 8.0), things=0.25, crowded=0.12)
        return choose_view(lambda: room_view(draw, shell), aspect, wanted, liked)

    return Built(kind, view)


def _streets(rng: random.Random, store: ModelStore, catalog: Catalog) -> Built:
    kind, street = build_street(rng, store, catalog)
    wanted = Wanted(nearest=1.8, median=(4.0, 45.0), things=0.2, sky=0.6)

    def view(draw: random.Random, aspect: float) -> View | None:
        return choose_view(lambda: street_view(draw, street), aspect, wanted)

    return Built(kind, view)


def _closeups(rng: random.Random, store: ModelStore, catalog: Catalog) -> Built:
    size = build_closeup(rng, store, catalog)
    wanted = Wanted(nearest=0.14, median=(0.25, 1.5), things=0.15, crowded=0.3, sky=0.02)

    def view(draw: random.Random, aspect: float) -> View | None:
        return choose_view(lambda: closeup_view(draw, size), aspect, wanted)

    return Built("table", view)


WORLDS = {
    "rooms": World(_rooms, "384x288"),
    "streets": World(_streets, "512x160"),
    "closeups": World(_closeups, "384x288"),
}
