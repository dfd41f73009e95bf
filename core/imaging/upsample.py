"""Depth from the working size to the photo's own, with borders where the photo has them.

Three steps, chosen by measurement (docs/decisions/0003-upsampling.md):

1. Cubic interpolation. Depth is smooth nearly everywhere, and there no guide can improve on it;
   texture can only harm.
2. Where depth steps between neighbouring working pixels, a pixel takes the depth of those of its
   four neighbours that have its colour (joint bilateral upsampling, Kopf et al. 2007), so that the
   step falls on the photo's edge.
3. Beforehand the working depth is sharpened by what a round trip up and down would lose.

Besides the result, memory grows with the photo's width only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.imaging.resize import resize_rgb

_AT_A_TIME = 1 << 13  # pixels that see a step: what is known of them stays in a core's cache
# Relative step of depth among neighbouring working pixels from which colour begins to decide, and
# from which it decides alone. Below are slanted surfaces, above borders of objects.
_STEP_FROM, _STEP_TO = 0.05, 0.15
_COLOUR_SIGMA = 0.1  # of RGB distance, each channel in 0..1
_WEAK = 1e-3  # weight of a neighbour of another colour: decides where all four are of another
_ROUND_TRIP = 2  # times the working size is large enough to see what a round trip loses


def upsample_depth(depth: Tensor, rgb: Tensor, seen: Tensor | None = None) -> Tensor:
    """Brings depth to the photo's size.

    Args:
        depth: (h, w) float32 metres at the working size.
        rgb: (H, W, 3) uint8, the photo.
        seen: (h, w, 3) uint8, the photo as `resize_rgb` brings it to the working size, where the
            caller has it already.

    Returns:
        (H, W) float32 metres; `depth` itself if it has the photo's size. Values stay between the
        least and the greatest of the working pixels around.
    """
    height, width = rgb.shape[:2]
    if depth.shape == (height, width):
        return depth
    if depth.shape[0] > height or depth.shape[1] > width:
        return _resample(depth[None, None], height, width, "bilinear")[0, 0]
    if seen is None:
        seen = resize_rgb(rgb, (depth.shape[1], depth.shape[0]))
    return _Upsampling(_sharpened(depth, rgb), depth, rgb, seen).full()


def _resample(x: Tensor, height: int, width: int, mode: str) -> Tensor:
    # antialias=True also picks torch's separable kernel and, for cubic, Keys' a = -0.5.
    return functional.interpolate(
        x, size=(height, width), mode=mode, antialias=True, align_corners=False
    )


def _sharpened(depth: Tensor, rgb: Tensor) -> Tensor:
    """Depth plus what averaging the upsampled depth over each working pixel would lose."""
    h, w = depth.shape
    tall = min(rgb.shape[0], _ROUND_TRIP * h)
    wide = min(rgb.shape[1], _ROUND_TRIP * w)
    smaller = resize_rgb(rgb, (wide, tall))
    larger = _Upsampling(depth, depth, smaller, resize_rgb(smaller, (w, h))).full()
    back = functional.interpolate(larger[None, None], size=(h, w), mode="area")
    return depth + (depth - back[0, 0])


def _among_neighbours(plane: Tensor, choose: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The least or greatest of each value and its neighbours, ten times as fast as max_pool2d."""
    for side in (0, 1):
        result = plane.clone()
        length = plane.shape[side] - 1
        for start, neighbour in ((1, 0), (0, 1)):
            part = result.narrow(side, start, length)
            part.copy_(choose(part, plane.narrow(side, neighbour, length)))
        plane = result
    return plane


class _Upsampling:
    """One depth map on its way to one photo's size.

    Args:
        depth: (h, w), what is interpolated.
        bounds: (h, w), whose local least and greatest values bound the result.
        rgb: (H, W, 3) uint8.
        seen: (h, w, 3) uint8, the same at the working size.
    """

    def __init__(self, depth: Tensor, bounds: Tensor, rgb: Tensor, seen: Tensor) -> None:
        self.h, self.w = depth.shape
        self.height, self.width = rgb.shape[:2]
        self.colours = rgb.contiguous().view(-1)
        self.working_colours = seen.view(-1, 3).T.float()
        self.depth = depth.flatten()
        self.low = _among_neighbours(bounds, torch.minimum).flatten()
        self.high = _among_neighbours(bounds, torch.maximum).flatten()
        step = torch.log(self.high / self.low)
        self.share = ((step - _STEP_FROM) / (_STEP_TO - _STEP_FROM)).clamp(0, 1)
        self.rows, self.columns = _Axis(self.h, self.height), _Axis(self.w, self.width)
        # Horizontal first, for all rows: the rest is one small product for every band of rows.
        self.wide = _resample(depth[None, None], self.h, self.width, "bicubic")[0, 0]

    def full(self) -> Tensor:
        """(H, W) metres."""
        # NumPy asks the system for large pages, which cost a fifth to touch for the first time.
        result = torch.from_numpy(np.empty((self.height, self.width), np.float32))
        self._interpolate(result)
        _Steps(self).place(result.view(-1))
        return result

    def _interpolate(self, result: Tensor) -> None:
        """Vertical cubic interpolation: rows between the same two working rows are one product."""
        weights = _resample(torch.eye(self.h)[None, None], self.height, self.h, "bicubic")[0, 0]
        top = 0
        for row, count in enumerate(torch.bincount(self.rows.first).tolist()):
            bottom = top + count
            taps = slice(max(0, row - 1), min(self.h, row + 3))
            torch.mm(weights[top:bottom, taps], self.wide[taps], out=result[top:bottom])
            top = bottom


