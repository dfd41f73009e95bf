"""The nine figures against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.errors import DataError
from core.evaluate.metrics import (
    ALIGNMENTS,
    METRICS,
    DepthMetrics,
    align_median,
    bootstrap_intervals,
    compute_metrics,
    mean_metrics,
)

# Truth 1, 2, 4 m against predictions 1, 1, 5 m; the fourth pixel has no truth.
GT = np.array([[1, 2], [4, 0]], np.float32)
PRED = np.array([[1, 1], [5, 9]], np.float32)


def figures(**given: float) -> DepthMetrics:
    return DepthMetrics(**{key: given.get(key, 0.0) for key in METRICS})


def test_hand_computed_image() -> None:
    m = compute_metrics(PRED, GT, GT > 0)
    # |0|/1, |-1|/2, |1|/4: (0 + 0.5 + 0.25) / 3
    assert m.abs_rel == pytest.approx(0.25)
    # 0/1, 1/2, 1/4: the same sum
    assert m.sq_rel == pytest.approx(0.25)
    # sqrt((0 + 1 + 1) / 3)
    assert m.rmse == pytest.approx(0.816497, abs=1e-6)
    # logs 0, ln(1/2) = -0.693147, ln(5/4) = 0.223144; squares 0.480453 + 0.049793 = 0.530246;
    # sqrt(0.530246 / 3) = sqrt(0.176749)
    assert m.rmse_log == pytest.approx(0.420415, abs=1e-6)
    # (0.301030 + 0.096910) / 3
    assert m.log10 == pytest.approx(0.132647, abs=1e-6)
    # mean log -0.470004 / 3 = -0.156668, squared 0.024545; 100 * sqrt(0.176749 - 0.024545)
    assert m.silog == pytest.approx(39.0133, abs=1e-4)
    # Ratios 1, 2, 1.25; the limits are not included: 1.25 < 1.25 is false,
    # 1.25 < 1.5625 is true, 2 < 1.953125 is false.
    assert (m.delta1, m.delta2, m.delta3) == pytest.approx((1 / 3, 2 / 3, 2 / 3))


def test_a_wrong_scale_leaves_silog_alone() -> None:
    m = compute_metrics(2 * GT, GT, GT > 0)
    assert m.silog == pytest.approx(0.0, abs=1e-6)
    assert m.rmse_log == pytest.approx(math.log(2))
    assert m.abs_rel == pytest.approx(1.0)


def test_pixels_that_do_not_count_do_not_matter() -> None:
    spoilt = PRED.copy()
    spoilt[1, 1] = np.nan
    assert compute_metrics(spoilt, GT, GT > 0) == compute_metrics(PRED, GT, GT > 0)


@pytest.mark.parametrize(
    ("pred", "valid", "said"),
    [
        (PRED[:1], GT > 0, "one shape"),
        (PRED, np.zeros((2, 2), bool), "no pixel"),
        (np.full((2, 2), np.nan), GT > 0, "finite numbers above 0"),
        (np.zeros((2, 2)), GT > 0, "finite numbers above 0"),
    ],
)
def test_unusable_input(pred: np.ndarray, valid: np.ndarray, said: str) -> None:
    with pytest.raises(DataError, match=f"(?i){said}"):
        compute_metrics(pred, GT, valid)


def test_images_count_the_same_whatever_their_pixels() -> None:
    many = figures(abs_rel=0.1, delta1=1.0)
    few = figures(abs_rel=0.3, delta1=0.5)
    mean = mean_metrics([many, few])
    assert (mean.abs_rel, mean.delta1) == pytest.approx((0.2, 0.75))
    with pytest.raises(DataError):
        mean_metrics([])


def test_median_alignment_removes_scale() -> None:
    # Predictions 1, 1, 5 have median 1, the truth 1, 2, 4 has median 2: everything times 2.
    aligned = align_median(PRED, GT, GT > 0)
    np.testing.assert_allclose(aligned, [[2, 2], [10, 18]])


def test_bootstrap_is_seeded_and_of_the_known_width() -> None:
    values = np.random.default_rng(3).normal(1.0, 0.2, 400)
    images = [figures(rmse=float(value)) for value in values]
    low, high = bootstrap_intervals(images)["rmse"]
    assert bootstrap_intervals(images)["rmse"] == (low, high)
    assert bootstrap_intervals(images, seed=1)["rmse"] != (low, high)
    # The mean of 400 draws with deviation 0.2 has standard error 0.01: 95 % lie within +-0.0196.
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 0.0196, rel=0.15)


def test_alignment_by_scale_and_shift_is_exact_for_an_affine_prediction() -> None:
    gt = np.linspace(1, 5, 20).reshape(4, 5)
    pred = (gt - 0.5) / 2
    every = np.ones(gt.shape, bool)
    assert np.allclose(ALIGNMENTS["scale_shift"](pred, gt, every), gt)
    assert np.allclose(ALIGNMENTS["scale_shift"](np.full(gt.shape, 2.0), gt, every), gt.mean())
    assert np.median(ALIGNMENTS["median"](pred, gt, every)) == pytest.approx(np.median(gt))
