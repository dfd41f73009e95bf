"""Depth from the working size to the photo's own, with borders where the photo has them.

Three steps, chosen by measurement (docs/decisions/0003-upsampling.md):

1. Cubic interpolation. Depth is smooth nearly everywhere, and there no guide can improve on it;
   texture can only harm.
2. Where depth steps between neighbouring working pixels, a pixel takes the depth of those of its
   four neighbours that have its colour (joint bilateral upsampling, Kopf et al. 2007), so that the
   step falls on the photo's edge.
3. Beforehand the working depth is sharpened by what a round trip up and down would lose.

The photo is walked in strips of rows; besides the result, memory grows with its width only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.imaging.resize import resize_rgb

_STRIP_PIXELS = 1 << 18  # what is worked on at a time stays in a core's cache
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
        self.colours = rgb.contiguous().view(-1, 3)
        self.working_colours = seen.float().view(-1, 3)
        self.depth = depth.flatten()
        plane = bounds[None, None]
        self.low = -functional.max_pool2d(-plane, 3, 1, 1).flatten()
        self.high = functional.max_pool2d(plane, 3, 1, 1).flatten()
        step = torch.log(self.high / self.low)
        self.share = ((step - _STEP_FROM) / (_STEP_TO - _STEP_FROM)).clamp(0, 1)
        self.rows, self.columns = _Axis(self.h, self.height), _Axis(self.w, self.width)
        # What a photo's pixel sees of a step reaches one working pixel further.
        near = functional.max_pool2d(self.share.view(1, 1, self.h, self.w), 3, 1, 1)[0, 0] > 0
        self.stepped = _Columns(near.index_select(1, self.columns.nearest))
        # Horizontal first, for all rows: the rest of the work then goes strip by strip.
        self.wide = _resample(depth[None, None], self.h, self.width, "bicubic")[0, 0]

    def full(self) -> Tensor:
        """(H, W) metres."""
        # NumPy asks the system for large pages, which cost a fifth to touch for the first time.
        result = torch.from_numpy(np.empty((self.height, self.width), np.float32))
        self._interpolate(result)
        rows = max(1, _STRIP_PIXELS // self.width)
        for top in range(0, self.height, rows):
            self._place_steps(result[top : top + rows], top)
        return result

    def _interpolate(self, result: Tensor) -> None:
        """Vertical cubic interpolation: rows between the same two working rows are one product."""
        weights = _resample(torch.eye(self.h)[None, None], self.height, self.h, "bicubic")[0, 0]
        first = self.rows.first.tolist()
        top = 0
        while top < self.height:
            bottom = top + 1
            while bottom < self.height and first[bottom] == first[top]:
                bottom += 1
            taps = slice(max(0, first[top] - 1), min(self.h, first[top] + 3))
            torch.mm(weights[top:bottom, taps], self.wide[taps], out=result[top:bottom])
            top = bottom

    def _place_steps(self, strip: Tensor, top: int) -> None:
        """Redoes those pixels of a strip, which begins at row `top`, that see a step."""
        y, x = self.stepped.pixels(self.rows.nearest[top : top + len(strip)], top)
        if not len(y):
            return
        share = _Neighbours(self, y, x).mean(self.share)
        sees = (share > 0).nonzero()[:, 0]
        share, y, x = (values.index_select(0, sees) for values in (share, y, x))
        neighbours = _Neighbours(self, y, x)
        places = y * self.width + x
        colour = self.colours.index_select(0, places).float()
        fall = torch.full((3,), -1 / (2 * (_COLOUR_SIGMA * 255) ** 2))
        weights = []
        for place, near in neighbours.corners:
            unlike = self.working_colours.index_select(0, place).sub_(colour).square_()
            weights.append(torch.mv(unlike, fall).exp_().add_(_WEAK).mul_(near))
        edged = neighbours.mean(self.depth, weights)
        low = self.low.index_select(0, neighbours.nearest)
        high = self.high.index_select(0, neighbours.nearest)
        flat, places = strip.view(-1), places - top * self.width
        smooth = flat.index_select(0, places)
        flat.index_copy_(0, places, torch.lerp(smooth, edged, share).clamp_(low, high))


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


class _Columns:
    """The true columns of every row of a mask.

    Args:
        mask: (h, W) bool.
    """

    def __init__(self, mask: Tensor) -> None:
        rows, self._columns = mask.nonzero(as_tuple=True)
        self._counts = torch.bincount(rows, minlength=len(mask))
        self._starts = self._counts.cumsum(0) - self._counts

    def pixels(self, rows: Tensor, top: int) -> tuple[Tensor, Tensor]:
        """The pixels of a picture whose row `top + i` has the mask's row `rows[i]`: y and x."""
        counts, starts = self._counts[rows], self._starts[rows]
        y = torch.repeat_interleave(torch.arange(len(rows)), counts)
        before = counts.cumsum(0) - counts
        places = torch.arange(len(y)) + (starts - before).index_select(0, y)
        return y + top, self._columns.index_select(0, places)


class _Neighbours:
    """The four working pixels around each of some photo pixels.

    Attributes:
        corners: four pairs of (places in the flattened working picture, bilinear weights).
        nearest: places of the nearest one.
    """

    def __init__(self, work: _Upsampling, y: Tensor, x: Tensor) -> None:
        rows, columns = work.rows, work.columns
        upper = (rows.first * work.w).index_select(0, y)
        lower = (rows.second * work.w).index_select(0, y)
        left, right = columns.first.index_select(0, x), columns.second.index_select(0, x)
        down, across = rows.weight.index_select(0, y), columns.weight.index_select(0, x)
        both = down * across
        self.corners = (
            (upper + left, 1 - down - across + both),
            (upper + right, across - both),
            (lower + left, down - both),
            (lower + right, both),
        )
        self.nearest = (rows.nearest * work.w).index_select(0, y)
        self.nearest += columns.nearest.index_select(0, x)

    def mean(self, values: Tensor, weights: Sequence[Tensor] | None = None) -> Tensor:
        """Weighted mean of (h * w) values; with the bilinear weights where none are given."""
        if weights is None:
            weights = [near for _, near in self.corners]
        mean, total = torch.zeros_like(weights[0]), torch.zeros_like(weights[0])
        for (place, _), weight in zip(self.corners, weights, strict=True):
            mean.addcmul_(values.index_select(0, place), weight)
            total.add_(weight)
        return mean.div_(total)
