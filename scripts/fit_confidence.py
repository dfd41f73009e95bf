"""Fits the confidence of a trained model and stores it in the checkpoint.

    python -m scripts.fit_confidence runs/lite-indoor/lite-indoor.safetensors \
        --config configs/lite-indoor.toml

The views are those of the recipe with a wider zoom, because the network makes fewer mistakes on
views that it has seen than on photos that it has not; but upright and whole, as photos are, because
a pixel's height in the picture is one of the signs. The depth stays bit for bit the same.
"""

from __future__ import annotations

import argparse
import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from core.data.batches import Batches
from core.train.confidence import fit_error_model
from core.train.config import read_config
from core.weights.checkpoint import load_checkpoint, save_checkpoint

SEED = 1000  # other views than those of the training
ZOOM = 1.25
UPRIGHT = 1.0  # most degrees of roll


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, fits and rewrites the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--config", type=Path, required=True, help="the recipe it was trained by")
    parser.add_argument("--views", type=int, default=800)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    recipe = read_config(options.config)
    near, far = recipe.augment.zoom
    augment = replace(
        recipe.augment, zoom=(near, far * ZOOM), rotation=UPRIGHT, tilt=0.0, cut_swap=0.0
    )
    model, info = load_checkpoint(options.checkpoint)
    height, width = recipe.size
    size = info.working_height, round(width / height * info.working_height / 32) * 32
    widths = recipe.widths if size == recipe.size else ()
    plan = replace(recipe.plan, size=size, widths=widths, augment=augment)
    batches = Batches(replace(plan, seed=recipe.seed + SEED))

    def views() -> Iterator[tuple[Tensor, Tensor]]:
        steps = itertools.islice(batches.from_step(0), options.views // recipe.batch)
        return ((images, depths) for _, images, depths in steps)

    errors = fit_error_model(model, views(), recipe.seed)
    save_checkpoint(
        options.checkpoint, model.state_dict(), replace(info, error_model=errors), half=True
    )


if __name__ == "__main__":
    main()
