"""Masks of pixels: measured depth, sky, flying pixels.

Flying pixels have a depth between two surfaces, where a blurred edge has neither one's value.

A pixel flies when, in inverse depth, it is further than `edge_tolerance` of itself away from both
the nearest and the furthest value around it. Inverse depth is used because a plane is linear in
it: the steady slope of a floor or a wall seen at a grazing angle is recognised and allowed for, so
that far roads survive. The threshold is relative to depth: an absolute one eats far
surfaces. A true, sharp edge has nothing in between and loses nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_SKY_GRID = 160  # long side at which the sky is followed down from the picture's upper border
_SKY_BRIGHT = 110  # of 255, blue channel: darker is no daylight sky
_SKY_BLUE = 0.95  # blue / the largest of the other two: grass, walls and skin lie below
_SKY_SMOOTH = 12.0  # of 255, mean step between neighbouring pixels of a tile

EDGE_TOLERANCE = 0.05  # relative
_GRID = 640  # long side at which edges are looked for; larger pictures go there in blocks
_MIN_RADIUS, _MAX_RADIUS = 2, 4  # grid pixels around a pixel where both surfaces must show
_RADIUS_SHARE = 1 / 120  # of the grid's long side, between those
_STEADY = 1.5  # change over that side / (smallest slope on it * its length); 1 on a plane

Plane = NDArray[np.float32]


def measured(depth: NDArray[np.floating]) -> Mask:
    """Pixels with a depth: finite and above 0 (H, W)."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(depth) & (depth > 0))


def nearest_measured(depth: NDArray[np.floating], u: float, v: float) -> tuple[float, float]:
    """The pixel itself (u, v) where it has a depth, else the nearest one that has (or itself)."""
    if measured(depth[int(v) : int(v) + 1, int(u) : int(u) + 1]).any():
        return u, v
    rows, columns = np.nonzero(measured(depth))
    if len(rows) == 0:
        return u, v
    best = int(np.argmin((columns - u) ** 2 + (rows - v) ** 2))
    return float(columns[best]), float(rows[best])


