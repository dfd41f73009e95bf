"""From the kept residuals to depth, level by level; no network runs here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.metrics import DepthMetrics, compute_metrics
from core.model import accumulate
from core.model.pyramid import double

FloatMap = NDArray[np.float32]


@dataclass(frozen=True)
class Steps:
    """The coarse-to-fine sum of one photo; lists run coarse -> fine.

    Attributes:
        depths: metres after each level, at the level's own size.
        changes: what each level changed, metres: depth after it minus depth before it, the sum
            before it enlarged as the decoder does. The first is compared with a sum of zero, which
            stands for half of the range.
    """

    depths: list[FloatMap]
    changes: list[FloatMap]


def rebuild(residuals: Sequence[Tensor], scale: float, gains: Sequence[float]) -> Steps:
    """Sums the residuals again, each times its gain.

    Args:
        residuals: coarse -> fine, each (1, 1, h, w): R5 in (0, 1), the others in (-1, 1).
        scale: metres per unit of the final sigmoid.
        gains: coarse -> fine; 0 leaves a level out.
    """
    with torch.inference_mode():
        sums = accumulate(residuals, gains)
        before = [torch.zeros_like(sums[0]), *(double(total) for total in sums[:-1])]
        depths = [torch.sigmoid(total) * scale for total in sums]
        changes = [d - torch.sigmoid(b) * scale for d, b in zip(depths, before, strict=True)]
        return Steps([_plane(d) for d in depths], [_plane(c) for c in changes])


def enlarged(values: FloatMap, height: int, width: int) -> FloatMap:
    """A map at another size, bilinear, pixel areas aligned (as the decoder enlarges)."""
    if values.shape == (height, width):
        return values
    grid = torch.from_numpy(np.require(values, None, ("C", "W")))[None, None]
    resized: FloatMap = functional.interpolate(
        grid, (height, width), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    return resized


def fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Height and width of a (width, height) picture shrunk to a longest side."""
    width, height = size
    scale = min(1.0, longest / max(size))
    return max(1, round(height * scale)), max(1, round(width * scale))


def level_errors(depths: Sequence[FloatMap], truth: FloatMap) -> list[DepthMetrics]:
    """The nine metrics of the depth after each level, enlarged to the ground truth's size.

    Args:
        depths: coarse -> fine, metres.
        truth: (h, w) metres, 0 = not measured.
    """
    valid = truth > 0
    return [compute_metrics(enlarged(depth, *truth.shape), truth, valid) for depth in depths]


def borders(depth: FloatMap, share: float, reach: int = 2) -> NDArray[np.bool_]:
    """The steepest pixels of a depth map, and what lies around them.

    Args:
        depth: (h, w) metres, above 0.
        share: of the pixels, those with the largest relative step to a neighbour; a flat map has
            none.
        reach: pixels around these that count as near a border.
    """
    steps = largest_steps(np.log(np.maximum(depth, 1e-6)))
    steep = (steps > np.quantile(steps, 1 - share)).astype(np.float32)
    grown = functional.max_pool2d(
        torch.from_numpy(steep)[None], 2 * reach + 1, stride=1, padding=reach
    )
    near: NDArray[np.bool_] = grown[0].numpy() > 0
    return near


def largest_steps(values: FloatMap) -> FloatMap:
    """(h, w): the largest absolute difference of every pixel to its four neighbours."""
    steps = np.zeros(values.shape, np.float32)
    for axis in (0, 1):
        step = np.abs(np.diff(values, axis=axis))
        for side in (slice(None, -1), slice(1, None)):
            place = (side, slice(None)) if axis == 0 else (slice(None), side)
            steps[place] = np.maximum(steps[place], step)
    return steps


def rms(values: NDArray[np.floating], where: NDArray[np.bool_] | None = None) -> float:
    """Root mean square, of some pixels only where given; NaN without any."""
    chosen = values if where is None else values[where]
    return float(np.sqrt(np.mean(np.square(chosen, dtype=np.float64)))) if chosen.size else np.nan


def _plane(value: Tensor) -> FloatMap:
    plane: FloatMap = value[0, 0].numpy()
    return plane
