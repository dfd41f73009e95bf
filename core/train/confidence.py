"""Fits the error model of a trained network: which pixels will be wrong, and by how much."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from core.model import LapDepth
from core.weights.confidence import FEATURES, MIN_ERROR, ErrorModel, error_features

logger = logging.getLogger(__name__)

HIDDEN = 16
PIXELS_PER_VIEW = 1500
ROUNDS, BATCH = 1500, 4096
LEARNING_RATE = 5e-3
LOG_EVERY = 500


def fit_error_model(
    model: LapDepth, views: Iterable[tuple[Tensor, Tensor]], seed: int = 0
) -> ErrorModel:
    """Fits the expected relative error to what the network really gets wrong.

    The loss error / expected + log(expected) is lowest where `expected` is the mean error of the
    pixels that look alike (the likelihood of a Laplace distribution; Kendall and Gal, NIPS 2017).

    Args:
        model: the trained network.
        views: batches of (images (n, 3, h, w), depths (n, 1, h, w) metres, 0 = not measured).
        seed: of the pixels that are drawn and of the first weights.
    """
    random = torch.Generator().manual_seed(seed)
    features, errors = _collect(model, views, random)
    mean, scale = features.mean(0), features.std(0).clamp_min(1e-4)
    inputs = ((features - mean) / scale).clamp(-5, 5)
    torch.manual_seed(seed)
    first, last = nn.Linear(FEATURES, HIDDEN), nn.Linear(HIDDEN, 1)
    nn.init.constant_(last.bias, float(errors.mean().log()))
    weights = [*first.parameters(), *last.parameters()]
    optimiser = torch.optim.AdamW(weights, LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, ROUNDS)
    for round_ in range(ROUNDS):
        drawn = torch.randint(len(inputs), (BATCH,), generator=random)
        logs = last(torch.tanh(first(inputs[drawn])))[:, 0]
        loss = (errors[drawn] * (-logs).exp() + logs).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if round_ % LOG_EVERY == 0:
            logger.info("round %d: loss %.4f", round_, loss.item())
    return ErrorModel(
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        hidden=tuple(tuple(row) for row in first.weight.tolist()),
        hidden_bias=tuple(first.bias.tolist()),
        out=tuple(last.weight[0].tolist()),
        out_bias=last.bias.item(),
    )


@torch.inference_mode()
def _collect(
    model: LapDepth, views: Iterable[tuple[Tensor, Tensor]], random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Signs (n, FEATURES) and relative errors (n,) of pixels drawn from every view."""
    model.eval()
    features, errors = [], []
    for images, depths in views:
        output = model(images.contiguous(memory_format=torch.channels_last))
        residuals = [residual.numpy() for residual in output.residuals]
        found = torch.from_numpy(error_features(residuals)).permute(0, 2, 3, 1)
        relative = ((output.depth - depths).abs() / depths.clamp_min(1e-3))[:, 0]
        for index, depth in enumerate(depths[:, 0]):
            there = (depth > 1e-3).nonzero()
            if len(there) == 0:  # a view of the sky: LiDAR measured nothing in it
                continue
            drawn = there[torch.randint(len(there), (PIXELS_PER_VIEW,), generator=random)]
            v, u = drawn.T
            features.append(found[index, v, u])
            errors.append(relative[index, v, u].clamp(MIN_ERROR, 1.0))
    return torch.cat(features).clone(), torch.cat(errors).clone()
