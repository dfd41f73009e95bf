"""Which pixels of a depth map become points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import ExportError
from core.geometry import masks
from core.geometry.flying_pixels import TOLERANCE, flying_pixels

_MAX_CELLS = 2**20  # voxels along an axis: three such indices fit one 64-bit key


@dataclass(frozen=True)
class CloudOptions:
    """Which pixels become points. The defaults keep all but flying pixels and holes.

    Attributes:
        edge_tolerance: relative distance from both surfaces at which a pixel between them flies
            (`core.geometry.flying_pixels`); None or 0 keeps them.
        near: least depth in metres.
        far: greatest depth in metres, or None.
        min_confidence: least confidence, 0..1, or None.
        drop_sky: drop what looks like daylight sky (`core.geometry.masks.sky`).
        stride: every stride-th row and column is kept; 1 = all, need not be whole.
        max_points: the stride grows until no more points are left; None = no limit.
        voxel: edge length in metres of cells of which one point each is kept; None = none.
        normals: compute them.

    Raises:
        ExportError: a value out of range.
    """

    edge_tolerance: float | None = TOLERANCE
    near: float = 0.0
    far: float | None = None
    min_confidence: float | None = None
    drop_sky: bool = False
    stride: float = 1.0
    max_points: int | None = None
    voxel: float | None = None
    normals: bool = False

    def __post_init__(self) -> None:
        far = math.inf if self.far is None else self.far
        _require(
            0 <= (self.edge_tolerance or 0) <= 1, "edge tolerance", self.edge_tolerance, "0..1"
        )
        reach = f"{self.near:g} to {far:g} m"
        _require(0 <= self.near < far, "depth range", reach, "0 or more, the far end beyond")
        _require(0 <= (self.min_confidence or 0) <= 1, "confidence", self.min_confidence, "0..1")
        _require(1 <= self.stride < math.inf, "stride", self.stride, "1 or more pixels")
        limit = 1 if self.max_points is None else self.max_points
        _require(limit >= 1, "number of points", self.max_points, "1 or more")
        voxel = 1.0 if self.voxel is None else self.voxel
        _require(0 < voxel < math.inf, "voxel", self.voxel, "an edge length in metres")


def kept_pixels(
    depth: NDArray[np.floating],
    rgb: NDArray[np.uint8],
    confidence: NDArray[np.floating] | None,
    options: CloudOptions,
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Pixels that pass the masks, and how many each mask was the first to drop."""
    kept = masks.measured(depth)
    left = int(kept.sum())
    dropped = {"no depth": depth.size - left}

    def drop(reason: str, pixels: NDArray[np.bool_]) -> None:
        nonlocal left
        np.logical_and(kept, ~pixels, out=kept)
        now = int(kept.sum())
        dropped[reason], left = left - now, now

    with np.errstate(invalid="ignore"):
        if options.near > 0:
            drop("too near", depth < options.near)
        if options.far is not None:
            drop("too far", depth > options.far)
        if options.min_confidence is not None and confidence is not None:
            drop("not confident", ~(confidence >= options.min_confidence))
    if options.drop_sky:
        drop("sky", masks.sky(rgb))
    if options.edge_tolerance:
        drop("flying", flying_pixels(depth, tolerance=options.edge_tolerance))
    return kept, dropped


def stride_for(kept: NDArray[np.bool_], options: CloudOptions) -> float:
    """The stride asked for, grown until the limit is kept."""
    stride = options.stride
    if options.max_points is None:
        return stride
    while True:
        rows, columns = (grid_lines(side, stride) for side in kept.shape)
        count = int(np.count_nonzero(kept[np.ix_(rows, columns)]))
        if count <= options.max_points or stride > max(kept.shape):
            return stride
        stride *= max(1.01, math.sqrt(count / options.max_points))


def grid_lines(side: int, stride: float) -> NDArray[np.intp]:
    """Rows (or columns) of a picture that a stride keeps, the first included."""
    return np.asarray(np.floor(np.arange(0, side, stride)), np.intp)


def one_per_voxel(points: NDArray[np.float32], edge: float) -> NDArray[np.intp]:
    """Indices, ascending, of the first point in each cell: deterministic, and none is moved."""
    cells = np.floor(points.astype(np.float64) / edge)
    cells -= cells.min(axis=0)
    if cells.max() >= _MAX_CELLS:
        extent = float(np.ptp(points, axis=0).max())
        raise ExportError(
            f"The voxel is {edge:g} m for a scene of {extent:g} m, expected at least "
            f"{extent / _MAX_CELLS:.3g} m: give a larger one."
        )
    x, y, z = cells.astype(np.int64).T
    _, first = np.unique((x * _MAX_CELLS + y) * _MAX_CELLS + z, return_index=True)
    return np.asarray(np.sort(first))


def _require(holds: bool, name: str, got: object, expected: str) -> None:
    if not holds:
        raise ExportError(f"The {name} is {got}, expected {expected}: change it, or leave it out.")
