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

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.images.averages import among_neighbours
from core.images.resize import cubic, resample, resize_rgb, touched, triangle
from core.threads import in_threads

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

# Pixels that see a step: small enough for the cache, see `_STRIP_BYTES` of png.
_AT_A_TIME = 1 << 15
# Relative step of depth among neighbouring working pixels from which colour begins to decide, and
# from which it decides alone. Below are slanted surfaces, above borders of objects.
_STEP_FROM, _STEP_TO = 0.05, 0.15
_COLOUR_SIGMA = 0.1  # of RGB distance, each channel in 0..1
_WEAK = 1e-3  # weight of a neighbour of another colour: decides where all four are of another
_ROUND_TRIP = 2  # times the working size is large enough to see what a round trip loses


class Guide:
    """A photo as upsampling needs it.

    Args:
        rgb: (H, W, 3) uint8, the photo.
        size: width and height of what is brought to its size.
        sharpens: whether depth is sharpened beforehand (step 3), which takes three times as long.

    Attributes:
        rgb: the same.
        seen: (h, w, 3) uint8, the photo at `size`: what the network sees.
        finer: the photo at twice `size`, or its own where that is less; None without sharpening.
    """

    def __init__(self, rgb: Bytes, size: tuple[int, int], *, sharpens: bool = True) -> None:
        finer = min(rgb.shape[1], _ROUND_TRIP * size[0]), min(rgb.shape[0], _ROUND_TRIP * size[1])
        self.rgb = rgb
        self.seen, *rest = resize_rgb(rgb, size, *([finer] if sharpens else []))
        self.finer = rest[0] if rest else None


def upsample_depth(depth: Floats, guide: Guide) -> Floats:
    """Brings depth to the photo's size.

    Args:
        depth: (h, w) float32 metres at the working size.
        guide: the photo, made for that size.

    Returns:
        (H, W) float32 metres; `depth` itself if it has the photo's size. Values stay between the
        least and the greatest of the working pixels around.
    """
    height, width = guide.rgb.shape[:2]
    if depth.shape == (height, width):
        return depth
    if depth.shape[0] > height or depth.shape[1] > width:
        return resample(depth, height, width, triangle)
    work = _Upsampling(depth, guide.rgb, guide.seen)
    if guide.finer is None:
        return work.full(depth)
    h, w = depth.shape
    # What averaging the upsampled depth over each working pixel would lose is added beforehand.
    round_trip = (
        work
        if guide.finer is guide.rgb
        else _Upsampling(depth, guide.finer, resize_rgb(guide.finer, (w, h))[0])
    )
    return work.full(depth + (depth - resample(round_trip.full(depth), h, w, touched)))


class _Upsampling:
    """The way of a depth map to one photo's size.

    Args:
        bounds: (h, w), depth whose local least and greatest values bound the result, and whose
            steps are those of the photo's edges.
        rgb: (H, W, 3) uint8.
        seen: (h, w, 3) uint8, the same at the working size.
    """

    def __init__(self, bounds: Floats, rgb: Bytes, seen: Bytes) -> None:
        self.h, self.w = bounds.shape
        self.height, self.width = rgb.shape[:2]
        self.colours = np.ascontiguousarray(rgb).reshape(-1)
        self.working_colours = seen.reshape(-1, 3).T.astype(np.float32)
        self.low = among_neighbours(bounds, np.minimum).reshape(-1)
        self.high = among_neighbours(bounds, np.maximum).reshape(-1)
        step = np.log(self.high / self.low)
        self.share = ((step - _STEP_FROM) / (_STEP_TO - _STEP_FROM)).clip(0, 1)
        self.rows, self.columns = _Axis(self.h, self.height), _Axis(self.w, self.width)

    @cached_property
    def _steps(self) -> _Steps:
        return _Steps(self)

    def full(self, depth: Floats) -> Floats:
        """(h, w) metres to (H, W)."""
        result = resample(depth, self.height, self.width, cubic)
        self._steps.place(result.reshape(-1), depth.reshape(-1))
        return result


class _Axis:
    """Where the pixels of one side of the photo lie among the working pixels.

    Attributes:
        first: of the two working pixels around each.
        second: the other, the same at the end.
        weight: of the second.
        nearest: of the two.
    """

    def __init__(self, small: int, large: int) -> None:
        centre = (np.arange(large, dtype=np.float32) + np.float32(0.5)) * np.float32(small / large)
        # Clamped to the outer centres.
        source = np.clip(centre - np.float32(0.5), 0, small - 1)
        floor = np.floor(source)
        self.first = floor.astype(np.int64)
        self.second = np.minimum(self.first + 1, small - 1)
        self.weight = source - floor
        self.nearest = np.minimum(centre.astype(np.int64), small - 1)


