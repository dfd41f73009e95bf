"""The scale-invariant log error in its three forms, and which pixels it punishes.

d = log(prediction) - log(truth) in all of them. Eigen, Puhrsch, Fergus, "Depth Map Prediction from
a Single Image using a Multi-Scale Deep Network", NIPS 2014, equations (1) to (4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.losses import MIN_DEPTH, SILOG_GAIN

FloatArray = NDArray[np.floating]
PAIRS_OF = 1500  # pixels whose pairs are all formed: 2.25 million


@dataclass(frozen=True)
class LossForms:
    """The forms on the same pixels.

    Attributes:
        expanded: mean(d^2) - weight * mean(d)^2.
        silog: 10 * sqrt(expanded), what the network is trained with (weight 0.85).
        pairwise: 1 / (2 n^2) * sum over all pairs of (d_i - d_j)^2; equals `expanded` at weight 1.
        alpha: 1 / (2 n) * sum (d + a)^2 with a = -mean(d); half of `pairwise`.
        shift: mean(d); exp(shift) is the overall factor between prediction and truth.
    """

    expanded: float
    silog: float
    pairwise: float
    alpha: float
    shift: float


def log_differences(predicted: FloatArray, truth: FloatArray) -> NDArray[np.float64]:
    """The log error d where truth is measured (above 0), NaN elsewhere; all (H, W), metres."""
    p = np.log(np.maximum(predicted.astype(np.float64), MIN_DEPTH))
    with np.errstate(divide="ignore", invalid="ignore"):
        g = np.log(np.maximum(truth.astype(np.float64), MIN_DEPTH))
    return np.where(truth > 0, p - g, np.nan)


def sample(d: FloatArray, count: int = PAIRS_OF) -> NDArray[np.float64]:
    """At most `count` measured values, spread evenly over the picture, (n,)."""
    measured = d[np.isfinite(d)].astype(np.float64)
    if len(measured) <= count:
        return measured
    places = np.linspace(0, len(measured) - 1, count).astype(np.intp)
    return measured[places]


def forms(d: NDArray[np.float64], weight: float) -> LossForms:
    """All forms of the loss on the same values, each computed as it is written.

    Args:
        d: (n,) log differences, n at least 1; n^2 pairs are formed.
        weight: lambda, from 0 to 1.
    """
    expanded = float(np.mean(d**2) - weight * np.mean(d) ** 2)
    a = -np.mean(d)
    return LossForms(
        expanded=expanded,
        silog=SILOG_GAIN * float(np.sqrt(max(expanded, 0.0))),
        pairwise=float(((d[:, None] - d[None, :]) ** 2).sum() / (2 * len(d) ** 2)),
        alpha=float(((d + a) ** 2).sum() / (2 * len(d))),
        shift=float(np.mean(d)),
    )


def punishment(d: FloatArray, weight: float) -> NDArray[np.float64]:
    """How strongly each pixel is pulled: n times the slope of the expanded form.

    n * d(expanded) / d(d_i) = 2 * (d_i - weight * mean(d)). Positive: the pixel is predicted too
    far, compared with what the loss forgives. NaN where nothing was measured.
    """
    pull: NDArray[np.float64] = 2.0 * (d.astype(np.float64) - weight * np.nanmean(d))
    return pull


def distorted(
    depth: FloatArray, *, scale: float, noise: float, shift: float = 0.0, seed: int = 0
) -> NDArray[np.float64]:
    """A prediction made worse on purpose: depth * scale * exp(noise * N(0, 1)) + shift.

    Args:
        depth: (H, W) metres.
        scale: factor on all depths.
        noise: standard deviation of the natural logarithm, pixel by pixel.
        shift: metres added at the end; depth stays above 0.
        seed: of the noise.
    """
    normal = np.random.default_rng(seed).standard_normal(depth.shape)
    worse = depth.astype(np.float64) * scale * np.exp(noise * normal) + shift
    return np.maximum(worse, MIN_DEPTH)
