"""Means and extremes over parts of a picture, along its last two axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


def cell_means(values: NDArray[Any], cell: int) -> Floats:
    """(..., h, w) to (..., ceil(h / cell), ceil(w / cell)): means over square cells."""
    kind = np.uint32 if values.dtype.kind == "u" else np.float32
    counts = []
    for axis in (-2, -1):
        starts = np.arange(0, values.shape[axis], cell)
        counts.append(np.minimum(cell, values.shape[axis] - starts))
        values = np.add.reduceat(values, starts, axis, kind)
    means: Floats = (values / np.outer(*counts)).astype(np.float32)
    return means


def window_means(values: Floats, window: int) -> Floats:
    """The same shape: means over window x window values, fewer at the edges."""
    for axis in (-2, -1):
        at, reach = np.arange(values.shape[axis]), window // 2
        last = np.minimum(at + reach + 1, len(at))
        values = _means(values, np.maximum(at - reach, 0), last, axis)
    return values


def area_means(values: Floats, height: int, width: int) -> Floats:
    """(..., h, w) to (..., height, width): means over all that each new pixel touches."""
    for axis, target in ((-2, height), (-1, width)):
        source, at = values.shape[axis], np.arange(target)
        last = -(-(at + 1) * source // target)
        values = _means(values, at * source // target, last, axis)
    return values


def among_neighbours(values: Floats, choose: np.ufunc) -> Floats:
    """The least or greatest of each value and its eight neighbours."""
    for axis in (-2, -1):
        result = values.copy()
        along, before = np.moveaxis(result, axis, 0), np.moveaxis(values, axis, 0)
        choose(along[1:], before[:-1], out=along[1:])
        choose(along[:-1], before[1:], out=along[:-1])
        values = result
    return values


def _means(values: Floats, first: Places, last: Places, axis: int) -> Floats:
    """Means from `first` up to, not including, `last` along one axis."""
    along = np.moveaxis(values, axis, -1)
    sums = np.zeros((*along.shape[:-1], along.shape[-1] + 1))
    np.cumsum(along, -1, np.float64, out=sums[..., 1:])
    means = (sums[..., last] - sums[..., first]) / (last - first)
    return np.moveaxis(means.astype(np.float32), -1, axis)
