"""Losses against values worked out by hand."""

import math

import pytest
import torch

from core.train.losses import (
    absolute_loss,
    align_relative,
    gradient_loss,
    level_loss,
    log_difference,
    relative_loss,
    shrink_target,
    silog,
    sobel_loss,
)


def grid(*values: float) -> torch.Tensor:
    side = math.isqrt(len(values))
    return torch.tensor(values, dtype=torch.float64).view(1, 1, side, side)


def test_silog_by_hand() -> None:
    # d = (ln 2, 0, 0, 0): mean ln2 / 4, mean square ln2^2 / 4.
    predicted, target = grid(2, 3, 4, 5), grid(1, 3, 4, 5)
    valid = target > 0
    d = log_difference(predicted, target, valid)
    ln2 = math.log(2)
    expected = 10 * math.sqrt(ln2**2 / 4 - 0.85 * (ln2 / 4) ** 2)
    assert float(silog(d, valid)) == pytest.approx(expected, rel=1e-9)


def test_absolute_loss_by_hand() -> None:
    predicted, target = grid(2, 3, 1, 5), grid(1, 3, 4, 0)  # ln 2, 0, -ln 4, not measured
    valid = target > 0
    loss = absolute_loss(log_difference(predicted, target, valid), valid)
    assert float(loss) == pytest.approx(10 * 3 * math.log(2) / 3, rel=1e-9)
    assert float(absolute_loss(torch.zeros_like(target), target > 9)) == 0


def test_relative_loss_is_abs_rel_and_images_count_alike() -> None:
    predicted, target = grid(2, 3, 1, 5), grid(1, 3, 4, 0)  # shares 1, 0, 3/4, not measured
    predicted, target = predicted.repeat(2, 1, 1, 1), target.repeat(2, 1, 1, 1)
    target[1, ..., 1, 1] = 0  # the second image has a pixel less
    valid = target > 0
    shares = torch.where(valid, (predicted - target).abs() / target.clamp_min(1e-9), 0.0)
    means = shares.sum((1, 2, 3)) / valid.sum((1, 2, 3))
    loss = relative_loss(log_difference(predicted, target, valid), valid)
    assert float(loss) == pytest.approx(10 * float(means.mean()), rel=1e-6)
    assert float(relative_loss(torch.zeros_like(target), target > 9)) == 0


def test_relative_loss_is_least_nearer_than_the_median() -> None:
    target = torch.tensor([1.0, 1.0, 2.0, 2.0, 2.0]).view(1, 1, 1, 5)  # the median is 2

    def at(metres: float) -> float:
        guess = torch.full_like(target, metres)
        difference = log_difference(guess, target, target > 0)
        return float(relative_loss(difference, target > 0))

    assert at(1.0) < at(1.5) < at(2.0)


def test_perfect_and_empty_batches_have_finite_gradients() -> None:
    for target in (grid(1, 2, 3, 4), grid(0, 0, 0, 0)):
        predicted = grid(1, 2, 3, 4).requires_grad_()
        valid = target > 0
        d = log_difference(predicted, target, valid)
        (silog(d, valid) + gradient_loss(d, valid)).backward()
        assert predicted.grad is not None
        assert bool(torch.isfinite(predicted.grad).all())


def test_inverse_depth_up_to_scale_and_shift_takes_the_predictions_metres() -> None:
    true = torch.linspace(1.0, 5.0, 20).reshape(1, 1, 4, 5)
    shuffled = torch.stack((-1 / (0.3 / true + 0.05), true))[:, 0]  # the first is relative
    shuffled[0, 0, 0, 0] = 0.0
    aligned = align_relative(shuffled, torch.stack((2 * true, 7 * true))[:, 0], 12.0)
    wanted = torch.stack((2 * true, true))[:, 0]
    wanted[0, 0, 0, 0] = 0.0
    torch.testing.assert_close(aligned, wanted, rtol=1e-4, atol=1e-4)
    near = align_relative(shuffled, torch.stack((2 * true, 7 * true))[:, 0], 6.0)
    assert (near[0] == 0).sum() == (wanted[0] > 6).sum() + 1  # beyond the range: not measured
    assert align_relative(true, 2 * true, 12.0) is true


def test_gradient_loss_by_hand() -> None:
    # One scale, d = [[0, 1], [0, 1]]: horizontal steps 1 and 1, vertical 0 and 0.
    d = grid(0, 1, 0, 1)
    assert float(gradient_loss(d, torch.ones_like(d, dtype=torch.bool), scales=1)) == pytest.approx(
        10.0
    )
    assert float(gradient_loss(d * 0 + 3, d < 9, scales=1)) == 0.0


def test_sobel_loss_by_hand() -> None:
    # A ramp of slope 1 against a flat map: |gx| = 8, |gy| = 0, mean 4.
    ramp = torch.arange(5.0).repeat(5, 1)[None, None]
    assert float(sobel_loss(ramp, torch.zeros_like(ramp))) == pytest.approx(4.0)


def test_shrink_target_by_hand() -> None:
    # The geometric mean of 1 and 4 is 2; the zeros are not measured.
    target, valid = shrink_target(grid(1, 4, 0, 0), grid(1, 4, 0, 0) > 0, 2)
    assert float(target) == pytest.approx(2.0)
    assert bool(valid)


def test_level_loss_is_zero_for_the_right_coarse_depth() -> None:
    target = grid(*([2.0] * 16))
    coarse = [grid(2.0), grid(2.0, 2.0, 2.0, 2.0)]
    assert float(level_loss(coarse, target, target > 0)) == pytest.approx(0.0, abs=2e-3)
    wrong = [grid(4.0), grid(2.0, 2.0, 2.0, 2.0)]
    expected = 10 * math.sqrt(0.15) * math.log(2) / 2
    assert float(level_loss(wrong, target, target > 0)) == pytest.approx(expected, abs=2e-3)
