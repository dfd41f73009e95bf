"""Renders rooms all round: python -m scripts.synthesis.panoramas --seeds 900000:900005 --out DIR.

Per room `room_SEED.jpg`, an equirectangular picture, and `room_SEED.npy`, (H, W) float32 metres
along each ray, infinite where there is sky. What `benchmarks.panorama` measures joined depth by.
"""

from __future__ import annotations

import argparse
import io
import math
import random
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

from scripts.synthesis.catalog import Catalog, read_catalog
from scripts.synthesis.dataset import write_whole
from scripts.synthesis.develop import develop, draw_camera, jpeg
from scripts.synthesis.models import ModelStore, clear_scene
from scripts.synthesis.render import Quality, View, prepare, render
from scripts.synthesis.worlds import WORLDS

_ALL_ROUND = 2 * math.pi
_PLACES, _DIRECTIONS = 12, 32


def main() -> None:
    """Renders the rooms that are not there yet."""
    parser = argparse.ArgumentParser(prog="python -m scripts.synthesis.panoramas")
    parser.add_argument("--seeds", default="900000:900005", help="FIRST:END")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--height", type=int, default=512, help="pixels; twice as wide")
    parser.add_argument("--samples", type=int, default=4, help="paths per pixel")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    quality = Quality(2 * options.height, options.height, options.samples, options.threads)
    catalog = read_catalog(options.out / "library")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    store = ModelStore()
    first, _, end = options.seeds.partition(":")
    for seed in range(int(first), int(end or int(first) + 1)):
        path = options.out / f"room_{seed:06d}.jpg"
        if not path.is_file():
            _render(path, seed, quality, store, catalog)


def _render(path: Path, seed: int, quality: Quality, store: ModelStore, catalog: Catalog) -> None:
    clear_scene(store, f"rooms/{seed}")
    scene = WORLDS["rooms"].build(random.Random(f"rooms/{seed}"), store, catalog)
    bpy.context.view_layer.update()
    prepare(quality)
    rng = random.Random(f"rooms/{seed}/around")
    # A panorama is taken from the open: of places for a photo the one farthest from everything.
    views = [view for view in (scene.view(rng, 4 / 3) for _ in range(_PLACES)) if view is not None]
    if not views:
        return
    view = max(views, key=_clearance)
    around = replace(view, pitch=0.0, roll=0.0, fov=_ALL_ROUND)
    ((colour, distance),) = render([around], seed)
    # A panorama is stitched: no dark corners, and the two ends have to meet.
    camera = replace(draw_camera(rng), vignetting=0.0, blur=0.0)
    buffer = io.BytesIO()
    np.save(buffer, distance.astype(np.float32))
    write_whole(path.with_suffix(".npy"), buffer.getvalue())
    write_whole(path, jpeg(develop(colour, camera, rng), camera.quality))


def _clearance(view: View) -> float:
    """Metres to the nearest thing at the height of the camera."""
    graph = bpy.context.evaluated_depsgraph_get()
    nearest = math.inf
    for index in range(_DIRECTIONS):
        turn = _ALL_ROUND * index / _DIRECTIONS
        ray = Vector((math.cos(turn), math.sin(turn), 0))
        hit, place, *_ = bpy.context.scene.ray_cast(graph, Vector(view.position), ray)
        if hit:
            nearest = min(nearest, (place - Vector(view.position)).length)
    return nearest


if __name__ == "__main__":
    main()
