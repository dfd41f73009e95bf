"""Where a model errs: by depth, near object borders, and where it said it was unsure.

Pixels of all images are pooled here (unlike in the nine metrics, where images count the same),
so that images with a handful of pixels in a bin do not decide its figure.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import DataError
from core.evaluate.geometry import DENSE_SHARE
from core.evaluate.metrics import BoolArray, FloatArray, valid_depths

BORDER_JUMP = 0.10
"""Relative step between neighbouring depths that counts as an object's border."""

BORDER_EDGES = (0, 3, 6, 11, 21)
"""Pixels (chessboard distance) where a bin of distance to the border begins; the last is open."""

FRACTIONS = tuple(round(0.05 * step, 2) for step in range(20))
"""Shares of pixels dropped in the sparsification curve."""


@dataclass(frozen=True)
class BinError:
    """The error of the pixels in one bin, pooled over images.

    Attributes:
        label: what the bin holds, with its unit.
        pixels: how many pixels fell into it; with 0 the figures are None.
        abs_rel, rmse, delta1: as in `core.evaluate.metrics`, over these pixels (rmse in metres).
    """

    label: str
    pixels: int
    abs_rel: float | None
    rmse: float | None
    delta1: float | None


@dataclass
class BinnedErrors:
    """Sums of errors by bin, filled image by image."""

    labels: tuple[str, ...]
    _sums: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._sums = np.zeros((4, len(self.labels)))

    def add(
        self, pred: FloatArray, gt: FloatArray, valid: BoolArray, bins: NDArray[np.integer]
    ) -> None:
        """Adds an image's pixels; `bins` is (H, W), the bin of each pixel, negative = none."""
        chosen = valid & (bins >= 0)
        if not chosen.any():
            return
        p, g = valid_depths(pred, gt, chosen)
        terms = (
            np.ones_like(g),
            np.abs(p - g) / g,
            (p - g) ** 2,
            (np.maximum(p / g, g / p) < 1.25).astype(np.float64),
        )
        for row, term in enumerate(terms):
            self._sums[row] += np.bincount(bins[chosen], term, minlength=len(self.labels))

    def result(self) -> list[BinError]:
        """One record per bin, in the order of `labels`."""
        records = []
        for label, (count, rel, square, inlier) in zip(self.labels, self._sums.T, strict=True):
            empty = count == 0
            records.append(
                BinError(
                    label=label,
                    pixels=int(count),
                    abs_rel=None if empty else float(rel / count),
                    rmse=None if empty else float(np.sqrt(square / count)),
                    delta1=None if empty else float(inlier / count),
                )
            )
        return records


def range_labels(edges: Sequence[float]) -> tuple[str, ...]:
    """Names of the bins between neighbouring edges, e.g. "1-2 m"."""
    return tuple(f"{a:g}-{b:g} m" for a, b in itertools.pairwise(edges))


def range_bins(gt: FloatArray, edges: Sequence[float]) -> NDArray[np.integer]:
    """(H, W) bin of each measured depth; -1 outside the edges."""
    bins = np.digitize(gt, edges) - 1
    return np.where((bins >= 0) & (bins < len(edges) - 1), bins, -1)


def border_labels() -> tuple[str, ...]:
    """Names of the bins of distance to the border, e.g. "3-5 px", the last "21+ px"."""
    closed = [f"{a}-{b - 1} px" for a, b in itertools.pairwise(BORDER_EDGES)]
    return (*closed, f"{BORDER_EDGES[-1]}+ px")


def border_bins(gt: FloatArray) -> NDArray[np.integer] | None:
    """(H, W) bin of each pixel's chessboard distance to the nearest object border.

    A border lies on both sides of a step of more than `BORDER_JUMP` between neighbouring measured
    depths. An image without any border puts all its pixels into the last bin.

    Returns:
        The bins, or None where the ground truth is too sparse to show borders.
    """
    measured = gt > 0
    if measured.mean() < DENSE_SHARE:
        return None
    border = _steps(gt, measured)
    if not border.any():
        return np.full(gt.shape, len(BORDER_EDGES) - 1)
    distance = ndimage.distance_transform_cdt(~border, "chessboard")
    return np.asarray(np.digitize(distance, BORDER_EDGES) - 1)


