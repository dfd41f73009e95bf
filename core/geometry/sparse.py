"""A prediction bent to pass near sparse measured depth.

The logarithm of the factor between measured and predicted depth is taken for a Gaussian process
over column, row and log depth, and the prediction is multiplied by what that process expects
everywhere (C. Rasmussen, C. Williams, "Gaussian Processes for Machine Learning", 2006, equation
2.23; iteratively reweighted, so that a stray point bends nothing). Log depth among its coordinates
keeps a correction on its own side of a border. Settings and figures: docs/experiments.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import CameraError
from core.geometry.masks import measured

# Standard deviation and reach of the correction: in depth as a logarithm, in the picture as a share
# of its longer side, about the distance between the points.
_AMPLITUDE, _NOISE = 0.2, 0.05
_DEPTH_REACH, _NEAR_REACH, _FAR_REACH = 0.3, 0.04, 0.12
_MOST = 600  # points to solve for: more are merged where they lie close together
_SAMPLE, _SEED = 50_000, 2021  # points that are merged at all
_STEPS = 2  # grid cells per reach
_ROUNDS = 3
_STRIP = 256  # rows at a time
_STRAY = 4.0  # standard deviations of the noise, beyond which a point disagrees

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bent:
    """What sparse depth made of a prediction.

    Attributes:
        depth: (H, W) float32 metres.
        factor: the one factor (the median) that is part of it.
        residual: median distance of the points from it, metres.
        points: how many had depth to compare with.
        stray: how many disagree with what is around them.
    """

    depth: NDArray[np.float32]
    factor: float
    residual: float
    points: int
    stray: int


def bent(depth: NDArray[np.float32], u: Floats, v: Floats, metres: Floats) -> Bent:
    """Bends depth to pass near measured points.

    Args:
        depth: (H, W) metres; NaN stays NaN.
        u, v: (n,) pixels, inside the picture.
        metres: (n,) measured along the optical axis.

    Raises:
        CameraError: no point lies where there is depth.
    """
    height, width = depth.shape
    columns = np.clip(np.floor(u + 0.5).astype(np.intp), 0, width - 1)
    rows = np.clip(np.floor(v + 0.5).astype(np.intp), 0, height - 1)
    seen = depth[rows, columns]
    there = measured(seen)
    if not there.any():
        raise CameraError(
            f"None of the {u.size} points of sparse depth lies where the photo has depth, expected "
            "at least one: give points on the visible part of the photo."
        )
    seen, truth = seen[there].astype(np.float64), metres[there]
    ratio = np.log(truth / seen)
    middle = float(np.median(ratio))
    longer = max(width, height)
    apart = math.sqrt(width * height / seen.size) / longer
    reach = longer * min(max(apart, _NEAR_REACH), _FAR_REACH)
    places = np.stack((u[there] / reach, v[there] / reach, np.log(seen) / _DEPTH_REACH), axis=1)
    few = np.random.default_rng(_SEED).permutation(seen.size)[:_SAMPLE]
    knots, values, counts = _merged(places[few], (ratio - middle)[few])
    valid = depth[measured(depth)]
    depths = math.log(float(valid.min())), math.log(float(valid.max()))
    grid = _grid(knots, _solved(knots, values, counts), width / reach, height / reach, depths)
    result = np.empty_like(depth)
    for start in range(0, height, _STRIP):
        strip = depth[start : start + _STRIP]
        result[start : start + _STRIP] = strip * np.exp(
            middle + grid.at(strip, start, reach)
        ).astype(np.float32)
    left = result[rows[there], columns[there]] - truth
    off = np.abs(np.log1p(left / truth))
    return Bent(
        result,
        math.exp(middle),
        float(np.median(np.abs(left))),
        int(seen.size),
        int((off > _STRAY * _NOISE).sum()),
    )


def _merged(places: Floats, values: Floats) -> tuple[Floats, Floats, Floats]:
    """At most `_MOST` points: means of those that share a cell, and how many these are."""
    cell = 0.25
    while True:
        keys = np.floor(places / cell).astype(np.int64)
        _, group, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        if len(counts) <= _MOST:
            break
        cell *= 1.25
    group = group.reshape(-1)
    means = [np.bincount(group, column) / counts for column in places.T]
    # The median of a cell, by the middle of its sorted values: a stray point does not move it.
    order = np.lexsort((values, group))
    ends = np.cumsum(counts)
    first = ends - counts
    low, high = order[first + (counts - 1) // 2], order[first + counts // 2]
    return np.stack(means, axis=1), (values[low] + values[high]) / 2, counts.astype(np.float64)


def _kernel(a: Floats, b: Floats) -> Floats:
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    result: Floats = _AMPLITUDE**2 * np.exp(-0.5 * np.maximum(squares, 0))
    return result


def _solved(knots: Floats, values: Floats, counts: Floats) -> Floats:
    """The weights of the kernels around the knots."""
    from scipy import linalg  # here and not above: its import takes longer than a prediction

    kernel = _kernel(knots, knots)
    variance = _NOISE**2 * (0.5 + 0.5 / counts)  # half of the noise is shared by neighbours
    trust = np.ones_like(values)
    weights = values
    for _ in range(_ROUNDS):
        system = kernel + np.diag(variance / trust)
        weights = linalg.solve(system, values, assume_a="pos", check_finite=False)
        residual = np.abs(variance / trust * weights)
        trust = 1 / (1 + (residual / (2 * np.sqrt(variance))) ** 2)  # Cauchy's
    return weights


def _grid(
    knots: Floats, weights: Floats, across: float, down: float, depths: tuple[float, float]
) -> _Grid:
    """The correction where trilinear interpolation may take it from."""
    low, high = depths[0] / _DEPTH_REACH, depths[1] / _DEPTH_REACH
    axes = [
        np.linspace(start, end, 2 + math.ceil((end - start) * _STEPS))
        for start, end in ((0.0, across), (0.0, down), (low, max(high, low + 1e-6)))
    ]
    by_axis = [np.exp(-0.5 * (axis[:, None] - knots[:, i]) ** 2) for i, axis in enumerate(axes)]
    plane = (by_axis[1][:, None] * by_axis[0][None]).reshape(-1, len(weights))
    values = _AMPLITUDE**2 * plane @ (by_axis[2] * weights).T
    shape = len(axes[1]), len(axes[0]), len(axes[2])
    return _Grid(values.reshape(shape).astype(np.float32), [a[1] - a[0] for a in axes], low)


@dataclass(frozen=True, eq=False)
class _Grid:
    values: NDArray[np.float32]  # (rows, columns, depths)
    steps: list[float]  # of columns, rows, depths
    low: float

    def at(self, depth: NDArray[np.float32], top: int, reach: float) -> NDArray[np.float32]:
        """The correction at every pixel of a strip that begins at row `top`."""
        from scipy import ndimage

        height, width = depth.shape
        with np.errstate(invalid="ignore", divide="ignore"):
            third = (np.log(depth) / _DEPTH_REACH - self.low) / self.steps[2]
        third = np.nan_to_num(third, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
        place = np.empty((3, height, width), np.float32)
        place[0] = ((top + np.arange(height)) / reach / self.steps[1])[:, None]
        place[1] = np.arange(width) / reach / self.steps[0]
        place[2] = third
        found: NDArray[np.float32] = ndimage.map_coordinates(
            self.values, place, order=1, mode="nearest"
        )
        return found
