"""Training losses on metric depth: scale-invariant log error, and gradients for borders."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

SILOG_LAMBDA = 0.85
SILOG_GAIN = 10.0
MIN_DEPTH = 1e-3


def log_difference(predicted: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """log(predicted) - log(target) where valid, 0 elsewhere; all three (n, 1, h, w), metres."""
    difference = predicted.clamp_min(MIN_DEPTH).log() - target.clamp_min(MIN_DEPTH).log()
    return torch.where(valid, difference, 0.0)


def silog(
    difference: Tensor,
    valid: Tensor,
    weight: float = SILOG_LAMBDA,
    *,
    equal_images: bool = False,
) -> Tensor:
    """The scale-invariant log loss over all valid pixels of the batch.

    10 * sqrt(mean(d^2) - weight * mean(d)^2), paper eq. (6), after Eigen et al. 2014.

    Args:
        difference: d, the output of `log_difference`.
        valid: bool, the same shape.
        weight: 1 forgives a global scale entirely, 0 not at all.
        equal_images: every image counts the same, however many of its pixels are valid, so that
            dense depth does not drown LiDAR's few points; else every pixel does.

    Returns:
        A scalar; 0 where nothing is valid.
    """
    shares = valid.float()
    if equal_images:
        shares = shares / shares.sum((1, 2, 3), keepdim=True).clamp_min(1)
    total = shares.sum().clamp_min(1e-6)
    mean = (difference * shares).sum() / total
    mean_square = (difference.square() * shares).sum() / total
    # The root's slope is infinite at zero, which a perfect batch (or an empty one) would reach.
    return SILOG_GAIN * (mean_square - weight * mean.square()).clamp_min(1e-8).sqrt()


def absolute_loss(difference: Tensor, valid: Tensor) -> Tensor:
    """Mean absolute log error, in the unit of `silog`: a picture that is far off counts less.

    Args:
        difference: (n, 1, h, w), the output of `log_difference`.
        valid: bool, the same shape.

    Returns:
        A scalar; 0 where nothing is valid.
    """
    return SILOG_GAIN * (difference.abs() * valid).sum() / valid.sum().clamp_min(1)


def gradient_loss(difference: Tensor, valid: Tensor, scales: int = 3) -> Tensor:
    """Mean absolute slope of the log difference, at several scales.

    It is zero where the prediction has the target's relief up to a factor, and so keeps borders
    sharp and the photo's texture out of flat surfaces (multi-scale gradient matching, Li and
    Snavely 2018).

    Args:
        difference: (n, 1, h, w), the output of `log_difference`.
        valid: bool, the same shape.
        scales: strides 1, 2, 4, ...

    Returns:
        A scalar, in the same unit as `silog` (ten times the log error).
    """
    total = difference.new_zeros(())
    for scale in range(scales):
        d, v = difference[..., :: 2**scale, :: 2**scale], valid[..., :: 2**scale, :: 2**scale]
        for axis in (2, 3):
            length = d.shape[axis] - 1
            step = d.narrow(axis, 1, length) - d.narrow(axis, 0, length)
            both = v.narrow(axis, 1, length) & v.narrow(axis, 0, length)
            total = total + (step.abs() * both).sum() / both.sum().clamp_min(1)
    return SILOG_GAIN * total / scales


def sobel_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """L1 between the Sobel gradients of prediction and dense target, metres (paper, eq. (7))."""
    kernel = predicted.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    kernels = torch.stack((kernel, kernel.t()))[:, None]
    return functional.l1_loss(
        functional.conv2d(predicted, kernels), functional.conv2d(target, kernels)
    )


def shrink_target(target: Tensor, valid: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """The target at 1 / factor: geometric mean of the valid pixels of every cell.

    Args:
        target: (n, 1, h, w) metres; valid: bool, the same shape.
        factor: h and w are multiples of it.

    Returns:
        Target and valid at (h / factor, w / factor); a cell with any valid pixel is valid.
    """
    weight = valid.float()
    logs = torch.where(valid, target.clamp_min(MIN_DEPTH).log(), 0.0)
    share = functional.avg_pool2d(weight, factor)
    mean = functional.avg_pool2d(logs, factor) / share.clamp_min(1e-6)
    return mean.exp(), share > 0


def level_loss(
    depths: Sequence[Tensor], target: Tensor, valid: Tensor, *, equal_images: bool = False
) -> Tensor:
    """Mean `silog` of the depth accumulated at every level but the finest.

    Args:
        depths: coarse -> fine, (n, 1, h_k, w_k) metres, the finest excluded.
        target: (n, 1, h, w) metres at full size; valid: bool, the same shape.
        equal_images: as in `silog`.
    """
    total = target.new_zeros(())
    for depth in depths:
        small, small_valid = shrink_target(target, valid, target.shape[-1] // depth.shape[-1])
        difference = log_difference(depth, small, small_valid)
        total = total + silog(difference, small_valid, equal_images=equal_images)
    return total / max(1, len(depths))
