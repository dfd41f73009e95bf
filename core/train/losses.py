"""Training losses on metric depth: scale-invariant log error, and gradients for borders."""

from __future__ import annotations

from collections.abc import Sequence

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


def align_relative(target: Tensor, predicted: Tensor, max_depth: float) -> Tensor:
    """A target in metres where part of it is known up to scale and shift of its inverse only.

    There the inverse gets the median and the mean deviation that the prediction's inverse has on
    the same pixels of the picture, without a gradient, so that such a picture teaches relief and
    borders and leaves the metres alone (after Ranftl et al., TPAMI 2022, eq. (4) and (5)).

    Args:
        target: (n, 1, h, w), as `core.data.Sample.depth`; predicted: metres, the same shape.
        max_depth: of the model, metres; what would lie beyond it counts as not measured.
    """
    relative = target < 0
    if not relative.any():
        return target

    def middle_and_spread(values: Tensor) -> tuple[Tensor, Tensor]:
        known = torch.where(relative, values, torch.nan).flatten(1)
        middle = known.nanmedian(1, keepdim=True).values
        spread = (known - middle).abs().nanmean(1)
        return middle.view(-1, 1, 1, 1), spread.view(-1, 1, 1, 1)

    with torch.no_grad():
        inverse = -1 / torch.where(relative, target, -1.0)
        middle, deviation = middle_and_spread(inverse)
        wanted_middle, wanted = middle_and_spread(1 / predicted.clamp_min(MIN_DEPTH))
        inverse = (inverse - middle) / deviation.clamp_min(1e-6) * wanted + wanted_middle
        metres = torch.where(inverse > 1 / max_depth, 1 / inverse, 0.0)
    return torch.where(relative, metres, target)


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


SILOG_LAMBDA = 0.85
SILOG_GAIN = 10.0


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


def relative_loss(difference: Tensor, valid: Tensor) -> Tensor:
    """AbsRel itself, |predicted - target| / target, the mean of every image's mean.

    Where depth is uncertain its least value lies nearer than the median of depth, which is where
    `absolute_loss` has its own: too far is a larger share of the truth than too near.

    Args:
        difference: (n, 1, h, w), the output of `log_difference`.
        valid: bool, the same shape.

    Returns:
        A scalar, in the unit of `silog`; an image without valid pixels counts 0.
    """
    share = (difference.clamp(max=1.0).exp() - 1).abs() * valid  # e times too far pulls no more
    images = share.sum((1, 2, 3)) / valid.sum((1, 2, 3)).clamp_min(1)
    return SILOG_GAIN * images.mean()


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
