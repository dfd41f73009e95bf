"""The network rewritten for inference computes what the plain one computes."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from core.engines.torch_engine import route_pointwise
from core.model import LapDepth
from core.model.encoders import ENCODERS, Encoder
from core.model.fold import folded
from core.model.layers import StandardisedConv2d
from tests.tiny_checkpoint import calibrated, pictures, tiny_config


def difference(model: LapDepth, other: nn.Module, image: Tensor) -> float:
    with torch.inference_mode():
        expected, got = model(image).depth, other(image).depth
    assert float(expected.std()) > 0.01  # a constant would agree with anything
    return float(((got - expected).abs() / expected).max())


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_every_encoder_gives_the_same_depth(encoder: str) -> None:
    model = calibrated(tiny_config(encoder=encoder), size=(64, 64))
    light = folded(model)
    assert difference(model, light, pictures(1, 64, 80)) <= 1e-4
    assert route_pointwise(light) > 0
    assert difference(model, light, pictures(1, 64, 80)) <= 1e-4


@pytest.mark.parametrize(
    "changes",
    [
        {"norm": "group"},
        {"aspp": "classic", "aspp_rates": (1, 6, 12, 18), "global_context": True},
        {"weight_standardisation": False},
        {"bands": False},
        {"deep_stage": True},
    ],
    ids=str,
)
def test_every_kind_of_decoder_gives_the_same_depth(changes: dict[str, object]) -> None:
    model = calibrated(tiny_config(**changes))
    assert difference(model, folded(model), pictures(2, 64, 96)) <= 1e-4


def test_the_work_is_really_gone_and_the_original_is_left_alone() -> None:
    model = calibrated(tiny_config())
    before = copy.deepcopy(model.state_dict())
    light = folded(model)

    def norms(module: nn.Module) -> int:
        return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())

    assert norms(light.encoder) == 0
    assert norms(light.decoder) < norms(model.decoder)
    assert all(c.plain for c in light.modules() if isinstance(c, StandardisedConv2d))
    assert not any(parameter.requires_grad for parameter in light.parameters())
    after = model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert all(parameter.requires_grad for parameter in model.parameters())


class _NormFirst(Encoder):
    """Declares a convolution and then a norm of its width, but applies the norm first."""

    def __init__(self) -> None:
        super().__init__(deep_stage=False)
        self.conv = nn.Conv2d(3, 3, 1, bias=False)
        self.norm = nn.BatchNorm2d(3)
        self.norm.running_mean = torch.tensor([0.5, -0.5, 0.2])
        self._set_channels((3, 3, 3, 3), 3)

    def stages(self, image: Tensor) -> list[Tensor]:
        x = self.conv(torch.relu(self.norm(image)))
        return [nn.functional.avg_pool2d(x, stride) for stride in (16, 8, 4, 2)]

    def from_imagenet(self, weights: object) -> dict[str, Tensor]:
        raise NotImplementedError


def test_norms_in_an_unusual_place_are_left_alone() -> None:
    model = calibrated(tiny_config())
    model.encoder = _NormFirst().eval()
    image = pictures(1, 64, 64)
    with torch.inference_mode():
        expected = model.encoder(image)
        got = _encoder_after_folding(model)(image)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(expected, got, strict=True))


def _encoder_after_folding(model: LapDepth) -> nn.Module:
    light = folded(model)
    assert any(isinstance(part, nn.BatchNorm2d) for part in light.encoder.modules())
    return light.encoder
