"""Stochastic depth: what is left out, how often, and that it ends with the training."""

import pytest
import torch
from torch import nn

from core.model.encoders import build_encoder
from core.model.encoders.base import drop_blocks


class AddsOne(nn.Module):
    """A residual block whose branch is 1 everywhere."""

    adds = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


def test_images_lose_a_block_on_their_own_and_the_mean_stays() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(AddsOne(), AddsOne())
    assert drop_blocks(network, 0.25) == 2
    y = network(torch.zeros(4000, 1, 2, 2))
    per_image = y[:, 0, 0, 0]
    # The first block always counts; the last is there for three in four, at 4/3 of its size.
    assert sorted(set(per_image.tolist())) == pytest.approx([1, 1 + 4 / 3])
    assert float((per_image > 1.5).float().mean()) == pytest.approx(0.75, abs=0.03)
    assert float(per_image.mean()) == pytest.approx(2, abs=0.04)
    assert torch.equal(y.amin((1, 2, 3)), y.amax((1, 2, 3)))


def test_a_finished_network_is_whole() -> None:
    network = nn.Sequential(AddsOne(), AddsOne())
    drop_blocks(network, 0.9)
    assert torch.equal(network.eval()(torch.zeros(3, 1, 2, 2)), torch.full((3, 1, 2, 2), 2.0))


def test_encoders_with_blocks_to_leave_out() -> None:
    assert drop_blocks(build_encoder("efficientnet_lite0"), 0.2) == 6
    assert drop_blocks(build_encoder("resnet18"), 0.2) == 0