def _steps(gt: FloatArray, measured: BoolArray) -> BoolArray:
    """(H, W) bool: pixels beside a step in depth."""
    border = np.zeros(gt.shape, bool)
    for near, far in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
    ):
        a, b = gt[near], gt[far]
        step = (np.abs(a - b) > BORDER_JUMP * np.minimum(a, b)) & measured[near] & measured[far]
        border[near] |= step
        border[far] |= step
    return border


@dataclass(frozen=True)
class Sparsification:
    """How the error falls as the least certain pixels are dropped, mean over images.

    Attributes:
        fractions: share of pixels dropped.
        error: mean |pred - gt| / gt of what remains, dropping by confidence.
        oracle: the same, dropping by the true error: the best any confidence could do.
        ause: area between `error` and `oracle`, both divided by the error of all pixels; 0 is
            perfect (E. Ilg et al., "Uncertainty Estimates and Multi-Hypotheses Networks for
            Optical Flow", ECCV 2018).
        aurg: area between dropping at random (a constant 1) and `error`; above 0 is of use
            (M. Poggi et al., CVPR 2020).
    """

    fractions: tuple[float, ...]
    error: tuple[float, ...]
    oracle: tuple[float, ...]
    ause: float
    aurg: float

    @property
    def monotonic(self) -> bool:
        """True if the error never rises as more pixels are dropped."""
        return all(b <= a for a, b in itertools.pairwise(self.error))


@dataclass(frozen=True)
class SparsificationCurve:
    """One image's two curves over `FRACTIONS`, in AbsRel."""

    error: NDArray[np.float64]
    oracle: NDArray[np.float64]


def sparsification_curve(
    pred: FloatArray, gt: FloatArray, valid: BoolArray, confidence: FloatArray
) -> SparsificationCurve:
    """One image's error as its least certain pixels are dropped.

    Args:
        pred, gt, valid: as in `core.evaluate.metrics.compute_metrics`.
        confidence: (H, W), higher = more certain; only its order matters.

    Raises:
        DataError: as in `compute_metrics`, or the confidence has another shape or is not finite.
    """
    if confidence.shape != gt.shape or not np.isfinite(confidence[valid]).all():
        raise DataError(
            f"Got a confidence of shape {confidence.shape}, expected finite numbers of shape "
            f"{gt.shape}; give one number per pixel."
        )
    p, g = valid_depths(pred, gt, valid)
    error = np.abs(p - g) / g
    by_confidence = error[np.argsort(-confidence[valid], kind="stable")]
    return SparsificationCurve(_remaining(by_confidence), _remaining(np.sort(error)))


def _remaining(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the first part of `ordered` that is kept at each of `FRACTIONS`; at least one."""
    kept = np.maximum(np.ceil((1 - np.array(FRACTIONS)) * len(ordered)).astype(int), 1)
    means: NDArray[np.float64] = np.cumsum(ordered)[kept - 1] / kept
    return means


def summarise_sparsification(curves: Sequence[SparsificationCurve]) -> Sparsification | None:
    """The mean of the images' curves; None without images."""
    if not curves:
        return None
    error = np.mean([curve.error for curve in curves], axis=0)
    oracle = np.mean([curve.oracle for curve in curves], axis=0)
    whole = error[0] if error[0] > 0 else 1.0
    return Sparsification(
        fractions=FRACTIONS,
        error=tuple(error.tolist()),
        oracle=tuple(oracle.tolist()),
        ause=_area(error - oracle) / float(whole),
        aurg=_area(error[0] - error) / float(whole),
    )


def _area(height: NDArray[np.float64]) -> float:
    """Area under a curve over `FRACTIONS`, by the trapezoidal rule."""
    return float(np.sum((height[1:] + height[:-1]) / 2 * np.diff(FRACTIONS)))