def sky(rgb: NDArray[np.uint8]) -> Mask:
    """Daylight sky, by colour: bright, not warm, smooth, and connected to the upper border.

    A rule for outdoor photos, with a rule's mistakes: a white ceiling or a bright wall that
    reaches the upper border looks the same. So it is only applied when asked for.

    Returns:
        (H, W) bool.
    """
    # Here and not above: SciPy takes long to import, and most pictures keep their sky.
    from scipy.ndimage import binary_dilation, binary_propagation

    height, width = rgb.shape[:2]
    tile = max(1, -(-max(height, width) // _SKY_GRID))
    rows, columns = np.arange(0, height, tile), np.arange(0, width, tile)
    like = _sky_coloured(rgb[rows][:, columns].astype(np.float32))
    brightness = rgb[..., 1]
    step = np.abs(np.diff(brightness.astype(np.int16), axis=0, prepend=brightness[:1]))
    step = np.add.reduceat(np.add.reduceat(step, rows, axis=0, dtype=np.int64), columns, axis=1)
    area = np.outer(np.diff(rows, append=height), np.diff(columns, append=width))
    smooth = like & (step / area < _SKY_SMOOTH)
    top = np.zeros_like(smooth)
    top[0] = smooth[0]
    # Tiles at the sky's border are mixed: there each pixel's own colour decides.
    grown = binary_dilation(binary_propagation(top, mask=smooth))
    coarse_rows, coarse_columns = np.arange(height) // tile, np.arange(width) // tile
    result = np.zeros((height, width), np.bool_)
    for row in range(len(rows)):
        strip = slice(row * tile, min((row + 1) * tile, height))
        if grown[row].any():
            coloured = _sky_coloured(rgb[strip].astype(np.float32))
            result[strip] = coloured & grown[coarse_rows[strip]][:, coarse_columns]
    return result


def _sky_coloured(rgb: NDArray[np.float32]) -> Mask:
    warm = np.maximum(rgb[..., 0], rgb[..., 1])
    return np.asarray((rgb[..., 2] > _SKY_BRIGHT) & (rgb[..., 2] >= _SKY_BLUE * warm))


def flying_pixels(
    depth: NDArray[np.floating], *, edge_tolerance: float = EDGE_TOLERANCE
) -> NDArray[np.bool_]:
    """Finds the pixels that hang between two surfaces.

    On NYU ground truth, down-sampled 4x and up-sampled bilinearly, it finds over 90 % of the
    pixels that lie more than 5 % away from both the minimum and the maximum of the true 5x5
    neighbourhood, and under 2 % of the others (tests/core/test_flying_pixels.py).

    Args:
        depth: (H, W) metres; values that are not finite or not above 0 are no surface.
        edge_tolerance: relative distance from either surface; smaller finds more.

    Returns:
        (H, W) bool, True where the depth belongs to no surface. Linear in the number of pixels.
    """
    height, width = depth.shape
    block = max(1, -(-max(height, width) // _GRID))
    inverse = _inverse(depth)
    nearest, furthest, middle = _reduced(inverse, block)
    radius = min(max(round(max(middle.shape) * _RADIUS_SHARE), _MIN_RADIUS), _MAX_RADIUS)
    # A slope has to hold over four radii, further than any blurred edge, to be a surface's own.
    slope = sum(_steady_slope(middle, axis, 4 * radius) for axis in (0, 1))
    slope *= radius + (block > 1)  # a pixel at a tile's border is up to a tile further away
    nearest = _window(nearest, radius, np.maximum, -np.inf)
    furthest = _window(furthest, radius, np.minimum, np.inf)
    above, below = nearest - slope, furthest + slope

    flying = np.empty((height, width), np.bool_)
    columns = np.arange(width) // block
    for row in range(above.shape[0]):
        rows = slice(row * block, min((row + 1) * block, height))
        here = inverse[rows]
        margin = here * np.float32(edge_tolerance)
        with np.errstate(invalid="ignore"):  # NaN (no depth) compares as "not flying"
            flying[rows] = (above[row, columns] - here > margin) & (
                here - below[row, columns] > margin
            )
    return flying


def _inverse(depth: NDArray[np.floating]) -> Plane:
    """1 / depth, NaN where there is none."""
    inverse = np.full(depth.shape, np.nan, np.float32)
    np.divide(1.0, depth, out=inverse, where=measured(depth), casting="same_kind")
    return inverse


def _reduced(inverse: Plane, block: int) -> tuple[Plane, Plane, Plane]:
    """Largest, smallest and central value of every block x block tile; NaN counts for nothing."""
    high = np.where(np.isnan(inverse), -np.inf, inverse)
    low = np.where(np.isnan(inverse), np.inf, inverse)
    if block == 1:
        return high, low, inverse
    for axis in (0, 1):
        starts = np.arange(0, inverse.shape[axis], block)
        high = np.maximum.reduceat(high, starts, axis=axis)
        low = np.minimum.reduceat(low, starts, axis=axis)
    centre = (np.arange(0, side, block) for side in inverse.shape)
    rows, columns = (
        np.minimum(start + block // 2, side - 1)
        for start, side in zip(centre, inverse.shape, strict=True)
    )
    return high, low, inverse[np.ix_(rows, columns)]


def _steady_slope(inverse: Plane, axis: int, side: int) -> Plane:
    """|Change per pixel| along one axis that holds up to one side at least: a plane's own slope.

    Up to the next edge a plane keeps its slope on one side of every pixel, and what changes over
    that side is the slope times its length. A pixel of a blurred edge has this on neither side:
    the slope of the surface behind the edge does not account for the edge's own step.
    """
    values = np.moveaxis(inverse, axis, 0)
    slope = np.zeros_like(values)
    if len(values) <= side:
        return np.moveaxis(slope, 0, axis)
    with np.errstate(invalid="ignore"):  # NaN (no depth) has no slope
        local = np.abs(np.gradient(values, axis=0)).astype(np.float32)
        local[np.isnan(local)] = 0
        held = _window_1d(local, side // 2, np.minimum, np.inf, 0)[side // 2 : -(side // 2)]
        change = np.abs(values[side:] - values[:-side])
        held = np.where(change <= _STEADY * side * held, held, 0)
    slope[:-side] = held
    np.maximum(slope[side:], held, out=slope[side:])
    return np.moveaxis(slope, 0, axis)


def _window(plane: Plane, radius: int, pick: np.ufunc, outside: float) -> Plane:
    """Extreme value of the square window around each pixel."""
    for axis in (0, 1):
        plane = _window_1d(plane, radius, pick, outside, axis)
    return plane


def _window_1d(plane: Plane, radius: int, pick: np.ufunc, outside: float, axis: int) -> Plane:
    """Extreme value of 2 * radius + 1 pixels along an axis, by doubling: log2(window) passes."""
    padding = [(0, 0), (0, 0)]
    padding[axis] = (radius, radius)
    values = np.moveaxis(np.pad(plane, padding, constant_values=outside), axis, 0)
    length, span = plane.shape[axis], 2 * radius + 1
    covered = 1
    while covered * 2 <= span:
        values = pick(values[:-covered], values[covered:])
        covered *= 2
    rest = span - covered
    result = pick(values[:length], values[rest : rest + length])
    return np.ascontiguousarray(np.moveaxis(result, 0, axis))
