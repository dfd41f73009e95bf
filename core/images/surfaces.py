"""Flat surfaces made flat: depth fitted by planes that end where it breaks or bends.

The network's depth ripples over walls and floors. The inverse depth of a plane is linear in the
pixel's place, so a plane is fitted to the inverse depth around every pixel, and the pixel drawn to
it. The surroundings reach far over one surface and end at the next: they are those of a recursive
edge-aware filter (the domain transform of Gastal and Oliveira, SIGGRAPH 2011), whose way from pixel
to pixel is longer where depth steps and where its slope changes. What it is worth, and how
the settings were chosen: docs/decisions/0007-flat-surfaces.md.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from core.camera import Intrinsics
from core.images.manhattan import straightening
from core.images.resize import resample, touched, triangle

Floats = NDArray[np.float32]

_CELL = 4  # pixels; planes are fitted to means over cells of so many by so many
_REACH = 15.0  # cells; standard deviation of the surroundings
_STEP = 0.08  # relative change of depth from cell to cell that counts as much as the whole reach
_BEND = 0.04  # relative change of its slope that does
_UNIT = 25.0  # cells, in which places are counted
_RIDGE = 1e-4  # square units, against surroundings too narrow for a plane
_MOST = 0.15  # largest relative change of a pixel's inverse depth
_TEXTURE = 0.01  # relative relief within cells, of which half goes in a room; less loses more
_LEAST = 8  # cells; a smaller side is left as it is


def flatten_surfaces(
    depth: Floats, room: tuple[NDArray[np.uint8], Intrinsics] | None = None
) -> Floats:
    """Draws depth to the planes that are locally in it.

    Args:
        depth: (h, w) float32 metres above 0, at the network's size.
        room: the photo at that size, (h, w, 3) uint8, and its camera, where the walls of a room
            are to be made straight and square (`core.images.manhattan`), and faint relief goes.

    Returns:
        The same shape and unit; no inverse depth changes by more than 15 %, and by 22 % more
        where walls are straightened.
    """
    height, width = depth.shape
    h, w = height // _CELL, width // _CELL
    if min(h, w) < _LEAST:
        return depth
    inverse = resample(np.float32(1) / depth, h, w, touched)
    across, down = _ways(inverse), _ways(np.ascontiguousarray(inverse.T))
    # Places are counted from the picture's middle: float32 then holds their squares well.
    v, u = np.indices((h, w), np.float32)
    u, v = (u - np.float32(w / 2)) / np.float32(_UNIT), (v - np.float32(h / 2)) / np.float32(_UNIT)
    moments = np.stack((u, v, u * u, u * v, v * v, inverse, u * inverse, v * inverse))
    keep = np.float32(math.exp(-math.sqrt(2) / _REACH))
    moments = _filtered(_filtered(moments, keep**across, 2), keep**down, 1)
    value, slopes = _plane(moments, u, v)
    ratio = (value / inverse).clip(1 - _MOST, 1 + _MOST)
    if room is None:
        return np.asarray(depth / resample(ratio, height, width, triangle))
    rgb, camera = room
    camera = camera.resized(width, height, w, h)
    flat = ratio * inverse
    flat *= straightening(flat, slopes, rgb, camera)
    # What cells do not tell: borders, and the photo's texture, which is fainter. Beside the
    # picture's own border there is no next cell that would tell the slope.
    relief = depth * resample(inverse, height, width, triangle) - 1
    inner = relief[_CELL // 2 : -_CELL // 2, _CELL // 2 : -_CELL // 2]
    inner *= inner**2 / (inner**2 + np.float32(_TEXTURE**2))
    return np.asarray((1 + relief) / resample(flat, height, width, triangle))


def _ways(inverse: Floats) -> Floats:
    """(n, m) inverse depth to (m - 1, n): how far it is from each cell to the next in its row."""
    along = np.ascontiguousarray(inverse.T)
    slope = np.diff(along, axis=0)
    least = np.minimum(along[1:], along[:-1])
    ends = np.concatenate((slope[:1], slope, slope[-1:]))
    turns = np.abs(np.diff(ends, axis=0))
    bend = np.maximum(turns[1:], turns[:-1])
    apart = np.abs(slope) / _STEP + bend / _BEND
    return (1 + _REACH * apart / least).astype(np.float32)


def _filtered(moments: Floats, keep: Floats, axis: int) -> Floats:
    """Every moment averaged along an axis, there and back; `keep` is each step's share."""
    along = np.ascontiguousarray(np.moveaxis(moments, axis, 0))
    for place in range(1, len(along)):
        along[place] += keep[place - 1] * (along[place - 1] - along[place])
    for place in range(len(along) - 2, -1, -1):
        along[place] += keep[place] * (along[place + 1] - along[place])
    return np.moveaxis(along, 0, axis)


def _plane(moments: Floats, u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """The value at (u, v) of the plane with these moments, and (2, h, w) slopes in cells."""
    mean_u, mean_v, uu, uv, vv, mean, of_u, of_v = moments
    uu, uv, vv = uu - mean_u**2 + _RIDGE, uv - mean_u * mean_v, vv - mean_v**2 + _RIDGE
    of_u, of_v = of_u - mean_u * mean, of_v - mean_v * mean
    slope_u, slope_v = vv * of_u - uv * of_v, uu * of_v - uv * of_u
    spread = uu * vv - uv**2
    value: Floats = mean + (slope_u * (u - mean_u) + slope_v * (v - mean_v)) / spread
    return value, np.stack((slope_u, slope_v)) / (spread * np.float32(_UNIT))
