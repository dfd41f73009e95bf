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

import torch
from torch import Tensor
from torch.nn import functional

from core.imaging.resize import resize_rgb

_STRIP_PIXELS = 1 << 20
# Relative step of depth among neighbouring working pixels from which colour begins to decide, and
# from which it decides alone. Below are slanted surfaces, above borders of objects.
_STEP_FROM, _STEP_TO = 0.05, 0.15
_COLOUR_SIGMA = 0.1  # of RGB distance, each channel in 0..1
_WEAK = 1e-3  # weight of a neighbour of another colour: decides where all four are of another
_ROUND_TRIP = 2  # times the working size is large enough to see what a round trip loses


def upsample_depth(depth: Tensor, rgb: Tensor) -> Tensor:
    """Brings depth to the photo's size.

    Args:
        depth: (h, w) float32 metres at the working size.
        rgb: (H, W, 3) uint8, the photo.

    Returns:
        (H, W) float32 metres; `depth` itself if it has the photo's size. Values stay between the
        least and the greatest of the working pixels around.
    """
    height, width = rgb.shape[:2]
    if depth.shape == (height, width):
        return depth
    if depth.shape[0] > height or depth.shape[1] > width:
        return _resample(depth[None, None], height, width, "bilinear")[0, 0]
    return _Upsampling(_sharpened(depth, rgb), depth, rgb).full()


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
    back = functional.interpolate(
        _Upsampling(depth, depth, smaller).full()[None, None], size=(h, w), mode="area"
    )
    return depth + (depth - back[0, 0])


class _Upsampling:
    """One depth map on its way to one photo's size.

    Args:
        depth: (h, w), what is interpolated.
        bounds: (h, w), whose local least and greatest values bound the result.
        rgb: (H, W, 3) uint8.
    """

    def __init__(self, depth: Tensor, bounds: Tensor, rgb: Tensor) -> None:
        self.h, self.w = depth.shape
        self.height, self.width = rgb.shape[:2]
        self.colours = rgb.contiguous().view(-1, 3)
        self.working_colours = resize_rgb(rgb, (self.w, self.h)).float().view(-1, 3)
        self.depth = depth.flatten()
        plane = bounds[None, None]
        self.low = -functional.max_pool2d(-plane, 3, 1, 1).flatten()
        self.high = functional.max_pool2d(plane, 3, 1, 1).flatten()
        step = torch.log(self.high / self.low)
        self.share = ((step - _STEP_FROM) / (_STEP_TO - _STEP_FROM)).clamp(0, 1)
        # What a photo's pixel sees of it reaches one working pixel further.
        seen = functional.max_pool2d(self.share.view(1, 1, self.h, self.w), 3, 1, 1)[0, 0] > 0
        columns = _nearest(torch.arange(self.width), self.w, self.width)
        self.stepped = seen[:, columns]  # (h, W)
        # Vertical first, for all rows: the rest of the work can then go strip by strip.
        self.tall = _resample(depth[None, None], self.height, self.w, "bicubic")

    def full(self) -> Tensor:
        """(H, W) metres."""
        result = torch.empty(self.height, self.width)
        rows = max(1, _STRIP_PIXELS // self.width)
        for top in range(0, self.height, rows):
            bottom = min(top + rows, self.height)
            result[top:bottom] = self._strip(top, bottom)
        return result

    def _strip(self, top: int, bottom: int) -> Tensor:
        depth = _resample(self.tall[:, :, top:bottom], bottom - top, self.width, "bicubic")
        flat = depth.flatten()
        rows = _nearest(torch.arange(top, bottom), self.h, self.height)
        pixels = self.stepped[rows].flatten().nonzero()[:, 0]
        if len(pixels):
            self._place_steps(flat, pixels, top)
        return flat.view(bottom - top, self.width)

    def _place_steps(self, strip: Tensor, pixels: Tensor, top: int) -> None:
        """Redoes those pixels of a flattened strip, which begins at row `top`, that see a step."""
        neighbours = _Neighbours(self, pixels + top * self.width)
        share = neighbours.mean(self.share)
        sees = (share > 0).nonzero()[:, 0]
        share, pixels = share.index_select(0, sees), pixels.index_select(0, sees)
        neighbours = _Neighbours(self, pixels + top * self.width)
        colour = self.colours.index_select(0, pixels + top * self.width).float()
        scale = -1 / (2 * (_COLOUR_SIGMA * 255) ** 2)
        weights = []
        for place, near in neighbours.corners:
            unlike = (self.working_colours.index_select(0, place) - colour).square_().sum(1)
            weights.append(near * unlike.mul_(scale).exp_().add_(_WEAK))
        edged = neighbours.mean(self.depth, weights)
        low = self.low.index_select(0, neighbours.nearest)
        high = self.high.index_select(0, neighbours.nearest)
        smooth = strip.index_select(0, pixels)
        strip[pixels] = torch.lerp(smooth, edged, share).clamp_(low, high)


class _Neighbours:
    """The four working pixels around each of some photo pixels.

    Attributes:
        corners: four pairs of (places in the flattened working picture, bilinear weights).
        nearest: places of the nearest one.
    """

    def __init__(self, work: _Upsampling, pixels: Tensor) -> None:
        y, x = pixels // work.width, pixels % work.width
        source_y, source_x = _source(y, work.h, work.height), _source(x, work.w, work.width)
        top, left = source_y.floor(), source_x.floor()
        down, right = source_y - top, source_x - left
        upper, lower = top.long() * work.w, (top.long() + 1).clamp_(max=work.h - 1) * work.w
        first, second = left.long(), (left.long() + 1).clamp_(max=work.w - 1)
        self.corners = (
            (upper + first, (1 - down) * (1 - right)),
            (upper + second, (1 - down) * right),
            (lower + first, down * (1 - right)),
            (lower + second, down * right),
        )
        self.nearest = torch.where(down < 0.5, upper, lower) + torch.where(
            right < 0.5, first, second
        )

    def mean(self, values: Tensor, weights: Sequence[Tensor] | None = None) -> Tensor:
        """Weighted mean of (h * w) values; with the bilinear weights where none are given."""
        if weights is None:
            weights = [near for _, near in self.corners]
        mean, total = torch.zeros_like(weights[0]), torch.zeros_like(weights[0])
        for (place, _), weight in zip(self.corners, weights, strict=True):
            mean.addcmul_(values.index_select(0, place), weight)
            total.add_(weight)
        return mean.div_(total)


def _source(pixel: Tensor, small: int, large: int) -> Tensor:
    """Where the centre of a pixel of `large` lies among `small`, clamped to the outer centres."""
    return ((pixel + 0.5) * (small / large) - 0.5).clamp_(0, small - 1)


def _nearest(pixel: Tensor, small: int, large: int) -> Tensor:
    return ((pixel + 0.5) * (small / large)).long().clamp_(max=small - 1)
