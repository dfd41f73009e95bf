"""Renders a world: python -m scripts.synthesis --world rooms --seeds 0:500 --out DIR."""

from __future__ import annotations

import argparse
import logging
import random
import time
import traceback
from pathlib import Path
from typing import Any

import bpy

from scripts.synthesis.catalog import Catalog, credits_of, read_catalog
from scripts.synthesis.dataset import VERSION, RenderedSet
from scripts.synthesis.develop import develop, draw_camera, jpeg
from scripts.synthesis.models import ModelStore, clear_scene
from scripts.synthesis.render import Quality, View, prepare, render
from scripts.synthesis.worlds import WORLDS

logger = logging.getLogger("synthesis")


def main() -> None:
    """Renders the seeds that are not there yet."""
    parser = argparse.ArgumentParser(prog="python -m scripts.synthesis", description=__doc__)
    parser.add_argument("--world", choices=sorted(WORLDS), required=True)
    parser.add_argument("--seeds", default="0:10", help="FIRST:END")
    parser.add_argument("--views", type=int, default=6, help="views of each scene")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", default="", help="WIDTHxHEIGHT")
    parser.add_argument("--samples", type=int, default=4, help="paths per pixel")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--library", dest="unpacked", type=Path, help="of unpacked models")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    world = WORLDS[options.world]
    width, height = (int(n) for n in (options.size or world.size).split("x"))
    quality = Quality(width, height, options.samples, options.threads)
    first, _, end = options.seeds.partition(":")
    target = RenderedSet(options.out, options.world)
    catalog = read_catalog(options.unpacked or options.out / "library")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    store = ModelStore()
    for seed in range(int(first), int(end or int(first) + 1)):
        if target.finished(seed):
            continue
        started = time.monotonic()
        try:
            frames = render_seed(
                options.world, seed, options.views, quality, store, catalog, target
            )
        except Exception:  # one bad scene must not end a night's run
            logger.warning("seed %d failed:\n%s", seed, traceback.format_exc())
            continue
        target.finish(seed, frames, credits_of(list(store.used.values())))
        logger.info("seed %d: %d views, %.1f s", seed, len(frames), time.monotonic() - started)


def render_seed(
    name: str,
    seed: int,
    views: int,
    quality: Quality,
    store: ModelStore,
    catalog: Catalog,
    target: RenderedSet,
) -> list[dict[str, Any]]:
    """Builds the scene of a seed and renders its views; returns their index entries."""
    clear_scene(store, f"{name}/{seed}")
    # Strings seed `random` the same way in every run; hash() of a string does not.
    scene = WORLDS[name].build(random.Random(f"{name}/{seed}"), store, catalog)
    bpy.context.view_layer.update()
    prepare(quality)
    draws = [random.Random(f"{name}/{seed}/{number}") for number in range(views)]
    found = [(k, scene.view(rng, quality.width / quality.height)) for k, rng in enumerate(draws)]
    chosen = [(number, view) for number, view in found if view is not None]
    noise = random.Random(f"{name}/{seed}/noise").getrandbits(30)
    pictures = render([view for _, view in chosen], noise)
    frames = []
    for (number, view), (colour, depth) in zip(chosen, pictures, strict=True):
        camera = draw_camera(draws[number])
        stem = f"{name}_{seed:06d}_{number}"
        picture = develop(colour, camera, draws[number])
        target.write_frame(stem, jpeg(picture, camera.quality), depth)
        frames.append(entry(stem, seed, name, scene.kind, view, quality, sorted(store.used)))
    return frames


def entry(
    stem: str, seed: int, world: str, kind: str, view: View, quality: Quality, models: list[str]
) -> dict[str, Any]:
    """A frame's entry in the index."""
    fx, fy, cx, cy = view.intrinsics(quality.width, quality.height)
    return {
        "stem": stem,
        "fx": fx,
        "fy": fy,
        "cx": cx,
        "cy": cy,
        "width": quality.width,
        "height": quality.height,
        "fov": view.fov,
        "pose": view.pose,
        "world": world,
        "scene": kind,
        "seed": seed,
        "samples": quality.samples,
        "version": VERSION,
        "models": models,
    }


if __name__ == "__main__":
    main()