class _Axis:
    """Where the pixels of one side of the photo lie among the working pixels.

    Attributes:
        first: of the two working pixels around each.
        second: the other, the same at the end.
        weight: of the second.
        nearest: of the two.
    """

    def __init__(self, small: int, large: int) -> None:
        pixel = torch.arange(large)
        # The pixel's centre, clamped to the outer centres.
        source = ((pixel + 0.5) * (small / large) - 0.5).clamp_(0, small - 1)
        floor = source.floor()
        self.first = floor.long()
        self.second = (self.first + 1).clamp_(max=small - 1)
        self.weight = source - floor
        self.nearest = ((pixel + 0.5) * (small / large)).long().clamp_(max=small - 1)


class _Steps:
    """The photo's pixels that see a step.

    The rows between the same two working rows are a band; they see the same steps in the same
    columns. So what depends on band and column is gathered once, and read for every row: first for
    the first row of all bands, then for the second. Bands with many rows come first, so that those
    that still have one are always the beginning of every array.
    """

    def __init__(self, work: _Upsampling) -> None:
        self._work, h, w = work, work.h, work.w
        heights = torch.bincount(work.rows.first, minlength=h)
        order = heights.argsort(descending=True, stable=True)
        below = (order + 1).clamp_(max=h - 1)
        # The cells between four working pixels of which one steps, and the photo's columns in them.
        steps = work.share.view(h, w) > 0
        cells = steps[order] | steps[below]
        cells[:, :-1] |= cells[:, 1:].clone()
        rank, left = cells.nonzero(as_tuple=True)
        widths = torch.bincount(work.columns.first, minlength=w)
        wide = widths[left]
        cell = torch.repeat_interleave(wide)
        column = torch.arange(len(cell)) + (widths.cumsum(0)[left] - wide.cumsum(0))[cell]
        band = order[rank]
        # How many columns there are in the first row of all bands, the second, ...
        tall = torch.bincount(heights[band], wide).flip(0).cumsum(0).flip(0)
        self._counts = [int(count) for count in tall[1:]]
        self._top = (heights.cumsum(0) - heights)[band][cell]
        self._place = self._top * work.width + column
        self._across = work.columns.weight[column]
        upper, lower = band * w, below[rank] * w
        right = (left + 1).clamp_(max=w - 1)
        around = torch.stack((upper + left, upper + right, lower + left, lower + right))
        self._colours = work.working_colours[:, around][..., cell]
        self._depth = work.depth[around][:, cell]
        share = work.share[around].view(2, 2, -1)[..., cell]
        self._share = torch.lerp(share[:, 0], share[:, 1], self._across)
        nearest = torch.stack((upper, lower))[:, cell] + work.columns.nearest[column]
        self._low, self._high = work.low[nearest], work.high[nearest]

    def place(self, flat: Tensor) -> None:
        """Redoes them in the flattened result."""
        for row, count in enumerate(self._counts):
            for start in range(0, count, _AT_A_TIME):
                self._place_row(flat, row, slice(start, min(start + _AT_A_TIME, count)))

    def _place_row(self, flat: Tensor, row: int, some: slice) -> None:
        """The row with this number in all bands, some of the columns that see a step."""
        places = self._place[some] + row * self._work.width
        down = self._work.rows.weight.index_select(0, self._top[some] + row)
        first = places * 3
        weights = torch.zeros(4, len(places))
        for channel, theirs in enumerate(self._colours[:, :, some]):
            ours = self._work.colours.index_select(0, first + channel).float()
            unlike = theirs - ours
            weights.addcmul_(unlike, unlike, value=-1 / (2 * (_COLOUR_SIGMA * 255) ** 2))
        weights.exp_().add_(_WEAK)
        right = self._across[some]
        weights[:2].mul_(1 - down)
        weights[2:].mul_(down)
        weights[::2].mul_(1 - right)
        weights[1::2].mul_(right)
        edged = _sum(weights * self._depth[:, some]).div_(_sum(weights))
        share, low, high = (pair[:, some] for pair in (self._share, self._low, self._high))
        upper = down < 0.5  # the nearest of the two
        low, high = (torch.where(upper, bound[0], bound[1]) for bound in (low, high))
        smooth = flat.index_select(0, places)
        edged = torch.lerp(smooth, edged, torch.lerp(share[0], share[1], down))
        flat.index_copy_(0, places, edged.clamp_(low, high))


def _sum(four: Tensor) -> Tensor:
    """(4, n) to (n), always in the same order."""
    pairs = four[:2] + four[2:]
    return pairs[0] + pairs[1]
