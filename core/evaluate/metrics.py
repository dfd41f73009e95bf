"""Depth metrics of the field, per image, and how images are put together.

Formulas: D. Eigen et al., "Depth Map Prediction from a Single Image using a Multi-Scale Deep
Network", NIPS 2014; SILog as on the KITTI depth benchmark (100 * the standard deviation of the log
error). All functions take plain arrays; which pixels count is the protocol's
business (`core.evaluate.protocol`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class DepthMetrics:
    """The nine figures of one image, or their mean over images.

    Attributes:
        abs_rel: mean of |pred - gt| / gt.
        sq_rel: mean of (pred - gt)^2 / gt, metres.
        rmse: root of the mean squared error, metres.
        rmse_log: root of the mean squared difference of natural logarithms.
        log10: mean absolute difference of decimal logarithms.
        silog: 100 * standard deviation of the difference of natural logarithms; a wrong overall
            scale does not change it.
        delta1, delta2, delta3: share of pixels with max(pred / gt, gt / pred) below 1.25, 1.25^2
            and 1.25^3.
    """

    abs_rel: float
    sq_rel: float
    rmse: float
    rmse_log: float
    log10: float
    silog: float
    delta1: float
    delta2: float
    delta3: float

    def as_dict(self) -> dict[str, float]:
        """The figures by key, in the order of `METRICS`."""
        return asdict(self)


METRICS = tuple(each.name for each in fields(DepthMetrics))
"""The nine keys, in the order of every table."""


def compute_metrics(pred: FloatArray, gt: FloatArray, valid: BoolArray) -> DepthMetrics:
    """The nine figures of one image.

    Args:
        pred: (H, W) predicted depth, metres, above 0 where `valid`.
        gt: (H, W) measured depth, metres, above 0 where `valid`.
        valid: (H, W) bool, the pixels that count.

    Raises:
        DataError: the shapes differ, no pixel counts, or a depth that counts is not a finite
            number above 0.
    """
    p, g = valid_depths(pred, gt, valid)
    difference = p - g
    log_difference = np.log(p) - np.log(g)
    ratio = np.maximum(p / g, g / p)
    return DepthMetrics(
        abs_rel=float(np.mean(np.abs(difference) / g)),
        sq_rel=float(np.mean(difference**2 / g)),
        rmse=float(np.sqrt(np.mean(difference**2))),
        rmse_log=float(np.sqrt(np.mean(log_difference**2))),
        log10=float(np.mean(np.abs(log_difference)) / np.log(10.0)),
        silog=float(100.0 * np.std(log_difference)),
        delta1=float(np.mean(ratio < 1.25)),
        delta2=float(np.mean(ratio < 1.25**2)),
        delta3=float(np.mean(ratio < 1.25**3)),
    )


def valid_depths(
    pred: FloatArray, gt: FloatArray, valid: BoolArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The (n,) predicted and measured depths that count, in double precision.

    Raises:
        DataError: see `compute_metrics`.
    """
    if not pred.shape == gt.shape == valid.shape:
        raise DataError(
            f"Got a prediction of shape {pred.shape}, a ground truth of {gt.shape} and a mask of "
            f"{valid.shape}, expected one shape; resize the prediction to the ground truth first."
        )
    if not valid.any():
        raise DataError(
            "No pixel of the image has a ground truth that counts; leave the image out."
        )
    p, g = pred[valid].astype(np.float64), gt[valid].astype(np.float64)
    for name, depth in (("prediction", p), ("ground truth", g)):
        if not (np.isfinite(depth).all() and depth.min() > 0):
            raise DataError(
                f"The {name} holds depths that are not finite numbers above 0, where metres are "
                "expected; clamp it to the protocol's range."
            )
    return p, g


def mean_metrics(images: Sequence[DepthMetrics]) -> DepthMetrics:
    """The mean of each figure over images, every image counting the same.

    Raises:
        DataError: no image.
    """
    if not images:
        raise DataError("Got no image to average over, expected at least one; check the dataset.")
    table = _table(images)
    return DepthMetrics(**dict(zip(METRICS, table.mean(axis=0).tolist(), strict=True)))


def bootstrap_intervals(
    images: Sequence[DepthMetrics], *, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % percentile bootstrap intervals of the means, low and high; images drawn again.

    Frames of one video resemble each other, so for such sets the interval is too narrow.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    table = _table(images)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(table), size=(1000, len(table)))
    means = np.stack([table[draw].mean(axis=0) for draw in draws])
    low, high = np.percentile(means, [2.5, 97.5], axis=0).tolist()
    return dict(zip(METRICS, zip(low, high, strict=True), strict=True))


def align_median(pred: FloatArray, gt: FloatArray, valid: BoolArray) -> NDArray[np.float64]:
    """The (H, W) prediction times the one factor that makes its median agree with `gt`'s.

    What remains after it is error of shape, not of scale (T. Zhou et al., CVPR 2017).
    """
    p, g = valid_depths(pred, gt, valid)
    return pred.astype(np.float64) * (np.median(g) / np.median(p))


def align_scale_shift(pred: FloatArray, gt: FloatArray, valid: BoolArray) -> NDArray[np.float64]:
    """The (H, W) prediction times a factor plus an offset in metres, least squares against `gt`.

    What remains is the error of an affine-invariant prediction (B. Ke et al., "Marigold", CVPR
    2024, align in depth so). A constant prediction takes the mean of `gt`.
    """
    p, g = valid_depths(pred, gt, valid)
    spread = float(np.mean((p - p.mean()) ** 2))
    factor = float(np.mean((p - p.mean()) * (g - g.mean()))) / spread if spread > 0 else 0.0
    offset = float(g.mean()) - factor * float(p.mean())
    fitted: NDArray[np.float64] = pred.astype(np.float64) * factor + offset
    return fitted


ALIGNMENTS = {"median": align_median, "scale_shift": align_scale_shift}
"""How a prediction may be fitted to the truth, frame by frame, before it is scored."""


def _table(images: Sequence[DepthMetrics]) -> NDArray[np.float64]:
    return np.array([[getattr(image, key) for key in METRICS] for image in images], np.float64)
