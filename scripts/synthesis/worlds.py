"""The worlds that can be rendered: how each is built and looked at."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from scripts.synthesis.cameras import Wanted, choose_view, room_view
from scripts.synthesis.catalog import Catalog
from scripts.synthesis.models import ModelStore
from scripts.synthesis.render import View
from scripts.synthesis.rooms import build_room


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
        return choose_view(lambda: room_view(draw, shell), aspect, Wanted())

    return Built(kind, view)


WORLDS = {"rooms": World(_rooms, "384x288")}
