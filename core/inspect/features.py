"""Summaries of feature maps: colours for many channels, pooled vectors, sampling patterns."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

SPP_GRIDS = (1, 2, 4)
CLASSIC_RATES = (1, 6, 12, 18)
DENSE_RATES = (3, 6, 12, 18)


def principal_colours(feature: Tensor) -> tuple[Tensor, Tensor]:
    """A feature map as a colour picture: its first three principal components as RGB.

    Args:
        feature: (c, h, w).

    Returns:
        (h, w, 3) in 0..1, each component stretched between its 1st and 99th percentile (0.5 where
        it is constant), and (3,), the share of the variance that each component explains.
    """
    channels, height, width = feature.shape
    flat = feature.reshape(channels, -1).double()
    centred = flat - flat.mean(1, keepdim=True)
    values, vectors = torch.linalg.eigh(centred @ centred.t())
    count = min(3, channels)
    axes = vectors[:, -count:].flip(1)
    # An eigenvector's sign is arbitrary: the largest entry positive makes the colours repeatable.
    largest = axes.abs().argmax(0)
    axes = axes * torch.sign(axes[largest, torch.arange(count)])
    parts = axes.t() @ centred
    low, high = parts.quantile(0.01, dim=1), parts.quantile(0.99, dim=1)
    spread = (high - low).clamp_min(1e-12)[:, None]
    stretched = ((parts - low[:, None]) / spread).clamp(0, 1)
    stretched[(high - low) < 1e-9] = 0.5
    colours = torch.full((3, height * width), 0.5, dtype=torch.float64)
    colours[:count] = stretched
    shares = torch.zeros(3, dtype=torch.float64)
    shares[:count] = values[-count:].flip(0).clamp_min(0) / values.clamp_min(0).sum().clamp_min(
        1e-30
    )
    return colours.t().reshape(height, width, 3).float(), shares.float()


def strongest_channels(feature: Tensor, count: int) -> Tensor:
    """Indices (k,) of the channels that vary most over the image, strongest first; k <= count."""
    spread = feature.flatten(1).std(dim=1, correction=0)
    return spread.argsort(descending=True, stable=True)[:count]


def spatial_pyramid_pool(feature: Tensor, grids: Sequence[int] = SPP_GRIDS) -> Tensor:
    """Spatial pyramid pooling: one vector of fixed length from a feature map of any size.

    The map is divided into n x n cells for every n of `grids` and each cell keeps its largest
    value (He et al., TPAMI 2015).

    Args:
        feature: (c, h, w).
        grids: cells per side.

    Returns:
        (c * sum(n * n),), grid after grid.
    """
    pooled = [functional.adaptive_max_pool2d(feature[None], n).flatten() for n in grids]
    return torch.cat(pooled)


def taps(rate: int) -> list[tuple[int, int]]:
    """(row, column) offsets in cells that one 3x3 convolution of a dilation reads."""
    return [(i * rate, j * rate) for i in (-1, 0, 1) for j in (-1, 0, 1)]


def cascade_taps(rates: Sequence[int], branch: int) -> list[tuple[int, int]]:
    """Offsets that one branch of a dense ASPP reads, through every path of earlier branches.

    Branch k convolves with rate k the concatenation of the input and all branches before it, so it
    reaches the sums of offsets along every chain that ends in it (Yang et al., CVPR 2018).

    Args:
        rates: of all branches, in order.
        branch: index of the one that is asked about.

    Returns:
        Sorted (row, column) offsets, without repetition.
    """
    reached: list[set[tuple[int, int]]] = [{(0, 0)}]
    for rate in rates[: branch + 1]:
        before = set().union(*reached)
        reached.append({(y + i, x + j) for y, x in before for i, j in taps(rate)})
    return sorted(reached[-1])


def reach(offsets: Sequence[tuple[int, int]]) -> int:
    """Cells from the first to the last row that a set of offsets spans."""
    rows = [row for row, _ in offsets]
    return max(rows) - min(rows) + 1
