"""Training losses on the shape of depth: discontinuities where they are, surfaces as they slope."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

EDGE_THRESHOLDS = (0.25, 0.5, 1.0)  # metres: those of the edge F1 (Hu et al. 2019)
EDGE_STEEPNESS = 2.0  # of the soft threshold; 2 still pulls at a border ten times too flat
EDGE_MARGIN = 4  # pixels around a true edge that have no normal
NORMAL_SCALES = (2, 4, 8)  # pixels per cell over which a surface's slope is taken
MIN_DEPTH = 1e-3


def sobel_length(depth: Tensor) -> Tensor:
    """Length of the 3x3 Sobel response, (n, 1, h, w) -> (n, 1, h, w), edges replicated.

    The kernel (1 2 1) is not normalised, so the value is 8 times the slope per pixel.
    """
    kernel = depth.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    kernels = torch.stack((kernel, kernel.t()))[:, None]
    padded = functional.pad(depth, (1, 1, 1, 1), mode="replicate")
    return functional.conv2d(padded, kernels).square().sum(1, keepdim=True).add(1e-8).sqrt()


def spread(mask: Tensor, radius: int) -> Tensor:
    """A bool mask (n, 1, h, w) grown by `radius` pixels."""
    size = 2 * radius + 1
    return functional.max_pool2d(mask.float(), size, 1, radius) > 0.5


def median_scaled(predicted: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """The prediction times the median of target / prediction, image by image, no gradient there."""
    with torch.no_grad():
        ratio = torch.where(valid, target / predicted.clamp_min(MIN_DEPTH), torch.nan)
        factor = ratio.flatten(1).nanmedian(1).values.nan_to_num(1.0).view(-1, 1, 1, 1)
    return predicted * factor


def edge_loss(predicted: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """One minus the soft F1 score of depth discontinuities, averaged over three thresholds.

    A loss on the gradient's value is least where a border of uncertain place is not drawn at all;
    the F1 score (Dice coefficient; Deng et al., ECCV 2018) is best where it is drawn at its most
    likely place. The prediction is scaled by the median ratio first: borders, not metres, count.

    Args:
        predicted, target: (n, 1, h, w) metres; valid: bool, the same shape.

    Returns:
        A scalar from 0 to 1.
    """
    # A pixel beside a missing one has no true slope.
    known = ~spread(~valid, 1)
    found = sobel_length(median_scaled(predicted, target, valid))
    true = sobel_length(torch.where(valid, target, 0.0))
    total = predicted.new_zeros(())
    for threshold in EDGE_THRESHOLDS:
        powered = (found / threshold) ** EDGE_STEEPNESS
        soft = torch.where(known, powered / (1 + powered), 0.0)
        edge = (true > threshold) & known
        overlap, size = (soft * edge).sum(), soft.sum() + edge.sum()
        total = total + 1 - (2 * overlap + 1) / (size + 1)
    return total / len(EDGE_THRESHOLDS)


def surface_normals(log_depth: Tensor, scale: int, focal: float) -> Tensor:
    """Unit normals of the surface at 1 / scale.

    From the gradient g of log depth at the pixel p = (u, v), counted from the principal point, the
    normal is (f g_u, f g_v, -1 - p . g) up to its length.

    Args:
        log_depth: (n, 1, h, w), of a camera whose principal point is the picture's middle.
        scale: pixels per cell.
        focal: in pixels.

    Returns:
        (n, 3, h / scale - 2, w / scale - 2).
    """
    small = functional.avg_pool2d(log_depth, scale)
    g_u = (small[..., 1:-1, 2:] - small[..., 1:-1, :-2]) / (2 * scale)
    g_v = (small[..., 2:, 1:-1] - small[..., :-2, 1:-1]) / (2 * scale)
    height, width = small.shape[-2:]
    v = (torch.arange(1, height - 1, device=small.device) - (height - 1) / 2) * scale
    u = (torch.arange(1, width - 1, device=small.device) - (width - 1) / 2) * scale
    along = 1 + u * g_u + v[:, None] * g_v
    return functional.normalize(torch.cat((focal * g_u, focal * g_v, -along), 1), dim=1)


def normal_loss(predicted: Tensor, target: Tensor, valid: Tensor, focal: float) -> Tensor:
    """Mean of one minus the cosine between predicted and true normals, at several scales.

    Pixels within `EDGE_MARGIN` of a true discontinuity or of a missing one do not count.

    Args:
        predicted, target: (n, 1, h, w) metres; valid: bool, the same shape.
        focal: the camera's, in pixels.
    """
    logs = predicted.clamp_min(MIN_DEPTH).log()
    true_logs = torch.where(valid, target, 1.0).clamp_min(MIN_DEPTH).log()
    edges = (sobel_length(torch.where(valid, target, 0.0)) > EDGE_THRESHOLDS[0]) | ~valid
    away = ~spread(edges, EDGE_MARGIN)
    total = predicted.new_zeros(())
    for scale in NORMAL_SCALES:
        found = surface_normals(logs, scale, focal)
        true = surface_normals(true_logs, scale, focal)
        # A normal is taken over three cells each way; all of them have to lie away from edges.
        cells = functional.max_pool2d((~away).float(), scale)
        inside = 1 - functional.max_pool2d(cells, 3, 1)
        apart = 1 - (found * true).sum(1, keepdim=True)
        total = total + (apart * inside).sum() / inside.sum().clamp_min(1)
    return total / len(NORMAL_SCALES)
