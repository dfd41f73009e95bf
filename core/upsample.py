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

import torch
from torch import Tensor
from torch.nn import functional

_STRIP_PIXELS = 1 << 20
# Relative step of depth among neighbouring working pixels from which colour begins to decide, and
# from which it decides alone. Below are slanted surfaces, above borders of objects.
_STEP_FROM, _STEP_TO = 0.05, 0.15
_COLOUR_SIGMA = 0.1  # of RGB distance, each channel in 0..1
_WEAK = 1e-3  # weight of a neighbour of another colour: decides where all four are of another
_ROUND_TRIP = 4  # times the working size is large enough to see what a round trip loses


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
    smaller = functional.interpolate(
        rgb.permute(2, 0, 1)[None],
        size=(tall, wide),
        mode="bilinear",
        antialias=True,
        align_corners=False,
    )[0].permute(1, 2, 0)
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
        self.rgb = rgb
        self.depth = depth
        self.h, self.w = depth.shape
        self.height, self.width = rgb.shape[:2]
        small = functional.interpolate(
            rgb.permute(2, 0, 1)[None],
            size=(self.h, self.w),
            mode="bilinear",
            antialias=True,
            align_corners=False,
        )
        self.colours = small[0].flatten(1).t().contiguous()  # (h * w, 3) uint8
        plane = bounds[None, None]
        self.low = -functional.max_pool2d(-plane, 3, 1, 1)[0, 0]
        self.high = functional.max_pool2d(plane, 3, 1, 1)[0, 0]
        step = torch.log(self.high / self.low)
        share = ((step - _STEP_FROM) / (_STEP_TO - _STEP_FROM)).clamp(0, 1)
        # Columns first need all rows' neighbours; rows of the photo can then be done in strips.
        self.tall_depth = _resample(depth[None, None], self.height, self.w, "bicubic")
        self.tall_share = _resample(share[None, None], self.height, self.w, "bilinear")

    def full(self) -> Tensor:
        """(H, W) metres."""
        result = torch.empty(self.height, self.width)
        rows = max(1, _STRIP_PIXELS // self.width)
        for top in range(0, self.height, rows):
            bottom = min(top + rows, self.height)
            result[top:bottom] = self._strip(top, bottom)
        return result

    def _strip(self, top: int, bottom: int) -> Tensor:
        rows = bottom - top
        depth = _resample(self.tall_depth[:, :, top:bottom], rows, self.width, "bicubic")[0, 0]
        share = _resample(self.tall_share[:, :, top:bottom], rows, self.width, "bilinear")[0, 0]
        y, x = (share > 0).nonzero(as_tuple=True)
        if len(y):
            smooth = depth[y, x]
            edged, low, high = self._by_colour(y + top, x)
            mixed = smooth + share[y, x] * (edged - smooth)
            depth[y, x] = torch.minimum(torch.maximum(mixed, low), high)
        return depth

    def _by_colour(self, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Joint bilateral depth of some pixels, and the bounds of depth around them."""
        source_y = ((y + 0.5) * (self.h / self.height) - 0.5).clamp(0, self.h - 1)
        source_x = ((x + 0.5) * (self.w / self.width) - 0.5).clamp(0, self.w - 1)
        top, left = source_y.floor().long(), source_x.floor().long()
        down, right = source_y - top, source_x - left
        colour = self.rgb[y, x].float()
        depths, total = torch.zeros(()), torch.zeros(())
        scale = -1 / (2 * (_COLOUR_SIGMA * 255) ** 2)
        for dy, weight_y in ((0, 1 - down), (1, down)):
            row = (top + dy).clamp(max=self.h - 1) * self.w
            for dx, weight_x in ((0, 1 - right), (1, right)):
                place = row + (left + dx).clamp(max=self.w - 1)
                distance = (self.colours[place].float() - colour).square().sum(1)
                weight = weight_y * weight_x * (torch.exp(distance * scale) + _WEAK)
                depths = depths + weight * self.depth.flatten()[place]
                total = total + weight
        nearest = source_y.round().long() * self.w + source_x.round().long()
        return depths / total, self.low.flatten()[nearest], self.high.flatten()[nearest]
