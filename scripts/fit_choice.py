"""Fits the choice between the indoor and the outdoor model, and says how often it is right.

    python -m scripts.fit_choice --data ../shared/data

Trained on cut-outs of one shape from the training pictures of both worlds, grey ones among them,
so that neither the long format of driving pictures nor their grey cameras give the answer away.
Writes `checkpoints/auto.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from core.data import FolderDataset, KittiDataset, NyuDataset, Sample
from core.data.augment import AugmentConfig, vary_colour
from core.engines import open_engine
from core.engines.model_choice import ModelChooser, scene_features
from core.images.decode_worker import decode_isolated
from core.weights.checkpoint import CHECKPOINTS, find_model
from core.weights.choice_table import TABLE, ChoiceTable, right_share, write_table

INDOOR, OUTDOOR = "lite-indoor", "lite-outdoor"
VIEWS = 2000  # of each world
SHAPES = (4 / 3, 3 / 2, 16 / 9, 3 / 4)
DECAY = 3e-3
VARIED = AugmentConfig(
    brightness=(0.6, 1.4), contrast=(0.7, 1.3), saturation=(0.4, 1.4), gamma=(0.7, 1.4), grey=0.3
)
INDOOR_EXAMPLES = {"books", "coffee", "drum_corner", "garage", "room"}
EITHER = {"porch"}  # outdoors, but all of it is a few metres away


def views(frames: Sequence[Sample], rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Cut-outs of common photo formats, colours varied."""
    order = np.concatenate([rng.permutation(len(frames)) for _ in range(VIEWS // len(frames) + 1)])
    for index in order[:VIEWS]:
        photo = Image.fromarray(frames[int(index)].rgb)
        shape = SHAPES[int(rng.integers(len(SHAPES)))]
        height = min(photo.height, photo.width / shape) * rng.uniform(0.6, 1.0)
        width = height * shape
        left, top = rng.uniform(0, photo.width - width), rng.uniform(0, photo.height - height)
        size = (round(144 * max(shape, 1)), round(144 * max(1 / shape, 1)))
        cut = photo.resize(size, box=(left, top, left + width, top + height))
        yield vary_colour(np.asarray(cut), VARIED, rng).astype(np.uint8)


def fit(features: Tensor, outdoor: Tensor) -> tuple[Tensor, float]:
    """Logistic regression: weights of the raw features, and the bias."""
    mean, scale = features.mean(0), features.std(0).clamp_min(1e-4)
    inputs = (features - mean) / scale
    weights, bias = torch.zeros(inputs.shape[1], requires_grad=True), torch.zeros(1)
    bias.requires_grad_(True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = functional.binary_cross_entropy_with_logits(inputs @ weights + bias, outdoor)
        loss = loss + DECAY * weights.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    raw = weights.detach() / scale
    return raw, (bias.detach() - (raw * mean).sum()).item()


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, fits, measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--examples", type=Path, default=Path("assets/examples"))
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    info = find_model(INDOOR)
    engine = open_engine(info)
    rooms: list[Sample] = [*NyuDataset(options.data / "nyu", "train")[::3]]
    rooms += [*FolderDataset(options.data / "indoor_other")]
    streets: list[Sample] = [*KittiDataset(options.data / "driving", "train")]
    found = [
        torch.from_numpy(np.stack([scene_features(engine, v) for v in views(s, rng)]))
        for s in (rooms, streets)
    ]
    truth = torch.cat([torch.zeros(len(found[0])), torch.ones(len(found[1]))])
    weights, bias = fit(torch.cat(found), truth)
    table = ChoiceTable(INDOOR, OUTDOOR, info.sha256, tuple(weights.tolist()), bias, {})
    choose = ModelChooser(table, engine)
    photos = sorted(options.examples.glob("*.jpg"))
    chosen = {p.stem: choose(decode_isolated(p).rgb) for p in photos}
    measured = {
        "NYU Depth V2 test, 200 pictures": right_share(
            [choose(s.rgb) for s in NyuDataset(options.data / "nyu", "val")], outdoor=False
        ),
        "KITTI drives not trained on": right_share(
            [choose(s.rgb) for s in KittiDataset(options.data / "driving", "val")], outdoor=True
        ),
        "example photos indoors": right_share(
            [c for name, c in chosen.items() if name in INDOOR_EXAMPLES], outdoor=False
        ),
        "example photos outdoors": right_share(
            [c for name, c in chosen.items() if name not in INDOOR_EXAMPLES | EITHER], outdoor=True
        ),
    }
    table = ChoiceTable(INDOOR, OUTDOOR, info.sha256, table.weights, bias, measured)
    write_table(CHECKPOINTS / TABLE, table)
    for name, choice in chosen.items():
        print(f"{name}: outdoors {choice.outdoor:.3f}")
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
