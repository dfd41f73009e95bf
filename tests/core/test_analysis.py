"""Errors by bin and the sparsification curve, on arrays small enough to follow by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluate.analysis import (
    FRACTIONS,
    BinnedErrors,
    border_bins,
    border_labels,
    range_bins,
    range_labels,
    sparsification_curve,
    summarise_sparsification,
)


def test_errors_by_range() -> None:
    gt = np.array([[0.5, 1.5, 1.5, 7.0, 0.0]])
    pred = np.array([[0.5, 3.0, 1.5, 7.0, 4.0]])
    edges = (0.0, 1.0, 2.0, 6.0)
    bins = range_bins(gt, edges)
    assert bins.tolist() == [[0, 1, 1, -1, 0]]
    errors = BinnedErrors(range_labels(edges))
    errors.add(pred, gt, gt > 0, bins)
    errors.add(pred, gt, gt > 0, bins)
    near, middle, far = errors.result()
    assert [b.label for b in (near, middle, far)] == ["0-1 m", "1-2 m", "2-6 m"]
    assert (near.pixels, near.abs_rel, near.delta1) == (2, 0.0, 1.0)
    # |3 - 1.5| / 1.5 = 1 and 0: mean 0.5; squares 2.25 and 0: sqrt(1.125); ratios 2 and 1.
    assert (middle.pixels, middle.abs_rel, middle.delta1) == (4, 0.5, 0.5)
    assert middle.rmse == pytest.approx(1.125**0.5)
    assert (far.pixels, far.abs_rel, far.rmse, far.delta1) == (0, None, None, None)


def test_distance_to_borders() -> None:
    # One step of depth between columns 9 and 10: both are border, distance grows to either side.
    gt = np.full((5, 40), 2.0)
    gt[:, 10:] = 4.0
    bins = border_bins(gt)
    assert bins is not None
    # Right of the step: columns 10-12 are 0-2 px away, 13-15 3-5 px, 16-20 6-10 px, 21-30 11-20 px.
    expected = [0] * 3 + [1] * 3 + [2] * 5 + [3] * 10 + [4] * 9
    assert bins[2, 10:].tolist() == expected
    assert bins[2, :10].tolist() == [2] * 4 + [1] * 3 + [0] * 3
    assert border_labels() == ("0-2 px", "3-5 px", "6-10 px", "11-20 px", "21+ px")


def test_sparse_truth_shows_no_borders() -> None:
    gt = np.zeros((10, 10))
    gt[::3, ::3] = 5.0
    assert border_bins(gt) is None


def test_perfect_confidence_is_the_oracle() -> None:
    rng = np.random.default_rng(0)
    gt = rng.uniform(1, 5, (40, 50))
    pred = gt * rng.uniform(0.6, 1.4, gt.shape)
    error = np.abs(pred - gt) / gt
    perfect = sparsification_curve(pred, gt, gt > 0, 1 - error)
    np.testing.assert_allclose(perfect.error, perfect.oracle)
    best = summarise_sparsification([perfect])
    assert best is not None
    assert best.monotonic
    assert best.ause == pytest.approx(0.0, abs=1e-9)
    assert best.aurg > 0.3

    chance = summarise_sparsification(
        [sparsification_curve(pred, gt, gt > 0, rng.random(gt.shape))]
    )
    assert chance is not None
    assert chance.aurg == pytest.approx(0.0, abs=0.05)
    worst = summarise_sparsification([sparsification_curve(pred, gt, gt > 0, error)])
    assert worst is not None
    assert worst.ause > chance.ause > best.ause
    assert worst.aurg < 0
    assert not worst.monotonic


def test_curve_by_hand() -> None:
    # Four pixels with relative errors 0.1, 0.2, 0.3, 0.4, the confidence in the wrong order.
    gt = np.ones((1, 4))
    pred = np.array([[1.1, 1.2, 1.3, 1.4]])
    curve = sparsification_curve(pred, gt, gt > 0, np.array([[1.0, 2.0, 3.0, 4.0]]))
    at = {fraction: index for index, fraction in enumerate(FRACTIONS)}
    assert curve.error[0] == pytest.approx(0.25)
    assert curve.error[at[0.5]] == pytest.approx(0.35)  # 0.4 and 0.3 are kept
    assert curve.oracle[at[0.5]] == pytest.approx(0.15)  # 0.1 and 0.2 are kept
    assert curve.error[at[0.75]] == pytest.approx(0.4)
    assert curve.oracle[at[0.95]] == pytest.approx(0.1)  # at least one pixel is kept
