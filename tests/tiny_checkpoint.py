"""A small LapDepth checkpoint with random weights that behaves like a trained one.

Freshly drawn weights saturate most of the decoder's tanh and sigmoid; rounding then vanishes, and
tests of equality prove nothing. Here the norms are calibrated on pictures first, so that the depth
varies over the picture and follows what is in it.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.model import LapDepth, ModelConfig
from core.weights.checkpoint import save_checkpoint
from core.weights.model_info import ModelInfo, TrainingCamera
from core.weights.network_input import normalised

WORKING_HEIGHT = 96
CAMERA = TrainingCamera(width=640, height=480, fx=520.0, fy=521.0)


def picture(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth shades, a bright box and a little noise, (height, width, 3) uint8."""
    rng = np.random.default_rng([seed, width, height])
    v, u = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = [
        np.sin(rng.uniform(2, 9) * u + rng.uniform(2, 9) * v + rng.uniform(0, 6)) for _ in "rgb"
    ]
    rgb = 120 + 80 * np.stack(waves, 2) + rng.normal(0, 6, (height, width, 3))
    rgb[height // 3 : height // 2, width // 4 : width // 2] += 70
    return np.clip(rgb, 0, 255).astype(np.uint8)


def tiny_config(**changes: Any) -> ModelConfig:
    """The smallest network of the family, with `changes`."""
    values: dict[str, Any] = {"encoder": "mobilenet_v2", "max_depth": 10.0, "decoder_width": 128}
    return ModelConfig(**(values | changes))


def calibrated(config: ModelConfig, seed: int = 0, size: tuple[int, int] = (96, 128)) -> LapDepth:
    """Random weights whose norms have seen pictures of (height, width) `size`; in eval mode."""
    torch.manual_seed(seed)
    model = LapDepth(config)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # a plain mean over the passes below
    model.train()
    with torch.no_grad():
        for draw in range(2):
            model(pictures(2, *size, 10 * draw))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1
    # Random weights magnify rounding, trained ones do not: smaller residuals make up for it.
    for head in (model.decoder.coarsest, *(level.head for level in model.decoder.levels)):
        head[-1].norm.weight.data *= 0.3
    return model.eval()


def pictures(count: int, height: int, width: int, seed: int = 0) -> Tensor:
    """A network's input, (count, 3, height, width)."""
    views = [normalised(picture(width, height, seed + i)) for i in range(count)]
    return torch.from_numpy(np.concatenate(views))


def tiny_info(config: ModelConfig, **changes: Any) -> ModelInfo:
    """What a checkpoint of this configuration says about itself."""
    values: dict[str, Any] = {
        "config": config,
        "working_height": WORKING_HEIGHT,
        "supervised_levels": False,
        "camera": CAMERA,
        "licence": "none: random weights",
        "training_data": "none",
        "provenance": {"origin": "random weights for tests"},
    }
    return ModelInfo(**(values | changes))


def save_tiny(folder: Path, name: str = "tiny", seed: int = 0, **changes: Any) -> Path:
    """Writes a checkpoint; `changes` go to its `ModelConfig`."""
    config = tiny_config(**changes)
    path = folder / f"{name}.safetensors"
    save_checkpoint(path, _calibrated_once(config, seed), tiny_info(config))
    return path


@functools.cache
def _calibrated_once(config: ModelConfig, seed: int) -> LapDepth:
    """The same network for every test that saves it; nobody else may have it, to change it."""
    return calibrated(config, seed)
