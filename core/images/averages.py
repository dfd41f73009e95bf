"""Means and extremes over parts of a picture, along its last two axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def cell_means(values: NDArray[Any], cell: int) -> Floats:
    """(..., h, w) to (..., ceil(h / cell), ceil(w / cell)): means over square cells."""
    whole = values.dtype.kind == "u"  # any order of adding gives the same sums
    counts = []
    for axis in (-2, -1):
        starts = np.arange(0, values.shape[axis], cell)
        counts.append(np.minimum(cell, values.shape[axis] - starts))
        if whole:
            values = _cell_sums(values, cell, axis, np.uint32)
        else:
            values = np.add.reduceat(values, starts, axis, np.float32)
    means: Floats = (values / np.outer(*counts)).astype(np.float32)
    return means


def window_means(values: Floats, window: int) -> Floats:
    """The same shape: means over window x window values, fewer at the edges."""
    for axis in (-2, -1):
        along = values.swapaxes(axis, 0)
        sums, counts = along.astype(np.float64), np.ones(len(along))
        for apart in range(1, min(window // 2 + 1, len(along))):
            for total, part in ((sums, along), (counts, np.ones(len(along)))):
                total[apart:] += part[:-apart]
                total[:-apart] += part[apart:]
        sums /= counts.reshape(-1, *[1] * (along.ndim - 1))
        values = sums.astype(np.float32).swapaxes(0, axis)
    return values


def among_neighbours(values: Floats, choose: np.ufunc) -> Floats:
    """The least or greatest of each value and its eight neighbours."""
    for axis in (-2, -1):
        result = values.copy()
        along, before = result.swapaxes(axis, 0), values.swapaxes(axis, 0)
        choose(along[1:], before[:-1], out=along[1:])
        choose(along[:-1], before[1:], out=along[:-1])
        values = result
    return values


def _cell_sums(values: NDArray[Any], cell: int, axis: int, kind: type[Any]) -> NDArray[Any]:
    """Sums over `cell` values after each other; the last may be over fewer."""
    along = values.swapaxes(axis, 0)
    sums = along[::cell].astype(kind)
    for first in range(1, min(cell, len(along))):
        part = along[first::cell]
        sums[: len(part)] += part
    return sums.swapaxes(0, axis)
