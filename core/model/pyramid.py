"""The Laplacian pyramid of an image, and its exact inverse, as the network has them.

`core.images.numpy_pyramid` is the same for arrays: the bands of a prediction are made there.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

LEVELS = 5


def halve(image: Tensor) -> Tensor:
    """The image (n, c, h, w) at half size, bilinear, pixel areas aligned."""
    return functional.interpolate(image, scale_factor=0.5, mode="bilinear", align_corners=False)


def double(image: Tensor) -> Tensor:
    """The image (n, c, h, w) at twice its size, bilinear, pixel areas aligned."""
    return functional.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)


def laplacian_pyramid(image: Tensor, levels: int = LEVELS) -> list[Tensor]:
    """Splits an image into a low-pass and the differences between its scales.

    Paper, section III-B: band k = image k - double(image k + 1).

    Args:
        image: (n, c, h, w), h and w multiples of 2 ** (levels - 1).
        levels: how many scales, the low-pass included.

    Returns:
        Coarse -> fine: the low-pass at 1 / 2 ** (levels - 1), then the bands up to full size.
    """
    bands = []
    for _ in range(levels - 1):
        smaller = halve(image)
        bands.append(image - double(smaller))
        image = smaller
    return [image, *reversed(bands)]


def reconstruct(bands: Sequence[Tensor]) -> Tensor:
    """The image whose `laplacian_pyramid` is `bands` (coarse -> fine); exact up to rounding."""
    return accumulate(bands)[-1]


def accumulate(residuals: Sequence[Tensor], gains: Sequence[float] | None = None) -> list[Tensor]:
    """The coarse-to-fine sum of residuals after every level (paper, section III-C).

    Args:
        residuals: coarse -> fine, each (n, c, h, w) twice the size of the one before.
        gains: a factor for every residual; None is 1 everywhere, 0 leaves a level out.

    Returns:
        Coarse -> fine, the sum so far at each level's own size.
    """
    sums: list[Tensor] = []
    for index, residual in enumerate(residuals):
        term = residual if gains is None else residual * gains[index]
        sums.append(term if not sums else term + double(sums[-1]))
    return sums