class _Steps:
    """The photo's pixels that see a step.

    The rows between the same two working rows are a band; they see the same steps in the same
    columns. So what depends on band and column is gathered once, and read for every row: first for
    the first row of all bands, then for the second. Bands with many rows come first, so that those
    that still have one are always the beginning of every array.
    """

    def __init__(self, work: _Upsampling) -> None:
        # No reference back: a cycle would keep large arrays until Python looks for cycles.
        self._width, self._down, self._rgb = work.width, work.rows.weight, work.colours
        h, w = work.h, work.w
        heights = np.bincount(work.rows.first, minlength=h)
        order = np.argsort(-heights, kind="stable")
        below = np.minimum(order + 1, h - 1)
        # The cells between four working pixels of which one steps, and the photo's columns in them.
        steps = work.share.reshape(h, w) > 0
        cells = steps[order] | steps[below]
        cells[:, :-1] |= cells[:, 1:].copy()
        rank, left = cells.nonzero()
        widths = np.bincount(work.columns.first, minlength=w)
        wide = widths[left]
        cell = np.repeat(np.arange(len(wide)), wide)
        column = np.arange(len(cell)) + (widths.cumsum()[left] - wide.cumsum())[cell]
        band = order[rank]
        # How many columns there are in the first row of all bands, the second, ...
        tall = np.bincount(heights[band], wide)[::-1].cumsum()[::-1]
        self._counts = [int(count) for count in tall[1:]]
        self._top = (heights.cumsum() - heights)[band][cell]
        self._place = self._top * work.width + column
        self._across = work.columns.weight[column]
        upper, lower = band * w, below[rank] * w
        right = np.minimum(left + 1, w - 1)
        around = np.stack((upper + left, upper + right, lower + left, lower + right))
        self._colours = work.working_colours[:, around].take(cell, 2)
        self._around, self._cell = around, cell
        share = work.share[around].reshape(2, 2, -1).take(cell, 2)
        self._share = _between(share[:, 0], share[:, 1], self._across)
        nearest = np.stack((upper, lower)).take(cell, 1) + work.columns.nearest[column]
        self._low, self._high = work.low[nearest], work.high[nearest]

    def place(self, flat: Floats, depth: Floats) -> None:
        """Redoes them in the flattened result, from the flattened working depth."""
        corners = depth[self._around].take(self._cell, 1)
        pieces = [
            (row, slice(start, min(start + _AT_A_TIME, count)))
            for row, count in enumerate(self._counts)
            for start in range(0, count, _AT_A_TIME)
        ]
        in_threads(lambda piece: self._place_row(flat, corners, *piece), pieces)

    def _place_row(self, flat: Floats, corners: Floats, row: int, some: slice) -> None:
        """The row with this number in all bands, some of the columns that see a step."""
        places = self._place[some] + row * self._width
        down = self._down.take(self._top[some] + row)
        first = places * 3
        unlike = np.zeros((4, len(places)), np.float32)
        for channel, theirs in enumerate(self._colours[:, :, some]):
            ours = self._rgb.take(first + channel).astype(np.float32)
            apart = theirs - ours
            apart *= apart
            unlike += apart
        unlike *= np.float32(-1 / (2 * (_COLOUR_SIGMA * 255) ** 2))
        weights = np.exp(unlike, out=unlike)
        weights += np.float32(_WEAK)
        right = self._across[some]
        weights[:2] *= 1 - down
        weights[2:] *= down
        weights[::2] *= 1 - right
        weights[1::2] *= right
        edged = _sum(weights * corners[:, some])
        edged /= _sum(weights)
        share, low, high = (pair[:, some] for pair in (self._share, self._low, self._high))
        upper = down < 0.5  # the nearest of the two
        low, high = (np.where(upper, bound[0], bound[1]) for bound in (low, high))
        edged = _between(flat.take(places), edged, _between(share[0], share[1], down))
        np.maximum(edged, low, out=edged)
        flat[places] = np.minimum(edged, high, out=edged)


def _between(first: Floats, second: Floats, share: Floats) -> Floats:
    """`first` where `share` is 0, `second` where it is 1."""
    return first + (second - first) * share


def _sum(four: Floats) -> Floats:
    """(4, n) to (n), always in the same order."""
    pairs: Floats = four[:2] + four[2:]
    total: Floats = pairs[0] + pairs[1]
    return total
