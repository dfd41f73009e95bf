"""The network as the paper describes it."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from core.errors import ConfigError
from core.model import LapDepth, ModelConfig, accumulate
from core.model.layers import standardise

SMALL = ModelConfig("efficientnet_lite0", max_depth=10.0, decoder_width=128)
VARIANTS = {
    "batch": SMALL,
    "group": replace(SMALL, norm="group"),
    "classic": replace(SMALL, aspp="classic", aspp_rates=(1, 6, 12, 18)),
    "deep and global": replace(SMALL, deep_stage=True, global_context=True),
    "no bands": replace(SMALL, bands=False),
    "plain filters": replace(SMALL, weight_standardisation=False),
    "no branches": replace(SMALL, aspp_rates=()),
}


def seeded(config: ModelConfig) -> LapDepth:
    torch.manual_seed(0)
    return LapDepth(config).eval()


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())
def test_shapes_and_ranges(config: ModelConfig, image: torch.Tensor) -> None:
    with torch.inference_mode():
        output = seeded(config)(image)
    assert output.depth.shape == (2, 1, 64, 96)
    sizes = [(4, 6), (8, 12), (16, 24), (32, 48), (64, 96)]
    assert [tuple(r.shape) for r in output.residuals] == [(2, 1, *size) for size in sizes]
    assert [tuple(b.shape) for b in output.bands] == [(2, 3, *size) for size in sizes]
    # Random weights saturate many residuals, so the ends of the ranges are reached in float32.
    assert float(output.residuals[0].min()) >= 0
    assert float(output.residuals[0].max()) <= 1
    assert all(float(r.abs().max()) <= 1 for r in output.residuals[1:])
    # sigmoid of a sum in (-4, 5): section 1's true range.
    assert float(output.depth.min()) >= 0.18
    assert float(output.depth.max()) <= 9.94


def test_depth_is_what_the_levels_sum_to(image: torch.Tensor) -> None:
    with torch.inference_mode():
        output = seeded(SMALL)(image)
    total = output.residuals[0]
    for residual in output.residuals[1:]:
        doubled = nn.functional.interpolate(total, scale_factor=2, mode="bilinear")
        total = residual + doubled
    assert torch.allclose(output.depth, 10 * torch.sigmoid(total), atol=1e-6)


@pytest.mark.parametrize("level", range(5))
def test_every_level_matters(level: int, image: torch.Tensor) -> None:
    model = seeded(SMALL)
    with torch.inference_mode():
        output = model(image)
    gains = [float(k != level) for k in range(5)]
    without = model.depth_of(accumulate(output.residuals, gains)[-1])
    assert float((without - output.depth).abs().max()) > 1e-3


def test_the_bands_reach_the_depth(image: torch.Tensor) -> None:
    model = seeded(SMALL)
    blind = LapDepth(replace(SMALL, bands=False)).eval()
    blind.load_state_dict(model.state_dict())
    with torch.inference_mode():
        assert float((model(image).depth - blind(image).depth).abs().max()) > 1e-3


def test_band_enters_the_residual_with_a_tenth() -> None:
    # With the head's last filters at zero, the finest residual is tanh(0.1 * mean band) alone.
    model = seeded(SMALL)
    level = model.decoder.levels[-1]
    head = level.get_submodule("head")
    assert isinstance(head, nn.Sequential)
    nn.init.zeros_(head[-1].get_parameter("conv.weight"))
    image = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        output = model(image)
    expected = torch.tanh(0.1 * output.bands[-1].mean(1, keepdim=True))
    assert torch.allclose(output.residuals[-1], expected, atol=1e-6)


def test_standardised_filters_by_hand() -> None:
    # Mean 2.5, centred (-1.5, -0.5, 0.5, 1.5), unbiased variance 5 / 3.
    weight = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], dtype=torch.float64)
    expected = torch.tensor([-1.5, -0.5, 0.5, 1.5], dtype=torch.float64) / ((5 / 3) ** 0.5 + 1e-5)
    assert torch.allclose(standardise(weight).flatten(), expected)


@pytest.mark.parametrize("shape", [(1, 3, 60, 96), (1, 1, 64, 64), (3, 64, 64)])
def test_wrong_input_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="multiples of 16"):
        seeded(SMALL)(torch.zeros(shape))


@pytest.mark.parametrize(
    "values",
    [
        {"max_depth": -1},
        {"norm": "layer"},
        {"decoder_width": 100},
        {"aspp_rates": (3,) * 9},
        {"focal": 0.0},
        {"colour": "red"},
    ],
)
def test_config_refuses(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        ModelConfig.from_dict({"encoder": "efficientnet_lite0", "max_depth": 10.0, **values})


def test_paper_network_has_the_published_widths() -> None:
    with torch.device("meta"):
        model = LapDepth(ModelConfig("resnext101_32x8d", max_depth=80.0))
    refine = [
        level.get_submodule("refine.conv").get_parameter("weight").shape[0]
        for level in model.decoder.levels
    ]
    assert refine == [256, 128, 64, 64]
    assert len(model.state_dict()) == 763
    with torch.device("meta"):
        grouped = LapDepth(ModelConfig("resnext101_32x8d", max_depth=80.0, norm="group"))
    assert len(grouped.state_dict()) == 664


def test_one_level_alone_gives_the_whole_sum(image: torch.Tensor) -> None:
    model = seeded(replace(SMALL, residuals=False))
    with torch.inference_mode():
        output = model(image)
        lifted = model.decoder.coarsest(model.aspp(model.encoder(image)[0]))
    for _ in range(4):
        lifted = nn.functional.interpolate(lifted, scale_factor=2, mode="bilinear")
    assert torch.allclose(output.depth, 10 * torch.sigmoid(lifted), atol=1e-5)
    assert not any(r.any() for r in output.residuals[1:])
