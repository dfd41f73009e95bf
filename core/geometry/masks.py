"""Which pixels are surfaces: measured ones, near enough, believed, and not the sky."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_SKY_GRID = 160  # long side at which the sky is followed down from the picture's upper border
_SKY_BRIGHT = 110  # of 255, blue channel: darker is no daylight sky
_SKY_BLUE = 0.95  # blue / the largest of the other two: grass, walls and skin lie below
_SKY_SMOOTH = 12.0  # of 255, mean step between neighbouring pixels of a tile


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

    Args:
        rgb: (H, W, 3).

    Returns:
        (H, W) bool.
    """
    height, width = rgb.shape[:2]
    tile = max(1, -(-max(height, width) // _SKY_GRID))
    rows, columns = np.arange(0, height, tile), np.arange(0, width, tile)
    like = _sky_coloured(rgb[rows][:, columns].astype(np.float32))
    brightness = rgb[..., 1]
    step = np.abs(np.diff(brightness.astype(np.int16), axis=0, prepend=brightness[:1]))
    step = np.add.reduceat(np.add.reduceat(step, rows, axis=0, dtype=np.int64), columns, axis=1)
    area = np.outer(np.diff(rows, append=height), np.diff(columns, append=width))
    reached = _flood_from_top(like & (step / area < _SKY_SMOOTH))
    # Tiles at the sky's border are mixed: there each pixel's own colour decides.
    grown = _grown(reached)
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


def _flood_from_top(allowed: Mask) -> Mask:
    reached = np.zeros_like(allowed)
    reached[0] = allowed[0]
    while True:
        wider = _grown(reached) & allowed
        if (wider == reached).all():
            return reached
        reached = wider


def _grown(mask: Mask) -> Mask:
    """The mask and its four neighbours."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown
